"""NeMo Data Designer's variant of the model-call benchmark, through its public interface.

As its documentation shows for an endpoint of one's own: a provider, a model, a seed table read in order, one text
column. Its limit of parallel requests is the benchmark's number in flight, its other limits keep their
defaults, which are higher. The health check, telemetry and the metrics port are off. No castwright here.
"""

# data-designer is not installed beside castwright
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import data_designer.config as dd
import pandas as pd  # type: ignore[import-untyped]
from calls_job import Job
from calls_rows import MODEL
from data_designer.interface import DataDesigner
from engine import Ready


def data_designer(job: Job) -> Ready:
    """`DataDesigner.create` over a seed table; the first row is back with the first row group."""
    model = dd.ModelConfig(
        alias="asked",
        model=MODEL,
        provider="loopback",
        skip_health_check=True,
        inference_parameters=dd.ChatCompletionInferenceParams(max_parallel_requests=job.in_flight),
    )
    provider = dd.ModelProvider(name="loopback", endpoint=job.url, provider_type="openai", api_key="none")
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(
        dd.DataFrameSeedSource(df=pd.DataFrame(job.rows)), sampling_strategy=dd.SamplingStrategy.ORDERED
    )
    builder.add_column(dd.LLMTextColumnConfig(name="reply", model_alias="asked", prompt="{{ instruction }}"))
    designer = DataDesigner(artifact_path=job.scratch / "artifacts", model_providers=[provider])
    designer.set_run_config(dd.RunConfig(otel_metrics_port=None))
    return Ready(
        lambda: designer.create(builder, num_records=len(job.rows), on_batch_complete=lambda _written: job.first_row()),
        lambda made: made.load_dataset()[["n", "reply"]].to_dict("records"),
    )
