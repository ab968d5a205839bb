"""What a question asks: its kind, and its topic in words that fit into an answer.

The wh-clause of a question becomes an embedded clause ("Why is the sky blue?" -> "why the sky is blue"),
which stands after any preposition, so one set of templates serves every question; where the subject's end
cannot be found by rule, the reader falls back to a plainer phrase rather than a wrong one. Rejected:
keyword soup ("sky, blue"), which no sentence can use grammatically.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from castwright.generators.offline import english
from castwright.generators.offline.english import ADJECTIVES, DETERMINERS, PREPOSITIONS, VERBS, flip

_LONGEST = 2_000
_LONGEST_TOPIC = 14
_SPACE = re.compile(r"\s+")
_SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+(?=\s|$)|$)")
_DO = frozenset("do does did".split())
_BE = frozenset("is are was were am".split())
_MODAL = frozenset("can could should would will shall might must may".split())
_HAVE = frozenset("has have had".split())
_AUX = _DO | _BE | _MODAL | _HAVE
_ADVERBS = frozenset("really ever always often still usually never just also even only actually best properly not "
                     "sometimes typically truly so personally already finally last first most once".split())  # fmt: skip
_COMPLEMENT = frozenset("so too very always never often not still more less such a an the my your considered called "
                        "usually sometimes really made in on at from made_of about".split())  # fmt: skip
_PRONOUNS = frozenset("i you he she it we they there this that everyone someone people nobody anyone".split())
_LEAD = re.compile(
    r"^(?:(?:so|well|hey|hi|hello|okay|ok|oh|and|but|please|now|dear sir|excuse me|honestly|seriously)\b[,!.]?\s+|"
    r"(?:can|could|would|will) you (?:please |kindly )?(?=(?:tell|explain|describe|help|give|share|talk|write|show|teach|recommend|suggest)\b)|"
    r"(?:please\s+)|(?:tell me,?\s+(?=(?:what|why|how|who|when|where|which|do|does|is|are|have|did)\b))|"
    r"(?:do you know|i wonder|i was wondering|i would like to know|i want to know|any idea)\s+(?=(?:what|why|how|who|when|where|which|if|whether)\b)|"
    r"(?:in your (?:opinion|view|experience|life|time|trade)|(?:as|being) an? [a-z ]{2,30}|if you had to choose|looking back|deep down|[A-Z][a-z]+),\s+)",
    re.IGNORECASE,
)  # fmt: skip
_IMPERATIVE = re.compile(
    r"^(?:tell (?:me|us)(?: (?:a bit|a little|something|more))?(?: about| of)?|describe(?: to me)?(?: for me)?|explain(?: to me)?|"
    r"talk(?: to me| to us)? (?:about|me through)|share|write(?: me)?(?: about)?|give (?:me|us)|show (?:me|us)|"
    r"teach (?:me|us)|recommend(?: me)?|suggest|list|name|convince me|introduce|walk me through|compare|summari[sz]e)\s+(?P<rest>.+)$",
    re.IGNORECASE,
)  # fmt: skip
_VERSE = re.compile(r"^(?:write|compose|give me|make up|recite)\b.*\b(?:poems?|verses?|rhym\w+|haiku|limerick|couplet|song|lullaby|sonnet|lines)\b.*?\b(?:about|on|for|of|to) (?P<thing>.+)$", re.I)
_GREETING = re.compile(r"^(?:hello|hi|hey|greetings|good (?:morning|evening|afternoon|day)|how are you|how do you do|how is (?:it going|your day)|how (?:was|has) your (?:day|week|morning)|is this seat taken|lovely weather|nice (?:day|weather))\b", re.I)  # fmt: skip
_SELF = [
    ("name", re.compile(r"\b(?:what is your (?:full )?name|who are you|introduce yourself|what (?:should|may|can|do) (?:i|people|they) call you)\b", re.I)),
    ("age", re.compile(r"\bhow old are you\b|\bwhat is your age\b|\byour age\b", re.I)),
    ("job", re.compile(r"\b(?:what do you do(?: for (?:a living|work))?\s*\?|(?:your|a) (?:job|occupation|profession|trade|living)\b(?! [a-z])|what is your (?:job|work|occupation|trade|profession)|typical day|your (?:work|job|trade) )", re.I)),
    ("home", re.compile(r"\bwhere (?:do you (?:live|come from)|are you from|did you grow up|were you born)\b|\byour (?:home ?town|home|village|birthplace|neighbou?rhood)\b", re.I)),
    ("kin", re.compile(r"\byour (?:family|wife|husband|brother|sister|children|mother|father|parents|friends?|best friend)\b", re.I)),
]  # fmt: skip
_HOW_TO = re.compile(r"^how (?:do|can|should|could|would|does|might|to)\s+(?:(?:i|you|we|one|someone|somebody|people|anyone) )?(?:(?:go about|begin to|start to) )?(?P<act>.+)$", re.I)  # fmt: skip
_WAY_TO = re.compile(r"\b(?:way|ways|tips|trick|secret|how|advice|rules?|time|idea|wise|right|wrong|possible|important|hard|difficult|easy|better|best|good|like|worth|mean|means|feel|steps) (?:to|for) (?P<act>.+)$", re.I)  # fmt: skip
_RATHER = re.compile(r"^(?:would you (?:rather|prefer(?: to)?)|which (?:is|are|do you|would you)\b[^,:]*[,:]|do you (?:prefer|like)|who (?:is|was)\b[^,]*,|(?:is it|are you|should (?:i|one|we))(?: better| wiser)?(?: to)?|what is (?:better|worse|harder|more important)[,:]|)\s*(?P<a>[^,?]+?),? or (?P<b>[^,?]+)$", re.I)  # fmt: skip
_OPINION = re.compile(r"\b(?:think|feel|opinion|view|views|thoughts|believe) (?:of|about|on|in)\s+(?P<thing>[^,?]+)$", re.I)  # fmt: skip
_WHAT_TO = re.compile(r"^what (?:do|should|can|could|would|else can|on earth do|must) (?:(?:i|we) |you (?=(?:say to|tell|do (?:when|if|about|with))\b))(?P<act>.+)$", re.I)
_VAGUE = frozenset({"do", "say", "do now", "do then", "do next", "say then"})
_ADVICE = re.compile(r"\b(?:should i|should we|what would you do|any (?:advice|tips|suggestions)|what advice|advise|do you recommend|would you recommend|would you suggest|how do i (?:deal|cope|stop|get over|tell|know)|help me)\b", re.I)  # fmt: skip
_HOW_MUCH = re.compile(r"^how (?:many|much|long|old|far|often|big|tall|deep|fast|high|heavy)\b", re.I)
_FAVOURITE = re.compile(r"\byour (?:own )?favou?rite\b|\bdo you (?:like|love|enjoy|hate|prefer)\b", re.I)
_FEELING = re.compile(r"\b(?:i feel|i am|i have been|i keep|i cannot|my|i just|i was|i lost|i got|i miss|i failed|i feel like|we lost)\b", re.I)  # fmt: skip
_KEEPS_KIND = frozenset("choice what who where how_to advice when when_to quantity tell".split())
_LOW = frozenset(english.read_lexicon()["low_mood"].split())
_HIGH = frozenset(english.read_lexicon()["high_mood"].split())
_STOP = frozenset(english.read_lexicon()["stop_nouns"].split())
_SECOND_ASKING = re.compile(r",? (?:and|so) (?=(?:when|why|how|what|who|where|is|are|was|were|did|do|does|can|if|would|should|explain)\b)", re.I)
_TOKEN = re.compile(r"[a-z][a-z'’-]*", re.I)
_BAD_TOPIC = re.compile(r"[<>{}\[\]|\\=_*#`]|https?:|\d{5,}|\n")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, in the answerer's words ("you" in the question is "I" here).

    `topic` stands after a preposition ("about why the sky is blue"), `thing` is a plain noun phrase, `act` a
    base verb phrase, `doing` its gerund, `claim` a clause; any but `kind` may be empty. `self_part` names the
    part of the card that is asked for; `mood` is "low", "high" or "".
    """

    kind: str
    topic: str = ""
    thing: str = ""
    act: str = ""
    doing: str = ""
    claim: str = ""
    options: tuple[str, ...] = ()
    mood: str = ""
    self_part: str = ""

    def slots(self) -> dict[str, str]:
        """Return the filled parts as slots of the grammar."""
        pairs = {"topic": self.topic, "thing": self.thing, "act": self.act, "doing": self.doing, "claim": self.claim}
        slots = {name: value for name, value in pairs.items() if value}
        if len(self.options) == 2:
            slots["this"], slots["that"] = self.options
        return slots


def read_question(question: str) -> Asked:
    """Return what a question asks. Never raises; what cannot be read has kind "open" and no topic."""
    return _read(question[:_LONGEST])


@lru_cache(maxsize=8192)
def _read(question: str) -> Asked:
    text = english.expand(_SPACE.sub(" ", question).strip())
    main = _main_sentence(text)
    asked = _by_kind(main)
    mood = _mood(text)
    if _GREETING.match(_lead(text)) and (len(text) < 60 or asked.kind == "open"):
        asked = Asked("greeting")
    elif mood and _FEELING.search(text) and not (asked.kind in _KEEPS_KIND and (asked.topic or asked.options)):
        asked = replace(asked, kind="feeling")
    if asked.kind == "feeling" or (mood == "low" and _FEELING.search(text) and asked.kind in ("how_to", "advice")):
        asked = replace(asked, claim=_told(text))
    else:
        mood = ""
    self_part = next((part for part, pattern in _SELF if pattern.search(text)), "")
    return replace(_checked(asked), mood=mood, self_part=self_part)


def _main_sentence(text: str) -> str:
    sentences = [match.strip() for match in _SENTENCE.findall(text) if match.strip()]
    asking = [sentence for sentence in sentences if sentence.endswith("?")]
    main = asking[-1] if asking else next((s for s in sentences if _IMPERATIVE.match(_lead(s))), "")
    main = _SECOND_ASKING.split(main)[0]
    return _lead((main or (sentences[-1] if sentences else "")).strip().rstrip("?!. \"'”"))


def _lead(text: str) -> str:
    for _ in range(3):
        shorter = _LEAD.sub("", text, count=1)
        if shorter == text or not shorter:
            return text
        text = shorter
    return text


def _mood(text: str) -> str:
    words = {word.lower() for word in _TOKEN.findall(text)}
    return "low" if words & _LOW or re.search(r"\blost (?:my|our)\b|\bleft me\b|\bhe left\b|\bshe left\b", text, re.I) else "high" if words & _HIGH or re.search(r"\bI (?:actually )?(?:passed|won|got the job|made it)\b", text) else ""


def _told(text: str) -> str:
    """Return what the asker tells of themself, as a clause said to them ("your dog died yesterday")."""
    for sentence in _SENTENCE.findall(text):
        sentence = _lead(sentence.strip()).rstrip("?!. ")
        words = sentence.split(" ")
        if words[0] in ("I", "My") and 2 < len(words) <= 12 and _mood(sentence):
            return flip(sentence)
    return ""


def _by_kind(main: str) -> Asked:
    tokens = main.split(" ")
    first = tokens[0].lower() if main else ""
    if re.search(r"\bjokes?\b", main, re.I) and re.match(r"(?:tell|give|any|do you know|know|make)\b", main, re.I):
        return Asked("joke")
    if match := _VERSE.match(main):
        return Asked("verse", topic=flip(match["thing"]), thing=flip(match["thing"]))
    if match := _IMPERATIVE.match(main):
        rest = match["rest"].strip()
        if re.match(r"(?:how|why|what|who|where|when)\b", rest, re.I):
            return Asked("how_to" if rest.lower().startswith("how to") else "tell", topic=flip(english.lower_first(rest)),
                         act=flip(rest[7:]) if rest.lower().startswith("how to ") else "")  # fmt: skip
        return Asked("tell", topic=flip(rest), thing=flip(rest))
    if match := _WHAT_TO.match(main):
        return Asked("advice", topic="" if match["act"].lower() in _VAGUE else f"what to {flip(match['act'])}")
    if re.search(r"\bor\b", main) and first not in ("if", "when") and (match := _RATHER.match(main)):
        choice = _choice(match["a"].strip(), match["b"].strip())
        if choice:
            return choice
    if match := _OPINION.search(main):
        thing = flip(match["thing"])
        return Asked("opinion", topic=thing, thing=thing)
    if _ADVICE.search(main) and not _HOW_MUCH.match(main):
        return _advice(main, tokens)
    if first in ("why", "how", "what", "when", "where", "who", "which", "whose"):
        return _wh(main, tokens, first)
    if first in _AUX:
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
    if words[0].lower() in _AUX or words[0].lower() in ("what", "why", "how", "when", "if"):
        return None
    if words[0].lower() in VERBS:
        gerunds = english.gerund(left), english.gerund(right.removeprefix("to "))
        if not all(gerunds):
            return None
        left, right = gerunds
    return Asked("choice", options=(english.lower_first(left), english.lower_first(right)), topic=f"{left} or {right}")


def _with_act(asked: Asked, act: str) -> Asked:
    words = act.split(" ")
    while len(words) > 1 and words[0].lower() in _ADVERBS:
        words = words[1:]
    act = flip(" ".join(words))
    doing = english.gerund(act)
    if not doing or len(words) > _LONGEST_TOPIC:
        return asked
    return replace(asked, act=act, doing=doing, topic=asked.topic or doing)


def _advice(main: str, tokens: list[str]) -> Asked:
    asked = Asked("advice")
    if match := re.search(r"\bshould (?:i|we) (?P<act>(?!do\b).+)$", main, re.I):
        return _with_act(asked, match["act"])
    if match := re.match(r"what would you do (?P<case>(?:if|when|in|with) .+)$", main, re.I):
        return replace(asked, topic=f"what I would do {flip(match['case'])}")
    if match := re.search(r"\b(?:about|with|for|on|to|if|when) (?P<thing>.+)$", main, re.I):
        conjunction = match.group(0).split(" ")[0].lower()
        rest = flip(match["thing"])
        if conjunction in ("if", "when"):
            return replace(asked, topic=f"what to do {conjunction} {rest}")
        if rest.split(" ")[0].endswith("ing"):
            return replace(asked, topic=rest)
        return replace(asked, topic=rest, thing=rest)
    if match := _HOW_TO.match(main):
        return _with_act(asked, match["act"])
    return _with_act(asked, tokens[-1]) if len(tokens) < 3 else asked


def _wh(main: str, tokens: list[str], first: str) -> Asked:
    kind = first if first in ("why", "how", "what", "when", "where", "who") else "what"
    if _FAVOURITE.search(main):
        kind = "opinion"
    if first == "how" and (match := _HOW_TO.match(main)) and (len(tokens) > 2 and tokens[2].lower() in ("i", "you", "we", "one", "someone", "people") or tokens[1].lower() == "to"):
        asked = _with_act(Asked("how_to"), match["act"])
        if asked.act:
            return replace(asked, topic=asked.doing)
    if _HOW_MUCH.match(main):
        kind = "quantity"
    match = re.match(r"what (?:is|are|was|were) (?P<thing>.+)$", main, re.I)
    if match and match["thing"].split(" ")[0].lower() not in ("you", "i", "we", "they", "he", "she"):
        return _what_is(match["thing"], kind)
    topic, claim = _embed(tokens)
    if kind == "when" and not re.match(r"when (?:did|was|were) ", main, re.I):
        kind = "when_to"
    if kind == "quantity" and re.search(r"\d", main):
        topic = ""
    asked = Asked(kind, topic=topic, claim=claim)
    if (match := _WAY_TO.search(main)) and " " in match["act"]:
        asked = _with_act(asked, match["act"])
    return asked


def _what_is(thing: str, kind: str) -> Asked:
    if match := _WAY_TO.search(thing):
        asked = _with_act(Asked("how_to"), match["act"])
        if asked.act:
            return asked
    if re.match(r"(?:it|this|that) like\b", thing, re.I):
        return Asked(kind, topic="")
    thing = re.sub(r"\s+(?:like|for|called)$", "", flip(thing))
    words = thing.split(" ")
    if words[0].lower() in ("it", "there") or len(words) > _LONGEST_TOPIC:
        return Asked(kind)
    return Asked(kind, topic=thing, thing=thing)


def _yes_no(tokens: list[str]) -> Asked:
    main = " ".join(tokens)
    asked = Asked("yes_no")
    if match := re.match(r"(?:is|was) it (?:ever |really |still )?[a-z ]+? to (?P<act>.+)$", main, re.I):
        return _with_act(asked, match["act"])
    if match := re.match(r"do you (?:\w+ly )?(?:like|love|enjoy|hate|miss|prefer|fear|trust|respect|believe in) (?P<thing>.+)$", main, re.I):
        thing = flip(match["thing"])
        if thing.startswith("to "):
            return _with_act(replace(asked, kind="opinion"), match["thing"][3:])
        return replace(asked, kind="opinion", topic=thing, thing="" if thing.split(" ")[0].endswith("ing") else thing)
    if match := re.match(r"(?:can|could|would|will|do|did) (?:you|i|we|one|people) (?P<act>.+)$", main, re.I):
        asked = _with_act(asked, match["act"])
        if asked.act:
            return asked
    if len(tokens) > 1 and tokens[1].lower() in ("that", "this", "it", "he", "she", "they", "there") and len(tokens) < 5:
        return asked
    _, claim = _embed(["whether", *tokens])
    return replace(asked, topic=f"whether {claim}" if claim else "", claim=claim)


def _embed(tokens: list[str]) -> tuple[str, str]:
    """Return (embedded clause, bare clause) of a question's tokens: the wh-phrase, an auxiliary, the rest."""
    at = next((i for i, token in enumerate(tokens[:6]) if token.lower() in _AUX), None)
    if len(tokens) > _LONGEST_TOPIC + 4:
        return "", ""
    if at and at > 1 and tokens[0].lower() == "how" and tokens[1].lower() in ("many", "much") and tokens[at].lower() in _BE:
        return "", ""
    if at is None or at == 0:
        second = tokens[1].lower() if len(tokens) > 1 else ""
        spoken = second in VERBS or second.endswith("s") or english.is_participle(second)
        return (flip(english.lower_first(" ".join(tokens))), "") if at is None and spoken and len(tokens) > 2 else ("", "")
    wh, aux, rest = tokens[:at], tokens[at].lower(), tokens[at + 1 :]
    if wh[0].lower() == "who" and aux in _BE | _MODAL | _HAVE and rest and rest[0].lower() not in _PRONOUNS | DETERMINERS and not rest[0][0].isupper():
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
            return at - 1 if before in _ADVERBS and at > 1 else at
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
    at = 1 if rest[0].lower() in _ADVERBS and len(rest) > 1 else 0
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


def _checked(asked: Asked) -> Asked:
    """Return what was read without the parts that would not stand in a sentence."""

    def fit(phrase: str) -> str:
        phrase = english.lower_first(phrase.strip(" ,;:.-\"'“”"))
        words = phrase.split(" ")
        if not phrase or len(words) > _LONGEST_TOPIC or _BAD_TOPIC.search(phrase) or not phrase[0].isalnum() or phrase.count('"') % 2:
            return ""
        return "" if len(words) == 1 and phrase.lower() in _STOP | PREPOSITIONS | DETERMINERS | _AUX else phrase

    options = tuple(fit(option) for option in asked.options)
    return replace(
        asked, topic=fit(asked.topic), thing=fit(asked.thing), act=fit(asked.act), doing=fit(asked.doing),
        claim=fit(asked.claim), options=options if all(options) else (),
        kind="open" if asked.kind == "choice" and not all(options) else asked.kind,
    )  # fmt: skip
