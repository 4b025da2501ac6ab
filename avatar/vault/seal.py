"""Seal bytes so that they open only for the same job, kind and name, however long they are.

AES-256-GCM (NIST SP 800-38D) in frames of 1 MiB, so that a large upload never sits in memory, under a key derived for
this one object by HKDF-SHA-256 (RFC 5869). Each frame is bound to job, kind, name, its place and whether it is the last
(the STREAM construction, IACR 2015/189): frames can not be swapped, repeated, cut off or taken from another object.
Layout: 4 bytes magic, 7 bytes random, then per frame ciphertext with its 16-byte tag.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avatar.errors import Spoiled
from avatar.job import JobId, Kind

MAGIC = b"AVS2"
RANDOM = 7  # bytes; with 4 of the frame's number and 1 of "last" they are GCM's 12-byte nonce
FRAME = 1 << 20  # bytes of plain text
TAG = 16


def seal(key: bytes, job: JobId, kind: Kind, name: str, data: bytes) -> bytes:
    """`data` sealed for this address; two seals of the same bytes differ."""
    return b"".join(seal_parts(key, job, kind, name, [data]))


def unseal(key: bytes, job: JobId, kind: Kind, name: str, sealed: bytes) -> bytes:
    """The bytes again; Spoiled if the key, the address or a single bit differs."""
    return b"".join(unseal_parts(key, job, kind, name, [sealed]))


def seal_parts(key: bytes, job: JobId, kind: Kind, name: str, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same for bytes that come in parts of any size; about two frames are in memory at a time."""
    address = _address(job, kind, name)
    cipher, start = _cipher(key, address), os.urandom(RANDOM)
    yield MAGIC + start
    for number, (frame, last) in enumerate(_frames(parts, FRAME)):
        yield cipher.encrypt(_nonce(start, number, last), frame, address)


def unseal_parts(key: bytes, job: JobId, kind: Kind, name: str, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The inverse, frame by frame, each checked before it is given; Spoiled at the first that does not open."""
    address = _address(job, kind, name)
    flow = iter(parts)
    head = b""
    while len(head) < len(MAGIC) + RANDOM and (more := next(flow, b"")):
        head += more
    start, rest = head[len(MAGIC) : len(MAGIC) + RANDOM], head[len(MAGIC) + RANDOM :]
    if head[: len(MAGIC)] != MAGIC or len(start) != RANDOM:
        raise Spoiled("A stored object is not in the sealed format.")
    cipher = _cipher(key, address)
    for number, (frame, last) in enumerate(_frames(_chain(rest, flow), FRAME + TAG)):
        try:
            yield cipher.decrypt(_nonce(start, number, last), frame, address)
        except (InvalidTag, ValueError):
            raise Spoiled("A stored object does not open: wrong key, wrong place, or changed.") from None


def plain_size(sealed: int) -> int:
    """How many bytes are in an object that takes `sealed` bytes."""
    body = sealed - len(MAGIC) - RANDOM
    return body - TAG * max(1, -(-body // (FRAME + TAG)))


def _address(job: JobId, kind: Kind, name: str) -> bytes:
    return "\0".join((job, kind, name)).encode()


def _cipher(key: bytes, address: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=address).derive(key))


def _nonce(start: bytes, number: int, last: bool) -> bytes:
    return start + number.to_bytes(4, "big") + bytes([last])


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _frames(parts: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Parts cut and joined to frames of `size` bytes; the last one, which may be shorter or empty, says that it is."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) > size:
            yield bytes(held[:size]), False
            del held[:size]
    yield bytes(held), True
