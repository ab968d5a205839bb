"""Plays and logs as narration, name and dialogue: gold segments by layout, and what holds for any text at all."""

from __future__ import annotations

import json
from importlib import resources
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.loss_mask import IGNORED, labels_from_spans
from castwright.generators.passages import cut_passages
from castwright.generators.script import Segment, count_turns, normalise, parse_script, span_mask
from castwright.generators.segment_script import segment_row

ROLES = {"N": "narration", "C": "name", "D": "dialogue"}
SCENES: list[dict[str, str]] = [
    json.loads(line)
    for line in (resources.files("castwright.generators") / "bundled" / "scripts.jsonl")
    .read_text(encoding="utf-8")
    .splitlines()
]

LAYOUTS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "capitals with a colon": (
        "ANNA: Hello.\nBOB: Hi.",
        [("C", "ANNA:"), ("D", " Hello.\n"), ("C", "BOB:"), ("D", " Hi.\n")],
    ),
    "capitals with a stop, the speech on the next line": (
        "HAMLET.\nTo be,\nor not to be.\n\nGHOST. Mark me: now.",
        [("C", "HAMLET.\n"), ("D", "To be,\nor not to be.\n\n"), ("C", "GHOST."), ("D", " Mark me: now.\n")],
    ),
    "a colon name alone on its line, before an empty one": (
        "ANNA:\n\nHello there.\n\nShe goes.",
        [("C", "ANNA:\n\n"), ("D", "Hello there.\n\n"), ("N", "She goes.\n")],
    ),
    "a name in small letters that stands twice": (
        "Anna: Yes?\nBob Lee: No.\nAnna: Oh.\nBob Lee: So.",
        [
            *[("C", "Anna:"), ("D", " Yes?\n"), ("C", "Bob Lee:"), ("D", " No.\n")],
            *[("C", "Anna:"), ("D", " Oh.\n"), ("C", "Bob Lee:"), ("D", " So.\n")],
        ],
    ),
    "a name in small letters that stands once is narration": (
        "ANNA: Hello.\nCharlie: once.\nmore of it\nANNA: Bye.",
        [("C", "ANNA:"), ("D", " Hello.\n"), ("N", "Charlie: once.\nmore of it\n"), ("C", "ANNA:"), ("D", " Bye.\n")],
    ),
    "small names with a stop, each at the start of a paragraph": (
        "Anna. Good day.\n\nPaul. Rain again.\n\nAnna. Yes.\n\nPaul. No doubt.",
        [
            *[("C", "Anna."), ("D", " Good day.\n\n"), ("C", "Paul."), ("D", " Rain again.\n\n")],
            *[("C", "Anna."), ("D", " Yes.\n\n"), ("C", "Paul."), ("D", " No doubt.\n")],
        ],
    ),
    "directions in a label, in a line, and on a line of their own": (
        "ANNA (softly): Sit. (She sits.) Now\n[A bell.]\nlisten.\n\n[Exit]",
        [
            *[("C", "ANNA"), ("N", " (softly):"), ("D", " Sit."), ("N", " (She sits.)"), ("D", " Now\n")],
            *[("N", "[A bell.]\n"), ("D", "listen.\n\n"), ("N", "[Exit]\n")],
        ],
    ),
    "a direction over two lines, with one in it": (
        "ANNA: No. (She goes\nout [left] again.) Yes.",
        [("C", "ANNA:"), ("D", " No."), ("N", " (She goes\nout [left] again.)"), ("D", " Yes.\n")],
    ),
    "a direction before the first word of a stop label": (
        "KING. (rising) who is there?\nQUEEN. [Aside.] My lord.",
        [
            *[("C", "KING."), ("N", " (rising)"), ("D", " who is there?\n")],
            *[("C", "QUEEN."), ("N", " [Aside.]"), ("D", " My lord.\n")],
        ],
    ),
    "brackets that are no direction": (
        "ANNA: Call (555) 12 about f(x) [1] :( ok :)",
        [("C", "ANNA:"), ("D", " Call (555) 12 about f(x) [1] :( ok :)\n")],
    ),
    "a speech of nothing but a direction": (
        "ANNA: (nods).\nBOB: Well?",
        [("C", "ANNA:"), ("N", " (nods).\n"), ("C", "BOB:"), ("D", " Well?\n")],
    ),
    "headings and prose": (
        "ACT I\nSCENE: A hill.\n\nThe clock strikes: nine.\n\nANNA: Up!\nEnter BOB.\nBOB: Down!\nINT. A CAVE - DAY",
        [
            *[("N", "ACT I\n"), ("N", "SCENE: A hill.\n\n"), ("N", "The clock strikes: nine.\n\n")],
            *[("C", "ANNA:"), ("D", " Up!\n"), ("N", "Enter BOB.\n"), ("C", "BOB:"), ("D", " Down!\n")],
            ("N", "INT. A CAVE - DAY\n"),
        ],
    ),
    "notes, times and addresses": (
        "Note: bring rope.\nNote: and tea.\n12:30 we left\nhttps://a.example\nhttps://b.example\n\nANNA: At 12:30: go.",
        [
            ("N", "Note: bring rope.\nNote: and tea.\n12:30 we left\nhttps://a.example\nhttps://b.example\n\n"),
            *[("C", "ANNA:"), ("D", " At 12:30: go.\n")],
        ],
    ),
    "a note after a speech": (
        "ANNA: Go.\nNOTE: she means it.",
        [("C", "ANNA:"), ("D", " Go.\n"), ("N", "NOTE: she means it.\n")],
    ),
    "a log with times": (
        "[12:30] kit: hi\n[12:31] ash_2: hm\n12:32 kit: ok\n[12:33] ash_2: (waves)",
        [
            *[("N", "[12:30] "), ("C", "kit:"), ("D", " hi\n"), ("N", "[12:31] "), ("C", "ash_2:"), ("D", " hm\n")],
            *[("N", "12:32 "), ("C", "kit:"), ("D", " ok\n"), ("N", "[12:33] "), ("C", "ash_2:"), ("N", " (waves)\n")],
        ],
    ),
    "Markdown around names": (
        "**MAYA:** Hi.\n*DAN*: No.",
        [("C", "**MAYA:**"), ("D", " Hi.\n"), ("C", "*DAN*:"), ("D", " No.\n")],
    ),
    "the narrator narrates": (
        "NARRATOR: It rained\nfor days.\nDR. LEE: Sit.",
        [("N", "NARRATOR: It rained\nfor days.\n"), ("C", "DR. LEE:"), ("D", " Sit.\n")],
    ),
    "Chinese with wide colons": (
        "甲：你好\n乙：再见\n甲：好\n乙：嗯",
        [
            *[("C", "甲："), ("D", "你好\n"), ("C", "乙："), ("D", "再见\n")],
            *[("C", "甲："), ("D", "好\n"), ("C", "乙："), ("D", "嗯\n")],
        ],
    ),
    "a novel's sentences are nobody's": (
        "He said: go.\nHe said: stay.\nOutside: rain.\nOutside: rain.",
        [("N", "He said: go.\nHe said: stay.\nOutside: rain.\nOutside: rain.\n")],
    ),
    "capitals with a stop inside a colon script": (
        "ANNA: I told them\nSTOP. And they did.\nBOB: Hm.",
        [("C", "ANNA:"), ("D", " I told them\nSTOP. And they did.\n"), ("C", "BOB:"), ("D", " Hm.\n")],
    ),
    "Windows line ends, tabs and a byte order mark": (
        "\ufeff\tANNA:\tHello.\r\n\r\n\r\n\r\nBOB: Hi.\r\n",
        [("C", "ANNA:"), ("D", " Hello.\n\n"), ("C", "BOB:"), ("D", " Hi.\n")],
    ),
    "nothing": (" \n\t\n", []),
}


@pytest.mark.parametrize(("text", "gold"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_layout_reads_as_its_gold_segments(text: str, gold: list[tuple[str, str]]) -> None:
    """Roles and texts of every segment, to the blank; the loss falls on dialogue alone."""
    script = parse_script(text)
    assert [(segment.role, segment.text) for segment in script.segments] == [(ROLES[role], part) for role, part in gold]
    assert [segment.train for segment in script.segments] == [role == "D" for role, _ in gold]
    assert script.text == normalise(text)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["script_id"])
def test_a_bundled_scene_parses_in_full(scene: dict[str, str]) -> None:
    """Every scene has its speakers, no capitals or brackets in what is trained on, and is not changed."""
    script = parse_script(scene["text"])
    assert 2 <= len(script.cast) <= 4
    assert 12 <= script.turns <= 30
    assert script.text == scene["text"] + "\n"
    spoken = [segment.text for segment in script.segments if segment.train]
    assert not [text for text in spoken if any(sign in text for sign in "()[]")]
    labels = {key[:-1].upper() for key in script.cast}
    assert not [text for text in spoken for label in labels if text.lstrip().startswith((f"{label}:", f"{label}."))]


def test_there_are_bundled_scenes_enough() -> None:
    """At least twelve, each with an id of its own."""
    assert len({scene["script_id"] for scene in SCENES}) == len(SCENES) >= 12


PIECES = st.sampled_from(
    [
        *[
            "ANNA",
            "Bob",
            "Dr. Lee",
            "甲",
            "kit",
            ": ",
            ":",
            "：",
            ". ",
            "\n",
            "\n\n",
            "(",
            ")",
            "[",
            "]",
            " hi there",
            "x",
        ],
        *[
            "(a)",
            "Enter ANNA",
            "ACT I",
            "12:30",
            "[12:30] ",
            "**",
            "_",
            " ",
            "Note: ",
            "NARRATOR: ",
            "ANNA.\n",
            "Bob:\n",
        ],
        *["\t", "\r\n", "\x0b", "\u2028", "\ud800", "\x00", "²: ", "\u200b", "Ω"],
    ]
)
WILD = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=40).map("".join),
    st.lists(st.sampled_from([*LAYOUTS["a log with times"][0].split("\n"), "", "ANNA: (a) b", "prose"])).map("\n".join),
)


@settings(max_examples=300, deadline=None)
@given(WILD)
def test_any_text_reads_without_losing_a_character(text: str) -> None:
    """Segments joined are the normalised text, none is empty, and normalising twice changes nothing."""
    script = parse_script(text)
    assert script.text == normalise(text) == normalise(script.text)
    assert all(segment.text for segment in script.segments)


@settings(max_examples=300, deadline=None)
@given(WILD)
def test_spans_are_the_dialogues_and_never_a_name(text: str) -> None:
    """Spans rise, lie inside the text, and hold the dialogues; names and narration lie outside."""
    script = parse_script(text)
    spans = span_mask(script.segments)
    dialogues = [segment.text for segment in script.segments if segment.role == "dialogue"]
    assert [script.text[start:end] for start, end in spans] == dialogues
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    trained = {place for start, end in spans for place in range(start, end)}
    place = 0
    for segment in script.segments:
        if segment.role != "dialogue":
            assert trained.isdisjoint(range(place, place + len(segment.text)))
        place += len(segment.text)


def trimmed(segments: tuple[Segment, ...]) -> list[tuple[str, str]]:
    """Return (role, text) of segments as they stand alone: without empty lines at the end."""
    text = normalise("".join(segment.text for segment in segments))
    parts: list[tuple[str, str]] = []
    for segment in segments:
        parts.append((segment.role, text[: len(segment.text)]))
        text = text[len(segment.text) :]
    return [part for part in parts if part[1]]


@settings(max_examples=300, deadline=None)
@given(WILD, st.integers(min_value=1, max_value=12))
def test_passages_hold_every_segment_once_and_read_alone_as_in_the_script(text: str, max_words: int) -> None:
    """A passage parsed by itself with the script's cast gives the same segments."""
    script = parse_script(text)
    passages = cut_passages(script.segments, max_words)
    assert tuple(segment for passage in passages for segment in passage) == script.segments
    for passage in passages:
        alone = parse_script("".join(segment.text for segment in passage), script.cast)
        assert [(segment.role, segment.text) for segment in alone.segments] == trimmed(passage)


def test_passages_keep_to_the_bound_and_end_evenly() -> None:
    """Speeches of five words, 23 of them: passages of at most forty words, the last two alike."""
    script = parse_script("\n".join(f"{name}: one two three four" for name in ["ANNA", "BOB"] * 11 + ["ANNA"]))
    sizes = {
        bound: [len("".join(part.text for part in passage).split()) for passage in cut_passages(script.segments, bound)]
        for bound in (40, 50)
    }
    assert sizes == {40: [40, 40, 35], 50: [50, 30, 35]}


def test_a_speech_longer_than_a_passage_stays_whole() -> None:
    """A border is never made inside a speech."""
    script = parse_script("ANNA: " + "word " * 50 + "\nBOB: Yes.\nANNA: No.")
    counts = [count_turns(passage) for passage in cut_passages(script.segments, 20)]
    assert counts == [1, 2]


def test_turns_are_speeches_and_not_segments() -> None:
    """A direction in the middle does not make two turns of a speech, and a silent name makes none."""
    assert parse_script("ANNA: One. (a pause) Two.\nBOB: (nods)").turns == 1


@pytest.mark.parametrize("sign", ["(", "[", "((((a", "ANNA: (", "A" * 40 + " ", "* "], ids=repr)
def test_hostile_repetition_takes_no_time_to_speak_of(sign: str) -> None:
    """A line of a hundred thousand openings is read in one pass."""
    text = sign * (100_000 // len(sign))
    assert parse_script(text).text == normalise(text)


def test_a_row_is_segmented_by_the_cast_it_brings() -> None:
    """A name that stands once in a passage is a speaker because the script knows it; a drop stays dropped."""
    row = {"text": "Anna: Yes.\nBob: No.", "cast": '["anna:", "bob:"]', "verdict": "keep", "filter": "", "reason": ""}
    told = segment_row(row, 2)
    assert (told["turns"], told["verdict"]) == (2, "keep")
    without = segment_row({**row, "cast": ""}, 2)
    assert (without["verdict"], without["filter"]) == ("drop", "min_turns")
    assert without["reason"] == "0 turns of dialogue, fewer than 2"
    dropped = segment_row({**row, "verdict": "drop", "filter": "x", "reason": "y"}, 2)
    assert (dropped["filter"], dropped["reason"]) == ("x", "y")


def trained_tokenizer(kind: str) -> Any:
    """Return a byte-level BPE tokenizer trained on the scenes, cutting words as GPT-2 or as Llama 3 and Qwen do."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    llama = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    tokenizer.pre_tokenizer = {
        "GPT-2": pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False),
        "Llama 3": pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(llama + r"|\s+(?!\S)|\s+"), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
            ]
        ),
    }[kind]
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([scene["text"] for scene in SCENES], trainer)
    return tokenizer


@pytest.mark.parametrize("kind", ["GPT-2", "Llama 3"])
def test_labels_decode_to_exactly_the_dialogues(kind: str) -> None:
    """Runs of labels, decoded, are the dialogues to the character: no token had to be cut or left out."""
    tokenizer = trained_tokenizer(kind)
    for scene in SCENES:
        script = parse_script(scene["text"])
        tokens = tokenizer.encode(script.text)
        labels = labels_from_spans(tokens.offsets, tokens.ids, span_mask(script.segments))
        assert len(labels) == len(tokens.ids)
        runs: list[list[int]] = [[]]
        for label in labels:
            if label == IGNORED and runs[-1]:
                runs.append([])
            elif label != IGNORED:
                runs[-1].append(label)
        decoded = [tokenizer.decode(run) for run in runs if run]
        assert decoded == [segment.text for segment in script.segments if segment.train]


def test_a_token_that_reaches_out_of_a_span_has_no_loss() -> None:
    """Labels keep to whole tokens inside; special tokens with offsets (0, 0) have none."""
    offsets = [(0, 0), (0, 3), (3, 5), (5, 8), (7, 9), (9, 9), (9, 12)]
    labels = labels_from_spans(offsets, [1, 2, 3, 4, 5, 6, 7], [(3, 8), (9, 12)])
    assert labels == [IGNORED, IGNORED, 3, 4, IGNORED, IGNORED, 7]


def test_offsets_and_ids_of_different_length_are_refused() -> None:
    """A mask that would shift by one is an error, not a shorter list."""
    with pytest.raises(ValueError, match="zip"):
        labels_from_spans([(0, 1)], [1, 2], [(0, 1)])
