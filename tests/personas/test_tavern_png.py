"""Cards inside PNG files: written by other programs in every way there is, and damaged in every way there is."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from castwright.errors import BadRecord, SourceError
from castwright.personas.card import PersonaCard
from castwright.personas.character import Character
from castwright.personas.tavern import tavern_characters
from castwright.personas.tavern_export import write_tavern_png
from castwright.personas.tavern_png import PngError, blank_png, png_with_card, read_png_card

V2 = {"spec": "chara_card_v2", "spec_version": "2.0", "data": {"name": "Vera", "description": "A beekeeper."}}
V3 = {"spec": "chara_card_v3", "spec_version": "3.0", "data": {"name": "Vera III", "description": "A beekeeper."}}
NAN = {"name": "V", "description": None}
CODED = base64.b64encode(json.dumps(V2).encode())
SETTINGS = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    """A chunk, put together here again so that the writer under test does not check itself."""
    return (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) if crc is None else crc)
    )


HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
PIXELS = chunk(b"IDAT", zlib.compress(b"\0\0"))
END = chunk(b"IEND", b"")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(*texts: bytes, after: bytes = b"") -> bytes:
    return SIGNATURE + HEADER + b"".join(texts) + PIXELS + after + END


def text(value: bytes = CODED, keyword: bytes = b"chara") -> bytes:
    return chunk(b"tEXt", keyword + b"\0" + value)


def packed(value: bytes = CODED) -> bytes:
    return chunk(b"zTXt", b"chara\0\0" + zlib.compress(value))


def international(value: bytes = CODED, *, compressed: bool) -> bytes:
    return chunk(
        b"iTXt", b"chara\0" + bytes([compressed, 0]) + b"en\0k\0" + (zlib.compress(value) if compressed else value)
    )


GOOD: dict[str, tuple[bytes, str]] = {
    "before the picture": (png(text()), "Vera"),
    "behind the picture": (png(after=text()), "Vera"),
    "compressed": (png(packed()), "Vera"),
    "international": (png(international(compressed=False)), "Vera"),
    "international and compressed": (png(international(compressed=True)), "Vera"),
    "keyword in capitals": (png(text(keyword=b"Chara")), "Vera"),
    "both versions": (png(text(), after=text(base64.b64encode(json.dumps(V3).encode()), b"ccv3")), "Vera III"),
    "both, the newer one broken": (png(text(b"!!!", b"ccv3"), text()), "Vera"),
    "both, the newer one with a wrong checksum": (png(chunk(b"tEXt", b"ccv3\0e30=", 1), text()), "Vera"),
    "base64 with line ends and no padding": (png(text(b"\n".join([CODED[:40], CODED[40:].rstrip(b"=")]))), "Vera"),
    "JSON without base64": (png(text(json.dumps(V2).encode())), "Vera"),
    "other text chunks": (png(text(b"me", b"Author"), text(b"A" * 500, b"parameters"), text()), "Vera"),
    "a broken picture": (SIGNATURE + HEADER + chunk(b"IDAT", b"junk", 7) + text() + END, "Vera"),
    "bytes behind the end": (png(text()) + b"PK rest", "Vera"),
    "NaN in the JSON": (png(text(base64.b64encode(b'{"name": "V", "description": NaN}'))), "V"),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_card_is_found_wherever_programs_put_it(tmp_path: Path, case: str) -> None:
    """Place, chunk type, compression and neighbours do not matter; the newer version goes first."""
    content, name = GOOD[case]
    (tmp_path / "a.png").write_bytes(content)
    (found,) = tavern_characters(tmp_path / "a.png")
    assert isinstance(found, Character)
    assert found.facts["name"] == name
    assert found.source.record == "a.png"


BOMB = zlib.compress(b"0" * (33 * 1024 * 1024), 9)
BAD: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "an empty file"),
    "not a PNG": (b"\xff\xd8\xff\xe0 JFIF", "not a PNG"),
    "only the signature": (SIGNATURE, "cut off: it has no end"),
    "without a header": (SIGNATURE + text() + END, "does not begin with a header"),
    "without a card": (png(), "without a character card"),
    "cut off in the card": (png(text())[:90], "cut off or damaged in its chunk 'tEXt'"),
    "cut off in the picture": (png(text())[:-22], "cut off"),
    "cut off before the end": (png(text())[:-12], "cut off: it has no end"),
    "a length of four gigabytes": (SIGNATURE + HEADER + b"\xff\xff\xff\xfftEXtchara\0", "cut off or damaged"),
    "a wrong checksum": (png(chunk(b"tEXt", b"chara\0" + CODED, 5)), "checksum (CRC) is wrong"),
    "no base64": (png(text(b"%%% not base64 %%%")), "it is no base64"),
    "base64 of the wrong length": (png(text(b"abcde")), "it is no base64"),
    "base64 of something else": (png(text(base64.b64encode(b"\x00\x01\x02"))), "not valid JSON|NUL byte"),
    "base64 of truncated JSON": (png(text(base64.b64encode(json.dumps(V2).encode()[:30]))), "not valid JSON"),
    "base64 of Latin-1": (png(text(base64.b64encode('{"name": "Zoë"}'.encode("latin-1")))), "not UTF-8"),
    "base64 of a number": (png(text(base64.b64encode(b"3"))), "a int where a character card"),
    "broken compression": (png(chunk(b"zTXt", b"chara\0\0xxxx")), "compression is damaged"),
    "compression that is cut off": (
        png(chunk(b"zTXt", b"chara\0\0" + zlib.compress(CODED)[:-6])),
        "compression is cut off",
    ),
    "a bomb": (png(chunk(b"zTXt", b"chara\0\0" + BOMB)), "more than 33,554,432 bytes when it is unpacked"),
    "an empty text chunk": (png(text(b"")), "not valid JSON"),
    "a lorebook": (png(text(base64.b64encode(b'{"spec": "lorebook_v3", "data": {}}'))), "a lorebook"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_png_that_gives_no_card_is_kept_aside_among_others(tmp_path: Path, case: str) -> None:
    """The reason says what is wrong with it, and the card beside it is read."""
    content, reason = BAD[case]
    (tmp_path / "a.png").write_bytes(content)
    (tmp_path / "b.png").write_bytes(png(text()))
    bad, good = tavern_characters(tmp_path)
    assert isinstance(good, Character)
    assert isinstance(bad, BadRecord)
    assert bad.place == "a.png"
    assert any(part in bad.reason for part in reason.split("|"))
    with pytest.raises(SourceError, match=r"no usable record in .*a\.png"):
        list(tavern_characters(tmp_path / "a.png"))


def test_a_huge_picture_is_passed_over(tmp_path: Path) -> None:
    """The reader seeks behind a picture of a gigabyte (a sparse file) and finds the card."""
    size = 1 << 30
    with (tmp_path / "a.png").open("wb") as stream:
        stream.write(SIGNATURE + HEADER + struct.pack(">I", size) + b"IDAT")
        stream.seek(size + 4, 1)
        stream.write(text() + END)
    assert read_png_card(tmp_path / "a.png") == V2


def test_a_card_goes_into_any_png_and_replaces_the_one_before() -> None:
    """Picture and other chunks stay byte for byte; the old cards are gone; the result is written once more the same."""
    image = png(text(b"me", b"Author"), text(), text(CODED, b"ccv3"))
    card = PersonaCard(name="Nils", traits=("calm",), background="b")
    new = write_tavern_png(card, "v3", image)
    assert new.startswith(SIGNATURE + HEADER + text(b"me", b"Author") + PIXELS)
    assert new.count(b"chara\0") == new.count(b"ccv3\0") == 1
    assert write_tavern_png(card, "v3", new) == new
    assert b"ccv3\0" not in write_tavern_png(card, "v2", new)


def test_a_backfilled_card_says_so(tmp_path: Path) -> None:
    """The V2 card in a V3 picture has the note that the specification asks for, the V3 card has not."""
    card = PersonaCard(name="Nils", traits=("calm",), background="b")
    data = write_tavern_png(card, "v3")
    found = {}
    for keyword in (b"chara", b"ccv3"):
        start = data.index(b"tEXt" + keyword + b"\0")
        (length,) = struct.unpack(">I", data[start - 4 : start])
        found[keyword] = json.loads(base64.b64decode(data[start + 4 : start + 4 + length].split(b"\0", 1)[1]))
    assert found[b"chara"]["spec"] == "chara_card_v2"
    assert "loaded as a V2 card" in found[b"chara"]["data"]["creator_notes"]
    assert found[b"ccv3"]["spec"] == "chara_card_v3"
    assert "loaded as a V2 card" not in found[b"ccv3"]["data"]["creator_notes"]


def test_the_plain_picture_is_a_picture() -> None:
    """Its rows inflate to one colour of the stated size."""
    data = blank_png((1, 2, 3), 5, 4)
    start = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[start - 4 : start])
    assert zlib.decompress(data[start + 4 : start + 4 + length]) == (b"\0" + b"\1\2\3" * 5) * 4


@given(data=st.data())
@SETTINGS
def test_no_damage_whatsoever_crashes_the_reader(tmp_path: Path, data: Any) -> None:
    """A PNG with bytes changed, cut out or put in gives the card as it was or a reason: that is what checksums do."""
    whole = data.draw(st.sampled_from([content for content, _ in GOOD.values()]))
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 20))
    broken = whole[:start] + data.draw(st.binary(max_size=20)) + whole[start + length :]
    (tmp_path / "a.png").write_bytes(broken)
    with suppress(PngError):
        assert read_png_card(tmp_path / "a.png") in (V2, V3, NAN)


@given(cards=st.dictionaries(st.sampled_from(["chara", "ccv3"]), st.binary(max_size=60), min_size=1))
@SETTINGS
def test_what_is_put_into_a_png_comes_out(tmp_path: Path, cards: dict[str, bytes]) -> None:
    """Any JSON text survives; V3's comes out when both are there."""
    values = {keyword: {"text": value.hex()} for keyword, value in cards.items()}
    made = png_with_card(blank_png((9, 9, 9)), {key: json.dumps(value).encode() for key, value in values.items()})
    (tmp_path / "a.png").write_bytes(made)
    assert read_png_card(tmp_path / "a.png") == values.get("ccv3", values.get("chara"))
