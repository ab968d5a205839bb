"""What was asked: the parts of a question, in words that fit into an answer.

Data and one check, apart from the reading (`topics`) and the wordings (`question_patterns`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from castwright.generators.offline import english
from castwright.generators.offline import question_patterns as pattern
from castwright.generators.offline.clauses import AUXILIARIES, LONGEST_TOPIC
from castwright.generators.offline.english import DETERMINERS, PREPOSITIONS, is_plural, word_set

_STOP = frozenset(english.read_lexicon()["stop_nouns"].split())


_CLAUSE_WORDS = word_set("what whether how why when where who which whose")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, in the answerer's words ("you" in the question is "I" here).

    `topic` stands after "about" ("about why the sky is blue"), `thing` is a plain noun phrase, `act` a
    base verb phrase, `doing` its gerund, `claim` a clause; any but `kind` may be empty. `self_part` names the
    part of the card that is asked for; `mood` is "low", "high" or "".
    """

    kind: str
    topic: str = ""
    thing: str = ""
    act: str = ""
    doing: str = ""
    claim: str = ""
    options: tuple[str, ...] = ()
    mood: str = ""
    self_part: str = ""

    def slots(self) -> dict[str, str]:
        """Return the filled parts as slots of the grammar.

        Two more are made of the topic: `subject` stands after any preposition, `theme` before a singular verb.
        """
        pairs = {
            "topic": self.topic,
            "thing": self.thing,
            "act": self.act,
            "doing": self.doing,
            "claim": self.claim,
        }
        slots = {name: value for name, value in pairs.items() if value}
        if self.topic:
            clause = self.topic.split(" ", 1)[0].lower() in _CLAUSE_WORDS
            slots["subject"] = f"the question of {self.topic}" if clause else self.topic
            slots["theme"] = f"the matter of {self.topic}" if not clause and is_plural(self.topic) else self.topic
        if len(self.options) == 2:
            slots["this"], slots["that"] = self.options
        return slots


def checked(asked: Asked) -> Asked:
    """Return what was read without the parts that would not stand in a sentence."""

    def fit(phrase: str) -> str:
        if phrase.split(" ", 1)[0].lower() not in _CLAUSE_WORDS:
            phrase = phrase.split(", ", 1)[0]
        phrase = english.lower_first(phrase.strip(" ,;:.-\"'“”"))
        words = phrase.split(" ")
        if (
            not phrase
            or len(words) > LONGEST_TOPIC
            or pattern.BAD_TOPIC.search(phrase)
            or not phrase[0].isalnum()
            or phrase.count('"') % 2
        ):
            return ""
        return "" if len(words) == 1 and phrase.lower() in _STOP | PREPOSITIONS | DETERMINERS | AUXILIARIES else phrase

    options = tuple(fit(option) for option in asked.options)
    return replace(
        asked,
        topic=fit(asked.topic),
        thing=fit(asked.thing),
        act=fit(asked.act),
        doing=fit(asked.doing),
        claim=fit(asked.claim),
        options=options if all(options) else (),
        kind="open" if asked.kind == "choice" and not all(options) else asked.kind,
    )
