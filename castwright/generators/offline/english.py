"""The little English grammar that the offline model needs: inflection, and turning "you" into "I".

Rules with short lists of exceptions, from `data/lexicon.yaml`. Each function says when it is not sure by
returning an empty string, so that the caller takes another sentence rather than a wrong one. Rejected: a
tagger with weights, which the offline model must not have.
"""

from __future__ import annotations

import re
from functools import cache

from castwright.generators.offline.grammar import read_data


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text as a set (word lists read better as running text than as literals)."""
    return frozenset(text.split())


def _words(key: str) -> frozenset[str]:
    return frozenset(read_lexicon()[key].split())


@cache
def read_lexicon() -> dict[str, str]:
    """Return the word lists of `data/lexicon.yaml`, by name."""
    lexicon: dict[str, str] = read_data("lexicon")
    return lexicon


VERBS = _words("verbs")
ADJECTIVES = _words("adjectives")
DOUBLING = _words("doubling")
PAST: dict[str, str] = dict(pair.split(":") for pair in read_lexicon()["irregular_past"].split())
PAST_FORMS = frozenset(PAST.values())
DETERMINERS = word_set("a an the my your his her its our their this that these those some any every each no another")
PREPOSITIONS = word_set(
    "about above across after against along among around at before behind below beneath "
    "beside between beyond by "
    "down during for from in inside into like near of off on onto out over past through "
    "to toward towards under "
    "until up upon with within without than as"
)
_CAUSES = word_set(
    "make makes made give gives gave tell tells told help helps helped let lets teach "
    "teaches taught bring brings "
    "brought drive drives drove keep keeps kept ask asks asked cost costs frighten "
    "frightens scare scares scared "
    "annoy annoys bother bothers worry worries surprise surprises surprised move moves "
    "hurt hurts love loves loved "
    "hate hates inspire inspires inspired call calls called show shows showed shown leave "
    "leaves left know knows "
    "irritate irritates comfort comforts upset upsets shape shaped changed change changes "
    "helps saved save saves "
    "please pleases stop stops stopped held hold holds remind reminds raised warned thank trust trusts"
)
_VOWELS = "aeiou"
_WORD = re.compile(r"[A-Za-z’']+|[^A-Za-z’']+")
_MINE = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
    "i'm": "you are",
    "i've": "you have",
    "i'd": "you would",
    "i'll": "you will",
    "you're": "I am",
    "you've": "I have",
    "you'd": "I would",
    "you'll": "I will",
}
_TO_YOU = {"i": "you", "me": "you", "my": "your", "mine": "yours", "myself": "yourself", "am": "are"}
_AFTER_I = {"are": "am", "were": "was"}
_AFTER_YOU = {"am": "are", "was": "were"}
_INDEFINITE = "(?:some|every|any|no)(?:one|body|thing)"
_AFTER_IS = "not|so|too|very|a|the|in|on|out|wet|wrong|gone|here|there"
_CONTRACTIONS = [
    (re.compile(pattern, re.IGNORECASE), full)
    for pattern, full in [
        (r"\bcan[’']t\b", "cannot"),
        (r"\bwon[’']t\b", "will not"),
        (r"\bshan[’']t\b", "shall not"),
        (r"(?<=[a-z])n[’']t\b", " not"),
        (r"\bI[’']m\b", "I am"),
        (r"(?<=[a-z])[’']re\b", " are"),
        (r"(?<=[a-z])[’']ve\b", " have"),
        (r"(?<=[a-z])[’']ll\b", " will"),
        (r"\b(I|you|he|she|we|they|it)[’']d\b", r"\1 would"),
        (r"\bI[’']ll\b", "I will"),
        (r"\bI[’']ve\b", "I have"),
        (r"\b(what|where|who|how|when|why|that|there|it|he|she|here)[’']s\b", r"\1 is"),
        (r"\blet[’']s\b", "let us"),
        (rf"\b({_INDEFINITE})[’']s (?=(?:been|let|got|done|taken|become|[a-z]+ed)\b)", r"\1 has "),
        (rf"\b({_INDEFINITE})[’']s (?=(?:[a-z]+ing|{_AFTER_IS})\b)", r"\1 is "),
    ]
]


def expand(text: str) -> str:
    """Return the text with its contractions written out (`don't` -> `do not`)."""
    if "'" not in text and "’" not in text:
        return text
    for pattern, full in _CONTRACTIONS:
        text = pattern.sub(full, text)
    return text


def flip(text: str) -> str:
    """Return the text as the one who answers says it: `my fear of you` -> `your fear of me`."""
    pieces = _WORD.findall(text)
    out: list[str] = []
    before = ""
    for at, piece in enumerate(pieces):
        lower = piece.lower().replace("’", "'")
        if lower in _MINE:
            out.append(_MINE[lower])
        elif lower == "you":
            out.append(_i_or_me(before, pieces, at))
        elif before in ("i", "you") and out and lower in (*_AFTER_I, *_AFTER_YOU):
            spoken = out[-2] if len(out) > 1 else ""
            out.append((_AFTER_I if spoken == "I" else _AFTER_YOU if spoken == "you" else {}).get(lower, piece))
        else:
            out.append(piece)
        if piece.strip():
            before = lower
    return "".join(out)


def to_asker(text: str) -> str:
    """Return the text with the asker's "I" and "my" turned to "you" and "your"; a general "you" stays."""
    turned = "".join(_TO_YOU.get(piece.lower(), piece) for piece in _WORD.findall(text))
    return turned.replace("you was", "you were")


def _i_or_me(before: str, pieces: list[str], at: int) -> str:
    if before in PREPOSITIONS or before in _CAUSES:
        return "me"
    rest = [piece for piece in pieces[at + 1 :] if piece.strip()]
    return "I" if rest and rest[0][0].isalpha() and rest[0].lower() not in PREPOSITIONS else "me" if before else "I"


def _doubles(verb: str) -> bool:
    return verb in DOUBLING


def gerund(phrase: str) -> str:
    """Return a base verb phrase as a gerund (`fix the tap` -> `fixing the tap`), or "" where not sure."""
    verb, _, rest = phrase.partition(" ")
    lower = verb.lower()
    if lower not in VERBS and lower != "be":
        return ""
    if lower.endswith("ie"):
        form = lower[:-2] + "ying"
    elif lower.endswith("e") and not lower.endswith(("ee", "oe", "ye")) and lower != "be":
        form = lower[:-1] + "ing"
    else:
        form = lower + (lower[-1] if _doubles(lower) else "") + "ing"
    return f"{form} {rest}" if rest else form


def past(verb: str) -> str:
    """Return the past form of a base verb, or "" for a verb that is not in the lexicon."""
    if verb in PAST:
        return PAST[verb]
    if verb not in VERBS:
        return ""
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return verb[:-1] + "ied"
    return verb + (verb[-1] if _doubles(verb) else "") + "ed"


def third(verb: str) -> str:
    """Return the third person singular of a base verb (`go` -> `goes`), or "" where it is not known."""
    if verb == "have":
        return "has"
    if verb == "be":
        return "is"
    if verb not in VERBS:
        return ""
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        return verb[:-1] + "ies"
    return verb + "s"


def is_participle(word: str) -> bool:
    """Return whether a word looks like a past participle (`tried`, `been`, `taught`)."""
    return (
        word.endswith(("ed", "en"))
        or word in PAST_FORMS
        or word in {"been", "done", "gone", "seen", "had", "begun", "sung"}
    )


def is_plural(phrase: str) -> bool:
    """Return whether a noun phrase takes a plural verb, judged by the last word of its head."""
    words = phrase.lower().split(" ")
    if words[0] in ("a", "an", "this", "that", "every", "each", "one") or words[0].endswith("ing"):
        return False
    at = next((i for i, word in enumerate(words) if i and word in PREPOSITIONS | {"who", "that", "which"}), len(words))
    head = words[at - 1]
    if " and " in " ".join(words[:at]) or head in ("people", "children", "men", "women", "teeth", "feet", "mice"):
        return True
    return head.endswith("s") and not head.endswith(("ss", "us", "is", "'s", "ics", "news"))


def starts_safely(text: str) -> bool:
    """Return whether the first word is one that may lose its capital (`The`, or of our data)."""
    first = text.split(" ", 1)[0].rstrip(",;:!.")
    return first in _lowerable() or (first.endswith("ing") and len(first) > 6)


@cache
def _lowerable() -> frozenset[str]:
    """Return the words that may lose their capital: a fixed list, and our templates' first words."""
    firsts = set(_LOWERABLE)
    for name in ("respond", "quirks", "restate"):
        for body in read_data(name).values():
            firsts.update(re.findall(r"(?:^\s*\[?|\|)([A-Z][a-z]+)", body, re.MULTILINE))
    for trade in read_data("trades"):
        for key in ("task", "folk", "rule"):
            firsts.update(re.findall(r"(?:^|; )([A-Za-z]+)", trade[key]))
    return frozenset({word[0].upper() + word[1:] for word in firsts} - {"I"})


_LOWERABLE = word_set(
    "A An The It There That This These Those We You He She They In On At By For From With "
    "Without When If While My "
    "Your Our What Where Who How Why And But So Yet Or Still Most Some Every Each No Not "
    "Nothing Nobody Everyone "
    "People Take Begin Start Look Let Give Keep Do Be Ask As Once Before After Give Go Try Then Now Perhaps "
    "Whether Sometimes Often Never Always All Any Something Someone Anyone Tell Think "
    "Listen Whatever Whoever One"
)


def lower_first(text: str) -> str:
    """Return the text with its first letter small, where the first word is a plain one."""
    return text[0].lower() + text[1:] if text and starts_safely(text) else text


def upper_first(text: str) -> str:
    """Return the text with its first letter large (quotes and brackets before it are passed over)."""
    for at, mark in enumerate(text):
        if mark.isalpha():
            return text[:at] + mark.upper() + text[at + 1 :]
        if mark.isdigit():
            return text
    return text
