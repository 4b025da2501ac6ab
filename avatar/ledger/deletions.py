"""What must go, and by when: owed in the transaction that makes it due, paid without a limit of tries.

Two sets: "inputs" is all that was given and learnt (photos, crops, adapter, candidates), due the moment a job ends;
"everything" is the pack as well, due when its time is over or on request.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.orm import Session

from avatar.errors import Stale
from avatar.job import Ending, JobId
from avatar.ledger.clock import now, read
from avatar.ledger.engine import transaction
from avatar.ledger.outbox import announce
from avatar.ledger.tables import DeletionRow


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
    rung = update(DeletionRow).where(_payable(), quiet).values(rung_at=now()).returning(DeletionRow.id)
    with transaction(engine) as session:
        return list(session.scalars(rung))


def take(engine: Engine, deletion: str, lease: float) -> Debt | None:
    """Claim one deletion; None if it is done, not due, or in other hands."""
    statement = (
        update(DeletionRow)
        .where(DeletionRow.id == deletion, _payable())
        .values(fence=DeletionRow.fence + 1, tries=DeletionRow.tries + 1, lease_until=now() + lease)
        .returning(DeletionRow)
    )
    with transaction(engine) as session:
        row = session.scalars(statement).one_or_none()
        return Debt(row.id, JobId(row.job), What(row.what), row.reason, row.fence) if row else None


def pay(engine: Engine, debt: Debt, receipt: Mapping[str, Any]) -> None:
    """Record that it is gone, with the receipt, and tell its owner. Stale where another worker took it over."""
    mine = and_(DeletionRow.id == debt.id, DeletionRow.fence == debt.fence, DeletionRow.done_at.is_(None))
    statement = update(DeletionRow).where(mine).values(done_at=now(), lease_until=None, receipt=dict(receipt))
    with transaction(engine) as session:
        if session.scalars(statement.returning(DeletionRow.id)).one_or_none() is None:
            raise Stale("Another worker took this deletion over.")
        announce(session, debt.job, "job.erased" if debt.what is What.EVERYTHING else "job.inputs_erased")


def _payable() -> Any:
    free = or_(DeletionRow.lease_until.is_(None), DeletionRow.lease_until < now())
    return and_(DeletionRow.done_at.is_(None), DeletionRow.due_at <= now(), free)
