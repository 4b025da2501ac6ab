"""Who did what to which id: written with what was done, never changed, never erased; nothing of a person is in it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from avatar.ledger.clock import read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import AuditRow

CONSOLE = "console"  # somebody with a shell on the machine


def note(session: Session, who: str, code: str, target: str) -> None:
    """Write one line in the caller's transaction."""
    session.add(AuditRow(at=read(session), who=who, code=code, target=target))


def noted(engine: Engine, who: str, code: str, target: str) -> None:
    """Write one line by itself; for what is done outside the ledger, before it is done."""
    with transaction(engine) as session:
        note(session, who, code, target)


def page(engine: Engine, after: int, most: int) -> Sequence[AuditRow]:
    """The lines behind this number, in order."""
    with reading(engine) as session:
        behind = select(AuditRow).where(AuditRow.number > after).order_by(AuditRow.number)
        return session.scalars(behind.limit(most)).all()
