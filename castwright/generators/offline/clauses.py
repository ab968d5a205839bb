"""A question turned into a clause that stands inside another sentence.

"Why does bread rise" becomes "why bread rises": the auxiliary is moved or dropped, the verb inflected and the
person turned. The one hard part is where the subject ends, which is found by closed word lists; where they do
not settle it, the functions return empty strings and the caller uses a plainer sentence. Rejected: guessing.
"""

from __future__ import annotations

from castwright.generators.offline import english
from castwright.generators.offline.english import ADJECTIVES, DETERMINERS, PREPOSITIONS, VERBS, flip, word_set

LONGEST_TOPIC = 14


_DO = word_set("do does did")


_BE = word_set("is are was were am")


_MODAL = word_set("can could should would will shall might must may")


_HAVE = word_set("has have had")


AUXILIARIES = _DO | _BE | _MODAL | _HAVE


ADVERBS = word_set(
    "really ever always often still usually never just also even only actually best properly not "
    "sometimes typically truly so personally already finally last first most once"
)


_COMPLEMENT = word_set(
    "so too very always never often not still more less such a an the my your considered "
    "called "
    "usually sometimes really made in on at from made_of about"
)


_PRONOUNS = word_set("i you he she it we they there this that everyone someone people nobody anyone")


def embed(tokens: list[str]) -> tuple[str, str]:
    """Return (embedded clause, bare clause) of a question's tokens: the wh-phrase, an auxiliary, the rest."""
    at = next((i for i, token in enumerate(tokens[:6]) if token.lower() in AUXILIARIES), None)
    if len(tokens) > LONGEST_TOPIC + 4:
        return "", ""
    if (
        at
        and at > 1
        and tokens[0].lower() == "how"
        and tokens[1].lower() in ("many", "much")
        and tokens[at].lower() in _BE
    ):
        return "", ""
    if at is None or at == 0:
        second = tokens[1].lower() if len(tokens) > 1 else ""
        spoken = second in VERBS or second.endswith("s") or english.is_participle(second)
        return (
            (flip(english.lower_first(" ".join(tokens))), "") if at is None and spoken and len(tokens) > 2 else ("", "")
        )
    wh, aux, rest = tokens[:at], tokens[at].lower(), tokens[at + 1 :]
    if (
        wh[0].lower() == "who"
        and aux in _BE | _MODAL | _HAVE
        and rest
        and rest[0].lower() not in _PRONOUNS | DETERMINERS
        and not rest[0][0].isupper()
    ):
        return flip(english.lower_first(" ".join(tokens))), ""
    negative = bool(rest) and rest[0].lower() == "not"
    rest = rest[1:] if negative else rest
    end = _subject_end(rest, aux, wh[0].lower())
    if not end:
        return "", ""
    clause = _statement(rest[:end], aux, rest[end:], negative=negative)
    if not clause:
        return "", ""
    head = flip(" ".join(wh))
    return f"{head[0].lower()}{head[1:]} {clause}", clause if wh[0].lower() in ("why", "whether") else ""


def _subject_end(rest: list[str], aux: str, wh: str) -> int:
    lowered = [token.lower().strip(",") for token in rest]
    if not rest:
        return 0
    if lowered[0] in _PRONOUNS and not (lowered[0] in ("this", "that") and len(rest) > 2 and aux in _DO | _MODAL):
        return 1 if len(lowered) < 2 or lowered[1] not in PREPOSITIONS else _verb_at(lowered, aux)
    if aux in _BE:
        if wh in ("where", "when", "who") and not any(word.endswith(("ed", "ing")) for word in lowered):
            return len(rest)
        return _complement_at(lowered)
    return _verb_at(lowered, aux)


def _verb_at(lowered: list[str], aux: str) -> int:
    if len(lowered) == 2 and lowered[0] not in DETERMINERS and aux not in _HAVE:
        return 1
    for at in range(1, min(len(lowered), 9)):
        word, before = lowered[at], lowered[at - 1]
        if before in DETERMINERS or before in PREPOSITIONS or before in ADJECTIVES:
            continue
        fits = english.is_participle(word) if aux in _HAVE else word in VERBS
        if fits:
            return at - 1 if before in ADVERBS and at > 1 else at
    return 0


def _complement_at(lowered: list[str]) -> int:
    for at in range(1, min(len(lowered), 8)):
        word, before = lowered[at], lowered[at - 1]
        if before in DETERMINERS or before in PREPOSITIONS or before == "and":
            continue
        if word in _COMPLEMENT and word not in ("in", "on", "at", "from", "about"):
            return at
        if word in ADJECTIVES or english.is_participle(word):
            return at if at + 1 == len(lowered) or lowered[at + 1] in PREPOSITIONS | {"and", "when", "if"} else 0
    return 0


def _statement(subject: list[str], aux: str, rest: list[str], *, negative: bool) -> str:
    """Return subject, auxiliary and rest in the order of a statement, seen from the answerer."""
    who = subject[0].lower() if len(subject) == 1 else ""
    said = {"you": "I", "i": "you"}.get(who) or flip(english.lower_first(" ".join(subject)))
    tail = flip("x " + " ".join(rest))[2:] if rest else ""
    if aux in _DO and not negative and rest:
        return _without_do(said, aux, rest, tail)
    if who == "you":
        aux = {"are": "am", "were": "was"}.get(aux, aux)
    elif who == "i":
        aux = {"am": "are", "was": "were"}.get(aux, aux)
    elif aux == "does" and said in ("I", "you"):
        aux = "do"
    middle = "cannot" if negative and aux == "can" else f"{aux} not" if negative else aux
    return f"{said} {middle} {tail}".strip()


def _without_do(said: str, aux: str, rest: list[str], tail: str) -> str:
    at = 1 if rest[0].lower() in ADVERBS and len(rest) > 1 else 0
    verb = rest[at].lower()
    if not verb.isalpha():
        return ""
    form = verb if aux == "do" else english.third(verb) if aux == "does" else english.past(verb)
    if not form:
        return ""
    words = tail.split(" ")
    if words[at].lower() != verb:
        return ""
    return " ".join([said, *words[:at], form, *words[at + 1 :]])
