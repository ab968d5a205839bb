"""A speaker who calls themself by name: first-person sentences turned into the third person.

"I am tired, and my feet know it" becomes "Ruben is tired, and his feet know it". A sentence with a verb
that the lexicon cannot inflect stays as it is. Rejected: replacing the pronoun alone ("Ruben am tired").
"""

from __future__ import annotations

import re
from collections.abc import Callable

from castwright.generators.offline import english
from castwright.generators.offline.english import word_set

_I_VERB = re.compile(r"\bI (?P<word>[a-z]+)\b")


_KEPT = word_set("would will can could should must may might had did was never always often once still cannot")


_TITLED = re.compile(
    r"(?:The|A|An|Sir|Lady|Lord|Dr|Mr|Mrs|Ms|King|Queen|Saint|St|Captain|Old|Father|Sister|"
    r"Brother|Mother|Professor|Prince|Princess|Master)\b"
)
_SECOND_VERB = re.compile(r"\band (keep|take|look|think|judge|stand|come|go|sleep|try|hold)\b")
# "I" again after a conjunction, or an adverb before the verb: more than these rules can turn
_TANGLED = re.compile(r"\b(?:[a-z]+ I [a-z]+ and|I (?:never|always|often|still|once))\b")
_IRREGULAR = {"am": "is", "have": "has", "do": "does"}
_SELVES = {"her": "herself", "his": "himself", "their": "themself"}


def third_person(name: str, gender: str) -> Callable[[str], str]:
    """Return the function that turns a sentence into the third person, or gives "" where it cannot."""
    lower = gender.lower()
    own = "her" if lower.startswith(("f", "w")) else "his" if lower.startswith("m") else "their"
    short = name if _TITLED.match(name) else name.split(" ")[0]

    def convert(sentence: str) -> str:
        text = "" if _TANGLED.search(sentence) else _verbs(sentence, short)
        if not text or re.search(r"\bI\b|\bI[’']", text):
            return ""
        if text != sentence:
            text = _SECOND_VERB.sub(lambda match: f"and {english.third(match.group(1))}", text)
        text = re.sub(r"\bmyself\b", _SELVES[own], text)
        text = re.sub(r"\b(?:My|mine)\b", lambda _: f"{short}'s", text)
        text = re.sub(r"\bmy\b", own, text)
        return re.sub(r"\bme\b", lambda _: short, text)

    return convert


def _verbs(sentence: str, name: str) -> str:
    """Return the sentence with "I" and its verbs in the third person, or "" for a verb that is not known."""
    unknown = False

    def turned(match: re.Match[str]) -> str:
        nonlocal unknown
        word = match["word"]
        same = word in _KEPT or word in english.PAST_FORMS or word.endswith("ed")
        said = _IRREGULAR.get(word) or (word if same else english.third(word))
        unknown = unknown or not said
        return f"{name} {said}"

    text = _I_VERB.sub(turned, sentence)
    return "" if unknown else text
