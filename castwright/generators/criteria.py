"""The criteria of preference pairs: the ways in which a rejected response is worse than the chosen one.

NGENT section 4.3 builds negatives "based on established criteria" and aims at accuracy, engagement and
conciseness; each criterion here breaks one of these. Data, not classes: a criterion is a name that stands
in the row and an instruction that stands in the prompt.
"""

from __future__ import annotations

CRITERIA: dict[str, str] = {
    "formal_tone": "it sounds like a formal, robotic assistant instead of a person (the facts stay the same).",
    "out_of_character": "it contradicts the card: wrong era, wrong trade or wrong place for this character.",
    "feigned_ignorance": "it dodges: it pretends not to know what it could answer.",
    "factual_error": "one number, name or fact in it is changed so that it is wrong.",
    "disengaged": "it is a dead end: flat, without interest in the person who asked.",
    "verbose": "it says the same thing at more than twice the length, padded with filler.",
    "over_acted": "it overdoes the character: catchphrases and mannerisms crowd out the answer.",
    "repetitive": "it says one of its own sentences again instead of going on.",
}
