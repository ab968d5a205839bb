"""The sentences of a long text that are about one character.

A page about someone has others in it, and a chapter has mostly others. A sentence counts where it names the character,
or where it goes on with "she" or "his" and nobody else was named since; in a text that its character tells, where it
says "I". Speech counts for nobody: what is said in it is said of anyone. (Rejected: resolving every pronoun,
which takes a model, and taking the whole text, which makes a clerk of everyone who meets one.)
"""

from __future__ import annotations

import re

from castwright.generators.offline.extract_lexicon import UPPER
from castwright.generators.offline.spot import sentence_spans
from castwright.personas.speech_words import word_set, words_of

LONG = 1_000
"""Characters from which a text has others in it; a short one is about its character."""
_TITLES = word_set("mr mrs ms miss dr sir lady lord the of de la le du von van and captain saint st king queen")
_SPEECH = re.compile(r"[\"“][^\"“”]*[\"”]")
_GOES_ON = re.compile(r"\b(?:he|she|they|his|her|their|him|them)\b", re.IGNORECASE)
_TELLS = re.compile(r"\b(?:I|[Mm]y|[Mm]e|I'm|I've)\b")
_OTHER = re.compile(
    rf"(?<=[a-z,;] )(?:(?:Mr|Mrs|Miss|Dr|Sir|Lady|Lord)\.? )?{UPPER}[\w’'-]+"
    rf"|^{UPPER}[\w’'-]+(?=,? (?:was|is|had|has|his|her|who|the|left|slept|wept|said|told|came|went|[a-z]+(?:s|ed))\b)"
)
_NO_OTHERS = word_set("he she they it his her their this that these those there then in on at when while as but and i")
_SOMEONE = re.compile(r"(?:The|An?) [a-z]")  # "The innkeeper made him a knight": about the innkeeper
_HEADING_WORDS = 6
_ENDS = re.compile(r"[.!?…:;,\"”’)]$")


def plain_paragraphs(text: str) -> str:
    """Return a text with single blanks in its paragraphs and an empty line between them, without headings."""
    paragraphs = [part for part in (" ".join(part.split()) for part in re.split(r"\n[^\S\n]*\n", text)) if part]
    told = [part for part in paragraphs if _ENDS.search(part) or len(part.strip("= ").split()) > _HEADING_WORDS]
    return "\n\n".join(told or paragraphs)


def sentences_about(text: str, name: str, *, part: bool = False) -> str:
    """Return the sentences of a text that are about the character called `name`, in their paragraphs.

    A text shorter than `LONG`, or one in which nobody of that name is and nobody says "I", comes back whole; a `part`
    of a longer text never does.
    """
    flat = plain_paragraphs(text)
    wanted = {word for word in words_of(name) if word not in _TITLES}
    told = len(_TELLS.findall(_SPEECH.sub("", flat)))
    named = sum(word in wanted for word in words_of(flat))
    teller = told > 3 * named
    if not part and (len(flat) < LONG or not (named or teller)):
        return flat
    kept = (_kept(paragraph, wanted, teller=teller) for paragraph in flat.split("\n\n"))
    return "\n\n".join(paragraph for paragraph in kept if paragraph)


def _kept(paragraph: str, wanted: set[str], *, teller: bool) -> str:
    kept: list[str] = []
    ours = False
    for start, end in sentence_spans(paragraph):
        sentence = paragraph[start:end]
        narrated = _SPEECH.sub(" ", sentence)
        if teller:
            ours = _TELLS.search(narrated) is not None
        elif wanted & set(words_of(narrated)):
            ours = True
        elif _names_another(narrated.strip()):
            ours = False
        elif _SOMEONE.match(narrated.strip()) or not _GOES_ON.search(narrated):
            continue
        if ours:
            kept.append(sentence)
    return " ".join(kept)


def _names_another(sentence: str) -> bool:
    return any(match[0].lower() not in _NO_OTHERS for match in _OTHER.finditer(sentence))
