"""TRL trains on the exports as they are: one real step of each trainer, from `load_dataset` to changed weights."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, concatenate_datasets, load_dataset
from finished_run import finished_run

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|end|>' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """All rows of the configs that trainers read, by name; splits are joined so that the set is not tiny."""
    run, cache = finished_run(), str(tmp_path_factory.mktemp("trl-cache"))
    configs = {
        "sft": ("sft", "default"),
        "style_pairs": ("style_pairs", "default"),
        "dpo": ("preference_pairs", "dpo"),
        "kto": ("preference_pairs", "kto"),
    }
    return {
        key: concatenate_datasets(
            list(load_dataset(str(run.folder("export") / name), config, cache_dir=cache).values())
        )
        for key, (name, config) in configs.items()
    }


@pytest.fixture(scope="module")
def tokenizer(exported: dict[str, Dataset]) -> Any:
    """A byte-level BPE tokenizer learned from the export, with a chat template."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    learned = ByteLevelBPETokenizer()
    texts = (message["content"] for row in exported["sft"] for message in row["messages"])
    special = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    learned.train_from_iterator(texts, vocab_size=600, special_tokens=special)
    made = PreTrainedTokenizerFast(
        tokenizer_object=learned._tokenizer,
        eos_token="<|end|>",  # noqa: S106 (a token of a vocabulary, no password)
        pad_token="<|pad|>",  # noqa: S106
        extra_special_tokens=special[2:],
    )
    made.chat_template = TEMPLATE
    return made


def tiny_model(tokenizer: Any) -> Any:
    """Return a one-layer Llama with random weights from a fixed seed."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(shape)


def settings(folder: Path) -> dict[str, Any]:
    """Return the arguments that every trainer shares: one step, CPU, nothing written or reported."""
    return {
        "output_dir": str(folder),
        "max_steps": 1,
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "warmup_steps": 0,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "max_length": 2048,
        "seed": 0,
    }


def train_one_step(trainer: Any) -> float:
    """Run the trainer; check that its loss is a number and that its weights moved; return the loss."""
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    result = trainer.train()
    assert result.global_step == 1
    assert math.isfinite(result.training_loss)
    moved = [name for name, weight in trainer.model.named_parameters() if not weight.equal(before[name])]
    assert moved, "no weight changed"
    assert all(weight.isfinite().all() for weight in trainer.model.parameters())
    return float(result.training_loss)


def test_sft_trains_on_the_messages(exported: dict[str, Dataset], tokenizer: Any, tmp_path: Path) -> None:
    """`SFTTrainer` takes the sft export as it is, and its loss starts near that of guessing."""
    from trl import SFTConfig, SFTTrainer

    trainer = SFTTrainer(
        model=tiny_model(tokenizer),
        args=SFTConfig(**settings(tmp_path)),
        train_dataset=exported["sft"].select(range(8)),
        processing_class=tokenizer,
    )
    loss = train_one_step(trainer)
    assert loss == pytest.approx(math.log(len(tokenizer)), rel=0.2)


def test_assistant_only_loss_learns_the_reply_alone(
    exported: dict[str, Dataset], tokenizer: Any, tmp_path: Path
) -> None:
    """With `assistant_only_loss` the labels are all of the assistant's turns, and nothing of card or questions."""
    from trl import SFTConfig, SFTTrainer

    single = exported["sft"].filter(lambda row: row["table"] == "persona_responses").select(range(2))
    talks = exported["sft"].filter(lambda row: [turn["role"] for turn in row["messages"]].count("assistant") > 1)
    rows = concatenate_datasets([single, talks.select(range(2))])
    trainer = SFTTrainer(
        model=tiny_model(tokenizer),
        args=SFTConfig(**settings(tmp_path), assistant_only_loss=True),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    learned = {tokenizer.decode(labels[labels != -100]) for labels in batch["labels"]}
    said = [[turn["content"] for turn in row["messages"] if turn["role"] == "assistant"] for row in rows]
    assert learned == {"".join(f"{text}<|end|>" for text in texts) for texts in said}
    assert max(map(len, said)) > 1
    train_one_step(trainer)


def test_sft_trains_on_style_pairs(exported: dict[str, Dataset], tokenizer: Any, tmp_path: Path) -> None:
    """`SFTTrainer` takes prompt and completion, and learns the completion alone."""
    from trl import SFTConfig, SFTTrainer

    rows = exported["style_pairs"].select(range(4))
    trainer = SFTTrainer(
        model=tiny_model(tokenizer),
        args=SFTConfig(**settings(tmp_path)),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    batch = next(iter(trainer.get_train_dataloader()))
    learned = {tokenizer.decode(labels[labels != -100]).removesuffix("<|end|>") for labels in batch["labels"]}
    assert learned == {row["completion"] for row in rows}
    train_one_step(trainer)


def test_dpo_trains_on_the_pairs(exported: dict[str, Dataset], tokenizer: Any, tmp_path: Path) -> None:
    """`DPOTrainer` takes the dpo config as it is; before any step its loss is log 2."""
    from trl import DPOConfig, DPOTrainer

    trainer = DPOTrainer(
        model=tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=DPOConfig(**settings(tmp_path)),
        train_dataset=exported["dpo"].select(range(4)),
        processing_class=tokenizer,
    )
    assert train_one_step(trainer) == pytest.approx(math.log(2), abs=1e-3)


def test_kto_trains_on_the_labelled_sides(exported: dict[str, Dataset], tokenizer: Any, tmp_path: Path) -> None:
    """`KTOTrainer` takes the kto config as it is; before any step its loss is one half."""
    from trl import KTOConfig, KTOTrainer

    trainer = KTOTrainer(
        model=tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=KTOConfig(**settings(tmp_path)),
        train_dataset=exported["kto"].select(range(8)),
        processing_class=tokenizer,
    )
    assert train_one_step(trainer) == pytest.approx(0.5, abs=1e-3)


def test_kto_takes_its_kl_estimate_from_other_prompts(
    exported: dict[str, Dataset], tokenizer: Any, tmp_path: Path
) -> None:
    """The mismatched completion TRL gives each row within a batch belongs to another pair than the row."""
    from trl import KTOConfig, KTOTrainer

    rows = exported["kto"].select(range(16))
    trainer = KTOTrainer(
        model=tiny_model(tokenizer),
        ref_model=tiny_model(tokenizer),
        args=KTOConfig(**settings(tmp_path)),
        train_dataset=rows,
        processing_class=tokenizer,
    )
    pair_of = [row["row_id"].rsplit("-", 1)[0] for row in rows]
    owner = {tuple(row["completion_ids"]): pair for row, pair in zip(trainer.train_dataset, pair_of, strict=True)}
    mismatched = [owner[tuple(row["KL_completion_ids"])] for row in trainer.train_dataset]
    assert all(own != other for own, other in zip(pair_of, mismatched, strict=True))
