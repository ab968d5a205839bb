"""Real living persons by name, from a list that the user gives.

No list is shipped: any would be old the day it is made, name people who never asked for it, and be wrong for half of
the users. Without one this filter keeps every row; people whom a source marks as living (`Character.living`) are
dropped before, by the stage itself. Names are looked up in a dictionary, so a list may hold a million. (Rejected:
recognising names by a model: every character has one, and whether its bearer lives stands in no name.)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from castwright.filters.person_names import (
    ListedPerson,
    Name,
    comparable_name,
    comparable_words,
    given_people,
    read_people,
)
from castwright.filters.screened_text import column_words, present_columns, text_series
from castwright.filters.verdict import verdicts

NAME_COLUMNS = ("name",)
ABOUT_COLUMNS = ("occupation", "background", "text")
_MOST_INSERTED = 2  # middle names that one form of a name has and the other lacks
_LONGEST_NAME = 6  # words of a listed name that are looked for in running text


@dataclass(frozen=True, slots=True)
class NameList:
    """Listed people by their whole name, by (first, last) word, by last word, and by each of these two words."""

    whole: dict[tuple[str, ...], ListedPerson]
    ends: dict[tuple[str, str], list[ListedPerson]]
    last: dict[str, ListedPerson]
    outer: dict[str, list[ListedPerson]]


def named_persons(
    frame: pl.DataFrame,
    *,
    names_file: str | None = None,
    names: tuple[str, ...] = (),
    names_column: str = "name",
    columns: tuple[str, ...] = NAME_COLUMNS,
    about_columns: tuple[str, ...] = ABOUT_COLUMNS,
    kinds: tuple[str, ...] | None = None,
    allow: tuple[str, ...] = (),
) -> pl.DataFrame:
    """Drop rows whose name is that of a person on the user's list; without a list all rows are kept.

    `names_file` is text (one per line), CSV, TSV or JSONL with the column `names_column`; aliases follow after a tab or
    "|", or stand in a column "aliases". `names` are further ones. A name with a middle name more or less is the same,
    so is "President X" for a listed X, and a part of a listed name where the whole stands in `about_columns`. `kinds`
    are the kinds of characters checked (null: all); `allow` are names that may stand. Score: 1 for every dropped row.

    Raises:
        RecipeError: a column that was asked for is missing, or one of `names` is no name.
        SourceError: the file cannot be read or understood; the message states file and line.
    """
    people = [*(read_people(names_file, names_column) if names_file else ()), *given_people(names)]
    allowed = {comparable_name(name).words for name in allow}
    read = present_columns(frame, columns, NAME_COLUMNS, "named_persons")
    about_read = present_columns(frame, about_columns, ABOUT_COLUMNS, "named_persons")
    known, about = name_list(people), [text_series(frame, column) for column in about_read]
    checked = [bool(people)] * frame.height
    if kinds is not None:
        checked = text_series(frame, "kind").is_in(list(kinds)).to_list()
    reasons = [""] * frame.height
    for column in read:
        for row, said in enumerate(text_series(frame, column).to_list()):
            name = comparable_name(said) if checked[row] and not reasons[row] else Name(())
            if not name.words or name.words in allowed:
                continue
            reasons[row] = _reason(name, said, ((text.name, text[row]) for text in about), known)
    return verdicts(reasons, [float(bool(reason)) for reason in reasons])


def name_list(people: Sequence[ListedPerson]) -> NameList:
    """Return the people as dictionaries; of two with one name the first counts."""
    whole: dict[tuple[str, ...], ListedPerson] = {}
    ends: defaultdict[tuple[str, str], list[ListedPerson]] = defaultdict(list)
    last: dict[str, ListedPerson] = {}
    outer: defaultdict[str, list[ListedPerson]] = defaultdict(list)
    for person in people:
        if person.words in whole:
            continue
        whole[person.words] = person
        if len(person.words) > 1:
            ends[person.words[0], person.words[-1]].append(person)
            last.setdefault(person.words[-1], person)
            for word in {person.words[0], person.words[-1]}:
                outer[word].append(person)
    return NameList(whole, dict(ends), last, dict(outer))


def find_listed(name: Name, said: str, known: NameList) -> ListedPerson | None:
    """Return the listed person whom a name means: in the same words, with a middle name, or as "President X"."""
    person = known.whole.get(name.words) or known.whole.get(comparable_words(said))
    if person or not name.words:
        return person
    if len(name.words) == 1:
        return known.last.get(name.words[0]) if name.office else None
    for other in known.ends.get((name.words[0], name.words[-1]), ()):
        if _same_but_middle(name.words, other.words):
            return other
    return None


def _reason(name: Name, said: str, texts: Iterable[tuple[str, str]], known: NameList) -> str:
    """Return where the list names whom a card is about, or ""."""
    person, how = find_listed(name, said, known), ""
    if person is None:
        person, where = _told_of(name, texts, known)
        how = f", named in {column_words(where)}"
    return f"on the list of living persons: {person.place}{how}" if person else ""


def _same_but_middle(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two names of the same ends differ only by middle names, or by initials for them."""
    short, long = sorted((one[1:-1], other[1:-1]), key=len)
    if len(long) - len(short) > _MOST_INSERTED:
        return False
    rest = iter(long)
    return all(any(_alike(word, candidate) for candidate in rest) for word in short)


def _alike(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) == 1 and one[0] == other[0])


def _told_of(name: Name, texts: Iterable[tuple[str, str]], known: NameList) -> tuple[ListedPerson | None, str]:
    """Return the listed person of whose name this one is a part and whose whole name a text holds, and its column."""
    part = {word for word in name.words if word in known.outer}
    if not part or not _part_of_any(name, known.outer[min(part, key=lambda word: (len(known.outer[word]), word))]):
        return None, ""
    for column, text in texts:
        words = comparable_words(text)
        for place in (place for place, word in enumerate(words) if word in part):
            for start in range(max(0, place - _LONGEST_NAME + 1), place + 1):
                for end in range(max(place + 1, start + 2), min(len(words), start + _LONGEST_NAME) + 1):
                    person = known.whole.get(words[start:end])
                    if person and set(name.words) <= set(person.words):
                        return person, column
    return None, ""


def _part_of_any(name: Name, people: Sequence[ListedPerson]) -> bool:
    """Return whether all words of a name are those of one listed person: else no text needs to be read."""
    said = set(name.words)
    return any(said.issubset(person.words) for person in people)
