"""The JSON object in a model's reply, and the request that follows a reply that holds none.

Models wrap an object in thoughts, fences and chatter, and write it with small faults: a comma too many, quotes
inside quotes. What is valid is taken as it stands; what is not is repaired by `json_repair`, and the repair is
believed only where it kept the text: a library that always finds something makes lists of prose and full cards
of half ones, so a reply that was cut off is refused. Which fields the object must have is checked by the step
that asked, whose pydantic model says it better. (Rejected: a JSON schema validator beside pydantic, two judges
of one thing; and the first `{` to the last `}`, which reads a thought as part of the answer.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import orjson

from castwright.generators.prompt import Message

LONGEST_REPAIR, DEEPEST_REPAIR, MOST_QUOTES = 20_000, 32, 1_000
"""Characters, nested brackets and quotation marks of what is repaired at most, some ten times what a card has.

`json_repair` takes seconds for hundreds of open braces and a minute for 25,000 misplaced quotes, and that would
be a minute in which no other row moves.
"""
KEPT_AT_LEAST = 0.9
"""The part of an object's letters and digits that its repair must still hold; comments may go."""
LONGEST_QUOTE = 4_000
"""Characters of a bad reply that are sent back with the repair request."""

_REQUEST = (
    "Your last reply could not be used: {reason}\n"
    "Send the whole object again as one corrected JSON object, and nothing else: "
    "no comment, no code fence, no text before or after it."
)
_EXCERPT = 40
_JSON_TYPES = {list: "array", str: "string", int: "number", float: "number", bool: "boolean", type(None): "null"}
_THOUGHT_ENDS = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_THOUGHT_BEGINS = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_OPENING = re.compile(r"""\{(?=\s*(?:\\?["'“‘{}]|[\w-]+\s*:))""")
"""A brace that begins an object: before a key or another brace. One in prose, as in {this}, does not."""
_TOKEN = re.compile(r'\\.|["{}]', re.DOTALL)
_ENDS_WHOLE = re.compile(r"""(?<!\\)["'”’][\s,\]}]*\}$""")
_QUOTE = re.compile(r"""["'“”]""")
_CODE_POINT = re.compile(r"\\u[0-9a-fA-F]{4}")
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_NOT_A_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Read:
    """The object of a reply; `repaired` where the reply did not hold it as valid JSON of that shape."""

    value: dict[str, Any]
    repaired: bool = False


def read_object(reply: str) -> Read:
    """Return the JSON object of a model's reply.

    It is the reply itself, else the last complete fenced block that begins like JSON, else the last object in
    the text (one less than half as long as another is an aside). Thoughts before the answer are passed over.
    Whatever comes back can be written as JSON and as UTF-8.

    Raises:
        ValueError: there is none, or none that a repair can be trusted with; one line that says where it broke.
    """
    value = _parsed(reply)
    if value is _BROKEN:
        text = _answer(reply)
        value = _parsed(text)
        if value is _BROKEN:
            return _read_within(text)
    if isinstance(value, dict):
        return Read(value)
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return Read(value[0], repaired=True)
    raise ValueError(f"the reply is a JSON {_JSON_TYPES[type(value)]}, not an object")


def without_thoughts(reply: str) -> str:
    """Return what a reply says after its thoughts: nothing, where it never ends them."""
    ends = [found.end() for found in _THOUGHT_ENDS.finditer(reply)]
    if ends:
        return reply[ends[-1] :]
    return "" if _THOUGHT_BEGINS.match(reply) else reply


def repair_request(reply: str, reason: str) -> list[Message]:
    """Return the messages that follow those of a first request: the bad reply and what was wrong with it.

    The reply goes back without its thoughts and cut to `LONGEST_QUOTE` characters, because it is paid for again.
    """
    said = without_thoughts(reply).strip() or reply.strip() or "(nothing)"
    quoted = said if len(said) <= LONGEST_QUOTE else said[:LONGEST_QUOTE] + " [...]"
    return [{"role": "assistant", "content": quoted}, {"role": "user", "content": _REQUEST.format(reason=reason)}]


_BROKEN = object()


def _parsed(text: str) -> Any:
    """Return the JSON value that a text is, or `_BROKEN`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _BROKEN


def _answer(reply: str) -> str:
    """Return the part of a reply that holds its object: after the thoughts, in the last fence if there is one."""
    text = without_thoughts(reply)
    return next(
        (block for block in reversed(_fenced(text)) if block.startswith(("{", "["))), text.strip("\ufeff \t\r\n")
    )


def _fenced(text: str) -> list[str]:
    """Return the complete fenced blocks of a text, stripped.

    Fences are lines of their own, so that one inside a JSON string, where a line cannot end, is none; and line
    by line, because a regular expression takes quadratic time on fences that never close.
    """
    blocks: list[str] = []
    inside: list[str] | None = None
    for line in text.split("\n"):
        mark = line.strip()
        if inside is None:
            inside = [] if mark.startswith("```") and "`" not in mark[3:] else None
        elif mark == "```":
            blocks.append("\n".join(inside).strip())
            inside = None
        else:
            inside.append(line)
    return blocks


def _read_within(text: str) -> Read:
    """Return the object that stands somewhere in a text, repaired if need be.

    Raises:
        ValueError: see `read_object`.
    """
    spans = _spans(text)
    if not spans:
        said = f"it begins {_excerpt(text)}" if text else "it has no text beside the model's thoughts"
        raise ValueError(f"the reply holds no JSON object: {said}")
    longest = max(end - start for start, end in spans)
    start, end = [(start, end) for start, end in spans if (end - start) * 2 >= longest][-1]
    try:
        value = orjson.loads(text[start:end])
        # a stray quote can close an object inside one of its texts: then the true last brace is still to come
        if text.count("}", end) <= text.count("{", end):
            return Read(value)
        problem, at = "it goes on after its last brace", end
    except orjson.JSONDecodeError as error:
        problem, at = error.msg, start + error.pos
    broke = f"the reply is no JSON object: {problem} at character {at}, near {_excerpt(text[max(start, at - 20) :])}"
    return Read(_repaired(_whole(text, start), broke), repaired=True)


def _spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of the outermost objects of a text, in order; one that never closes ends with it."""
    spans: list[tuple[int, int]] = []
    at = 0
    while opening := _OPENING.search(text, at):
        at = _closing(text, opening.start())[0] or len(text)
        spans.append((opening.start(), at))
    return spans


def _closing(text: str, start: int) -> tuple[int | None, bool]:
    """Return where the brace at `start` is closed (None: nowhere), and whether the text ends inside a string."""
    depth, quoted = 0, False
    for token in _TOKEN.finditer(text, start):
        mark = token.group()
        if mark == '"':
            quoted = not quoted
        elif quoted or mark[0] == "\\":
            continue
        elif mark == "{":
            depth += 1
        else:
            depth -= 1
            if depth == 0:
                return token.end(), False
    return None, quoted


def _whole(text: str, start: int) -> str:
    """Return the text of a broken object, up to its last bracket, if the model wrote it to its end.

    Quotes inside quotes make any count of brackets doubtful, so an object that seems to close goes on to the
    last brace of the text. One that never closes was finished only if nothing that could be a part of it follows.

    Raises:
        ValueError: it was cut off.
    """
    closed, quoted = _closing(text, start)
    end = text.rfind("}", start) + 1
    if closed is None and not quoted:
        end = max(end, text.rfind("]", start) + 1)
    whole, rest = text[start:end], text[end:].strip()
    goes_on = rest.startswith((",", ":", "[", '"')) or (closed is None and '"' in rest)
    if not whole or goes_on or (quoted and not _ENDS_WHOLE.search(whole)):
        raise ValueError(f"the reply holds no JSON object that ends: it was cut off after {_excerpt(text, last=True)}")
    return whole


def _repaired(text: str, broke: str) -> dict[str, Any]:
    """Return the object that a broken text was meant to be.

    Raises:
        ValueError: it cannot be told; `broke` is the reason, with why the repair was refused.
    """
    if len(text) > LONGEST_REPAIR or _depth(text) > DEEPEST_REPAIR or len(_QUOTE.findall(text)) > MOST_QUOTES:
        raise ValueError(f"{broke} (too long or too nested to repair)")
    if _ESCAPE.sub("", text).count('"') % 2:
        # where texts begin and end is then a guess: in a list, `json_repair` cuts one in two, or joins two, unseen
        raise ValueError(f"{broke} (a quotation mark too many or too few)")
    # here, because a run whose model writes valid JSON never needs it
    from json_repair import loads

    try:
        value = loads(text, skip_json_loads=True)
        whole = orjson.loads(orjson.dumps(value))
    except Exception:  # a parser of anything meets anything: whatever it raises, the reply was no object
        raise ValueError(broke) from None
    if not isinstance(value, dict) or not value or whole != value:  # infinity, for one, is written as null
        raise ValueError(broke)
    had, kept = _letters(text), _letters(orjson.dumps(value).decode())
    if kept < KEPT_AT_LEAST * had:
        raise ValueError(f"{broke} (a repair would lose {had - kept} of its {had} letters and digits)")
    return value


def _depth(text: str) -> int:
    """Return how deeply brackets are nested at most, those in strings included."""
    depth = deepest = 0
    for mark in re.findall(r"[\[\]{}()]", text):
        depth = depth + 1 if mark in "[{(" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _letters(json_text: str) -> int:
    """Return how many letters and digits a JSON text has; a `\\u` escape is one, another escape none."""
    return len(_NOT_A_LETTER.sub("", _ESCAPE.sub("", _CODE_POINT.sub("x", json_text))))


def _excerpt(text: str, *, last: bool = False) -> str:
    """Return the first or last words of a text, quoted, on one line and without characters that cannot be written."""
    part = text[-_EXCERPT:] if last else text[:_EXCERPT]
    return repr(" ".join(part.split()))
