"""The chain of receipts: each is given the next number and the link before it, in the transaction that pays.

One writer at a time: an advisory lock on PostgreSQL, the writer's place on SQLite. The number is the key of its row, so
that two of the same could not be written even without the lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from avatar.ledger.clock import read
from avatar.ledger.engine import reading
from avatar.ledger.tables import ReceiptRow

LOCK = 7_021_984  # of PostgreSQL's advisory locks
BEGINNING = "0" * 64  # the link before the first


@dataclass(frozen=True, slots=True)
class Signed:
    """A receipt that was signed for its place."""

    sequence: int
    digest: str
    link: str
    signature: str
    key: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One link, as anybody may see it."""

    sequence: int
    previous: str
    digest: str
    link: str
    signature: str
    key: str


def last(session: Session) -> tuple[int, str]:
    """The number that is next and the link before it; nobody else is given them until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    newest = select(ReceiptRow.sequence, ReceiptRow.link).order_by(ReceiptRow.sequence.desc()).limit(1)
    row = session.execute(newest).one_or_none()
    return (row[0] + 1, row[1]) if row else (1, BEGINNING)


def write(session: Session, signed: Signed) -> dict[str, Any]:
    """Add the link; the receipt."""
    session.add(
        ReceiptRow(
            sequence=signed.sequence,
            at=read(session),
            digest=signed.digest,
            link=signed.link,
            signature=signed.signature,
            key=signed.key,
        )
    )
    return signed.document


def entries(engine: Engine, after: int, most: int) -> list[Entry]:
    """The links behind this number, in order."""
    behind = select(ReceiptRow).where(ReceiptRow.sequence >= after).order_by(ReceiptRow.sequence).limit(most + 1)
    with reading(engine) as session:
        rows = list(session.scalars(behind))
    previous = rows.pop(0).link if rows and rows[0].sequence == after else BEGINNING
    found = []
    for row in rows[:most]:
        found.append(Entry(row.sequence, previous, row.digest, row.link, row.signature, row.key))
        previous = row.link
    return found
