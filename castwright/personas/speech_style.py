"""The style of a character's real lines: counted, never guessed, and turned into the card's dialogue style.

Each field says only what enough lines show: under `LEAST_WORDS` words no register and no sentence length, and a
habit becomes a quirk only where it stands out. Example lines are the character's own, typical in length, rich in what
is theirs, and unlike each other; ties are broken by a digest of the seed, so that the same file gives the same card.
Sentence lengths lie well within the bounds that the length filter holds replies to. (Rejected: asking a model, which
describes the fame of a character and not these lines.)
"""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from castwright.personas.card import Register, SentenceLength
from castwright.personas.catchphrases import Catchphrase, PhraseIndex, find_catchphrases
from castwright.personas.evidence import Evidence
from castwright.personas.favourite_words import FavouriteWord, favourite_words
from castwright.personas.speech_register import ARCHAIC, CASUAL, FORMAL, speech_register
from castwright.personas.speech_words import clauses_of, is_contraction, sentences_of, words_of
from castwright.personas.spoken_line import SpokenLine

LEAST_WORDS = 40
SHORT_BELOW, LONG_FROM = 9.0, 18.0
"""Mean words per sentence below which sentences are short, and from which they are long."""
MANY_QUESTIONS, MANY_EXCLAMATIONS, MANY_CONTRACTIONS = 0.35, 0.3, 0.06
MOST_EXAMPLES = 5
_EXAMPLE_WORDS, _EXAMPLE_CHARACTERS = (4, 60), 400
_OWN_WEIGHT, _LIKENESS_WEIGHT = 0.5, 2.0


@dataclass(frozen=True)
class Company:
    """All the lines of a source, the speaker's own included, and the folded words of the speakers' names.

    It is what a style is compared with; to call someone by name is no habit of speech.
    """

    lines: tuple[SpokenLine, ...]
    names: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> Counter[str]:
        """How often each word is said by anyone."""
        return Counter(word for line in self.lines for word in words_of(line.text))

    @cached_property
    def phrases(self) -> PhraseIndex:
        """Where each phrase is said, by anyone."""
        return PhraseIndex([clauses_of(line.text) for line in self.lines])


@dataclass(frozen=True, slots=True)
class SpeechStyle:
    """What was counted in someone's lines.

    Sentence lengths are in words, `sentence_spread` is their standard deviation; `contractions` is a share of
    the words, `questions` and `exclamations` are shares of the sentences. `register` and `sentence_length` are None
    where there are too few words to tell.
    """

    lines: int
    words: int
    sentences: int
    sentence_mean: float
    sentence_spread: float
    contractions: float
    questions: float
    exclamations: float
    favourite_words: tuple[FavouriteWord, ...]
    catchphrases: tuple[tuple[str, SpokenLine], ...]
    register: Register | None
    sentence_length: SentenceLength | None
    example_lines: tuple[SpokenLine, ...]


def speech_style(lines: Sequence[SpokenLine], company: Company | None = None, *, seed: int = 0) -> SpeechStyle:
    """Return the style of a speaker's lines, compared with those of the company that they speak in."""
    counts = Counter(word for line in lines for word in words_of(line.text))
    sentences = [sentence for line in lines for sentence in sentences_of(line.text)]
    sizes = [len(words_of(sentence)) for sentence in sentences]
    total = sum(counts.values())
    mean = statistics.fmean(sizes) if sizes else 0.0
    names = company.names if company else frozenset()
    favourites = favourite_words(counts, company.words if company else counts, without=names)
    phrases = find_catchphrases(
        [clauses_of(line.text) for line in lines], company.phrases if company else None, without=names
    )
    enough = total >= LEAST_WORDS
    return SpeechStyle(
        lines=len(lines),
        words=total,
        sentences=len(sizes),
        sentence_mean=mean,
        sentence_spread=statistics.pstdev(sizes) if sizes else 0.0,
        contractions=sum(n for word, n in counts.items() if is_contraction(word)) / max(total, 1),
        questions=_share(sentences, "?"),
        exclamations=_share(sentences, "!"),
        favourite_words=favourites,
        catchphrases=tuple(_as_said(phrase, lines) for phrase in phrases),
        register=speech_register(counts) if enough else None,
        sentence_length=_length(mean) if enough else None,
        example_lines=_examples(lines, favourites, seed),
    )


def style_facts(style: SpeechStyle) -> dict[str, Any]:
    """Return a style as facts of a card (`dialogue_style`, `example_lines`); what is not known is left out."""
    spoken: dict[str, Any] = {
        "register": style.register,
        "sentence_length": style.sentence_length,
        "catchphrases": [phrase for phrase, _ in style.catchphrases],
        "quirks": [quirk for quirk, _ in _quirks(style)],
    }
    known = {name: value for name, value in spoken.items() if value}
    facts: dict[str, Any] = {"dialogue_style": known} if known else {}
    if style.example_lines:
        facts["example_lines"] = [line.text for line in style.example_lines]
    return facts


def style_evidence(style: SpeechStyle, lines: Sequence[SpokenLine]) -> tuple[Evidence, ...]:
    """Return what shows each value of `style_facts`, in its order: a line of the speaker in which it is heard."""
    found: list[Evidence] = []

    def add(field: str, value: str, line: SpokenLine | None) -> None:
        if line is not None:
            found.append(Evidence(field, value, line.quote, line.place))

    if style.register:
        add("dialogue_style.register", style.register, _register_line(style.register, lines))
    if style.sentence_length:
        add("dialogue_style.sentence_length", style.sentence_length, _mean_line(style.sentence_mean, lines))
    for phrase, line in style.catchphrases:
        add("dialogue_style.catchphrases", phrase, line)
    for quirk, sign in _quirks(style):
        add("dialogue_style.quirks", quirk, _line_with(sign, lines))
    for line in style.example_lines:
        add("example_lines", line.text, line)
    return tuple(found)


def describe_style(style: SpeechStyle) -> str:
    """Return the numbers of a style in one line without full stops, for the model that writes the card."""
    words = ", ".join(item.word for item in style.favourite_words)
    parts = [
        f"{style.lines} lines, {style.words} words",
        f"{style.sentence_mean:.0f} words a sentence on average (spread {style.sentence_spread:.0f})",
        f"{style.questions:.0%} questions",
        f"{style.exclamations:.0%} exclamations",
        f"{style.contractions:.0%} of the words contracted",
    ]
    return "; ".join(parts + ([f"words used more than by others: {words}"] if words else []))


def _quirks(style: SpeechStyle) -> list[tuple[str, str]]:
    """Return habits that stand out, each with the sign or words that show it in a line."""
    if style.words < LEAST_WORDS:
        return []
    quirks = []
    if style.questions >= MANY_QUESTIONS:
        quirks.append(("asks many questions", "?"))
    if style.exclamations >= MANY_EXCLAMATIONS:
        quirks.append(("exclaims often", "!"))
    if style.contractions >= MANY_CONTRACTIONS:
        quirks.append(("runs words together in contractions", "'"))
    compared = [item.word for item in style.favourite_words if item.z > 0][:3]
    return quirks + [(f'often says "{word}"', word) for word in compared]


def _length(mean: float) -> SentenceLength:
    return "short" if mean < SHORT_BELOW else "long" if mean >= LONG_FROM else "medium"


def _share(sentences: Iterable[str], mark: str) -> float:
    marks = [mark in sentence.rstrip("\"')]”’ ")[-3:] for sentence in sentences]
    return sum(marks) / len(marks) if marks else 0.0


def _as_said(phrase: Catchphrase, lines: Sequence[SpokenLine]) -> tuple[str, SpokenLine]:
    """Return a phrase as it is written where it is first found in one piece, with that line."""
    for number in phrase.lines:
        if found := _written(phrase.words, lines[number].quote):
            return found, lines[number]
    return " ".join(phrase.words), lines[phrase.lines[0]]


def _written(phrase: Sequence[str], text: str) -> str:
    """Return the part of a text that reads as the phrase, with its own capitals, or an empty string."""
    tokens = [(word, words_of(word)) for word in text.split()]
    flat = [(index, part) for index, (_, parts) in enumerate(tokens) for part in parts]
    for start in range(len(flat) - len(phrase) + 1):
        if [part for _, part in flat[start : start + len(phrase)]] == list(phrase):
            first, last = flat[start][0], flat[start + len(phrase) - 1][0]
            said = " ".join(word for word, _ in tokens[first : last + 1]).strip(' .,;:!?…"“”‘()[]—–-')
            return said if words_of(said) == list(phrase) else " ".join(phrase)
    return ""


def _register_line(register: Register, lines: Sequence[SpokenLine]) -> SpokenLine | None:
    """Return the line with the most words of a register; of a neutral one the most usual in length."""
    wanted = {"archaic": ARCHAIC, "casual": CASUAL, "formal": FORMAL}.get(register, frozenset())

    def weight(line: SpokenLine) -> int:
        casual = register == "casual"
        return sum(word in wanted or (casual and is_contraction(word)) for word in words_of(line.quote))

    best = max(lines, key=weight, default=None)
    return best if best is None or weight(best) else _mean_line(_mean(lines), lines)


def _mean_line(mean: float, lines: Sequence[SpokenLine]) -> SpokenLine | None:
    return min(lines, key=lambda line: abs(len(words_of(line.quote)) - mean), default=None)


def _mean(lines: Sequence[SpokenLine]) -> float:
    return statistics.fmean(len(words_of(line.quote)) for line in lines) if lines else 0.0


def _line_with(sign: str, lines: Sequence[SpokenLine]) -> SpokenLine | None:
    if sign == "'":
        return next((line for line in lines if any(map(is_contraction, words_of(line.quote)))), None)
    if sign in ("?", "!"):
        return next((line for line in lines if sign in line.quote), None)
    return next((line for line in lines if sign in words_of(line.quote)), None)


def _examples(lines: Sequence[SpokenLine], favourites: Sequence[FavouriteWord], seed: int) -> tuple[SpokenLine, ...]:
    """Return typical lines that are unlike each other: greedily, each for what it adds to those before it."""
    words = {line: words_of(line.text) for line in lines}
    least, most = _EXAMPLE_WORDS
    fit = [line for line in words if least <= len(words[line]) <= most and len(line.text) <= _EXAMPLE_CHARACTERS]
    if not fit:
        fit = [line for line in words if len(line.text) <= _EXAMPLE_CHARACTERS]
    if not fit:
        return ()
    usual = statistics.median(len(words[line]) for line in fit)
    theirs = {item.word for item in favourites}

    def score(line: SpokenLine, chosen: Sequence[SpokenLine]) -> tuple[float, str]:
        far = abs(len(words[line]) - usual) / max(usual, 1.0)
        like = max((_likeness(words[line], words[other]) for other in chosen), default=0.0)
        value = _OWN_WEIGHT * len(theirs & set(words[line])) - far - _LIKENESS_WEIGHT * like
        return value, hashlib.sha256(f"{seed} {line.text}".encode("utf-8", "replace")).hexdigest()

    chosen: list[SpokenLine] = []
    best = sorted(fit, key=lambda line: score(line, ()), reverse=True)[: 20 * MOST_EXAMPLES]
    while best and len(chosen) < MOST_EXAMPLES:
        chosen.append(best.pop(max(range(len(best)), key=lambda index: score(best[index], chosen))))
        best = [line for line in best if _likeness(words[line], words[chosen[-1]]) < 1]
    return tuple(chosen)


def _likeness(left: Sequence[str], right: Sequence[str]) -> float:
    one, two = set(left), set(right)
    return len(one & two) / max(len(one | two), 1)
