"""The vocabulary of a rewriter trained from scratch, learned from its pairs, and the tokenizer made of it.

The model may say what the pairs show often enough to learn: words that an edit touches, and frequent words.
All else is masked (see `protect`). One word is one token: with a few hundred words in the lexicon, a
byte-level BPE would end as the same list of whole words, but could also spell out words nobody ever wrote.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from castwright.generators.rewriter.formats import ANSWER, BLANK
from castwright.generators.rewriter.protect import CAPITAL, SLOTS, Vocabulary, is_picture
from castwright.generators.rewriter.words import is_kept_apart, split_words

PAD, END, UNKNOWN = "<pad>", "<end>", "<unknown>"
MAX_LEXICON = 6_000
_FREQUENT = 8


def learn_vocabulary(sentences: Sequence[tuple[str, str]]) -> Vocabulary:
    """Return the words to learn from (formal, casual) sentences.

    A word is learned when it stands in at least 8 sentences (more for more data), or when it stands on one
    side only in at least one sentence (two from some 4,000 sentences on, three from some 40,000).
    """
    in_sentence: Counter[str] = Counter()
    in_edit: Counter[str] = Counter()
    common: set[str] = set()
    for formal, casual in sentences:
        left, right = _words_of(formal), _words_of(casual)
        common |= {word for word in left | right if word.islower()}
        left, right = {_key(word) for word in left}, {_key(word) for word in right}
        in_sentence.update(left | right)
        in_edit.update(left ^ right)
    enough_edits = enough_to_learn(len(sentences))
    enough = max(_FREQUENT, len(sentences) // 1_000)
    ranked = [
        word
        for word, count in sorted(in_sentence.items(), key=lambda item: (-item[1], item[0]))
        if (count >= enough or in_edit[word] >= enough_edits) and not is_kept_apart(word) and not is_picture(word)
    ]
    lexicon = frozenset([*ranked[:MAX_LEXICON], ".", ",", "?", "I"])
    return Vocabulary(lexicon, frozenset(common - lexicon))


def enough_to_learn(sentences: int) -> int:
    """Return in how many of so many sentences an edit must stand to be learned: 1; 2 from some 4,000 on."""
    return max(1, round(math.log10(max(1, sentences) / 130)))


def build_tokenizer(vocabulary: Vocabulary) -> Any:
    """Return a transformers tokenizer whose tokens are the words, marks and slots, split at spaces."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    special = [PAD, END, UNKNOWN, ANSWER, BLANK, CAPITAL, *SLOTS]
    ids = {word: number for number, word in enumerate([*special, *sorted(vocabulary.lexicon)])}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def _words_of(text: str) -> set[str]:
    return set(split_words(text))


def _key(word: str) -> str:
    return word if word == "I" else word.lower()
