"""How a style rewriter is trained.

The defaults are what a few hundred pairs and two processor cores can do in about a minute; with more pairs
the number of steps grows. Steps are counted, not seconds: `max_seconds` exists for a deadline, but a run that
it cuts short is not reproducible.
"""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field, model_validator

_STEPS_PER_ROOT = 55  # 600 training pairs: 1,350 steps, about a minute on two quiet cores
_MIN_STEPS, _MAX_STEPS = 300, 16_000
_BASE_EPOCHS = 3


class RewriterTraining(BaseModel):
    """Settings of `train_rewriter`.

    `base` is a checkpoint's name or path, or None for a small model from scratch; `width`, `layers`, `heads`
    and `prompt_words` (longer sentences stay as they are) count only from scratch. `max_steps` None derives
    the steps from the number of pairs. `learning_rate` None means 3e-3 from scratch and 2e-5 on a base.
    `held_out` is the share of pairs kept for evaluation where the pairs name no split themselves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: str | None = None
    seed: int = Field(default=0, ge=0)
    max_steps: int | None = Field(default=None, ge=1)
    max_seconds: float | None = Field(default=None, gt=0)
    batch_size: int = Field(default=16, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    held_out: float = Field(default=0.1, ge=0, le=0.5)
    width: int = Field(default=128, ge=16)
    layers: int = Field(default=2, ge=1)
    heads: int = Field(default=4, ge=1)
    prompt_words: int = Field(default=32, ge=8, le=128)
    max_length: int = Field(default=512, ge=64)

    @model_validator(mode="after")
    def _heads_fit(self) -> RewriterTraining:
        if self.width % (2 * self.heads):
            raise ValueError(f"width {self.width} must be a multiple of twice heads ({2 * self.heads})")
        return self

    def steps_for(self, pairs: int) -> int:
        """Return the number of optimiser steps for so many training pairs."""
        if self.max_steps is not None:
            return self.max_steps
        if self.base is not None:
            return max(1, math.ceil(_BASE_EPOCHS * pairs / self.batch_size))
        return min(_MAX_STEPS, max(_MIN_STEPS, round(_STEPS_PER_ROOT * math.sqrt(pairs))))

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate after warm-up."""
        return self.learning_rate or (3e-3 if self.base is None else 2e-5)
