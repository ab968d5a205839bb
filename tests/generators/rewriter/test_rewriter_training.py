"""Training the rewriter at a tiny scale: reproducible, quiet, loss on the casual side only."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from castwright.errors import ModelError, SourceError
from castwright.generators.rewriter import (
    Rewriter,
    RewriterTraining,
    StylePair,
    TrainingReport,
    train_rewriter,
)
from castwright.generators.rewriter.fit import make_trainer

TINY = RewriterTraining(width=32, layers=1, heads=2, max_steps=24, batch_size=16, prompt_words=16, learning_rate=1e-2)
THINGS = ("bread", "the boat", "my piano", "a garden", "old maps", "the choir", "her lamp", "good tea")
TEMPLATES = (
    ("It is {}.", "it's {}"),
    ("I do not like {}.", "i don't like {}"),
    ("I am going to see {}.", "i'm gonna see {}"),
    ("You are certainly right about {}.", "yeah you're right about {}"),
    ("We have {}, and that is excellent.", "we've got {}, and that's great"),
)
PAIRS = [
    StylePair(formal.format(thing), casual.format(thing), "test" if thing == "good tea" else "train")
    for thing in THINGS
    for formal, casual in TEMPLATES
]


def nothing_but_length(before: str, after: str) -> str | None:
    return "too long" if len(after) > 2 * len(before) else None


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, TrainingReport, list[tuple[int, int, float]]]:
    """A tiny rewriter, its report and the progress that was told."""
    out = tmp_path_factory.mktemp("rewriter") / "checkpoint"
    told: list[tuple[int, int, float]] = []
    report = train_rewriter(PAIRS, out, TINY, progress=lambda *step: told.append(step), gate=nothing_but_length)
    return out, report, told


def test_the_same_pairs_and_config_give_the_same_weights(trained: tuple[Path, object, object], tmp_path: Path) -> None:
    """Two trainings write byte-identical weights and formats; another seed does not."""
    again, other = tmp_path / "again", tmp_path / "other"
    train_rewriter(PAIRS, again, TINY)
    train_rewriter(PAIRS, other, TINY.model_copy(update={"seed": 1, "max_steps": 2}))
    weights = (trained[0] / "model.safetensors").read_bytes()
    assert (again / "model.safetensors").read_bytes() == weights
    assert (other / "model.safetensors").read_bytes() != weights
    assert (again / "tokenizer.json").read_bytes() == (trained[0] / "tokenizer.json").read_bytes()


def test_the_loss_goes_down(trained: tuple[Path, TrainingReport, object]) -> None:
    """Even two dozen steps learn something."""
    report = trained[1]
    assert report.last_loss < 0.85 * report.first_loss
    assert report.held_out_loss is not None
    assert report.held_out_loss < report.first_loss


def test_the_report_counts_what_was_trained_on(trained: tuple[Path, TrainingReport, object]) -> None:
    """Pairs, held-out pairs, sentences and steps are as given; shares are shares."""
    report = trained[1]
    assert (report.train_pairs, report.held_out_pairs, report.steps) == (35, 5, 24)
    assert (report.sentences, report.unusable_sentences) == (35, 0)
    assert report.lexicon > 0
    assert 0 <= (report.held_out_accepted or 0) <= (report.held_out_changed or 0) <= 1
    assert json.loads(json.dumps(report.as_dict()))["train_pairs"] == 35


def test_progress_is_told_step_by_step(trained: tuple[Path, object, list[tuple[int, int, float]]]) -> None:
    """Steps rise to the last one, with their loss."""
    told = trained[2]
    assert [step for step, _, _ in told] == sorted({step for step, _, _ in told})
    assert told[-1][:2] == (24, 24)
    assert all(loss > 0 for _, _, loss in told)


def test_the_checkpoint_is_an_ordinary_transformers_folder(trained: tuple[Path, object, object]) -> None:
    """The auto classes load model and tokenizer, and every word of a pair has a token."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(trained[0])
    model = AutoModelForCausalLM.from_pretrained(trained[0])
    assert model.config.vocab_size == len(tokenizer)
    ids = tokenizer("i 'm gonna <0>")["input_ids"]
    assert len(ids) == 4
    assert tokenizer.unk_token_id not in ids


def test_nothing_of_the_training_is_left_beside_the_checkpoint(trained: tuple[Path, object, object]) -> None:
    """The temporary folder is gone and the trainer's files are not in the checkpoint."""
    assert [path.name for path in trained[0].parent.iterdir()] == ["checkpoint"]
    assert not list(trained[0].glob("*.bin"))


def test_prompt_tokens_carry_no_loss(tmp_path: Path) -> None:
    """Labels are -100 on the prompt and the padding, and the tokens themselves on the casual side."""
    from transformers import LlamaConfig, LlamaForCausalLM

    from castwright.generators.rewriter.attested import learn_attested
    from castwright.generators.rewriter.formats import MaskedFormat
    from castwright.generators.rewriter.tokenizer import build_tokenizer, learn_vocabulary

    sentences = [(pair.formal, pair.casual) for pair in PAIRS]
    vocabulary = learn_vocabulary(sentences)
    style = MaskedFormat(vocabulary, learn_attested(sentences, vocabulary), 16)
    tokenizer = build_tokenizer(vocabulary)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=1,
        )
    )
    examples = [{"prompt": style.prompt("it is <0>"), "completion": style.completion("it 's <0>")}] * 2
    trainer = make_trainer(model, tokenizer, examples, [], TINY, steps=1, device="cpu", folder=tmp_path)
    batch = next(iter(trainer.get_train_dataloader()))
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    kept = labels != -100
    assert tokenizer.convert_ids_to_tokens(ids[kept]) == ["it", "'s", "<0>", "<end>"]
    assert int((~kept).sum()) == 17
    assert labels[kept].tolist() == ids[kept].tolist()


def test_a_base_checkpoint_is_trained_in_plain_text(tmp_path: Path) -> None:
    """A base with its own tokenizer keeps it, and the rewriter reads the saved prompt format."""
    base = plain_base(tmp_path / "base")
    out = tmp_path / "tuned"
    report = train_rewriter(PAIRS, out, RewriterTraining(base=str(base), max_steps=2, batch_size=4, learning_rate=1e-3))
    assert (report.lexicon, report.unusable_sentences, report.steps) == (0, 0, 2)
    assert json.loads((out / "rewriter.json").read_text())["format"] == "plain"
    texts = ["It is bread. I do not like old maps.", ""]
    rewritten = Rewriter.load(out, "cpu", gate=lambda _before, _after: "not convinced").rewrite(texts)
    assert rewritten == texts


def plain_base(folder: Path) -> Path:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    bytes_of_text = ByteLevelBPETokenizer()
    bytes_of_text.train_from_iterator([pair.formal for pair in PAIRS], vocab_size=300, special_tokens=["<end>"])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_of_text._tokenizer, eos_token="<end>")  # noqa: S106 (a token, no password)
    tokenizer.save_pretrained(folder)
    shape = LlamaConfig(
        vocab_size=300, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=1
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    return folder


def test_a_trained_rewriter_can_be_the_base(trained: tuple[Path, object, object], tmp_path: Path) -> None:
    """Training goes on with the words and the format of the checkpoint."""
    out = tmp_path / "further"
    report = train_rewriter(PAIRS, out, TINY.model_copy(update={"base": str(trained[0]), "max_steps": 1}))
    assert report.lexicon == trained[1].lexicon  # type: ignore[attr-defined]
    assert report.first_loss < trained[1].first_loss  # type: ignore[attr-defined]


def test_a_deadline_stops_the_training(tmp_path: Path) -> None:
    """`max_seconds` ends it early, with a checkpoint that loads."""
    config = TINY.model_copy(update={"max_steps": 100_000, "max_seconds": 0.2})
    report = train_rewriter(PAIRS, tmp_path / "early", config)
    assert report.steps < 100_000
    assert Rewriter.load(tmp_path / "early", "cpu").rewrite(["It is bread."])


def test_an_older_rewriter_is_replaced_and_other_folders_are_not(tmp_path: Path) -> None:
    """A folder that is no rewriter is left alone, with an error that names it."""
    other = tmp_path / "notes"
    other.mkdir()
    (other / "diary.txt").write_text("mine")
    with pytest.raises(SourceError, match=r"notes exists and is not a style rewriter"):
        train_rewriter(PAIRS, other, TINY)
    assert (other / "diary.txt").read_text() == "mine"
    older = tmp_path / "older"
    older.mkdir()
    (older / "rewriter.json").write_text("{}")
    train_rewriter(PAIRS, older, TINY.model_copy(update={"max_steps": 1}))
    assert (older / "model.safetensors").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "older"]


@pytest.mark.parametrize("pairs", [pytest.param([], id="no pairs"), pytest.param(PAIRS[:10], id="ten pairs")])
def test_too_few_pairs_are_an_error_with_a_remedy(pairs: list[StylePair], tmp_path: Path) -> None:
    """Nothing is written and the message says how many are needed."""
    with pytest.raises(SourceError, match="at least 20"):
        train_rewriter(pairs, tmp_path / "out", TINY)
    assert not list(tmp_path.iterdir())


def test_pairs_without_common_content_are_an_error(tmp_path: Path) -> None:
    """Where the two sides of the pairs share no words, there is nothing to learn to keep."""
    digits = [StylePair(f"It costs {n}.", f"it costs {n + 1000}", "train") for n in range(30)]
    with pytest.raises(SourceError, match="only 0 of 30 sentences"):
        train_rewriter(digits, tmp_path / "out", TINY)
    assert not list(tmp_path.iterdir())


def test_a_base_that_is_not_there_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    """The path is named, and leaving `base` out is offered."""
    config = TINY.model_copy(update={"base": str(tmp_path / "nowhere")})
    with pytest.raises(ModelError, match=r"nowhere.*leave `base` out"):
        train_rewriter(PAIRS, tmp_path / "out", config)


def test_missing_packages_are_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packages and the extra that brings them are named."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "trl" else real(name, *rest))
    with pytest.raises(ModelError, match=r"needs trl.*pip install 'castwright\[train\]'"):
        train_rewriter(PAIRS, tmp_path / "out", TINY)


def test_importing_the_rewriter_loads_no_model_library() -> None:
    """torch and its kin come with a training or a model, not with an import."""
    code = (
        "import sys, castwright.generators.rewriter as r; r.train_rewriter; r.Rewriter; r.StylePair; "
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert shown.stdout.strip() == "[]"


def test_steps_grow_with_the_pairs() -> None:
    """Steps follow the root of the number of pairs; a setting wins; a base counts epochs."""
    config = RewriterTraining()
    assert config.steps_for(20) == 300
    assert config.steps_for(640) < config.steps_for(20_000) <= 16_000
    assert RewriterTraining(max_steps=7).steps_for(640) == 7
    assert RewriterTraining(base="x", batch_size=32).steps_for(640) == 60


def test_heads_must_divide_the_width() -> None:
    """A shape that no model has is refused when the settings are read."""
    with pytest.raises(ValueError, match="multiple of twice heads"):
        RewriterTraining(width=100, heads=3)


def test_training_and_loading_say_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No bars, no logs, no warnings reach the terminal."""
    train_rewriter(PAIRS, tmp_path / "out", TINY.model_copy(update={"max_steps": 1}))
    Rewriter.load(tmp_path / "out", "cpu").rewrite(["It is bread."])
    assert capfd.readouterr() == ("", "")
