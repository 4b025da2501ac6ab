"""The label in a file's metadata."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from avatar.marks.label import NOTICE, SOURCE, mark, read_label

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def test_a_marked_picture_says_that_a_machine_made_it() -> None:
    label = read_label(mark(PICTURE, 'Style Oil by A & B <c> "d"'))
    assert label is not None
    assert label.generated
    assert label.source == SOURCE
    assert label.notice == NOTICE
    assert label.tool.startswith("avatar")
    assert label.credit == 'Style Oil by A & B <c> "d"'


def test_the_pixels_are_not_changed() -> None:
    assert (np.asarray(Image.open(io.BytesIO(mark(PICTURE)))) == PICTURE).all()


def test_any_metadata_reader_shows_it() -> None:
    image = Image.open(io.BytesIO(mark(PICTURE)))
    assert image.getexif()[0x010E] == NOTICE
    assert image.getexif()[0x0131].startswith("avatar")
    assert "trainedAlgorithmicMedia" in image.info["XML:com.adobe.xmp"]


def test_a_marked_file_carries_the_label_and_nothing_else() -> None:
    data = mark(PICTURE)
    chunks, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append(data[at + 4 : at + 8])
        at += 12 + length
    assert set(chunks) == {b"IHDR", b"iTXt", b"eXIf", b"IDAT", b"IEND"}
    assert chunks.count(b"iTXt") == 3
    assert data == mark(PICTURE)


def test_the_packet_is_sound_xml() -> None:
    import xml.etree.ElementTree as ElementTree

    packet = Image.open(io.BytesIO(mark(PICTURE, "a<b&c"))).info["XML:com.adobe.xmp"]
    assert ElementTree.fromstring(packet[packet.index("<x:") : packet.rindex("<?")]) is not None  # noqa: S314


def test_an_unmarked_picture_has_no_label() -> None:
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, "PNG")
    assert read_label(out.getvalue()) is None


def test_the_label_is_read_from_a_jpeg_that_kept_it() -> None:
    packet = Image.open(io.BytesIO(mark(PICTURE))).info["XML:com.adobe.xmp"]
    out = io.BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG", xmp=packet.encode())
    label = read_label(out.getvalue())
    assert label is not None
    assert label.generated


def test_a_label_of_another_source_is_read_as_it_is() -> None:
    info, out = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_itxt("XML:com.adobe.xmp", '<a Iptc4xmpExt:DigitalSourceType="digitalCapture"/>')
    Image.fromarray(PICTURE).save(out, "PNG", pnginfo=info)
    label = read_label(out.getvalue())
    assert label is not None
    assert not label.generated


@pytest.mark.parametrize("data", [b"", b"hello", mark(PICTURE)[:40], b"GIF89a" + b"\0" * 50])
def test_bytes_that_are_no_picture_are_an_error_and_not_a_label(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a picture"):
        read_label(data)
