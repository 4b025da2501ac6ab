"""What must go, and by when: owed in the transaction that makes it due, paid without a limit of tries.

Two sets: "inputs" is all that was given and learnt (photos, crops, adapter, candidates), due the moment a job ends;
"everything" is the pack as well, due when its time is over or on request. Each is looked at twice: the second time when
the last write that was under way must have landed. A job under a legal hold is left alone; what it owes stays owed.

Order of locks, here as elsewhere: the job's row, then the deletion's, then the chain of receipts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, and_, case, or_, select, update
from sqlalchemy.orm import Session

from avatar.errors import Stale
from avatar.job import Ending, JobId
from avatar.ledger import sweeps
from avatar.ledger.chain import Signed, last, write
from avatar.ledger.clock import now, read
from avatar.ledger.engine import transaction
from avatar.ledger.outbox import announce
from avatar.ledger.tables import DeletionRow, JobRow

SECOND_LOOK = 900.0  # seconds: four tries at a bucket that hangs take 100, a phone on a slow line some minutes
LONGER = 10  # times the first lease, at most
Bind = Callable[[int, str], Signed]  # signs a receipt for its place in the chain: number, link before


class What(StrEnum):
    """The two deletion sets."""

    INPUTS = "inputs"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Debt:
    """The right to carry out one deletion, until the lease runs out."""

    id: str
    job: JobId
    what: What
    reason: str
    fence: int
    look: int = 1


def owe(session: Session, job: str, ending: Ending) -> str:
    """The deletion that the end of a job makes due: the inputs of one that delivered, all of any other."""
    what = What.INPUTS if ending is Ending.DONE else What.EVERYTHING
    return demand(session, job, what, f"job_{ending}")


def demand(session: Session, job: str, what: What, reason: str, after: float = 0.0) -> str:
    """Owe a deletion `after` seconds from now; the id. One that is owed already is brought forward, not doubled."""
    asked = read(session)
    due = asked + after
    row = session.scalars(select(DeletionRow).where(DeletionRow.job == job, DeletionRow.what == what)).one_or_none()
    if row is not None:
        if due < row.due_at:
            row.due_at, row.asked_at, row.reason = due, asked, reason
        return row.id
    row = DeletionRow(
        id="del_" + secrets.token_hex(16), job=job, what=what, reason=reason, asked_at=asked, due_at=due, fence=0
    )
    session.add(row)
    session.flush()
    return row.id


def due(engine: Engine, ring_again: float) -> list[str]:
    """The ids that a worker must be rung for."""
    quiet = or_(DeletionRow.rung_at.is_(None), DeletionRow.rung_at < now() - ring_again)
    free = DeletionRow.job.in_(select(JobRow.id).where(~JobRow.held))
    rung = update(DeletionRow).where(_payable(), quiet, free).values(rung_at=now()).returning(DeletionRow.id)
    with transaction(engine) as session:
        return list(session.scalars(rung))


def take(engine: Engine, deletion: str, lease: float) -> Debt | None:
    """Claim one deletion; None if it is done, not due, held, or in other hands.

    `lease`: seconds of the first try. Each further one is given as much more, so that a bucket that is slow enough to
    outlast a lease delays the receipt, and does not put it off for ever.
    """
    longer = case((DeletionRow.tries < LONGER, DeletionRow.tries + 1), else_=LONGER)
    statement = (
        update(DeletionRow)
        .where(DeletionRow.id == deletion, _payable())
        .values(fence=DeletionRow.fence + 1, tries=DeletionRow.tries + 1, lease_until=now() + lease * longer)
        .returning(DeletionRow)
    )
    mine = select(JobRow.id).join(DeletionRow, DeletionRow.job == JobRow.id)
    free = mine.where(DeletionRow.id == deletion, ~JobRow.held).with_for_update(of=JobRow, key_share=True)
    with transaction(engine) as session:
        if session.scalar(free) is None:  # a hold is put on the job under the same lock
            return None
        row = session.scalars(statement).one_or_none()
        if row is None:
            return None
        look = 1 if row.done_at is None else 2
        return Debt(row.id, JobId(row.job), What(row.what), row.reason, row.fence, look)


def pay(
    engine: Engine, debt: Debt, receipt: Mapping[str, Any], bind: Bind | None = None, second: float = SECOND_LOOK
) -> Mapping[str, Any]:
    """Record that it is gone, with the receipt in its place in the chain, and tell its owner; the receipt.

    Stale where another worker took it over. `bind` signs; without it the receipt stays outside the chain. The first
    look owes a second one, `second` seconds later.
    """
    waits = DeletionRow.done_at.is_(None) if debt.look == 1 else DeletionRow.second_at.is_not(None)
    mine = and_(DeletionRow.id == debt.id, DeletionRow.fence == debt.fence, waits)
    next_look = now() + second if debt.look == 1 else None
    done = case((DeletionRow.done_at.is_(None), now()), else_=DeletionRow.done_at)
    statement = update(DeletionRow).where(mine).values(done_at=done, second_at=next_look, lease_until=None)
    with transaction(engine) as session:
        session.execute(select(JobRow.id).where(JobRow.id == debt.job).with_for_update(key_share=True))
        row = session.scalars(statement.returning(DeletionRow)).one_or_none()
        if row is None:
            raise Stale("Another worker took this deletion over.")
        row.receipt = dict(receipt) if bind is None else write(session, bind(*last(session)))
        if debt.look == 1:
            announce(session, debt.job, "job.erased" if debt.what is What.EVERYTHING else "job.inputs_erased")
        elif debt.what is What.EVERYTHING:
            sweeps.forget(session, debt.job)
        return row.receipt


def _payable() -> Any:
    free = or_(DeletionRow.lease_until.is_(None), DeletionRow.lease_until < now())
    first = and_(DeletionRow.done_at.is_(None), DeletionRow.due_at <= now())
    return and_(or_(first, DeletionRow.second_at <= now()), free)
