"""Sentences from a small grammar: the wording of the offline model, kept in data.

A rule is a list of templates, one a line; a template holds choices (`[this|that|]`), slots (`{topic}`),
other rules (`{open.kind}`) and slots with an article (`{a:job}`). Choices inside templates multiply, so a few
hundred lines give hundreds of thousands of sentences. A template whose slots are not filled is passed over,
so the code never has to ask what is known. Rejected: Jinja for this (thirty times slower per sentence) and
f-strings in code (wording that only an engineer can mend).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parent / "data"
_TRIES = 6
_VOWEL_SOUND = re.compile(
    r"^(?:hour|honest|hono[u]?r|heir|[aeio]|u(?!ni(?!n|m)|s[eu]|k|r[aeiu]|t[ei])|[FHLMNRSX](?=[A-Z]\b))",
    re.IGNORECASE,
)
_CONSONANT_SOUND = re.compile(r"^(?:one\b|once\b|eu|ewe)", re.IGNORECASE)


def article(phrase: str) -> str:
    """Return `a` or `an`, whichever is said before the phrase."""
    if _CONSONANT_SOUND.match(phrase):
        return "a"
    return "an" if _VOWEL_SOUND.match(phrase) else "a"


class Text:
    """A fixed piece of a template."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Choice:
    """`[a|b|c]`: one of several pieces, each as likely as the others."""

    __slots__ = ("options",)

    def __init__(self, options: list[Sequence]) -> None:
        self.options = options


class Reference:
    """`{name}`: a slot, or else a rule; `{a:name}` puts its article before it."""

    __slots__ = ("name", "with_article")

    def __init__(self, name: str) -> None:
        self.with_article = name.startswith("a:")
        self.name = name.removeprefix("a:")


Sequence = list["Text | Choice | Reference"]


class Template:
    """One compiled line of a rule. `needs` names the slots without which it cannot be said."""

    __slots__ = ("needs", "parts")

    def __init__(self, line: str, rules: Iterable[str]) -> None:
        self.parts, end = _parse(line, 0, inside=False)
        if end != len(line):
            raise ValueError(f"unbalanced bracket in the template {line!r}")
        known = set(rules)
        self.needs = tuple(sorted({name for name in references(self.parts) if name not in known}))


def references(parts: Sequence) -> Iterator[str]:
    """Yield the name of every slot or rule that the parts refer to."""
    for part in parts:
        if isinstance(part, Reference):
            yield part.name
        elif isinstance(part, Choice):
            for option in part.options:
                yield from references(option)


def _parse(line: str, at: int, *, inside: bool) -> tuple[Sequence, int]:
    parts: Sequence = []
    start = at
    while at < len(line):
        mark = line[at]
        if mark not in "[{" and not (inside and mark in "|]"):
            at += 1
            continue
        if at > start:
            parts.append(Text(line[start:at]))
        if mark == "{":
            close = line.index("}", at)
            parts.append(Reference(line[at + 1 : close]))
            at = start = close + 1
        elif mark == "[":
            choice, at = _parse_choice(line, at + 1)
            parts.append(choice)
            start = at
        else:
            return parts, at
    if inside:
        raise ValueError(f"unclosed '[' in the template {line!r}")
    if at > start:
        parts.append(Text(line[start:at]))
    return parts, at


def _parse_choice(line: str, at: int) -> tuple[Choice, int]:
    options: list[Sequence] = []
    while True:
        option, at = _parse(line, at, inside=True)
        options.append(option)
        at += 1
        if line[at - 1] == "]":
            return Choice(options), at


class Grammar:
    """A set of rules. Every rule that another one refers to must hold a template that needs no slot.

    Raises:
        ValueError: a template's brackets do not match.
    """

    def __init__(self, rules: Mapping[str, str]) -> None:
        self.rules: dict[str, list[Template]] = {
            name: [Template(line.strip(), rules) for line in body.splitlines() if line.strip()]
            for name, body in rules.items()
        }

    def __contains__(self, rule: str) -> bool:
        return rule in self.rules

    def say(self, rule: str, rng: random.Random, slots: Mapping[str, str]) -> str:
        """Return one wording of the rule, or an empty string where no template's slots are filled.

        Raises:
            KeyError: there is no such rule.
        """
        template = self._pick(self.rules[rule], rng, slots)
        if template is None:
            return ""
        out: list[str] = []
        self._write(template.parts, rng, slots, out)
        return "".join(out)

    def _pick(self, templates: list[Template], rng: random.Random, slots: Mapping[str, str]) -> Template | None:
        count = len(templates)
        for _ in range(_TRIES):
            template = templates[int(rng.random() * count)]
            for need in template.needs:
                if need not in slots:
                    break
            else:
                return template
        ready = [template for template in templates if all(need in slots for need in template.needs)]
        return rng.choice(ready) if ready else None

    def _write(self, parts: Sequence, rng: random.Random, slots: Mapping[str, str], out: list[str]) -> None:
        for part in parts:
            if isinstance(part, Text):
                out.append(part.text)
            elif isinstance(part, Choice):
                options = part.options
                self._write(options[int(rng.random() * len(options))], rng, slots, out)
            else:
                value = slots.get(part.name) or self.say(part.name, rng, slots)
                out.append(f"{article(value)} {value}" if part.with_article else value)


def read_data(name: str) -> Any:
    """Return the content of one of our data files (`data/<name>.yaml`)."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((DATA / f"{name}.yaml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (a safe loader)


@cache
def grammar(*names: str) -> Grammar:
    """Return the grammar whose rules stand in the data files of these names."""
    rules: dict[str, str] = {}
    for name in names:
        rules.update(read_data(name))
    return Grammar(rules)
