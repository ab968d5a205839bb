"""No bars and no chatter from the training libraries, and their settings as they were afterwards."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOGGERS = ("transformers", "trl", "accelerate", "datasets")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers, TRL and datasets inside the block; errors still show."""
    datasets: Any = sys.modules.get("datasets")  # only a training loads it: no reason to do so for inference
    from transformers.utils import logging as transformers_logging

    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    bars = transformers_logging.is_progress_bar_enabled()
    data_bars = datasets is not None and not datasets.are_progress_bars_disabled()
    transformers_logging.disable_progress_bar()
    if data_bars:
        datasets.disable_progress_bars()
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()
        if data_bars:
            datasets.enable_progress_bars()
