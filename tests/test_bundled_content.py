"""What every newcomer sees first is the bundled content, so it is held to rules.

Counts and shapes are checked on the files themselves, cards through the card, arithmetic by doing it again
and code by running its examples. Whether chat reads like chat is measured with plain shares (contractions,
lower-case starts, word counts), not with a model, so a failure names what is wrong. (Rejected: snapshots of
the files, which would make every better sentence a failing test.)
"""

from __future__ import annotations

import ast
import csv
import json
import re
import statistics
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

import castwright.generators
import castwright.personas
from castwright.personas.card import PersonaCard
from castwright.personas.render import parse_card, render_card

CHARACTERS = Path(castwright.personas.__path__[0]) / "bundled" / "characters.jsonl"
GENERATORS = Path(castwright.generators.__path__[0]) / "bundled"
DATA = Path(__file__).parent / "data"

METAPHORS = (
    "sailing|cooking|gardening|weather|music|machine|sporting|farming|sewing|military|theatre|mathematical|road|animal"
)
QUIRKS = re.compile(
    "|".join(
        (
            "answers a question with a question first",
            "lists things in threes",
            rf"uses (?:{METAPHORS}) metaphors",
            "quotes proverbs",
            "addresses people as '[^']+'",
            "apologises before disagreeing",
            "ends with a bit of advice",
            "trails off with an ellipsis",
            "uses dry humour",
            "exclaims often",
            "speaks of themself in the third person",
            "numbers every point",
            "brings food into everything",
            "understates everything",
            "repeats the last word for emphasis",
            r"swears by \S.*",
            "hedges every claim",
            "starts with a sigh",
            "laughs at their own jokes",
            "drops in words from their trade",
        )
    )
)
CARD_KEYS = set(PersonaCard.model_fields) - {"persona_id", "source"}
CONTRACTION = re.compile(r"\w['’](?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
ASSISTANT = re.compile(
    r"\b(?:as an ai|certainly|furthermore|moreover|in conclusion|i would be happy to|feel free to|"
    r"please note)\b",
    re.IGNORECASE,
)
EQUATION = re.compile(r"((?<![\w.)])[\d.(][\d.\s×/+\-()]*[\d)]) = (\d+(?:\.\d+)?)(?![\w(])")

CODE_EXAMPLES: list[tuple[str, tuple[Any, ...], object]] = [
    ("is_palindrome", ("Never odd or even",), True),
    ("is_palindrome", ("odd",), False),
    ("word_counts", ("The cat the dog",), {"the": 2, "cat": 1, "dog": 1}),
    ("fizzbuzz", (5,), ["1", "2", "Fizz", "4", "Buzz"]),
    ("celsius_to_fahrenheit", (100,), 212.0),
    ("second_largest", ([3, 9, 9, 4],), 4),
    ("second_largest", ([5, 5],), None),
    ("flatten", ([[1, 2], [], [3]],), [1, 2, 3]),
    ("gcd", (48, 36), 12),
    ("chunks", ([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]),
    ("count_vowels", ("Umbrella",), 3),
    ("first_repeat", ([2, 5, 1, 5, 2],), 5),
    ("mean", ([2, 4, 9],), 5),
    ("caesar", ("Hello, z!", 1), "Ifmmp, a!"),
    ("longest_word", ("a quick brown fox",), "quick"),
]


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


CARDS = read_rows(CHARACTERS)
QUESTIONS = read_rows(GENERATORS / "questions.jsonl")
TURNS = read_rows(GENERATORS / "chat.jsonl")
ANSWERS = read_rows(GENERATORS / "sft.jsonl")


def of_shape(shape: str) -> list[dict[str, Any]]:
    """Return the SFT rows of one shape."""
    return [row for row in ANSWERS if row["shape"] == shape]


def words(text: str) -> int:
    """Return the number of words of a text."""
    return len(text.split())


def repeated(values: list[str]) -> list[str]:
    """Return the values that occur more than once."""
    return [value for value, count in Counter(values).items() if count > 1]


def share(texts: list[str], holds: Callable[[str], object]) -> float:
    """Return the share of texts for which `holds` is true."""
    return sum(bool(holds(text)) for text in texts) / len(texts)


class TestCharacters:
    """The cards that a demo run starts from."""

    def test_there_are_enough_of_every_kind(self) -> None:
        """A demo can draw sixty cards, and no kind is a token few."""
        kinds = Counter(card["kind"] for card in CARDS)
        assert len(CARDS) >= 60
        assert kinds["historical"] >= 30
        assert kinds["virtual"] >= 25
        assert kinds["screen"] >= 15

    @pytest.mark.parametrize("card", CARDS, ids=[card["name"] for card in CARDS])
    def test_every_card_is_complete_and_valid(self, card: dict[str, Any]) -> None:
        """A row is exactly the content of a valid card, with every list of a useful length."""
        valid = PersonaCard.model_validate(card)
        assert valid.content() == card
        assert set(card) == CARD_KEYS
        style = card["dialogue_style"]
        assert 3 <= len(card["traits"]) <= 6
        assert 1 <= len(style["catchphrases"]) <= 3
        assert 1 <= len(style["quirks"]) <= 3
        assert 2 <= len(card["example_lines"]) <= 4
        assert card["basic_info"]["relationships"]
        assert all(card["basic_info"][key] for key in ("gender", "occupation", "place", "era"))
        assert 2 <= len(re.findall(r"[.!?…](?=\s|$)", card["background"])) <= 4

    @pytest.mark.parametrize("card", CARDS, ids=[card["name"] for card in CARDS])
    def test_every_card_survives_being_rendered_and_read_back(self, card: dict[str, Any]) -> None:
        """No bundled text holds what the labelled form uses as punctuation."""
        valid = PersonaCard.model_validate(card)
        assert parse_card(render_card(valid)).persona_id == valid.persona_id

    def test_quirks_come_from_the_shared_vocabulary(self) -> None:
        """The offline model acts out only these habits, so a card may name no other."""
        quirks = [quirk for card in CARDS for quirk in card["dialogue_style"]["quirks"]]
        assert [quirk for quirk in quirks if not QUIRKS.fullmatch(quirk)] == []

    def test_names_ids_and_lines_are_unique(self) -> None:
        """No two cards share a name, an id, an example line or a catchphrase."""
        assert repeated([card["name"] for card in CARDS]) == []
        assert repeated([PersonaCard.model_validate(card).persona_id for card in CARDS]) == []
        assert repeated([line for card in CARDS for line in card["example_lines"]]) == []
        assert repeated([phrase for card in CARDS for phrase in card["dialogue_style"]["catchphrases"]]) == []

    def test_example_lines_do_not_start_alike(self) -> None:
        """No opening of two words serves more than three lines, and none of one word a tenth of them."""
        lines = [line for card in CARDS for line in card["example_lines"]]
        pairs = Counter(" ".join(line.split()[:2]) for line in lines)
        firsts = Counter(line.split()[0] for line in lines)
        assert max(pairs.values()) <= 3
        assert max(firsts.values()) <= len(lines) / 10

    def test_catchphrases_are_short_interjections(self) -> None:
        """A catchphrase fits into any reply: at most five words and no full stop of its own."""
        phrases = [phrase for card in CARDS for phrase in card["dialogue_style"]["catchphrases"]]
        assert [phrase for phrase in phrases if words(phrase) > 5 or phrase[-1] in ".!?"] == []

    def test_registers_and_genders_are_spread(self) -> None:
        """Every register has a sixth of the cards or more, and half of the historical cards are women."""
        registers = Counter(card["dialogue_style"]["register"] for card in CARDS)
        historical = [card for card in CARDS if card["kind"] == "historical"]
        women = sum(card["basic_info"]["gender"] == "woman" for card in historical)
        assert set(registers) == {"archaic", "formal", "neutral", "casual"}
        assert min(registers.values()) >= len(CARDS) / 6
        assert 0.45 <= women / len(historical) <= 0.55

    def test_sentence_length_fits_the_example_lines(self) -> None:
        """Cards that say "long" show longer sentences than cards that say "short"."""
        lengths: dict[str, list[int]] = {"short": [], "medium": [], "long": []}
        for card in CARDS:
            for line in card["example_lines"]:
                sentences = [part for part in re.split(r"(?<=[.!?…])\s+", line) if part]
                lengths[card["dialogue_style"]["sentence_length"]] += [words(part) for part in sentences]
        means = {name: statistics.mean(values) for name, values in lengths.items()}
        assert means["short"] < 10 < means["medium"] < 18 < means["long"]


class TestQuestions:
    """The seed questions."""

    def test_there_are_enough_and_they_are_balanced(self) -> None:
        """At least a hundred questions, each kind with 40 to 60 percent of them."""
        kinds = Counter(row["kind"] for row in QUESTIONS)
        assert len(QUESTIONS) >= 100
        assert set(kinds) == {"iq", "eq"}
        assert all(0.4 <= count / len(QUESTIONS) <= 0.6 for count in kinds.values())

    def test_every_row_has_a_slug_and_one_word_topic(self) -> None:
        """Ids are readable slugs, topics single words, and the columns are the same in every row."""
        for row in QUESTIONS:
            assert list(row) == ["question_id", "kind", "topic", "question"]
            assert re.fullmatch(r"q(?:-[a-z0-9]+)+", row["question_id"])
            assert re.fullmatch(r"[a-z]+", row["topic"])

    def test_ids_and_questions_are_unique(self) -> None:
        """No id and no question occurs twice."""
        assert repeated([row["question_id"] for row in QUESTIONS]) == []
        assert repeated([row["question"].lower() for row in QUESTIONS]) == []

    def test_a_good_part_can_be_checked_by_computing(self) -> None:
        """At least 25 questions are sums or conversions, and each states a number."""
        sums = [row["question"] for row in QUESTIONS if row["topic"] in {"arithmetic", "units"}]
        assert len(sums) >= 25
        number = r"\d+|\b(?:two|three|four|five|seven|eleven|twelve|half|twice|one|quarters?)\b"
        assert [text for text in sums if not re.search(number, text, re.IGNORECASE)] == []

    def test_questions_do_not_all_start_alike(self) -> None:
        """No first word opens more than a fifth of the questions."""
        firsts = Counter(row["question"].split()[0] for row in QUESTIONS)
        assert max(firsts.values()) <= len(QUESTIONS) / 5


class TestChat:
    """The casual chat turns that style pairs are made of."""

    texts: ClassVar[list[str]] = [row["text"] for row in TURNS]

    def test_there_are_enough_turns_and_conversations(self) -> None:
        """At least 300 turns in at least 100 conversations."""
        assert len(TURNS) >= 300
        assert len({row["conv"] for row in TURNS}) >= 100

    def test_turns_are_numbered_and_speakers_alternate(self) -> None:
        """Each conversation counts its turns from 0, and a and b take turns."""
        by_conversation: dict[str, list[dict[str, Any]]] = {}
        for row in TURNS:
            assert list(row) == ["conv", "turn", "speaker", "text"]
            by_conversation.setdefault(row["conv"], []).append(row)
        for rows in by_conversation.values():
            assert [row["turn"] for row in rows] == list(range(len(rows)))
            assert [row["speaker"] for row in rows] == ["ab"[turn % 2] for turn in range(len(rows))]
            assert len(rows) >= 3

    def test_no_turn_occurs_twice(self) -> None:
        """Every turn is its own, whatever its case."""
        assert repeated([text.lower() for text in self.texts]) == []

    def test_turns_have_the_length_of_chat(self) -> None:
        """Turns are short (8 to 14 words on average, none above 40), and most have at least five words."""
        lengths = [words(text) for text in self.texts]
        assert 8 <= statistics.mean(lengths) <= 14
        assert max(lengths) <= 40
        assert share(self.texts, lambda text: 5 <= words(text) <= 30) >= 0.75

    def test_turns_look_typed_by_people(self) -> None:
        """Many start small, lack an end mark or hold a contraction; some hold slang or emoji."""
        slang = re.compile(
            r"\b(?:lol|haha\w*|gonna|kinda|tbh|ngl|idk|omg|u|thx|btw|cos|sooo|nah|yep|ugh)\b", re.IGNORECASE
        )
        assert 0.5 <= share(self.texts, lambda text: text[0].islower()) <= 0.9
        assert 0.4 <= share(self.texts, CONTRACTION.search) <= 0.8
        assert share(self.texts, lambda text: text[-1] not in ".!?…") >= 0.5
        assert share(self.texts, slang.search) >= 0.1
        assert 0.01 <= share(self.texts, lambda text: any(ord(char) > 0x2600 for char in text)) <= 0.15
        assert 0.15 <= share(self.texts, lambda text: "?" in text) <= 0.5

    def test_no_turn_sounds_like_an_assistant(self) -> None:
        """No phrase of assistant prose, no list and no heading stands in a turn."""
        assert [text for text in self.texts if ASSISTANT.search(text)] == []
        assert [text for text in self.texts if re.match(r"\s*(?:[-*#]|\d+[.)]) ", text) or "\n" in text] == []

    def test_turns_do_not_start_alike(self) -> None:
        """No opening of two words serves more than one turn in fifty."""
        pairs = Counter(" ".join(text.lower().split()[:2]) for text in self.texts)
        assert max(pairs.values()) <= len(self.texts) / 50


class TestAnswers:
    """The question and answer pairs that contrastive pairs are made of."""

    def test_there_are_enough_of_every_shape(self) -> None:
        """Ninety pairs or more, of four shapes."""
        shapes = Counter(row["shape"] for row in ANSWERS)
        assert len(ANSWERS) >= 90
        assert set(shapes) == {"number", "choice", "fact", "code"}
        assert shapes["number"] >= 30
        assert shapes["fact"] >= 30
        assert shapes["choice"] >= 15
        assert shapes["code"] >= 10

    def test_no_question_occurs_twice_or_among_the_seed_questions(self) -> None:
        """Questions are unique, here and across both files, so no pair leaks into the other stage."""
        asked = [row["question"].lower() for row in ANSWERS]
        assert repeated(asked) == []
        assert set(asked) & {row["question"].lower() for row in QUESTIONS} == set()

    @pytest.mark.parametrize("row", of_shape("number"), ids=lambda row: row["question"][:40])
    def test_a_number_answer_ends_in_its_result_and_its_sums_are_right(self, row: dict[str, Any]) -> None:
        """The last line is "#### number", that number stands in the working, and every equation holds."""
        working, _, last = row["answer"].rpartition("\n")
        assert re.fullmatch(r"#### -?\d+(?:\.\d+)?", last)
        assert re.search(rf"(?<![\d.]){re.escape(last[5:])}(?!\d)", working)
        for left, right in EQUATION.findall(working):
            assert calculate(left) == pytest.approx(float(right)), left

    def test_most_number_answers_show_equations_that_can_be_checked(self) -> None:
        """The check above does not pass by finding nothing: two equations per answer on average."""
        found = sum(len(EQUATION.findall(row["answer"])) for row in of_shape("number"))
        assert found >= 2 * len(of_shape("number")) - 5

    @pytest.mark.parametrize("row", of_shape("choice"), ids=lambda row: row["question"][:40])
    def test_a_choice_answer_ends_in_one_of_its_options(self, row: dict[str, Any]) -> None:
        """The last line is "Answer: letter", and the letter is one of A to D in the question."""
        options = re.findall(r"^([A-Z])\) \S", row["question"], re.MULTILINE)
        last = row["answer"].splitlines()[-1]
        assert options == list("ABCD")
        assert re.fullmatch(r"Answer: [A-Z]", last)
        assert last[-1] in options

    def test_the_right_letter_is_spread_over_the_options(self) -> None:
        """No letter is right in more than 40 percent of the choices."""
        letters = Counter(row["answer"][-1] for row in of_shape("choice"))
        assert set(letters) == set("ABCD")
        assert max(letters.values()) <= 0.4 * len(of_shape("choice"))

    @pytest.mark.parametrize("row", of_shape("fact"), ids=lambda row: row["question"][:40])
    def test_a_fact_answer_is_one_to_four_plain_sentences(self, row: dict[str, Any]) -> None:
        """No markers of the other shapes, no lists, at most four sentences."""
        assert 1 <= len(re.findall(r"[.!?](?=\s|$)", row["answer"])) <= 4
        assert not re.search(r"####|Answer:|```|\n", row["answer"])

    @pytest.mark.parametrize("row", of_shape("code"), ids=lambda row: row["question"][:40])
    def test_a_code_answer_is_one_function_that_compiles(self, row: dict[str, Any]) -> None:
        """There is one python block, it compiles, defines the function asked for, and a sentence follows."""
        blocks = re.findall(r"```python\n(.*?)\n```", row["answer"], re.DOTALL)
        assert len(blocks) == 1
        names = [node.name for node in ast.parse(blocks[0]).body if isinstance(node, ast.FunctionDef)]
        assert re.findall(r"`(\w+)\(", row["question"])[:1] == names
        assert re.search(r"```\n\S.*\.$", row["answer"])

    @pytest.mark.parametrize(
        ("name", "arguments", "expected"),
        CODE_EXAMPLES,
    )
    def test_the_code_does_what_its_question_asks(
        self, name: str, arguments: tuple[Any, ...], expected: object
    ) -> None:
        """Each bundled function gives the expected result for an example."""
        assert bundled_function(name)(*arguments) == expected

    def test_every_code_answer_is_run_by_an_example(self) -> None:
        """A code row that is added later must bring an example for the test above."""
        tried = {case[0] for case in CODE_EXAMPLES}
        asked = {re.findall(r"`(\w+)\(", row["question"])[0] for row in of_shape("code")}
        assert tried == asked


class TestFixtures:
    """The small files under tests/data that other tests read."""

    @pytest.mark.parametrize(
        ("file", "delimiter", "rows"),
        [("characters.csv", ",", 8), ("characters.tsv", "\t", 4), ("chat.csv", ",", 20)],
    )
    def test_tables_are_well_formed(self, file: str, delimiter: str, rows: int) -> None:
        """Every row has as many cells as the header."""
        with (DATA / file).open(encoding="utf-8", newline="") as lines:
            header, *body = csv.reader(lines, delimiter=delimiter)
        assert len(body) == rows
        assert {len(row) for row in body} == {len(header)}

    def test_json_fixtures_are_well_formed(self) -> None:
        """The good JSON files parse and hold the rows that tests count on."""
        assert len(read_rows(DATA / "characters.jsonl")) == 6
        assert len(json.loads((DATA / "characters.json").read_text(encoding="utf-8"))) == 4
        pairs = read_rows(DATA / "sft.jsonl")
        assert [set(row) for row in pairs] == [{"prompt", "completion"}] * 10

    def test_bad_fixtures_are_bad_as_described(self) -> None:
        """bad.csv: a short row, a nameless row, a worded age. bad.jsonl: a cut line, a bare string."""
        with (DATA / "bad.csv").open(encoding="utf-8", newline="") as lines:
            _, *body = csv.reader(lines)
        assert [len(row) < 5 for row in body] == [False, True, False, False, False]
        assert [row[0] == "" for row in body] == [False, False, True, False, False]
        assert [len(row) == 5 and not row[3].isdigit() for row in body] == [False, False, False, True, False]
        cut, bare = (DATA / "bad.jsonl").read_text(encoding="utf-8").splitlines()[1:3]
        assert isinstance(json.loads(bare), str)
        with pytest.raises(json.JSONDecodeError):
            json.loads(cut)


def calculate(expression: str) -> float:
    """Return the value of an expression of numbers, brackets and + - × /, computed without `eval`."""
    return _value(ast.parse(expression.replace("×", "*").strip(), mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    assert isinstance(node, ast.BinOp), ast.dump(node)
    left, right = _value(node.left), _value(node.right)
    if isinstance(node.op, ast.Add):
        return left + right
    if isinstance(node.op, ast.Sub):
        return left - right
    return left * right if isinstance(node.op, ast.Mult) else left / right


def bundled_function(name: str) -> Callable[..., object]:
    """Return the function of that name from the code answers, compiled."""
    for row in of_shape("code"):
        code = row["answer"].split("```python\n")[1].split("\n```")[0]
        if f"def {name}(" in code:
            namespace: dict[str, Any] = {}
            exec(compile(code, name, "exec"), namespace)  # noqa: S102 (our own bundled code is what is tested)
            function: Callable[..., object] = namespace[name]
            return function
    raise LookupError(f"no bundled code answer defines {name}")
