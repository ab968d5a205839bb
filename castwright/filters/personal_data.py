"""Personal data: what reaches or identifies one real person: addresses, numbers and accounts.

Cheap patterns in polars pick the few rows that could hold something; libraries and check digits then decide
(`identifiers`, `phone_numbers`). What is nobody's stays: example domains, reserved networks, numbers kept for films,
test cards. A reason names the kind and the column and shows a masked value, for rejects are stored and read. (Rejected:
presidio, which needs a language model for what check digits settle, and finds names, which every card has.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from castwright.errors import RecipeError, nearest
from castwright.filters.identifiers import (
    CARD_TRIGGER,
    IBAN_TRIGGER,
    ID_TRIGGER,
    ibans,
    national_ids,
    payment_cards,
)
from castwright.filters.online_accounts import (
    ACCOUNT_TRIGGER,
    EMAIL_TRIGGER,
    IP_TRIGGER,
    emails,
    ip_addresses,
    social_accounts,
)
from castwright.filters.phone_numbers import PHONE_TRIGGER, phone_numbers
from castwright.filters.screened_text import (
    SCREENED_COLUMNS,
    column_words,
    compatible_series,
    folded,
    present_columns,
    text_series,
)
from castwright.filters.street_addresses import ADDRESS_TRIGGER, street_addresses
from castwright.filters.verdict import verdicts

PERSONAL_KINDS = ("email", "phone", "iban", "card", "address", "ip", "id_number", "handle")
KNOWN_ADDRESSES = (
    "221B Baker Street",
    "10 Downing Street",
    "11 Downing Street",
    "1600 Pennsylvania Avenue",
    "4 Privet Drive",
    "12 Grimmauld Place",
    "21 Jump Street",
    "742 Evergreen Terrace",
    "124 Conch Street",
    "42 Wallaby Way",
    "32 Windsor Gardens",
    "17 Cherry Tree Lane",
    "1313 Mockingbird Lane",
    "7 Eccles Street",
    "84 Charing Cross Road",
)
"""Addresses of books, films and heads of government, which point at no private person."""

_SAYS = {
    "email": "an e-mail address",
    "phone": "a telephone number",
    "iban": "a bank account (IBAN)",
    "card": "a payment card",
    "address": "a street address",
    "ip": "an IP address",
    "id_number": "an identity number",
    "handle": "a social media account",
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind is found: the cheap pattern for polars, and the search in a text that it hit."""

    trigger: str
    find: Callable[[str], Iterator[str]]


def personal_data(
    frame: pl.DataFrame,
    *,
    columns: tuple[str, ...] = SCREENED_COLUMNS,
    kinds: tuple[str, ...] = PERSONAL_KINDS,
    allow: tuple[str, ...] = KNOWN_ADDRESSES,
    phone_regions: tuple[str, ...] = ("US", "GB", "FR", "DE", "JP"),
    address_exempt_kinds: tuple[str, ...] = ("historical", "virtual"),
) -> pl.DataFrame:
    """Drop rows with personal data of the given kinds in any of the columns; the default columns may be absent.

    `allow` are values that may stand, compared without case, accents, spaces and signs. `phone_regions` (ISO 3166) are
    whose numbers are known without their country's code. Rows whose `kind` is in `address_exempt_kinds` may hold
    street addresses: those of the dead and of the invented. Score: the number of findings, for every row.

    Raises:
        RecipeError: a kind or a region is unknown, or a column that was asked for is missing.
    """
    finders = _finders(kinds, phone_regions)
    allowed = {_key(value) for value in allow}
    exempt = text_series(frame, "kind").is_in(list(address_exempt_kinds))
    reasons, counts = [""] * frame.height, [0.0] * frame.height
    for column in present_columns(frame, columns, SCREENED_COLUMNS, "personal_data"):
        text = compatible_series(text_series(frame, column))
        for kind, finder in finders.items():
            hit = text.str.contains(finder.trigger)
            for row in (hit & ~exempt if kind == "address" else hit).arg_true().to_list():
                found = [value for value in finder.find(text[row]) if _key(value) not in allowed]
                counts[row] += len(found)
                if found and not reasons[row]:
                    reasons[row] = f"{_SAYS[kind]} in {column_words(column)}: {masked_value(kind, found[0])}"
    return verdicts(reasons, counts)


def masked_value(kind: str, value: str) -> str:
    """Return a value that cannot be read back: first letters stay, the rest are stars ("j***@g***.com")."""
    plain = " ".join(value.split())
    if kind == "email" and plain.count("@") == 1:
        user, _, domain = plain.partition("@")
        host, _, top = domain.strip().rpartition(".")
        return f"{user[0]}***@{host[:1]}***.{top}"
    if kind in ("address", "email", "handle"):
        return re.sub(r"\w+", lambda match: "**" if match.group()[0].isdigit() else f"{match.group()[0]}***", plain)
    shown = re.search(r"\w", plain)
    end = shown.end() if shown else 0
    return plain[:end] + re.sub(r"\w", "*", plain[end:])


def _finders(kinds: Sequence[str], regions: Sequence[str]) -> dict[str, _Kind]:
    known = {
        "email": _Kind(EMAIL_TRIGGER, emails),
        "phone": _Kind(PHONE_TRIGGER, lambda text: phone_numbers(text, regions)),
        "iban": _Kind(IBAN_TRIGGER, ibans),
        "card": _Kind(CARD_TRIGGER, payment_cards),
        "address": _Kind(ADDRESS_TRIGGER, street_addresses),
        "ip": _Kind(IP_TRIGGER, ip_addresses),
        "id_number": _Kind(ID_TRIGGER, national_ids),
        "handle": _Kind(ACCOUNT_TRIGGER, social_accounts),
    }
    for kind in kinds:
        if kind not in known:
            raise RecipeError(
                f"filter 'personal_data': unknown kind {kind!r}{nearest(kind, known)}; there are: {', '.join(known)}"
            )
    _check_regions(regions)
    return {kind: known[kind] for kind in kinds}


def _check_regions(regions: Sequence[str]) -> None:
    import phonenumbers

    for region in regions:
        if region not in phonenumbers.SUPPORTED_REGIONS:
            raise RecipeError(
                f"filter 'personal_data': phone_regions holds {region!r}"
                f"{nearest(region.upper(), phonenumbers.SUPPORTED_REGIONS)}; give codes of two letters, as in 'GB'"
            )


def _key(value: str) -> str:
    return re.sub(r"[\W_]+", "", folded(value))
