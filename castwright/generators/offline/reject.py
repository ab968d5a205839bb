"""A flawed reply for every criterion: the rejected side of a preference pair.

Each criterion is a function of the good response and the voice; each stays near the response's length unless
length is the flaw, because a model trained on pairs would otherwise learn length instead of the flaw. The
changes are visible but plausible (one number moved, one trade wrong), since gross flaws teach nothing.
Rejected: one generic "make it worse", which mixes flaws and makes the criterion column meaningless.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from castwright.generators.offline import english
from castwright.generators.offline.factual_error import wrong_fact
from castwright.generators.offline.grammar import grammar
from castwright.generators.offline.register import finish, in_register
from castwright.generators.offline.respond import place_catchphrase, seeded
from castwright.generators.offline.topics import read_question
from castwright.generators.offline.voice import Voice, other_trade, voice_of
from castwright.personas.card import PersonaCard

_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?![\w,])[\"”’']*|$)", re.MULTILINE)

_PERSONAL = [
    (re.compile(pattern, re.IGNORECASE), said)
    for pattern, said in [
        (r"\bI think(?: that)?\b", "it may be considered that"),
        (r"\bI believe\b", "it is believed"),
        (r"\bI (would|should|could|must|may|can|cannot)\b", r"one \1"),
        (r"\ba lot of\b", "a considerable amount of"),
        (r"\bmy (?:own |dear )?(friend|wife|husband|colleague|teacher)\b", r"the \1"),
        (r"\bAsk\b", "One may consult"),
        (r"\bfor myself\b", "personally"),
        (r"^But\b", "However,"),
        (r"^And\b", "Additionally,"),
        (r"^So\b", "Accordingly,"),
        (r"\bI am (?=glad|happy|sorry)", "it is appropriate to be "),
    ]
]

_INTERJECTION = re.compile(
    r"^(?:oh|ah|ha|well|hey|aye|now|why|bless you|alas|lo|heigh-ho|good lord|goodness|dear "
    r"me)\b[^,.!?]{0,20}[,!.]\s*",
    re.IGNORECASE,
)

_STATEMENT = re.compile(r"(?:It|There|The|That|This|A|An|My|I|One|We|You|Some|Most|Nobody|Everyone|People|Few)\b")


@dataclass(frozen=True, slots=True)
class _Scene:
    """What a criterion's function sees."""

    voice: Voice
    question: str
    response: str
    sentences: list[str]
    slots: dict[str, str]
    rng: random.Random

    def say(self, rule: str) -> str:
        return grammar("reject").say(rule, self.rng, self.slots)

    def words(self) -> int:
        return len(self.response.split())


def reject(card: PersonaCard, question: str, response: str, criterion: str, *, sample: int = 0) -> str:
    """Return the response with the flaw that the criterion names; the result always differs from it.

    An unknown criterion is met with the flattest of the flaws ("disengaged"), so that a recipe with criteria
    of its own still runs offline. Deterministic in its arguments.
    """
    rng = seeded("reject", card.persona_id, card.name, question, response, criterion, sample)
    voice = voice_of(card)
    slots = {
        **voice.slots(rng),
        "topic": "that",
        "catch": _catchphrase(card, rng),
        "trait": _trait(card, rng),
    }
    slots.update({key: value for key, value in read_question(question).slots().items() if key == "topic"})
    scene = _Scene(voice, question, response, _sentences(response), slots, rng)
    flawed = _FLAWS.get(criterion, _disengaged)(scene).strip()
    return (
        flawed
        if flawed and flawed != response.strip()
        else f"{response.strip()} {_join([scene.say('opposite')])}".strip()
    )


def _catchphrase(card: PersonaCard, rng: random.Random) -> str:
    phrases = card.dialogue_style.catchphrases
    return rng.choice(phrases).rstrip(".!?") if phrases else f"so says {card.name}"


def _trait(card: PersonaCard, rng: random.Random) -> str:
    short = [trait for trait in card.traits if " " not in trait]
    return rng.choice(short) if short else "remarkable"


def _sentences(text: str) -> list[str]:
    return [match.strip() for match in _SENTENCE.findall(text) if match.strip()]


def _join(sentences: list[str]) -> str:
    return " ".join(finish(sentences))


def _filled(scene: _Scene, start: list[str], rules: list[str], share: float = 0.8) -> list[str]:
    """Return `start` with sentences of the rules added until it is about as long as the response."""
    out = list(start)
    while sum(len(text.split()) for text in out) < share * scene.words() and len(out) < 12:
        said = scene.say(rules[len(out) % len(rules)])
        if said in out and len(out) > 6:
            break
        if said and said not in out:
            out.append(said)
        elif not said:
            break
    return out


def _formal_tone(scene: _Scene) -> str:
    phrases = [phrase.lower().strip(".!?") for phrase in scene.voice.card.dialogue_style.catchphrases]
    out = []
    for at, sentence in enumerate(scene.sentences):
        text = english.expand(_INTERJECTION.sub("", sentence))
        for phrase in phrases:
            text = re.sub(rf",?\s*{re.escape(phrase)}(?=[\s,.!?]|$)", "", text, flags=re.IGNORECASE)
        for pattern, said in _PERSONAL:
            text = pattern.sub(said, text)
        text = text.strip(" ,").replace("!", ".").replace("...", ".")
        if len(text.split()) < 3:
            continue
        if at and scene.rng.random() < 0.6 and not text.endswith("?"):
            link = "formal.that" if _STATEMENT.match(text) else "formal.comma"
            text = f"{scene.say(link)} {english.lower_first(text)}"
        out.append(text)
    lead = [scene.say("formal.lead")]
    close = [scene.say("formal.close")] if len(out) < 4 else []
    return _join([*lead, *out, *close])


def _out_of_character(scene: _Scene) -> str:
    trade = other_trade(scene.voice.trade, scene.rng)
    job = scene.rng.choice(sorted(trade.match))
    pick = scene.rng.choice
    scene.slots.update(
        other_job=job,
        other_tool=pick(trade.tool),
        other_task=pick(trade.task),
        other_folk=pick(trade.folk),
        other_spot=pick(trade.spot),
    )
    rule = "wrong_trade" if scene.voice.card.modern else pick(["anachronism", "anachronism", "wrong_trade"])
    new = list(dict.fromkeys(scene.say(rule) for _ in range(2 if len(scene.sentences) > 2 else 1)))
    kept = [text for text in scene.sentences if not re.search(r"\bmy trade\b|\bwhere I work\b", text, re.IGNORECASE)]
    kept = kept[: max(1, len(kept) - len(new))]
    for sentence in in_register(new, scene.voice.register, scene.rng):
        at = scene.rng.randint(1 if kept else 0, len(kept))
        kept.insert(at, sentence)
    return _join(kept)


def _feigned_ignorance(scene: _Scene) -> str:
    out = _filled(scene, [scene.say("ignorance")], ["ignorance.more", "ignorance"])
    out = in_register(finish(out), scene.voice.register, scene.rng)
    if scene.rng.random() < 0.4 and scene.voice.card.dialogue_style.catchphrases:
        out = place_catchphrase(out, scene.slots["catch"], scene.rng)
    return _join(out)


def _factual_error(scene: _Scene) -> str:
    """Change one number, else a number in words, else a fact word, else a negation, else say the opposite."""
    text = scene.response
    if changed := wrong_fact(text, scene.rng):
        return changed
    return f"{text} {_join([scene.say('opposite')])}"


def _disengaged(scene: _Scene) -> str:
    goal = scene.rng.choice([0.15, 0.3, 0.6, 0.9])
    out = _filled(scene, [scene.say("dull")], ["dull"], share=goal)
    return _join(out)


def _verbose(scene: _Scene) -> str:
    """Say each sentence, then again in more words, until it is well over twice as long."""
    goal = (2.15 + 0.5 * scene.rng.random()) * max(scene.words(), 6)
    out: list[str] = []
    sources = scene.sentences or [scene.response or "That is so."]
    for at in range(60):
        if at < len(sources):
            out.append(sources[at])
        elif sum(len(text.split()) for text in out) > goal:
            break
        said = scene.say("pad")
        if said in out:
            said = (
                scene.say("again").strip()
                if "{said}" in said
                else f"{scene.rng.choice(_LINKS)} {english.lower_first(scene.rng.choice(sources))}"
            )
        out.append(said)
    return _join(in_register(finish(out), scene.voice.register, scene.rng))


_LINKS = (
    "That is,",
    "I mean to say,",
    "Again,",
    "So, as I say,",
    "To be quite clear,",
    "In short, though not so short,",
)


def _over_acted(scene: _Scene) -> str:
    keep = max(1, len(scene.sentences) // 3)
    out = scene.sentences[:keep]
    out = [f"{text[:-1]}!" if text.endswith(".") else text for text in out]
    share = 0.9 + 0.3 * scene.rng.random()
    out = _filled(
        scene,
        [scene.say("over.mannerism"), *out, scene.say("over.mannerism")],
        ["over.mannerism"],
        share=share,
    )
    middle = out[1:]
    scene.rng.shuffle(middle)
    return _join([out[0], *middle])


def _repetitive(scene: _Scene) -> str:
    sentences = scene.sentences or [scene.response or "So it is."]
    long_enough = [at for at, text in enumerate(sentences) if len(text.split()) > 3] or list(range(len(sentences)))
    at = scene.rng.choice(long_enough)
    source = sentences[at]
    times = 2 if len(sentences) > 3 and scene.rng.random() < 0.5 else 1
    kept = (
        sentences
        if len(sentences) <= 2
        else [text for i, text in enumerate(sentences) if i == at or i < len(sentences) - times]
    )
    spots = kept.index(source) + 1
    out = list(kept)
    for turn in range(times):
        scene.slots["said"] = english.lower_first(source)
        out.insert(min(len(out), spots + turn * scene.rng.randint(1, 2)), scene.say("again"))
    return _join(out)


_FLAWS: dict[str, Callable[[_Scene], str]] = {
    "formal_tone": _formal_tone,
    "out_of_character": _out_of_character,
    "feigned_ignorance": _feigned_ignorance,
    "factual_error": _factual_error,
    "disengaged": _disengaged,
    "verbose": _verbose,
    "over_acted": _over_acted,
    "repetitive": _repetitive,
}
