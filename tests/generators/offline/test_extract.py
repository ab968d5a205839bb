"""Cards from facts and free text: what is found, what is kept, and what is composed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castwright.generators.offline import extract
from castwright.generators.offline.biography import find_age, find_gender, find_name
from castwright.generators.offline.occupations import find_occupation, find_relationships
from castwright.generators.offline.retell import agreed, in_third_person
from castwright.generators.offline.spot import Spot
from castwright.generators.offline.whereabouts import find_era, find_place
from castwright.generators.offline.wordlists import word_list
from castwright.personas.card import PersonaCard

NURSE = (
    "Maria Santos is a 34-year-old nurse from Porto who never gives up. She lives in Lisbon with her sister "
    'Ana and always says "One day at a time."'
)
BARISTA = (
    "I'm Tom, 25, a barista in Leeds. I love music and I never stop talking. "
    "My best friend Dave says I should write songs."
)
BIOLOGIST = (
    "Dr. Elena Petrov works as a marine biologist at the University of Bergen. In her sixties, she is "
    "stubborn, meticulous and witty. She is married to Lars and is the mother of two."
)
SWEEP = "In Victorian London, a chimney sweep named Jack Finch fights for his little sister Polly."
MERCHANT = (
    "Yusuf ibn Tashfin, 61, is a carpet merchant in Marrakesh. He quotes proverbs and he is fond of saying "
    "“Patience is a key.” His daughter Leila wants to leave."
)

# A bio, and what the card must say: name, then a path in the card and its value.
BIOS: dict[str, tuple[str, dict[str, Any]]] = {
    "a one-liner": (
        "a retired lighthouse keeper who collects shells",
        {
            "occupation": "retired lighthouse keeper",
            "kind": "original",
            "modern": True,
        },
    ),
    "a nurse": (
        NURSE,
        {
            "name": "Maria Santos",
            "age": 34,
            "gender": "woman",
            "occupation": "nurse",
            "place": "Lisbon",
            "relationships": ["sister Ana"],
            "traits": ["persistent"],
            "catchphrases": ["One day at a time."],
        },
    ),
    "the first person": (
        BARISTA,
        {
            "name": "Tom",
            "age": 25,
            "occupation": "barista",
            "place": "Leeds",
            "relationships": ["best friend Dave"],
            "register": "casual",
            "traits": ["artistic", "talkative"],
        },
    ),
    "life dates": (
        "Ada Brontwell (1799-1847) was an English astronomer. She was patient and precise.",
        {
            "name": "Ada Brontwell",
            "age": 48,
            "gender": "woman",
            "occupation": "astronomer",
            "era": "1799-1847",
            "kind": "historical",
            "modern": False,
            "traits": ["patient", "precise"],
            "register": "formal",
        },
    ),
    "a particle in a name": (
        "Pieter van den Berg was a Dutch cartographer in the 17th century.",
        {
            "name": "Pieter van den Berg",
            "occupation": "cartographer",
            "place": "Netherlands",
            "era": "17th century",
            "modern": False,
            "register": "archaic",
        },
    ),
    "a doctor": (
        BIOLOGIST,
        {
            "name": "Dr. Elena Petrov",
            "age": 65,
            "gender": "woman",
            "occupation": "marine biologist",
            "place": "the University of Bergen",
            "relationships": ["mother of two", "married to Lars"],
            "traits": ["stubborn", "meticulous", "witty"],
        },
    ),
    "a period": (
        SWEEP,
        {
            "name": "Jack Finch",
            "gender": "man",
            "occupation": "chimney sweep",
            "place": "London",
            "era": "Victorian era",
            "kind": "historical",
            "relationships": ["little sister Polly"],
        },
    ),
    "a merchant": (
        MERCHANT,
        {
            "name": "Yusuf ibn Tashfin",
            "age": 61,
            "gender": "man",
            "occupation": "carpet merchant",
            "place": "Marrakesh",
            "relationships": ["daughter Leila"],
            "catchphrases": ["Patience is a key."],
            "quirks": ["quotes proverbs"],
        },
    ),
    "a vampire": (
        "A fictional vampire who lives in a castle in Transylvania and hates garlic.",
        {
            "name": "The vampire",
            "kind": "virtual",
            "modern": False,
            "place": "Transylvania",
            "register": "archaic",
        },
    ),
    "a robot": (
        "My name is Aiko and I'm a robot built to serve tea. I wonder about people.",
        {"name": "Aiko", "kind": "virtual", "modern": True, "occupation": "robot"},
    ),
    "a role in a film": (
        "Captain Brandt is a character in a film about a storm.",
        {"name": "Captain Brandt", "kind": "screen"},
    ),
    "a wish is no job": (
        "A young girl who dreams of becoming an astronaut",
        {"gender": "woman", "occupation": ""},
    ),
    "a job told by a verb": (
        "He drives a taxi in Cairo and has a joke for every passenger. Born in 1960, he has four sons.",
        {
            "gender": "man",
            "occupation": "taxi driver",
            "place": "Cairo",
            "relationships": ["four sons"],
            "modern": True,
            "traits": ["funny"],
        },
    ),
    "a shop told by a verb": (
        "Siobhán O'Leary runs a bakery in Cork. She's warm, patient and hot-tempered.",
        {
            "name": "Siobhán O'Leary",
            "gender": "woman",
            "occupation": "bakery owner",
            "place": "Cork",
            "traits": ["warm", "patient", "hot-tempered"],
        },
    ),
    "a trait denied": (
        "Björn is an elderly fisherman of few words. His wife Ingrid died ten years ago. He is not sentimental.",
        {
            "name": "Björn",
            "occupation": "fisherman",
            "relationships": ["wife Ingrid"],
            "traits": ["taciturn"],
            "sentence_length": "short",
        },
    ),
    "a professor": (
        "An economics professor who is passionate about game theory",
        {"register": "formal", "traits": ["passionate"]},
    ),
    "another writing": (
        "Это хорошо. Иван живет в Москве.",
        {"name": "Someone unnamed", "background": "Это хорошо. Иван живет в Москве."},
    ),
    "nothing at all": ("", {"name": "Someone unnamed", "kind": "original", "modern": True}),
}


def extract_card(facts: dict[str, Any], text: str) -> dict[str, Any]:
    """Return the card alone."""
    return extract.extract_card(facts, text).card


def value(spot: Spot[Any] | None) -> Any:
    """Return what a finder found, or None."""
    return None if spot is None else spot.value


def _flat(card: dict[str, Any]) -> dict[str, Any]:
    return {**card, **card["basic_info"], **card["dialogue_style"]}


@pytest.mark.parametrize(("text", "expected"), BIOS.values(), ids=BIOS.keys())
def test_a_bio_says_what_it_says(text: str, expected: dict[str, Any]) -> None:
    """Each stated field of a bio stands on its card, and the card is valid."""
    card = extract_card({}, text)
    PersonaCard.model_validate(card)
    assert {key: _flat(card)[key] for key in expected} == expected


def test_the_card_has_exactly_the_keys_asked_for() -> None:
    """The reply of the task has the keys that its prompt names, no more, no fewer."""
    card = extract_card({"colour": "red", "source": {}}, NURSE)
    assert sorted(card) == [
        "background", "basic_info", "dialogue_style", "example_lines", "kind", "language", "modern", "name",
        "traits",
    ]  # fmt: skip
    assert sorted(card["basic_info"]) == ["age", "era", "gender", "occupation", "place", "relationships"]
    assert sorted(card["dialogue_style"]) == ["catchphrases", "quirks", "register", "sentence_length"]


def test_facts_win_over_the_text() -> None:
    """Every fact given stands on the card, whatever the text says."""
    facts = {
        "name": "Rosa",
        "kind": "screen",
        "modern": False,
        "language": "pt",
        "basic_info": {
            "age": 51,
            "gender": "woman",
            "occupation": "welder",
            "place": "Goa",
            "era": "1300s",
            "relationships": ["aunt Bea"],
        },
        "traits": ["loud"],
        "dialogue_style": {
            "register": "casual",
            "sentence_length": "long",
            "catchphrases": ["So it is"],
            "quirks": ["hedges every claim"],
        },
        "background": "She welds.",
        "example_lines": ["Sparks again."],
    }
    assert extract_card(facts, NURSE) == facts


def test_facts_of_a_wrong_type_cost_one_field() -> None:
    """An age in words or a list where a text belongs is read as far as it can be, and nothing raises."""
    facts: dict[str, Any] = {
        "name": 7,
        "basic_info": {"age": "44", "place": ["x"]},
        "traits": "kind; calm",
        "kind": "alien",
        "dialogue_style": 3,
    }
    card = extract_card(facts, "")
    PersonaCard.model_validate(card)
    assert (card["name"], card["basic_info"]["age"], card["traits"], card["kind"]) == (
        "7",
        44,
        ["kind", "calm"],
        "original",
    )


def test_a_text_in_the_first_person_is_retold() -> None:
    """A background is in the third person even where the text was not."""
    background = extract_card({"basic_info": {"gender": "man"}}, BARISTA)["background"]
    assert (
        background == "Tom is 25, a barista in Leeds. He loves music and he never stops talking. "
        "His best friend Dave says he should write songs."
    )


def test_a_one_liner_becomes_a_background_of_sentences() -> None:
    """A fragment is made a sentence and followed by composed ones."""
    card = extract_card({}, "a retired lighthouse keeper who collects shells")
    background = card["background"]
    assert background.startswith(f"{card['name']} is a retired lighthouse keeper who collects shells. ")
    assert 2 <= len(re.findall(r"[.!?](?:\s|$)", background)) <= 4


def test_a_long_text_is_cut_to_four_sentences() -> None:
    """Of a long bio the first sentence and the most telling ones stay."""
    text = "Ann is a baker. " + "The shop is blue. " * 12 + "She lost her mother when she was nine."
    background = extract_card({}, text)["background"]
    assert background.startswith("Ann is a baker.")
    assert "lost her mother" in background
    assert len(background.split(". ")) <= 4


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("She is thirty-four years old.", 34),
        ("a 7-year-old boy", 7),
        ("Omar, 52, sells fruit.", 52),
        ("in his early forties", 42),
        ("in her late twenties", 28),
        ("an octogenarian painter", 84),
        ("He married 3 times.", None),
        ("He turned 40 in May.", 40),
        ("Five years ago he left.", None),
    ],
    ids=[
        "words",
        "hyphens",
        "after the name",
        "early",
        "late",
        "by its name",
        "times",
        "turned",
        "years ago",
    ],
)
def test_ages_are_read(text: str, age: int | None) -> None:
    """An age is found in digits, words and decades, and not where a number counts something else."""
    assert value(find_age(text)) == age


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My name is Ana Lima.", "Ana Lima"),
        ("Alexander the Great was a king.", "Alexander the Great"),
        ("The Mad Weaver is a villain.", "The Mad Weaver"),
        ("She lives alone.", ""),
        ("In a village called Aldea, people sing.", ""),
        ("A man named Ove fixes bikes.", "Ove"),
        ("Her sister named Polly sings.", ""),
        ("J. R. Dewey is a poet.", "J. R. Dewey"),
        ("Teachers like him.", ""),
    ],
    ids=[
        "said",
        "an epithet",
        "the",
        "a pronoun",
        "a village",
        "named",
        "someone else",
        "initials",
        "a plural",
    ],
)
def test_names_are_read(text: str, name: str) -> None:
    """A name is found where it is said or opens a sentence, and nothing else is taken for one."""
    assert (value(find_name(text)) or "") == name


@pytest.mark.parametrize(
    ("text", "era", "past"),
    [
        ("a monk in medieval France", "Middle Ages", True),
        ("a trader in the 1920s", "1920s", True),
        ("a scribe around 500 BC", "500 BC", True),
        ("a pilot in the year 2345", "the year 2345", False),
        ("a teacher of medieval history", "", False),
        ("born in 1985", "", False),
    ],
    ids=["a period", "a decade", "before Christ", "the future", "a subject", "the present"],
)
def test_eras_are_read(text: str, era: str, past: bool) -> None:
    """An era is what the text sets its character in, not what they study."""
    found = find_era(text if era != "the year 2345" else "a pilot in the year 2345 AD")
    assert (found.name, found.year is not None and found.year < 1950) == (era, past)


def test_ties_are_read_in_several_forms() -> None:
    """Own relatives, parents of a number, marriages and states are found."""
    text = "His late wife Rosa sang. A father of three, he is a friend of Ben. She is divorced."
    ties = [spot.value for spot in find_relationships(text)]
    assert ties == ["father of three", "friend of Ben", "late wife Rosa", "divorced"]


@pytest.mark.parametrize(
    ("text", "occupation"),
    [
        ("She works as a night-shift security guard.", "night-shift security guard"),
        ("the king of Aragon", "king of Aragon"),
        ("He is a dreamer.", ""),
        ("She was taught by a carpenter.", ""),
        ("a shy young French pastry chef", "pastry chef"),
        ("He teaches physics.", "physics teacher"),
    ],
    ids=["works as", "a king of", "no trade", "someone else's", "adjectives drop", "a verb"],
)
def test_occupations_are_read(text: str, occupation: str) -> None:
    """A trade is found in its phrase, without the words that only say how."""
    assert (value(find_occupation(text)) or "") == occupation


@pytest.mark.parametrize(
    ("text", "gender"),
    [
        ("They are non-binary.", "non-binary"),
        ("Mr Gray likes tea.", "man"),
        ("a mother of two", "woman"),
        ("a cook", ""),
    ],
    ids=["said", "a title", "a mother", "unsaid"],
)
def test_genders_are_read(text: str, gender: str) -> None:
    """A gender is read from words, titles and pronouns, and left open where nothing says it."""
    assert (value(find_gender(text)) or "") == gender


def test_the_home_comes_before_the_origin() -> None:
    """Where someone lives wins over where they come from."""
    assert value(find_place("A cook from Goa who lives in Kochi")) == "Kochi"


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("am", "is"),
        ("have", "has"),
        ("go", "goes"),
        ("carry", "carries"),
        ("play", "plays"),
        ("went", "went"),
        ("watch", "watches"),
        ("can", "can"),
    ],
    ids=["am", "have", "go", "carry", "play", "went", "watch", "can"],
)
def test_verbs_agree_with_the_third_person(verb: str, form: str) -> None:
    """A verb that stood after I takes the form that stands after she."""
    assert agreed(verb, singular=True) == form


def test_they_takes_plural_verbs() -> None:
    """Someone of unknown gender is "they", with the verb of they."""
    assert (
        in_third_person("I have a dog and I am late.", "", ("they", "them", "their"))
        == "They have a dog and they are late."
    )


_TRADES = ["baker", "nurse", "sailor", "poet", "welder", "judge", "farmer", "detective"]
_TRAITS = word_list("kind blunt curious cheerful anxious proud wry calm stern dreamy patient loyal")


def _facts(number: int) -> dict[str, Any]:
    modern = number % 3 > 0
    return {
        "name": f"Ida Holm{number}",
        "kind": "original" if modern else "historical",
        "modern": modern,
        "language": "en",
        "basic_info": {
            "age": 18 + number % 60,
            "gender": ("woman", "man", "non-binary")[number % 3],
            "occupation": _TRADES[number % len(_TRADES)],
            "place": ("Leeds, England", "Porto, Portugal", "Kyoto, Japan")[number % 3],
            "era": "present day" if modern else "Victorian era, 1840s",
            "relationships": [f"older sister of Ben{number}, a cook"],
        },
        "traits": [_TRAITS[number % 12], _TRAITS[(number + 5) % 12]],
        "dialogue_style": {
            "register": ("neutral", "casual", "formal", "archaic")[number % 4],
            "sentence_length": "medium",
            "catchphrases": ["So it goes"],
            "quirks": [
                ("quotes proverbs", "addresses people as 'friend'", "swears by the stars", "uses dry humour")[
                    number % 4
                ]
            ],
        },
    }


@pytest.fixture(scope="module")
def grid_cards() -> list[dict[str, Any]]:
    """Six hundred cards from facts alone."""
    return [extract_card(_facts(number), "") for number in range(600)]


def test_composed_backgrounds_are_all_different(grid_cards: list[dict[str, Any]]) -> None:
    """Backgrounds differ even with names taken out, and most of their sentences do too."""
    backgrounds = [re.sub(r"Holm\d+|Ben\d+", "", card["background"]) for card in grid_cards]
    assert len(set(backgrounds)) >= 595
    sentences = [sentence for background in backgrounds for sentence in background.split(". ")]
    assert len(set(sentences)) > 0.5 * len(sentences)


def test_composed_openings_vary(grid_cards: list[dict[str, Any]]) -> None:
    """At least twelve ways of opening a background are used."""
    openings = {" ".join(re.sub(r"Ida Holm\d+", "X", card["background"]).split()[:3]) for card in grid_cards}
    assert len(openings) >= 12


def test_composed_backgrounds_have_two_to_four_sentences(grid_cards: list[dict[str, Any]]) -> None:
    """Each background is of the length that the prompt asks for and has no gap left in it."""
    for card in grid_cards:
        assert 2 <= len(re.findall(r"[.!?](?:\s|$)", card["background"])) <= 4, card["background"]
        assert not re.search(r"[{}\[\]|]|  | ,|\bthey (?:was|has|is|does)\b", card["background"]), card["background"]


def test_historical_lives_are_told_in_the_past(grid_cards: list[dict[str, Any]]) -> None:
    """A historical character's opening sentence has no present tense and no modern things."""
    for card in grid_cards:
        if not card["modern"]:
            opening = card["background"].split(". ")[0]
            assert not re.search(r"\b(?:is|has|works|lives)\b", opening), opening
            assert not re.search(r"\b(?:train|radios|bus|deadline)", card["background"]), card["background"]


def test_composed_lines_are_two_or_three(grid_cards: list[dict[str, Any]]) -> None:
    """Each card gets two or three different lines without gaps."""
    for card in grid_cards:
        assert 2 <= len(card["example_lines"]) <= 3
        assert len(set(card["example_lines"])) == len(card["example_lines"])
        assert not re.search(r"[{}\[\]|]|  ", " ".join(card["example_lines"]))


def test_lines_show_register_and_quirks(grid_cards: list[dict[str, Any]]) -> None:
    """Archaic characters say old words somewhere, and the address of a quirk is heard."""
    archaic = " ".join(
        line for card in grid_cards if card["dialogue_style"]["register"] == "archaic" for line in card["example_lines"]
    )
    friendly = [card for card in grid_cards if "addresses people as 'friend'" in card["dialogue_style"]["quirks"]]
    assert re.search(r"\b(?:thee|thou|troth|hath)\b", archaic)
    assert sum("friend" in " ".join(card["example_lines"]) for card in friendly) > len(friendly) / 3


def test_every_composed_card_is_valid(grid_cards: list[dict[str, Any]]) -> None:
    """All composed cards pass the card's own model and keep their facts."""
    for number, card in enumerate(grid_cards):
        PersonaCard.model_validate(card)
        facts = _facts(number)
        assert {key: card[key] for key in facts} == facts


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    [
        "name",
        "kind",
        "modern",
        "language",
        "basic_info",
        "traits",
        "dialogue_style",
        "background",
        "example_lines",
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(_KEYS, _JSON, max_size=5), st.text(max_size=120))
def test_wild_facts_and_texts_make_valid_cards(facts: dict[str, Any], text: str) -> None:
    """Whatever is given, a valid card comes back, the same each time."""
    card = extract_card(facts, text)
    PersonaCard.model_validate(card)
    assert extract_card(facts, text) == card


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from([*NURSE.split(), *SWEEP.split(), *MERCHANT.split(), *BIOLOGIST.split()]), max_size=40))
def test_shuffled_bios_make_valid_cards(words: list[str]) -> None:
    """Words of bios in any order never raise."""
    PersonaCard.model_validate(extract_card({}, " ".join(words)))
