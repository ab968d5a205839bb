"""Which questions a persona is asked: kinds in turn, each kind's in an order drawn from the seed and the persona.

Only as many are drawn as are wanted, so 100,000 personas may pick from a million questions: a shuffle that is not
carried to its end (Fisher and Yates) remembers the few places it has moved. More picks extend fewer ones. (Rejected: a
hash of every question for every persona, which is a sort of all questions each time.)
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from castwright.pipelines.contracts import unit_draw
from castwright.pipelines.inputs import Question

Kinds = Mapping[str, Sequence[Question]]
"""Questions by kind, kinds in alphabetical order and questions in that of their ids."""


def questions_by_kind(questions: Iterable[Question]) -> Kinds:
    """Return questions as `pick_questions` takes them: the order in which they were read does not count."""
    kinds: dict[str, list[Question]] = {}
    for question in sorted(questions, key=lambda question: (question.kind, question.question_id)):
        kinds.setdefault(question.kind, []).append(question)
    return kinds


def pick_questions(kinds: Kinds, count: int, seed: int, key: str) -> list[Question]:
    """Return `count` questions for one persona, kinds in turn, or all there are.

    The kind that comes first is drawn by how many questions it has. Time grows with `count` alone.
    """
    place = unit_draw("first kind", seed, key) * sum(map(len, kinds.values()))
    ends = zip(kinds, accumulate(map(len, kinds.values())), strict=True)
    first = next((kind for kind, end in ends if place < end), "")
    order = sorted(kinds, key=lambda kind: (kind != first, kind))
    streams = [_drawn(kinds[kind], random.Random(unit_draw("questions", seed, key, kind))) for kind in order]
    picked: list[Question] = []
    while streams and len(picked) < count:
        for stream in list(streams):
            question = next(stream, None)
            if question is None:
                streams.remove(stream)
            elif len(picked) < count:
                picked.append(question)
    return picked


def _drawn(questions: Sequence[Question], rng: random.Random) -> Iterator[Question]:
    """Yield the questions in random order, without a copy of them."""
    moved: dict[int, int] = {}
    for place in range(len(questions)):
        other = place + int(rng.random() * (len(questions) - place))
        yield questions[moved.get(other, other)]
        moved[other] = moved.get(place, place)
