"""The facts of a card as parts of a sentence: occupation, place, people and background in the first person.

Each function reads free text by fixed rules and returns "" where the words do not fit them: a card with
an odd field loses a phrase, never its grammar. Rejected: quoting fields as they stand, which gives "in Royal
Institution" and "my daughter of Theon".
"""

from __future__ import annotations

import re
from functools import lru_cache

from castwright.generators.offline import english
from castwright.generators.offline.english import word_set
from castwright.personas.card import PersonaCard

_KIN = sorted(
    word_set(
        "wife husband mother father sister brother daughter son grandmother grandfather granddaughter "
        "grandson aunt uncle niece nephew cousin friend mentor teacher partner neighbour neighbor "
        "master apprentice mistress nurse colleague rival captain boss landlady landlord godmother "
        "godfather stepmother stepfather stepson stepdaughter pupil student companion roommate "
        "flatmate twin fiance fiancee widow widower dog cat horse sidekick assistant confidant tutor "
    )
)


_KIN_WORD = re.compile(
    rf"\b(?:(?:older|younger|elder|twin|best|old|late|little|big|childhood|estranged|"
    rf"adopted|eldest|youngest|only|business|former|first|second|ex)[ "
    rf"-])*(?:{'|'.join(_KIN)})\b",
    re.IGNORECASE,
)


_PROPER = re.compile(
    r"\b(?!(?:Her|His|Their|The|A|An|Older|Younger|Late|Best|Old|My|Two|Three|Married|"
    r"Former)\b)[A-Z][\w’'-]+(?: (?:de |von |van |of |al-)?[A-Z][\w’'-]+){0,2}"
)


_MARRIED = re.compile(r"\bmarried to (?P<name>[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)?)")


_PLURAL_KIN = re.compile(rf"\b(?:{'|'.join(_KIN)})s\b|\bchildren\b|\btwins\b", re.IGNORECASE)


_IS_TO = re.compile(
    r"^(?:old |elder |older |younger |best |foster |sworn |childhood |close |good "
    r")*(?P<word>[a-z-]+)(?: and [a-z ]+?)? (?:of|to) (?P<name>[^.]+)$",
    re.IGNORECASE,
)


# what X is to a character who is `word` to X; "" where X's name is said alone
_INVERSE: dict[str, str] = {
    **dict.fromkeys(
        word_set(
            "mother father son daughter sister brother aunt uncle niece nephew grandmother grandfather "
            "grandson granddaughter teacher tutor sweetheart bridegroom bride betrothed twin godmother "
        ),
        "",
    ),
    "friend": "my friend",
    "husband": "my wife",
    "wife": "my husband",
    "widow": "my late husband",
    "colleague": "my colleague",
    "widower": "my late wife",
    "companion": "my companion",
    "ally": "my friend",
    "pupil": "my teacher",
    "student": "my teacher",
    "collaborator": "my friend",
    "cousin": "my cousin",
    "apprentice": "my master",
    "partner": "my partner",
    "neighbour": "my neighbour",
}


_SENTENCE = re.compile(r"[^.!?]+[.!?]?")


_MASCULINE = {"he": "I", "him": "me", "his": "my", "himself": "myself"}


_FEMININE = {"she": "I", "hers": "mine", "herself": "myself"}


_PLURAL = {
    "they": "I",
    "them": "me",
    "their": "my",
    "theirs": "mine",
    "themselves": "myself",
    "themself": "myself",
}


_WORD = re.compile(r"[A-Za-z’'-]+|[^A-Za-z’'-]+")


_PREPOSED = re.compile(
    r"^(?:in|on|at|aboard|near|off|by|under|between|along|across|beyond|outside|inside|"
    r"around|above|somewhere)\b",
    re.IGNORECASE,
)


_LONGEST_MEMORY = 24


def occupation_phrase(occupation: str) -> str:
    """Return an occupation as a singular noun without its article ("retired bus driver"), or ""."""
    text = re.split(r"[,;(/]| who | and | turned | by | learning ", occupation.strip())[0].strip().rstrip(".")
    text = re.sub(r"^(?:an?|the) ", "", text, flags=re.IGNORECASE)
    if (
        not text
        or len(text.split()) > 6
        or re.search(r"\d", text)
        or re.match(r"(?:none|unemployed|unknown|n/a|no |retired$|homeless)", text, re.IGNORECASE)
    ):
        return ""
    head = re.split(r" of | on | to | in | at | for | from | with ", text)[0]
    if re.search(r"[a-z]s$", head) and not head.endswith(("ss", "us")):
        return ""
    first = text.split(" ", 1)[0]
    return (
        text
        if text[:1].islower()
        or (len(first) > 1 and (first.isupper() or first[1:] != first[1:].lower()))
        or first in _NATIONS
        else text[0].lower() + text[1:]
    )


_NATIONS = word_set(
    "Monkey Roman Greek Egyptian Norse Viking French English British Scottish Irish Welsh "
    "German Italian Spanish Japanese Chinese Indian Persian Ottoman Mongol Aztec Inca "
    "Russian American Victorian Buddhist Catholic Jesuit Benedictine Jewish Muslim "
    "Christian Navy Army Broadway Latin Supreme Olympic Formula"
)


def place_phrase(place: str) -> str:
    """Return a place as an adverbial ("in Leeds"), or ""."""
    text = re.split(r"[;(/]|, (?!(?:but|and)\b)", place.strip())[0].strip().rstrip(".")
    if (
        not text
        or len(text.split()) > 7
        or re.search(r"\d|^(?:unknown|various|none|n/a|everywhere|nowhere)", text, re.IGNORECASE)
    ):
        return ""
    if _PREPOSED.match(text):
        return text[0].lower() + text[1:]
    if (
        re.search(
            r"\b(?:Institution|Nation|Academy|University|Museum|Observatory|Palace|Abbey|Alps|"
            r"Highlands|Netherlands|Valley|Coast|Republic|Kingdom|Empire|Quarter|Forest|Desert)$",
            text,
        )
        and len(text.split()) > 1
        and not text.startswith(("the ", "The ", "a "))
        and "'s" not in text
    ):
        text = f"the {text}"
    if re.match(
        r"(?:the|a|an) .*\b(?:barrier|court|inn|crossroads|gate|table|academy|university|"
        r"museum|observatory|palace|frontier|border|harbour)\b",
        text.lower(),
    ):
        return f"at {text[0].lower()}{text[1:]}"
    lowered = (
        text[0].lower() + text[1:]
        if re.match(r"(?:The|A|An|Rural|Small|Coastal|Northern|Southern|Eastern|Western) (?=[a-zA-Z])", text)
        else text
    )
    if re.search(
        r"\b(?:ship|island|isle|farm|coast|space station|station|boat|moon|stage|rooftops|"
        r"plain|mountain|mountainside|prairie|sea|seas|open road|steppe|moor|heath|islands|"
        r"street|road|hill|planet|bay|river|lake|shore|estate|ranch|vessel)\b",
        text.lower().split(" of ")[0],
    ):
        return (
            f"on {lowered}"
            if lowered.startswith(("the ", "a ", "an ")) or text[0].isupper()
            else f"on {english.lower_first(lowered)}"
        )
    return f"in {lowered}"


def kin_phrase(text: str) -> str:
    """Return a relationship as "my wife Sarah" or a bare name, or "" where the words do not say who it is.

    Read are "friend of X" and "husband of X" (the character is that to X) and "sister Ann", "Ann (sister)"
    and "married to X" (X is that to the character).
    """
    text = text.strip()
    if married := _MARRIED.search(text):
        return f"my dear {married['name']}"
    if re.search(r"\d", text):
        return ""
    if match := _IS_TO.match(text):
        label = _INVERSE.get(match["word"].lower())
        name = re.split(r",| and | who | or |;|\(", match["name"])[0].strip()
        if (
            label is None
            or not re.search(r"\b[A-Z]", name)
            or not 1 <= len(name.split()) <= 5
            or re.search(r"[’']s\b|brothers|sisters|\.$|\b(?:to|of|a|an|her|his|their|texts)\b", name)
        ):
            return ""
        name = re.sub(r"^(?:poor|old|young|late|dear) ", "", name)
        return f"{label} {name}".strip() if not (label and name.startswith(("the ", "a ", "an "))) else name
    if len(text.split()) > 4 or _PLURAL_KIN.search(text) or re.search(r"\b(?:of|to|in|for|at|by|with)\b", text):
        return ""
    word = _KIN_WORD.search(text)
    if not word:
        return ""
    proper = _PROPER.search(_KIN_WORD.sub(lambda match: match.group().lower(), text))
    label = word.group().lower()
    return f"my {label} {proper.group()}" if proper else f"my {label}"


@lru_cache(maxsize=4096)
def first_person(card: PersonaCard) -> tuple[str, ...]:
    """Return the sentences of a background that a fixed rule can turn into the first person."""
    pronouns = _pronouns(card.basic_info.gender)
    names = {card.name, card.name.split(" ")[0], card.name.split(" ")[-1]}
    clauses = (
        _as_first_person(sentence.strip(" .!?"), names, pronouns) for sentence in _SENTENCE.findall(card.background)
    )
    return tuple(clause for clause in clauses if clause)


def _pronouns(gender: str) -> dict[str, str]:
    lower = gender.lower()
    if lower.startswith(("f", "w")) or "woman" in lower or "girl" in lower:
        return _FEMININE
    return _MASCULINE if lower.startswith("m") or "boy" in lower else _PLURAL


def _as_first_person(sentence: str, names: set[str], pronouns: dict[str, str]) -> str:
    """Turn "She ran a mill and lost it" into "I ran a mill and lost it"; anything uncertain gives ""."""
    subject = next((name for name in sorted(names, key=len, reverse=True) if sentence.startswith(name + " ")), "")
    own = next(word for word, said in pronouns.items() if said == "I")
    rest = sentence[len(subject) + 1 :] if subject else ""
    if not subject and sentence.lower().startswith(own + " "):
        rest = sentence[len(own) + 1 :]
    words = rest.split(" ")
    if not rest or not 3 <= len(words) <= _LONGEST_MEMORY or re.search(r"[;:()\"“”—]|\d", rest):
        return ""
    verb = words[1] if words[0] in ("once", "always", "never", "later", "first") and len(words) > 1 else words[0]
    if not (verb in ("was", "had", "could") or verb in english.PAST_FORMS or verb.endswith("ed")):
        return ""
    if (
        any(name in rest for name in names)
        or re.search(r"\b(?:and|but|who|now|still) (?:now |still |never |always )?[a-z]+s\b", rest)
        or re.search(r"\b(?:is|has|does)\b", rest)
    ):
        return ""
    return _swap(f"I {rest}", pronouns)


def _swap(clause: str, pronouns: dict[str, str]) -> str:
    pieces = _WORD.findall(clause)
    out = []
    for at, piece in enumerate(pieces):
        lower = piece.lower()
        if pronouns is _FEMININE and lower == "her":
            following = pieces[at + 2].lower() if at + 2 < len(pieces) and pieces[at + 1] == " " else ""
            out.append(
                "my"
                if following
                and following not in english.PREPOSITIONS | english.DETERMINERS | {"and", "that", "how", "when"}
                else "me"
            )
        elif lower in pronouns:
            if lower in ("he", "she", "they") and at > 0:
                following = pieces[at + 2].lower() if at + 2 < len(pieces) else ""
                if (
                    following not in english.PAST_FORMS
                    and not following.endswith("ed")
                    and following not in ("was", "had", "could", "would")
                ):
                    return ""
            out.append(pronouns[lower])
        elif lower in ("he", "she", "him", "his", "her", "they", "them", "their"):
            out.append(piece)
        else:
            out.append(piece)
    return re.sub(r"\bI were\b", "I was", "".join(out))
