"""Numbers that name one person or account: IBANs, payment cards, national identity numbers.

Each is taken only with its check digits, which python-stdnum knows. A form that nothing else has (an Italian tax code,
18 digits of a Chinese identity card) needs no more; bare digits count only beside a word that says what they are, for
one number in ten or eleven passes a check by chance. Numbers that banks and test suites give as examples are spared.
(Rejected: patterns without check digits, which take every serial number for a passport.)
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache

from castwright.filters.prose import load_lexicon

IBAN_TRIGGER = r"\b[A-Za-z]{2}\d{2}[ ]?[A-Za-z0-9]{4}"
CARD_TRIGGER = r"\d(?:[ -]?\d){12,18}"
ID_TRIGGER = r"(?i)\d[\d .\-/]{7,}|[a-z]{4,6}\d{2}|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2}|\d{6}[-+a]\d{3}|[xyz]-?\d{7}"

_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Z0-9])", re.IGNORECASE)
_CARD = re.compile(r"(?<![\w.,/-])\d(?:[ -]?\d){12,18}(?![\w/]|[.,-]\w)")
_CARD_ISSUERS = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
)
_NOBODYS: dict[str, list[str]] = load_lexicon("personal_data")
_EXAMPLE_CARDS = frozenset(_NOBODYS["example_cards"])
_EXAMPLE_IBANS = frozenset(_NOBODYS["example_ibans"])
_EXAMPLE_IDS = frozenset(_NOBODYS["example_ids"])

# country's module of python-stdnum, the form, and the words without which bare digits mean nothing ("" for none)
_NATIONAL: tuple[tuple[str, str, str], ...] = (
    ("us.ssn", r"\d{3}-\d{2}-\d{4}", ""),
    ("it.codicefiscale", r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", ""),
    ("mx.curp", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d", ""),
    ("fi.hetu", r"\d{6}[-+A]\d{3}[0-9A-Y]", ""),
    ("ch.ssn", r"756\.\d{4}\.\d{4}\.\d{2}", ""),
    ("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", ""),
    ("cl.rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dK]", ""),
    ("es.dni", r"\d{8}-?[A-Z]", ""),
    ("es.nie", r"[XYZ]-?\d{7}-?[A-Z]", ""),
    ("cn.ric", r"\d{17}[\dX]", ""),
    ("kr.rrn", r"\d{6}-[1-4]\d{6}", ""),
    ("se.personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}", ""),
    ("dk.cpr", r"\d{6}-\d{4}", r"\bCPR\b|personnummer"),
    ("fr.nir", r"[12] ?\d{2} ?\d{2} ?\d{2} ?\d{3} ?\d{3} ?\d{2}", ""),
    ("be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", ""),
    ("cz.rc", r"\d{6}/\d{4}", ""),
    ("pl.pesel", r"\d{11}", r"\bPESEL\b"),
    ("nl.bsn", r"\d{9}", r"\bBSN\b|burgerservice|sofinummer"),
    ("de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", r"steuer-?(?:id|nummer|identifikation)|\bIdNr\b|\btax id"),
    ("no.fodselsnummer", r"\d{6} ?\d{5}", r"f[oø]dselsnummer|personnummer"),
    ("ca.sin", r"\d{3}[ -]?\d{3}[ -]?\d{3}", r"\bSIN\b|social insurance"),
    ("au.tfn", r"\d{3} ?\d{3} ?\d{3}", r"\bTFN\b|tax file"),
    ("gb.nhs", r"\d{3} ?\d{3} ?\d{4}", r"\bNHS\b"),
    ("in_.aadhaar", r"\d{4}[ -]?\d{4}[ -]?\d{4}", r"aadhaa?r"),
    ("tr.tckimlik", r"\d{11}", r"\bT\.?C\.?\b|kimlik"),
    ("ro.cnp", r"\d{13}", r"\bCNP\b"),
    ("za.idnr", r"\d{13}", r"\bID\b|identity"),
    ("pt.nif", r"\d{9}", r"\bNIF\b|contribuinte"),
    ("hr.oib", r"\d{11}", r"\bOIB\b"),
    ("us.ssn", r"\d{9}|\d{3} \d{2} \d{4}", r"\bSSN\b|social security"),
)
_NINO = re.compile(
    r"(?<!\w)(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"
)
_PASSPORT = re.compile(r"\bpassport\s*(?:no|number|nr|#)?\.?\s*:?\s*(?:is\s+)?([A-Z]{0,2}\d{6,9})\b", re.IGNORECASE)
_CONTEXT_CHARACTERS = 40


def ibans(text: str) -> Iterator[str]:
    """Yield the IBANs of a text whose check digits and country's form are right."""
    from stdnum import iban

    for match in _IBAN.finditer(text):
        said = match.group()
        while said and not iban.is_valid(said):  # a word of the sentence may have been taken along: "... 3000 and"
            said = said.rpartition(" ")[0]
        if said and re.sub(r"\s", "", said).upper() not in _EXAMPLE_IBANS:
            yield said


def payment_cards(text: str) -> Iterator[str]:
    """Yield the numbers of a text that an issuer of payment cards may have given out, but for test numbers."""
    from stdnum import luhn

    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _CARD_ISSUERS.fullmatch(digits) and luhn.is_valid(digits) and digits not in _EXAMPLE_CARDS:
            yield match.group()


def national_ids(text: str) -> Iterator[str]:
    """Yield the national identity, tax and insurance numbers of a text."""
    taken: set[str] = set()
    for module, pattern, words in _patterns():
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - _CONTEXT_CHARACTERS) : match.start()]
            digits = re.sub(r"\W", "", match.group())
            if digits in _EXAMPLE_IDS or match.group() in taken or (words and not words.search(before)):
                continue
            if importlib.import_module(f"stdnum.{module}").is_valid(match.group()):
                taken.add(match.group())
                yield match.group()
    for match in _NINO.finditer(text):
        if match.group().replace(" ", "") not in _EXAMPLE_IDS:
            yield match.group()
    for match in _PASSPORT.finditer(text):
        yield match.group(1)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str] | None], ...]:
    edges = r"(?<![\w.-]){}(?!\w|[.-]\w)"
    return tuple(
        (module, re.compile(edges.format(f"(?:{form})")), re.compile(words, re.IGNORECASE) if words else None)
        for module, form, words in _NATIONAL
    )
