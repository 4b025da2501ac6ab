"""Seal bytes so that they open only for the same job, kind and name.

AES-256-GCM (NIST SP 800-38D) under a key derived for this one object by HKDF-SHA-256 (RFC 5869); job, kind and name are
also the associated data, so that one sealed object can not stand in for another.
Layout: 4 bytes magic, 12 bytes nonce, ciphertext with its 16-byte tag.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avatar.errors import Spoiled
from avatar.job import JobId, Kind

MAGIC = b"AVS1"
NONCE = 12  # bytes, the size GCM is defined for


def _address(job: JobId, kind: Kind, name: str) -> bytes:
    return "\0".join((job, kind, name)).encode()


def _cipher(key: bytes, address: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=address).derive(key))


def seal(key: bytes, job: JobId, kind: Kind, name: str, data: bytes) -> bytes:
    """`data` sealed for this address; two seals of the same bytes differ."""
    address = _address(job, kind, name)
    nonce = os.urandom(NONCE)
    return MAGIC + nonce + _cipher(key, address).encrypt(nonce, data, address)


def unseal(key: bytes, job: JobId, kind: Kind, name: str, sealed: bytes) -> bytes:
    """The bytes again; Spoiled if the key, the address or a single bit differs."""
    address = _address(job, kind, name)
    head = len(MAGIC) + NONCE
    if sealed[: len(MAGIC)] != MAGIC:
        raise Spoiled("A stored object is not in the sealed format.")
    try:
        return _cipher(key, address).decrypt(sealed[len(MAGIC) : head], sealed[head:], address)
    except InvalidTag:
        raise Spoiled("A stored object does not open: wrong key, wrong place, or changed.") from None
