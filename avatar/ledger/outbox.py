"""Messages to the outside: written with what they tell of, sent after the commit, tried again until they arrive.

At least once: a relay that is killed between sending and `settle` leaves its message to the next, which sends it again
under the same id. A lease is the fence: whoever's lease was given to another settles nothing.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, func, or_, select, update
from sqlalchemy.orm import Session

from avatar.ledger.clock import now, read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import ClientRow, DeletionRow, EndpointRow, JobRow, OutboxRow, TryRow

WAITS = (5, 30, 120, 600, 1800, 7200, 21600, 43200, 86400)  # seconds after each failed try; ten tries in two days
SPREAD = 0.2  # of a wait, added by chance, so that what failed together does not come back together
AT_ONCE = 3  # messages to one client under way; a receiver that hangs holds up its own, not everybody's
ERASURES = {"job.erased": "everything", "job.inputs_erased": "inputs"}  # events that tell of a deletion that was paid


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try: `ok`, or what went wrong."""

    code: str
    status: int | None = None  # of the answer, if one came
    seconds: float = 0.0
    after: float = 0.0  # seconds for which the receiver asked to be left alone


@dataclass(frozen=True, slots=True)
class Letter:
    """What a relay needs to send one message. `data` holds ids, codes and numbers."""

    endpoint: str
    url: str
    secret: str  # sealed
    event: str
    made_at: float
    now: float
    data: dict[str, Any]


def announce(session: Session, job: str, event: str) -> None:
    """Write a message about a job, one for each place its client named, in the caller's transaction."""
    named = select(EndpointRow.id).join(JobRow, JobRow.client == EndpointRow.client)
    at = read(session)
    for endpoint in session.scalars(named.where(JobRow.id == job, EndpointRow.removed_at.is_(None))):
        message = "msg_" + secrets.token_hex(16)
        session.add(OutboxRow(id=message, job=job, endpoint=endpoint, event=event, made_at=at, due_at=at))


def take(engine: Engine, most: int, lease: float) -> Sequence[OutboxRow]:
    """Messages that are due, leased to the caller: two relays at once do not send one message twice by plan.

    None for a revoked client, and none for one that has `AT_ONCE` under way when it is asked.
    """
    due = (
        select(OutboxRow.id)
        .where(OutboxRow.sent_at.is_(None), OutboxRow.gave_up_at.is_(None), OutboxRow.due_at <= now())
        .where(or_(OutboxRow.lease_until.is_(None), OutboxRow.lease_until < now()), OutboxRow.endpoint.in_(_open()))
        .order_by(OutboxRow.due_at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")  # looked up once: within IN, PostgreSQL may ask again, and take more than `most`
    )
    mine = OutboxRow.id.in_(select(due.c.id))
    taken = update(OutboxRow).where(mine).values(lease_until=now() + lease, tries=OutboxRow.tries + 1)
    with transaction(engine) as session:
        return session.scalars(taken.returning(OutboxRow)).all()


def letter(engine: Engine, message: OutboxRow) -> Letter:
    """The message as it is told now; what happened since it was announced is in it."""
    with reading(engine) as session:
        endpoint = session.get_one(EndpointRow, message.endpoint)
        job = session.get_one(JobRow, message.job)
        data = {"job": job.id, "state": job.ending, "code": job.code or None, "test": job.test}
        if message.event in ERASURES:
            paid = select(DeletionRow.id).where(DeletionRow.job == job.id, DeletionRow.what == ERASURES[message.event])
            data |= {"what": ERASURES[message.event], "deletion": session.scalar(paid)}
        else:
            data |= {"delivered": job.facts.get("finish", {}).get("pictures"), "erased": job.erased_at is not None}
        return Letter(endpoint.id, endpoint.url, endpoint.secret, message.event, message.made_at, read(session), data)


def settle(engine: Engine, message: OutboxRow, tried: Tried, pace: float = 1.0) -> None:
    """Log the try; it arrived, or it is due again later. After the last try it is given up, and replayed by hand."""
    with transaction(engine) as session:
        row = session.get(OutboxRow, message.id, with_for_update=True)
        if row is None:  # too old, and gone with its log
            return
        at = read(session)
        session.add(
            TryRow(message=row.id, at=at - tried.seconds, seconds=tried.seconds, status=tried.status, code=tried.code)
        )
        if row.lease_until != message.lease_until:  # it was too slow, and another relay has it
            return
        row.lease_until = None
        if tried.code == "ok":
            row.sent_at = at
        elif row.tries > len(WAITS):
            row.gave_up_at = at
        else:
            wait = pace * WAITS[row.tries - 1] * random.uniform(1.0, 1.0 + SPREAD)
            row.due_at = at + max(wait, tried.after)


def _open() -> Any:
    """Endpoints that may be sent to now."""
    under_way = select(EndpointRow.client).join(OutboxRow, OutboxRow.endpoint == EndpointRow.id)
    full = (
        under_way.where(OutboxRow.sent_at.is_(None), OutboxRow.lease_until > now())
        .group_by(EndpointRow.client)
        .having(func.count() >= AT_ONCE)
    )
    known = select(EndpointRow.id).join(ClientRow, ClientRow.id == EndpointRow.client)
    return known.where(
        EndpointRow.removed_at.is_(None), ClientRow.revoked_at.is_(None), EndpointRow.client.not_in(full)
    )
