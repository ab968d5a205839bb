"""Training the style rewriter (PSR, NGENT 4.2.1): formal to casual, the loss on the casual side only.

TRL's `SFTTrainer` on prompt-completion data, from a base checkpoint or from scratch. From scratch,
masking (`protect`), prompts of one length (`formats`) and cut-and-joined pairs (`augment`) make a model of
0.4 million parameters useful after a minute on two processor cores. The checkpoint is an ordinary
transformers folder plus `rewriter.json`, written beside its place and renamed into it. Rejected: an own
training loop (a third less time a step at this size, but TRL's masks and settings are known), and evaluation
by n-gram overlap, which punishes every other good rewrite.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from castwright.errors import SourceError
from castwright.generators.rewriter.attested import learn_attested
from castwright.generators.rewriter.augment import Example, align, augmented, plain_example
from castwright.generators.rewriter.config import RewriterTraining
from castwright.generators.rewriter.fit import fit, make_trainer
from castwright.generators.rewriter.formats import (
    FORMAT_FILE,
    Gate,
    MaskedFormat,
    PlainFormat,
    RewriteFormat,
    load_format,
    save_format,
)
from castwright.generators.rewriter.model import Rewriter, load_checkpoint, require_packages
from castwright.generators.rewriter.pairs import (
    MIN_PAIRS,
    StylePair,
    pairs_digest,
    sentence_pairs,
    split_pairs,
)
from castwright.generators.rewriter.quiet import quiet
from castwright.generators.rewriter.tokenizer import build_tokenizer, enough_to_learn, learn_vocabulary

Progress = Callable[[int, int, float], None]
"""Called with (step, steps in all, training loss since the last call)."""

_MOST_REPEATS = 12  # augmented examples per sentence: enough that none is seen often, few enough to prepare


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training did. Losses are nats per token of the casual side; shares are of held-out pairs.

    `held_out_changed` and `held_out_accepted` are None without held-out pairs; a pair is accepted when its
    formal side comes out changed and the gate finds nothing lost. `turns_per_second` is the rewriting rate.
    """

    digest: str
    train_pairs: int
    held_out_pairs: int
    sentences: int
    unusable_sentences: int
    lexicon: int
    parameters: int
    steps: int
    seconds: float
    device: str
    first_loss: float
    last_loss: float
    held_out_loss: float | None
    held_out_changed: float | None
    held_out_accepted: float | None
    turns_per_second: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Material:
    """What goes into the trainer."""

    style: RewriteFormat
    model: Any
    tokenizer: Any
    training: list[Example]
    held_out: list[Example]
    sentences: int
    unusable: int


def train_rewriter(
    pairs: Sequence[StylePair],
    out: Path,
    config: RewriterTraining,
    *,
    progress: Progress | None = None,
    gate: Gate | None = None,
) -> TrainingReport:
    """Train on the pairs, write the checkpoint folder `out` (replacing an older rewriter there), report.

    The same pairs and config give the same weights, byte for byte, on one kind of processor, unless
    `max_seconds` cuts in. `gate` is `castwright.filters.preservation.lost_content` or alike.

    Raises:
        SourceError: too few pairs, or `out` is a folder of something else.
        ModelError: the base cannot be loaded, or the packages of `castwright[train]` are missing.
    """
    training, held_out = split_pairs(pairs, config.held_out)
    _check_place(out)
    require_packages()
    import datasets  # noqa: F401 (loaded first, so that `quiet` finds its bars)
    import torch

    started = time.perf_counter()
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with quiet():
            material = _prepare(training, held_out, config, device)
            steps = config.steps_for(len(training))
            trainer = make_trainer(
                material.model,
                material.tokenizer,
                material.training,
                material.held_out,
                config,
                steps=steps,
                device=device,
                folder=folder / "trainer",
            )
            losses, held_out_loss = fit(trainer, steps=steps, max_seconds=config.max_seconds, progress=progress)
            rewriter = Rewriter(material.model, material.tokenizer, material.style, gate=gate)
            scores = _scores(rewriter, held_out, gate)
            report = TrainingReport(
                digest=pairs_digest(pairs),
                train_pairs=len(training),
                held_out_pairs=len(held_out),
                sentences=material.sentences,
                unusable_sentences=material.unusable,
                lexicon=len(material.style.vocabulary.lexicon) if isinstance(material.style, MaskedFormat) else 0,
                parameters=material.model.num_parameters(),
                steps=losses[-1][0],
                seconds=round(time.perf_counter() - started, 2),
                device=device,
                first_loss=losses[0][1],
                last_loss=losses[-1][1],
                held_out_loss=held_out_loss,
                **scores,
            )
            _save(folder / "checkpoint", material, config, report)
        _put(folder / "checkpoint", out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _prepare(
    training: Sequence[StylePair], held_out: Sequence[StylePair], config: RewriterTraining, device: str
) -> _Material:
    """Return model, tokenizer and examples: from scratch, or on a base."""
    import torch
    from transformers import set_seed

    set_seed(config.seed)
    sentences, held = sentence_pairs(training), sentence_pairs(held_out)
    if config.base is None:
        vocabulary = learn_vocabulary(sentences)
        attested = learn_attested(sentences, vocabulary, enough=enough_to_learn(len(sentences)))
        style: RewriteFormat = MaskedFormat(vocabulary, attested, config.prompt_words)
        model, tokenizer = _new_model(style, config)
    else:
        model, tokenizer = load_checkpoint(config.base, torch.bfloat16 if device == "cuda" else torch.float32)
        again = (Path(config.base) / FORMAT_FILE).exists()
        style = load_format(Path(config.base))[0] if again else PlainFormat()
    if isinstance(style, PlainFormat):
        examples = [_plain_text(pair, style) for pair in sentences]
        return _Material(style, model, tokenizer, examples, [_plain_text(p, style) for p in held], len(sentences), 0)
    found = [align(formal, casual, style.vocabulary) for formal, casual in sentences]
    aligned = [segments for segments in found if segments]
    if len(aligned) < MIN_PAIRS:
        raise SourceError(
            f"only {len(aligned)} of {len(sentences)} sentences of the style pairs keep their content (every "
            f"name and rare word of one side on the other): at least {MIN_PAIRS} are needed; check both sides"
        )
    count = min(config.steps_for(len(training)) * config.batch_size, _MOST_REPEATS * len(aligned))
    held_aligned = [segments for pair in held if (segments := align(*pair, style.vocabulary))]
    held_examples = [example for segments in held_aligned if (example := plain_example(segments, style))]
    examples = augmented(aligned, style, count, config.seed)
    unusable = len(sentences) - len(aligned)
    return _Material(style, model, tokenizer, examples, held_examples, len(sentences), unusable)


def _new_model(style: RewriteFormat, config: RewriterTraining) -> tuple[Any, Any]:
    from transformers import LlamaConfig, LlamaForCausalLM

    assert isinstance(style, MaskedFormat)  # noqa: S101 (only this format is trained from scratch)
    tokenizer = build_tokenizer(style.vocabulary)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.width,
        intermediate_size=2 * config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        max_position_embeddings=config.max_length,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    return LlamaForCausalLM(shape), tokenizer


def _plain_text(pair: tuple[str, str], style: PlainFormat) -> Example:
    return {"prompt": style.prompt(pair[0]), "completion": style.completion(pair[1])}


def _scores(rewriter: Rewriter, held_out: Sequence[StylePair], gate: Gate | None) -> dict[str, float | None]:
    """Return the shares of held-out pairs whose formal side comes out changed, and nothing lost."""
    if not held_out:
        return {"held_out_changed": None, "held_out_accepted": None, "turns_per_second": None}
    formal = [pair.formal for pair in held_out]
    started = time.perf_counter()
    casual = rewriter.rewrite(formal)
    seconds = time.perf_counter() - started
    changed = [(before, after) for before, after in zip(formal, casual, strict=True) if before != after]
    kept = [pair for pair in changed if gate is None or gate(*pair) is None]
    return {
        "held_out_changed": round(len(changed) / len(formal), 4),
        "held_out_accepted": round(len(kept) / len(formal), 4),
        "turns_per_second": round(len(formal) / max(seconds, 1e-9), 1),
    }


def _save(folder: Path, material: _Material, config: RewriterTraining, report: TrainingReport) -> None:
    material.model.save_pretrained(folder)
    material.tokenizer.save_pretrained(folder)
    # the clock stays out: the same training is the same checkpoint, byte for byte
    kept = {name: value for name, value in report.as_dict().items() if name not in ("seconds", "turns_per_second")}
    save_format(folder, material.style, {"config": config.model_dump(mode="json"), "report": kept})


def _check_place(out: Path) -> None:
    """Refuse to replace a folder that is not an older rewriter."""
    if out.exists() and not (out.is_dir() and ((out / FORMAT_FILE).exists() or not any(out.iterdir()))):
        raise SourceError(f"{out} exists and is not a style rewriter: give another place, or remove it first")


def _put(folder: Path, out: Path) -> None:
    """Rename the finished folder into its place; the older one goes only then."""
    old = folder.with_name("replaced")
    if out.exists():
        out.rename(old)
    folder.rename(out)
