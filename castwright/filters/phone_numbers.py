"""Telephone numbers that may ring somewhere.

Google's rules (`phonenumbers`) say which digits are a number; ours only what is nobody's: the blocks that regulators
keep for films and books, every 555 exchange, freephone lines. A number without its country's code must be written in
groups, or stand beside a word such as "call", for a row of ten digits may be anything. (Rejected: patterns of our own:
each of 240 countries groups its numbers in its own way.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from castwright.filters.prose import load_lexicon

PHONE_TRIGGER = r"\+?\(?\d(?:[\s().\-/–]{0,3}\d){6,14}"

_FICTIONAL = re.compile("|".join(load_lexicon("personal_data")["fictional_phones"]))  # in E.164
_CALL = re.compile(
    r"(?<![a-z])(?:phone|tel|telephone|call|ring|mobile|cell|handy|text|sms|fax|whatsapp|signal|number|dial|numéro|téléphone|teléfono"
    r"|telefon|telefone|móvil|portable|電話|携帯|电话|手机|전화|телефон|☎|📞|📱)\w*\W{0,4}(?:\w+\W+){0,3}$",
    re.IGNORECASE,
)
_NOT_A_PHONE = re.compile(
    r"(?<![a-z])(?:isbn|issn|doi|version|v|no|nr|serial|model|order|ticket|invoice|page|p|#)(?:\s+(?:number|no))?[\s.:#-]*$",
    re.IGNORECASE,
)
# parts of an identifier ("d353-4979-..."), and sums
_JOINED_BEFORE = re.compile(r"[A-Za-z0-9_#$€£<>=*/^][-.]?$|[=*/^<>$€£]\s$")
_JOINED_AFTER = re.compile(r"[-.]?[A-Za-z0-9_]|\s?[=*%^<>€£]")
_FRACTION = re.compile(r"\(?0\.\d")
_CANDIDATE = re.compile(PHONE_TRIGGER)
_CONTEXT_CHARACTERS = 40
_DATES = re.compile(
    r"(?:1[0-9]|20)\d\d(?:\D+(?:1[0-9]|20)\d\d)+|\d{1,4}([-./])\d{1,2}\1\d{1,4}(?:\s+\d{1,2}[:.]?\d{0,2})?"
)
_ORGANISATIONS = ("TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "UAN", "VOICEMAIL")


def phone_numbers(text: str, regions: Sequence[str]) -> Iterator[str]:
    """Yield the telephone numbers of a text: with a country's code, or as the regions (ISO codes) write their own."""
    for candidate in _CANDIDATE.finditer(text):
        if _plausible(text, *candidate.span()):
            yield from _numbers(candidate.group(), regions)


def _numbers(digits: str, regions: Sequence[str]) -> Iterator[str]:
    """Yield the numbers among digits and signs, by the first region that knows them."""
    import phonenumbers

    types = phonenumbers.PhoneNumberType
    impersonal = {getattr(types, name) for name in _ORGANISATIONS}
    taken: list[tuple[int, int]] = []
    for region in (None, *regions) if digits.startswith("+") or not regions else regions:
        for match in phonenumbers.PhoneNumberMatcher(digits, region, leniency=phonenumbers.Leniency.VALID):
            if any(match.start < end and start < match.end for start, end in taken):
                continue
            taken.append((match.start, match.end))
            written = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            if not _FICTIONAL.fullmatch(written) and phonenumbers.number_type(match.number) not in impersonal:
                yield match.raw_string


def _plausible(text: str, start: int, end: int) -> bool:
    """Return whether digits are meant as a telephone number: by a "+", a word before them, or their groups."""
    raw, before = text[start:end], text[max(0, start - _CONTEXT_CHARACTERS) : start]
    if _JOINED_BEFORE.search(before) or _JOINED_AFTER.match(text, end):
        return False
    if raw.startswith("+"):
        return True
    if _NOT_A_PHONE.search(before) or _DATES.fullmatch(raw.strip()) or _FRACTION.match(raw):
        return False
    if _CALL.search(before):
        return True
    groups = re.findall(r"\d+", raw)
    return 2 <= len(groups) <= 5 and (raw.lstrip("(").startswith("0") or len(groups) == 3 or groups[0] == "1")
