"""The local executor: runs any distilabel `Pipeline` in this process, on one event loop.

distilabel's own engine starts a process a step, pickles every batch through queues, and holds a whole batch
until its slowest reply is there. This one walks the same DAG with coroutines: rows of model-calling steps move
on one by one, plain steps get large batches in a thread, global steps get everything, routing and joins work,
and order is restored at the sink. The steps do not know the difference: same graph, same rows.

Two things differ on purpose. A failed request costs its own row and is counted, where distilabel gives its
whole batch None. And a plain step that raises stops the run with the step and the row named, where distilabel
fills the batch with None and goes on. Rejected: worker processes (the work is waiting, or numpy and torch that
release the GIL) and a cache of our own (stages are checkpoints, the journal remembers calls).
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from distilabel.pipeline import Pipeline

from castwright.errors import CastwrightError, StepError
from castwright.generators.calls.stop import Stop
from castwright.pipelines.calls import (
    RowFailure,
    close_models,
    explain,
    find_bad_row,
    loaded,
    process,
    rows_wanted,
)
from castwright.pipelines.event_loop import run_to_end, unless_stopped
from castwright.pipelines.streams import Edge, Item, Row
from castwright.pipelines.wiring import Node, wire

ROWS_IN_FLIGHT = 2_048

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class LocalRun:
    """What a run gave: rows of each leaf step in order, rows out of each step, and requests that failed."""

    leaves: dict[str, list[Row]]
    rows_out: dict[str, int]
    failures: tuple[RowFailure, ...] = ()

    @property
    def rows(self) -> list[Row]:
        """The rows of the only leaf.

        Raises:
            StepError: the graph has several leaves; take them from `leaves`.
        """
        if len(self.leaves) != 1:
            raise StepError(f"the graph has {len(self.leaves)} leaves {sorted(self.leaves)}: name the one wanted")
        return next(iter(self.leaves.values()))


def run_local(
    pipeline: Pipeline,
    *,
    parameters: Mapping[str, dict[str, Any]] | None = None,
    on_progress: Progress | None = None,
    rows_in_flight: int = ROWS_IN_FLIGHT,
    stop: Stop | None = None,
) -> LocalRun:
    """Run a distilabel pipeline in this process and return the rows of its leaves, in order.

    `parameters` are distilabel's runtime parameters by step. `on_progress(step, rows)` is told how many rows
    each step has given so far. At most `rows_in_flight` rows are inside one model-calling step at a time, or as
    many as its model wants; the model's own limit decides how many of them are requests. `stop` ends the run early.

    Raises:
        StepError: a step raised, or a join got inputs of different lengths.
        CastwrightError: whatever our own steps raise for the whole run (a model that cannot be used).
    """
    if parameters:
        pipeline._set_runtime_parameters(dict(parameters))
    pipeline.dag.validate()
    run = _Run(pipeline, on_progress, rows_in_flight)
    run_to_end(run.run() if stop is None else unless_stopped(run.run(), stop))
    return LocalRun(run.leaves, run.rows_out, tuple(run.failures))


class _Run:
    def __init__(self, pipeline: Pipeline, on_progress: Progress | None, rows_in_flight: int) -> None:
        self.dag, self.on_progress, self.rows_in_flight = pipeline.dag, on_progress, rows_in_flight
        self.leaves: dict[str, list[Row]] = {}
        self.rows_out: dict[str, int] = {}
        self.failures: list[RowFailure] = []

    async def run(self) -> None:
        nodes = wire(self.dag, self.failures)
        self.rows_out = dict.fromkeys(nodes, 0)
        sinks = {name: Edge(name, ordered=node.emits_in_order) for name, node in nodes.items() if not node.outputs}
        for name, sink in sinks.items():
            nodes[name].outputs.append(sink)
        steps = [node.step for node in nodes.values()]
        with loaded(steps):
            try:
                async with asyncio.TaskGroup() as group:
                    collected = {name: group.create_task(sink.all_rows()) for name, sink in sinks.items()}
                    for node in nodes.values():
                        group.create_task(self._run_node(node))
            finally:
                await close_models(steps)
        self.leaves = {name: task.result() for name, task in collected.items()}

    async def _run_node(self, node: Node) -> None:
        if node.router:
            await self._run_routed(node)
        else:
            await self._work(node, lambda item: self._emit(node, item))
        for edge in node.outputs:
            await edge.close()

    async def _work(self, node: Node, emit: Callable[[Item], Any]) -> None:
        if node.coroutine is not None:
            await self._run_rows(node, emit)
            return
        async for item in self._results(node):
            await emit(item)

    def _results(self, node: Node) -> AsyncIterator[Item]:
        if node.step.is_generator:
            return self._generated(node)
        if node.upstream is not None:
            return self._converged(node)
        if node.step.is_global:
            return self._global(node)
        if any(edge.routed for edge in node.inputs):
            return self._routed_batches(node)
        return self._batched(node)

    async def _emit(self, node: Node, item: Item) -> None:
        self._count(node, len(item.rows))
        for position, edge in enumerate(node.outputs):
            await edge.put(item if position == 0 else Item(item.seq, copy.deepcopy(item.rows)))

    def _count(self, node: Node, rows: int) -> None:
        self.rows_out[node.name] += rows
        if self.on_progress is not None:
            self.on_progress(node.name, self.rows_out[node.name])

    async def _run_rows(self, node: Node, emit: Callable[[Item], Any]) -> None:
        slots = asyncio.Semaphore(max(self.rows_in_flight, rows_wanted(node.step)))
        coroutine = node.coroutine
        if coroutine is None:
            raise StepError(f"step '{node.name}' has no coroutine for a row")

        async def one(item: Item) -> None:
            try:
                if len(item.rows) == 1:
                    made = await coroutine(item.rows[0])
                else:
                    results = await asyncio.gather(*(coroutine(row) for row in item.rows))
                    made = [row for rows in results for row in rows]
                await emit(Item(item.seq, made))
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            async for item in node.inputs[0].single_rows():
                await slots.acquire()
                group.create_task(one(item))

    async def _run_routed(self, node: Node) -> None:
        """Send the step's batches where its routing function says, numbered so that they can converge."""
        made = Edge(node.name, ordered=node.emits_in_order)
        by_name = dict(zip(self._successors(node), node.outputs, strict=True))

        async def work() -> None:
            await self._work(node, made.put)
            await made.close()

        async def route() -> None:
            size = getattr(node.step, "input_batch_size", 0)
            async for rows in _routable(made, size if node.coroutine is not None else None):
                self._count(node, len(rows))
                chosen = node.router.routing_function(list(by_name))
                node.routes.append(chosen)
                for position, name in enumerate(chosen):
                    copied = rows if position == 0 else copy.deepcopy(rows)
                    await by_name[name].put(Item(len(node.routes) - 1, copied))

        async with asyncio.TaskGroup() as group:
            group.create_task(work())
            group.create_task(route())

    def _successors(self, node: Node) -> list[str]:
        return list(self.dag.get_step_successors(node.name))

    async def _generated(self, node: Node) -> AsyncIterator[Item]:
        batches = node.step.process_applying_mappings(offset=0)
        seq, last = 0, False
        while not last:
            try:
                batch = await asyncio.to_thread(next, batches, None)
            except CastwrightError:
                raise
            except Exception as error:
                raise StepError(explain(node.step, error, f"while it made batch {seq}")) from error
            if batch is None:
                return
            rows, last = batch
            yield Item(seq, rows)
            seq += 1

    async def _batched(self, node: Node) -> AsyncIterator[Item]:
        size = node.batch_size
        seq = 0
        streams = [edge.batches(size) for edge in node.inputs]
        while True:
            batches = [await anext(stream, None) for stream in streams]
            if all(batch is None for batch in batches):
                return
            lengths = {edge.source: len(batch or []) for edge, batch in zip(node.inputs, batches, strict=True)}
            if len(set(lengths.values())) > 1:
                raise StepError(f"step '{node.name}' joins inputs of different lengths: {lengths} in batch {seq}")
            yield Item(seq, await self._call(node, [batch or [] for batch in batches], seq * size))
            seq += 1

    async def _routed_batches(self, node: Node) -> AsyncIterator[Item]:
        async for item in node.inputs[0].items():
            yield Item(item.seq, await self._call_in_pieces(node, [item.rows]))

    async def _global(self, node: Node) -> AsyncIterator[Item]:
        inputs = [await edge.all_rows() for edge in node.inputs]
        if any(inputs):
            yield Item(0, await self._call(node, inputs, 0))

    async def _converged(self, node: Node) -> AsyncIterator[Item]:
        """Join what the routed branches made of each batch, batch by batch, in the order they were routed."""
        arrived: dict[int, dict[str, list[Row]]] = {}
        merged: asyncio.Queue[tuple[str, Item | None]] = asyncio.Queue()

        async def pump(edge: Edge) -> None:
            async for item in edge.items():
                await merged.put((edge.source, item))
            await merged.put((edge.source, None))

        pumps = [asyncio.create_task(pump(edge)) for edge in node.inputs]
        open_edges, expected, made = len(pumps), 0, 0
        routes = node.upstream.routes if node.upstream else []
        sources = [edge.source for edge in node.inputs]
        try:
            while open_edges:
                source, item = await merged.get()
                if item is None:
                    open_edges -= 1
                    continue
                arrived.setdefault(item.seq, {})[source] = item.rows
                while expected < len(routes):
                    wanted = [name for name in sources if name in routes[expected]]
                    if any(name not in arrived.get(expected, {}) for name in wanted):
                        break
                    branch = arrived.pop(expected, {})
                    expected += 1
                    if wanted:
                        yield Item(made, await self._call_in_pieces(node, [branch[name] for name in wanted]))
                        made += 1
        finally:
            for task in pumps:
                task.cancel()

    async def _call_in_pieces(self, node: Node, inputs: list[list[Row]]) -> list[Row]:
        size = node.step.input_batch_size
        made: list[Row] = []
        for start in range(0, max(map(len, inputs)), size):
            made += await self._call(node, [rows[start : start + size] for rows in inputs], start)
        return made

    async def _call(self, node: Node, inputs: list[list[Row]], start: int) -> list[Row]:
        """Run one batch of a plain or global step in a thread; `start` is the place of its first row."""
        try:
            return await asyncio.to_thread(process, node.step, inputs)
        except CastwrightError:
            raise
        except Exception as error:
            where = await asyncio.to_thread(find_bad_row, node.step, inputs, start)
            raise StepError(explain(node.step, error, where)) from error


async def _routable(made: Edge, size: int | None) -> AsyncIterator[list[Row]]:
    """Yield the batches to route: as the step made them, or of `size` rows where it made single ones."""
    if size is not None:
        async for rows in made.batches(size):
            yield rows
        return
    async for item in made.in_order():
        yield item.rows
