"""The register of someone's speech, from the words that give it away.

Three word lists and two rates: a few "thou" and "hath" make speech archaic whatever else it holds; contractions and
slang make it casual; formal words without contractions make it formal; all else is neutral. It is blunter than the
score that filters use on written replies, because lines of plays are short and lack what that score reads
(capitals, end marks), and every rate can be counted by a reader. English: other languages come out neutral.
"""

from __future__ import annotations

from collections.abc import Mapping

from castwright.personas.card import Register
from castwright.personas.speech_words import is_contraction, word_set

ARCHAIC = word_set(
    """
    thou thee thy thine thyself ye hath hast doth dost art wilt shalt canst didst wert shouldst wouldst couldst
    hither thither whither whence hence wherefore ere tis 'tis twas prithee forsooth verily nay methinks oft o'er
    e'en betwixt alas unto begone behold anon mayst knowest sayest goest
    """
)
CASUAL = word_set(
    """
    yeah yep yup nope nah gonna wanna gotta kinda sorta dunno ain't dude bro guys guy buddy hey hi hiya yo ok okay cool
    awesome huh uh um wow whoa mom dad stuff lol omg bloke mate blimey reckon pal folks cop cops kid kids damn y'all
    """
)
FORMAL = word_set(
    """
    shall whom whose upon therefore however moreover nevertheless consequently indeed regarding concerning permit
    permission obliged oblige grateful gratitude honour honoured kindly madam gentlemen sir cannot must desire assure
    acquaintance circumstances considerable considerably perceive observe observed regret sincerely endeavour remain
    respect presume propose proposal request require entirely exceedingly most duty obligation inform inquire enquire
    """
)
_ARCHAIC_RATE, _CASUAL_RATE, _FORMAL_RATE = 0.01, 0.06, 0.02
_SLANG_WEIGHT = 3  # of one word of slang against one contraction, which neutral talk has too
_MOST_CONTRACTIONS_FORMAL = 0.01
_LEAST_ARCHAIC_WORDS = 2


def speech_register(words: Mapping[str, int]) -> Register:
    """Return the register of speech whose folded words were counted; of no words, neutral."""
    total = sum(words.values())
    if not total:
        return "neutral"
    archaic = {word: count for word, count in words.items() if word in ARCHAIC}
    if sum(archaic.values()) >= _ARCHAIC_RATE * total and len(archaic) >= _LEAST_ARCHAIC_WORDS:
        return "archaic"
    contracted = sum(count for word, count in words.items() if is_contraction(word)) / total
    slang = sum(count for word, count in words.items() if word in CASUAL and not is_contraction(word)) / total
    if contracted + _SLANG_WEIGHT * slang >= _CASUAL_RATE:
        return "casual"
    formal = sum(count for word, count in words.items() if word in FORMAL) / total
    return "formal" if formal >= _FORMAL_RATE and contracted <= _MOST_CONTRACTIONS_FORMAL else "neutral"
