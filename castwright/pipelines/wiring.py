"""A pipeline's DAG as nodes and edges that the local executor can run: who feeds whom, in what order, how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from distilabel.constants import ROUTING_BATCH_FUNCTION_ATTR_NAME, STEP_ATTR_NAME
from distilabel.steps.base import DEFAULT_INPUT_BATCH_SIZE

from castwright.pipelines.calls import RowFailure, models_of, row_coroutine
from castwright.pipelines.streams import Edge, Row

PLAIN_BATCH = 5_000


@dataclass(slots=True)
class Node:
    """One step with its streams. `coroutine` is set where it works row by row.

    `router` is its routing function, `routes` what that chose for each batch so far; `upstream` is the routing
    step whose branches converge here.
    """

    step: Any
    inputs: list[Edge] = field(default_factory=list)
    outputs: list[Edge] = field(default_factory=list)
    router: Any = None
    routes: list[list[str]] = field(default_factory=list)
    upstream: Node | None = None
    coroutine: Callable[[Row], Any] | None = None

    @property
    def name(self) -> str:
        return str(self.step.name)

    @property
    def emits_in_order(self) -> bool:
        """Whether items leave by rising number: what works row by row lets go of each row as it is done."""
        return self.coroutine is None

    @property
    def batch_size(self) -> int:
        """How many rows a plain step gets at once: its own size where that was asked for or matters."""
        size = int(self.step.input_batch_size)
        chosen = size != DEFAULT_INPUT_BATCH_SIZE or "input_batch_size" in self.step.model_fields_set
        asked_for = chosen or self.router or models_of(self.step)
        return size if asked_for else max(size, PLAIN_BATCH)


def wire(dag: Any, failures: list[RowFailure]) -> dict[str, Node]:
    """Return the nodes of a DAG by name, joined by edges; failed requests of tasks go to `failures`."""
    nodes = {name: Node(dag.get_step(name)[STEP_ATTR_NAME]) for name in dag}
    for name, node in nodes.items():
        node.coroutine = row_coroutine(node.step, failures)
        node.router = dag.get_step(name).get(ROUTING_BATCH_FUNCTION_ATTR_NAME)

    def routing_step(node: Node) -> Node | None:
        """Return the step that routes batches to `node`, if one does."""
        sources = [nodes[name] for name in dag.get_step_predecessors(node.name)]
        return sources[0] if len(sources) == 1 and sources[0].router else None

    for name, node in nodes.items():
        before = [nodes[source] for source in dag.get_step_predecessors(name)]
        if before and all(routing_step(source) for source in before):
            node.upstream = routing_step(before[0])
        for source in before:
            edge = Edge(
                source.name,
                ordered=bool(source.router) or source.emits_in_order,
                routed=bool(source.router) or routing_step(source) is not None,
                unbounded=len(before) > 1,
            )
            node.inputs.append(edge)
            source.outputs.append(edge)
    return nodes
