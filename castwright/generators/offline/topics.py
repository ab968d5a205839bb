"""What a question asks: its kind, and its topic in words that fit into an answer.

The wh-clause of a question becomes an embedded clause ("Why is the sky blue?" -> "why the sky is blue"),
which stands after any preposition, so one set of templates serves every question; where the subject's end
cannot be found by rule, the reader falls back to a plainer phrase rather than a wrong one. Rejected:
keyword soup ("sky, blue"), which no sentence can use grammatically.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from castwright.generators.offline import english
from castwright.generators.offline import question_patterns as pattern
from castwright.generators.offline.asked import Asked, checked
from castwright.generators.offline.clauses import ADVERBS, AUXILIARIES, LONGEST_TOPIC, embed
from castwright.generators.offline.english import DETERMINERS, VERBS, flip, word_set

_LONGEST = 2_000

_KEEPS_KIND = word_set("choice what who where how_to advice when when_to quantity tell")

_LOW = frozenset(english.read_lexicon()["low_mood"].split())

_HIGH = frozenset(english.read_lexicon()["high_mood"].split())


def read_question(question: str) -> Asked:
    """Return what a question asks. Never raises; what cannot be read has kind "open" and no topic."""
    return _read(question[:_LONGEST])


@lru_cache(maxsize=8192)
def _read(question: str) -> Asked:
    text = english.expand(pattern.SPACE.sub(" ", question).strip())
    main = _main_sentence(text)
    asked = _by_kind(main)
    mood = _mood(text)
    if pattern.GREETING.match(_lead(text)) and (len(text) < 60 or asked.kind == "open"):
        asked = Asked("greeting")
    elif mood and pattern.FEELING.search(text) and not (asked.kind in _KEEPS_KIND and (asked.topic or asked.options)):
        asked = replace(asked, kind="feeling")
    if asked.kind == "feeling" or (
        mood == "low" and pattern.FEELING.search(text) and asked.kind in ("how_to", "advice")
    ):
        asked = replace(asked, claim=_told(text))
    else:
        mood = ""
    self_part = next((part for part, wording in pattern.SELF if wording.search(text)), "")
    return replace(checked(asked), mood=mood, self_part=self_part)


def _main_sentence(text: str) -> str:
    sentences = [match.strip() for match in pattern.SENTENCE.findall(text) if match.strip()]
    asking = [sentence for sentence in sentences if sentence.endswith("?")]
    main = asking[-1] if asking else next((s for s in sentences if pattern.IMPERATIVE.match(_lead(s))), "")
    main = pattern.TAIL.sub("", pattern.SECOND_ASKING.split(main)[0].rstrip("?!. "))
    return _lead((main or (sentences[-1] if sentences else "")).strip().rstrip("?!. \"'”"))


def _lead(text: str) -> str:
    for _ in range(3):
        shorter = pattern.LEAD.sub("", text, count=1)
        if shorter == text or not shorter:
            return text
        text = shorter
    return text


def _mood(text: str) -> str:
    words = {word.lower() for word in pattern.TOKEN.findall(text)}
    return (
        "low"
        if words & _LOW or pattern.LOSS.search(text)
        else "high"
        if words & _HIGH or re.search(r"\bI (?:actually )?(?:passed|won|got the job|made it)\b", text)
        else ""
    )


def _told(text: str) -> str:
    """Return what the asker tells of themself, as a clause said to them ("your dog died yesterday")."""
    for sentence in pattern.SENTENCE.findall(text):
        sentence = _lead(sentence.strip()).rstrip("?!. ")
        words = sentence.split(" ")
        if words[0] in ("I", "My") and 2 < len(words) <= 12 and _mood(sentence):
            return flip(sentence)
    return ""


def _by_kind(main: str) -> Asked:
    tokens = main.split(" ")
    first = tokens[0].lower() if main else ""
    if re.search(r"\bjokes?\b", main, re.IGNORECASE) and re.match(
        r"(?:tell|give|any|do you know|know|make)\b", main, re.IGNORECASE
    ):
        return Asked("joke")
    if match := pattern.MEANING.match(main):
        return Asked("what", topic=f"what {flip(match['thing'])} means")
    if match := pattern.VERSE.match(main):
        return Asked("verse", topic=flip(match["thing"]), thing=flip(match["thing"]))
    if match := pattern.IMPERATIVE.match(main):
        rest = match["rest"].strip()
        if re.match(r"(?:how|why|what|who|where|when)\b", rest, re.IGNORECASE):
            return Asked(
                "how_to" if rest.lower().startswith("how to") else "tell",
                topic=flip(english.lower_first(rest)),
                act=flip(rest[7:]) if rest.lower().startswith("how to ") else "",
            )
        return Asked("tell", topic=flip(rest), thing=flip(rest))
    if match := pattern.WHAT_TO.match(main):
        about = re.match(r"do (?:about|with) (?P<thing>.+)$", match["act"], re.IGNORECASE)
        if about:
            return Asked("advice", topic=flip(about["thing"]), thing=flip(about["thing"]))
        return Asked("advice", topic="" if match["act"].lower() in pattern.VAGUE else f"what to {flip(match['act'])}")
    if re.search(r"\bor\b", main) and first not in ("if", "when") and (match := pattern.RATHER.match(main)):
        choice = _choice(match["a"].strip(), match["b"].strip())
        if choice:
            return choice
    if match := pattern.OPINION.search(main):
        thing = flip(match["thing"])
        return Asked("opinion", topic=thing, thing=thing)
    if pattern.ADVICE.search(main) and not pattern.HOW_MUCH.match(main):
        return _advice(main, tokens)
    if first in ("why", "how", "what", "when", "where", "who", "which", "whose"):
        return _wh(main, tokens, first)
    if first in AUXILIARIES:
        return _yes_no(tokens)
    return Asked("open", topic="")


def _choice(left: str, right: str) -> Asked | None:
    words = left.split(" ")
    if len(words) > 8 or len(right.split(" ")) > 8 or right.lower() in ("not", "no", "so"):
        return None
    left, right = flip(left), flip(right)
    if words[0].lower() in VERBS and right.split(" ")[0].lower() not in VERBS | {"to"}:
        if len(words) > 1 and words[1].lower() not in DETERMINERS:
            return None
        right = f"{words[0]} {right}"
    if words[0].lower() in AUXILIARIES or words[0].lower() in ("what", "why", "how", "when", "if"):
        return None
    if words[0].lower() in VERBS:
        gerunds = english.gerund(left), english.gerund(right.removeprefix("to "))
        if not all(gerunds):
            return None
        left, right = gerunds
    return Asked("choice", options=(english.lower_first(left), english.lower_first(right)), topic=f"{left} or {right}")


def _with_act(asked: Asked, act: str, turn: Callable[[str], str] = flip) -> Asked:
    words = act.split(" ")
    while len(words) > 1 and words[0].lower() in ADVERBS:
        words = words[1:]
    act = turn(" ".join(words))
    doing = english.gerund(act)
    if not doing or len(words) > LONGEST_TOPIC:
        return asked
    return replace(asked, act=act, doing=doing, topic=asked.topic or doing)


def _advice(main: str, tokens: list[str]) -> Asked:
    asked = Asked("advice")
    if match := re.search(r"\bshould (?:i|we) (?P<act>(?!do\b).+)$", main, re.IGNORECASE):
        return _with_act(asked, match["act"])
    if match := re.match(r"what would you do (?P<case>(?:if|when|in|with) .+)$", main, re.IGNORECASE):
        return replace(asked, topic=f"what I would do {flip(match['case'])}")
    if match := re.search(r"\b(?:about|with|for|on|to|if|when) (?P<thing>.+)$", main, re.IGNORECASE):
        conjunction = match.group(0).split(" ")[0].lower()
        rest = flip(match["thing"])
        if conjunction in ("if", "when"):
            return replace(asked, topic=f"what to do {conjunction} {rest}")
        if rest.split(" ")[0].endswith("ing"):
            return replace(asked, topic=rest)
        return replace(asked, topic=rest, thing=rest)
    if match := pattern.HOW_TO.match(main):
        return _with_act(asked, match["act"])
    return _with_act(asked, tokens[-1]) if len(tokens) < 3 else asked


def _wh(main: str, tokens: list[str], first: str) -> Asked:
    kind = first if first in ("why", "how", "what", "when", "where", "who") else "what"
    if pattern.FAVOURITE.search(main):
        kind = "opinion"
    if (
        first == "how"
        and (match := pattern.HOW_TO.match(main))
        and (
            (len(tokens) > 2 and tokens[2].lower() in ("i", "you", "we", "one", "someone", "people"))
            or tokens[1].lower() == "to"
        )
    ):
        if match["act"].lower() in pattern.VAGUE:
            return Asked("advice")
        asked = _with_act(Asked("how_to"), match["act"], turn=english.to_asker)
        if asked.act:
            return replace(asked, topic=asked.doing)
    if pattern.HOW_MUCH.match(main):
        kind = "quantity"
    match = re.match(r"what (?:is|are|was|were) (?P<thing>.+)$", main, re.IGNORECASE)
    if match and match["thing"].split(" ")[0].lower() not in ("you", "i", "we", "they", "he", "she"):
        if english.is_participle(match["thing"].split(" ")[0]):  # "what was carried along the road"
            return Asked(kind, topic=flip(english.lower_first(main)))
        return _what_is(match["thing"], kind)
    topic, claim = embed(tokens)
    if kind == "when" and not re.match(r"when (?:did|was|were) ", main, re.IGNORECASE):
        kind = "when_to"
    if kind == "quantity" and re.search(r"\d", main):
        topic = ""
    asked = Asked(kind, topic=topic, claim=claim)
    if (match := pattern.WAY_TO.search(main)) and " " in match["act"]:
        asked = _with_act(asked, match["act"])
    return asked


def _what_is(thing: str, kind: str) -> Asked:
    if match := pattern.WAY_TO.search(thing):
        asked = _with_act(Asked("how_to"), match["act"])
        if asked.act:
            return asked
    if re.match(r"(?:it|this|that) like\b", thing, re.IGNORECASE):
        return Asked(kind, topic="")
    thing = re.sub(
        r"(?:\s+(?:really|actually|once|originally|even|exactly))*\s+(?:like|for|called|made of|about)$",
        "",
        flip(thing),
    )
    words = thing.split(" ")
    if words[0].lower() in ("it", "there") or len(words) > LONGEST_TOPIC:
        return Asked(kind)
    return Asked(kind, topic=thing, thing=thing)


def _yes_no(tokens: list[str]) -> Asked:
    main = " ".join(tokens)
    asked = Asked("yes_no")
    if match := re.match(r"(?:is|was) it (?:ever |really |still )?[a-z ]+? to (?P<act>.+)$", main, re.IGNORECASE):
        return _with_act(asked, match["act"])
    if match := re.match(
        r"do you (?:\w+ly )?(?:like|love|enjoy|hate|miss|prefer|fear|trust|respect|believe in) "
        r"(?P<thing>.+)$",
        main,
        re.IGNORECASE,
    ):
        thing = flip(match["thing"])
        if thing.startswith("to "):
            return _with_act(replace(asked, kind="opinion"), match["thing"][3:])
        return replace(asked, kind="opinion", topic=thing, thing="" if thing.split(" ")[0].endswith("ing") else thing)
    if match := re.match(r"(?:can|could|would|will|do|did) (?:you|i|we|one|people) (?P<act>.+)$", main, re.IGNORECASE):
        asked = _with_act(asked, match["act"])
        if asked.act:
            return asked
    if (
        len(tokens) > 1
        and tokens[1].lower() in ("that", "this", "it", "he", "she", "they", "there")
        and len(tokens) < 5
    ):
        return asked
    _, claim = embed(["whether", *tokens])
    return replace(asked, topic=f"whether {claim}" if claim else "", claim=claim)
