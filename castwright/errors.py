"""What can go wrong, and who hears of it.

The failure model has three kinds:

1. *The user's input is wrong* (recipe, path, column, key): a `CastwrightError`. It states the value, where
   it stood and the remedy; the command line prints it as one line and exits with 2. No traceback.
2. *One record is bad* among good ones: never an exception. The record is kept aside as a `BadRecord` with
   its place and reason, and the run goes on.
3. *A model call fails*: never an exception either, but an `Answer` with a failure, so that one lost call
   costs one row. Only what would fail for every row (a wrong key, a model the server lacks) is kind 1.

A run that is told to stop (Ctrl-C, a budget) is none of these: `Stopped` says how to go on, with exit codes of its
own. Anything else that is raised is a bug of ours and shows its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class CastwrightError(Exception):
    """An error a user can mend: one line with the value, where it stood, and the remedy."""


class RecipeError(CastwrightError):
    """A recipe that cannot be run: unknown key, wrong type, missing part."""


class SourceError(CastwrightError):
    """An input that cannot be read: missing file, wrong column, no usable record."""


class ModelError(CastwrightError):
    """A model that cannot be used at all: wrong key, unknown name, missing package."""


class JournalError(CastwrightError):
    """The journal of model calls cannot be used: its file, its disk or its rights."""


class Stopped(CastwrightError):  # noqa: N818 (nothing went wrong)
    """A run was told to stop and has: what was answered is in the journal, the next run goes on from there.

    `exit_code` is what the command line ends with: 130 after Ctrl-C, 3 where a budget is used up.
    """

    def __init__(self, message: str, exit_code: int = 3) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class StepError(CastwrightError):
    """A step of a graph raised: names the step and, where known, the row."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One record of a source that was kept aside.

    `place` is "file:line" (lines count from 1) or "file[record]"; `excerpt` its first 200 characters.
    """

    place: str
    reason: str
    excerpt: str = ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `" (did you mean 'x'?)"` for the known word nearest to `word`, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
