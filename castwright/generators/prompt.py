"""Prompts: readable templates with tagged sections.

A template is a Jinja file beside its task (`persona_response.jinja`) that holds a `<system>` and a `<user>`
block. What varies stands in tagged sections (`<card>`, `<question>`, ...), so a model sees where each part
begins and ends and the offline model can read them back. Text put into a section cannot close it: see
`escape_section`. (Rejected: prompts as Python strings, which nobody reads, and JSON prompts, whose
punctuation models copy.)
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

Message = dict[str, str]

_ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701 (text prompts, no HTML)
_BLOCK = re.compile(r"<(system|user)>\n(.*?)\n</\1>", re.DOTALL)
_SECTION = re.compile(r"<([a-z_]+)>\n?(.*?)\n?</\1>", re.DOTALL)
_TAG = re.compile(r"<(\\*/?[a-z_]+)>")
_ESCAPED_TAG = re.compile(r"<\\(\\*/?[a-z_]+)>")


def escape_section(text: Any) -> str:
    r"""Return text that cannot open or close a section: `</card>` becomes `<\/card>`."""
    return _TAG.sub(r"<\\\1>", str(text))


def unescape_section(text: str) -> str:
    """Undo `escape_section`."""
    return _ESCAPED_TAG.sub(r"<\1>", text)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One task's template. `digest` changes with its text, and with it every fingerprint that uses it."""

    task: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    def messages(self, **sections: Any) -> list[Message]:
        """Return the chat messages of the template, filled in.

        Raises:
            jinja2.UndefinedError: the template names a section that was not given.
        """
        filled = {name: _escaped(value) for name, value in sections.items()}
        return [
            {"role": role, "content": template.render(task=self.task, **filled).strip()}
            for role, template in _compiled(self.text)
        ]


@cache
def _compiled(text: str) -> list[tuple[str, Template]]:
    """Return the blocks of a template's text, compiled once: rendering is on the path of every call."""
    return [(match.group(1), _ENVIRONMENT.from_string(match.group(2))) for match in _BLOCK.finditer(text)]


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(item) for item in value]
    return escape_section(value) if isinstance(value, str) else value


@cache
def load_prompt(task: str) -> Prompt:
    """Return the prompt of a task of ours, from the template that lies beside it."""
    return Prompt(task, (Path(__file__).parent / f"{task}.jinja").read_text(encoding="utf-8"))


def read_sections(messages: list[Message]) -> dict[str, list[str]]:
    """Return the tagged sections of the last user message, in order: tag -> texts, unescaped.

    What is nested in a section stays in that section's text. An untagged message gives an empty mapping.
    """
    user = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    sections: dict[str, list[str]] = {}
    for tag, text in _SECTION.findall(user):
        sections.setdefault(tag, []).append(unescape_section(text))
    return sections
