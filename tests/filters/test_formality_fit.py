"""A classifier of two piles: fitted, calibrated, measured on what it never saw, saved without a trace of the texts."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from castwright.errors import ModelError, SourceError
from castwright.filters.formality_fit import area_under_curve, fit_formality, quality
from castwright.filters.formality_model import SHIPPED, FormalityModel, load_formality, shipped_formality

pytest.importorskip("sklearn")

_THINGS = ("boat", "garden", "letter", "window", "river", "market", "teacher", "bridge", "kettle", "lantern")
_FORMAL = ("I do not {v} the {t}.", "It is advisable to {v} the {t}.", "We shall {v} one {t} and another {u}.")
_CASUAL = ("i don't {v} the {t} lol", "yeah gonna {v} the {t}", "we're gonna {v} a {t} and some {u}!!")
_VERBS = ("see", "sell", "need", "paint", "move", "keep", "find", "draw")


def piles(count: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Return formal and casual sentences of the same contents."""
    rng = random.Random(seed)
    fills = [{"v": rng.choice(_VERBS), "t": rng.choice(_THINGS), "u": rng.choice(_THINGS)} for _ in range(count)]
    drawn = [(rng.choice(_FORMAL), rng.choice(_CASUAL)) for _ in fills]
    made = [(f.format(**fill), c.format(**fill)) for (f, c), fill in zip(drawn, fills, strict=True)]
    return [formal for formal, _ in made], [casual for _, casual in made]


@pytest.fixture(scope="module")
def fitted() -> FormalityModel:
    """A small classifier of the made-up piles."""
    return fit_formality(*piles(600), bits=14)


def test_two_piles_are_told_apart(fitted: FormalityModel) -> None:
    """New sentences of the two kinds fall on their sides, and the report says so of held-out ones."""
    formal, casual = piles(50, seed=9)
    assert np.all(fitted.scores(formal) > 0.8)
    assert np.all(fitted.scores(casual) < 0.2)
    assert fitted.report["quality"]["accuracy"] == 1.0
    assert fitted.report["quality"]["auc"] == 1.0
    assert sum(fitted.report["texts"].values()) == 1200


def test_the_content_is_not_learned(fitted: FormalityModel) -> None:
    """Words that both piles share weigh little beside the words that part them."""
    assert abs(fitted.scores(["the boat"])[0] - fitted.scores(["the kettle"])[0]) < 0.4
    assert fitted.scores(["boat lol"])[0] < fitted.scores(["kettle"])[0]


def test_piles_without_a_difference_give_scores_near_the_middle() -> None:
    """Calibration admits that nothing was found: a confident classifier would be wrong half the time."""
    texts = piles(1200)[0]
    rng = random.Random(1)
    rng.shuffle(texts)
    model = fit_formality(texts[:600], texts[600:], bits=14)
    assert np.mean(np.abs(model.scores(texts) - 0.5)) < 0.12
    assert model.report["quality"]["calibration_error"] < 0.15


def test_the_same_seed_gives_the_same_model(fitted: FormalityModel, tmp_path: Path) -> None:
    """Byte for byte; another seed holds out other texts."""
    again = fit_formality(*piles(600), bits=14)
    for name, model in (("one", fitted), ("two", again)):
        model.save(tmp_path / f"{name}.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert (tmp_path / "one.json").read_text() == (tmp_path / "two.json").read_text()
    assert fit_formality(*piles(600), bits=14, seed=1).report != fitted.report


def test_a_saved_model_scores_as_before(fitted: FormalityModel, tmp_path: Path) -> None:
    """Weights are rounded before they are measured, so nothing changes on the way to the disk and back."""
    fitted.save(tmp_path / "model.npz")
    loaded = load_formality(tmp_path / "model.npz")
    texts = [*piles(20, seed=3)[0], *piles(20, seed=3)[1], "", "???", "где"]
    assert loaded.scores(texts).tolist() == fitted.scores(texts).tolist()
    assert loaded.report == fitted.report


def test_groups_stay_together() -> None:
    """Texts of one group are on one side: with two groups held-out data is missing, and the message says where."""
    formal, casual = piles(100)
    groups = (["a"] * 100, ["a"] * 100)
    with pytest.raises(SourceError, match="has no text in the"):
        fit_formality(formal, casual, groups=groups)
    with pytest.raises(SourceError, match="100 texts and 1 groups"):
        fit_formality(formal, casual, groups=(["a"], ["a"]))


def test_too_few_texts_are_refused() -> None:
    """The message counts what can be read."""
    formal, casual = piles(100)
    with pytest.raises(SourceError, match="the formal pile has 3 readable texts of 53"):
        fit_formality([*formal[:3], *["где"] * 50], casual)
    with pytest.raises(SourceError, match=r"held_out=0\.6"):
        fit_formality(formal, casual, held_out=0.6)


def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    """A missing file, another file and another version each give one line."""
    with pytest.raises(ModelError, match="No such file"):
        load_formality(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no model")
    with pytest.raises(ModelError, match="fit it again"):
        load_formality(tmp_path / "text.npz")
    with (tmp_path / "old.npz").open("wb") as file:
        np.savez_compressed(file, version=np.array(0))
    with pytest.raises(ModelError, match="version 0"):
        load_formality(tmp_path / "old.npz")


def test_the_shipped_model_is_small_and_states_its_quality() -> None:
    """At most 1.5 MB; the report beside it names the command, the data's digests and what was measured."""
    report = json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))
    assert SHIPPED.stat().st_size < 1_500_000
    assert report["quality"]["auc"] > 0.85
    assert report["quality"]["calibration_error"] < 0.03
    assert set(report["versions"]) == {"numpy", "scikit-learn"}
    assert all(len(digest) == 64 for digest in report["sha256"].values())
    unseen = [row for row in report["compared"] if row["name"] != "held-out"]
    joined = {row["name"]: row for row in unseen if row["scorer"] == "both"}
    assert len(joined) == 3
    for row in unseen:  # why the two are joined: together they part unseen texts better than each alone
        assert joined[row["name"]]["auc"] >= row["auc"]
    assert shipped_formality().bits == 18


def test_the_shipped_model_is_calibrated_at_every_length() -> None:
    """Short texts lie nearer to the middle than long ones, and at each length scores mean what they say."""
    by_length = json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))["by_length"]
    assert by_length[0]["name"] == "1 to 3 words"
    assert by_length[0]["mean_distance"] < by_length[3]["mean_distance"] < by_length[4]["mean_distance"]
    assert all(row["calibration_error"] < 0.08 for row in by_length)


def test_the_area_under_the_curve_counts_ties_half() -> None:
    """Of 2 x 3 pairs four are right, one is tied, one is wrong."""
    assert area_under_curve(np.array([0.9, 0.5]), np.array([0.1, 0.5, 0.7])) == pytest.approx(4.5 / 6)


def test_quality_is_known_for_known_scores() -> None:
    """A score of 0.8 for texts of which four in five are formal is calibrated, whatever its accuracy."""
    told = quality("known", np.full(8, 0.8), np.array([0.8, 0.2]))
    assert (told.formal, told.casual, told.accuracy) == (8, 2, 0.75)
    assert told.auc == 0.75
    sure = quality("sure", np.ones(4), np.zeros(4))
    assert (sure.accuracy, sure.auc, sure.calibration_error, sure.mean_distance) == (1.0, 1.0, 0.0, 0.5)
    assert quality("empty", np.ones(2), np.zeros(0)).auc is None
