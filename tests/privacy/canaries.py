"""What is planted in a job so that any trace of the person can be found again: bytes, pixels, latents, words.

Stages re-encode what they are given, so one mark is not enough: each kind of object carries those that would survive.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from avatar.job import Kind

PATCH = 12 * 12 * 3  # bytes of a pixel patch, uint8 (12, 12, 3)
ROW = 48  # bytes of a patch that are looked for, at either end
SIGN = 8  # bytes that all marks of one hunt begin with, so that many are looked for in one go
TOKEN, WORDS = 32, 42  # bytes


@dataclass(frozen=True, slots=True)
class Canaries:
    """The marks of one person. None of them can be met by chance."""

    sign: bytes = field(default_factory=lambda: secrets.token_bytes(SIGN))
    own: bytes = field(default_factory=lambda: secrets.token_bytes(TOKEN - SIGN))

    @property
    def token(self) -> bytes:
        """In the file itself: EXIF, trailing bytes."""
        return self.sign + self.own

    @property
    def words(self) -> str:
        """Who it is: name, caption."""
        return f"{called(self.sign)}{self.own[:4].hex()} of nowhere"

    @property
    def pixels(self) -> bytes:
        """A patch as raw pixels; its first row and its last begin with the sign."""
        drawn = hashlib.shake_256(b"pixels" + self.token).digest(PATCH - 2 * SIGN)
        at = PATCH - ROW - SIGN
        return self.sign + drawn[:at] + self.sign + drawn[at:]

    @property
    def latents(self) -> bytes:
        """What an encoder makes of the patch: the same each time, and like nothing else."""
        return encoded(self.pixels)

    def marks(self) -> dict[str, bytes]:
        """What a scan looks for, by name: as it is and as it is likely to be written down."""
        text = self.words.encode()
        return {
            "token": self.token[:24],
            "token in hex": self.token[:24].hex().encode(),
            "token in base64": base64.b64encode(self.token[:24])[:30],
            "pixels": self.pixels[:ROW],
            "pixels, another row": self.pixels[-ROW:],
            "latents": self.latents[:32],
            "words": text,
            "words in UTF-16": self.words.encode("utf-16-le"),
            "words in JSON": json.dumps(self.words)[1:-1].encode(),
            "words in base64": base64.b64encode(text)[: 4 * (len(text) // 3)],
        }

    def content(self, kind: Kind, name: str) -> bytes:
        """What stands in for an object of this kind; the same at every attempt."""
        head = f"{kind} {name} ".encode()
        match kind:
            case Kind.PHOTO:
                return head + self.token + self.words.encode() + self.pixels
            case Kind.CROP:
                return head + self.pixels + self.words.encode()
            case Kind.CHECKPOINT | Kind.ADAPTER:
                return head + self.latents
            case _:
                return head + self.pixels + self.latents + self.words.encode()


def encoded(pixels: bytes) -> bytes:
    """Latents of a patch; the sign stays in front."""
    return pixels[:SIGN] + hashlib.shake_256(b"latents" + pixels).digest(56)


def called(sign: bytes) -> str:
    """What the words of everybody in one hunt begin with."""
    return f"canary {sign.hex()}"


def beginnings(sign: bytes) -> tuple[bytes, ...]:
    """What every mark under this sign begins with, or holds near its beginning."""
    text = called(sign)
    return (
        sign,
        sign.hex().encode(),
        text.encode("utf-16-le"),
        base64.b64encode(sign[:6]),
        base64.b64encode(text.encode()[:21]),
    )


def near(held: bytes, sign: bytes) -> Iterator[bytes]:
    """Every place in some bytes where a mark under this sign may be."""
    for begins in beginnings(sign):
        at = held.find(begins)
        while at >= 0:
            yield held[max(0, at - 16) : at + 200]
            at = held.find(begins, at + 1)


def traces(held: bytes, canaries: Canaries, *, zipped: bool = True) -> list[str]:
    """The marks found in some bytes, also inside gzip members, by name."""
    found = [name for name, mark in canaries.marks().items() if mark in held]
    at = held.find(b"\x1f\x8b\x08") if zipped else -1
    while at >= 0 and not found:
        try:
            inside = gzip.decompress(held[at:])
        except (OSError, EOFError, zlib.error):
            inside = b""
        found += [f"{name}, zipped" for name, mark in canaries.marks().items() if mark in inside]
        at = held.find(b"\x1f\x8b\x08", at + 1)
    return found
