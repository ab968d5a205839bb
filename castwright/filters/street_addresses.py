"""Street addresses: a house number with the name of a street, in the orders that are common.

Rules, for no library finds addresses in prose without a model (libpostal parses what is an address already, and needs
2 GB). A street alone is no address, and neither is "in 1906 Market Street burned". (Rejected: a postcode alone, which
names hundreds of people and looks like any number.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator

ADDRESS_TRIGGER = (
    r"\d[a-zA-Z]?,? (?:[^\s\d]+ ){0,4}?(?i:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|square"
    r"|place|terrace|way|close|crescent|row|gardens|mews|hill|parkway|pkwy|highway|hwy|grove|rue|quai|allée|chemin|place"
    r"|impasse|cours)\b|(?i:stra(?:ß|ss)e|str\.|weg|gasse|allee|platz|ufer|damm|straat|laan|gracht|plein|gatan|vägen"
    r"|gate|calle|avenida|paseo|plaza|via|viale|piazza|corso|rua|largo|ul\.|ulica|улица|ул\.|проспект)[^\n]{0,40}\d"
    r"|\d+丁目|\d+番地|\d+号|路\d|街\d|(?i:p\.? ?o\.? box) \d"
)

_KIND_AFTER = (
    r"(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln\.?|Drive|Dr\.?|Boulevard|Blvd\.?|Court|Ct\.?|Square|Sq\.?|Place|"
    r"Pl\.?|Terrace|Way|Close|Crescent|Row|Gardens|Mews|Hill|Parkway|Pkwy\.?|Highway|Hwy\.?|Grove)"
)
_NAME = r"(?:[A-Z][\w'’.-]*|\d{1,3}(?:st|nd|rd|th)|of|the|de|la)"
_ENGLISH = re.compile(
    r"(?<![\w.,£$€#:/-])(?P<number>\d{1,5}(?:[-/]\d{1,4})?[A-Za-z]?),? (?:[NSEW]\.? )?"
    rf"(?:{_NAME} ){{1,4}}?{_KIND_AFTER}(?!\w)"
)
_FRENCH = re.compile(
    r"(?<![\w.,€:/-])(?P<number>\d{1,4})(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|bd|quai|allée|chemin|place"
    r"|impasse|cours)(?: (?:de|du|des|d'|la|le|les|l'|d’|l’|à|aux))* ?(?:[dl]['’])?[A-ZÉÈÀÎÔ][\w'’-]+",
)
_GERMANIC = re.compile(
    r"(?<!\w)(?:(?:[A-ZÄÖÜ][\wäöüß-]+[ -])?[A-ZÄÖÜÅ]?[\wäöüßåé-]*?(?:stra(?:ß|ss)e|str\.|weg|gasse|allee|platz|ufer"
    r"|damm|straat|laan|gracht|plein|gatan|vägen))\s(?P<number>\d{1,4}) ?[a-h]?(?!\w|[.:,]\d| ?(?:Jahre|Uhr|km|Meter))",
    re.IGNORECASE,
)
_ROMANCE = re.compile(
    r"(?<!\w)(?:[Cc]alle|C/|[Aa]venida|Avda\.?|Av\.|[Pp]aseo|[Pp]laza|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Rr]ua|[Ll]argo"
    r"|ul\.|[Uu]lica)(?: (?:de|del|della|dei|da|do|dos|la|las|los|el|di|d'|[A-ZÀ-Ž][\w'’.-]*)){1,5}"
    r",? (?:n[º°.]? ?)?(?P<number>\d{1,4})(?!\w|[.,]\d)"
)
_RUSSIAN = re.compile(
    r"(?:улица|ул\.|проспект|пр\.|переулок|пер\.)\s+[А-ЯЁ][\w\s.-]{1,40}?,?\s+(?:д(?:ом|\.)\s*)?(?P<number>\d{1,4})\b"
)
_EAST_ASIAN = re.compile(
    r"[\u3040-\u30ff\u4e00-\u9fff]{2,12}(?P<number>\d{1,4})(?:丁目\d{1,4}(?:番(?:地)?|[-−]\d)|番地)|[\u4e00-\u9fff]{2,8}[路街巷道]\d{1,5}(?:号|號)"
)
_BOX = re.compile(r"\bP\.? ?O\.? Box \d{1,6}", re.IGNORECASE)

_YEAR_BEFORE = re.compile(
    r"\b(?:in|since|by|of|from|until|till|to|after|before|around|circa|about|summer|winter|spring|autumn|fall|the|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|early|late|mid)\s+$",
    re.IGNORECASE,
)


def street_addresses(text: str) -> Iterator[str]:
    """Yield the street addresses of a text, as they stand there."""
    for pattern in (_ENGLISH, _FRENCH, _GERMANIC, _ROMANCE, _RUSSIAN, _EAST_ASIAN, _BOX):
        for match in pattern.finditer(text):
            number = match.groupdict().get("number") or ""
            if re.fullmatch(r"1\d{3}|20\d\d", number) and _YEAR_BEFORE.search(text[: match.start()]):
                continue
            yield match.group().strip()
