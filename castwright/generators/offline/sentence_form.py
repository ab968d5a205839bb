"""The form of one sentence: calm letters, whether it is a question, its commas, capitals and end mark.

A question is recognised by its mark or, where chat left the mark out, by its form: a question word with its
verb, or a verb before its subject. What is a question stays one and gets one question mark; everything else
gets a full stop, exclamations too. (Rejected: trusting the typed mark alone, which 13 to 40 % of real turns
lack.)
"""

from __future__ import annotations

import re

from castwright.generators.offline.chat_tokens import Sentence, join
from castwright.generators.offline.formal_lexicon import FormalLexicon, formal_lexicon
from castwright.generators.offline.wordlists import word_set

_STRETCH = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
_TAIL_STRETCH = re.compile(r"([^\W\d_])\1+$", re.IGNORECASE)
_DOUBLED = re.compile(r"([^\W\d_])\1+", re.IGNORECASE)
_LAUGH = re.compile(r"^(?:b?w?a?(?:ha){2,}h?|(?:he){2,}h?|l+o+l+(?:ol)*s?|lm+f?ao+|ro+fl)$", re.IGNORECASE)
_LEADS = word_set(
    "so and but well hey oh ok okay yeah yes no hi also um uh wow like anyway , wait sorry please now man "
    "dude lol hmm hm cool nice right btw omg hello"
)
_WH_VERBS = word_set("is are was were do does did can could will would should has have had am 's shall may might")
_ASKED_AMOUNTS = word_set("many much long often old about come far big good tall")
_INVERTING = word_set("is are was were do does did can could will would should has have had am may shall")
_INVERTED = word_set("you he she they we it i there anyone anybody")
_INVERTED_LOOSE = word_set("the that this your his her their my our these those any")
_PLAIN_STATEMENTS = frozenset(
    {
        ("do", "it"),
        ("have", "it"),
        ("do", "that"),
        ("do", "this"),
        ("have", "the"),
        ("do", "the"),
        ("do", "your"),
        ("have", "your"),
        ("have", "that"),
        ("have", "any"),
        ("do", "my"),
        ("have", "there"),
        ("will", "the"),
        ("may", "the"),
        ("may", "your"),
        ("have", "my"),
        ("may", "they"),
    }
)
_TAGS = frozenset({"is it not", "do you not", "are you not", "was it not", "did he not", "do they not", "does it not"})
_DROPPABLE = frozenset({",", ";", "-", "--", "*", "~", ":"})
_OATHS = frozenset({"fuck", "hell", "heck"})
_OATH_GAPS = (["what", "the"], ["why", "the"], ["who", "the"], ["how", "the"], ["where", "the"])
_LOWERED = frozenset({"But", "And", "So", "Or", "Because", "Thank", "Yes", "Yeah"})
_PRONOUN_I = frozenset({"i", "i'm", "i've", "i'll", "i'd"})


def calm(sentence: Sentence, shouted: bool) -> None:
    """Undo shouting and stretching ("SOOO" is "so") in place; acronyms and names keep their capitals."""
    lexicon = formal_lexicon()
    words = sentence.words
    shouted = shouted or _has_run(words)
    for index, word in enumerate(words):
        if word[0] in "[@#" or "/" in word:
            continue
        if len(word) > 1 and word.isupper() and word[0].isalpha():
            word = _calmed(word, shouted, lexicon)
        if len(word) > 3 and _STRETCH.search(word) and (not index or not word[0].isupper()):
            word = shortened(word)
        if len(word) > 2 and _LAUGH.match(word):
            word = "lol"
        words[index] = word


def _has_run(words: list[str]) -> bool:
    """Tell whether three words in a row are shouted."""
    run = 0
    for word in words:
        run = run + 1 if word.isupper() and (len(word) > 1 or word in "IA") else 0
        if run > 2:
            return True
    return False


def _calmed(word: str, shouted: bool, lexicon: FormalLexicon) -> str:
    low = word.lower()
    if any(c.isdigit() for c in word):
        return word
    known = low in lexicon.classes["common"] or low in lexicon.words or "'" in low or _STRETCH.search(word)
    if low in lexicon.classes["acronyms"] and not (shouted and low in ("us", "it", "am", "ok")):
        return low if low == "ok" else word
    if not known and not shouted:
        return word
    return low


def shortened(word: str) -> str:
    """Return a stretched word as it is spelled ("heyyy" is "hey"), by the lexicon, then by rule."""
    known = formal_lexicon().stretched
    twice, once = _STRETCH.sub(r"\1\1", word), _STRETCH.sub(r"\1", word)
    for form in (once, twice, _TAIL_STRETCH.sub(r"\1", once), _DOUBLED.sub(r"\1", word)):
        if form.lower() in known:
            return form[0] + known[form.lower()][1:] if form[0].isupper() else known[form.lower()]
    if twice[-1:] == twice[-2:-1] and twice[-1].lower() not in "slfezo":
        return _TAIL_STRETCH.sub(r"\1", twice)
    return once


def is_question(sentence: Sentence) -> bool:
    """Tell whether a sentence is a question: by its mark, else by its form."""
    if "?" in sentence.mark:
        return True
    words = [word for word in map(str.lower, sentence.words[:14]) if word not in _OATHS]
    if "the" in words and len(words) < len(sentence.words[:14]) and words[:2] in _OATH_GAPS:
        del words[1]
    start = 0
    if not words:
        return False
    while start < len(words) - 1 and words[start] in _LEADS and start < 4:
        start += 1
    first = words[start]
    second = words[start + 1] if start + 1 < len(words) else ""
    third = words[start + 2] if start + 2 < len(words) else ""
    if " ".join(words[-3:]) in _TAGS and len(sentence.words) > 3:
        return True
    exclaimed = "!" in sentence.mark
    if first in _INVERTING:
        if (first, second) in _PLAIN_STATEMENTS or exclaimed:
            return False
        if second in _INVERTED:
            return not (first in ("had", "should", "were") and not sentence.mark and "," in words)
        return second in _INVERTED_LOOSE and first not in ("do", "have", "had") and sentence.mark != "."
    if exclaimed or sentence.mark[:1] == ".":
        return first in ("what", "how", "why") and second in ("do", "did", "are") and third == "you"
    return _asks(first, second, third, words[start + 2 : start + 5])


def _asks(first: str, second: str, third: str, later: list[str]) -> bool:
    if first == "how":
        return second in _WH_VERBS or (second in _ASKED_AMOUNTS and bool(third))
    if first == "why":
        return second in _WH_VERBS or second == "not"
    if first == "what":
        if second in _WH_VERBS or second in ("about", "kind", "else", "type", "sort", "time"):
            return not (second in ("is", "was") and third in ("i", "he", "she", "they"))
        return second not in ("a", "an", "i", "the", "you", "he", "she", "they", "we") and any(
            word in _WH_VERBS for word in later[:2]
        )
    if first == "which":
        return second == "one" or (second not in _WH_VERBS and any(word in _INVERTING for word in later[:2]))
    if first in ("who", "where", "whose"):
        return second in _WH_VERBS
    return first == "when" and second in _WH_VERBS


def tidy(sentence: Sentence) -> None:
    """Drop commas that lost their phrase, and capitalise I and known names, in place."""
    proper = formal_lexicon().proper
    words, glued = sentence.words, sentence.glued
    kept_words: list[str] = []
    kept_glued: list[bool] = []
    for word, glue in zip(words, glued, strict=True):
        if not word:  # nothing is left of a clitic typed apart ("did n't")
            continue
        if word in _DROPPABLE and (not kept_words or kept_words[-1] in (",", ";")) and word != "*":
            continue
        if word[0].islower():
            word = _capital(word, proper)
        elif word.lower() == "i" and word != "I":
            word = "I"
        if kept_words and kept_words[-1] in ("a", "an", "A", "An"):
            kept_words[-1] = article(kept_words[-1], word)
        elif word in _LOWERED and kept_words and kept_words[-1] == ",":
            word = word.lower()
        kept_words.append(word)
        kept_glued.append(glue)
    while kept_words and kept_words[-1] in _DROPPABLE and kept_words[-1] != "*":
        kept_words.pop()
        kept_glued.pop()
    sentence.words, sentence.glued = kept_words, kept_glued


def article(given: str, word: str) -> str:
    """Return "a" or "an" as the small-lettered word after it asks; before other words it stays as given."""
    if not word.isalpha() or not word.islower() or word[0] == "h" or len(word) < 2:
        return given
    vowel = word[0] in "aeio" or (word[0] == "u" and not word.startswith(("uni", "use", "usu", "uti", "ubi")))
    if word.startswith(("eu", "one", "once")):
        vowel = False
    return given[0] + ("n" if vowel else "")


def _capital(word: str, proper: dict[str, str]) -> str:
    if word in _PRONOUN_I:
        return "I" + word[1:]
    if word in proper:
        return proper[word]
    if word.endswith("'s") and word[:-2] in proper:
        return proper[word[:-2]] + "'s"
    return word


def written(sentence: Sentence, asked: bool) -> str:
    """Return the sentence as text, with its first letter large and its end mark; empty without a word."""
    if not any(character.isalnum() for word in sentence.words for character in word):
        return ""
    text = join(sentence.words, sentence.glued)
    for index, character in enumerate(text):
        if character.isalnum() or character == "[":
            if character.islower() and not text[index:].startswith(("http", "www.")):
                text = text[:index] + character.upper() + text[index + 1 :]
            break
    mark = "?" if asked else "."
    if text[-1] in ".?!" and not (asked and text[-1] == "."):
        return text + sentence.tail
    return text + mark + sentence.tail
