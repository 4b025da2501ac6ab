"""What was erased of a job and when, so that its receipts tell of all of it, however often a worker was killed.

Written down before it is erased: killed in between, the next sweep finds the same names again, and they count once.
The names are numbers and random words of ours; they go with the last look at the job, its receipts hold digests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from avatar.job import Kind
from avatar.ledger.clock import read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import JobRow, SweptRow

REQUEST = "request"  # its owner took one photo back
PURGE, SECOND_LOOK = "purge", "second_look"


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep over one kind. `at`: seconds since 1970 by the ledger's clock."""

    kind: str
    after: str
    at: float
    names: tuple[str, ...]


def note(engine: Engine, job: str, found: Mapping[Kind, Sequence[str]], after: str) -> None:
    """Write down, by kind, the names that are erased next. Twice is the same as once."""
    if not any(found.values()):
        return
    with transaction(engine) as session:
        held = session.get_one(JobRow, job, with_for_update=True)  # one at a time: two could add the same line
        if held.erased_at is not None and after not in (PURGE, SECOND_LOOK):
            return  # a worker that comes late: the purge has listed what it saw
        at = read(session)
        for kind, names in found.items():
            if names:
                _add(session, SweptRow(job=job, kind=kind, after=after, at=at, names=sorted(names)))


def _add(session: Session, fresh: SweptRow) -> None:
    row = session.get(SweptRow, (fresh.job, fresh.kind, fresh.after))
    if row is None:
        session.add(fresh)
    elif not set(fresh.names) <= set(row.names):
        row.names, row.at = sorted({*row.names, *fresh.names}), fresh.at


def told(engine: Engine, job: str) -> list[Swept]:
    """Every sweep, the earliest first; a name that was found again by a later one is counted there alone."""
    with reading(engine) as session:
        rows = session.scalars(select(SweptRow).where(SweptRow.job == job)).all()
    seen: set[tuple[str, str]] = set()
    found = []
    for row in sorted(rows, key=lambda row: (row.at, row.after == SECOND_LOOK, row.kind), reverse=True):
        fresh = tuple(name for name in row.names if (row.kind, name) not in seen)
        seen.update((row.kind, name) for name in fresh)
        if fresh:
            found.append(Swept(row.kind, row.after, row.at, fresh))
    return found[::-1]


def forget(session: Session, job: str) -> None:
    """The last look was paid, and the receipts tell the rest."""
    session.execute(delete(SweptRow).where(SweptRow.job == job))
