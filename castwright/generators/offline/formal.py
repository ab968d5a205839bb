"""Casual chat made into correct, formal written English, by rule: the offline model's `formal_rewrite`.

A turn is cleaned, cut into sentences, calmed, its contractions are written out, then informal phrases are
replaced by a lexicon whose rules look at their neighbours. Pairs made so, inverted, train a style rewriter,
hence the two laws here: the meaning's hard parts (numbers, names, masks, negation, question or not) never
change, and what no rule knows stays as it was typed. (Rejected: paraphrasing by templates, which invents;
one big substitution table, which ruins the plain uses of informal words.)
"""

from __future__ import annotations

import re

from castwright.generators.offline.chat_tokens import Sentence, clean, split_sentences
from castwright.generators.offline.contractions import expand_contractions
from castwright.generators.offline.formal_lexicon import formal_lexicon
from castwright.generators.offline.phrasing import Picker, apply_rules
from castwright.generators.offline.sentence_form import calm, is_question, tidy, written

_LAUGHTER = re.compile(r"\b(?:a?(?:ha){1,}h?|(?:he){2,}h?|l+o+l+|lm+f?ao+|rofl)\b", re.IGNORECASE)
_MANY_WORDS = 4
_SHORT_FORMS = ("n't", "'s", "'m", "'re", "'ve", "'ll", "'d")


def formalise(text: str, *, variant: int = 0) -> str:
    """Return a casual chat turn as formal written English; the same text and variant give the same result.

    Variants differ in synonyms and in strength: 0, 3, 6, ... are standard, 1, 4, ... strong, 2, 5, ... light.
    Empty text gives an empty one; text that is not English is returned cleaned. Never raises.
    """
    cleaned = " ".join(clean(text).split())
    if not cleaned:
        return ""
    sentences = split_sentences(cleaned)
    if not _is_english(sentences):
        return cleaned
    picker = Picker.of(text, variant)
    shouted = _is_shouted(sentences)
    results = [result for sentence in sentences if (result := _formal_sentence(sentence, picker, shouted))]
    if not results:
        return _acknowledged(cleaned)
    return " ".join(results)


def _acknowledged(cleaned: str) -> str:
    """Return what stands for a turn of nothing but exclamations: a question for a question."""
    if not any(character.isalpha() for character in cleaned):
        return cleaned
    if "?" in cleaned:
        return "Is that so?"
    return "That is amusing." if _LAUGHTER.search(cleaned) else "I see."


def _formal_sentence(sentence: Sentence, picker: Picker, shouted: bool) -> str:
    calm(sentence, shouted)
    expand_contractions(sentence)
    asked = is_question(sentence)
    apply_rules(sentence, picker, asked)
    tidy(sentence)
    return written(sentence, asked)


def _is_shouted(sentences: list[Sentence]) -> bool:
    words = [word for sentence in sentences for word in sentence.words if len(word) > 1 and word[0].isalpha()]
    large = sum(word.isupper() for word in words)
    return large >= 3 and large >= 0.7 * len(words)


def _is_english(sentences: list[Sentence]) -> bool:
    words = {word.lower() for sentence in sentences for word in sentence.words}
    if all(word.isascii() for word in words) and len(words) < _MANY_WORDS:
        return True
    letters = sum(1 for word in words for character in word if character.isalpha())
    latin = sum(1 for word in words for character in word if character.isalpha() and character.isascii())
    if not letters:
        return True
    if latin < 0.6 * letters:
        return False
    if len(words) < _MANY_WORDS:
        return True
    classes = formal_lexicon().classes
    foreign = len(words & classes["foreign"])
    return (
        foreign < 2 or len(words & classes["english"]) >= foreign or any(word.endswith(_SHORT_FORMS) for word in words)
    )
