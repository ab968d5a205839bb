"""An answer in character to a question: the offline model's main act.

An answer is a row of parts (an opening, the core that meets the question's kind, a piece of the character's
life, a reason, a stance, a closing), each said by a grammar with the question's topic and the card's life in
its slots, then passed through quirks, catchphrase and register. It knows nothing of the world, so its answers
to factual questions reason about the topic and never state a fact; sums are done by `arithmetic`. Rejected:
whole answers as templates, which a reader recognises after ten rows.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Sequence

from castwright.generators.offline import english
from castwright.generators.offline.arithmetic import solve
from castwright.generators.offline.asked import Asked
from castwright.generators.offline.grammar import Grammar, grammar
from castwright.generators.offline.quirks import added_sentences, apply_quirks, pick_quirks
from castwright.generators.offline.register import finish, in_register
from castwright.generators.offline.sums import Quantities, Sum
from castwright.generators.offline.topics import read_question
from castwright.generators.offline.voice import Voice, voice_of
from castwright.personas.card import PersonaCard

Shot = tuple[str, str]
_Say = Callable[[str], str]
_COUNTS = {"short": (2, 3), "medium": (3, 5), "long": (4, 5)}
_MOST = 6  # sentences in an answer, before a catchphrase
_LIFE_SHARE, _OPEN_SHARE, _CATCH_SHARE = 0.75, 0.45, 0.5
_ADVERBIAL = re.compile(r"^(?:by|upon|in|on|with|under|between|as|or so|if|for) (?!go\b)", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?]+[.!?]+[\"”’']*|[^.!?]+$")


def seeded(*parts: object) -> random.Random:
    """Return a generator seeded by the parts' text (stable across processes, unlike `hash`)."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))


def respond(card: PersonaCard, question: str, shots: Sequence[Shot] = (), *, sample: int = 0) -> str:
    """Return an answer in character: two to five sentences (by the card, or as long as the shots are).

    Deterministic in its arguments; another `sample` is another wording. Shots are (question, answer) pairs.
    """
    rng = seeded("respond", card.persona_id, card.name, question, sample)
    voice = voice_of(card)
    asked = read_question(question)
    slots = {**voice.slots(rng), **asked.slots()}
    stance = _stance(voice, rng)
    count = _sentence_count(card, shots, rng)
    quirks = pick_quirks(voice, rng, without=_unfit(asked))
    while shots and quirks and added_sentences(quirks) >= count:
        quirks.pop(0)
    room = count - added_sentences(quirks)
    sentences = _compose(question, asked, stance, room, slots, rng, card.dialogue_style.sentence_length)
    while quirks and added_sentences(quirks) and sum(map(_count, sentences)) + added_sentences(quirks) > _MOST:
        quirks.pop(0)
    sentences = apply_quirks(finish(sentences), quirks, rng, slots)
    sentences = in_register(finish(sentences), voice.register, rng)
    if not (shots and len(sentences) >= count):
        sentences = _with_catchphrase(sentences, card, rng)
    if card.dialogue_style.sentence_length == "long" and not shots:
        sentences = _joined(sentences, rng)
    return " ".join(finish(_opened_like(sentences, shots)))


def _stance(voice: Voice, rng: random.Random) -> str:
    return voice.stances[int(rng.random() * len(voice.stances))]


_PERSONAL = re.compile(r"\b(?:I|me|my|mine|myself)\b")
_LIGHT = frozenset({"humour", "laugh", "understate", "apology", "exclaim", "question", "food"})
_DISAGREES = frozenset({"opinion", "advice", "yes_no", "choice", "why", "what", "how_to"})


def _unfit(asked: Asked) -> frozenset[str]:
    """Return the quirks that would be out of place: levity in grief, apology without dispute."""
    if asked.mood == "low":
        return _LIGHT
    return frozenset() if asked.kind in _DISAGREES else frozenset({"apology"})


def _sentence_count(card: PersonaCard, shots: Sequence[Shot], rng: random.Random) -> int:
    lengths = [len(_SENTENCE.findall(answer)) for _, answer in shots if answer.strip()]
    if lengths:
        return max(1, min(6, round(sum(lengths) / len(lengths))))
    return rng.randint(*_COUNTS[card.dialogue_style.sentence_length])


def _compose(
    question: str,
    asked: Asked,
    stance: str,
    count: int,
    slots: dict[str, str],
    rng: random.Random,
    length: str,
) -> list[str]:
    """Return `count` sentences or a few more: the core first, then what else the length leaves room for."""
    rules = grammar("respond")

    def say(rule: str) -> str:
        return _say(rules, rule, rng, slots, length)

    core = _core(question, asked, slots, say)
    room = max(0, count - sum(map(_count, core)))
    before: list[str] = []
    if room > 1 and rng.random() < _OPEN_SHARE and asked.mood != "low" and asked.kind != "greeting":
        before.append(say(f"open.{stance}"))
        room -= 1
    after = [say(part) for part in _order(asked, stance, room, rng)]
    return [*before, *core, *_distinct(after)]


def _order(asked: Asked, stance: str, room: int, rng: random.Random) -> list[str]:
    """Return which parts follow the core, in their order."""
    rest = [f"lean.{stance}", "reason"]
    rng.shuffle(rest)
    parts = ["life", *rest] if rng.random() < _LIFE_SHARE else [rest[0], "life", rest[1]]
    if asked.kind in ("joke", "verse"):
        return ["life", f"close.{stance}"][: max(1, room - 1)]
    parts = parts[:room]
    if room > 1 and rng.random() < 0.5:
        parts[-1] = f"close.{stance}"
    return parts


def _core(question: str, asked: Asked, slots: dict[str, str], say: _Say) -> list[str]:
    """Return the one to three sentences that meet the question itself."""
    solved = solve(question)
    if isinstance(solved, Sum):
        slots.update(working=_spoken(solved.working), result=solved.result)
        rule = {"conversion": "sum.conversion", "percent": "sum.percent", "sequence": "sum.sequence"}.get(
            solved.operation, "sum.result"
        )
        return [say(rule)]
    if isinstance(solved, Quantities):
        slots["list"] = _listed(solved.found)
        return [say("sum.left")]
    if asked.kind == "feeling":
        return [say("core.feeling_high")] if asked.mood == "high" else [say("core.feeling_low"), say("low_next")]
    if asked.mood == "low":
        return [say("core.feeling_low"), _first_said(_core_rules(asked), say)]
    if asked.kind == "greeting":
        return [say("core.greeting"), say("core.greet_back")]
    if asked.self_part and (said := say(f"core.{asked.self_part}")):
        return [said]
    return [_first_said(_core_rules(asked), say)]


def _core_rules(asked: Asked) -> list[str]:
    if asked.kind == "opinion" and re.search(r"\bfavou?rite\b", asked.topic):
        return ["core.favourite", "core.opinion", "core.open"]
    if asked.kind == "choice":
        return ["core.choice", "core.choice_open"]
    if asked.kind == "what" and not _PERSONAL.search(asked.topic):
        return ["core.what_is", "core.open"]
    if asked.kind == "how_to":
        return ["core.how_to", "core.how", "core.open"]
    return [f"core.{asked.kind}", "core.open"]


def _first_said(rules: list[str], say: _Say) -> str:
    return next((said for said in map(say, rules) if said), "")


def _say(rules: Grammar, rule: str, rng: random.Random, slots: dict[str, str], length: str) -> str:
    """Say a rule; short speakers take the shorter of two wordings, long speakers the longer."""
    first = rules.say(rule, rng, slots)
    if length == "medium":
        return first
    second = rules.say(rule, rng, slots)
    return min(first, second, key=len) if length == "short" else max(first, second, key=len)


def _spoken(working: str) -> str:
    for sign, said in ((" * ", " times "), (" / ", " divided by "), (" + ", " plus "), (" - ", " minus ")):
        working = working.replace(sign, said)
    return working


def _listed(quantities: tuple[str, ...]) -> str:
    some = list(dict.fromkeys(quantities))[:8]
    return some[0] if len(some) == 1 else f"{', '.join(some[:-1])} and {some[-1]}"


def _distinct(sentences: list[str]) -> list[str]:
    return [sentence for sentence in dict.fromkeys(sentences) if sentence]


def _count(text: str) -> int:
    return max(1, len(_SENTENCE.findall(text)))


def _with_catchphrase(sentences: list[str], card: PersonaCard, rng: random.Random) -> list[str]:
    phrases = card.dialogue_style.catchphrases
    if not phrases or rng.random() >= _CATCH_SHARE:
        return sentences
    return place_catchphrase(sentences, rng.choice(phrases), rng)


def place_catchphrase(sentences: list[str], phrase: str, rng: random.Random) -> list[str]:
    """Return the sentences with a catchphrase: a sentence of its own, or tied on where it is an adverbial."""
    if any(phrase.lower().strip(".!?") in sentence.lower() for sentence in sentences):
        return sentences
    loose = phrase.strip().rstrip(".,")
    if _ADVERBIAL.match(loose) and sentences:
        at = rng.randrange(len(sentences))
        sentence = sentences[at]
        if rng.random() < 0.5 and english.starts_safely(sentence):
            return [*sentences[:at], f"{loose}, {english.lower_first(sentence)}", *sentences[at + 1 :]]
        if sentence.endswith((".", "!")) and not sentence.endswith(".."):
            return [*sentences[:at], f"{sentence[:-1]}, {loose}{sentence[-1]}", *sentences[at + 1 :]]
    at = rng.choice([0, len(sentences), len(sentences), rng.randint(0, len(sentences))])
    return [*sentences[:at], phrase, *sentences[at:]]


def _joined(sentences: list[str], rng: random.Random) -> list[str]:
    """Join two neighbouring statements with a semicolon or a conjunction, as long-winded speakers do."""
    plain = [
        at
        for at in range(len(sentences) - 1)
        if sentences[at].endswith(".")
        and not sentences[at].endswith("..")
        and ";" not in sentences[at]
        and english.starts_safely(sentences[at + 1])
        and "," not in sentences[at + 1].split(" ", 1)[0]
        and not sentences[at + 1].startswith(("And ", "But "))
    ]
    if not plain:
        return sentences
    at = rng.choice(plain)
    link = rng.choice(["; ", ", and ", "; "])
    return [
        *sentences[:at],
        f"{sentences[at][:-1]}{link}{english.lower_first(sentences[at + 1])}",
        *sentences[at + 2 :],
    ]


def _opened_like(sentences: list[str], shots: Sequence[Shot]) -> list[str]:
    """Begin as all shots begin ("Well, ..."), where they all begin alike."""
    answers = [answer.strip() for _, answer in shots if answer.strip()]
    if not answers or not sentences:
        return sentences
    opening = _common_opening(answers)
    if not opening or sentences[0].startswith(opening.rstrip(",")):
        return sentences
    if opening[-1] in ".!?":
        return [opening, *sentences]
    return [f"{opening} {english.lower_first(sentences[0])}", *sentences[1:]]


def _common_opening(answers: list[str]) -> str:
    """Return the words up to a mark (",", "!", ".") with which every answer begins, at most five, or ""."""
    first = answers[0].split()
    for count in range(min(5, len(first)), 0, -1):
        opening = " ".join(first[:count])
        if opening[-1] in ",!.?" and all(answer.startswith(opening) for answer in answers):
            return opening
    return ""
