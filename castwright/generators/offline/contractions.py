"""Contractions written out: "it's been" is "it has been", "I'd seen" "I had seen", "don't you" "do you not".

What 's and 'd stand for is decided by the words that follow, with small closed lists of participles and
adverbs: right nearly always, and where it is not sure a possessive stays a possessive. Spelling without the
apostrophe ("dont", "its a") is mended here too, only where no other English word is meant. (Rejected: a
part-of-speech tagger, which would be the only heavy part of a model meant to have none.)
"""

from __future__ import annotations

from castwright.generators.offline.chat_tokens import Sentence
from castwright.generators.offline.formal_lexicon import formal_lexicon
from castwright.generators.offline.wordlists import word_set

_SUBJECTS = word_set("i you he she it we they there")
_WH = word_set("what who where when why how which whom whose")
_S_BASES = _WH | word_set("he she it that this there here")
_SKIP = word_set(
    "not always never already just really ever only also probably definitely still actually all since "
    "certainly clearly recently finally even basically literally honestly only long"
)
_HAS_AFTER_ANY = word_set("been got gotten had become happened gotta")
_HAS_AFTER_PERSON = word_set(
    "played won scored said written directed acted starred worked lived taken given lost come grown known "
    "changed seen made gone done shown helped moved turned started stopped tried improved kept left"
)
_HAS_AFTER_THING = word_set("taken come grown changed gone turned started lost")
_HAD_WORDS = word_set(
    "been better seen heard gone done known had got gotten gone taken forgotten written given made "
    "thought felt found lost left told met kept bought brought grown begun broken chosen eaten fallen "
    "forgiven hoped"
)
_NOT_PAST = word_set("need feed speed bleed breed proceed succeed exceed heed seed weed embed shed wed")
_POSSESSIVE_BREAKERS = word_set(
    "a an the not really so very just going gonna been pretty too also always never probably definitely "
    "still got getting gotta been more less quite already only like in on at about supposed trying"
)
_NT = {
    "can't": ("can", "not"),
    "won't": ("will", "not"),
    "shan't": ("shall", "not"),
    "ain't": ("is", "not"),
}
_AIN_T = {"i": "am", "you": "are", "we": "are", "they": "are", "these": "are", "those": "are"}
_VERBS_OF_THAT = word_set(
    "bother make seem sound look mean count sell feel hurt scare bore matter happen change work be take cost"
)
_AINT = {"aint": "ain't"}
_AFTER_HAVE_NOT = word_set("got seen heard been done had gotten")
_ITS_BREAKERS = word_set(
    "a an the not been very so really just like pretty too also going gonna always never definitely "
    "probably all still about because good great bad fine ok okay cool awesome true amazing hard easy "
    "nice funny crazy weird fun time only more kinda kind what why how where hard impossible possible "
    "worth sad got been supposed called in on at my your even cause"
)
_YOURE_NEXT = word_set("welcome so not very too gonna going right wrong kidding joking")
_VERBS_AFTER_ILL = word_set(
    "be have check watch try see go get take give let look keep do tell make say never always probably "
    "definitely just also read find play listen put call think wait need stick add start buy pass"
)
_VERBS_AFTER_ID = word_set(
    "like love say be rather have go guess think never want prefer agree take rate recommend hate bet "
    "probably definitely also just watch suggest"
)


def expand_contractions(sentence: Sentence) -> None:
    """Write out every contraction and slang spelling of a sentence, in place."""
    words = sentence.words
    simple = formal_lexicon().words
    index = 0
    while index < len(words):
        low = _AINT.get(words[index].lower(), words[index].lower())
        written: list[str] | None
        if index and _in_title(words, index):
            written = None
        elif "'" in low:
            written = _with_apostrophe(words, index, low)
        else:
            written = simple.get(low)
            if written is None or (index and (_is_name(words[index]) or words[index] in "URKY")):
                written = _without_apostrophe(words, index, low)
        if written is None:
            index += 1
            continue
        stop = index + 1
        if written[-1] == "not" and stop < len(words) and _inverts(words, index, written[0].lower()):
            written = [*written[:-1], words[stop], "not"]
            stop += 1
        if words[index][0].isupper() and (index == 0 or low[:2] == "i'"):
            written = [written[0][0].upper() + written[0][1:], *written[1:]]
        if written == words[index:stop]:
            index += 1
            continue
        sentence.splice(index, stop, written)
        index += len(written)


def _in_title(words: list[str], index: int) -> bool:
    """Tell whether a word stands large beside another large one, as in the title of a song."""
    if not _is_name(words[index]) or index + 1 >= len(words) or words[index][:2] in ("I'", "I"):
        return False
    following = words[index + 1]
    return _is_name(following) and following[:2] != "I'" and "'" in words[index] and words[index - 1][0].isalnum()


def _is_name(word: str) -> bool:
    return word[0].isupper() and not word.isupper()


def _next(words: list[str], index: int) -> tuple[str, bool]:
    """Return the first word after index that is no adverb, in small letters, and whether one was skipped."""
    skipped = False
    for word in words[index + 1 : index + 4]:
        low = word.lower()
        if low not in _SKIP:
            return low, skipped
        skipped = True
    return "", skipped


def _with_apostrophe(words: list[str], index: int, low: str) -> list[str] | None:
    fixed = formal_lexicon().apostrophes.get(low)
    if fixed is not None:
        return list(fixed)
    if low.endswith("n't"):
        return _negated(words, index, low)
    base, _, suffix = words[index].rpartition("'")
    low_base = base.lower()
    if not base:
        return None
    if "'" in base:
        inner = Sentence([base], [False])
        expand_contractions(inner)
        base = " ".join(inner.words)
    kind = suffix.lower()
    if kind == "s":
        return _s(words, index, base, low_base)
    if kind == "d":
        return _d(words, index, base, low_base)
    plain = {"m": "am", "re": "are", "ve": "have", "ll": "will"}.get(kind)
    if plain:
        return [*base.split(), plain]
    if not kind and low_base.endswith("in") and len(low_base) > 3:
        return [base + "g"]
    return None


def _negated(words: list[str], index: int, low: str) -> list[str]:
    if low == "can't":
        return ["can", "not"] if _inverts(words, index, "can") else ["cannot"]
    verb, particle = _NT.get(low, (low[:-3], "not"))
    if low == "ain't":
        before = words[index - 1].lower() if index else ""
        after = _next(words, index)[0]
        verb = _AIN_T.get(before, "is")
        if after == "gotta":
            verb = "do" if before in _AIN_T else "does"
        if after in _AFTER_HAVE_NOT:
            verb = "have" if before in _AIN_T else "has"
        if after in ("no", "nothing", "nobody", "none"):
            return [verb]
    return [verb, particle]


def _inverts(words: list[str], index: int, verb: str) -> bool:
    """Tell whether "not" belongs behind the subject: "don't you" is "do you not"."""
    before = words[index - 1].lower() if index else ""
    if before and before not in _WH and before not in {",", ";", "and", "but", "so", "or", '"', "(", "well", "because"}:
        return False
    if index + 1 >= len(words):
        return False
    subject = words[index + 1]
    if subject.lower() in _SUBJECTS:
        return True
    after = words[index + 2].lower() if index + 2 < len(words) else ""
    if subject.lower() in ("that", "this") and verb in ("do", "does", "did", "would", "will"):
        return after in _VERBS_OF_THAT
    if subject.lower() in ("that", "this") and verb in ("is", "was"):
        return after in formal_lexicon().classes["adj"] or after in (
            "",
            "a",
            "an",
            "the",
            "so",
            "just",
            "what",
            "?",
            ",",
        )
    return subject[0] == "[" and "'" not in subject


def _s(words: list[str], index: int, base: str, low_base: str) -> list[str] | None:
    if low_base == "let":
        return [base, "us"]
    after, skipped = _next(words, index)
    person = low_base in ("he", "she", "who") or base[0] == "["
    has = (
        after in _HAS_AFTER_ANY
        or (person and after in _HAS_AFTER_PERSON)
        or (low_base in ("it", "that") and after in _HAS_AFTER_THING and not _passive(words, index))
        or (skipped and after.endswith("ed") and after not in ("supposed", "called", "based") and person)
    )
    if low_base in _S_BASES:
        if low_base in ("how", "what", "where", "why") and after in ("he", "she", "it") and index + 2 < len(words):
            return [
                *base.split(),
                "does" if words[index + 2].lower() in ("do", "go", "mean", "say") else "is",
            ]
        return [*base.split(), "has" if has else "is"]
    raw = words[index + 1].lower() if index + 1 < len(words) else ""
    if raw in _POSSESSIVE_BREAKERS and index + 1 < len(words):
        return [base, "has" if after in _HAS_AFTER_ANY else "is"]
    return None


def _passive(words: list[str], index: int) -> bool:
    return any(word.lower() == "by" for word in words[index + 2 : index + 4])


def _d(words: list[str], index: int, base: str, low_base: str) -> list[str]:
    after, _ = _next(words, index)
    if low_base in ("how", "where", "why", "what", "when"):
        return [base, "did" if after in _SUBJECTS or after in ("that", "this", "the") else "would"]
    had = after in _HAD_WORDS or (after.endswith("ed") and after not in _NOT_PAST and len(after) > 3)
    return [base, "had" if had else "would"]


def _without_apostrophe(words: list[str], index: int, low: str) -> list[str] | None:
    after = words[index + 1].lower() if index + 1 < len(words) else ""
    before = words[index - 1].lower() if index else ""
    if low == "its" and (after in _ITS_BREAKERS or after.endswith("ing")) and after != "own":
        skipped = _next(words, index)[0]
        return ["it", "has" if skipped in _HAS_AFTER_ANY else "is"]
    if low == "ill" and words[index] != "ILL" and after in _VERBS_AFTER_ILL:
        return ["I", "will"]
    if low == "id" and words[index] != "ID" and after in _VERBS_AFTER_ID:
        return ["I", "would"]
    if low == "lets" and (not before or before in ("so", ",", "and", "well")):
        return ["let", "us"]
    if low == "ur":
        describes = after in formal_lexicon().classes["adj"] or after in _YOURE_NEXT or after.endswith("ing")
        return ["you", "are"] if describes or after in ("a", "the", "an") else ["your"]
    if low == "your" and after in _YOURE_NEXT:
        closes = index + 2 >= len(words) or words[index + 2] in {",", "about", "that", "i"}
        return ["you", "are"] if after not in ("right", "wrong") or closes else None
    if low == "of" and before in ("should", "could", "would", "must", "might"):
        return ["have"] if after != "course" else None
    if low == "y" and not before and after in ("do", "did", "is", "are", "would", "not", "u", "dont", "don't"):
        return ["why"]
    if low == "n" and before and after and words[index] == "n":
        return ["and"]
    return None
