"""Does the answer in persona say what the answer says? The strictest check that fits the answer's shape.

A final number is compared exactly, a chosen letter by letter, code character by character; only prose falls
back to facts (numbers, names and dates kept, none invented) with the embeddings' cosine beside them, because
a cosine alone takes "42" for "43". Strict by design: a wrong pair teaches a model to be wrong in character, a
lost pair costs one call. Pure functions of three texts: running the code and a judge are other, dearer
checks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from castwright.filters.choices import chosen_letter, marked_letters, options_named, read_options
from castwright.filters.code_blocks import code_blocks
from castwright.filters.facts import compare_facts
from castwright.filters.prose import count_words, sentences, straighten
from castwright.filters.quantities import Quantity, find_quantities, plain

Method = Literal["number", "choice", "code", "facts"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether two answers agree, by which check, and both sides in words."""

    method: Method
    agreed: bool
    detail: str


_MARK = (
    r"(?:####|\\boxed\{|\b(?:final |correct |right )?(?:answer|result|solution)(?: (?:is|was|must be|"
    r"should be|comes to|would be)|:|\s*=)"
    r"(?: (?:that|then|therefore|simply|just|exactly|thus))*:?)"
)
_LEAD = r"\s*[*_$`(\[{]*\s*(?:(?:a|the) (?:total|sum) of |exactly |precisely |about )?"
_STATED = re.compile(_MARK + _LEAD, re.IGNORECASE)
_ASKS_NUMBER = re.compile(
    r"\b(?:how (?:many|much|far|long|old|tall|fast|often)|what (?:is|was|will be|would be|"
    r"are) the (?:\w+ ){0,3}(?:sum|total|number|"
    r"value|product|difference|cost|price|area|volume|average|mean|probability|percentage|percent|profit|"
    r"age|speed|perimeter|ratio)|"
    r"what (?:percentage|percent|fraction)|calculate|compute|evaluate|solve|find the (?:value|sum|number|"
    r"area|total))\b",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"\b(?:so|therefore|thus|hence|total|altogether|in all|all told|makes?|making|comes? to|adds? up|"
    r"leaves?|left|answer|"
    r"sum|result|equals?|finally|in the end|gives?|ends? up)\b",
    re.IGNORECASE,
)
_CORRECTION = re.compile(
    r"\b(?:no,? wait|wait,? no|scratch that|i mean|i meant|correction|actually,? (?:it|that|no)|or rather|"
    r"let me correct|on second thoughts?)\b",
    re.IGNORECASE,
)


def check_agreement(
    question: str,
    answer: str,
    persona_answer: str,
    *,
    similarity: float | None = None,
    min_similarity: float = 0.6,
) -> Agreement:
    """Return whether `persona_answer` says what `answer` says to `question` (NGENT 4.2.2, contrastive pairs).

    The shape of `answer` picks the check: code blocks, a letter of the question's options, a final number
    ("#### 42", or the last number where the question asks for one or the answer is little else), else facts,
    where `similarity` (the cosine of the two answers, None: not measured) must reach `min_similarity`.
    """
    if not persona_answer.strip() or not answer.strip():
        side = "the answer" if not answer.strip() else "the answer in persona"
        return Agreement("facts", False, f"{side} is empty")
    if "####" not in answer and code_blocks(answer):
        return _check_code(answer, persona_answer)
    options = read_options(question)
    letter = chosen_letter(answer, options)
    if letter:
        return _check_choice(letter, options, persona_answer)
    expected = final_number(question, answer)
    if expected is not None:
        return _check_number(question, answer, expected, persona_answer)
    problem = compare_facts(question, answer, persona_answer)
    if problem:
        return Agreement("facts", False, problem)
    if similarity is None:
        return Agreement("facts", True, "numbers, names and dates kept; similarity not measured")
    detail = f"numbers, names and dates kept; similarity {similarity:.2f}, needed {min_similarity:.2f}"
    return Agreement("facts", similarity >= min_similarity, detail)


_WORKING = re.compile(r"\s*(?:[*×x+/÷=]|-\s*\d)")  # what follows a number that is a term and no result


def stated_numbers(text: str) -> list[Quantity]:
    r"""Return the numbers a text states as its result, in order: after "####", "the answer is", "\boxed{"."""
    text = plain(straighten(text))
    numbers = find_quantities(text)
    stated = {}
    for mark in _STATED.finditer(text):
        follower = next((n for n in numbers if n.start >= mark.start() and _end(n) > mark.end()), None)
        if follower and follower.start <= mark.end() + 2 and not _WORKING.match(text, _end(follower)):
            stated[follower.start] = follower
    return [stated[start] for start in sorted(stated)]


def _lone_numbers(text: str, numbers: list[Quantity]) -> list[Quantity]:
    """Return the numbers that all but fill the first or the last sentence: "72, says I." """
    parts = sentences(text)
    places = [(parts[0], text.find(parts[0])), (parts[-1], text.rfind(parts[-1]))] if parts else []
    lone = []
    for part, offset in places:
        inside = [n for n in numbers if offset <= n.start < offset + len(part)]
        working = re.search(r"[=:]", part)
        if len(inside) == 1 and inside[0].in_digits and count_words(part) <= 5 and not working:
            lone.append(inside[0])
    return lone


def _end(number: Quantity) -> int:
    return number.start + len(number.text)


def final_number(question: str, answer: str) -> Quantity | None:
    """Return the number an answer ends in, or None where the answer is not a number in shape."""
    stated = stated_numbers(answer)
    if stated:
        return stated[-1]
    numbers = find_quantities(plain(straighten(answer)))
    short = count_words(answer) <= 6 and len(numbers) == 1 and count_words(answer) - count_words(numbers[0].text) <= 3
    if numbers and (short or _ASKS_NUMBER.search(question)):
        return numbers[-1]
    return None


def _check_number(question: str, answer: str, expected: Quantity, persona_answer: str) -> Agreement:
    wanted = _show(expected)
    text = plain(straighten(persona_answer))
    numbers = find_quantities(text)
    if not numbers:
        return Agreement("number", False, f"the answer is {wanted}, the answer in persona has no number")
    known = [*find_quantities(plain(straighten(question))), *find_quantities(plain(straighten(answer)))]
    stated = stated_numbers(persona_answer)
    lone = [n for n in _lone_numbers(text, numbers) if not any(n.same(other) for other in known)]
    wrong = next((number for number in [*stated, *lone] if not number.same(expected)), None)
    if wrong is not None:
        return Agreement("number", False, f"the answer is {wanted}, the answer in persona states {_show(wrong)}")
    said = _final_of(text, numbers, stated, expected, known)
    if not said.same(expected):
        return Agreement("number", False, f"the answer is {wanted}, the answer in persona ends in {_show(said)}")
    return Agreement("number", True, f"both say {wanted}")


def _final_of(
    text: str, numbers: list[Quantity], stated: list[Quantity], expected: Quantity, known: list[Quantity]
) -> Quantity:
    """Return the number a persona's answer ends in; none that contradicts a right result may follow it."""
    right = [number for number in numbers if number.same(expected)]
    anchor = stated[-1] if stated else (right[-1] if right else None)
    if anchor is None:
        return numbers[-1]
    after = [number for number in numbers if number.start > anchor.start and not number.same(expected)]
    if not after:
        return anchor
    corrected = _CORRECTION.search(text, anchor.start)
    contradiction = next((n for n in after if corrected and n.start > corrected.start()), None)
    strange = next((n for n in after if n.in_digits and not any(n.same(other) for other in known)), None)
    if contradiction or strange:
        return contradiction or strange or anchor
    if stated:
        return anchor
    # without "the answer is", the right number must be concluded in the last sentence that has numbers
    closing = next(s for s in reversed(sentences(text)) if find_quantities(s))
    concluded = _CONCLUDES.search(closing) and any(n.same(expected) for n in find_quantities(closing))
    return anchor if concluded and all(any(n.same(o) for o in known) for n in after) else after[-1]


def _show(number: Quantity) -> str:
    return number.text.strip()


def _check_choice(letter: str, options: dict[str, str], persona_answer: str) -> Agreement:
    wanted = f"{letter} ({options[letter]})" if letter in options else letter
    stated = marked_letters(persona_answer) & {*options, letter}
    named = options_named(options, persona_answer)
    if not stated and not named:
        return Agreement("choice", False, f"the answer is {wanted}, the answer in persona chooses none")
    if stated and stated != {letter}:
        return Agreement(
            "choice",
            False,
            f"the answer is {wanted}, the answer in persona chooses {', '.join(sorted(stated))}",
        )
    if named and letter not in named:
        return Agreement("choice", False, f"the answer is {wanted}, the answer in persona says {options[named[0]]!r}")
    if not stated and named != [letter]:
        return Agreement("choice", False, f"the answer is {wanted}, the answer in persona names {', '.join(named)}")
    return Agreement("choice", True, f"both choose {wanted}")


def _check_code(answer: str, persona_answer: str) -> Agreement:
    wanted, said = code_blocks(answer), code_blocks(persona_answer)
    if not said:
        return Agreement("code", False, f"the answer has {len(wanted)} code block(s), the answer in persona has none")
    if wanted == said:
        return Agreement("code", True, f"{len(wanted)} code block(s) the same")
    if len(wanted) != len(said):
        return Agreement(
            "code", False, f"the answer has {len(wanted)} code block(s), the answer in persona {len(said)}"
        )
    block = next(number for number, (a, b) in enumerate(zip(wanted, said, strict=True)) if a != b)
    pairs = zip([*wanted[block].split("\n"), ""], [*said[block].split("\n"), ""], strict=False)
    line, other = next(((a, b) for a, b in pairs if a != b), ("", ""))
    return Agreement("code", False, f"code block {block + 1} differs: {line.strip()!r} became {other.strip()!r}")
