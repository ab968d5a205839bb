"""One variant of the duplicates benchmark, in a process of its own: reads texts, says which rows it keeps.

Everything is imported, loaded and warmed up before the clock starts; the clock sees texts go in and kept rows come
out. Each tool is used through its public interface as its documentation shows. Those that take an embedding model
get the very table that castwright distilled, as model2vec's `StaticModel`, so that tools are compared and not
encoders. No package is needed but that of the variant, so peers can run under interpreters of their own.
"""

# the peers are not installed beside castwright
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Kept = list[int]
HASHES = 128
JACCARD = 0.8
"""Hashes and threshold for rensa and datasketch: what their documentation's examples use, and near their defaults."""


@dataclass(frozen=True)
class Job:
    """What a variant is given: texts, the cosine from which texts are duplicates, and the folder of the token table."""

    texts: list[str]
    threshold: float
    table: Path


def castwright(job: Job) -> Callable[[], Kept]:
    """castwright's filter as a recipe runs it: calibration and the transformer on pairs in doubt included."""
    import polars as pl

    from castwright.filters import load_embedder, near_duplicates

    embedder: Any = load_embedder()
    embedder.static().encode(job.texts[:10])
    embedder.encode(job.texts[:1])

    def run() -> Kept:
        frame = pl.DataFrame({"text": job.texts})
        return np.flatnonzero(near_duplicates(frame, embedder=embedder, threshold=job.threshold)["keep"]).tolist()

    return run


def minilm(job: Job) -> Callable[[], Kept]:
    """Brute force: every text through MiniLM, every pair compared. Given a part of the rows only."""
    import polars as pl

    from castwright.filters import load_embedder
    from castwright.filters.cascade import stars
    from castwright.filters.normalised import normalise

    embedder = load_embedder()
    embedder.encode(job.texts[:1])

    def run() -> Kept:
        vectors = embedder.encode(normalise(pl.Series("text", job.texts)).to_list())
        return np.flatnonzero(stars(vectors, np.arange(len(vectors)), job.threshold).kept).tolist()

    return run


def same_encoder(job: Job) -> Any:
    """Return castwright's token table as a model2vec model."""
    from model2vec import StaticModel
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(job.table / "tokenizer.json"))
    vectors = np.load(job.table / "vectors.npy")
    return StaticModel(vectors=vectors, tokenizer=tokenizer, config={"normalize": True}, normalize=True)


def semhash(job: Job) -> Callable[[], Kept]:
    """SemHash's `from_records` and `self_deduplicate`, with the same encoder and threshold."""
    from semhash import SemHash

    model = same_encoder(job)
    model.encode(job.texts[:10])
    records = [{"text": text, "row": str(row)} for row, text in enumerate(job.texts)]

    def run() -> Kept:
        index = SemHash.from_records(records, columns=["text"], model=model)
        return [int(one["row"]) for one in index.self_deduplicate(threshold=job.threshold).selected]

    return run


def distilabel(job: Job) -> Callable[[], Kept]:
    """distilabel's `MinHashDedup` at its defaults but for `tokenizer`: its words need a download of NLTK's.

    Run as a step, without distilabel's engine. It needs datasketch below 1.8: from there on every row is None.
    """
    from distilabel.pipeline import Pipeline
    from distilabel.steps import MinHashDedup

    with Pipeline(name="benchmark"):
        step = MinHashDedup(name="dedup", tokenizer="ngrams")
    step.load()
    rows = [{"text": text, "row": row} for row, text in enumerate(job.texts)]

    def run() -> Kept:
        batches = (rows[start : start + 1000] for start in range(0, len(rows), 1000))
        made = (row for batch in batches for out in step.process([dict(row) for row in batch]) for row in out)
        return [row["row"] for row in made if row["keep_row_after_minhash_filtering"]]

    return run


def rensa(job: Job) -> Callable[[], Kept]:
    """rensa's `RMinHash` and its LSH over words: a row is kept when no row before it is near enough."""
    from rensa import RMinHash, RMinHashLSH

    def run() -> Kept:
        index = RMinHashLSH(threshold=JACCARD, num_perm=HASHES, num_bands=16)
        hashes: list[Any] = []
        kept = []
        for row, text in enumerate(job.texts):
            one = RMinHash(num_perm=HASHES, seed=42)
            one.update(text.lower().split())
            hashes.append(one)
            if not any(hashes[other].jaccard(one) >= JACCARD for other in index.query(one)):
                index.insert(row, one)
                kept.append(row)
        return kept

    return run


def datasketch(job: Job) -> Callable[[], Kept]:
    """datasketch's `MinHash` and `MinHashLSH` over words: a row is kept when no row before it is near enough."""
    from datasketch import MinHash, MinHashLSH

    def run() -> Kept:
        index = MinHashLSH(threshold=JACCARD, num_perm=HASHES)
        hashes = {}
        for row, text in enumerate(job.texts):
            words = [word.encode() for word in set(text.lower().split())]
            (one,) = MinHash.bulk([words], num_perm=HASHES, seed=42)
            if not any(hashes[other].jaccard(one) >= JACCARD for other in index.query(one)):
                index.insert(row, one)
                hashes[row] = one
        return list(hashes)

    return run


VARIANTS: dict[str, tuple[Callable[[Job], Callable[[], Kept]], tuple[str, ...]]] = {
    "castwright": (castwright, ("castwright", "sentence_transformers")),
    "semhash": (semhash, ("semhash", "model2vec")),
    "distilabel": (distilabel, ("distilabel", "datasketch")),
    "rensa": (rensa, ("rensa",)),
    "datasketch": (datasketch, ("datasketch",)),
    "minilm": (minilm, ("castwright", "sentence_transformers")),
}


def missing(variant: str) -> str:
    """Return what this interpreter lacks for a variant, or an empty string."""
    lacking = [name for name in VARIANTS[variant][1] if importlib.util.find_spec(name) is None]
    return f"needs {', '.join(lacking)}" if lacking else ""


def main() -> None:
    """Run one variant and write kept rows, seconds and CPU seconds as JSON."""
    parser = argparse.ArgumentParser(description="One variant of the duplicates benchmark.")
    parser.add_argument("--variant", choices=VARIANTS, required=True)
    parser.add_argument("--check", action="store_true", help="say what is missing, and end")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--threshold", type=float, default=0.95)
    parser.add_argument("--result", type=Path)
    given = parser.parse_args()
    if given.check:
        print(missing(given.variant))
        return
    texts = json.loads(given.texts.read_text(encoding="utf-8"))
    run = VARIANTS[given.variant][0](Job(texts, given.threshold, given.table))
    begun, cpu = time.perf_counter(), time.process_time()
    kept = run()
    told = {"seconds": time.perf_counter() - begun, "cpu": time.process_time() - cpu, "kept": kept}
    given.result.write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main()
