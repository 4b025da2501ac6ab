"""Legal holds: while one is not lifted, nothing of its job is erased, whoever asks; what is owed stays owed.

A hold and a purge take the same lock on the job's row: either the purge is under way, and the hold is refused, or the
hold is there, and the purge finds it. Everything about a hold is audited.
What a client fetches of a held job is audited too: its pack, its receipts.
Does not cover: what a stage erased before the hold; what a stage that is recorded this very moment erases.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from enum import StrEnum

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from avatar.errors import NotFound, NotNow
from avatar.ledger.audit import note, noted
from avatar.ledger.clock import now, read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import AuditRow, DeletionRow, HoldRow, JobRow

SEEN = "held:"  # what audit codes of such a look begin with
PACK, RECEIPT = f"{SEEN}pack_read", f"{SEEN}receipt_read"


class Reason(StrEnum):
    """Why something must be kept. A closed list, so that nobody writes about a person here."""

    COURT_ORDER = "court_order"
    PRESERVATION = "preservation_request"
    REPORTED = "reported_content"
    DISPUTE = "dispute"


def add(engine: Engine, job: str, reason: Reason, who: str) -> str:
    """Hold the job; the hold's id. NotFound; NotNow where a purge is under way or there is nothing left to hold."""
    with transaction(engine) as session:
        row = _locked(session, job)
        if row.erased_at is not None:
            raise NotNow("Everything of this job is erased; there is nothing to hold.", code="erased")
        busy = select(DeletionRow.id).where(DeletionRow.job == job, DeletionRow.lease_until >= now())
        if session.scalars(busy).first() is not None:
            raise NotNow("This job is being erased this moment.", code="being_erased")
        row.held = True
        hold = HoldRow(id="hold_" + secrets.token_hex(16), job=job, code=reason, who=who, made_at=read(session))
        session.add(hold)
        note(session, who, f"hold_added:{reason}", job)
        return hold.id


def lift(engine: Engine, job: str, who: str) -> int:
    """End every hold on the job; how many there were. What was owed meanwhile is due at once."""
    with transaction(engine) as session:
        _locked(session, job).held = False
        open_ones = update(HoldRow).where(HoldRow.job == job, HoldRow.lifted_at.is_(None)).values(lifted_at=now())
        count = len(session.scalars(open_ones.returning(HoldRow.id)).all())
        note(session, who, "hold_lifted", job)
        return count


def page(engine: Engine, who: str) -> Sequence[HoldRow]:
    """The holds that are not lifted, the oldest first; looking is audited."""
    with transaction(engine) as session:
        note(session, who, "holds_listed", "")
        standing = select(HoldRow).where(HoldRow.lifted_at.is_(None)).order_by(HoldRow.made_at)
        return session.scalars(standing).all()


def seen(engine: Engine, job: str, who: str, code: str) -> None:
    """Audit that somebody was given something of the job, if it is held; before it is given."""
    if held(engine, job):
        noted(engine, who, code, job)


def looks(engine: Engine, job: str, who: str) -> Sequence[AuditRow]:
    """Who was given what of the job while it was held, the earliest first; asking is audited. NotFound."""
    with transaction(engine) as session:
        _locked(session, job)
        note(session, who, "hold_looks_listed", job)
        mine = select(AuditRow).where(AuditRow.target == job, AuditRow.code.startswith(SEEN, autoescape=True))
        return session.scalars(mine.order_by(AuditRow.number)).all()


def held(engine: Engine, job: str) -> bool:
    """Whether the job is under a hold."""
    with reading(engine) as session:
        return bool(session.scalar(select(JobRow.held).where(JobRow.id == job)))


def unless_held(engine: Engine, job: str, act: Callable[[], object]) -> bool:
    """Do something short that can not be undone, while nobody can put a hold on the job; False where one is on it."""
    with transaction(engine) as session:
        if _locked(session, job).held:
            return False
        act()
        return True


def _locked(session: Session, job: str) -> JobRow:
    row = session.get(JobRow, job, with_for_update=True)
    if row is None:
        raise NotFound("There is no such job.")
    return row
