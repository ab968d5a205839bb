"""Duplicates of persona cards over a stored index: the verdicts of the filters, grown, moved and read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from castwright.errors import RecipeError, SourceError
from castwright.filters import card_duplicates, duplicates
from castwright.filters.card_duplicates import CardRule, CardVerdicts, resettle_cards, settle_cards
from castwright.filters.card_index import load_cards, run_name
from castwright.filters.normalised import normalise
from castwright.filters.run import FilterSpec, apply_filters
from castwright.filters.verdict import row_names

RESULT = ["verdict", "filter", "reason", "score"]
WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in ("ra", "lo", "mi", "tu", "ne", "sk")]


class Bag:
    """A static encoder: the sum of a text's words, each a fixed point of its own."""

    def __init__(self, digest: str = "bag" * 8) -> None:
        self.digest = digest
        self.points: dict[str, np.ndarray] = {}

    def point(self, word: str) -> np.ndarray:
        """Return the point of a word."""
        if word not in self.points:
            seed = int.from_bytes(hashlib.blake2b(f"{self.digest}{word}".encode(), digest_size=8).digest(), "big")
            self.points[word] = np.random.default_rng(seed).normal(size=48)
        return self.points[word]

    def encode_normalised(self, texts: pl.Series) -> np.ndarray:
        """Return unit vectors."""
        made = np.array([np.sum([self.point(word) for word in text.split()], axis=0) for text in texts.to_list()])
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


class Model:
    """An embedder that hears the order of words too, and counts what it is asked; `static` is the bag of its words."""

    def __init__(self, digest: str = "bag" * 8) -> None:
        self.digest = f"model of {digest}"
        self.bag = Bag(digest)
        self.asked = 0

    def static(self) -> Bag:
        """Return the static form."""
        return self.bag

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors."""
        self.asked += len(texts)
        keys = normalise(pl.Series("text", list(texts), dtype=pl.String)).to_list()
        both = [" ".join([key, *map("".join, zip(key.split(), key.split()[1:], strict=False))]) for key in keys]
        return self.bag.encode_normalised(pl.Series(both))


class Plain:
    """An embedder without a static form and without a digest."""

    def __init__(self, digest: str = "bag" * 8) -> None:
        self.model = Model(digest)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return unit vectors."""
        return self.model.encode(texts)


def population(rows: int, seed: int, prefix: str = "r") -> pl.DataFrame:
    """Return cards: unlike ones, copies in identity or in profile, nearly copies, empty ones and dropped ones."""
    random = np.random.default_rng(seed)
    identities: list[str] = []
    profiles: list[str] = []
    for row in range(rows):
        words = random.choice(WORDS, 24).tolist()
        identity = f"Person {prefix}{seed} {row} | sailor | {words[0]} | 1900"
        way = random.random()
        if row and way < 0.1:
            identity = identities[int(random.integers(row))].upper() + "!"
        elif row and way < 0.4:
            words = profiles[int(random.integers(row))].split() or words
            for _ in range(int(random.integers(0, 4))):
                words[int(random.integers(len(words)))] = str(random.choice(WORDS))
        elif way < 0.43:
            words = []
        identities.append(identity)
        profiles.append(" ".join(words))
    dropped = random.random(rows) < 0.05
    return pl.DataFrame(
        {
            "row_id": [f"{prefix}-{row}" for row in range(rows)],
            "persona_id": [f"p-{prefix}{row}" for row in range(rows)],
            "name": [identity.split(" | ")[0] for identity in identities],
            "kind": random.choice(["historical", "original"], rows).tolist(),
            "identity": identities,
            "profile": profiles,
            "verdict": np.where(dropped, "drop", "keep").tolist(),
            "filter": np.where(dropped, "living_person", "").tolist(),
            "reason": np.where(dropped, "named in a list", "").tolist(),
            "score": pl.Series([None] * rows, dtype=pl.Float64),
        }
    )


def cards_of(profiles: Sequence[str], prefix: str = "r", **columns: Sequence[str]) -> pl.DataFrame:
    """Return cards with these profiles, and other columns where they are given."""
    count = range(len(profiles))
    given: dict[str, Sequence[str]] = {
        "row_id": [f"{prefix}-{row}" for row in count],
        "persona_id": [f"p-{prefix}{row}" for row in count],
        "name": [f"Name {prefix} {row}" for row in count],
        "kind": ["original" for _ in count],
        "identity": [f"Name {prefix} {row} | x | y | z" for row in count],
        "profile": profiles,
        "verdict": ["keep" for _ in count],
        "filter": ["" for _ in count],
        "reason": ["" for _ in count],
    }
    frame = pl.DataFrame(given | columns, schema=dict.fromkeys(given, pl.String))
    return frame.with_columns(pl.lit(None, pl.Float64).alias("score"))


def by_filters(cards: pl.DataFrame, embedder: object, threshold: float) -> pl.DataFrame:
    """Return the verdicts of the two filters, one after the other."""
    specs = [
        FilterSpec(name="exact_duplicates", options={"columns": ["identity"]}),
        FilterSpec(name="near_duplicates", options={"columns": ["profile"], "threshold": threshold, "override": True}),
    ]
    return apply_filters(cards, specs, embedder=embedder).select("row_id", *RESULT)  # type: ignore[arg-type]


def settled(cards: pl.DataFrame, folder: Path, threshold: float = 0.95, **options: object) -> CardVerdicts:
    """Return the verdicts of a threshold that no corpus of a test is large enough to be held against."""
    rule = CardRule(threshold, override=True, **options)  # type: ignore[arg-type]
    return settle_cards(cards, rule=rule, embedder=Model(), folder=folder)


@pytest.fixture
def always_cascade(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the smallest sets through the static form."""
    monkeypatch.setattr(duplicates, "WHOLE_UP_TO", 1)
    monkeypatch.setattr(card_duplicates, "WHOLE_UP_TO", 1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("embedder", [Model, Plain], ids=["with a static form", "without one"])
def test_small_sets_get_the_verdicts_of_the_filters(tmp_path: Path, seed: int, embedder: type) -> None:
    """Row by row, with reasons and scores."""
    cards = population(250, seed)
    rule = CardRule(0.93 + 0.01 * (seed % 3))
    told = settle_cards(cards, rule=rule, embedder=embedder(), folder=tmp_path)
    expected = by_filters(cards, embedder(), rule.threshold)
    assert told.table.select("row_id", *RESULT).equals(expected)
    assert {"", "exact_duplicates", "near_duplicates", "living_person"} == set(expected["filter"])
    assert told.details["method"] == "embeddings"


@pytest.mark.usefixtures("always_cascade")
@pytest.mark.parametrize("seed", range(6))
def test_sets_for_the_static_form_get_the_verdicts_of_the_filters(tmp_path: Path, seed: int) -> None:
    """With the same pairs confirmed."""
    cards, mine, theirs = population(250, seed), Model(), Model()
    rule = CardRule(0.93 + 0.01 * (seed % 3), override=True)
    told = settle_cards(cards, rule=rule, embedder=mine, folder=tmp_path)
    assert told.table.select("row_id", *RESULT).equals(by_filters(cards, theirs, rule.threshold))
    assert told.details["method"] == "static"
    assert mine.asked == theirs.asked == 2 * told.details["confirmed_pairs"] > 0


def test_a_large_set_gets_the_verdicts_of_the_filters(tmp_path: Path) -> None:
    """Above WHOLE_UP_TO, as it is."""
    cards = population(2600, 9)
    told = settled(cards, tmp_path, 0.94)
    assert told.table.select("row_id", *RESULT).equals(by_filters(cards, Model(), 0.94))
    assert told.details["method"] == "static"
    assert told.details["rows"] == told.details["near_drops"] + (told.table["verdict"] == "keep").sum()


@pytest.mark.usefixtures("always_cascade")
@pytest.mark.parametrize(
    ("threshold", "floors"), [(0.48, (0.46, 0.475)), (0.4, None)], ids=["pairs from a raised floor", "no pairs at all"]
)
def test_crowded_sets_get_the_verdicts_of_the_filters(
    tmp_path: Path, threshold: float, floors: tuple[float, float] | None
) -> None:
    """Where nearly everything is near the floor rises, or the cards are settled in blocks and no pairs are stored."""
    random = np.random.default_rng(3)
    cards = cards_of([" ".join(random.choice(WORDS[:30], 12)) for _ in range(700)])
    told = settled(cards, tmp_path, threshold)
    assert told.table.select("row_id", *RESULT).equals(by_filters(cards, Model(), threshold))
    if floors is not None:
        assert floors[0] <= told.details["floor"] <= floors[1]
        return
    assert told.details["floor"] is None
    assert told.details["split_groups"]["margin"] is None
    with pytest.raises(RecipeError, match=r"holds no pairs, for there were too many; run the stage again"):
        resettle_cards(cards, rule=CardRule(0.9, override=True), folder=tmp_path)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["embeddings", "static", "in blocks"])
def test_extending_gives_what_one_run_over_both_gives(
    tmp_path: Path, seed: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old cards stand before new ones: the new get the verdicts that they get behind the old in one set."""
    if way != "embeddings":
        monkeypatch.setattr(duplicates, "WHOLE_UP_TO", 1)
        monkeypatch.setattr(card_duplicates, "WHOLE_UP_TO", 1)
    if way == "in blocks":
        monkeypatch.setattr(card_duplicates, "listed_floor", lambda *_: None)
    cards = population(300, seed)
    whole = settled(cards, tmp_path / "whole")
    first = settled(cards[:140], tmp_path / "one")
    second = settled(cards[140:220], tmp_path / "two", extends=tmp_path / "one")
    third = settled(cards[220:], tmp_path / "three", extends=tmp_path / "two")
    grown = pl.concat([first.table, second.table, third.table])
    same = ["row_id", "verdict", "filter", "score"]
    assert grown.select(same).equals(whole.table.select(same))
    assert named(grown).equals(named(whole.table))
    assert third.details["earlier_rows"] == whole.details["rows"] - third.details["rows"]


def named(table: pl.DataFrame) -> pl.Series:
    """Return the row that each reason names: clusters are numbered by what was there at the time."""
    return table["reason"].str.extract(r"(r-\d+)")


def test_what_an_extension_takes_over_is_linked_and_left_alone(tmp_path: Path) -> None:
    """The old folder is as it was, and its files stand in the new one without a copy."""
    cards = population(200, 1)
    settled(cards[:150], tmp_path / "one")
    before = {path: path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()}
    settled(cards[150:], tmp_path / "two", extends=tmp_path / "one")
    assert {path: path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()} == before
    for name in ("part-00000/vectors.npy", "part-00000/texts.parquet", "basis.npy", "cards-00000.parquet"):
        assert (tmp_path / "one" / name).stat().st_ino == (tmp_path / "two" / name).stat().st_ino
    resettle_cards(cards[150:], rule=CardRule(0.96), folder=tmp_path / "two")
    assert {path: path.read_bytes() for path in (tmp_path / "one").rglob("*") if path.is_file()} == before


def test_files_are_copied_where_they_cannot_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another file system."""

    def refused(_self: Path, _target: Path) -> None:
        raise OSError("cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    cards = population(200, 1)
    settled(cards[:150], tmp_path / "one")
    settled(cards[150:], tmp_path / "two", extends=tmp_path / "one")
    name = "part-00000/vectors.npy"
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert len(load_cards(tmp_path / "two").index.parts) == 2


def test_a_large_set_extends_a_small_one(tmp_path: Path) -> None:
    """The small set's texts are encoded anew by the static form, what was decided there stands, and it is found."""
    small, large = population(300, 4, "s"), population(2300, 5)
    copies = small.filter(pl.col("verdict") == "keep")
    told = settled(small, tmp_path / "one")
    kept = told.table.filter(pl.col("verdict") == "keep")["row_id"].to_list()
    profile = copies.filter(pl.col("row_id").is_in(kept) & (pl.col("profile") != ""))["profile"][0]
    identity = small.filter(pl.col("row_id") == kept[3])["identity"][0]
    new = large.with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(profile)).otherwise("profile").alias("profile"),
        pl.when(pl.int_range(pl.len()) == 1).then(pl.lit(identity)).otherwise("identity").alias("identity"),
        pl.when(pl.int_range(pl.len()) < 2).then(pl.lit("keep")).otherwise("verdict").alias("verdict"),
    )
    model = Model()
    rule = CardRule(0.95, override=True, extends=tmp_path / "one")
    grown = settle_cards(new, rule=rule, embedder=model, folder=tmp_path / "two")
    assert grown.details["method"] == "static"
    assert grown.table["filter"][:2].to_list() == ["near_duplicates", "exact_duplicates"]
    assert grown.table["reason"][0].startswith("near s-")
    assert grown.table["reason"][1] == f"same text as {kept[3]}"
    settled_then = load_cards(tmp_path / "one").settled
    assert load_cards(tmp_path / "two").settled[: len(settled_then)].equals(settled_then)
    more = settled(population(50, 6, "t"), tmp_path / "three", extends=tmp_path / "two")
    assert more.details["method"] == "static"


@pytest.mark.parametrize("way", ["embeddings", "static", "in blocks"])
def test_other_runs_are_compared_with_and_not_taken_in(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A near profile names the run, one near a card that was dropped there stays, and the index does not grow."""
    if way != "embeddings":
        monkeypatch.setattr(card_duplicates, "WHOLE_UP_TO", 1)
    if way == "in blocks":
        monkeypatch.setattr(card_duplicates, "listed_floor", lambda *_: None)
    random = np.random.default_rng(0)
    a, b, c, d = (" ".join(random.choice(WORDS, 40)) for _ in range(4))
    nearly = " ".join([*a.split()[1:], "bara"])
    further = " ".join([*nearly.split()[2:], "sk", "lo"])
    other = tmp_path / "runs" / "older" / "persona_cards" / "duplicates"
    settled(cards_of([b, a, nearly], "o"), other, 0.95)
    new = cards_of([a, d, further, c], identity=["i0", "i1", "i2", "i3"])
    told = settled(new, tmp_path / "own", 0.95, against=(other,))
    assert told.details["against"] == ["older"]
    first = "near o-1 in older (cluster 1, cosine 1.000)"
    assert told.table["reason"].to_list() == [first, "", "", ""]
    assert load_cards(tmp_path / "own").index.last_start == 0
    assert told.table["split_group"].to_list() == ["p-o1", "p-r1", "p-r2", "p-r3"]
    if way != "in blocks":
        again = resettle_cards(new, rule=CardRule(0.96, override=True, against=(other,)), folder=tmp_path / "own")
        assert again.table["reason"].to_list()[0] == first


def test_an_identity_of_another_run_is_named_with_it(tmp_path: Path) -> None:
    """An earlier one's own comes first."""
    settled(cards_of(["bara lo", "kira mi"], "o"), tmp_path / "a" / "cards" / "duplicates")
    settled(cards_of(["dura ne"], "p"), tmp_path / "mine")
    new = cards_of(
        ["sumi kera", "dolo mine", "fara nesk"], identity=["kept", "name p 0 | x | y | z!", "NAME o 1 | x | y | z"]
    )
    options = {"extends": tmp_path / "mine", "against": (tmp_path / "a" / "cards" / "duplicates",)}
    told = settled(new, tmp_path / "own", **options)
    assert told.table["reason"].to_list() == ["", "same text as p-0", "same text as o-1 in a"]
    assert told.table["split_group"].to_list() == ["p-r0", "p-p0", "p-o1"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["embeddings", "static"])
@pytest.mark.parametrize("threshold", [0.94, 0.96, 0.99])
def test_a_threshold_moved_afterwards_gives_what_it_gives_at_once(
    tmp_path: Path, seed: int, way: str, threshold: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an embedder, but for pairs whose confirmation was never asked: those are counted."""
    if way == "static":
        monkeypatch.setattr(card_duplicates, "WHOLE_UP_TO", 1)
    cards = population(300, seed)
    settled(cards[:100], tmp_path / "old", 0.95)
    settled(cards[100:], tmp_path / "one", 0.95, extends=tmp_path / "old")
    at_once = settled(cards[100:], tmp_path / "two", threshold, extends=tmp_path / "old")
    moved = resettle_cards(cards[100:], rule=CardRule(threshold, override=True), folder=tmp_path / "one")
    different = (moved.table["verdict"] != at_once.table["verdict"]).sum()
    if moved.details["unconfirmed_pairs"] == 0:
        assert moved.table.equals(at_once.table)
        assert moved.details["split_groups"] == at_once.details["split_groups"]
    else:
        assert way == "static"
        assert different <= 2 * moved.details["unconfirmed_pairs"]
    back = resettle_cards(moved_rows(cards[100:], moved), rule=CardRule(0.95, override=True), folder=tmp_path / "one")
    original = settled(cards[100:], tmp_path / "three", 0.95, extends=tmp_path / "old")
    assert back.table.equals(original.table)
    assert load_cards(tmp_path / "one").settled.equals(load_cards(tmp_path / "three").settled)


def moved_rows(cards: pl.DataFrame, told: CardVerdicts) -> pl.DataFrame:
    """Return cards with the verdicts that a run stored."""
    return cards.drop(RESULT).with_columns(told.table.select(RESULT).get_columns())


def test_a_threshold_below_the_stored_pairs_is_refused(tmp_path: Path) -> None:
    """The message has both floors and the remedy; other cards are refused too."""
    cards = population(60, 0)
    settled(cards, tmp_path, 0.95)
    with pytest.raises(RecipeError, match=r"threshold=0\.91 needs pairs .* from 0\.91 on, .* pairs from 0\.92 on; run"):
        resettle_cards(cards, rule=CardRule(0.91), folder=tmp_path)
    with pytest.raises(RecipeError, match=r"the index is not of these cards"):
        resettle_cards(cards[1:], rule=CardRule(0.96), folder=tmp_path)
    with pytest.raises(RecipeError, match=r"the index is not of these cards"):
        resettle_cards(pl.concat([cards, cards_of(["new"], "n")]), rule=CardRule(0.96), folder=tmp_path)
    with pytest.raises(SourceError, match=r"no index of duplicates here"):
        resettle_cards(cards, rule=CardRule(0.96), folder=tmp_path / "nowhere")


@pytest.mark.usefixtures("always_cascade")
def test_a_threshold_inside_the_corpus_is_refused_until_it_is_overridden(tmp_path: Path) -> None:
    """When it is set first, when it is moved, and when the corpus is extended."""
    random = np.random.default_rng(1)
    cards = cards_of([" ".join(random.choice(WORDS[:60], 60)) for _ in range(400)])
    inside, outside = CardRule(0.75), CardRule(0.97)
    with pytest.raises(RecipeError, match=r"threshold=0\.75 lies inside what unlike rows reach"):
        settle_cards(cards, rule=inside, embedder=Model(), folder=tmp_path / "one")
    told = settle_cards(cards, rule=outside, embedder=Model(), folder=tmp_path / "one")
    assert 0.75 < told.details["nearest_other"]["0.995"] < 0.97
    settle_cards(cards, rule=CardRule(0.75, override=True), embedder=Model(), folder=tmp_path / "two")
    more = cards_of(["bara lo"], "n")
    extended = CardRule(0.75, extends=tmp_path / "one")
    with pytest.raises(RecipeError, match=r"threshold=0\.75 lies inside"):
        settle_cards(more, rule=extended, embedder=Model(), folder=tmp_path / "three")
    with pytest.raises(RecipeError, match=r"lies inside|holds no pairs"):
        resettle_cards(cards, rule=inside, folder=tmp_path / "two")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (Model("a"), Model("b"), "made with the embedding model model of a, and this run has model of b"),
        (Plain("a"), Plain("b"), "the embedding model Plain, and this run has Plain .the same name, but other vectors"),
        (Model("a"), Plain("a"), "the embedding model model of a, and this run has Plain"),
    ],
    ids=["by digest", "by the vectors of its texts", "by class"],
)
def test_another_embedding_model_is_refused(tmp_path: Path, first: Model, second: Model, message: str) -> None:
    """The message has both and the remedy."""
    settle_cards(population(40, 0), rule=CardRule(0.95), embedder=first, folder=tmp_path / "one")
    for rule in (CardRule(0.95, extends=tmp_path / "one"), CardRule(0.95, against=(tmp_path / "one",))):
        with pytest.raises(RecipeError, match=f"{message}.*; set embeddings to that model, or make that run anew"):
            settle_cards(population(40, 1), rule=rule, embedder=second, folder=tmp_path / "two")


@pytest.mark.usefixtures("always_cascade")
def test_another_static_form_is_refused(tmp_path: Path) -> None:
    """A large set's vectors are of a model's static form."""
    rule = CardRule(0.95, override=True)
    settle_cards(population(40, 0), rule=rule, embedder=Model("a"), folder=tmp_path / "one")
    rule = CardRule(0.95, extends=tmp_path / "one")
    for other, name in ((Model("b"), "b"), (Plain("a"), "Plain")):
        with pytest.raises(RecipeError, match=f"embedding model a, and this run has {name};"):
            settle_cards(population(40, 1), rule=rule, embedder=other, folder=tmp_path / "two")


@pytest.mark.parametrize("way", ["embeddings", "static"])
def test_two_runs_write_the_same_bytes(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On one thread and on three."""
    if way == "static":
        monkeypatch.setattr(card_duplicates, "WHOLE_UP_TO", 1)
    cards = population(5200 if way == "static" else 300, 2)
    files: list[dict[str, bytes]] = []
    tables = []
    for threads in (1, 3):
        monkeypatch.setattr("castwright.filters.neighbours.cores", lambda count=threads: count)
        folder = tmp_path / str(threads)
        settled(cards[:-200], folder / "one")
        tables.append(settled(cards[-200:], folder / "two", extends=folder / "one"))
        found = [path for path in folder.rglob("*") if path.is_file()]
        files.append({str(path.relative_to(folder)): path.read_bytes() for path in found})
    assert files[0] == files[1]
    assert tables[0].table.equals(tables[1].table)
    assert json.loads(json.dumps(tables[0].details)) == tables[0].details == tables[1].details


@pytest.mark.parametrize(
    ("folder", "name"),
    [("runs/old/persona_cards/duplicates", "old"), ("archive/cards", "cards")],
    ids=["a run's folder", "any other"],
)
def test_a_run_is_called_after_its_folder(folder: str, name: str) -> None:
    """And an index that stands elsewhere after its own."""
    assert run_name(Path(folder)) == name


def test_dropped_cards_stay_as_they_came_and_are_in_no_index(tmp_path: Path) -> None:
    """They neither drop others nor are dropped anew; their group is their own id."""
    cards = cards_of(["bara lo mi", "bara lo mi", "kira ne tu"], verdict=["drop", "keep", "keep"])
    cards = cards.with_columns(
        pl.Series("filter", ["minors", "", ""]),
        pl.Series("reason", ["is 12", "", ""]),
        pl.Series("score", [0.5, None, None], dtype=pl.Float64),
    )
    told = settled(cards, tmp_path)
    assert told.table.row(0) == ("r-0", "drop", "minors", "is 12", 0.5, "p-r0")
    assert told.table["verdict"].to_list() == ["drop", "keep", "keep"]
    assert row_names(pl.DataFrame({"row_id": load_cards(tmp_path).index.parts[0].rows["row_id"]})) == ["r-1", "r-2"]


@pytest.mark.parametrize("cards", [cards_of([]), cards_of(["a"], verdict=["drop"]), cards_of([""])])
def test_nothing_to_compare_is_no_error(tmp_path: Path, cards: pl.DataFrame) -> None:
    """No cards, none that is left, and one without a text; they can be extended."""
    told = settled(cards, tmp_path / "one")
    assert told.table.height == cards.height
    more = settled(population(30, 0), tmp_path / "two", extends=tmp_path / "one")
    alone = settled(population(30, 0), tmp_path / "three")
    assert more.table.drop("split_group").equals(alone.table.drop("split_group"))


def test_the_details_of_a_run_add_up(tmp_path: Path) -> None:
    """Rows, drops and clusters."""
    told = settled(population(300, 7), tmp_path)
    counts = told.table["filter"].value_counts().to_dict(as_series=False)
    by_filter = dict(zip(counts["filter"], counts["count"], strict=True))
    details = told.details
    assert details["exact_drops"] == by_filter["exact_duplicates"]
    assert details["near_drops"] == by_filter["near_duplicates"]
    assert details["rows"] == 300 - by_filter["exact_duplicates"] - by_filter["living_person"]
    assert sum(details["cluster_sizes"].values()) == details["clusters"] > 0
    assert details["split_groups"]["groups"] <= by_filter[""]
    assert set(details["nearest_other"]) >= {"0.5", "0.995"}


@pytest.mark.parametrize("threshold", [0.0, 1.01])
def test_a_threshold_that_no_cosine_has_is_refused(threshold: float) -> None:
    """Before anything is read."""
    with pytest.raises(RecipeError, match="threshold="):
        CardRule(threshold)
