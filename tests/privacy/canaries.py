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
from dataclasses import dataclass, field

from avatar.job import Kind

PATCH = 12 * 12 * 3  # bytes of a pixel patch, uint8 (12, 12, 3)
TOKEN, WORDS = 32, 42  # bytes


@dataclass(frozen=True, slots=True)
class Canaries:
    """The marks of one person. None of them can be met by chance."""

    token: bytes = field(default_factory=lambda: secrets.token_bytes(32))  # in the file itself: EXIF, trailing bytes
    words: str = field(default_factory=lambda: f"canary {secrets.token_hex(12)} of nowhere")  # name, caption

    @property
    def pixels(self) -> bytes:
        """A patch as raw pixels."""
        return hashlib.shake_256(b"pixels" + self.token).digest(PATCH)

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
            "pixels": self.pixels[:48],
            "pixels, another row": self.pixels[-48:],
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
    """Latents of a patch."""
    return hashlib.shake_256(b"latents" + pixels).digest(64)


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
