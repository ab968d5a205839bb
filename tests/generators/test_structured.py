"""The object in a model's reply: found where models put it, repaired where that is safe, else a reason."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from castwright.generators import structured
from castwright.generators.card_reply import read_written
from castwright.generators.offline.reply import reply as offline_reply
from castwright.generators.prompt import load_prompt, read_sections
from castwright.generators.structured import LONGEST_QUOTE, Read, read_object, repair_request, without_thoughts
from castwright.personas.card import PersonaCard

CARD = {"name": "Odile", "traits": ["patient", "wry"], "basic_info": {"age": 58}, "background": "She {really} bakes."}
JSON = json.dumps(CARD)
PRETTY = json.dumps(CARD, indent=1)
OTHER = '{"name": "Nobody", "traits": ["none"], "basic_info": {"age": 1}, "background": "A draft, no more."}'


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(JSON, id="bare"),
        pytest.param(f"\n {PRETTY} \n", id="among blank lines"),
        pytest.param(f"\ufeff{JSON}", id="after a byte order mark"),
        pytest.param(f"```json\n{PRETTY}\n```", id="in a json fence"),
        pytest.param(f"```\n{PRETTY}\n```", id="in a plain fence"),
        pytest.param(f"```json {JSON} ```", id="in a fence on one line"),
        pytest.param(f"Sure!\r\n```JSON\r\n{JSON}\r\n```\r\nEnjoy!", id="in a fence with Windows line ends"),
        pytest.param(f"```json\n{PRETTY}", id="in a fence that is not closed"),
        pytest.param(f"```json\n{OTHER}\n```\nBetter:\n```json\n{JSON}\n```", id="in the last of several fences"),
        pytest.param(f"```json\n{JSON}\n```\nA test:\n```python\nprint('{{}}')\n```", id="before a fence of code"),
        pytest.param(f"```json\n{JSON}\n```\nOr:\n```json\n{OTHER[:30]}", id="before a fence that is cut off"),
        pytest.param(f"Here you are: {JSON} Enjoy!", id="in prose"),
        pytest.param(f"I use {{curly}} and {{}} marks, so: {JSON}", id="after braces in prose"),
        pytest.param(f'{JSON}\nI left out {{"mood": "sunny"}}.', id="before an aside"),
        pytest.param(f"Draft: {OTHER}\nFinal: {JSON}", id="after a draft"),
        pytest.param(f"<think>Maybe {OTHER}?</think>{JSON}", id="after thoughts"),
        pytest.param(f"Maybe {OTHER}?\n</think>\n```json\n{JSON}\n```", id="after thoughts that lost their first tag"),
        pytest.param(f"<Reasoning>\nhm {{\n</Reasoning>\nSo: {JSON}", id="after thoughts with an open brace"),
    ],
)
def test_an_object_is_found_where_models_put_it(reply: str) -> None:
    """Fences, prose, drafts and thoughts are passed over, and nothing counts as repaired."""
    assert read_object(reply) == Read(CARD, repaired=False)


def read_card(reply: str, facts: dict[str, Any]) -> PersonaCard:
    """Return the card of a reply alone."""
    return read_written(reply, facts).card


def test_a_fence_inside_a_text_ends_nothing() -> None:
    """What stands in a JSON string stays in it."""
    value = {"background": "She writes ```json\nhere\n``` and </think> there"}
    assert read_object(json.dumps(value)) == Read(value)
    fenced = {"background": "She writes ```\nhere\n``` there"}
    assert read_object(f"Look:\n```json\n{json.dumps(fenced)}\n```") == Read(fenced)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        pytest.param('{"a": 1, "b": [1, 2,],}', {"a": 1, "b": [1, 2]}, id="commas too many"),
        pytest.param("{'a': 'it is', 'b': None, 'c': True}", {"a": "it is", "b": None, "c": True}, id="Python"),
        pytest.param('{name: "Odile", age: 58}', {"name": "Odile", "age": 58}, id="bare keys"),
        pytest.param('{"a": "x" "b": "y"}', {"a": "x", "b": "y"}, id="a comma too few"),
        pytest.param('{"a": "one\ntwo", "b": 1}', {"a": "one\ntwo", "b": 1}, id="a line end in a text"),
        pytest.param('{"a": {"b": 1}, "c": ["d"]', {"a": {"b": 1}, "c": ["d"]}, id="the last brace forgotten"),
        pytest.param('{"a": {"b": 1}\n\nEnjoy!', {"a": {"b": 1}}, id="a brace forgotten before prose"),
        pytest.param('{{"a": 1}}', {"a": 1}, id="braces doubled"),
        pytest.param('{"a": "b"}}', {"a": "b"}, id="a brace too many"),
        pytest.param(
            '{"a": "She said "no", and left.", "b": 2}',
            {"a": 'She said "no", and left.', "b": 2},
            id="quotes in quotes",
        ),
        pytest.param('```json\n{"a": 1,}\n```\nEnjoy {it}!', {"a": 1}, id="in a fence"),
        pytest.param(f"[{JSON}]", CARD, id="a list of one"),
    ],
)
def test_small_faults_are_repaired(reply: str, value: dict[str, Any]) -> None:
    """The object comes out as it was meant, and says that it was repaired."""
    assert read_object(reply) == Read(value, repaired=True)


NO_OBJECT = "the reply holds no JSON object"
CUT_OFF = "the reply holds no JSON object that ends: it was cut off after"
BROKEN = "the reply is no JSON object: "


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param("", f"{NO_OBJECT}: it has no text beside the model's thoughts", id="nothing"),
        pytest.param("I would rather not.", f"{NO_OBJECT}: it begins 'I would rather not.'", id="prose"),
        pytest.param("name: Odile, age: 58", NO_OBJECT, id="YAML"),
        pytest.param("I like {curly} braces and {more of them}.", NO_OBJECT, id="braces in prose"),
        pytest.param("{ this is just prose in braces }", NO_OBJECT, id="prose in braces"),
        pytest.param(f"<think>Maybe {JSON}", f"{NO_OBJECT}: it has no text beside", id="thoughts without an end"),
        pytest.param(f"<think>{JSON}</think>Sorry.", f"{NO_OBJECT}: it begins 'Sorry.'", id="an object in thoughts"),
        pytest.param(f"[{JSON}, {JSON}]", "the reply is a JSON array, not an object", id="a list of two"),
        pytest.param('"Odile"', "the reply is a JSON string, not an object", id="a string"),
        pytest.param("12.5", "the reply is a JSON number, not an object", id="a number"),
        pytest.param("null", "the reply is a JSON null, not an object", id="null"),
        pytest.param('{"name": "Odile", "traits": [', f'{CUT_OFF} \'{{"name": "Odile", "traits": [\'', id="cut off"),
        pytest.param(JSON[:-10], CUT_OFF, id="cut off inside a text"),
        pytest.param('{"a": {"b": 1}, "c": ["x", "y"', CUT_OFF, id="cut off after an inner object"),
        pytest.param('{"a": {"b": 1},', CUT_OFF, id="cut off after a comma"),
        pytest.param('{"a": ["x"], "b": "see [1] and th', CUT_OFF, id="cut off after a bracket in a text"),
        pytest.param('{"a": ["x"], "b": "see {1} and th', CUT_OFF, id="cut off after a brace in a text"),
        pytest.param('{"a": "x"', CUT_OFF, id="cut off after a member"),
        pytest.param('{"a": ["x"], "b": "see \\"} and th', CUT_OFF, id="cut off after an escaped quote"),
        pytest.param('{"a": "he says "bye} now"", "b": "x"}', BROKEN, id="a brace in quotes in quotes"),
        pytest.param('{"a": "a 5" pipe", "b": "x"}\nEnjoy!', BROKEN, id="one quote too many"),
        pytest.param('{"a": ["pa"tient", "wry"], "b": "x"}', BROKEN, id="one quote too many in a list"),
        pytest.param('{"a"}', BROKEN, id="a key alone"),
        pytest.param('{"a": 1e999}', BROKEN, id="a number too large"),
        pytest.param('{"a": "\\ud800"}', BROKEN, id="half a character, escaped"),
        pytest.param('{"a": "\ud800"}', BROKEN, id="half a character"),
    ],
)
def test_what_holds_no_object_says_why(reply: str, reason: str) -> None:
    """One line with the place; a half object is not completed, and prose is not made into one."""
    with pytest.raises(ValueError, match="the reply") as caught:
        read_object(reply)
    assert str(caught.value).startswith(reason)


def test_the_reason_says_where_it_broke() -> None:
    """The character counts from the beginning of the answer, and the words around it are shown."""
    with pytest.raises(ValueError, match=r"at character 27, near .*\"b\": \"y\" nope nope"):
        read_object('Hello: {"a": "x", "b": "y" nope nope nope nope nope nope nope nope}')


def test_a_repair_that_loses_words_is_refused() -> None:
    """`json_repair` drops what it cannot place; a person then learns how much, and no half object goes on."""
    reply = '{"a": "x", "b": 58 years and eleven months or somewhat less than that}'
    with pytest.raises(ValueError, match=r"a repair would lose \d+ of its \d+ letters"):
        read_object(reply)


def test_escaped_text_counts_as_text() -> None:
    """A reply in escapes is six times as long as what it says, which is no loss."""
    value = {"name": "織田信長", "background": '戦国時代の\n"武将"。', "traits": ["é"]}
    assert read_object(json.dumps(value)[:-1] + ",}") == Read(value, repaired=True)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param("[" * 100_000, id="brackets"),
        pytest.param("{" * 100_000, id="braces"),
        pytest.param('{"a":' * 100_000, id="objects"),
        pytest.param('{"a": [' + "[" * 20_000 + "]}", id="a deep list"),
        pytest.param('{"a": ["x"' + 'x"' * 25_000 + "]}", id="quotes"),
        pytest.param("```json\n" * 100_000, id="fences"),
        pytest.param("<think>" * 100_000 + "</think>" * 100_000, id="thoughts"),
        pytest.param('{"a": ' + "9" * 400_000 + "}", id="a number"),
        pytest.param("{ " * 200_000, id="braces and blanks"),
    ],
)
def test_monstrous_replies_are_refused_at_once(reply: str) -> None:
    """No reply stops the event loop for long: within 2 seconds of this process's time, most within milliseconds."""
    begun = time.process_time()
    with pytest.raises(ValueError, match="the reply"):
        read_object(reply)
    assert time.process_time() - begun < 2


PIECES = st.sampled_from(
    [JSON, '{"a": ', '"b"', ": ", ", ", "{", "}", "[", "]", '"', "'", "\\", "\\u00", "```\n", "```json\n", "<think>"]
) | st.sampled_from(
    ["</think>", "NaN", "1e999", "9" * 30, "\x00", "\ud800", "\n", "//", "/*", "word", "null", "“", "(", "#", "\u2028"]
)


@given(st.lists(PIECES | st.text(st.characters(exclude_categories=()), max_size=5), max_size=25).map("".join))
def test_any_reply_gives_an_object_or_a_reason(reply: str) -> None:
    """Only a ValueError or JSON data comes out, which can be written as JSON and as UTF-8; so can the reason."""
    outcome: Read | Exception
    try:
        outcome = read_object(reply)
    except Exception as error:
        outcome = error
    if isinstance(outcome, Read):
        assert isinstance(outcome.value, dict)
        assert orjson.loads(orjson.dumps(outcome.value)) == outcome.value
    else:
        assert type(outcome) is ValueError
        assert str(outcome).startswith("the reply")
        assert len(str(outcome).encode()) < 400
        assert len(str(outcome).splitlines()) == 1


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
VALUES = st.recursive(TEXTS | st.integers(-9, 9) | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3))
OBJECTS = st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4)


@given(OBJECTS, st.booleans())
def test_every_object_is_read_back(value: dict[str, Any], pretty: bool) -> None:
    """Whatever a valid object holds: bare, in a fence, and after thoughts."""
    text = json.dumps(value, indent=2 if pretty else None, ensure_ascii=pretty)
    for reply in (text, f"Here:\n```json\n{text}\n```\nBye.", f"<think>{{</think>\n{text}"):
        if "</" not in text:
            assert read_object(reply) == Read(value)
    assert read_object(text) == Read(value)


@given(OBJECTS, st.data())
def test_no_beginning_of_an_object_passes_for_the_whole(value: dict[str, Any], data: st.DataObject) -> None:
    """Cut off anywhere, it is refused; only after a closing bracket is it an object that lacks its last brace."""
    text = json.dumps({**value, "last": "the end"})
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    assume(not cut.rstrip().endswith(("]", "}")))
    with pytest.raises(ValueError, match="the reply"):
        read_object(cut)


def test_a_library_that_breaks_costs_the_reply_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the repair raises, the reason is that of the reply."""

    class Breaking:
        @staticmethod
        def loads(text: str, **_: Any) -> Any:
            raise IndexError(text)

    monkeypatch.setitem(sys.modules, "json_repair", Breaking)
    with pytest.raises(ValueError, match="the reply is no JSON object"):
        read_object('{"a": 1,}')


def test_valid_replies_need_no_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is not even looked at."""

    def refuse(*_: Any) -> dict[str, Any]:
        raise AssertionError("repaired")

    monkeypatch.setattr(structured, "_repaired", refuse)
    assert read_object(f"Here:\n{PRETTY}").value == CARD


def test_a_repair_request_shows_the_reply_and_what_is_wrong() -> None:
    """Thoughts do not go back, a long reply is cut, and there is always something in it."""
    asked = repair_request("<think>hm</think> {oops", "it broke at {3}")
    assert [message["role"] for message in asked] == ["assistant", "user"]
    assert asked[0]["content"] == "{oops"
    assert "it broke at {3}" in asked[1]["content"]
    assert "JSON object, and nothing else" in asked[1]["content"]
    assert len(repair_request("x" * 9_000, "")[0]["content"]) == LONGEST_QUOTE + len(" [...]")
    assert repair_request("<think>endless", "")[0]["content"] == "<think>endless"
    assert repair_request(" ", "")[0]["content"] == "(nothing)"
    assert without_thoughts("no thoughts") == "no thoughts"


def test_the_offline_model_answers_a_repair_request() -> None:
    """It has no tags to read, so it gets the plain answer; nothing breaks."""
    first = load_prompt("card_extraction").messages(facts="{}", text="Odile bakes.")
    asked = [*first, *repair_request("{oops", "the reply is no JSON object: <task>card_extraction</task>")]
    assert offline_reply(asked, sample=3)
    assert read_sections([*first, *repair_request("{oops", "cut off")]) == {}


def test_a_card_is_repaired_and_known_facts_still_win() -> None:
    """A comma too many costs no card; what the source knows replaces what the model wrote."""
    card = read_card(f"Here:\n{PRETTY[:-1]},}}", {"basic_info": {"age": 60}, "name": "Odile M."})
    assert (card.name, card.basic_info.age, card.traits) == ("Odile M.", 60, ("patient", "wry"))


def test_a_repaired_card_with_a_field_unknown_is_refused() -> None:
    """Half a text may have become a key; in a card that needed no repair such a key is just left out."""
    extra = json.dumps({**CARD, "and left": "so she did"})
    assert read_card(extra, {}).name == "Odile"
    with pytest.raises(ValueError, match="repaired, it has a field 'and left' that no card has"):
        read_card(f"{extra[:-1]},}}", {})


SPOKEN = {
    **CARD,
    "basic_info": {"age": 58, "relationships": ["her sister Anna", "Tom, a nephew"]},
    "example_lines": ["Rye takes time, like people.", "You want bread? Sit."],
}
FAULTS: dict[str, Callable[[str, int], str]] = {
    "one character missing": lambda text, at: text[:at] + text[at + 1 :],
    "one character twice": lambda text, at: text[:at] + text[at] + text[at:],
    "a quote too many": lambda text, at: text[:at] + '"' + text[at:],
    "cut off": lambda text, at: text[:at],
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_fault_in_a_card_never_makes_another_card(fault: Callable[[str, int], str]) -> None:
    """Wherever it stands in the punctuation, the card comes out as it was meant or not at all."""
    meant = read_card(json.dumps(SPOKEN), {})
    text = json.dumps(SPOKEN, indent=1)
    outcomes = []
    for at in (at for at, mark in enumerate(text) if mark in '{}[]",:'):
        try:
            card = read_card(fault(text, at), {})
        except ValueError:
            outcomes.append("refused")
        else:
            # a comma or colon inside a text may be the character in question
            assert letters(card.content()) == letters(meant.content()), fault(text, at)
            outcomes.append("read")
    assert "refused" in outcomes


def letters(held: Any) -> Any:
    """Return data without the punctuation of its texts, so that their words and borders are what is compared."""
    if isinstance(held, dict):
        return {key: letters(value) for key, value in held.items()}
    if isinstance(held, list):
        return [letters(value) for value in held]
    return re.sub(r"\W+", "", held) if isinstance(held, str) else held
