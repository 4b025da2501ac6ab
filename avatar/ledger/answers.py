"""First answers to calls that carry an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), kept for a day.

A key belongs to one client and one request. The row is taken before the call is carried out, under a lease: a repeat
meanwhile is told to wait, and one after a crash goes on with the same `nonce`, by which what the call makes is named.
Only answers that went well are kept: after an error the same key may be tried again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, delete, select, update

from avatar.errors import JobRefused, NotNow
from avatar.ledger.clients import Client, digest
from avatar.ledger.clock import read
from avatar.ledger.engine import transaction
from avatar.ledger.tables import AnswerRow, ClientRow

LEASE = 60.0  # seconds that one call may take


@dataclass(frozen=True, slots=True)
class Answer:
    """A first answer, as it was given."""

    status: int
    body: str
    place: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to give the first answer."""

    client: str
    key: str
    nonce: str


def take(engine: Engine, client: Client, key: str, request: str) -> Turn | Answer:
    """A turn to answer, or the answer that was given. JobRefused for another request under the same key, NotNow
    while somebody else answers this one."""
    hashed = digest(key)
    with transaction(engine) as session:
        session.execute(select(ClientRow.id).where(ClientRow.id == client.id).with_for_update())
        row = session.get(AnswerRow, (client.id, hashed))
        at = read(session)
        if row is None:
            nonce = secrets.token_hex(16)
            row = AnswerRow(
                client=client.id, key=hashed, digest=request, nonce=nonce, made_at=at, lease_until=at + LEASE
            )
            session.add(row)
            return Turn(client.id, hashed, nonce)
        if row.digest != request:
            raise JobRefused("This Idempotency-Key was used for another request.", code="idempotency_mismatch")
        if row.status is not None:
            return Answer(row.status, row.body or "", row.place)
        if row.lease_until is not None and row.lease_until > at:
            raise NotNow("The first call with this Idempotency-Key is still under way.", code="idempotency_in_progress")
        row.lease_until = at + LEASE
        return Turn(client.id, hashed, row.nonce)


def give(engine: Engine, turn: Turn, answer: Answer) -> None:
    """Keep the first answer."""
    values = {"status": answer.status, "body": answer.body, "place": answer.place, "lease_until": None}
    with transaction(engine) as session:
        session.execute(update(AnswerRow).where(*_mine(turn)).values(**values))


def forget(engine: Engine, turn: Turn) -> None:
    """The call did not go well: the key may be tried again."""
    with transaction(engine) as session:
        session.execute(delete(AnswerRow).where(*_mine(turn)))


def _mine(turn: Turn) -> tuple[ColumnElement[bool], ...]:
    return AnswerRow.client == turn.client, AnswerRow.key == turn.key, AnswerRow.nonce == turn.nonce
