"""The patterns that say a character is a child now, and those that speak of the past or of others.

A sign counts only where it says what the character is: at the start of a text or a clause, or after a form of "to
be". "Mother of a ten-year-old", "teaches schoolchildren" and "when he was 12" then fall away by themselves, most of
them; the lists of relations and of past words catch the rest. (Rejected: a list of bad words alone, which drops every
teacher and children's author.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from castwright.filters.prose import load_lexicon, straighten

_WORDS: dict[str, list[str]] = load_lexicon("minors")
_NUMBERS = _WORDS["numbers"]
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(sorted(_NUMBERS, key=lambda word: (-len(word), word)))})"


def _any(key: str) -> str:
    return "|".join(_WORDS[key]).replace("{number}", _NUMBER)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


# an article and up to three words between it and the sign
_BEFORE = r"(?:(?:an?|the|this|our|your|just|only|still|currently|merely)\s+)+(?:[a-z'’-]+,?\s+){0,3}?"
_LEAD = (
    rf"(?P<lead>^\s*(?:{_BEFORE})?|(?:[,;:—–(|]|\band\b)\s*(?:{_BEFORE})?"
    r"|\b(?:is|am|are|was|i'm|she's|he's|they're|being|remains|named \w+)\s+"
    rf"(?:(?:now|still|only|just|barely|not yet|currently|about|around|almost|nearly)\s+)*(?:{_BEFORE})?)"
)
_YEAR_OLD = (
    rf"(?P<age>{_NUMBER})[\s-]*(?:and a half[\s-]+)?(?:years?|yrs?)?[\s-]*(?:old|of age)|(?P<yo>\d{{1,2}})\s?y\.?/?o"
)
_SIGN = _pattern(
    rf"{_LEAD}(?:(?P<years>{_YEAR_OLD})|(?P<word>{_any('minor')}))(?!\w)(?!(?:'s|s'|[\s-](?:{_any('joined')}))\b)"
)
_IS_N = _pattern(
    r"(?:^(?!(?:the|this|that|an?|it|its|my|our)\b)(?:(?-i:[^\W\d_a-z])[\w'.-]*\s+|(?:of|de|la|van|von|bin|ibn|al)\s+){1,6}is"
    r"|\b(?:he|she|they|i)(?:\s+(?:is|am|are|will be)|'s|'m|'re))\s+"
    r"(?:(?:now|only|just|still|barely|about|almost|nearly|turning)\s+)*"
    rf"(?!one (?:and|but)\b)({_NUMBER})(?=\s*(?:[.,;!)]|$|and\b|but\b|years?\b|now\b))"
    r"(?!\s+years?\s+(?:\w+er\b|into|in\b))"
)
_AGED = _pattern(
    rf"(?<![\w-])(?:aged?:?\s+|age(?:\s+is|\s*[:=])\s*)({_NUMBER})\b(?!\s*(?:century|centuries|months|to|and|-))"
)
_CHILD = r"(?:child|girl|boy|toddler|schoolgirl|schoolboy|little girl|little boy)"
_LOOKS = _pattern(
    r"\b(?:looks?|appears?|seems?)\s+(?:to be\s+|like\s+|as\s+)*(?:an?\s+)?(?:about\s+|around\s+|no older than\s+)?"
    rf"({_NUMBER})(?=[\s-]*(?:years?|yrs?|[.,;]|$))"
    rf"|\b(?:in|with|has|inhabits)\s+(?:the|a)\s+body\s+of\s+an?\s+(?:\w+\s+)?{_CHILD}\b"
    rf"|\b(?:in|trapped in) an? {_CHILD}'s body\b"
    rf"|\b(?:looks?|appears?) (?:to be |like )+an?\s+(?:\w+\s+)?(?:{_CHILD}|teenager|teen)\b"
)
_PAST = _pattern(rf"\b(?:{_any('past')})\b")
_PAST_VERB = _pattern(rf"\b(?!{_any('no_past_verbs')})[a-z]{{2,}}ed\b|\b(?:{_any('past_verbs')})\b")
_PAST_AFTER = _pattern(r"\s*(?:when|until|before|at the time|then)\b")
_OTHERS = _pattern(rf"\b(?:{_any('others')})\b")
_THING_BEFORE = _pattern(r"\s*(?:an?|the|this|our|your)\b.*\b(?:is|was|are)\s")  # "The bakery is 12 years old"
_THING_AFTER = _pattern(rf"\s*-?\s*(?:{_any('things')})\b")
_ADULT_GIRL = _pattern(rf"\b(?:{_any('adult_girls')})\s+$")
_ADULT_BOY = _pattern(rf"\b(?:{_any('adult_boys')})\s+$")
_ABROAD = _pattern(_any("abroad"))
_ABROAD_AGE = _pattern(_any("abroad_ages"))
_OTHERS_ABROAD = _pattern(_any("others_abroad"))
_TENS = _pattern(r"\b(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand)\W*(?:and\W*)?$")
_CLAUSE = re.compile(r"[.!?。！？;\n]+")

NONHUMAN = _pattern(rf"\b(?:{_any('nonhuman')})s?\b")

SIGN_TRIGGER = (
    r"(?i)school|pupil|grader?\b|kindergar|teen\b|teenage|tween|adolescent|juvenile|underage|toddler|infant|newborn"
    r"|\bbaby|\bminor\b|scout|urchin|ward of|\bchild|\bboy|girl\b|\blittle\b|\bsmall\b|\baged?\b|\bold\b|\by\.?/?o\b"
    r"|\b(?:(?:is|am|are|will be)|(?:he|she|they|i)['’](?:s|m|re)) "
    rf"(?:\w+ ){{0,3}}(?:\d|(?:{'|'.join(_NUMBERS)})\b)"
    r"|学生|學生|高校|高中|初中|幼|園児|未成年|[歳岁歲살]|학생|치원|écol|collég|lycé|fillette"
    r"|garçon|schul|schül|gymnas|jährig|coleg|niñ|años|anos|anni|\bans\b|scolar|ragazz|bambin|школь|подрост|класс|лет|год"
)
"""For polars: a text without this has none of the signs."""
LOOKS_TRIGGER = r"(?i)\b(?:looks?|appears?|seems?|body)\b"


def age_number(said: str) -> int:
    """Return the number that a sign's age says, in digits or in words."""
    return int(said) if said.isdigit() else _NUMBERS.index(said.lower())


def minor_sign(text: str, min_age: int) -> tuple[str, int | None]:
    """Return the words of a text that say its subject is younger than `min_age` now, with the age if said; or ""."""
    for clause in _CLAUSE.split(straighten(text)):
        for words, age in _signs(clause.strip()):
            if age is None or age < min_age:
                return " ".join(words.split()), age
    return "", None


def looks_minor(text: str, min_age: int) -> str:
    """Return the words that give a character of any age the looks or the body of a child, or ""."""
    for match in _LOOKS.finditer(straighten(text)):
        if match[1] is None or age_number(match[1]) < min_age:
            return " ".join(match.group().split())
    return ""


def _signs(clause: str) -> Iterator[tuple[str, int | None]]:
    """Yield the words of a clause that say a character is a child, with the age where they say one."""
    for match in _SIGN.finditer(clause):
        before, lead, after = clause[: match.start()], match["lead"], clause[match.end() :]
        if _PAST.search(f"{before} {lead}") or _OTHERS.search(f"{before[-60:]} {lead}") or _PAST_AFTER.match(after):
            continue
        if match["years"] and _THING_BEFORE.match(lead):
            continue
        if match["years"] and (_THING_AFTER.match(after) or _TENS.search(f"{before} {lead}")):
            continue
        if match["word"] and not _person(match["word"].lower(), lead.lower(), after):
            continue
        said = match["age"] or match["yo"]
        yield match.group().lstrip(" ,;:—–(|").removeprefix("and "), age_number(said) if said else None
    yield from _stated_ages(clause)


def _stated_ages(clause: str) -> Iterator[tuple[str, int | None]]:
    """Yield "she is 12" and "aged 12" of a clause in the present, and what other languages say."""
    for match in (*_IS_N.finditer(clause), *_AGED.finditer(clause)):
        around = f"{clause[: match.start()]} {clause[match.end() :]}"
        if not (_PAST.search(around) or _OTHERS.search(clause[: match.start()]) or _PAST_VERB.search(around)):
            yield match.group(), age_number(match[1])
    if _OTHERS_ABROAD.search(clause):
        return
    for match in _ABROAD.finditer(clause):
        yield match.group(), None
    for match in _ABROAD_AGE.finditer(clause):
        yield match.group(), int(next(group for group in match.groups() if group))


def _person(word: str, lead: str, after: str) -> bool:
    """Return whether a word for a child stands for a child now: "a city girl" and "the baby of the family" do not."""
    if lead.startswith("was") and " of " not in word:
        return False  # "was a quiet child" is told of grown people; "was a boy of ten" may be told of a boy
    if (word == "girl" and _ADULT_GIRL.search(lead)) or (word == "boy" and _ADULT_BOY.search(lead)):
        return False
    bare = lead.strip(" ,;:—–(|").removeprefix("and").strip() == ""
    if bare and word in ("baby", "child", "boy", "girl", "minor", "infant", "juvenile", "pupil"):
        return bool(re.match(r"\s*(?:$|,|at\b|in\b|who\b|of \w+ (?:school|class))", after))
    if word in ("pupil", "child", "minor") and re.match(r"\s+of\b", after, re.IGNORECASE):
        return False  # "pupil of Haydn", "child of the revolution"
    if word in ("minor", "infant", "juvenile"):
        return bool(re.match(r"\s*(?:$|[,.)]|who\b|in\b|under\b)", after))
    return not re.match(r"\s+(?:of the (?:family|group)|at heart|no (?:more|longer))", after, re.IGNORECASE)
