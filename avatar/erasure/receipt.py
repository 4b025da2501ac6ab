"""The receipt: what was erased, how many of each, when, and how it was checked; nothing in it is about the person.

It is canonical JSON (sorted keys, no spaces, UTF-8), so its digest is the same everywhere. `erased` has a line for each
kind and each event after which objects of it went: a stage's name, "request" (a photo that its owner took back),
"replaced" (a picture that its owner sent back), "purge", "second_look". Each object that was ever erased is in one
line, the last that found it there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

SCHEMA = "avatar.receipt/2"
POLICY = "2026-11-22.3"  # of the table in `retention`; whoever changes what that says raises it here
SEALS = ("digest", "chain", "signature")  # what is added to a body by binding it

NEVER_STORED = (
    "face descriptors: held in memory only",
    "latents and text embeddings: held in memory only",
)
NOT_COVERED = (
    "the photos where you keep them: they were only read",
    "copies that the operating system made of memory (swap, hibernation)",
    "freed blocks of the disk: they hold ciphertext whose key was never on the disk",
)
NOT_COVERED_BY_SERVICE = (
    "the photos where you keep them, and what you fetched of the pack",
    "a download that had begun before its key was destroyed",
    "copies that the operating system made of memory (swap, hibernation)",
    "freed blocks of disks: they hold ciphertext whose key was overwritten where it lay",
)


@dataclass(frozen=True, slots=True)
class Erased:
    """One sweep over one kind of thing. `listing` is the SHA-256 of the names that were there, one a line."""

    kind: str
    objects: int
    listing: str
    after: str  # a stage's name, "request", "replaced", "purge" or "second_look"
    at: str  # RFC 3339, UTC


def erased(kind: str, names: Sequence[str], after: str, at: float | None = None) -> Erased:
    """A line of the receipt for `names`, which were removed `at` this time (seconds since 1970), or just now."""
    listing = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return Erased(kind, len(names), listing, after, now() if at is None else _second(datetime.fromtimestamp(at, UTC)))


def now() -> str:
    """The time, UTC, to the second."""
    return _second(datetime.now(UTC))


def _second(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one byte string that a document has."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def receipt(
    job: str,
    ending: str,
    lines: Sequence[Erased],
    *,
    key_destroyed: bool,
    remains: Sequence[str],
    not_covered: Sequence[str] = NOT_COVERED,
    **more: Any,
) -> dict[str, Any]:
    """The document. `remains` is the listing made after the erasure: `complete` is true only if it is empty."""
    whole = {
        "schema": SCHEMA,
        "policy": POLICY,
        "job": job,
        "ending": ending,
        "key_destroyed": key_destroyed,
        "erased": [asdict(line) for line in lines],
        "listed_again": {"at": now(), "objects": len(remains)},
        "complete": key_destroyed and not remains,
        "never_stored": list(NEVER_STORED),
        "not_covered": list(not_covered),
        **more,
    }
    return whole | {"digest": digest(whole)}


def body(document: Mapping[str, Any]) -> dict[str, Any]:
    """What is said, without what binds it."""
    return {key: value for key, value in document.items() if key not in SEALS}


def digest(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical body, in hex."""
    return hashlib.sha256(canonical(body(document))).hexdigest()


def check(document: Mapping[str, Any]) -> bool:
    """True if the digest fits the rest: one flipped byte is seen. Who wrote it is for `signing.faults` to say."""
    return digest(document) == document.get("digest")
