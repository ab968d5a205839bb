"""One run of TRL's `SFTTrainer`: prompt-completion data, loss on the completion, quiet, seeded.

Its own module because the classes it makes need torch and TRL, which are imported only when a training runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from castwright.generators.rewriter.config import RewriterTraining
from castwright.generators.rewriter.threads import threads_for

_REPORTS = 40  # progress reports per training


def make_trainer(
    model: Any,
    tokenizer: Any,
    training: Sequence[dict[str, str]],
    held_out: Sequence[dict[str, str]],
    config: RewriterTraining,
    *,
    steps: int,
    device: str,
    folder: Path,
) -> Any:
    """Return an `SFTTrainer` over prompt-completion examples; its labels are -100 on every prompt token."""
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    settings = SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        learning_rate=config.peak_learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=max(1, steps // 30),
        weight_decay=0.05,
        completion_only_loss=True,
        max_length=config.max_length,
        train_sampling_strategy="group_by_length",
        gradient_checkpointing=False,
        bf16=device == "cuda",
        use_cpu=device == "cpu",
        dataloader_pin_memory=device == "cuda",
        seed=config.seed,
        data_seed=config.seed,
        logging_steps=max(1, steps // _REPORTS),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=model,
        args=settings,
        train_dataset=Dataset.from_list(list(training)),
        eval_dataset=Dataset.from_list(list(held_out)) if held_out else None,
        processing_class=tokenizer,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def fit(
    trainer: Any, *, steps: int, max_seconds: float | None, progress: Callable[[int, int, float], None] | None
) -> tuple[list[tuple[int, float]], float | None]:
    """Train; return the losses as (step, training loss) and the held-out loss (None without such data)."""
    losses: list[tuple[int, float]] = []
    trainer.add_callback(_watcher(losses, steps, max_seconds, progress))
    with threads_for(trainer.model):
        result = trainer.train()
        held_out = trainer.evaluate() if trainer.eval_dataset is not None else None
    done = int(result.global_step)
    if not losses or losses[-1][0] < done:  # the last steps were too few for a report of their own
        losses.append((done, losses[-1][1] if losses else float(result.training_loss)))
        if progress is not None:
            progress(done, steps, losses[-1][1])
    return losses, None if held_out is None else float(held_out["eval_loss"])


def _watcher(
    losses: list[tuple[int, float]],
    steps: int,
    max_seconds: float | None,
    progress: Callable[[int, int, float], None] | None,
) -> Any:
    from transformers import TrainerCallback

    started = time.monotonic()

    class Watcher(TrainerCallback):
        """Keeps the losses, tells the caller, and stops at the deadline."""

        def on_log(self, _args: Any, state: Any, _control: Any, logs: Any = None, **_kwargs: Any) -> None:
            if logs and "loss" in logs:
                losses.append((int(state.global_step), float(logs["loss"])))
                if progress is not None:
                    progress(int(state.global_step), steps, losses[-1][1])

        def on_step_end(self, _args: Any, _state: Any, control: Any, **_kwargs: Any) -> None:
            if max_seconds is not None and time.monotonic() - started > max_seconds:
                control.should_training_stop = True

    return Watcher()
