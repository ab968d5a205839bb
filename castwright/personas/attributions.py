"""Who says a quotation in prose: by a verb of speaking, or by being the only one named beside it.

Sure cases only: '"...," said NAME', 'NAME said, "..."', and a paragraph whose narration begins its sentences with one
known name and names nobody else. Pronouns, "the old man" and bare exchanges are not guessed at: a line in the wrong
mouth spoils a style, a line that is missing does not. (Rejected: taking turns between the last two speakers, which
one interruption puts wrong to the end of the page; a coreference model, too heavy for a source.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from castwright.personas.quotes import Quotation
from castwright.personas.speaker_names import name_key
from castwright.personas.speech_words import sentences_of, word_set

_VERBS = (
    "said|says|cried|cries|asked|asks|replied|replies|answered|answers|exclaimed|returned|remarked|observed|continued"
    "|added|adds|whispered|whispers|murmured|muttered|shouted|shouts|called|calls|began|repeated|declared|demanded"
    "|inquired|enquired|interrupted|protested|suggested|explained|announced|growled|sighed|laughed|screamed|roared"
    "|responded|retorted|rejoined|went on|broke in|put in|ejaculated|sobbed|snapped|groaned|gasped|pleaded|insisted"
)
_TITLE = (
    r"(?:Mr|Mrs|Ms|Miss|Dr|Doctor|Sir|Lady|Lord|Captain|Colonel|General|Major|Father|Mother|Brother|Sister|Aunt|Uncle"
    r"|Madame?|Monsieur|Prince|Princess|King|Queen|Count|Countess|Professor|Inspector|Reverend|St)\.?[ \n]"
)
_PROPER = r"[^\W\d_a-zß-öø-ÿ][\w’'-]*[^\W\d_]"
_NAME = (
    rf"(?P<name>(?:{_TITLE}){{0,2}}{_PROPER}(?:[ \n](?:of|de|van|von)[ \n]{_PROPER}|[ \n]{_PROPER}){{0,2}})"
    r"(?<!['’]s)"
)
_ADVERB = r"(?:[ \n]\w+ly)?"
_AFTER_VERB_NAME = re.compile(rf"\s*(?:{_VERBS}){_ADVERB}[ \n](?:the[ \n])?{_NAME}(?=[\s,.;:!?—-]|$)")
_AFTER_NAME_VERB = re.compile(rf"\s*(?:the[ \n])?{_NAME}{_ADVERB}[ \n](?:{_VERBS})(?=[\s,.;:!?—-]|$)")
_BEFORE = re.compile(
    rf"(?:^|[.!?…”\"’'—][ \n]|\n)(?:[Tt]he[ \n])?{_NAME}{_ADVERB}[ \n](?:{_VERBS})(?P<rest>[^.!?]{{0,60}}[,:])\s*$"
)
_JOINED = re.compile(rf"\s*(?:and|&|or)[ \n](?:the[ \n])?{_PROPER}")
_BEAT = re.compile(rf"(?:The[ \n])?{_NAME}(?=[\s,])")
_ANY_NAME = re.compile(rf"(?<![\w’'-]){_NAME}")
_SILENCE = re.compile(r"\b(?:nothing|silent|silence|no answer|no reply|not (?:answer|reply|speak)|never spoke)\b")
_NOBODY = word_set(
    """
    he she they it we i you one this that these those there then thus so but and or nor if when while where what who why
    how yes no not nobody somebody someone everybody everyone anybody anyone none neither both all another others here
    now suddenly presently again at after before as for from in on with without his her their my your our its the a an
    oh well ah indeed perhaps meanwhile finally monday tuesday wednesday thursday friday saturday sunday
    """
)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who says a quotation, as named there; `index` is that of the quotation in its paragraph."""

    name: str
    index: int


def named_speakers(text: str, quotations: Sequence[Quotation]) -> list[Attribution]:
    """Return the speakers that verbs of speaking name in a paragraph, each at the quotation it stands beside."""
    found = []
    for index, quotation in enumerate(quotations):
        after_end = quotations[index + 1].start if index + 1 < len(quotations) else len(text)
        before_start = quotations[index - 1].end if index else 0
        name = _named_after(text[quotation.end : after_end], quotation.text) if quotation.closed else ""
        name = name or _named_before(text[before_start : quotation.start])
        if name:
            found.append(Attribution(name, index))
    return found


def acting_speaker(text: str, quotations: Sequence[Quotation], known: frozenset[str]) -> str:
    """Return the one person that a paragraph's narration is about, or an empty string.

    `known` are name keys of speakers found by verbs; any other name in the narration makes it unsure.
    """
    narration, at = [], 0
    for quotation in quotations:
        narration.append(text[at : quotation.start])
        at = quotation.end
    narration.append(text[at:])
    subjects: dict[str, str] = {}
    for part in narration:
        if _SILENCE.search(part):
            return ""
        for sentence in sentences_of(part):
            match = _BEAT.match(sentence)
            if match is None or not _is_name(match["name"]):
                return ""
            subjects[name_key(match["name"])] = _plain(match["name"])
            if any(_is_name(other["name"]) for other in _ANY_NAME.finditer(sentence, match.end())):
                return ""
    key, name = next(iter(subjects.items()), ("", ""))
    return name if len(subjects) == 1 and key in known else ""


def _named_after(narration: str, said: str) -> str:
    match = _AFTER_VERB_NAME.match(narration)
    if match is None and not said.rstrip().endswith("."):  # behind a full stop a new sentence begins
        match = _AFTER_NAME_VERB.match(narration)
        if match is not None and _SILENCE.search(narration[match.end() : match.end() + 20]):
            return ""
    if match is None or _JOINED.match(narration, match.end()) or not _is_name(match["name"]):
        return ""
    return _plain(match["name"])


def _named_before(narration: str) -> str:
    match = _BEFORE.search(narration)
    return _plain(match["name"]) if match and _is_name(match["name"]) else ""


def _is_name(name: str) -> bool:
    return name.split()[0].casefold().strip(".'’") not in _NOBODY


def _plain(name: str) -> str:
    return " ".join(name.split())
