"""How a sentence is put to the model and read back: saved with the checkpoint as `rewriter.json`.

Two formats, one shape. `MaskedFormat` is for models trained from scratch: words outside the vocabulary are
slots, and the prompt is filled up to a fixed number of words, so that a word and its copy always stand the
same distance apart: that alone took the held-out loss after 300 steps from 2.2 to 0.4. `PlainFormat` is
for checkpoints that already know English: an instruction in plain text. Rejected: a chat template, which most
small bases lack.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from castwright.errors import ModelError
from castwright.generators.rewriter.attested import Attested
from castwright.generators.rewriter.protect import Masked, Vocabulary, mask, unmask
from castwright.generators.rewriter.words import join_words, split_words, straighten

FORMAT_FILE = "rewriter.json"
FORMAT_VERSION = 1
BLANK = "<blank>"
ANSWER = "<casual>"
PLAIN_TEMPLATE = "Rewrite as casual speech, keeping every fact.\nFormal: {text}\nCasual:"

Gate = Callable[[str, str], str | None]
"""What is lost between a text and its rewrite, or None: `castwright.filters.preservation.lost_content`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One sentence as a prompt; `words` bounds the length of a sane reply."""

    prompt: str
    sentence: str
    words: int
    masked: Masked | None = None


@dataclass(frozen=True, slots=True)
class MaskedFormat:
    """Prompts of `prompt_words` words (blanks at the end), then `<casual>`; words are split by spaces.

    A reply below `min_confidence` (the smallest probability of any of its words) is not trusted, nor one that
    does what nobody did in the training pairs (see `attested`).
    """

    vocabulary: Vocabulary
    attested: Attested
    prompt_words: int = 32
    min_confidence: float = 0.25

    def ask(self, sentence: str) -> Asked | None:
        """Return the sentence as a prompt, or None where it is too long or does not come back from words."""
        if join_words(split_words(sentence)) != straighten(sentence):
            return None
        masked = mask(sentence, self.vocabulary)
        if masked is None or not 0 < len(masked.words) <= self.prompt_words:
            return None
        return Asked(self.prompt(masked.text), sentence, len(masked.words), masked)

    def prompt(self, masked_text: str) -> str:
        """Return the prompt of a masked sentence."""
        blanks = self.prompt_words - len(masked_text.split())
        return f"{masked_text}{f' {BLANK}' * blanks} {ANSWER}"

    def completion(self, masked_text: str) -> str:
        """Return the completion of a masked sentence, without the end mark."""
        return f" {masked_text}"

    def read(self, asked: Asked, completion: str, confidence: float) -> str | None:
        """Return the casual sentence, or None where a slot is lost, doubled or the model was not sure."""
        words, source = completion.split(), asked.masked
        if source is None or confidence < self.min_confidence or not source.places_like(words):
            return None
        if not self.attested.allows(source, words):
            return None
        return unmask(words, source.slots)

    def lower(self, sentence: str) -> str:
        """Return the sentence without a capital that its first word owes only to its place."""
        first = next(iter(split_words(sentence)), "")
        plain = self.vocabulary.plain(first, starting=True)
        return plain + sentence[len(first) :] if sentence.startswith(first) else sentence

    def as_data(self) -> dict[str, Any]:
        """Return the format as JSON-ready data."""
        return {
            "format": "masked",
            "prompt_words": self.prompt_words,
            "min_confidence": self.min_confidence,
            "lexicon": sorted(self.vocabulary.lexicon),
            "common": sorted(self.vocabulary.common),
            "attested": self.attested.as_data(),
        }


@dataclass(frozen=True, slots=True)
class PlainFormat:
    """Prompts in plain text after a template with `{text}`; the reply is its first line."""

    template: str = PLAIN_TEMPLATE
    min_confidence: float = 0.0

    def ask(self, sentence: str) -> Asked | None:
        """Return the sentence as a prompt."""
        return Asked(self.prompt(sentence), sentence, len(sentence.split())) if sentence.strip() else None

    def prompt(self, text: str) -> str:
        """Return the prompt of a sentence."""
        return self.template.replace("{text}", text)

    def completion(self, text: str) -> str:
        """Return the completion of a sentence, without the end mark."""
        return f" {' '.join(text.split())}"

    def read(self, asked: Asked, completion: str, confidence: float) -> str | None:
        """Return the reply's first line, or None where there is none."""
        del asked
        lines = completion.strip().splitlines()
        return lines[0].strip() if lines and confidence >= self.min_confidence else None

    def lower(self, sentence: str) -> str:
        """Return the sentence as it is: a model that knows English sees to its capitals."""
        return sentence

    def as_data(self) -> dict[str, Any]:
        """Return the format as JSON-ready data."""
        return {"format": "plain", "template": self.template, "min_confidence": self.min_confidence}


RewriteFormat = MaskedFormat | PlainFormat


def save_format(folder: Path, style: RewriteFormat, training: dict[str, Any]) -> None:
    """Write `rewriter.json`: the format, its version and what is known of the training."""
    data = {"version": FORMAT_VERSION, **style.as_data(), "training": training}
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / FORMAT_FILE).write_text(text + "\n", encoding="utf-8")


def load_format(folder: Path) -> tuple[RewriteFormat, dict[str, Any]]:
    """Return the format saved in a checkpoint, and what was saved of its training.

    Raises:
        ModelError: there is no `rewriter.json`, or it is not one that this version reads.
    """
    path = folder / FORMAT_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _format_of(data), dict(data["training"])
    except OSError as error:
        raise ModelError(
            f"{folder} holds no style rewriter ({FORMAT_FILE} is missing): give a folder made by "
            "`castwright train-rewriter`"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is not a rewriter of version {FORMAT_VERSION} ({error}): train it again with "
            "`castwright train-rewriter`"
        ) from error


def _format_of(data: dict[str, Any]) -> RewriteFormat:
    if data["version"] != FORMAT_VERSION:
        raise ValueError(f"version {data['version']!r}")
    if data["format"] == "plain":
        return PlainFormat(str(data["template"]), float(data["min_confidence"]))
    if data["format"] != "masked":
        raise ValueError(f"format {data['format']!r}")
    vocabulary = Vocabulary(frozenset(data["lexicon"]), frozenset(data["common"]))
    attested = Attested.from_data(data["attested"])
    return MaskedFormat(vocabulary, attested, int(data["prompt_words"]), float(data["min_confidence"]))
