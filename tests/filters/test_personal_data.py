"""Personal data: numbers and addresses that reach someone, against what only looks like them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from castwright.errors import RecipeError
from castwright.filters.personal_data import KNOWN_ADDRESSES, PERSONAL_KINDS, masked_value, personal_data

CARD = "453914880343646"
CARD += luhn.calc_check_digit(CARD)
SAID = {
    "email": "an e-mail address",
    "phone": "a telephone number",
    "iban": "a bank account (IBAN)",
    "card": "a payment card",
    "address": "a street address",
    "ip": "an IP address",
    "id_number": "an identity number",
    "handle": "a social media account",
}
FOUND = [
    ("email", "Write to jane.doe@gmail.com today."),
    ("email", "jane_d+cards@mail.provider.co.uk"),
    ("email", "jürgen@straße.de"),
    ("email", "jane (at) provider (dot) org"),
    ("email", "jane at provider dot org"),
    ("email", "jane[at]provider.org"),
    ("phone", "call (202) 456-1414"),
    ("phone", "202-456-1414"),
    ("phone", "1 (202) 456-1414"),
    ("phone", "my number is 2024561414"),
    ("phone", "+44 20 7219 3000"),
    ("phone", "Tel. 020 7219 3000"),
    ("phone", "01 42 34 20 00"),
    ("phone", "電話は０３－３５８１－５１１１です"),
    ("phone", "WhatsApp: +49 30 2270"),
    ("iban", "IBAN FR14 2004 1010 0505 0001 3M02 606 please"),
    ("iban", "NL91ABNA0417164300"),
    ("iban", "es91 2100 0418 4502 0005 1332"),
    ("card", f"pays with {CARD}"),
    ("card", f"pays with {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}"),
    ("card", f"{CARD[:4]}-{CARD[4:8]}-{CARD[8:12]}-{CARD[12:]}"),
    ("address", "lives at 47 Willow Lane, second floor"),
    ("address", "14B North Mill Road"),
    ("address", "1907 Harbour Street is home"),
    ("address", "12 rue de la République"),
    ("address", "wohnt in der Lindenstraße 14"),
    ("address", "Calle Mayor 12"),
    ("address", "Via Garibaldi, 5"),
    ("address", "Kalverstraat 92"),
    ("address", "ул. Садовая, д. 12"),
    ("address", "渋谷区神南1丁目2番"),
    ("address", "P.O. Box 1234"),
    ("ip", "logs in from 91.198.174.192"),
    ("ip", "2a00:1450:4001:81b::200e"),
    ("id_number", "SSN 536-90-4399"),
    ("id_number", "DNI 54362315K"),
    ("id_number", "codice fiscale RSSMRA85T10A562S"),
    ("id_number", "CPF 111.444.777-35"),
    ("id_number", "PESEL 44051401359"),
    ("id_number", "passport no. 533380006"),
    ("id_number", "NI number JM 12 34 56 B"),
    ("handle", "follow @sam_bakes for more"),
    ("handle", "on Mastodon @sam@social.town"),
    ("handle", "see instagram.com/sam.bakes"),
    ("handle", "https://www.linkedin.com/in/sam-baker-123"),
    ("handle", "her telegram is sam_1999"),
]
SPARED = [
    "born in 1984, aged 41",
    "from 1914-1918 and 1939-1945",
    "born 1912 04 15 at sea",
    "@home in any kitchen, @work in none",
    "mail someone@example.com or a@b.example",
    "root@localhost.localdomain.test",
    "call 555-0142",
    "+1 212 555 0147",
    "020 7946 0018 in every British film",
    "call 0800 1111",
    "800-356-9377",
    "2024561414",
    "192.168.0.1 and 10.0.0.7",
    "203.0.113.9, kept for documents",
    "version 12.4.1.7",
    "DNS at 8.8.8.8",
    "reads lst[1::2] aloud at 12:30:45",
    "ISBN 978-3-16-148410-0",
    "ISBN 9783161484100",
    "the test card 4111 1111 1111 1111",
    "1234567812345678 beans",
    "DE89 3704 0044 0532 0130 01",
    "44051401359 grains of sand",
    "SSN 000-12-3456",
    "serial number 123-45-67890",
    "in 1906 Market Street burned",
    "the summer of 1969 Abbey Road was full",
    "a house on Willow Lane",
    "two doors from Mill Road",
    "221B Baker Street",
    "10 Downing Street",
    "walked 12 miles along the road",
    "12 Angry Men",
    "$0.40 / $0.05 = 8 nickels, 1,234,567 890",
    "ticket d353-4979-9218-59207e83b1b4",
    "@property\ndef name(self): ...",
    "an e-mail to nobody @ nowhere",
    "Straße der Ameisen",
    "3.14159265358979",
    "lat 52.5200 13.4050",
    "youtube.com/watch?v=abc and github.com/about",
    "lost 20 kilos on the way to Rue Morgue",
]


@pytest.mark.parametrize(("kind", "text"), FOUND, ids=[text for _, text in FOUND])
def test_personal_data_is_found_and_masked(kind: str, text: str) -> None:
    """The reason says the kind and the column, and nothing of the value can be read back."""
    keep, reason, score = personal_data(pl.DataFrame({"background": [text]}), kinds=(kind,)).row(0)
    assert not keep
    assert score is not None
    assert score >= 1
    assert reason.startswith(f"{SAID[kind]} in background: ")
    assert "*" in reason
    assert personal_data(pl.DataFrame({"background": [reason]}))["keep"][0]
    assert not personal_data(pl.DataFrame({"background": [text]}))["keep"][0]


@pytest.mark.parametrize("text", SPARED)
def test_what_is_nobodys_is_spared(text: str) -> None:
    """Years, sums, codes, reserved numbers and streets without a house stay."""
    assert personal_data(pl.DataFrame({"background": [text]})).row(0) == (True, "", 0.0)


def test_every_kind_has_its_words() -> None:
    """The table of this test names all kinds."""
    assert set(SAID) == set(PERSONAL_KINDS)
    assert {kind for kind, _ in FOUND} == set(PERSONAL_KINDS)


@pytest.mark.parametrize("address", KNOWN_ADDRESSES)
def test_known_addresses_are_allowed_and_found_without(address: str) -> None:
    """They may stand by default, and are addresses where nothing is allowed."""
    frame = pl.DataFrame({"place": [f"At {address}, of course"]})
    assert personal_data(frame)["keep"][0]
    assert not personal_data(frame, allow=())["keep"][0]


def test_the_dead_and_the_invented_may_have_an_address_but_no_telephone() -> None:
    """Only addresses are spared for the exempt kinds, which can be set."""
    frame = pl.DataFrame(
        {
            "kind": ["historical", "virtual", "original", "historical"],
            "background": ["47 Willow Lane"] * 3 + ["+44 20 7219 3000"],
        }
    )
    assert personal_data(frame)["keep"].to_list() == [True, True, False, False]
    assert personal_data(frame, address_exempt_kinds=())["keep"].to_list() == [False] * 4


def test_allowed_values_are_compared_without_case_spaces_and_signs() -> None:
    """Any kind of value can be allowed."""
    frame = pl.DataFrame({"text": ["call (202) 456-1414", "JANE.DOE@gmail.com"]})
    assert personal_data(frame, allow=("202 456 1414", "jane.doe@gmail.com"))["keep"].to_list() == [True, True]


def test_only_the_kinds_asked_for_are_looked_for() -> None:
    """An e-mail address passes where only telephone numbers count."""
    frame = pl.DataFrame({"text": ["jane@gmail.com"]})
    assert personal_data(frame, kinds=("phone",))["keep"][0]


def test_the_regions_say_whose_numbers_are_known() -> None:
    """Without its region a number needs the country's code."""
    frame = pl.DataFrame({"text": ["01 42 34 20 00", "+33 1 42 34 20 00"]})
    assert personal_data(frame, phone_regions=("FR",))["keep"].to_list() == [False, False]
    assert personal_data(frame, phone_regions=())["keep"].to_list() == [True, False]


def test_all_findings_count_in_lists_too() -> None:
    """The score is the number of findings; the reason is of the first column."""
    frame = pl.DataFrame({"example_lines": [["Hello!", "mail a@b.org or c@d.org"]], "text": ["91.198.174.192"]})
    assert personal_data(frame).row(0) == (False, "an e-mail address in example lines: a***@b***.org", 3.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("emails",)}, r"unknown kind 'emails' \(did you mean 'email'\?\)"),
        ({"phone_regions": ("UK",)}, "phone_regions holds 'UK'"),
        ({"columns": ("backgroud",)}, "did you mean 'background'"),
    ],
    ids=["kind", "region", "column"],
)
def test_settings_that_cannot_be_are_user_errors(options: dict[str, tuple[str, ...]], message: str) -> None:
    """The message says the value and the nearest right one."""
    with pytest.raises(RecipeError, match=message):
        personal_data(pl.DataFrame({"background": ["x"]}), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "value", "masked"),
    [
        ("email", "jane@gmail.com", "j***@g***.com"),
        ("phone", "+44 20 7219 3000", "+4* ** **** ****"),
        ("address", "47 Willow Lane", "** W*** L***"),
        ("handle", "@sam_bakes", "@s***"),
        ("iban", "NL91ABNA0417164300", "N*****************"),
    ],
    ids=["e-mail", "phone", "address", "handle", "IBAN"],
)
def test_masks(kind: str, value: str, masked: str) -> None:
    """First letters stay at most."""
    assert masked_value(kind, value) == masked


def test_a_payment_card_needs_its_check_digit() -> None:
    """Of the ten last digits one makes a card."""
    frame = pl.DataFrame({"text": [CARD[:-1] + str(digit) for digit in range(10)]})
    assert personal_data(frame, kinds=("card",))["keep"].to_list().count(False) == 1


@given(st.lists(st.one_of(st.none(), st.text(max_size=60), st.from_regex(r"[+@.:\d a-f/-]{0,40}")), max_size=8))
def test_wild_text_never_fails(texts: list[str | None]) -> None:
    """One verdict per row, the same alone as among others."""
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    found = personal_data(frame)
    assert found["keep"].to_list() == [score == 0 for score in found["score"]]
    assert found["reason"].to_list() == [personal_data(frame[row])["reason"][0] for row in range(len(texts))]


@given(st.from_regex(r"[a-z]{3,12}[0-9]{2}@[a-z]{4,12}\.(com|org|net|fr|de|jp)", fullmatch=True))
def test_any_address_is_found_in_a_sentence_and_masked(address: str) -> None:
    """Whatever the name and the host; only the hosts kept for examples pass."""
    _, reason, score = personal_data(pl.DataFrame({"text": [f"Write to {address}, please."]})).row(0)
    assert (score or 0) >= (0 if "@example." in address else 1)
    assert address not in reason


def test_the_bundled_cast_has_none() -> None:
    """Shipped characters pass as they are."""
    cast = Path(__file__).parents[2] / "castwright" / "personas" / "bundled" / "characters.jsonl"
    frame = pl.DataFrame({"text": cast.read_text(encoding="utf-8").splitlines()})
    assert personal_data(frame)["reason"].to_list() == [""] * frame.height
