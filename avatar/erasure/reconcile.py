"""Compare stores and ledger both ways: what is stored without a reason, and what the ledger counts on and is not there.

Covers: objects, versions, uploads and keys of jobs that nobody knows (a ledger was lost, or restored from a backup) or
        that are erased; jobs whose key or pack is gone (the same the other way round), which can never go on.
Does not cover: held jobs, which are left as they are; jobs younger than `YOUNG`, whose keys may just be made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine, Select, select

from avatar.errors import Unsafe
from avatar.job import Ending, JobId, Kind
from avatar.ledger.audit import note
from avatar.ledger.claims import end
from avatar.ledger.clock import read
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, JobRow

YOUNG = 60.0  # seconds
LOST = "What belongs to this job is gone from the stores. Nothing is kept; please order again."


class Listing(Protocol):
    """What reconciling asks of a vault."""

    def jobs(self) -> dict[JobId, set[str]]: ...
    def forget_key(self, job: JobId, kind: Kind = Kind.PHOTO) -> bool: ...
    def remove(self, job: JobId) -> None: ...
    def remains(self, job: JobId) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Stray:
    """One thing that does not fit. `what` is "objects", "key" or "pack_key" that must not be, or "lost"."""

    job: JobId
    what: str
    why: str


def find(engine: Engine, vault: Listing) -> list[Stray]:
    """Everything that does not fit, by job; nothing is changed."""
    there = vault.jobs()  # the stores first: what is made meanwhile is in the ledger before it is there
    with reading(engine) as session:
        at = read(session)
        rows = {row.id: row for row in session.scalars(select(JobRow))}
        settled = {row.job for row in session.scalars(_paid())}
    found = []
    for job, holds in sorted(there.items()):
        if job not in rows:
            found += [Stray(job, what, "nobody knows this job") for what in sorted(holds)]
        elif rows[job].erased_at is not None and job in settled and not rows[job].held:
            found += [Stray(job, what, "the job is erased") for what in sorted(holds)]
    for row in rows.values():
        if at - row.made_at > YOUNG and not row.held:
            found += _lost(row, there.get(JobId(row.id), set()))
    return found


def fix(engine: Engine, vault: Listing, strays: list[Stray], who: str) -> None:
    """Remove what must not be there, and end what can not go on; each is audited before it is done."""
    for stray in strays:
        with transaction(engine) as session:
            note(session, who, f"reconcile:{stray.what}", stray.job)
            if stray.what == "lost":
                row = session.get_one(JobRow, stray.job, with_for_update=True)
                if row.ending is None:
                    end(session, row, Ending.FAILED, "lost", LOST)
                demand(session, stray.job, What.EVERYTHING, "lost")
        if stray.what == "objects":
            vault.remove(stray.job)
            if vault.remains(stray.job):
                raise Unsafe("Objects are still there after they were erased.", code="not_erased")
        elif stray.what != "lost":
            vault.forget_key(stray.job, Kind.PACK if stray.what == "pack_key" else Kind.PHOTO)


def _paid() -> Select[DeletionRow]:
    """Deletions of everything that were looked at twice."""
    paid = select(DeletionRow).where(DeletionRow.what == What.EVERYTHING, DeletionRow.done_at.is_not(None))
    return paid.where(DeletionRow.second_at.is_(None))


def _lost(row: JobRow, holds: set[str]) -> Iterator[Stray]:
    job = JobId(row.id)
    if row.ending is None and "key" not in holds:
        yield Stray(job, "lost", "its key is gone, so it can not go on")
    elif row.ending == Ending.DONE and row.erased_at is None and not {"objects", "pack_key"} <= holds:
        yield Stray(job, "lost", "its pack is gone")
