"""A conversation of two agents: who speaks when, what ends it, and what spoils it.

The agents are two coroutines from turns to an `Answer`, so the rules can be read and tested without a model or
a prompt. A talk always ends with an answer of the character: a question that nobody answered teaches nothing
and is taken off. Repetition is checked as the turns come, because every further turn of a spoiled talk is paid
for. (Rejected: leaving the end to the turn limit alone, which teaches models that people never stop.)
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from castwright.generators.models.answer import Answer
from castwright.generators.prompt import Message
from castwright.generators.reply_text import clean_reply

Agent = Callable[[Sequence[str]], Awaitable[Answer]]
"""Takes the turns so far, the person's first, and gives the next one."""

_END = re.compile(r"\[\s*END\s*\]", re.IGNORECASE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said: the person's turns and the character's, in turn, and why there are no more.

    `ended_by` is "ask_agent" (it had enough), "limit", "failure" or "repetition". `problem` says what failed or
    was repeated, and is empty otherwise.
    """

    turns: tuple[str, ...]
    ended_by: str
    problem: str = ""

    @property
    def messages(self) -> list[Message]:
        """The turns as chat messages, user first."""
        return [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(self.turns)]

    @property
    def is_usable(self) -> bool:
        """Whether there is at least one exchange and nothing in it was said twice."""
        return len(self.turns) > 1 and self.ended_by != "repetition"


async def talk(opening: str, *, ask: Agent, chat: Agent, max_turns: int) -> Talk:
    """Let two agents talk, from the person's opening to at most `max_turns` turns of the person.

    Raises:
        CastwrightError: a model can answer nobody at all.
    """
    turns = [opening.strip()]
    while True:
        speaker = "the character" if len(turns) % 2 else "the person"
        if speaker == "the person" and len(turns) >= 2 * max_turns:
            return Talk(tuple(turns), "limit")
        said, problem = _read(await (chat if speaker == "the character" else ask)(turns))
        if problem:
            return _broken_off(turns, f"turn {len(turns) + 1}, by {speaker}: {problem}")
        if speaker == "the person" and _END.search(said):
            return Talk(tuple(turns), "ask_agent")
        before = next((at for at in range(len(turns) % 2, len(turns), 2) if same_words(turns[at], said)), None)
        turns.append(said)
        if before is not None:
            repeated = f"turn {len(turns)} of the talk, by {speaker}, repeats turn {before + 1} word for word"
            return Talk(tuple(turns), "repetition", repeated)


def same_words(one: str, other: str) -> bool:
    """Return whether two turns are the same words, whatever their case and punctuation."""
    words, theirs = _WORD.findall(one.casefold()), _WORD.findall(other.casefold())
    return words == theirs if words or theirs else one.strip() == other.strip()


def _read(answer: Answer) -> tuple[str, str]:
    """Return (text, "") or ("", problem)."""
    if answer.text is None:
        return "", answer.failure or "no reply"
    try:
        return clean_reply(answer.text), ""
    except ValueError as error:
        return "", str(error)


def _broken_off(turns: list[str], problem: str) -> Talk:
    """Return the full exchanges so far: a question left without an answer goes."""
    return Talk(tuple(turns[: len(turns) // 2 * 2]), "failure", problem)
