"""Stage 5: SFT (q, a) x cards -> (q, a^p), verified to say the same -> D_c (NGENT 4.2.1, contrastive dataset).

A question's split is drawn first and its personas are taken from that split, so that neither a question nor a
persona stands on both sides.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from distilabel.models.llms.base import LLM
from distilabel.pipeline import Pipeline

from castwright.errors import BadRecord
from castwright.filters.answer_check import VerifyAnswer
from castwright.generators.persona_answer import PersonaAnswer
from castwright.personas.card import PersonaCard
from castwright.pipelines.contracts import row_digest, unit_draw
from castwright.pipelines.inputs import read_sft, take
from castwright.pipelines.load import LoadRows
from castwright.pipelines.persona_responses import chat_messages
from castwright.pipelines.stage import Context, Demand, ExpectedRows, Stage
from castwright.pipelines.streams import Row


def contrastive_pairs(
    rows: Sequence[Row],
    *,
    personas: Path | str,
    llm: LLM,
    embeddings: str = "offline",
    min_similarity: float = 0.55,
) -> Pipeline:
    """Return the graph that puts SFT answers into a persona's words and verifies that they say the same.

    `rows` hold `persona_id`, `question` and `answer`; `persona_answer`, the check and a verdict come out.
    """
    with Pipeline(name="contrastive-pairs") as pipeline:
        load = LoadRows(rows=list(rows))
        restate = PersonaAnswer(name="persona_answer", llm=llm, personas=str(personas))
        verify = VerifyAnswer(name="verify_answer", embeddings=embeddings, min_similarity=min_similarity)
        load >> restate >> verify
    return pipeline


def by_kind(cards: Iterable[PersonaCard]) -> dict[str, list[PersonaCard]]:
    """Return the cards grouped by kind, in their order."""
    groups: dict[str, list[PersonaCard]] = defaultdict(list)
    for card in cards:
        groups[card.kind].append(card)
    return dict(groups)


def balanced_personas(
    groups: Mapping[str, Sequence[PersonaCard]], count: int, seed: int, key: str
) -> list[PersonaCard]:
    """Return `count` different cards for one question (all, where there are fewer).

    Kinds are taken in turn, in an order drawn from the seed and the question; a kind that is used up is passed
    over. `groups` come from `by_kind`, made once for all questions: at 100,000 cards that is most of the work.
    """
    kinds = sorted(groups, key=lambda kind: unit_draw("kind", seed, key, kind))
    taken: dict[str, set[int]] = {kind: set() for kind in kinds}
    wanted = min(count, sum(map(len, groups.values())))
    chosen: list[PersonaCard] = []
    for turn in range(wanted * max(len(kinds), 1)):
        if len(chosen) == wanted:
            break
        kind = kinds[turn % len(kinds)]
        size = len(groups[kind])
        if len(taken[kind]) == size:
            continue
        place = int(unit_draw("persona", seed, key, turn) * size)
        while place in taken[kind]:
            place = (place + 1) % size
        taken[kind].add(place)
        chosen.append(groups[kind][place])
    return chosen


def _prepare(context: Context) -> Iterator[Row | BadRecord]:
    recipe = context.recipe
    by_split: dict[str, list[PersonaCard]] = defaultdict(list)
    for card in context.cards.values():
        by_split[context.split(card.persona_id)].append(card)
    groups = {split: by_kind(members) for split, members in by_split.items()}
    seen: set[str] = set()
    for pair in take(read_sft(recipe.sft), context.limit):
        if isinstance(pair, BadRecord):
            yield pair
            continue
        if pair.question in seen:
            yield BadRecord(pair.place, "the same question was read before", pair.question[:200])
            continue
        seen.add(pair.question)
        split = context.split(pair.question)
        split = split if split in groups else "train"
        if split not in groups:
            yield BadRecord(pair.place, f"no persona is in the split {split!r}: make more of them", pair.question[:200])
            continue
        count = recipe.contrastive_pairs.per_question
        for card in balanced_personas(groups.get(split, {}), count, recipe.seed, pair.question):
            yield {
                "row_id": row_digest("contrastive_pair", card.persona_id, pair.question, pair.answer),
                "pair_id": row_digest("pair", pair.question, pair.answer),
                "persona_id": card.persona_id,
                "question": pair.question,
                "answer": pair.answer,
                "sft_source": pair.place,
                "split": split,
                "verdict": "keep",
                "filter": "",
                "reason": "",
            }


def _expected_rows(context: Context) -> ExpectedRows:
    """Return the rows of a full run: which questions are in which split is known, how many cards are is drawn."""
    recipe = context.recipe
    pairs = (pair for pair in read_sft(recipe.sft) if not isinstance(pair, BadRecord))
    questions = Counter(context.split(question) for question in {pair.question for pair in pairs})
    shares = {"test": recipe.export.test, "validation": recipe.export.validation}
    shares["train"] = max(0.0, 1.0 - sum(shares.values()))
    count = recipe.contrastive_pairs.per_question

    def rows(kept: Mapping[str, float]) -> float:
        cards = round(kept["persona_cards"])
        spare = {split: 0.0 if split == "train" else shares["train"] for split in shares}
        each = {split: expected_personas(cards, shares[split], count, spare=spare[split]) for split in shares}
        return round(sum(number * each[split] for split, number in questions.items()), 6)

    return rows


def expected_personas(cards: int, share: float, count: int, *, spare: float) -> float:
    """Return how many of `cards` answer a question: those in its split, at most `count`.

    Each card is in the split with probability `share`, so their number is binomial; where there is none, the split
    with the share `spare` is taken.
    """
    if share >= 1.0:
        return float(min(count, cards))
    chance = none = (1.0 - share) ** cards
    mean, left = 0.0, 1.0
    for number in range(min(count, cards + 1)):
        mean, left = mean + number * chance, left - chance
        chance *= (cards - number) / (number + 1) * share / (1.0 - share)
    return mean + max(left, 0.0) * count + (none * min(count, cards) if spare > 0 else 0.0)


def _graph(context: Context, rows: list[Row]) -> Pipeline:
    return contrastive_pairs(
        rows,
        personas=context.folder("persona_cards"),
        llm=context.llm("contrastive_pairs"),
        embeddings=context.recipe.embeddings,
        min_similarity=context.recipe.contrastive_pairs.min_similarity,
    )


def _finish(context: Context, row: Row) -> Row:
    card = context.cards[row["persona_id"]]
    return {
        **row,
        "parents": [row["persona_id"], row["sft_source"]],
        "check": json.loads(row["check"]),
        "messages": chat_messages(card, row["question"], row["persona_answer"]),
    }


STAGE = Stage(
    name="contrastive_pairs",
    table="contrastive_pairs",
    needs=("persona_cards",),
    reads=("sft", "contrastive_pairs", "embeddings", "seed", "export.validation", "export.test"),
    sources=("sft",),
    prompts=("persona_answer",),
    calls_model=True,
    demand=Demand(_expected_rows),
    embeds=True,
    prepare=_prepare,
    graph=_graph,
    finish=_finish,
)
