"""Habits of speech: every quirk of the shared vocabulary as a transform of an answer's sentences.

A quirk is found by its wording (`"uses sailing metaphors"`) and becomes a function from sentences to
sentences; what it says comes from `data/quirks.yaml`. Quirks outside the vocabulary are passed over, because
a habit that is only half played reads worse than one that is left out. Transforms that could touch facts
(numbers, names) are marked, so that a restated answer gets only the others.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from castwright.generators.offline import english
from castwright.generators.offline.english import word_set
from castwright.generators.offline.grammar import grammar
from castwright.generators.offline.third_person import third_person
from castwright.generators.offline.voice import Voice

Slots = dict[str, str]

Transform = Callable[[list[str], random.Random, Slots], list[str]]

MOST_PER_ANSWER = 2


@dataclass(frozen=True, slots=True)
class Quirk:
    """A habit of speech ready to apply. `content`: it adds content, so a given answer goes without."""

    name: str
    apply: Transform
    content: bool = False


def _say(rule: str, rng: random.Random, slots: Slots) -> str:
    return grammar("quirks").say(rule, rng, slots)


def _inserted(rule: str, where: str) -> Transform:
    """Return the transform that adds one sentence of a rule at the front, the end or inside."""

    def apply(sentences: list[str], rng: random.Random, slots: Slots) -> list[str]:
        said = _say(rule, rng, slots)
        if not said:
            return sentences
        at = {"front": 0, "end": len(sentences)}.get(
            where, rng.randint(min(1, len(sentences)), max(1, len(sentences) - 1))
        )
        return [*sentences[:at], said, *sentences[at:]]

    return apply


def _replaced(rule: str) -> Transform:
    """Return the transform that puts a sentence of a rule in the place of an inner one, or at the end."""

    def apply(sentences: list[str], rng: random.Random, slots: Slots) -> list[str]:
        said = _say(rule, rng, slots)
        if not said:
            return sentences
        return [*sentences[:2], said, *sentences[3:]] if len(sentences) > 3 else [*sentences, said]

    return apply


def _address(word: str) -> Transform:
    def apply(sentences: list[str], rng: random.Random, _slots: Slots) -> list[str]:
        at = rng.randrange(len(sentences)) if sentences else 0
        if not sentences or word.lower() in sentences[at].lower():
            return sentences
        sentence = sentences[at].rstrip()
        if sentence[-1:] in ".!?" and not sentence.endswith("...") and '"' not in sentence and rng.random() < 0.7:
            return [
                *sentences[:at],
                f"{sentence[:-1].rstrip(',;')}, {word}{sentence[-1]}",
                *sentences[at + 1 :],
            ]
        front = english.upper_first(word)
        return [*sentences[:at], f"{front}, {english.lower_first(sentence)}", *sentences[at + 1 :]]

    return apply


def _swear(oath: str) -> Transform:
    oath = re.sub(r"^(?:their|his|her) ", "my ", oath)

    def apply(sentences: list[str], rng: random.Random, slots: Slots) -> list[str]:
        candidates = [at for at, text in enumerate(sentences) if english.starts_safely(text) and not text.endswith("?")]
        at = rng.choice(candidates) if candidates else -1
        if at < 0:
            return [*sentences, f"I swear it by {oath}."]
        said = _say("swear", rng, {**slots, "oath": oath, "rest": english.lower_first(sentences[at])})
        return [*sentences[:at], said, *sentences[at + 1 :]]

    return apply


def _trail_off(sentences: list[str], rng: random.Random, _slots: Slots) -> list[str]:
    plain = [at for at, text in enumerate(sentences) if text.endswith(".") and not text.endswith("..")]
    if not plain:
        return sentences
    at = plain[-1] if rng.random() < 0.7 else rng.choice(plain)
    return [*sentences[:at], sentences[at][:-1] + "...", *sentences[at + 1 :]]


def _exclaim(sentences: list[str], rng: random.Random, _slots: Slots) -> list[str]:
    plain = [at for at, text in enumerate(sentences) if text.endswith(".") and not text.endswith("..")]
    chosen = set(rng.sample(plain, min(len(plain), rng.randint(1, 2))))
    return [f"{text[:-1]}!" if at in chosen else text for at, text in enumerate(sentences)]


def _number(sentences: list[str], rng: random.Random, _slots: Slots) -> list[str]:
    ordinals = rng.choice(
        [
            ("First,", "Second,", "Third,", "Fourth,"),
            ("Point one:", "Point two:", "Point three:", "Point four:"),
            ("Firstly,", "Secondly,", "Thirdly,", "Fourthly,"),
        ]
    )
    points = [at for at, text in enumerate(sentences) if not text.endswith("?") and len(text.split()) > 3][:4]
    if len(points) < 2:
        return sentences
    order = dict(zip(points, ordinals, strict=False))
    return [f"{order[at]} {english.lower_first(text)}" if at in order else text for at, text in enumerate(sentences)]


def _emphasise(sentences: list[str], rng: random.Random, _slots: Slots) -> list[str]:
    for at in rng.sample(range(len(sentences)), len(sentences)):
        match = re.search(r"\b([a-z]{4,})\.$", sentences[at])
        if match and match.group(1) not in _WEAK_WORDS:
            said = english.upper_first(_say("emphasis", rng, {"word": match.group(1)}))
            return [*sentences[:at], f"{sentences[at]} {said}", *sentences[at + 1 :]]
    return sentences


_WEAK_WORDS = word_set(
    "with from that this them there than then when what have been were will would they your mine either else"
)

_HEDGEABLE = re.compile(
    r"^(?:It|There|The|That|This|A|An|My|Some|Most|Small|People|Nobody|Everyone|Few|Half|"
    r"You|We|These|Such|Time|Things)\b"
)


_CLAUSE_HEDGES = frozenset({"I suppose", "it seems to me", "I rather think"})


def _hedge(sentences: list[str], rng: random.Random, slots: Slots) -> list[str]:
    out, left = [], 2
    for sentence in sentences:
        word = _say("hedge", rng, slots)
        if left and sentence.endswith(".") and _HEDGEABLE.match(sentence) and rng.random() < 0.8:
            front = rng.random() < 0.5 and word != "more or less"
            comma = "" if word in _CLAUSE_HEDGES else ","
            ahead = f"{english.upper_first(word)}{comma} {english.lower_first(sentence)}"
            sentence = ahead if front else f"{sentence[:-1]}, {word}."
            left -= 1
        out.append(sentence)
    return out


def _threes(sentences: list[str], rng: random.Random, slots: Slots) -> list[str]:
    return _inserted("threes", "inside")(sentences, rng, slots)


def _by_name(voice: Voice) -> Transform:
    """Return the transform that lets a speaker call themself by name."""
    convert = third_person(voice.card.name, voice.card.basic_info.gender)

    def apply(sentences: list[str], _rng: random.Random, _slots: Slots) -> list[str]:
        return [convert(sentence) or sentence for sentence in sentences]

    return apply


_METAPHOR = re.compile(r"(?:uses|speaks in|thinks in) (?P<field>[a-z]+) (?:metaphors?|images|imagery)", re.IGNORECASE)

_ADDRESS = re.compile(
    r"(?:addresses|calls) (?:people|everyone|everybody|others|strangers)(?: as)? "
    r"['\"‘“](?P<word>[^'\"’”]{1,40})['\"’”]",
    re.IGNORECASE,
)

_SWEAR = re.compile(r"swears by (?P<oath>.{1,60})$", re.IGNORECASE)

_VOCABULARY: dict[str, Callable[[Voice], Quirk]] = {
    "answers a question with a question first": lambda _: Quirk("question", _inserted("question_first", "front"), True),
    "lists things in threes": lambda _: Quirk("threes", _threes, True),
    "quotes proverbs": lambda _: Quirk("proverb", _inserted("proverb", "inside")),
    "apologises before disagreeing": lambda _: Quirk("apology", _inserted("apology", "front")),
    "ends with a bit of advice": lambda _: Quirk("advice", _inserted("advice", "end"), True),
    "trails off with an ellipsis": lambda _: Quirk("ellipsis", _trail_off),
    "uses dry humour": lambda _: Quirk("humour", _replaced("humour"), True),
    "exclaims often": lambda _: Quirk("exclaim", _exclaim),
    "speaks of themself in the third person": lambda voice: Quirk("third", _by_name(voice), True),
    "numbers every point": lambda _: Quirk("number", _number, True),
    "brings food into everything": lambda _: Quirk("food", _inserted("food", "inside"), True),
    "understates everything": lambda _: Quirk("understate", _inserted("understate", "inside"), True),
    "repeats the last word for emphasis": lambda _: Quirk("emphasis", _emphasise, True),
    "hedges every claim": lambda _: Quirk("hedge", _hedge, True),
    "starts with a sigh": lambda _: Quirk("sigh", _inserted("sigh", "front")),
    "laughs at their own jokes": lambda _: Quirk("laugh", _inserted("joke_and_laugh", "inside"), True),
    "drops in words from their trade": lambda _: Quirk("trade", _replaced("trade_word"), True),
}


def _find(text: str, voice: Voice) -> Quirk | None:
    lower = text.strip().lower().rstrip(".")
    if lower in _VOCABULARY:
        return _VOCABULARY[lower](voice)
    if (match := _METAPHOR.match(lower)) and f"metaphor.{match['field']}" in grammar("quirks"):
        return Quirk("metaphor", _inserted(f"metaphor.{match['field']}", "inside"), True)
    if match := _ADDRESS.match(text.strip()):
        return Quirk("address", _address(match["word"]))
    if match := _SWEAR.match(text.strip().rstrip(".")):
        return Quirk("swear", _swear(match["oath"]), True)
    return None


@lru_cache(maxsize=4096)
def _quirks_of(voice_key: _Key) -> tuple[Quirk, ...]:
    found = (_find(text, voice_key.voice) for text in voice_key.voice.card.dialogue_style.quirks)
    return tuple(quirk for quirk in found if quirk)


class _Key:
    """A voice as a cache key: by its card's id, since a voice holds mappings."""

    __slots__ = ("voice",)

    def __init__(self, voice: Voice) -> None:
        self.voice = voice

    def __hash__(self) -> int:
        return hash(self.voice.card.persona_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.voice.card == self.voice.card


def quirks_of(voice: Voice) -> tuple[Quirk, ...]:
    """Return the quirks of a card that are in the shared vocabulary, in the card's order."""
    return _quirks_of(_Key(voice))


def pick_quirks(
    voice: Voice, rng: random.Random, *, frames: bool = False, without: frozenset[str] = frozenset()
) -> list[Quirk]:
    """Return the quirks of one answer, at most two, those that rewrite words last.

    `frames` leaves out those that add content or change words, `without` those named. What rewrites words
    goes last, so that it also reaches the sentences that other quirks added.
    """
    known = [quirk for quirk in quirks_of(voice) if not (frames and quirk.content) and quirk.name not in without]
    most = 1 if frames else MOST_PER_ANSWER
    chosen = known if len(known) <= most else rng.sample(known, most)
    return sorted(chosen, key=lambda quirk: quirk.name in _LAST)


def added_sentences(quirks: list[Quirk]) -> int:
    """Return how many sentences the quirks will add."""
    return sum(3 if quirk.name == "laugh" else quirk.name not in _LAST for quirk in quirks)


def apply_quirks(sentences: list[str], quirks: list[Quirk], rng: random.Random, slots: Slots) -> list[str]:
    """Return the sentences with the quirks applied in their order."""
    for quirk in quirks:
        sentences = quirk.apply(sentences, rng, slots)
    return sentences


_LAST = frozenset({"third", "exclaim", "ellipsis", "number", "hedge", "emphasis", "address", "swear"})
