"""Out of character: what this speaker, of this time and manner, would not say.

Six rules, each a small pure function of one row that returns findings with the words that show them: a thing
of a later time, talk of being an AI or a card, stage directions, a name as prefix, slang in a formal mouth,
speaking of oneself in the third person. All spare quotations and what the asker brought up; all prefer to
keep in doubt. Lexicons are YAML beside this file. (Rejected: a judge model for every row; it is a later,
dearer check for what rules let through. Rejected: word-frequency by year, which cannot explain a drop.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from castwright.errors import RecipeError, nearest
from castwright.filters.eras import last_year
from castwright.filters.prose import load_lexicon, mask_quotes, sentences, straighten
from castwright.filters.refusal import speaks_as_machine
from castwright.filters.verdict import require_columns, texts, verdicts


@dataclass(frozen=True, slots=True)
class Speaker:
    """What is known of who speaks: card fields, "" where unknown, and the question asked."""

    name: str = ""
    modern: bool | None = None
    era: str = ""
    register: str = ""
    occupation: str = ""
    background: str = ""
    quirks: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign of being out of character: the rule, how sure it is in [0, 1], and what to tell people."""

    rule: str
    strength: float
    detail: str


_WORDS: dict[str, Any] = load_lexicon("out_of_character")
_ACTING = "|".join(_WORDS["gestures"])
_ADVERB = r"(?:[a-z]+ly,? )?"
_STAGE = re.compile(
    rf"(?<![\w*])\*{{1,2}}(?=\S)({_ADVERB}(?:{_ACTING})(?:s|ing)\b[^*\n]{{0,120}})\*{{1,2}}(?!\w)"
    rf"|[(\[]({_ADVERB}(?:{_ACTING})(?:s|ing)\b[^)\]\n]{{0,120}})[)\]]"
    rf"|(?<!\w)_({_ADVERB}(?:{_ACTING})s\b[^_\n]{{0,80}})_(?!\w)",
    re.IGNORECASE,
)
_ROLE_PREFIX = re.compile(rf"^\s*\**(?:{'|'.join(_WORDS['roles'])})\**\s*:", re.IGNORECASE)
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u26ff\U0001f1e6-\U0001f1ff]")
_TITLES = frozenset(_WORDS["titles"])
_AMBIGUOUS_NAMES = frozenset(_WORDS["names_that_are_words"])
_SELF_VERBS = "|".join(_WORDS["verbs_of_self_report"])


@cache
def _terms() -> tuple[re.Pattern[str], dict[str, int]]:
    """Return one pattern for every anachronism, longest first, and the year of each."""
    years = {str(term).lower(): int(year) for year, terms in load_lexicon("anachronisms").items() for term in terms}
    body = "|".join(re.escape(term) for term in sorted(years, key=lambda term: (-len(term), term)))
    return re.compile(rf"(?<![\w-])({body})(?:s|es)?(?![\w-])", re.IGNORECASE), years


@cache
def _slang(kind: str) -> re.Pattern[str]:
    body = "|".join(
        re.escape(word) for word in sorted(load_lexicon("slang")[kind], key=lambda word: (-len(word), word))
    )
    return re.compile(rf"(?<![\w'-])(?:{body})(?![\w'-])", re.IGNORECASE)


def find_anachronisms(text: str, speaker: Speaker) -> list[Finding]:
    """Return the things that came after the speaker's era, unless the question brought them up."""
    end = last_year(speaker.era)
    if end is None:
        return []
    pattern, years = _terms()
    asked = {match.group(1).lower() for match in pattern.finditer(speaker.question)}
    found: dict[str, int] = {}
    for match in pattern.finditer(text):
        term = match.group(1).lower()
        if years[term] > end and not any(term in word or word in term for word in asked):
            found.setdefault(term, years[term])
    return [
        Finding("anachronism", 0.9, f"mentions {term!r} ({year}) but lives in {speaker.era}")
        for term, year in found.items()
    ]


def find_role_talk(text: str, speaker: Speaker) -> list[Finding]:
    """Return mentions of being an AI, a card, a prompt or a role."""
    machine = speaks_as_machine(f"{speaker.name} {speaker.occupation} {speaker.background}")
    found = []
    for source, strength, says in _WORDS["role_talk"]:
        if "{name}" in source and not speaker.name.strip():
            continue
        if machine and says == "says it is an AI":
            continue
        match = re.search(source.replace("{name}", re.escape(straighten(speaker.name.strip()))), text, re.IGNORECASE)
        if match:
            found.append(Finding("role_talk", strength, f"{says}: {match.group()!r}"))
    return found


def find_stage_directions(text: str, speaker: Speaker) -> list[Finding]:
    """Return acted-out gestures ("*smiles*", "(laughs)"); a sigh or a laugh that is a quirk of theirs is
    none."""
    found = []
    for match in _STAGE.finditer(text):
        gesture = next(group for group in match.groups() if group).lower()
        quirks = speaker.quirks.lower()
        if ("sigh" in gesture and "sigh" in quirks) or (re.search("laugh|chuckle", gesture) and "laugh" in quirks):
            continue
        found.append(Finding("stage_direction", 0.8, f"acts out a stage direction: {match.group().strip()!r}"))
    return found


def find_name_prefix(text: str, speaker: Speaker) -> list[Finding]:
    """Return a reply that opens like a script, with the speaker's name or a role and a colon."""
    match = _ROLE_PREFIX.match(text)
    if match:
        return [Finding("name_prefix", 0.9, f"opens with a role: {match.group().strip()!r}")]
    names = [speaker.name.strip(), *_own_names(speaker.name)]
    body = "|".join(re.escape(straighten(name)) for name in names if name)
    match = re.match(rf"\s*[*\[]*(?:{body})[*\]]*\s*:", text, re.IGNORECASE) if body else None
    return [Finding("name_prefix", 1.0, f"opens with a name: {match.group().strip()!r}")] if match else []


def find_register_clash(text: str, speaker: Speaker) -> list[Finding]:
    """Return modern slang or emoji from a speaker of another time, or of a formal or archaic register."""
    formal = speaker.register in ("formal", "archaic")
    end = last_year(speaker.era)
    old = speaker.modern is False or (end is not None and end < 1950)
    if not formal and not old:
        return []
    who = f"the register is {speaker.register}" if formal else f"the era is {speaker.era or 'not modern'}"
    slang = sorted({match.lower() for match in _slang("strong").findall(text)} | set(_EMOJI.findall(text)))
    if slang:
        return [Finding("register", 0.8, f"says {slang[0]!r} but {who}")]
    soft = sorted({match.lower() for match in _slang("soft").findall(text)}) if formal else []
    if len(soft) >= 2:
        return [Finding("register", 0.6, f"says {soft[0]!r} and {soft[1]!r} but {who}")]
    return []


def find_third_person(text: str, speaker: Speaker) -> list[Finding]:
    """Return a sentence in which the speaker reports on themself by name, unless that is a quirk of
    theirs."""
    if "third person" in speaker.quirks.lower():
        return []
    full = straighten(speaker.name.strip())
    names = [name for name in {full, *_own_names(full)} if name and name.lower() not in _AMBIGUOUS_NAMES]
    if not names:
        return []
    body = "|".join(re.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
    pattern = re.compile(
        rf"^(?:{body}) (?:{_SELF_VERBS})\b(?! (?:what|how|my name|the name|me|short for|who|not my name))"
    )
    for sentence in sentences(text):
        match = pattern.match(sentence)
        if match:
            return [Finding("third_person", 0.6, f"speaks of themself in the third person: {match.group()!r}")]
    return []


def _own_names(name: str) -> list[str]:
    """Return the single words that name the speaker: first and last name, without titles and particles."""
    words = [word for word in name.split() if word.lower().strip(".") not in _TITLES and word[:1].isupper()]
    if not words or name.lower().startswith("the "):
        return []
    return [word for word in dict.fromkeys((words[0], words[-1])) if len(word.strip(".")) > 2]


RULES: dict[str, Callable[[str, Speaker], list[Finding]]] = {
    "anachronism": find_anachronisms,
    "role_talk": find_role_talk,
    "stage_direction": find_stage_directions,
    "name_prefix": find_name_prefix,
    "register": find_register_clash,
    "third_person": find_third_person,
}


def find_out_of_character(text: str, speaker: Speaker, rules: Sequence[str] = tuple(RULES)) -> list[Finding]:
    """Return every finding of the rules in a text, strongest first. Quotations are not the speaker's
    words."""
    plain = straighten(text)
    masked = mask_quotes(plain)
    found = [finding for rule in rules for finding in RULES[rule](masked, speaker)]
    return sorted(found, key=lambda finding: -finding.strength)


def out_of_character(
    frame: pl.DataFrame,
    *,
    column: str = "response",
    rules: Sequence[str] = tuple(RULES),
    min_strength: float = 0.5,
) -> pl.DataFrame:
    """Drop rows whose text breaks character for the speaker described in the same row.

    Columns read where they exist: name, modern, era, register, occupation, background, quirks (text or list)
    and question; without them the rules that need them find nothing. `rules` picks from `RULES`.
    Score: the strength of the strongest finding in [0, 1], 0 where there is none; rows from `min_strength`
    on are dropped.
    """
    require_columns(frame, [column], "out_of_character")
    for rule in rules:
        if rule not in RULES:
            raise RecipeError(
                f"filter 'out_of_character': unknown rule {rule!r}{nearest(rule, RULES)}; there are: {', '.join(RULES)}"
            )
    reasons, scores = [], []
    for text, speaker in zip(texts(frame, column), _speakers(frame), strict=True):
        found = find_out_of_character(text, speaker, rules)
        scores.append(found[0].strength if found else 0.0)
        reasons.append("; ".join(f.detail for f in found if f.strength >= min_strength))
    return verdicts(reasons, scores)


def _speakers(frame: pl.DataFrame) -> list[Speaker]:
    fields = ("name", "era", "register", "occupation", "background", "quirks", "question")
    modern = frame.get_column("modern").to_list() if "modern" in frame.columns else [None] * frame.height
    rows = zip(*(texts(frame, field) for field in fields), strict=True)
    return [
        Speaker(modern=now, **dict(zip(fields, values, strict=True))) for now, values in zip(modern, rows, strict=True)
    ]
