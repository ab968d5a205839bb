"""One vector per token, distilled from a sentence-transformers model, once, and kept in the user's cache.

The method is model2vec's (Tulkens and van Dongen 2024): every token alone through the model, the principal
components of what comes out, each token weighted down by how common it is (Zipf's law over the vocabulary's order;
the weight is SIF's of Arora et al. 2017). It is done here because `model2vec[distill]` 0.10 wants transformers
below 5.4, and because a word table needs only the tokens' vectors and the tokenizer. The cache is one file per
content of the model, so a changed model is never mistaken for another; a small note says which model the files of a
folder hold, so that the second run need not load it to find out. (Rejected: a key of the model's name.)
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import platformdirs

from castwright.errors import ModelError

FORMAT = 1
"""Changes whenever the same model would give another table."""

DIMENSIONS = 256
SIF = 1e-4
METHOD = f"castwright static {FORMAT} {DIMENSIONS} {SIF}"
_BATCH = 512


@dataclass(frozen=True, slots=True)
class TokenTable:
    """What a static encoder is made of.

    `vectors`: float32, shape (vocabulary, d), weighted; tokens that say nothing (special, unused, unknown) are zero.
    `tokenizer`: the tokenizer's own JSON. `digest`: hex, of the model that it was distilled from.
    """

    vectors: npt.NDArray[np.float32]
    tokenizer: str
    digest: str


def token_table(model: Any, folder: Path | None = None, *, source: Path | None = None) -> TokenTable:
    """Return the table of a SentenceTransformer, from the cache where it is, else distilled and put there.

    `folder` defaults to "static" in the user's cache folder of castwright. A file that cannot be read is made anew;
    a folder that cannot be written costs a warning, and the distillation again next time. With `source`, the folder
    that the model was loaded from, `kept_table` finds the table there from then on.

    Raises:
        ModelError: the model has no fast tokenizer.
    """
    tokenizer = tokenizer_json(model)
    digest = model_digest(model, tokenizer)
    folder = folder or cache_folder()
    path = folder / f"{digest}.npz"
    table, half = _read(path, digest), None
    if table is None:
        # half precision, as it is stored: the first run and the second must give the same vectors
        half = distil(model, tokenizer).astype(np.float16)
        table = TokenTable(half.astype(np.float32), tokenizer, digest)
    try:
        if half is not None:
            _write(path, half, tokenizer)
        if source is not None:
            note = folder / f"{files_digest(source)}.txt"
            with whole_file(note) as file:
                file.write(digest.encode())
    except OSError as error:
        warnings.warn(f"{path}: the distilled model cannot be kept ({error.strerror})", stacklevel=2)
    return table


def kept_table(source: Path, folder: Path | None = None) -> TokenTable | None:
    """Return the table that the cache has of the model in a folder, or None; the model is not loaded."""
    folder = folder or cache_folder()
    digest = kept_digest(source, folder)
    return _read(folder / f"{digest}.npz", digest) if digest else None


def kept_digest(source: Path, folder: Path | None = None) -> str | None:
    """Return the digest of the model in a folder where the cache has it noted, or None; the model is not loaded."""
    try:
        return ((folder or cache_folder()) / f"{files_digest(source)}.txt").read_text(encoding="ascii")
    except (OSError, ValueError):
        return None


def cache_folder() -> Path:
    """Return "static" in the user's cache folder of castwright."""
    return platformdirs.user_cache_path("castwright") / "static"


def files_digest(source: Path) -> str:
    """Return the SHA-256 (hex) of all files in a folder, by name and content, and of this module's method."""
    total = hashlib.sha256(METHOD.encode())
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"\n{path.relative_to(source).as_posix()} {content}".encode())
    return total.hexdigest()


def tokenizer_json(model: Any) -> str:
    """Return the JSON of a SentenceTransformer's tokenizer.

    Raises:
        ModelError: it is not one of the `tokenizers` package.
    """
    backend = getattr(model.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(
            f"the embedding model's tokenizer ({type(model.tokenizer).__name__}) has no fast form, so no static "
            "embeddings can be distilled from it; use a model with a tokenizer.json"
        )
    from tokenizers import Tokenizer

    clean = Tokenizer.from_str(backend.to_str())
    clean.no_padding()  # every call through transformers leaves its padding and truncation behind
    clean.no_truncation()
    return str(clean.to_str())


def model_digest(model: Any, tokenizer: str) -> str:
    """Return the SHA-256 (hex) of all weights by name, the tokenizer, and this module's method."""
    total = hashlib.sha256(f"{METHOD}\n{tokenizer}".encode())
    for name, weights in sorted(model.state_dict().items()):
        total.update(f"{name} {tuple(weights.shape)}".encode())
        total.update(weights.detach().cpu().float().contiguous().numpy())
    return total.hexdigest()


def distil(model: Any, tokenizer: str, dimensions: int = DIMENSIONS) -> npt.NDArray[np.float32]:
    """Return the weighted vectors of all tokens, shape (vocabulary, min(dimensions, the model's))."""
    from tokenizers import Tokenizer

    reader = Tokenizer.from_str(tokenizer)
    telling = _telling_tokens(model, reader)
    single = _alone_through(model, reader, telling)
    reduced = principal_components(single, dimensions)
    ranks = np.arange(2, len(telling) + 2, dtype=np.float64)
    share = (1 / ranks) / (1 / ranks).sum()
    table = np.zeros((reader.get_vocab_size(with_added_tokens=True), reduced.shape[1]), dtype=np.float32)
    table[telling] = reduced * (SIF / (SIF + share))[:, None]
    return table


def principal_components(vectors: npt.NDArray[np.float32], dimensions: int) -> npt.NDArray[np.float64]:
    """Return centred vectors in their leading components, the sign of each fixed by its greatest loading."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :dimensions]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    components: npt.NDArray[np.float64] = centred @ (axes * signs)
    return components


def _telling_tokens(model: Any, reader: Any) -> list[int]:
    """Return the ids that carry meaning, in the vocabulary's order, which is that of frequency."""
    silent = set(model.tokenizer.all_special_ids)
    vocabulary = reader.get_vocab(with_added_tokens=True)
    return sorted(
        number for token, number in vocabulary.items() if number not in silent and not token.startswith("[unused")
    )


def _alone_through(model: Any, reader: Any, tokens: list[int]) -> npt.NDArray[np.float32]:
    """Return the model's vector of each token between the marks that begin and end a text, before normalisation."""
    import torch

    prefix, suffix = _marks(reader)
    modules = [module for module in model if type(module).__name__ != "Normalize"]
    parts = []
    model.eval()
    with torch.inference_mode():
        for start in range(0, len(tokens), _BATCH):
            ids = torch.tensor([[*prefix, token, *suffix] for token in tokens[start : start + _BATCH]])
            ids = ids.to(model.device)
            features = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
            if "token_type_ids" in model.tokenizer.model_input_names:
                features["token_type_ids"] = torch.zeros_like(ids)
            for module in modules:
                features = module(features)
            parts.append(features["sentence_embedding"].float().cpu().numpy())
    return np.concatenate(parts)


def _marks(reader: Any) -> tuple[list[int], list[int]]:
    """Return the ids that the tokenizer puts before and after a text."""
    marked, bare = reader.encode("a").ids, reader.encode("a", add_special_tokens=False).ids
    for start in range(len(marked) - len(bare) + 1):
        if marked[start : start + len(bare)] == bare:
            return marked[:start], marked[start + len(bare) :]
    return [], []


def _read(path: Path, digest: str) -> TokenTable | None:
    """Return the table kept in a file, or None where there is none that can be read."""
    try:
        with np.load(path) as kept:
            return TokenTable(kept["vectors"].astype(np.float32), bytes(kept["tokenizer"]).decode(), digest)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, vectors: npt.NDArray[np.float16], tokenizer: str) -> None:
    with whole_file(path) as file:
        np.savez(file, vectors=vectors, tokenizer=np.frombuffer(tokenizer.encode(), dtype=np.uint8))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write a file whole or not at all: processes that distil at the same time replace it by its equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
