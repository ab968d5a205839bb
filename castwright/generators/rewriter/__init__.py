"""The style rewriter (PSR, NGENT 4.2.1): trained formal to casual, applied to modern personas' responses.

Train one with `train_rewriter`, use it with `Rewriter.load(path).rewrite(texts)`. Names are loaded when they
are asked for, and torch only when a training or a model is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from castwright.generators.rewriter.config import RewriterTraining
    from castwright.generators.rewriter.model import Rewriter
    from castwright.generators.rewriter.pairs import StylePair
    from castwright.generators.rewriter.train import TrainingReport, train_rewriter

__all__ = ["Rewriter", "RewriterTraining", "StylePair", "TrainingReport", "train_rewriter"]

_HOMES = {
    "Rewriter": "model",
    "RewriterTraining": "config",
    "StylePair": "pairs",
    "TrainingReport": "train",
    "train_rewriter": "train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
