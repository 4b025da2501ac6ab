"""The secret of an endpoint, sealed as the ledger keeps it; while it is being changed, the one before it as well.

Sealed is the secret, and after a change also the one before and the time until which it still signs.
"""

from __future__ import annotations

import struct
from typing import Protocol

from avatar.webhooks.sign import SIZE, fresh

OVERLAP = 86400.0  # seconds in which both sign: a day to bring the new one to all machines of a receiver


class Safe(Protocol):
    """What keeps small secrets; what is sealed for one purpose does not open for another."""

    def seal(self, secret: bytes, purpose: str) -> str: ...
    def open(self, sealed: str, purpose: str) -> bytes: ...


def made(safe: Safe, endpoint: str) -> str:
    """A fresh secret for a new endpoint, sealed."""
    return safe.seal(fresh(), _purpose(endpoint))


def changed(safe: Safe, endpoint: str, sealed: str, now: float) -> str:
    """A fresh secret, sealed with the one it takes the place of. One that was on its way out already is dropped."""
    before = signing(safe, endpoint, sealed, now)[0]
    return safe.seal(fresh() + before + struct.pack(">d", now + OVERLAP), _purpose(endpoint))


def signing(safe: Safe, endpoint: str, sealed: str, now: float) -> list[bytes]:
    """The secrets that sign at this time, the newest first. Spoiled where they do not open."""
    kept = safe.open(sealed, _purpose(endpoint))
    newest, before, until = kept[:SIZE], kept[SIZE : 2 * SIZE], kept[2 * SIZE :]
    return [newest, before] if until and struct.unpack(">d", until)[0] > now else [newest]


def _purpose(endpoint: str) -> str:
    return f"webhook {endpoint}"
