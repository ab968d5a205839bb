"""`castwright journal`: what is in the journal of model calls, a copy of it, and making it smaller."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

journal_app = typer.Typer(help="Look after the journal of model calls.", no_args_is_help=True)
console = Console()

JournalPath = Annotated[Path | None, typer.Option("--journal", help="A journal's file (default: the user's own).")]


@journal_app.command("stats")
def journal_stats(path: JournalPath = None) -> None:
    """Say what the journal holds: replies, tokens and age by model and server, and its size."""
    from castwright.generators.calls.upkeep import existing, stats

    journal = existing(path)
    table = Table(box=None, header_style="bold")
    for column in ("model", "server", "replies", "input tokens", "output tokens", "mean s", "oldest", "newest"):
        table.add_column(column, justify="left" if column in ("model", "server") else "right")
    for held in stats(journal):
        numbers = map("{:,}".format, (held.replies, held.input_tokens, held.output_tokens))
        days = (f"{moment:%Y-%m-%d}" for moment in (held.oldest, held.newest))
        table.add_row(held.model, held.endpoint, *numbers, f"{held.mean_latency:.2f}", *days)
    console.print(table)
    console.print(f"{journal.path}: {journal.path.stat().st_size / 1e6:,.1f} MB", highlight=False, soft_wrap=True)


@journal_app.command("export")
def journal_export(
    file: Annotated[Path, typer.Argument(help="The JSONL file to write.")],
    model: Annotated[str | None, typer.Option(help="Only the replies of this model.")] = None,
    path: JournalPath = None,
) -> None:
    """Write the journal's replies to a JSONL file, oldest first."""
    from castwright.generators.calls.upkeep import existing, export

    count = export(existing(path), file, model=model)
    console.print(f"wrote {count:,} replies to {file}", highlight=False, soft_wrap=True)


@journal_app.command("prune")
def journal_prune(
    older_than: Annotated[str | None, typer.Option(help="Only replies older than this: 30d, 12h.")] = None,
    model: Annotated[str | None, typer.Option(help="Only the replies of this model.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All replies.")] = False,
    path: JournalPath = None,
) -> None:
    """Delete replies from the journal and give their space back; what is deleted is paid for again when asked again."""
    from castwright.generators.calls.upkeep import existing, prune

    journal = existing(path)
    before = journal.path.stat().st_size
    count = prune(journal, older_than=older_than, model=model, everything=everything)
    freed = (before - journal.path.stat().st_size) / 1e6
    console.print(f"deleted {count:,} replies, {max(freed, 0):,.1f} MB freed", highlight=False)
