"""castwright's variant of the model-call benchmark: everything a run of a recipe does for one call per row.

The executor, the model client, the journal and the parsing of a reply are all in it, and nothing is switched
off: afterwards the journal is opened, and a run that did not write every call there gives no number. The step
itself is the smallest that asks a question.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import ClassVar

from calls_job import Job
from calls_rows import MODEL, Row
from distilabel.pipeline import Pipeline
from engine import Ready

from castwright.generators.models.config import OpenAIModel
from castwright.generators.models.load import make_llm
from castwright.generators.prompt import Message
from castwright.generators.step import ModelStep
from castwright.pipelines import LoadRows, run_local


class AskOnce(ModelStep):
    """Asks the row's instruction and keeps the reply's text."""

    empty: ClassVar[Row] = {"reply": ""}

    @property
    def inputs(self) -> list[str]:
        return ["instruction"]

    def prompt(self, row: Row) -> list[Message]:
        """Return one user message."""
        return [{"role": "user", "content": row["instruction"]}]

    def parse(self, row: Row, text: str) -> Row:
        """Return the reply as it is."""
        return {"reply": text}


def castwright(job: Job) -> Ready:
    """A graph of two steps, run by the local executor; the journal is the file in CASTWRIGHT_JOURNAL."""
    block = OpenAIModel(model=MODEL, base_url=job.url, max_in_flight=job.in_flight)
    with Pipeline(name="benchmark") as pipeline:
        LoadRows(rows=job.rows) >> AskOnce(name="ask", llm=make_llm(block))
    pipeline.dag.validate()  # its first time imports half of scipy, which is no part of a call

    def note(step: str, rows: int) -> None:
        if step == "ask" and rows:
            job.first_row()

    return Ready(lambda: run_local(pipeline, on_progress=note).rows, journalled)


def journalled(rows: list[Row]) -> list[Row]:
    """Return the rows of a run, once it is certain that its journal holds as many calls.

    Raises:
        RuntimeError: there are fewer, or there is no journal.
    """
    with closing(sqlite3.connect(f"file:{os.environ['CASTWRIGHT_JOURNAL']}?mode=ro", uri=True)) as journal:
        tables = [name for (name,) in journal.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        counts = [journal.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables]
    if max(counts, default=0) < len(rows):
        raise RuntimeError(f"{len(rows)} rows, but the journal's tables hold {dict(zip(tables, counts, strict=True))}")
    return rows
