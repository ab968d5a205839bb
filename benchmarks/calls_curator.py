"""bespokelabs-curator's variant of the model-call benchmark, through its public interface.

As its documentation shows for an OpenAI-compatible endpoint: an `LLM` subclass with `prompt` and `parse`, the
`openai` backend with a base URL. Its limit of concurrent requests is the benchmark's number in flight; requests
and tokens per minute are set so high that they never hold. Cache, viewer and telemetry are off by environment
variables. It does not say when a row is back. No castwright here.
"""

# bespokelabs-curator is not installed beside castwright
# mypy: disable-error-code="import-not-found,misc"

from __future__ import annotations

# curator counts tokens with tiktoken, which would fetch its vocabulary from the network; litellm, which curator
# needs anyway, brings the file along and says so in the environment once this module of its is imported.
import litellm.litellm_core_utils.default_encoding  # noqa: F401
from bespokelabs import curator as tool
from calls_job import Job
from calls_rows import MODEL, Row
from engine import Ready

NEVER = 1_000_000_000
"""A limit per minute that nothing here reaches."""


class AskOnce(tool.LLM):
    """Asks the row's instruction and keeps the reply's text."""

    def prompt(self, input: Row) -> str:  # noqa: A002 (curator's name)
        """Return the question."""
        return str(input["instruction"])

    def parse(self, input: Row, response: str) -> Row:  # noqa: A002 (curator's name)
        """Return the row's number and the reply as it is."""
        return {"n": input["n"], "reply": response}


def curator(job: Job) -> Ready:
    """`LLM.__call__` over the rows."""
    llm = AskOnce(
        model_name=MODEL,
        backend="openai",
        backend_params={
            "base_url": job.url,
            "api_key": "none",
            "max_concurrent_requests": job.in_flight,
            "max_requests_per_minute": NEVER,
            "max_tokens_per_minute": NEVER,
        },
    )
    return Ready(lambda: llm(job.rows), lambda made: list(made.dataset))
