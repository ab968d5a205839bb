"""Both sides of a dialogue: the person who asks on, and the character who answers.

The person's follow-ups are kinds in an order drawn from the opening, so no talk has the same kind twice; each
is said by a grammar with what was picked up from the last answer, then typed by the person's own habits. The
character answers the last message as it answers any question, and of several wordings takes the one that says
least of what it has said before. Rejected: a stored script per topic, which cannot react to an answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from castwright.generators.offline import mention
from castwright.generators.offline.grammar import Grammar, grammar
from castwright.generators.offline.respond import respond, seeded
from castwright.personas.card import PersonaCard

END = "[END]"
"""What the person replies who has had enough."""

_MORE_LIKELY_EACH_TURN, _MOST_LIKELY = 0.12, 0.9
_WORDINGS = 6
_REACTING_TRIES = 2
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_WORD = re.compile(r"\w+")


def follow_up(who: str, asked: Sequence[str], answered: Sequence[str], *, sample: int = 0) -> str:
    """Return the person's next message, or `END`. Deterministic in its arguments.

    `who` introduces the character, `asked` and `answered` are the turns so far, the person's first.
    """
    rng = seeded("follow-up", who, *asked, *answered, sample)
    if rng.random() < min(_MOST_LIKELY, _MORE_LIKELY_EACH_TURN * len(answered)):
        return END
    slots = _picked_up(who, answered[-1] if answered else "", rng)
    rules = grammar("dialogue")
    before = {_words(turn) for turn in asked}
    typist = seeded("typist", who, *asked[:1], sample)
    for kind in _kinds(rules, typist, len(asked)):
        said = _typed(_reacting(rules, kind, rng, slots), typist_habit(who, asked, sample))
        if said and _words(said) not in before:
            return said
    return END


def _reacting(rules: Grammar, kind: str, rng: random.Random, slots: Mapping[str, str]) -> str:
    """Return the first of a few wordings that names what was picked up, else the first."""
    wordings = [rules.say(kind, rng, slots) for _ in range(_REACTING_TRIES)]
    return next((said for said in wordings if any(picked in said for picked in slots.values())), wordings[0])


def _kinds(rules: Grammar, typist: random.Random, turn: int) -> list[str]:
    """Return the kinds of follow-up, the one for this turn first: an order per talk, moved on turn by turn."""
    kinds = sorted(rules.rules)
    typist.shuffle(kinds)
    start = (turn * 5) % len(kinds)  # steps of five: the fallbacks of one turn are not the next turn's kind
    return kinds[start:] + kinds[:start]


def _picked_up(who: str, answer: str, rng: random.Random) -> dict[str, str]:
    found = {
        "thing": mention.things(answer),
        "quote": mention.quotes(answer),
        "saying": mention.sayings(answer),
        "kin": mention.kin(answer),
        "job": [job] if (job := mention.job_of(who)) else [],
    }
    return {slot: rng.choice(choices) for slot, choices in found.items() if choices}


def typist_habit(who: str, asked: Sequence[str], sample: int = 0) -> str:
    """Return how this person types, the same throughout a talk: "small", "plain" or "bare" (no apostrophes)."""
    opening = asked[0] if asked else ""
    if opening[:1].islower():
        return "small"
    return seeded("habit", who, opening, sample).choice(["small", "small", "bare", "plain"])


def _typed(text: str, habit: str) -> str:
    if habit == "plain" or not text:
        return text
    lowered = re.sub(r"\bI\b", "i", re.sub(r"(^|[.!?] )([\"“]?)([A-Z])", _small, text))
    return lowered.replace("'", "") if habit == "bare" else lowered


def _small(match: re.Match[str]) -> str:
    return f"{match.group(1)}{match.group(2)}{match.group(3).lower()}"


def talk_back(card: PersonaCard, asked: Sequence[str], answered: Sequence[str], *, sample: int = 0) -> str:
    """Return the character's answer to the last of `asked`, never in the words of an earlier answer.

    Deterministic in its arguments.
    """
    question = asked[-1] if asked else ""
    said = {_words(sentence) for answer in answered for sentence in _SENTENCE.findall(answer)}
    whole = {_words(answer) for answer in answered}
    best, fewest = "", 10_000
    for wording in range(_WORDINGS):
        answer = respond(card, question, sample=sample + len(answered) + wording * 101)
        repeated = sum(_words(sentence) in said for sentence in _SENTENCE.findall(answer))
        if _words(answer) not in whole and repeated < fewest:
            best, fewest = answer, repeated
        if not fewest:
            break
    return _without(best, said) if best else f"{respond(card, question)} {_still(len(answered))}"


def _without(answer: str, said: set[tuple[str, ...]]) -> str:
    """Return the answer without sentences that were said before, where at least two others are left."""
    fresh = [part for part in _SENTENCE.findall(answer) if _words(part) not in said]
    return "".join(fresh).strip() if len(fresh) > 1 else answer


def _still(answers: int) -> str:
    """Return words that no earlier answer of a talk ends in, for a card that has only one answer."""
    return f"I have said so {answers} {'time' if answers == 1 else 'times'}, and I say it again."


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))
