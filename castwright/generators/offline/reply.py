"""The embedded model's one door: chat messages in, a reply out.

It looks at the `<task>` section of the last user message and calls the function for that task; a message
without our tags is an ordinary chat request and gets an honest, plain answer. It never raises: what cannot be
read (a malformed card, an unknown task) falls back to that plain answer, because a model server that dies on
one odd prompt is useless in a load test. Deterministic in (messages, sample); cards are parsed once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from castwright.generators.offline.arithmetic import solve
from castwright.generators.offline.dialogue import follow_up, talk_back
from castwright.generators.offline.grammar import grammar
from castwright.generators.offline.register import finish
from castwright.generators.offline.reject import reject
from castwright.generators.offline.respond import Shot, respond, seeded
from castwright.generators.offline.restate import restate
from castwright.generators.offline.sums import Quantities, Sum
from castwright.generators.offline.topics import read_question
from castwright.generators.prompt import read_sections, unescape_section
from castwright.personas.card import PersonaCard
from castwright.personas.render import parse_card

_ASKED = re.compile(r"<asked>\n?(.*?)\n?</asked>", re.DOTALL)
_ANSWERED = re.compile(r"<answered>\n?(.*?)\n?</answered>", re.DOTALL)
_LONGEST_CARD = 20_000

Sections = Mapping[str, list[str]]


def reply(messages: list[dict[str, str]], *, sample: int = 0) -> str:
    """Return the offline model's reply to chat messages. Never raises for any messages.

    `sample` is the index of the reply among several to the same messages; another one gives another wording.
    """
    clean = [
        {"role": str(m.get("role", "")), "content": _text(m.get("content"))} for m in messages if isinstance(m, Mapping)
    ]
    sections = read_sections(clean)
    task = _first(sections, "task").strip()
    handler = _TASKS.get(task)
    said = handler(sections, sample) if handler else None
    if said is not None:
        return said
    return plain_reply(next((m["content"] for m in reversed(clean) if m["role"] == "user"), ""), sample)


def _text(content: Any) -> str:
    """Return a message's content as text; the parts of a multi-part content are joined."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return "" if content is None else str(content)


def _first(sections: Sections, tag: str) -> str:
    return next(iter(sections.get(tag, ())), "")


@lru_cache(maxsize=4096)
def _card(text: str) -> PersonaCard | None:
    try:
        return parse_card(text[:_LONGEST_CARD])
    except ValidationError:
        return None


def _card_of(sections: Sections) -> PersonaCard | None:
    return _card(_first(sections, "card"))


def _shots(sections: Sections) -> list[Shot]:
    shots = []
    for example in sections.get("example", ()):
        asked, answered = _ASKED.search(example), _ANSWERED.search(example)
        if asked and answered:
            shots.append((unescape_section(asked.group(1)), unescape_section(answered.group(1))))
    return shots


def _persona_response(sections: Sections, sample: int) -> str | None:
    card = _card_of(sections)
    return respond(card, _first(sections, "question"), _shots(sections), sample=sample) if card else None


def _persona_answer(sections: Sections, sample: int) -> str | None:
    card = _card_of(sections)
    return restate(card, _first(sections, "question"), _first(sections, "answer"), sample=sample) if card else None


def _rejected_response(sections: Sections, sample: int) -> str | None:
    card = _card_of(sections)
    parts = (_first(sections, tag) for tag in ("question", "response", "criterion"))
    return reject(card, *(part.strip() for part in parts), sample=sample) if card else None


def _dialogue_ask(sections: Sections, sample: int) -> str:
    asked, answered = ([turn.strip() for turn in sections.get(by, ())] for by in ("asker", "character"))
    return follow_up(_first(sections, "who").strip(), asked, answered, sample=sample)


def _dialogue_chat(sections: Sections, sample: int) -> str | None:
    card = _card_of(sections)
    asked, answered = ([turn.strip() for turn in sections.get(by, ())] for by in ("asker", "character"))
    return talk_back(card, asked, answered, sample=sample) if card else None


def _formal_rewrite(sections: Sections, sample: int) -> str:
    from castwright.generators.offline.formal import formalise

    variant = _first(sections, "variant").strip()
    return formalise(
        _first(sections, "chat"), variant=(int(variant) if re.fullmatch(r"\d{1,9}", variant) else 0) + sample
    )


def _card_extraction(sections: Sections, _sample: int) -> str:
    from castwright.generators.offline.card_claims import claimed
    from castwright.generators.offline.extract import extract_card
    from castwright.generators.offline.notes import card_from_notes

    facts, notes = _facts(sections), _first(sections, "notes")
    found = card_from_notes(facts, notes) if notes else extract_card(facts, _first(sections, "text"))
    return json.dumps(claimed(found), ensure_ascii=False)


def _character_notes(sections: Sections, _sample: int) -> str:
    from castwright.generators.offline.notes import note_part

    return json.dumps({"notes": note_part(_facts(sections), _first(sections, "text"))}, ensure_ascii=False)


def _facts(sections: Sections) -> dict[str, Any]:
    try:
        facts = json.loads(_first(sections, "facts") or "{}")
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


_TASKS: dict[str, Callable[[Sections, int], str | None]] = {
    "card_extraction": _card_extraction,
    "character_notes": _character_notes,
    "dialogue_ask": _dialogue_ask,
    "dialogue_chat": _dialogue_chat,
    "formal_rewrite": _formal_rewrite,
    "persona_response": _persona_response,
    "persona_answer": _persona_answer,
    "rejected_response": _rejected_response,
}


def plain_reply(text: str, sample: int = 0) -> str:
    """Return the honest answer to an ordinary request: who answers, a sum if there is one, else the topic."""
    rng = seeded("plain", text[:4_000], sample)
    solved, asked = solve(text), read_question(text)
    slots = dict(asked.slots())
    if isinstance(solved, Sum):
        rule = "plain.sum"
        slots |= {"working": solved.working, "result": solved.result}
    elif isinstance(solved, Quantities):
        rule = "plain.quantities"
        slots["list"] = ", ".join(solved.found[:8])
    else:
        rule = "plain.topic" if asked.topic else "plain.nothing"
    rules = grammar("plain")
    return " ".join(finish([rules.say("plain.who", rng, slots), rules.say(rule, rng, slots)]))
