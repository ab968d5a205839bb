"""A given answer in a persona's words, with nothing of it changed: facts come first, voice second.

The answer's own sentences stay as they are but for a few connective words; character comes from a frame
before and after, from catchphrase and from those quirks that add no content. Code, quotations, numbers and
names are never touched, because rewriting them is how a persona answer goes wrong. Final results ("#### 42",
"Answer: B") become a sentence that still states them. Rejected: paraphrasing the answer by rule, which breaks
one in ten.
"""

from __future__ import annotations

import random
import re

from castwright.generators.offline import english
from castwright.generators.offline.grammar import grammar
from castwright.generators.offline.quirks import apply_quirks, pick_quirks
from castwright.generators.offline.register import finish, in_register
from castwright.generators.offline.respond import place_catchphrase, seeded
from castwright.generators.offline.voice import Voice, voice_of
from castwright.personas.card import PersonaCard

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")
_RESULT = re.compile(r"^#{4}\s*(?P<value>\S.*?)\s*$", re.MULTILINE)
_LETTER = re.compile(
    r"^(?:the )?(?:final |correct |right )?answer(?: is|"
    r":)+\s*(?P<value>\(?[A-Ja-j]\)?)(?P<rest>[.)]?|[.):]\s+\S.*)$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|‘[^’\n]*’|`[^`\n]*`|https?://\S+|\$[^$\n]+\$")
_STRICT = re.compile(
    r"\b(?:json|xml|yaml|csv|markdown|no commas?|without (?:any )?commas?|not use (?:any "
    r")?commas?|lower ?case|upper ?case|capital letters|"
    r"exactly \w+ (?:words?|sentences?|paragraphs?|lines?|bullet)|(?:at most|less than|"
    r"fewer than|at least|no more than) \w+ (?:words?|sentences?|lines?)|"
    r"only (?:the|with|a|output|return|reply|answer)|(?:start|begin|end|finish) (?:your|"
    r"the|with|it)|wrap|haiku|limerick|quotation marks|"
    r"bullet points?|placeholders?|postscript|double quotes|do not (?:include|use|add)|"
    r"nothing else|one word|single word)\b",
    re.IGNORECASE,
)
_NUMERIC = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|hundred|"
    r"thousand|million|half|twice|first|second|third|once|dozen)\b",
    re.IGNORECASE,
)
# what a sentence of the answer may begin with, and what it becomes in a register (never inside a sentence)
_CONNECTIVES: dict[str, dict[str, tuple[str, ...]]] = {
    "archaic": {
        "So ": ("Thus ", "And so "),
        "Therefore, ": ("Hence, ", "Thus, "),
        "However, ": ("Yet ",),
        "But ": ("Yet ",),
        "This means ": ("Which is to say, ",),
        "Also, ": ("Likewise, ",),
        "Then, ": ("Next, ",),
        "Finally, ": ("At the last, ",),
    },
    "formal": {
        "So ": ("Therefore ", "Thus "),
        "But ": ("However, ",),
        "Also, ": ("Moreover, ",),
        "Now, ": ("At this point, ",),
    },
    "neutral": {
        "Therefore, ": ("So ",),
        "Thus, ": ("So ",),
        "Hence, ": ("So ",),
        "Moreover, ": ("What is more, ",),
        "However, ": ("But ", "Still, "),
    },
    "casual": {
        "Therefore, ": ("So ",),
        "Thus, ": ("So ",),
        "Hence, ": ("So ",),
        "Moreover, ": ("And ",),
        "However, ": ("But ", "Then again, "),
        "Additionally, ": ("Also, ", "And "),
        "Furthermore, ": ("And ", "Also, "),
    },
}
_CONTRARY = frozenset({"apology"})  # the answer is given, so nobody disagrees with it
_AFTER_SHARE = 0.55


def restate(card: PersonaCard, question: str, answer: str, *, sample: int = 0) -> str:
    """Return the answer as the persona says it; every number, name, code block, order and result is kept.

    Where the question fixes the answer's form (JSON, lower case, so many words), the answer comes back as it
    is: a frame would break what was asked for. "<<48/2=24>>" marks are dropped.
    """
    if not answer.strip() or (_STRICT.search(question) and "####" not in answer) or answer.lstrip()[:1] in "{[<":
        return answer
    rng = seeded("restate", card.persona_id, card.name, question, answer, sample)
    voice = voice_of(card)
    slots = _factless(voice.slots(rng))
    stance = voice.stances[int(rng.random() * len(voice.stances))]
    pieces = _CODE.split(answer)
    body = "".join(piece if _CODE.fullmatch(piece) else _voiced(piece, card, rng) for piece in pieces)
    before, after = _frame(voice, stance, slots, rng)
    layout = "\n\n" if "\n" in body.strip() else " "
    return layout.join(part for part in (before, body.strip("\n"), after) if part.strip())


def _factless(slots: dict[str, str]) -> dict[str, str]:
    """Return the slots that state no number, name or event: the trade, and an occupation in small letters."""
    kept = {name: slots[name] for name in ("task", "folk", "rule", "job") if name in slots}
    return {
        name: value
        for name, value in kept.items()
        if (not _NUMERIC.search(value) and value == value.lower()) or name == "rule"
    }


def _frame(voice: Voice, stance: str, slots: dict[str, str], rng: random.Random) -> tuple[str, str]:
    rules = grammar("restate")
    stances = [stance, stance, "any", *(["trade"] if slots else [])]
    before = [rules.say(f"before.{rng.choice(stances)}", rng, slots)]
    after = [rules.say(f"after.{rng.choice([stance, 'any'])}", rng, slots)] if rng.random() < _AFTER_SHARE else []
    before = apply_quirks(finish(before), pick_quirks(voice, rng, frames=True, without=_CONTRARY), rng, slots)
    phrases = [phrase for phrase in voice.card.dialogue_style.catchphrases if not _NUMERIC.search(phrase)]
    if phrases and rng.random() < 0.5:
        spoken = place_catchphrase(after or before, rng.choice(phrases), rng)
        before, after = (before, spoken) if after else (spoken, after)
    before, after = (
        finish(in_register(finish(before), voice.register, rng)),
        finish(in_register(finish(after), voice.register, rng)),
    )
    return _numberless(before), _numberless(after)


def _numberless(sentences: list[str]) -> str:
    return " ".join(sentence for sentence in sentences if not re.search(r"\d", sentence))


def _voiced(text: str, card: PersonaCard, rng: random.Random) -> str:
    """Return a stretch of the answer outside code: marks dropped, results said, connectives swapped."""
    text = _CALCULATOR.sub("", text)
    text = _RESULT.sub(lambda match: _say_value("result", match["value"], rng), text)
    return "\n".join(_line(line, card.dialogue_style.register_, rng) for line in text.split("\n"))


def _say_value(rule: str, value: str, rng: random.Random) -> str:
    sentence = grammar("restate").say(rule, rng, {"value": value})
    return sentence[:-1] if value.endswith((".", "!")) else sentence


def _line(line: str, register: str, rng: random.Random) -> str:
    if match := _LETTER.match(line.strip()):
        said = _say_value("letter", match["value"], rng)[:-1] + match["rest"]
        return english.upper_first(said if said.endswith((".", "!", "?")) or ":" in match["rest"] else said + ".")
    swaps = _CONNECTIVES[register]
    spans = [match.span() for match in _QUOTED.finditer(line)]
    out, at = [], 0
    for match in _SENTENCE_HEAD.finditer(line):
        word = next((word for word in swaps if line.startswith(word, match.start("head"))), "")
        inside = any(start <= match.start("head") < end for start, end in spans)
        if word and not inside and rng.random() < 0.8:
            out.append(line[at : match.start("head")])
            at = match.start("head") + len(word)
            said = rng.choice(swaps[word])
            out.append(said)
    out.append(line[at:])
    return "".join(out)


_SENTENCE_HEAD = re.compile(r"(?:^|(?<=[.!?] )|(?<=[.!?][\"”] ))(?P<head>[A-Z])")
