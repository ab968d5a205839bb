"""The local model on a checkpoint of a few thousand weights, made here."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from castwright.errors import ModelError
from castwright.generators.calls.account import Account
from castwright.generators.calls.journal import Journal
from castwright.generators.models.config import TransformersModel
from castwright.generators.models.transformers import LocalTransformersLLM, left_pad, prompt_ids

pytest.importorskip("torch")
pytest.importorskip("transformers")

LINES = [
    "The harbour lies behind the old mill, where the boats are mended.",
    "Ask the baker; she knows every street and every quarrel in this town.",
    "When the bell rings twice the market opens, and the geese run free.",
]
NUMBERS = itertools.count()
CHAT_TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant:{% endif %}"
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama with two tiny layers and a tokenizer trained on three lines."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(LINES, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")  # noqa: S106
    folder = tmp_path_factory.mktemp("tiny")
    fast.save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        # Wide weights, so that the largest logit stands clear of the second and does not hang on float noise.
        initializer_range=0.5,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def model_of(checkpoint: Path, *, journal: str | None = None, **fields: Any) -> LocalTransformersLLM:
    """A model with a journal of its own, if no other is named: what it says it has to work out."""
    account = Account(journal=journal or str(checkpoint.parent / f"{next(NUMBERS)}.db"))
    given = {"model": str(checkpoint), "device": "cpu", "max_tokens": 12, "allow_truncated": True, **fields}
    return LocalTransformersLLM(block=TransformersModel(**given), account=account)


def ask(llm: LocalTransformersLLM, prompts: list[str], **arguments: Any) -> list[dict[str, Any]]:
    """All prompts at once, in one loop."""

    async def all_of_them() -> list[dict[str, Any]]:
        calls = (llm.agenerate([{"role": "user", "content": prompt}], **arguments) for prompt in prompts)
        return list(await asyncio.gather(*calls))

    llm.load()
    try:
        return asyncio.run(all_of_them())
    finally:
        llm.unload()


def texts(outputs: list[dict[str, Any]]) -> list[str]:
    return [output["generations"][0] for output in outputs]


PROMPTS = [
    "Where?",
    LINES[0] + " " + LINES[1],
    "Ask the baker",
    LINES[2],
    "geese",
    LINES[0] * 2,
    "The",
    "bell " * 20,
]


def test_the_batch_does_not_change_greedy_replies(checkpoint: Path) -> None:
    """Alone, in pairs and all together, padded or not, every prompt gets the same text."""
    together = texts(ask(model_of(checkpoint, batch_size=8), PROMPTS))
    assert texts(ask(model_of(checkpoint, batch_size=2), PROMPTS)) == together
    assert [texts(ask(model_of(checkpoint, batch_size=1), [prompt]))[0] for prompt in PROMPTS] == together
    assert len(set(together)) > 4


def test_greedy_replies_are_what_transformers_itself_says(checkpoint: Path) -> None:
    """The same checkpoint driven by hand, one prompt at a time, without any padding."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    expected = []
    for prompt in PROMPTS:
        ids = torch.tensor([tokenizer(f"{prompt}\n\n")["input_ids"]])
        with torch.inference_mode():
            for _ in range(12):
                last = model(ids).logits[0, -1].argmax()
                ids = torch.cat([ids, last.view(1, 1)], dim=1)
                if int(last) == 1:
                    break
        start = len(tokenizer(f"{prompt}\n\n")["input_ids"])
        expected.append(tokenizer.decode(ids[0, start:], skip_special_tokens=True).strip())
    assert texts(ask(model_of(checkpoint), PROMPTS)) == expected


def test_a_sample_depends_on_its_own_seed_and_not_on_its_neighbours(checkpoint: Path) -> None:
    """Sampled replies repeat, whoever else is in the batch; another sample index gives another reply."""
    warm: dict[str, Any] = {"temperature": 1.5}
    together = texts(ask(model_of(checkpoint, **warm, batch_size=8), PROMPTS, sample=1))
    alone = [texts(ask(model_of(checkpoint, **warm, batch_size=1), [prompt], sample=1))[0] for prompt in PROMPTS]
    assert alone == together
    assert texts(ask(model_of(checkpoint, **warm), PROMPTS, sample=2)) != together
    assert texts(ask(model_of(checkpoint), PROMPTS)) != together


def test_sampling_follows_the_softmax(checkpoint: Path) -> None:
    """Over 2,000 seeds the noisy maximum falls as often as the softmax says, within 4 points."""
    import torch

    from castwright.generators.models.transformers import _gumbel_noise

    logits, temperature = torch.tensor([2.0, 1.0, 0.0, -1.0]), 0.7
    draws = _gumbel_noise(list(range(2000)), temperature, "cpu")(None, logits.expand(2000, 4)).argmax(dim=1)
    shares = torch.bincount(draws, minlength=4) / 2000
    assert torch.allclose(shares, torch.softmax(logits / temperature, 0), atol=0.04)


def test_several_generations_are_consecutive_samples(checkpoint: Path) -> None:
    """`num_generations` 3 from sample 5 is samples 5, 6 and 7."""
    three = ask(model_of(checkpoint, temperature=1.0), ["Where?"], num_generations=3, sample=5)[0]
    singles = [texts(ask(model_of(checkpoint, temperature=1.0), ["Where?"], sample=5 + i))[0] for i in range(3)]
    assert three["generations"] == singles
    assert three["failure"] == [None] * 3


def test_tokens_are_counted_and_a_cut_reply_is_a_failure_unless_allowed(checkpoint: Path) -> None:
    """A reply that reaches `max_tokens` without an end is half a reply."""
    output = ask(model_of(checkpoint, max_tokens=3, allow_truncated=False), ["Where is the harbour?"])[0]
    assert output["generations"] == [None]
    assert output["failure"][0].startswith("cut off at max_tokens (3)")
    assert output["finish_reason"] == ["length"]
    assert output["statistics"]["output_tokens"] == [3]
    assert output["statistics"]["input_tokens"][0] > 3


def test_what_was_said_is_not_worked_out_again_unless_the_weights_have_changed(
    checkpoint: Path, tmp_path: Path
) -> None:
    """The same prompts in other batches come from the journal; a folder with other files is another model."""
    journal, folder = tmp_path / "journal.db", tmp_path / "weights"
    shutil.copytree(checkpoint, folder)

    def replies(**fields: Any) -> int:
        ask(model_of(folder, journal=str(journal), **fields), PROMPTS[:3])
        held = Journal(journal)
        (count,) = held.connection.execute("SELECT COUNT(*) FROM replies").fetchone()
        held.close()
        return int(count)

    assert replies() == 3
    assert replies(batch_size=1) == 3
    assert replies(temperature=1.0) == 6
    (folder / "trained_further.safetensors").write_bytes(b"weights")
    assert replies() == 9


def test_a_prompt_longer_than_the_context_is_a_failure(checkpoint: Path) -> None:
    """It is said and not cut; the short one beside it is answered."""
    long, short = ask(model_of(checkpoint), ["harbour " * 300, "Where?"])
    assert "exceed the model's context of 256" in long["failure"][0]
    assert short["failure"] == [None]


def test_the_chat_template_is_used_and_a_refused_system_message_moves(checkpoint: Path) -> None:
    """With a template the prompt is the template's; without a system role, that text heads the first turn."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where?"}]
    assert tokenizer.decode(prompt_ids(tokenizer, messages)) == "Be brief.\n\nWhere?\n\n"
    tokenizer.chat_template = CHAT_TEMPLATE
    assert tokenizer.decode(prompt_ids(tokenizer, messages)) == "<s>user: Be brief.\n\nWhere?</s><s>assistant:"


def test_padding_stands_on_the_left_and_is_masked() -> None:
    """Rows of another length end together."""
    assert left_pad([[5], [6, 7, 8]], 0) == ([[0, 0, 5], [6, 7, 8]], [[0, 0, 1], [1, 1, 1]])


def test_distilabels_own_generate_works(checkpoint: Path) -> None:
    """On the model's own event loop, in order."""
    llm = model_of(checkpoint)
    llm.load()
    prompts = [[{"role": "user", "content": prompt}] for prompt in PROMPTS[:3]]
    outputs = llm.generate_outputs(prompts)
    llm.unload()
    assert texts(outputs) == texts(ask(model_of(checkpoint), PROMPTS[:3]))


def test_a_checkpoint_that_is_none_is_one_clear_error(tmp_path: Path) -> None:
    """An empty folder names itself and says what was expected."""
    with pytest.raises(ModelError, match=r"cannot be loaded on cpu.*it must be a folder with a checkpoint"):
        model_of(tmp_path).load()


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without torch there is a command to copy and no traceback."""
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match=r"needs the package 'torch': pip install 'castwright\[train\]'"):
        model_of(tmp_path).load()


def test_importing_the_models_loads_no_heavy_package() -> None:
    """Torch and transformers come in with `load()`, not before."""
    code = (
        "import sys, castwright.generators.step, castwright.generators.models.load as load\n"
        "from castwright.generators.models.config import TransformersModel\n"
        "load.make_llm(TransformersModel(model='x'))\n"
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert run.stdout.strip() == "[]"
