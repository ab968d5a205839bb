"""One answer of a model, and the shape in which distilabel wants it.

An `Answer` is frozen data: a text, or the reason why there is none. `as_output` turns several into
distilabel's `GenerateOutput`; its extra keys (`failure`, `finish_reason`) ride along as distilabel lets
`logprobs` ride along, so any distilabel task still takes our models. (Rejected: raising for a failed call,
because distilabel gathers without a net and one exception costs the whole batch.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

EXCERPT = 200
"""How many characters of a server's own words go into a reason."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call gave. Exactly one of `text` and `failure` is set; tokens are 0 where unknown."""

    text: str | None = None
    failure: str | None = None
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0

    def __post_init__(self) -> None:
        if (self.text is None) == (self.failure is None):
            raise ValueError("an Answer has either a text or a failure")


def as_output(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return distilabel's `GenerateOutput` for the generations of one prompt, one list item each."""
    return {
        "generations": [answer.text for answer in answers],
        "statistics": {
            "input_tokens": [answer.input_tokens for answer in answers],
            "output_tokens": [answer.output_tokens for answer in answers],
        },
        "failure": [answer.failure for answer in answers],
        "finish_reason": [answer.finish_reason for answer in answers],
    }


def estimate_tokens(text: str) -> int:
    """Return a rough token count, one per four characters, for what has no tokenizer."""
    return -(-len(text) // 4)


def finished(
    text: str | None,
    finish_reason: str | None,
    tokens: tuple[int, int],
    *,
    allow_truncated: bool,
    limit: int | None,
) -> Answer:
    """Return the answer of a call that came back whole: its text, or why the text is of no use.

    `tokens` is (input, output); `limit` the `max_tokens` that was asked for, if any.
    """
    failure = None
    if finish_reason == "content_filter":
        failure = "the server's content filter held the reply back"
    elif finish_reason == "length" and not allow_truncated:
        failure = f"cut off at max_tokens{f' ({limit})' if limit else ''}; raise it or set allow_truncated"
    elif not (text and text.strip()):
        failure = "empty reply"
    return Answer(None if failure else text, failure, finish_reason, *tokens)
