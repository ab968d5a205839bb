"""The formaliser's words and rules, read once from data/formal_lexicon.yaml.

A rule is a line, "got it [at=alone] -> understood | I see": what was typed (spellings parted by " / "), the
conditions under which it counts as informal, and the formal choices. Lines, because some hundreds of rules
must be read and mended by people; conditions, because nearly every informal word also has a plain use ("I
like it", "a pretty house"). (Rejected: Python code per word, which hides the lexicon in branches, and bare
search-and-replace tables, which damage the plain uses.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_LINE = re.compile(r"^(?P<say>.+?)(?:\s+\[(?P<when>[^\]]*)\])?\s+->(?:\s+(?P<to>.*))?$")
_FLAG = re.compile(r"<(\w+)>")


@dataclass(frozen=True, slots=True)
class Condition:
    """A set of words and of shapes ("number", "end", "ing", ...) that a neighbour must or must not be in."""

    words: frozenset[str]
    shapes: frozenset[str]
    negated: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One informal phrase with its conditions and its formal choices (an empty choice deletes it)."""

    say: tuple[str, ...]
    choices: tuple[tuple[str, ...], ...]
    at: str = ""
    level: int = 0
    asked: str = ""
    before: tuple[Condition, ...] = ()
    after: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class FormalLexicon:
    """All data of the formaliser; `rules` by first word, longest phrase first."""

    words: dict[str, list[str]]
    apostrophes: dict[str, list[str]]
    classes: dict[str, frozenset[str]]
    rules: dict[str, tuple[Rule, ...]]
    proper: dict[str, str]
    stretched: dict[str, str]


def _pairs(block: str) -> dict[str, str]:
    split = (line.partition("->") for line in block.splitlines() if line.strip())
    return {left.strip(): right.strip() for left, _, right in split}


def _condition(value: str, negated: bool, classes: dict[str, frozenset[str]]) -> Condition:
    words: set[str] = set()
    shapes: set[str] = set()
    for item in value.split(","):
        flag = _FLAG.fullmatch(item)
        if flag:
            shapes.add(flag.group(1))
        elif item.startswith("@"):
            words |= classes[item[1:]]
        else:
            words.add(item if item != "COMMA" else ",")
    return Condition(frozenset(words), frozenset(shapes), negated)


def parse_rules(block: str, classes: dict[str, frozenset[str]]) -> list[Rule]:
    """Return the rules of a block of lines.

    Raises:
        ValueError: a line is no rule, or names a condition or a class that does not exist.
    """
    rules: list[Rule] = []
    for line in block.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.match(line.strip())
        if not match:
            raise ValueError(f"no rule: {line!r}; write 'informal [conditions] -> formal | formal'")
        fields: dict[str, Any] = {"before": [], "after": []}
        for item in (match["when"] or "").split():
            key, _, value = item.partition("=")
            side = {"next": "after", "prev": "before"}.get(key.rstrip("!"))
            if side:
                fields[side].append(_condition(value, key.endswith("!"), classes))
            elif key in ("at", "asked"):
                fields[key] = value
            elif key == "level":
                fields[key] = int(value)
            else:
                raise ValueError(f"no condition {key!r} in rule {line!r}; use at, next, prev, level or asked")
        fields["before"], fields["after"] = tuple(fields["before"]), tuple(fields["after"])
        choices = tuple(tuple(choice.split()) for choice in (match["to"] or "").split("|"))
        rules += [Rule(tuple(say.split()), choices, **fields) for say in match["say"].split(" / ")]
    return rules


@cache
def formal_lexicon() -> FormalLexicon:
    """Return the lexicon, read once."""
    path = Path(__file__).parent / "data" / "formal_lexicon.yaml"
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    classes = {name: frozenset(text.split()) for name, text in data["classes"].items()}
    by_first: dict[str, list[Rule]] = {}
    for rule in parse_rules(data["rules"], classes):
        by_first.setdefault(rule.say[0], []).append(rule)
    return FormalLexicon(
        words={key: value.split() for key, value in _pairs(data["words"]).items()},
        apostrophes={key: value.split() for key, value in _pairs(data["apostrophes"]).items()},
        classes=classes,
        rules={first: tuple(sorted(rules, key=lambda r: -len(r.say))) for first, rules in by_first.items()},
        proper={word.lower(): word for word in data["proper"].split()},
        stretched=_pairs(data["stretched"]),
    )
