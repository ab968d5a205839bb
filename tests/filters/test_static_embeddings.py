"""Static embeddings: the distillation, its cache, and the word table against sums token by token."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.errors import ModelError
from castwright.filters import distillation, static_embeddings
from castwright.filters.distillation import TokenTable, kept_table, principal_components, token_table, tokenizer_json
from castwright.filters.embeddings import Distillable, load_embedder
from castwright.filters.normalised import normalise, normalised
from castwright.filters.static_embeddings import StaticEmbedder, bag_sums

WORDS = ("bread", "bakes", "river", "##s", "##ing", "old", "sail", "a", "b", "c")


def word_tokenizer() -> Any:
    """Return a small WordPiece tokenizer of the words above."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import Whitespace

    numbers = {"[UNK]": 0, **{word: number + 1 for number, word in enumerate(WORDS)}}
    tokenizer = Tokenizer(WordPiece(numbers, unk_token="[UNK]"))  # noqa: S106 (a token of words)
    tokenizer.pre_tokenizer = Whitespace()
    return tokenizer


@pytest.fixture(scope="module")
def small() -> TokenTable:
    """Return a table with random vectors; the unknown token's is zero."""
    vectors = np.random.default_rng(0).normal(size=(len(WORDS) + 1, 8)).astype(np.float32)
    vectors[0] = 0
    return TokenTable(vectors, word_tokenizer().to_str(), "small")


class FakeModel(list[Any]):
    """As much of a SentenceTransformer as the distillation touches: one module over token ids."""

    def __init__(self, scale: float = 1.0) -> None:
        import torch

        self.scale = scale
        self.asked = 0
        self.device = torch.device("cpu")
        self.tokenizer = SimpleNamespace(
            backend_tokenizer=word_tokenizer(), all_special_ids=[0], model_input_names=["input_ids"]
        )
        super().__init__([self._module])

    def _module(self, features: dict[str, Any]) -> dict[str, Any]:
        import torch

        self.asked += 1
        ids = features["input_ids"].float()
        waves = [torch.sin(ids * (n + 1) * self.scale) for n in range(6)]
        return {"sentence_embedding": torch.stack(waves, dim=-1).mean(dim=1)}

    def state_dict(self) -> dict[str, Any]:
        """Return the weights: the scale."""
        import torch

        return {"scale": torch.tensor([self.scale])}

    def eval(self) -> None:
        """Do nothing: there is no dropout here."""


def test_a_model_is_distilled_once_and_then_read(tmp_path: Path) -> None:
    """The second call asks the model nothing and gives the same table to the bit."""
    model = FakeModel()
    first = token_table(model, tmp_path)
    asked = model.asked
    second = token_table(model, tmp_path)
    assert asked > 0
    assert model.asked == asked
    assert np.array_equal(first.vectors, second.vectors)
    assert (first.tokenizer, first.digest) == (second.tokenizer, second.digest)
    assert [path.name for path in tmp_path.iterdir()] == [f"{first.digest}.npz"]


def test_another_models_table_is_another_file(tmp_path: Path) -> None:
    """The key is the model's content, so changed weights are distilled anew."""
    one, two = token_table(FakeModel(1.0), tmp_path), token_table(FakeModel(1.1), tmp_path)
    assert one.digest != two.digest
    assert not np.array_equal(one.vectors, two.vectors)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half a file"], ids=["empty", "cut off"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    """A file that cannot be read costs a distillation and no error."""
    first = token_table(FakeModel(), tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    again = token_table(FakeModel(), tmp_path)
    assert np.array_equal(first.vectors, again.vectors)
    assert np.load(path)["vectors"].shape == first.vectors.shape


def test_the_files_of_a_model_lead_to_its_table_without_the_model(tmp_path: Path) -> None:
    """A folder distilled once is known by its files from then on, until one of them changes or is renamed."""
    source, cache = tmp_path / "model", tmp_path / "cache"
    (source / "1_Pooling").mkdir(parents=True)
    (source / "weights").write_bytes(b"1.0")
    (source / "1_Pooling" / "config.json").write_text("{}")
    assert kept_table(source, cache) is None
    made = token_table(FakeModel(), cache, source=source)
    found = kept_table(source, cache)
    assert found is not None
    assert np.array_equal(found.vectors, made.vectors)
    assert (found.tokenizer, found.digest) == (made.tokenizer, made.digest)
    (source / "weights").write_bytes(b"1.1")
    assert kept_table(source, cache) is None
    (source / "weights").write_bytes(b"1.0")
    (source / "1_Pooling").rename(source / "2_Pooling")
    assert kept_table(source, cache) is None


def test_a_note_without_its_table_is_passed_over(tmp_path: Path) -> None:
    """Somebody who empties half of the cache gets a distillation and no error."""
    source, cache = tmp_path / "model", tmp_path / "cache"
    source.mkdir()
    made = token_table(FakeModel(), cache, source=source)
    (cache / f"{made.digest}.npz").unlink()
    assert kept_table(source, cache) is None


STATIC_ALONE = """
import sys
from castwright.filters import load_embedder
assert load_embedder().static().encode(["bread"]).shape == (1, 256)
print(sorted({"torch", "transformers", "sentence_transformers"} & set(sys.modules)))
"""


def test_the_kept_static_form_needs_no_model_library() -> None:
    """A second process reads the table from the cache: no torch, no weights, some tenths of a second."""
    embedder = load_embedder()
    assert isinstance(embedder, Distillable)
    embedder.static()
    command = [sys.executable, "-c", STATIC_ALONE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path: Path) -> None:
    """The table is there all the same."""
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot be kept"):
        made = token_table(FakeModel(), tmp_path / "file" / "static")
    assert made.vectors.shape == (len(WORDS) + 1, 6)


def test_tokens_that_say_nothing_are_zero(tmp_path: Path) -> None:
    """Special tokens have no vector, all others have."""
    table = token_table(FakeModel(), tmp_path).vectors
    assert not table[0].any()
    assert table[1:].any(axis=1).all()


def test_a_tokenizer_without_a_fast_form_is_a_user_error() -> None:
    """The message names the tokenizer's class and the remedy."""
    with pytest.raises(ModelError, match=r"SimpleNamespace.*tokenizer\.json"):
        tokenizer_json(SimpleNamespace(tokenizer=SimpleNamespace()))


def test_padding_and_truncation_of_an_earlier_call_do_not_change_the_key() -> None:
    """transformers leaves its last call's settings in the tokenizer."""
    model = FakeModel()
    before = tokenizer_json(model)
    model.tokenizer.backend_tokenizer.enable_truncation(5)
    model.tokenizer.backend_tokenizer.enable_padding(length=9)
    assert tokenizer_json(model) == before


def test_all_principal_components_keep_the_distances() -> None:
    """With as many components as dimensions only the place and the axes change."""
    points = np.random.default_rng(1).normal(size=(30, 5)).astype(np.float32)
    moved = principal_components(points, 5)
    there = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert np.allclose(np.linalg.norm(moved[:, None] - moved[None], axis=2), there, atol=1e-5)
    assert (np.diff(moved.var(axis=0)) <= 1e-9).all()


def by_tokens(table: TokenTable, text: str) -> np.ndarray:
    """Return what model2vec's own encode does: the mean of the tokens' vectors, normalised."""
    from tokenizers import Tokenizer

    ids = Tokenizer.from_str(table.tokenizer).encode(text, add_special_tokens=False).ids
    mean = table.vectors[ids].astype(np.float64).mean(axis=0) if ids else np.zeros(table.vectors.shape[1])
    length = np.linalg.norm(mean)
    return mean / length if length else mean


@settings(deadline=None)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(["bread", "breads", "sailing", "Old", "a", "b,", "xyzzy", ""])).map(" ".join),
        max_size=20,
    )
)
def test_the_word_table_gives_the_mean_of_the_tokens(small: TokenTable, texts: list[str]) -> None:
    """Words of several tokens count once per token, unknown ones not at all."""
    vectors = StaticEmbedder(small).encode(texts)
    keys = normalise(pl.Series("text", texts, dtype=pl.String)).to_list()
    assert vectors.shape == (len(texts), 8)
    for vector, key in zip(vectors, keys, strict=True):
        assert np.allclose(vector, by_tokens(small, key), atol=1e-5)


@pytest.mark.parametrize("bags", [1, 3, 600], ids=["one", "a few", "more than a thread takes at once"])
def test_the_sums_are_embedding_bags_to_the_bit(bags: int) -> None:
    """Rows are added one after the other, so neither the bags beside one nor the library that adds matters."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(bags)
    table = rng.normal(size=(50, 7)).astype(np.float32)
    lengths = rng.integers(1, 40, bags)
    rows = rng.integers(0, 50, lengths.sum())
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    by_torch = torch.nn.functional.embedding_bag(*map(torch.from_numpy, (rows, table, starts)), mode="sum").numpy()
    sums = bag_sums(table, rows, starts)
    assert np.array_equal(sums, by_torch)
    assert np.array_equal(bag_sums(table, rows[: lengths[0]], starts[:1]), sums[:1])


def test_a_table_that_grew_too_large_is_begun_anew(small: TokenTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting words changes no vector."""
    monkeypatch.setattr(static_embeddings, "CHUNK", 2)
    whole = StaticEmbedder(small)
    texts = ["bread a", "river b", "old c", "sailing bread", "a b c", "rivers"]
    expected = whole.encode(texts)
    monkeypatch.setattr(static_embeddings, "MOST_WORDS", 3)
    assert np.array_equal(StaticEmbedder(small).encode(texts), expected)


def test_no_texts_give_no_vectors(small: TokenTable) -> None:
    """The shape is right with nothing in it, and an empty text is zeros."""
    assert StaticEmbedder(small).encode([]).shape == (0, 8)
    assert not StaticEmbedder(small).encode(["", "?!"]).any()


def test_the_real_model_has_a_static_form_that_knows_meaning() -> None:
    """Distilled from the offline weights, case and commas do not matter and a reworded line is nearer than another."""
    embedder = load_embedder()
    assert isinstance(embedder, Distillable)
    static = embedder.static()
    assert static is embedder.static()
    vectors = static.encode(
        ["The cat sleeps on the mat.", "the cat sleeps, on the mat", "A cat slept upon a mat", "Interest rates rose."]
    )
    assert static.dimensions == distillation.DIMENSIONS
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.99999
    assert cosines[0, 2] > cosines[0, 3] + 0.3


WILD = st.text(
    alphabet=st.one_of(st.sampled_from("aB 3.-,'’`?!$%&#*@()\t\n\x0b\x1c\xa0éß"), st.characters(codec="utf-8"))
)


@settings(deadline=None)
@given(st.lists(st.none() | WILD, max_size=30))
def test_the_fast_normalisation_is_the_slow_one(texts: list[str | None]) -> None:
    """ASCII texts without digits take a shorter way to the same key."""
    series = pl.Series("text", texts, dtype=pl.String)
    assert normalise(series).to_list() == series.to_frame().select(normalised("text")).to_series().to_list()
