"""The corpus of the duplicates benchmark: cards of some hundred words, planted copies, and look-alikes that are none.

Everything is drawn from word lists and templates in this file with one seeded generator, so every run and every
peer sees the same rows and the truth is known: the card each row was copied from, else itself. Copies are of four
kinds and keep who the person is; look-alikes keep most of the words and change who it is. (Rejected: a public
duplicates set as the only corpus: they label questions of ten words, and nobody knows what they did not label.)
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

COPIES = ("exact", "case", "edit", "paraphrase")
LOOK_ALIKES = ("other person", "other calling")


def _parted(text: str, mark: str | None = None) -> list[str]:
    """Return the entries of a list written as one text, which is easier to read than a quote around each."""
    return text.split(mark)


_STARTS: tuple[str, ...] = (
    "Al",
    "Bren",
    "Cor",
    "Da",
    "El",
    "Fen",
    "Gar",
    "Hel",
    "Is",
    "Jor",
    "Ka",
    "Lu",
    "Mar",
    "Ni",
    "Or",
    "Pe",
)
_STARTS += ("Qui", "Ro", "Sel", "Ta", "Ul", "Ve", "Wil", "Xan", "Yo", "Zel", "An", "Ber", "Cla", "Dor")
_ENDS: tuple[str, ...] = (
    "a",
    "an",
    "bert",
    "cia",
    "da",
    "el",
    "fred",
    "gard",
    "ina",
    "is",
    "ka",
    "lin",
    "mund",
    "na",
    "or",
    "ric",
)
_ENDS += ("sa", "ton", "us", "via", "wen", "ya", "zo", "mir")
_SURNAMES: tuple[str, ...] = (
    "Ash",
    "Black",
    "Cold",
    "Deer",
    "East",
    "Fair",
    "Green",
    "Hart",
    "Iron",
    "Kings",
    "Long",
    "Marsh",
)
_SURNAMES += ("North", "Oak", "Penn", "Rock", "Stone", "Thorn", "Under", "West", "Wood", "Lang", "Brook", "Storm")
_SURNAME_ENDS: tuple[str, ...] = (
    "bridge",
    "by",
    "cliff",
    "dale",
    "field",
    "ford",
    "gate",
    "hill",
    "ley",
    "man",
    "mere",
    "ridge",
)
_SURNAME_ENDS += ("shaw", "smith", "son", "stead", "ton", "wall", "well", "worth")

CALLINGS = _parted(
    "baker blacksmith weaver surgeon botanist lawyer carpenter fisherman violinist astronomer beekeeper cartographer "
    "librarian midwife miner painter pilot plumber potter professor sailor sculptor shepherd tailor teacher "
    "translator veterinarian watchmaker welder journalist chemist dancer diplomat electrician farmer gardener "
    "glazier jeweller locksmith mathematician mechanic nurse optician pharmacist photographer printer saddler "
    "soldier spy stonemason tanner thatcher vintner clockmaker falconer bookbinder brewer cooper engraver actor"
)
_PLACES = _parted(
    "Lisbon Bergen Cairo Kyoto Quito Tbilisi Galway Krakow Havana Fez Zanzibar Hobart Winnipeg Lima Odessa Bruges "
    "Nantes Palermo Riga Seville Trieste Uppsala Valletta Yerevan Zagreb Boston Calcutta Dakar Edinburgh Florence "
    "Granada Hanoi Istanbul Jaipur Kingston Leipzig Manila Nairobi Oslo Porto Quebec Rouen Samarkand Tunis Utrecht"
)
_ERAS = _parted(
    "the reign of a careless king|the first years of the railways|a long war|the gold rush|the plague years|"
    "the last whaling season|the great drought|the age of steam|the moon landings|the oil crisis|the jazz age|"
    "a hard occupation|the space colonies|the early internet|the flood century|the clone trials|the silk trade|"
    "the crusades|the printing craze|the dust storms|the robot strikes|the emigrant ships",
    "|",
)
_TRAITS = _parted(
    "patient stubborn witty melancholy generous suspicious cheerful vain frugal dreamy blunt tender restless loyal "
    "sarcastic timid fearless tidy forgetful jealous pious lazy earnest sly humble proud curious gloomy gallant rude "
    "precise reckless gentle greedy honest anxious playful solemn moody brisk candid cunning dutiful eager fickle "
    "graceful hasty idle jovial kind lonely merciful nosy obliging petty quiet ruthless sober tactful unruly wary"
)
_HOBBIES = _parted(
    "keeping pigeons|collecting fossils|playing chess by post|growing roses|repairing clocks|singing in a choir|"
    "mountain walking|brewing cider|reading atlases|carving spoons|flying kites|training dogs|writing sonnets|"
    "swimming in winter|baking gingerbread|restoring motorcycles|watching comets|gambling at cards|fencing|"
    "knitting socks|drawing insects|telling ghost stories|building radios|dancing the tango|hunting mushrooms|"
    "juggling|painting miniatures|riding horses|solving crosswords|diving for pearls",
    "|",
)
_FEARS = _parted(
    "deep water|open windows at night|owing money|being laughed at|thunder|dogs|losing a letter|the dark cellar|"
    "crowds|growing old alone|hospitals|heights|spiders|fire in the roof|forgetting a face|silence at supper|"
    "being followed|mirrors|doctors|the tax collector|fog at sea|betrayal by friends|empty rooms|horses|poison",
    "|",
)
_GOALS = _parted(
    "buy back the family farm|publish one good book|see the southern ocean|find a lost brother|win a fair trial|"
    "build a school|clear an old debt|learn the organ|cross the desert|be forgiven by a daughter|map the caves|"
    "retire to an island|cure the fever|open a theatre|prove a theorem|plant a thousand trees|leave the guild|"
    "found a newspaper|restore the chapel|beat an old rival|write a dictionary|sail alone|feed the whole street",
    "|",
)
_HABITS = _parted(
    "hums before every answer|counts coins twice|never sits with the back to a door|speaks in short sentences|"
    "swears by the saints|laughs at bad news|quotes old songs|whispers when angry|writes lists on both hands|"
    "calls everyone captain|asks three questions at once|drinks tea without sugar|wears one red glove|"
    "ends every story with a proverb|mixes up proverbs|talks to cats|avoids the word never|keeps a spare key|"
    "bows to strangers|taps the table twice|collects buttons|salutes the moon|sleeps at noon|spells names aloud",
    "|",
)
_KIN = _parted(
    "an aunt who ran a ferry|two brothers in the navy|a grandmother who told fortunes|a father who gambled|"
    "a stern uncle|foster parents in the hills|a mother who sang opera|seven sisters|an old monk|travelling players|"
    "a retired general|a widow with a bakery|nobody in particular|a blind clockmaker|neighbours who took turns|"
    "a ship's cook|a judge|a family of acrobats|a deaf godmother|the nuns of a cold convent|a cousin and his goats",
    "|",
)
_EVENTS = _parted(
    "a fire took the workshop|a stranger left a sealed box|a ship came home without its crew|a letter was misread|"
    "the river changed its bed|an election was stolen|a duel ended badly|a comet was seen at noon|"
    "the bank closed its doors|an earthquake split the market|a rival married the mayor|a trunk of maps was found|"
    "a winter lasted until June|the bridge collapsed|a child was rescued from a well|the mine was sold|"
    "a painting turned out to be false|the harvest failed twice|a trial made every newspaper|the circus burned down|"
    "a twin appeared|the train never arrived|a fever emptied the street|a prize was refused",
    "|",
)
_OBJECTS = _parted(
    "a brass compass|a cracked violin|a blue notebook|a silver thimble|a tin whistle|a wolf's tooth|a worn bible|"
    "a glass eye|a bundle of love letters|a folding knife|an ivory comb|a jar of foreign sand|a pocket telescope|"
    "a rusted key|a medal nobody asks about|a pressed flower|a lucky coin|a rope belt|a music box|a cracked mirror|"
    "a map with a hole|a lead soldier|a pair of dice|a green lantern|a child's shoe",
    "|",
)

_OPENINGS = (
    "{name} is a {calling} from {place} who lived through {era}.",
    "Born in {place} during {era}, {name} became a {calling}.",
    "Everyone in {place} knows {name}, the {calling} who remembers {era}.",
    "In {era}, {name} worked as a {calling} in {place}.",
    "{place} has had few people like {name}, a {calling} shaped by {era}.",
)
_MIDDLES = (
    (
        "Raised by {kin}, {first} is {t1}, {t2} and at times {t3}.",
        "{first} grew up with {kin} and is called {t1}, {t2}, even {t3}.",
        "Friends find {first} {t1} and {t2}, strangers only {t3}; the childhood was spent with {kin}.",
        "{kin_cap} raised {first}, who turned out {t1}, {t2} and {t3}.",
    ),
    (
        "Everything changed when {event}, and since then {first} carries {object}.",
        "The year {event}, {first} was given {object} and never put it away.",
        "After {event}, all that {first} saved was {object}.",
        "{first} still tells how {event}, and shows {object} as proof.",
    ),
    (
        "As a {calling}, {first} earns little and spends it on {hobby} and {hobby2}.",
        "When the {calling} has an hour to spare, it goes to {hobby}, or else to {hobby2}.",
        "Between one day of work as a {calling} and the next there is {hobby} and {hobby2}.",
        "No other {calling} in town loves {hobby} so much, or is worse at {hobby2}.",
    ),
    (
        "What {first} fears most is {fear}, and what {first} wants is to {goal}.",
        "{first} hopes to {goal}, and would manage it but for a fear of {fear}.",
        "To {goal} is the plan of {first}, who dreads {fear}.",
        "{fear_cap} frightens {first}; the wish to {goal} is stronger.",
    ),
    (
        "In talk the {calling} {habit} and {habit2}.",
        "You know {first} by the voice: {first} {habit} and {habit2}.",
        "{first} {habit}, {habit2}, and does not notice either.",
        "Ask the {calling} anything: {first} {habit}, then {habit2}.",
    ),
)

_SYNONYMS = {
    "became": "ended up as",
    "knows": "has met",
    "worked": "was employed",
    "few people": "hardly anybody",
    "raised": "brought up",
    "grew up": "spent the early years",
    "is called": "gets described as",
    "find": "consider",
    "spent": "passed",
    "changed": "turned around",
    "carries": "keeps close",
    "was given": "received",
    "saved": "rescued",
    "still tells": "likes to recount",
    "earns little": "makes a modest living",
    "an hour to spare": "some free time",
    "loves": "adores",
    "fears most": "dreads above all",
    "wants": "wishes for",
    "hopes": "intends",
    "plan": "ambition",
    "frightens": "scares",
    "in talk": "in conversation",
    "voice": "way of speaking",
    "notice": "realise",
    "ask": "question",
    "anything": "whatever you like",
    "never": "at no time",
    "as proof": "to prove it",
    "in town": "around here",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One row of the corpus.

    `character` numbers who it is: two rows are duplicates when it is the same. `kind` is "original", one of
    COPIES or one of LOOK_ALIKES.
    """

    text: str
    character: int
    kind: str


def names(count: int, rng: random.Random) -> list[tuple[str, str]]:
    """Return distinct (first name, surname) pairs, each first name made of two syllables."""
    firsts = [a + b for a, b in product(_STARTS, _ENDS)]
    lasts = [a + b for a, b in product(_SURNAMES, _SURNAME_ENDS)]
    chosen = rng.sample(range(len(firsts) * len(lasts)), count)
    return [(firsts[one // len(lasts)], lasts[one % len(lasts)]) for one in chosen]


def attributes(name: tuple[str, str], rng: random.Random) -> dict[str, str]:
    """Return what one character is made of, `shape` (which templates, in which order) included."""
    traits = rng.sample(_TRAITS, 3)
    hobbies, habits = rng.sample(_HOBBIES, 2), rng.sample(_HABITS, 2)
    order = list(range(len(_MIDDLES)))
    rng.shuffle(order)
    shape = [rng.randrange(len(_OPENINGS)), *order, *(rng.randrange(len(middle)) for middle in _MIDDLES)]
    kin, fear = rng.choice(_KIN), rng.choice(_FEARS)
    return {
        "first": name[0],
        "name": " ".join(name),
        "calling": rng.choice(CALLINGS),
        "place": rng.choice(_PLACES),
        "era": rng.choice(_ERAS),
        "kin": kin,
        "kin_cap": kin[0].upper() + kin[1:],
        "t1": traits[0],
        "t2": traits[1],
        "t3": traits[2],
        "event": rng.choice(_EVENTS),
        "object": rng.choice(_OBJECTS),
        "hobby": hobbies[0],
        "hobby2": hobbies[1],
        "fear": fear,
        "fear_cap": fear[0].upper() + fear[1:],
        "goal": rng.choice(_GOALS),
        "habit": habits[0],
        "habit2": habits[1],
        "shape": " ".join(map(str, shape)),
    }


def written(facts: dict[str, str]) -> str:
    """Return the card's text: an opening and five sentences in the order that `shape` says."""
    shape = [int(part) for part in facts["shape"].split()]
    count = len(_MIDDLES)
    sentences = [_OPENINGS[shape[0]], *(_MIDDLES[place][shape[1 + count + place]] for place in shape[1 : 1 + count])]
    return " ".join(sentence.format(**facts) for sentence in sentences)


def copied(text: str, kind: str, rng: random.Random) -> str:
    """Return a copy of a text that leaves who it is about as it was."""
    if kind == "exact":
        return text
    if kind == "case":
        dressed = rng.choice((text.upper(), text.lower(), text.title()))
        return dressed.replace(". ", rng.choice((".  ", "! ", ".\n"))).replace(",", rng.choice((",", " ,", ";")))
    if kind == "edit":
        return _edited(text, rng)
    opening, *rest = re.split(r"(?<=\.) ", text)
    rng.shuffle(rest)
    changed = " ".join([opening, *rest])
    usable = [word for word in _SYNONYMS if re.search(rf"\b{word}\b", changed, flags=re.IGNORECASE)]
    for word in rng.sample(usable, min(3, len(usable))):
        changed = re.sub(rf"\b{word}\b", _SYNONYMS[word], changed, count=1, flags=re.IGNORECASE)
    return changed


def _edited(text: str, rng: random.Random) -> str:
    """Drop, double or misspell four to six words that are no names: what scraping and retyping do."""
    words = text.split()
    small = [place for place, word in enumerate(words) if word.islower() and word.isalpha()]
    for place in rng.sample(small, rng.randint(4, 6)):
        word = words[place]
        how = rng.randrange(3)
        if how == 0 and len(word) > 3:
            cut = rng.randrange(1, len(word) - 1)
            words[place] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
        else:
            words[place] = "" if how == 1 and len(word) < 5 else f"{word} {word}"
    return " ".join(word for word in words if word)


def look_alike(facts: dict[str, str], kind: str, name: tuple[str, str], rng: random.Random) -> str:
    """Return the card of somebody else in nearly the same words.

    "other person" has another name and calling; "other calling" the same name, and one decisive word changed
    wherever it stands.
    """
    calling = rng.choice([one for one in CALLINGS if one != facts["calling"]])
    changed = {**facts, "calling": calling}
    if kind == "other person":
        changed |= {"first": name[0], "name": " ".join(name)}
    return written(changed)


def make_corpus(
    rows: int, *, seed: int = 0, copies: float = 0.2, other_person: float = 0.02, other_calling: float = 0.0005
) -> list[Card]:
    """Return `rows` cards in random order: shares of copies and look-alikes as given, the rest originals."""
    rng = random.Random(seed)
    shares = {"other person": round(rows * other_person), "other calling": round(rows * other_calling)}
    planted = round(rows * copies)
    originals = rows - planted - sum(shares.values())
    people = names(originals + sum(shares.values()), rng)
    facts = [attributes(name, rng) for name in people[:originals]]
    cards = [Card(written(one), number, "original") for number, one in enumerate(facts)]
    texts = [card.text for card in cards]
    for number in range(planted):
        source = rng.randrange(originals)
        kind = COPIES[number % len(COPIES)]
        cards.append(Card(copied(texts[source], kind, rng), source, kind))
    for kind, count in shares.items():
        for _ in range(count):
            number = len(cards) - planted
            cards.append(Card(look_alike(facts[rng.randrange(originals)], kind, people[number], rng), number, kind))
    rng.shuffle(cards)
    return cards


def truth(cards: Sequence[Card]) -> list[int]:
    """Return the character's number of each card."""
    return [card.character for card in cards]
