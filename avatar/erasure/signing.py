"""Sign receipts, chain them, and check both with nothing but the public key.

The statement is four lines of text: `avatar.receipt/2`, the number, the link before, the digest of the receipt's body;
each ends with a line feed. Its Ed25519 signature (RFC 8032) is the receipt's, its SHA-256 is the next link. So anybody
can follow the chain from numbers, digests, links and signatures alone, without one receipt being shown.

A receipt outside a chain (of a job on one's own machine) has number 0 and a link before of zeros.
Covers: any changed byte; a receipt taken out, put in, or moved; another signer.
Does not cover: an operator who signs something untrue, or who starts over with a new key: watch the chain for that.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from avatar.erasure.receipt import SCHEMA, body, digest
from avatar.errors import Unsafe
from avatar.vault.keyring import master_key

ALGORITHM = "Ed25519"
ZEROS = "0" * 64
Document = Mapping[str, Any]


class Signer:
    """Holds the private key."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"Signer({key_id(self.public)})"

    def sign(self, unsigned: Document, sequence: int = 0, previous: str = ZEROS) -> dict[str, Any]:
        """The receipt with its place in the chain and its signature."""
        said = statement(sequence, previous, digest(unsigned))
        return {
            **body(unsigned),
            "digest": digest(unsigned),
            "chain": {"sequence": sequence, "previous": previous, "link": hashlib.sha256(said).hexdigest()},
            "signature": {
                "algorithm": ALGORITHM,
                "key": key_id(self.public),
                "value": self._key.sign(said).hex(),
            },
        }


def signer_at(path: Path) -> Signer:
    """The signer whose 32 secret bytes are in this file, made on the first call. Unsafe if others may read it."""
    seed = master_key(path)
    if len(seed) != 32:
        raise Unsafe(f"The signing key has {len(seed)} bytes; it must have 32.", code="signing_key")
    return Signer(seed)


def statement(sequence: int, previous: str, of_body: str) -> bytes:
    """What is signed, and hashed to the next link."""
    return f"{SCHEMA}\n{sequence}\n{previous}\n{of_body}\n".encode()


def key_id(public: bytes) -> str:
    """A short name of a public key: the first 16 hex digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def jwk(public: bytes) -> dict[str, str]:
    """The public key as RFC 8037 has it."""
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": ALGORITHM, "alg": "EdDSA", "use": "sig", "kid": key_id(public), "x": x}


def faults(document: Document, public: bytes) -> list[str]:
    """What is wrong with a receipt, in words; empty where it is whole and signed by this key."""
    try:
        chain, signature = document["chain"], document["signature"]
        said = statement(chain["sequence"], chain["previous"], document["digest"])
        found = [] if set(chain) == {"sequence", "previous", "link"} else ["its place in the chain is malformed"]
        if document["schema"] != SCHEMA or set(signature) != {"algorithm", "key", "value"}:
            found.append("it is not of a known form")
        if digest(document) != document["digest"]:
            found.append("its content was changed")
        if hashlib.sha256(said).hexdigest() != chain["link"]:
            found.append("its place in the chain was changed")
        if signature["algorithm"] != ALGORITHM or signature["key"] != key_id(public):
            return [*found, f"it names another key than {key_id(public)}"]
        return found if _signed(said, signature["value"], public) else [*found, "the signature does not fit"]
    except (KeyError, TypeError, AttributeError, ValueError):
        return ["it is not of a known form"]


def broken(links: Sequence[Mapping[str, Any]], public: bytes, before: tuple[int, str] | None = None) -> list[str]:
    """Where a chain is broken, in words; empty where each link follows from the one before and is signed.

    `before` is the number and link that the first must follow; None: any, so that a part of the chain can be checked.
    """
    found = []
    for entry in links:
        sequence, previous = entry["sequence"], before[1] if before else entry["previous"]
        said = statement(sequence, previous, entry["digest"])
        if before is not None and sequence != before[0] + 1:
            found.append(f"{sequence} follows {before[0]}")
        if entry["previous"] != previous or hashlib.sha256(said).hexdigest() != entry["link"]:
            found.append(f"{sequence} does not follow from the link before it")
        if not _signed(said, entry["signature"], public):
            found.append(f"{sequence} is not signed by {key_id(public)}")
        before = (sequence, entry["link"])
    return found


def _signed(said: bytes, value: str, public: bytes) -> bool:
    try:
        raw = bytes.fromhex(value)
        Ed25519PublicKey.from_public_bytes(public).verify(raw, said)
    except (InvalidSignature, ValueError):
        return False
    return raw.hex() == value  # capitals and spaces are another file
