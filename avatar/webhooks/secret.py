"""The secret of an endpoint, sealed as the ledger keeps it; while it is being changed, those before it as well.

Sealed is the secret, and after a change also the one before and the time until which it still signs.
"""

from __future__ import annotations

import struct
from typing import Protocol

from avatar.webhooks.sign import SIZE, fresh

OVERLAP = 86400.0  # seconds in which both sign: a day to bring the new one to all machines of a receiver
BEFORE = 2  # secrets that are kept beside the newest; more do not fit into the table's 200 letters


class Safe(Protocol):
    """What keeps small secrets; what is sealed for one purpose does not open for another."""

    def seal(self, secret: bytes, purpose: str) -> str: ...
    def open(self, sealed: str, purpose: str) -> bytes: ...


def made(safe: Safe, endpoint: str) -> str:
    """A fresh secret for a new endpoint, sealed."""
    return safe.seal(fresh(), _purpose(endpoint))


def changed(safe: Safe, endpoint: str, sealed: str, now: float) -> str:
    """A fresh secret, sealed with those it takes the place of.

    Two are kept, so that a call that was cut off and is made again does not end the one that the receiver has.
    """
    newest, before = _kept(safe, endpoint, sealed, now)
    left = [(newest, now + OVERLAP), *before][:BEFORE]
    tail = b"".join(secret + struct.pack(">d", until) for secret, until in left)
    return safe.seal(fresh() + tail, _purpose(endpoint))


def signing(safe: Safe, endpoint: str, sealed: str, now: float) -> list[bytes]:
    """The secrets that sign at this time, the newest first. Spoiled where they do not open."""
    newest, before = _kept(safe, endpoint, sealed, now)
    return [newest, *(secret for secret, _ in before)]


def _kept(safe: Safe, endpoint: str, sealed: str, now: float) -> tuple[bytes, list[tuple[bytes, float]]]:
    """The newest secret, and those before it that still sign, each with the time until which it does."""
    kept = safe.open(sealed, _purpose(endpoint))
    starts = range(SIZE, len(kept), SIZE + 8)
    pairs = [(kept[at : at + SIZE], struct.unpack_from(">d", kept, at + SIZE)[0]) for at in starts]
    return kept[:SIZE], [(secret, until) for secret, until in pairs if until > now]


def _purpose(endpoint: str) -> str:
    return f"webhook {endpoint}"
