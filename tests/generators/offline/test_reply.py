"""The offline model's door: right task, never a crash, honest to ordinary requests, deterministic."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.criteria import CRITERIA
from castwright.generators.offline.card_claims import claimed
from castwright.generators.offline.extract import extract_card
from castwright.generators.offline.reply import reply
from castwright.generators.prompt import load_prompt
from castwright.personas.card import PersonaCard
from castwright.personas.render import render_card

BAKER = PersonaCard.model_validate(
    {
        "name": "Odile Marchetti",
        "basic_info": {
            "age": 51,
            "gender": "woman",
            "occupation": "village baker",
            "place": "Orvelle, up the valley",
            "relationships": ["wife of Jean", "friend of the miller Tomas"],
        },
        "traits": ["blunt", "warm"],
        "dialogue_style": {
            "register": "neutral",
            "sentence_length": "medium",
            "catchphrases": ["flour on everything"],
            "quirks": ["brings food into everything", "quotes proverbs"],
        },
        "background": "She took over the bakehouse at nineteen and has never closed it for a day.",
    }
)
WILD = st.text(max_size=300)


def ask(task: str, **sections: object) -> list[dict[str, str]]:
    return load_prompt(task).messages(**sections)


@pytest.mark.parametrize(
    ("task", "sections"),
    [
        pytest.param(
            "persona_response",
            {"question": "Why do people argue?", "shots": []},
            id="a question to a persona",
        ),
        pytest.param(
            "persona_answer",
            {"question": "What is 2+2?", "answer": "2+2=4\n#### 4"},
            id="an answer to restate",
        ),
        pytest.param(
            "rejected_response",
            {
                "question": "Why?",
                "response": "Because bread needs time.",
                "criterion": "verbose",
                "instruction": CRITERIA["verbose"],
            },
            id="a response to spoil",
        ),
    ],
)
def test_every_tagged_task_gets_its_own_answer(task: str, sections: dict[str, object]) -> None:
    """A tagged prompt is answered by its task's function, which never says that it is a stand-in."""
    said = reply(ask(task, card=render_card(BAKER), **sections))
    assert said
    assert "offline" not in said
    assert "card" not in said.lower()


def test_a_formal_rewrite_comes_from_the_formaliser_with_its_variant() -> None:
    """The chat and variant of a formal_rewrite prompt reach `formalise`."""
    formal = pytest.importorskip("castwright.generators.offline.formal")
    said = reply(ask("formal_rewrite", chat="i dont know u", variant="1", previous="", instruction="Rewrite."))
    assert said == formal.formalise("i dont know u", variant=1)


def test_a_card_extraction_is_json_of_the_extracted_card() -> None:
    """The facts and text of a card_extraction prompt reach `extract_card`, and JSON comes back with quotes."""
    facts = {"name": "Odile"}
    said = reply(ask("card_extraction", facts=json.dumps(facts), text="Odile bakes bread."))
    assert json.loads(said) == claimed(extract_card(facts, "Odile bakes bread."))


def test_notes_are_json_of_what_the_part_says() -> None:
    """The facts and the part of a character_notes prompt are read by rule; nothing is noted of anybody else."""
    part = "Odile is patient. Her sister Anna is rude. Tom is greedy."
    sections = {"facts": json.dumps({"name": "Odile"}), "part": "1 of 2", "text": part, "fields": "", "most": 30}
    notes = json.loads(reply(ask("character_notes", **sections)))["notes"]
    assert {"quote": "Odile is patient.", "field": "traits", "value": "patient"} in notes
    assert all(note["quote"] in part for note in notes)
    assert not [note for note in notes if note["value"] == "greedy"]


def test_an_ordinary_message_is_told_that_it_talks_to_a_stand_in() -> None:
    """Without our tags the model says what it is and names the topic rather than pretending to know."""
    said = reply([{"role": "user", "content": "What is the capital of France?"}])
    assert "offline" in said
    assert "capital of France" in said


def test_an_ordinary_sum_is_computed() -> None:
    """Sums are within the rules even without tags."""
    assert "84" in reply([{"role": "user", "content": "What is 12 * (3 + 4)?"}])


def test_same_messages_give_the_same_reply_and_samples_differ() -> None:
    """Deterministic in (messages, sample), and another sample words it differently."""
    messages = ask("persona_response", card=render_card(BAKER), question="What is courage?", shots=[])
    assert reply(messages) == reply(messages)
    assert len({reply(messages, sample=number) for number in range(8)}) == 8


def test_examples_are_read_as_shots() -> None:
    """When every example opens alike and is one sentence long, so is the reply."""
    shots = [{"question": f"Q{n}?", "response": f"Hm, number {n} it is."} for n in range(3)]
    said = reply(ask("persona_response", card=render_card(BAKER), question="What is courage?", shots=shots))
    assert said.startswith("Hm, ")


def test_a_malformed_card_falls_back_to_the_plain_answer() -> None:
    """A card that does not parse is no reason to crash."""
    assert "offline" in reply(ask("persona_response", card="Name:\nAge: many", question="Why?", shots=[]))


def test_the_last_user_message_decides() -> None:
    """Only the last user message is answered; messages without content are passed over."""
    messages = [
        {"role": "user", "content": "What is 2 + 2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "What is 5 + 5?"},
    ]
    assert "10" in reply(messages)
    assert reply([])


TASKS = [
    "card_extraction",
    "character_notes",
    "formal_rewrite",
    "persona_response",
    "persona_answer",
    "rejected_response",
    "unknown",
]


@settings(max_examples=250, deadline=None)
@given(
    task=st.sampled_from(TASKS),
    card=WILD,
    question=WILD,
    answer=WILD,
    criterion=st.sampled_from([*CRITERIA, "?"]),
    sample=st.integers(0, 50),
)
def test_wild_sections_never_raise(
    task: str, card: str, question: str, answer: str, criterion: str, sample: int
) -> None:
    """Whatever stands in the sections, with a good card or a wild one, a text comes back."""
    for shown in (card, render_card(BAKER)):
        content = (
            f"<task>{task}</task>\n<card>\n{shown}\n</card>\n<question>\n{question}\n</question>\n<answer>\n{answer}\n</answer>\n"
            f"<response>\n{answer}\n</response>\n<criterion>{criterion}</criterion>\n<facts>{answer}</facts><text>{question}</text>"
            f"<chat>{question}</chat><variant>{sample}</variant>"
        )
        assert isinstance(reply([{"role": "user", "content": content}], sample=sample), str)


@settings(max_examples=150, deadline=None)
@given(content=st.text(max_size=600), role=st.sampled_from(["user", "system", "assistant"]))
def test_wild_ordinary_messages_never_raise(content: str, role: str) -> None:
    """Any chat message gets a non-empty answer."""
    assert reply([{"role": role, "content": content}])


def test_a_huge_message_is_answered_in_time() -> None:
    """Two megabytes of text in each section take seconds, not minutes."""
    started = time.perf_counter()
    huge = "why? " * 100_000
    for task in ("persona_response", "persona_answer", "rejected_response", "none"):
        sections = {
            "card": render_card(BAKER),
            "question": huge,
            "answer": huge,
            "response": huge,
            "criterion": "verbose",
        }
        content = "".join(f"<{tag}>{text}</{tag}>" for tag, text in {"task": task, **sections}.items())
        assert reply([{"role": "user", "content": content}])
    assert time.perf_counter() - started < 60
