"""Messages to the outside: written with what they tell of, sent after the commit, tried again until they arrive."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.orm import Session

from avatar.ledger.clock import now, read
from avatar.ledger.engine import transaction
from avatar.ledger.tables import EndpointRow, JobRow, OutboxRow

WAITS = (5, 30, 120, 600, 1800, 7200, 21600, 43200, 86400)  # seconds after each failed try; ten tries in two days


def announce(session: Session, job: str, event: str) -> None:
    """Write a message about a job, one for each place its client named, in the caller's transaction."""
    named = select(EndpointRow.id).join(JobRow, JobRow.client == EndpointRow.client)
    at = read(session)
    for endpoint in session.scalars(named.where(JobRow.id == job, EndpointRow.removed_at.is_(None))):
        message = "msg_" + secrets.token_hex(16)
        session.add(OutboxRow(id=message, job=job, endpoint=endpoint, event=event, made_at=at, due_at=at))


def take(engine: Engine, most: int, lease: float) -> Sequence[OutboxRow]:
    """Messages that are due, leased to the caller: two relays at once do not send one message twice by plan."""
    due = (
        select(OutboxRow.id)
        .where(OutboxRow.sent_at.is_(None), OutboxRow.gave_up_at.is_(None), OutboxRow.due_at <= now())
        .where(or_(OutboxRow.lease_until.is_(None), OutboxRow.lease_until < now()))
        .order_by(OutboxRow.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    taken = update(OutboxRow).where(OutboxRow.id.in_(due)).values(lease_until=now() + lease, tries=OutboxRow.tries + 1)
    with transaction(engine) as session:
        return session.scalars(taken.returning(OutboxRow)).all()


def settle(engine: Engine, message: OutboxRow, arrived: bool, pace: float = 1.0) -> None:
    """Sent, or when to try again; after the last try it is given up and can be replayed by hand."""
    values: dict[str, object] = {"lease_until": None}
    if arrived:
        values["sent_at"] = now()
    elif message.tries > len(WAITS):
        values["gave_up_at"] = now()
    else:
        values["due_at"] = now() + pace * WAITS[message.tries - 1]
    with transaction(engine) as session:
        session.execute(update(OutboxRow).where(OutboxRow.id == message.id).values(**values))
