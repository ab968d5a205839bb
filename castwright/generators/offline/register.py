"""A sentence in a register: archaic, formal, neutral or casual; and the tidying that every answer gets.

The wording in the data files is neutral and written out in full. Archaic speech turns "you" to "thou" only
where the verb can be inflected by rule, and a whole answer or nothing, so that "thou are" never happens.
Casual speech contracts only now and then: raw responses are meant to be rather too formal, since the style
rewriter makes them casual later. Rejected: a lexicon of old words, which reads like a costume.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from castwright.generators.offline import english
from castwright.generators.offline.english import word_set

_THOU = {
    "are": "art",
    "have": "hast",
    "do": "dost",
    "will": "wilt",
    "can": "canst",
    "should": "shouldst",
    "were": "wert",
    "would": "wouldst",
    "shall": "shalt",
    "had": "hadst",
    "did": "didst",
    "could": "couldst",
    "may": "mayst",
    "must": "must",
    "might": "mightst",
    "cannot": "canst not",
    "need": "needest",
    "said": "saidst",
}
_YOU = re.compile(
    r"\b(?:(?P<aux>are|have|do|will|can|should|would|shall|did|may|must) "
    r")?(?P<you>you)\b(?: (?P<adverb>never|always|often|usually|also|only|already|once|"
    r"really|no longer)\b)?(?: (?P<verb>[a-z]+)\b)?",
    re.IGNORECASE,
)
_OLD_WORDS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(pattern), said)
    for pattern, said in [
        (r"\bIt is\b", "'Tis"),
        (r"(?<!\bto )(?<!\bof )(?<!\bin )(?<!\bfor )(?<!\bwith )(?<!\babout )\bit is\b", "'tis"),
        (r"\bIt was\b", "'Twas"),
        (r"\bbefore (?=you|I|it|we)", "ere "),
        (r"\boften\b", "oft"),
        (r"\bPerhaps\b", "Perchance"),
        (r"\bperhaps\b", "perchance"),
        (r"\bnothing\b", "naught"),
        (r"\bI think\b(?! (?:of|about|in|so|it|back|at|how|always|better|best|aloud)\b)", "methinks"),
        (r"\bbetween\b", "betwixt"),
        (r"\bBetween\b", "Betwixt"),
        (r"\buntil\b", "till"),
    ]
]
_PLAIN_TO_FORMAL = [
    (re.compile(pattern), said)
    for pattern, said in [
        (r"\ba lot of\b", "a great deal of"),
        (r"\bmaybe\b", "perhaps"),
        (r"\bMaybe\b", "Perhaps"),
        (r"\bI guess\b", "I suppose"),
        (r"\bOkay\b", "Very well"),
        (r"\bGive me\b", "I should choose"),
        (r"\bkids\b", "children"),
    ]
]
_SHORT_FORMS = [
    (re.compile(pattern), said)
    for pattern, said in [
        (r"\bI am\b(?!\s*(?:[.,;:!?]|$))(?! [a-z]+,? (?:so|and that)\b)", "I'm"),
        (r"\bdo not\b", "don't"),
        (r"\bI would\b", "I'd"),
        (r"\bcannot\b", "can't"),
        (r"\b([Ii])t is (?=[a-z]+ [a-z])", r"\1t's "),
        (r"\bI have (?=[a-z]+(?:ed|en|own)\b)", "I've "),
        (r"\bis not\b", "isn't"),
        (r"\bwill not\b", "won't"),
        (r"\b([Tt])hat is (?=[a-z]+ [a-z])", r"\1hat's "),
        (r"\b([Yy])ou are\b(?!\s*(?:[.,;:!?]|$))", r"\1ou're"),
        (r"\bdoes not\b", "doesn't"),
    ]
]
_CONTRACTED_SHARE = 0.3  # of the places in a casual answer where a contraction could stand
_OLD_SHARE = 0.7
_TIDY: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"\s+([,.;:!?])(?!\.)"), r"\1"),
    (re.compile(r"\b(the|a|an|to|of|and|in|my|is) \1\b", re.IGNORECASE), r"\1"),
    (re.compile(r",\s*([.;:!?])"), r"\1"),
    (re.compile(r"([.!?])\.(?!\.)(?<!\.\.\.)"), r"\1"),
    (re.compile(r"\b([Aa]) (?=[aeioAEIO](?!ne\b|nce\b|u))"), lambda m: f"{m.group(1)}n "),
]


def in_register(sentences: list[str], register: str, rng: random.Random) -> list[str]:
    """Return the sentences in a register (see the module's head)."""
    if register == "archaic":
        return _archaic(sentences, rng)
    if register == "formal":
        return [_replace(english.expand(sentence), _PLAIN_TO_FORMAL) for sentence in sentences]
    if register == "casual":
        return [contract(sentence, rng) for sentence in sentences]
    return sentences


def contract(sentence: str, rng: random.Random, share: float = _CONTRACTED_SHARE) -> str:
    """Return the sentence with a share of its full forms contracted."""
    for pattern, said in _SHORT_FORMS:
        if rng.random() < share:
            sentence = pattern.sub(said, sentence)
    return sentence


def _replace(sentence: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, said in rules:
        sentence = pattern.sub(said, sentence)
    return sentence


def _archaic(sentences: list[str], rng: random.Random) -> list[str]:
    said = [thou(sentence) for sentence in sentences]
    out = [sentence for sentence in said if sentence is not None] if all(s is not None for s in said) else sentences
    old = []
    for sentence in out:
        for pattern, word in _OLD_WORDS:
            if rng.random() < _OLD_SHARE:
                sentence = pattern.sub(word, sentence)
        old.append(sentence)
    return old


def thou(sentence: str) -> str | None:
    """Return a sentence with "you" as thou or thee, or None where a verb cannot be inflected by rule."""
    if '"' in sentence and "you" in sentence.split('"', 1)[1]:
        return None
    failed = False

    def say(match: re.Match[str]) -> str:
        nonlocal failed
        said, ok = _say_you(sentence, match)
        failed = failed or not ok
        return said

    text = _YOU.sub(say, sentence)
    if failed:
        return None
    text = re.sub(
        r"\b([Yy])our (?=[aeiou]|hour|hono|heir)", lambda m: "Thine " if m.group(1) == "Y" else "thine ", text
    )
    text = re.sub(r"\b([Yy])our\b", lambda m: "Thy" if m.group(1) == "Y" else "thy", text)
    text = re.sub(r"\b([Yy])ours\b", lambda m: "Thine" if m.group(1) == "Y" else "thine", text)
    return re.sub(r"\byourself\b", "thyself", text)


def _say_you(sentence: str, match: re.Match[str]) -> tuple[str, bool]:
    aux, verb, adverb = match["aux"] or "", match["verb"] or "", match["adverb"] or ""
    thou_word = "Thou" if match["you"][0] == "Y" else "thou"
    between = f" {adverb}" if adverb else ""
    tail = f" {verb}" if verb else ""
    if aux and aux.lower() in _THOU and not (verb and verb in _THOU):
        said = _THOU[aux.lower()]
        return f"{said[0].upper() + said[1:] if aux[0].isupper() else said} {thou_word}{between}{tail}", True
    head = f"{aux} " if aux else ""
    before = sentence[: match.start("you")].rstrip(" ").rsplit(" ", 1)[-1].lower().strip(",;:—")
    if verb in _THOU:
        return f"{head}{thou_word}{between} {_THOU[verb]}", True
    if (before in english.PREPOSITIONS and not (before in _JOINING and verb in english.VERBS)) or (
        not aux and _takes_object(before)
    ):
        return f"{head}thee{between}{tail}", True
    if verb in english.VERBS:
        ending = "st" if verb.endswith("e") else "est"
        doubled = verb + verb[-1] if verb in english.DOUBLING else verb
        return f"{head}{thou_word}{between} {doubled}{ending}", True
    if not verb and sentence[match.end() :][:1] in (",", ".", "?", "!", ";", ""):
        return f"{head}thee", True
    return match.group(), False


def _takes_object(word: str) -> bool:
    return (
        word in english.VERBS
        or word.endswith(("ing", "es", "ts", "ps", "ds", "ls", "ns", "ks"))
        or word in _OBJECT_VERBS
    )


_JOINING = word_set("than as before after until since like")  # conjunctions as well as prepositions
_OBJECT_VERBS = word_set("bless told gave made brought taught caught spare tell give teach thank let helped let upon")


def finish(sentences: list[str]) -> list[str]:
    """Return the sentences with capitals, articles and punctuation mended; empty ones are dropped."""
    out = []
    for sentence in sentences:
        text = sentence.strip()
        if not text:
            continue
        for pattern, said in _TIDY:
            text = pattern.sub(said, text)
        text = english.upper_first(text.strip(" ,;"))
        if text and text[-1] not in ".!?…\"”'":
            text += "."
        if text.startswith(("'tis", "'twas")):
            text = text[0] + text[1].upper() + text[2:]
        out.append(re.sub(r"(?<=[.?!] )([a-z])", lambda m: m.group().upper(), text))
    return [text for text in out if text]
