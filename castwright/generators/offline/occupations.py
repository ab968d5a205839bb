"""The occupation and the ties of a character, found in free text.

A phrase after "is a", "works as" or an opening article counts as an occupation when its head is a known
trade or ends like one; words that say how ("young", "Norwegian", a trait) are dropped, "retired" stays.
Where no noun says it, a few verbs do ("drives a taxi"). (Rejected: taking any noun after "is a", which
makes "dreamer" a job.)
"""

from __future__ import annotations

import re

from castwright.generators.offline.extract_lexicon import cues, lexicon
from castwright.generators.offline.spot import Spot, spot_of
from castwright.generators.offline.wordlists import word_set

_STOP = (
    r"(?=\s+(?:who|whose|that|which|with|in|at|from|and|but|on|by|near|whom|to|during|living"
    r"|working|based|known|turned|since|when|because|under|about|for|built|made|created|designed"
    r"|called|named|specializing|specialising|specialized|struggling|interested|looking|trying"
    r"|seeking|obsessed|fascinated|passionate|responsible|dedicated|determined|then|through|before"
    r"|after|working|studying|fighting|always|often)\b|\s*[,.;:!?()—–]|\s*$)"
)
_PHRASE = rf"(?P<phrase>(?:[\w’'-]+\s+){{0,6}}?[\w’'-]+(?:\s+of\s+(?:the\s+)?[\w-]+(?:\s+[a-z-]+)?)?){_STOP}"
_LEADS = [
    re.compile(
        rf"\b(?:works?|worked|working|serves?|served|serving|employed|trained|job|career|living|day "
        rf"job)\s+(?:is\s+)?(?:as\s+)(?:an?|the)\s+{_PHRASE}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:is|was|am|i'm|’m|became|has become|being|he's|she's)\s+(?:now\s+|currently\s+|once\s+"
        rf"|also\s+)?(?:an?|the)\s+{_PHRASE}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:^|[.!?]\s+|,\s+|[—–:]\s+|\(\s*)(?:now\s+|currently\s+|once\s+|formerly\s+)?(?:an?"
        rf"|the)\s+{_PHRASE}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:work|serve|worked)\s+as\s+(?:an?\s+|the\s+)?{_PHRASE}", re.IGNORECASE),
    re.compile(rf"\b(?:for|as)\s+(?:an?|the)\s+{_PHRASE}", re.IGNORECASE),
]
_OPENING = re.compile(rf"^\s*{_PHRASE}", re.IGNORECASE)
_WISHED = re.compile(
    r"\b(?:dream\w*|want\w*|hop\w+|aspir\w*|wish\w*|becoming|plans?|would like|training|longs?"
    r"|ambition)\b[^.;]*$|\b(?:her|his|their|my|with|by|for|met|from|of|like|than"
    r"|to)\s+(?:[a-z]+\s+)?(?:an?|the)\s+$",
    re.IGNORECASE,
)
_OF_WHAT = word_set(
    "professor king queen student teacher director duke duchess head captain president minister lord lady "
    "prince princess bishop secretary goddess god keeper owner judge chief master countess baron emperor "
    "empress governor mayor dean doctor maker commander"
)
_AGE_WORD = re.compile(r"^(?:\d.*|.*-year-old|year|years|in)$", re.IGNORECASE)
_KIN = [
    "mother",
    "father",
    "sister",
    "brother",
    "daughter",
    "son",
    "wife",
    "husband",
    "grandmother",
    "grandfather",
    "grandson",
    "granddaughter",
    "aunt",
    "uncle",
    "niece",
    "nephew",
    "cousin",
    "twin",
    "partner",
    "fiancé",
    "fiancée",
    "mentor",
    "rival",
    "boss",
    "friend",
    "dog",
    "cat",
    "horse",
    "stepmother",
    "stepfather",
    "stepson",
    "stepdaughter",
    "girlfriend",
    "boyfriend",
    "apprentice",
    "neighbour",
    "neighbor",
    "parents",
    "children",
    "grandchildren",
]
_LEAD = (
    r"(?:late|older|younger|elder|little|big|twin|best|old|childhood|estranged|adopted|eldest"
    r"|youngest|only|two|three|four|five|six|beloved|first|second|oldest|ex-?)"
)
_OWN_KIN = re.compile(
    rf"\b(?:[Hh]er|[Hh]is|[Tt]heir"
    rf"|[Mm]y)\s+(?P<tie>(?:{_LEAD}\s+){{0,2}}(?:{'|'.join(_KIN)})s?)(?!\w)(?:,?\s+(?P<name>[A-ZÀ-Þ][\w’'-]+(?:\s+[A-ZÀ-Þ][\w’'-]+)?))?"
)
_KIN_OF = re.compile(
    r"\b(?P<tie>(?:single |proud |devoted )?(?:mother|father|mom|mum|dad|parent|grandmother"
    r"|grandfather|grandparent)) (?:of|to) (?P<whom>(?:an? |two|three|four|five|six|seven|eight"
    r"|nine|ten|twin|\d+)[a-z -]*?(?:daughters?|sons?|children|kids|boys|girls|twins)?)(?=[\s,.;]"
    r"|$)",
    re.IGNORECASE,
)
_TIE_TO = re.compile(
    r"\b(?P<tie>[Mm]arried to|[Ee]ngaged to|[Ww]ife of|[Hh]usband of|[Ss]on of|[Dd]aughter of"
    r"|[Ss]ister of|[Bb]rother of|[Ff]riend of|[Aa]pprentice (?:of|to)|[Rr]ival of|[Nn]iece of"
    r"|[Nn]ephew of|[Ww]idow of|[Mm]entor to|[Pp]upil of) (?P<whom>(?:the |a |an )?(?:[a-z-]+ "
    r"){0,3}[A-ZÀ-Þ][\w’'-]+(?:\s+[A-ZÀ-Þ][\w’'-]+)?"
    r"|an? [a-z-]+(?: (?!and\b|who\b|but\b|or\b|in\b|from\b)[a-z-]+)?)(?=[\s,.;:!?]|$)"
)
_ALONE = {
    "widow": "widowed",
    "widower": "widowed",
    "widowed": "widowed",
    "divorced": "divorced",
    "divorcee": "divorced",
    "orphan": "orphan",
    "orphaned": "orphan",
}
_HAS_KIN = re.compile(
    r"\b(?:has|have|had|raised|raises|raising) (?P<many>(?:two|three|four|five|six|seven|eight"
    r"|nine|ten|\d+) (?:grown |young |little |adult |small )?(?:children|sons|daughters|kids"
    r"|brothers|sisters|grandchildren))\b",
    re.IGNORECASE,
)
_MOST_TIES = 6


def find_occupation(text: str) -> Spot[str] | None:
    """Return the occupation ("retired lighthouse keeper"), or None where the text names none."""
    for pattern in (*_LEADS[:3], _OPENING, *_LEADS[3:]):
        for match in pattern.finditer(text):
            if _WISHED.search(text[: match.start("phrase")][-40:]):
                continue
            if trade := as_occupation(match["phrase"]):
                return spot_of(trade, match)
    for pattern, shown in cues("objects_of_trade"):
        if said := pattern.search(text):
            return spot_of(shown.format(x=said["x"].lower()), said)
    return None


def as_occupation(phrase: str) -> str:
    """Return a noun phrase as an occupation, or an empty string when its head is no trade."""
    head_part, of, rest = phrase.strip().partition(" of ")
    words = head_part.split()
    lists = lexicon()
    head = words[-1].lower() if words else ""
    if not _is_trade(head, lists):
        return ""
    drop = lists["not_of_trade"] | lists["traits"]
    kept = [
        word
        for word in words[:-1]
        if word.lower() not in drop and not _AGE_WORD.match(word) and word.lower() not in ("a", "an", "the")
    ]
    if "retired" in (word.lower() for word in words) and "retired" not in (word.lower() for word in kept):
        kept.insert(0, "retired")
    kept = [
        word if word.isupper() or (word[0].isupper() and index) else word.lower() for index, word in enumerate(kept)
    ]
    name = " ".join([*kept[-4:], words[-1] if words[-1].isupper() else head])
    return f"{name} of {rest}" if of and head in _OF_WHAT and len(rest.split()) < 4 else name


def _is_trade(head: str, lists: dict[str, frozenset[str]]) -> bool:
    if head in lists["not_occupations"]:
        return False
    return (
        head in lists["occupations"]
        or any(head.endswith(suffix) and head != suffix for suffix in lists["occupation_suffixes"])
        or head.split("-")[-1] in lists["occupations"]
    )


def find_relationships(text: str) -> list[Spot[str]]:
    """Return the character's ties as the text names them: "sister Mary", "father of two"."""
    ties: list[Spot[str]] = []
    for match in _KIN_OF.finditer(text):
        ties.append(spot_of(f"{match['tie'].lower()} of {match['whom'].strip().lower()}", match))
    for match in _TIE_TO.finditer(text):
        ties.append(spot_of(f"{match['tie'].lower()} {match['whom']}", match))
    for match in _OWN_KIN.finditer(text):
        name = match["name"] or ""
        ties.append(spot_of(f"{match['tie'].lower()} {re.sub(r'[’' ']s$', '', name)}".strip(), match))
    ties += [spot_of(match.group("many").lower(), match) for match in _HAS_KIN.finditer(text)]
    alone = ((shown, re.search(rf"\b{word}\b", text, re.IGNORECASE)) for word, shown in _ALONE.items())
    ties += [spot_of(shown, match) for shown, match in alone if match]
    once = {tie.value: tie for tie in reversed(ties)}  # the first of each
    first = [once.pop(tie.value) for tie in ties if tie.value in once]
    named = {
        tie.value.split()[-2] for tie in first if len(tie.value.split()) > 1 and tie.value.split()[-1][0].isupper()
    }
    return [tie for tie in first if tie.value not in named][:_MOST_TIES]
