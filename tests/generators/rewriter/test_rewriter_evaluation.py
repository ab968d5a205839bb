"""What is measured of a rewriter: known answers for texts whose scores are known."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from castwright.errors import SourceError
from castwright.generators.rewriter.evaluation import evaluate_transfer, fluency_limit
from castwright.generators.rewriter.evaluation_overlap import distinct_share, eight_gram_overlap
from castwright.generators.rewriter.evaluation_people import told_from_people
from castwright.generators.rewriter.evaluation_survival import names_of, survival

FORMALITY = {"yeah": 0.1, "it's ok": 0.4, "garble garble": 0.2, "It is fine.": 0.9, "": 0.5}
NATS = {"yeah": 1.0, "it's ok": 2.0, "garble garble": 9.0, "It is fine.": 1.0, "": 0.0}
ANGLES = {"source": 0.0, "yeah": 0.0, "it's ok": math.pi / 3, "garble garble": 0.0, "It is fine.": 0.0, "": math.pi}


def formality(texts: Sequence[str]) -> list[float]:
    """Return known formalities."""
    return [FORMALITY[text] for text in texts]


def nats(texts: Sequence[str]) -> list[float]:
    """Return known nats per token."""
    return [NATS[text] for text in texts]


def encode(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return unit vectors at known angles to the source."""
    return np.array([[math.cos(ANGLES[text]), math.sin(ANGLES[text])] for text in texts], dtype=np.float32)


def test_the_joint_score_is_the_mean_of_products() -> None:
    """Right and alike gives its cosine; formal, disfluent or empty gives 0."""
    outputs = ["yeah", "it's ok", "garble garble", "It is fine.", ""]
    told = evaluate_transfer(
        ["source"] * 5, outputs, formality=formality, encode=encode, nats_per_token=nats, most_nats=3.0
    )
    assert [text.joint for text in told.texts] == [1.0, 0.5, 0.0, 0.0, 0.0]
    assert told.joint == pytest.approx(1.5 / 5)
    assert told.style_accuracy == pytest.approx(3 / 5)
    assert told.similarity == pytest.approx(3.5 / 5)
    assert told.fluency == pytest.approx(3 / 5)
    assert told.perplexity == pytest.approx(math.exp((1 + 2 + 9 + 1) / 4))


def test_the_joint_score_is_no_product_of_means() -> None:
    """Half right in style and the other half fluent: every mean is 0.5, and J is 0."""
    told = evaluate_transfer(
        ["source"] * 2,
        ["garble garble", "It is fine."],
        formality=formality,
        encode=encode,
        nats_per_token=nats,
        most_nats=3.0,
    )
    assert (told.style_accuracy, told.fluency, told.joint) == (0.5, 0.5, 0.0)


def test_the_other_direction_wants_the_other_style() -> None:
    """Casual to formal counts formal outputs."""
    told = evaluate_transfer(
        ["source"] * 2,
        ["yeah", "It is fine."],
        formality=formality,
        encode=encode,
        nats_per_token=nats,
        most_nats=3.0,
        direction="casual to formal",
    )
    assert [text.styled for text in told.texts] == [False, True]
    assert told.direction == "casual to formal"


def test_outputs_must_match_sources() -> None:
    """One for each, and at least one."""
    for sources, outputs in ((["source"], []), ([], []), (["source", "source"], ["yeah"])):
        with pytest.raises(SourceError, match="give one output for each"):
            evaluate_transfer(sources, outputs, formality=formality, encode=encode, nats_per_token=nats, most_nats=3.0)


def test_people_set_the_limit_of_fluency() -> None:
    """Of a hundred texts of people 95 are fluent."""
    people = [float(value) for value in range(100)]
    assert sum(value <= fluency_limit(people) for value in people) in (95, 96)
    assert fluency_limit(people, 1.0) == 99.0
    with pytest.raises(SourceError, match="0 texts of people"):
        fluency_limit([])


WORDS = ("boat", "garden", "letter", "window", "river", "market", "teacher", "bridge", "kettle", "lantern", "orchard")


def sentences(count: int, seed: int) -> list[str]:
    """Return sentences of random words."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=6)) for _ in range(count)]


def test_the_same_kind_of_text_cannot_be_told_apart() -> None:
    """People against people: an area near 0.5."""
    pytest.importorskip("sklearn")
    told = told_from_people(sentences(300, 1), sentences(300, 2))
    assert abs(told.auc - 0.5) < 0.08
    assert len(told.by_fold) == 5


def test_a_tic_is_found() -> None:
    """A word that every output has gives it away; half of the outputs gives half of it."""
    pytest.importorskip("sklearn")
    people = sentences(200, 3)
    tic = [f"{text} indeed" for text in people]
    assert told_from_people(tic, people).auc == 1.0
    half = [text if place % 2 else tic[place] for place, text in enumerate(people)]
    assert 0.6 < told_from_people(half, people).auc < 0.9


def test_a_copy_of_people_is_never_told_apart() -> None:
    """Outputs that are the people's own texts share their folds: nothing is learned by heart."""
    pytest.importorskip("sklearn")
    people = sentences(100, 4)
    assert told_from_people(people, people).auc == pytest.approx(0.5)


def test_the_same_seed_gives_the_same_folds() -> None:
    """And another seed others."""
    pytest.importorskip("sklearn")
    outputs, people = sentences(100, 5), sentences(120, 6)
    assert told_from_people(outputs, people, seed=1) == told_from_people(outputs, people, seed=1)
    assert told_from_people(outputs, people, seed=1) != told_from_people(outputs, people, seed=2)


def test_too_little_to_tell_is_refused() -> None:
    """Few texts, unequal groups, and a fold of one side only."""
    pytest.importorskip("sklearn")
    some = sentences(30, 7)
    with pytest.raises(SourceError, match="at least 20"):
        told_from_people(some[:3], some)
    with pytest.raises(SourceError, match="1 and 30 groups"):
        told_from_people(some, some, groups=(["a"], some))
    with pytest.raises(SourceError, match="one side only"):
        told_from_people(some, some, groups=(["a"] * 30, ["b"] * 30), folds=2)


EIGHT = "the old man of the sea went home"


def test_a_run_of_eight_words_is_found_in_training_texts() -> None:
    """Whatever its case and marks; seven words are none."""
    told = eight_gram_overlap(
        [f"Well, {EIGHT.title()}!", "the old man of the sea went away"], ["nothing here", f"say {EIGHT}, then"]
    )
    assert (told.runs, told.copied_runs, told.texts, told.copied_texts) == (3, 1, 2, 1)
    assert told.share_of_runs == pytest.approx(1 / 3)
    assert told.share_of_texts == 0.5


def test_what_the_source_has_is_no_copy() -> None:
    """The rewriter was given these words."""
    assert eight_gram_overlap([EIGHT], [EIGHT], [f"{EIGHT} again"]).runs == 0
    assert eight_gram_overlap([EIGHT], [EIGHT], ["something else"]).copied_runs == 1
    with pytest.raises(SourceError, match="one source for each"):
        eight_gram_overlap([EIGHT], [], [])


def test_distinct_runs_are_a_share() -> None:
    """ "a b a b a" has four pairs, two of them distinct."""
    assert distinct_share(["a b a b a"]) == 0.5
    assert distinct_share(["a", ""]) == 0.0


def test_numbers_and_names_are_counted_one_by_one() -> None:
    """A thousands comma may go and a small number be spelled; a garbled number and a lost name are lost."""
    told = survival(
        ["We met Anna and Tom on 3 May with 2,102,650 people.", "It cost 40 dollars and 40 cents."],
        ["we met anna on three may with 2102650 people", "it cost 40 dollars and 4 cents"],
    )
    assert (told.numbers, told.numbers_kept) == (4, 3)
    assert (told.names, told.names_kept) == (3, 2)
    assert told.number_share == 0.75
    assert told.name_share == pytest.approx(2 / 3)


def test_nothing_to_lose_is_all_kept() -> None:
    """Without numbers and names both shares are 1."""
    told = survival(["Yes, of course."], [""])
    assert (told.number_share, told.name_share) == (1.0, 1.0)
    with pytest.raises(SourceError, match="one output for each"):
        survival(["a"], [])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Paris is large. London too", []),
        ("I think I'll see Ann's boat", ["ann"]),
        ("THE WHOLE TEXT IS LOUD", []),
        ('He said: "Tell Bob!" and left for New York.', ["bob", "new", "york"]),
        ("- First, ask NASA", ["nasa"]),
    ],
    ids=["sentence starts", "the person I", "shouting", "a quotation", "an acronym"],
)
def test_names_are_capitals_inside_sentences(text: str, names: list[str]) -> None:
    """A capital that a sentence's start explains is no name."""
    assert names_of(text) == names
