"""A response put together again from its sentences, some rewritten, some not.

Sentences are rewritten alone, so what holds between them is settled here: a stop that parts two sentences is
never lost, and one person does not start one sentence in lower case and the next with a capital, nor write
"I" and "i" in one breath. The rewritten sentences' majority decides. Rejected: rewriting every sentence in
view of the one before, which doubles the prompt for this alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

_STOPS = ".!?…:;,"
_I = re.compile(r"(?<![\w'.-])[Ii](?='(?:m|d|ve|ll)\b|(?!['\w-]|\.\w))")


def assemble(parts: Sequence[str], said: Mapping[str, str], lower: Callable[[str], str]) -> str:
    """Return the text of its parts (sentences and gaps in turn) with what was said instead.

    `lower` gives a sentence without the capital that it owes to its place alone.
    """
    replies = {index: said[part] for index, part in enumerate(parts) if index % 2 == 0 and part in said}
    if not replies:
        return "".join(parts)
    lowered = sum(lower(parts[index]) != parts[index] and reply[:1].islower() for index, reply in replies.items())
    raised = sum(lower(reply) != reply for reply in replies.values())
    written = list(parts)
    for index in range(0, len(parts), 2):
        sentence = replies.get(index, parts[index])
        if lowered > raised:
            sentence = lower(sentence)
        written[index] = sentence + _lost_stop(parts, index, sentence)
    return _one_spelling_of_i("".join(written), "".join(parts))


def _lost_stop(parts: Sequence[str], index: int, sentence: str) -> str:
    followed = index + 1 < len(parts) and "\n" not in parts[index + 1]
    stop = parts[index].rstrip()[-1:]
    return stop if followed and stop and stop in _STOPS and sentence[-1:] not in _STOPS else ""


def _one_spelling_of_i(text: str, source: str) -> str:
    """Return the text with "I" or "i" throughout, whichever is more frequent, unless the source has "i"."""
    forms = _I.findall(text)
    if "i" in _I.findall(source) or "`" in text or "i" not in forms or "I" not in forms:
        return text
    form = "i" if forms.count("i") > forms.count("I") else "I"
    return _I.sub(form, text)
