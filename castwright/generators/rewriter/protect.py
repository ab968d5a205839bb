"""What a small rewriter must not touch: most words of a sentence become numbered slots.

A few hundred style pairs teach a model which *style* words to change, never how to spell "Eiffel Tower". So
every word outside a small lexicon, every number, name, link and code span, is masked by a slot (`<3>`) that
both sides of a pair share; the model learns to place slots, and the words come back from the source. By
construction it cannot misspell or invent a word. Rejected: byte-level BPE, which
can spell words nobody ever wrote, and masking only names and numbers, which leaves thousands of words to be learned.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from castwright.generators.rewriter.words import ends_sentence, is_kept_apart, join_words, split_words

MAX_SLOTS = 40
CAPITAL = "<^>"  # stands before a word that owes its capital only to its place in the sentence
SLOTS: tuple[str, ...] = tuple(f"<{number}>" for number in range(MAX_SLOTS))
_PICTURES = frozenset({"So", "Sk", "Cn", "Mn", "Cf"})  # Unicode categories of emoji and what modifies them
_SLOT_SET = frozenset(SLOTS)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the model may say (`lexicon`) and which lower-case words are known not to be names (`common`)."""

    lexicon: frozenset[str]
    common: frozenset[str]

    def holds(self, word: str) -> bool:
        """Tell whether the model knows this word; numbers, links and code are never known."""
        return word in self.lexicon and not is_kept_apart(word)

    def plain(self, word: str, starting: bool) -> str:
        """Return the word without a capital that it owes only to its place."""
        lower = word[:1].lower() + word[1:]
        if starting and lower != word and word != "I" and (lower in self.lexicon or lower in self.common):
            return lower
        return word


@dataclass(frozen=True, slots=True)
class Masked:
    """A sentence as the model sees it.

    `words` are lexicon words, marks, `CAPITAL` and slots; `slots` maps a slot to the word it stands for.
    """

    words: tuple[str, ...]
    slots: dict[str, str]

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def places_like(self, words: Sequence[str]) -> bool:
        """Tell whether the words hold exactly this sentence's slots, each as often as here."""
        placed = [word for word in words if word in _SLOT_SET]
        return sorted(placed) == sorted(word for word in self.words if word in _SLOT_SET)


def mask(text: str, vocabulary: Vocabulary, *, first_slot: int = 0) -> Masked | None:
    """Return the sentence with every unknown word in a slot, or None where slots run out.

    Slots count up from `first_slot` (modulo `MAX_SLOTS`) in order of appearance; one word twice is one slot.
    """
    words: list[str] = []
    slot_of: dict[str, str] = {}
    starting = True
    for word in split_words(text):
        plain = vocabulary.plain(word, starting)
        if plain != word:
            words.append(CAPITAL)
        if vocabulary.holds(plain):
            words.append(plain)
        else:
            if plain not in slot_of:
                if len(slot_of) == MAX_SLOTS:
                    return None
                slot_of[plain] = SLOTS[(first_slot + len(slot_of)) % MAX_SLOTS]
            words.append(slot_of[plain])
        starting = ends_sentence(word) or (starting and not word[0].isalnum())
    return Masked(tuple(words), {slot: word for word, slot in slot_of.items()})


def mask_like(text: str, source: Masked, vocabulary: Vocabulary) -> Masked | None:
    """Return the other side of a pair, masked with the slots of its source.

    None when it has a word that is neither known nor in the source, or lacks one of the source's: such a pair
    would teach the model to invent or to lose content. Emoji that the source lacks are left out: when to add
    one is nothing that can be learned from the words.
    """
    slot_of = {word.lower(): slot for slot, word in source.slots.items()}
    words: list[str] = []
    starting = True
    for word in split_words(text):
        plain = vocabulary.plain(word, starting)
        starting = ends_sentence(word) or (starting and not word[0].isalnum())
        spoken = slot_of.get(word.lower(), plain)
        if spoken == plain and not vocabulary.holds(plain):
            spoken = word.lower()
            if is_picture(word):
                continue
            if not vocabulary.holds(spoken):
                return None
        if plain != word or (spoken == word.lower() != word and word[1:].islower()):
            words.append(CAPITAL)
        words.append(spoken)
    return Masked(tuple(words), source.slots) if source.places_like(words) else None


def unmask(words: Sequence[str], slots: dict[str, str]) -> str:
    """Return running text: slots filled, capitals set. A slot without a word is left out."""
    filled: list[str] = []
    capital = False
    for word in words:
        if word == CAPITAL:
            capital = True
            continue
        plain = slots.get(word, "" if word in _SLOT_SET else word)
        if plain:
            filled.append(plain[:1].upper() + plain[1:] if capital else plain)
        capital = False
    return join_words(filled)


def is_picture(word: str) -> bool:
    """Tell whether a mark is an emoji or a part of one."""
    return not word.isascii() and all(unicodedata.category(char) in _PICTURES for char in word)
