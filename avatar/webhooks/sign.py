"""Sign a message so that its receiver knows who sent it, and when (Standard Webhooks 1.0).

Signed are the message's id, the time of this try and the body. The id stays the same from try to try, so that a
receiver can tell a repeat; the time does not, so that an old message can not be played again by somebody else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

from avatar.errors import Unauthorised

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
PREFIX, VERSION = "whsec_", "v1"
SIZE = 32  # bytes of a secret; as many as the hash has, more add nothing
SHORTEST, LONGEST = 24, 64  # bytes of a secret that the specification allows
TOLERANCE = 300  # seconds by which the clocks of sender and receiver may differ


def fresh() -> bytes:
    """A new secret."""
    return secrets.token_bytes(SIZE)


def shown(secret: bytes) -> str:
    """The secret as its owner is told it: `whsec_` and base64."""
    return PREFIX + base64.b64encode(secret).decode()


def read(told: str) -> bytes:
    """The bytes of a secret as it is told; ValueError where it is not one."""
    try:
        secret = base64.b64decode(told.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("A secret is base64 behind whsec_.") from None
    if not SHORTEST <= len(secret) <= LONGEST:
        raise ValueError(f"A secret has {SHORTEST} to {LONGEST} bytes.")
    return secret


def signature(secret: bytes, message: str, at: int, body: bytes) -> str:
    """One signature: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    told = hmac.new(secret, f"{message}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"{VERSION},{base64.b64encode(told).decode()}"


def headers(keys: Sequence[bytes], message: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of a try. While a secret is being changed, each of the two signs."""
    signed = " ".join(signature(key, message, at, body) for key in keys)
    return {ID: message, TIMESTAMP: str(at), SIGNATURE: signed}


def verify(secret: bytes, told: Mapping[str, str], body: bytes, now: float) -> None:
    """What a receiver does. Unauthorised for a body that was changed, an old one, or one of somebody else.

    `told`: the headers, in lower case. Every signature is compared, in constant time; versions unknown here are
    passed over.
    """
    try:
        message, at, signed = told[ID], int(told[TIMESTAMP]), told[SIGNATURE]
    except (KeyError, ValueError):
        raise Unauthorised("This message is not signed.", code="unsigned") from None
    if abs(now - at) > TOLERANCE:
        raise Unauthorised("This message is too old, or from a clock that is wrong.", code="stale_signature")
    mine = signature(secret, message, at, body).encode()
    fits = [hmac.compare_digest(mine, one.encode()) for one in signed.split(" ")]
    if not any(fits):
        raise Unauthorised("This message was signed by somebody else, or changed.", code="bad_signature")
