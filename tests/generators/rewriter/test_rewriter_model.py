"""Inference: sentences out, casual sentences in, the rest untouched (with a stand-in for the network)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from castwright.errors import ModelError
from castwright.generators.rewriter.attested import learn_attested
from castwright.generators.rewriter.formats import MaskedFormat, PlainFormat, load_format, save_format
from castwright.generators.rewriter.model import Rewriter
from castwright.generators.rewriter.tokenizer import build_tokenizer, learn_vocabulary

SENTENCES = [
    ("It is bread.", "it's bread"),
    ("I am not certain.", "I'm not sure"),
    ("You are certain?", "you sure?"),
    ("I do not like it.", "I don't like it."),
]
SWAPS = {"is": "'s", "am": "'m", "certain": "sure", "not": "n't"}


class StandIn:
    """Answers every prompt by a function of its words, as sure as told; counts its calls."""

    device = "cpu"

    def __init__(self, tokenizer: Any, answer: Callable[[list[str]], list[str]], certainty: float) -> None:
        self.tokenizer, self.answer, self.certainty = tokenizer, answer, certainty
        self.batches: list[int] = []

    def eval(self) -> StandIn:
        return self

    def parameters(self) -> list[Any]:
        return []

    def generate(self, input_ids: Any, max_new_tokens: int, pad_token_id: int, **_: Any) -> Any:
        import torch

        self.batches.append(len(input_ids))
        answers = []
        for row in input_ids.tolist():
            words = [w for w in self.tokenizer.convert_ids_to_tokens(row) if w not in ("<blank>", "<casual>", "<pad>")]
            ids = self.tokenizer.convert_tokens_to_ids(self.answer(words))[: max_new_tokens - 1]
            answers.append([*ids, self.tokenizer.eos_token_id])
        longest = max(map(len, answers))
        written = torch.tensor([ids + [pad_token_id] * (longest - len(ids)) for ids in answers])
        rest = torch.log(torch.tensor((1 - self.certainty) / (len(self.tokenizer) - 1)))
        logits = torch.full((len(answers), longest, len(self.tokenizer)), float(rest))
        logits.scatter_(2, written.unsqueeze(2), float(torch.log(torch.tensor(self.certainty))))
        return SimpleNamespace(sequences=torch.cat([input_ids, written], 1), logits=logits.unbind(1))


def swapped(words: list[str]) -> list[str]:
    return [SWAPS.get(word, word) for word in words if word != "<^>"]


def rewriter(
    answer: Callable[[list[str]], list[str]] = swapped, certainty: float = 0.9, **options: Any
) -> tuple[Rewriter, StandIn]:
    vocabulary = learn_vocabulary(SENTENCES)
    style = MaskedFormat(vocabulary, learn_attested(SENTENCES, vocabulary), 12)
    tokenizer = build_tokenizer(vocabulary)
    model = StandIn(tokenizer, answer, certainty)
    return Rewriter(model, tokenizer, style, **options), model


@pytest.mark.parametrize(
    ("text", "result"),
    [
        pytest.param("It is Paris.", "it's Paris.", id="a name it never saw"),
        pytest.param("It is 12 km.", "it's 12 km.", id="a number"),
        pytest.param("It is late. It is https://a.org/b.", "it's late. it's https://a.org/b.", id="two sentences"),
        pytest.param("It is\n\nIt is", "it's\n\nit's", id="paragraphs stay apart"),
        pytest.param("```\nIt is code.\n```", "```\nIt is code.\n```", id="fenced code"),
        pytest.param("", "", id="nothing"),
        pytest.param("  It is.  ", "  It is.  ", id="outer spaces are not rebuilt, so it stays"),
        pytest.param("It is" + " x" * 12, "It is" + " x" * 12, id="a sentence longer than the prompt"),
    ],
)
def test_texts_are_rewritten_sentence_by_sentence(text: str, result: str) -> None:
    """Known words change, masked ones come back, and what cannot be asked stays."""
    assert rewriter()[0].rewrite([text]) == [result]


def test_order_is_kept_and_equal_sentences_are_asked_once() -> None:
    """Batches are made by length, results come back in the order of the texts."""
    made, model = rewriter()
    texts = ["It is a very long day in Leeds.", "It is.", "It is. It is late.", "It is."]
    assert made.rewrite(texts, batch_size=2) == [
        "it's a very long day in Leeds.",
        "it's.",
        "it's. it's late.",
        "it's.",
    ]
    assert model.batches == [2, 1]


def test_an_unsure_model_changes_nothing() -> None:
    """Below the format's confidence the sentence stays."""
    assert rewriter(certainty=0.2)[0].rewrite(["It is late."]) == ["It is late."]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda words: [w for w in swapped(words) if w != "<0>"], id="a lost word"),
        pytest.param(lambda words: [*swapped(words), "<0>"], id="a doubled word"),
        pytest.param(lambda words: ["<7>" if w == "<0>" else w for w in swapped(words)], id="a word from nowhere"),
        pytest.param(lambda words: ["sure" if w == "is" else w for w in words], id="an edit nobody made"),
        pytest.param(lambda _words: [], id="an empty answer"),
    ],
)
def test_an_answer_that_cannot_be_right_changes_nothing(answer: Callable[[list[str]], list[str]]) -> None:
    """Lost, doubled, foreign and swapped words leave the sentence as it was."""
    assert rewriter(answer)[0].rewrite(["It is Paris."]) == ["It is Paris."]


def test_the_gate_has_the_last_word_on_each_sentence() -> None:
    """A sentence the gate refuses stays; its neighbour is rewritten."""
    made, _ = rewriter(gate=lambda before, _after: "no" if "Paris" in before else None)
    assert made.rewrite(["It is Paris. It is late."]) == ["it is Paris. it's late."]


def test_formats_come_back_as_they_were_saved(tmp_path: Path) -> None:
    """Both formats and the training notes survive the file."""
    vocabulary = learn_vocabulary(SENTENCES)
    for style in (
        MaskedFormat(vocabulary, learn_attested(SENTENCES, vocabulary), 12),
        PlainFormat("X {text}:", 0.1),
    ):
        save_format(tmp_path, style, {"steps": 3})
        assert load_format(tmp_path) == (style, {"steps": 3})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, "holds no style rewriter", id="no file"),
        pytest.param("{", "is not a rewriter of version 1", id="broken json"),
        pytest.param(json.dumps({"version": 2, "training": {}}), "version 2", id="a later version"),
        pytest.param(json.dumps({"version": 1, "format": "odd", "training": {}}), "format 'odd'", id="another format"),
        pytest.param("[]", "is not a rewriter", id="no mapping"),
    ],
)
def test_a_folder_without_a_rewriter_is_a_clear_error(tmp_path: Path, content: str | None, message: str) -> None:
    """The path and the remedy stand in the message."""
    if content is not None:
        (tmp_path / "rewriter.json").write_text(content)
    with pytest.raises(ModelError, match=message) as caught:
        Rewriter.load(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "train-rewriter" in str(caught.value)


def test_small_models_get_one_thread_for_as_long_as_they_work() -> None:
    """The number of threads is as before afterwards, and a big model's is never touched."""
    import torch

    from castwright.generators.rewriter.threads import SMALL, threads_for

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for size, threads in ((10, 1), (SMALL, 2)):
            weights = SimpleNamespace(numel=lambda size=size: size)
            with threads_for(SimpleNamespace(parameters=lambda weights=weights: [weights])):
                assert torch.get_num_threads() == threads
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_plain_prompts_are_read_to_their_first_line() -> None:
    """A bigger base may go on talking; only its first line counts."""
    style = PlainFormat()
    asked = style.ask("It is late.")
    assert asked is not None
    assert "It is late." in asked.prompt
    assert style.read(asked, " it's late\nFormal: more", 1.0) == "it's late"
    assert style.read(asked, " \n ", 1.0) is None
    assert style.ask("  ") is None
