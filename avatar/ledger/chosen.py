"""Which jobs an operator means to erase, and the owing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Engine, or_, select, true

from avatar.errors import NotFound
from avatar.job import Ending, JobId
from avatar.ledger.audit import note
from avatar.ledger.claims import end
from avatar.ledger.clock import now
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import ClientRow, DeletionRow, JobRow


@dataclass(frozen=True, slots=True)
class Which:
    """A choice of jobs; what is named is joined by "and". `everything` chooses all there are."""

    jobs: tuple[str, ...] = ()
    client: str | None = None
    older_than: float | None = None  # seconds since the order
    everything: bool = False

    @property
    def empty(self) -> bool:
        """Nothing was chosen, which is never taken for everything."""
        return not (self.jobs or self.client or self.older_than is not None or self.everything)


def choose(engine: Engine, which: Which) -> Sequence[JobRow]:
    """The chosen jobs of which anything may be left, the oldest first. NotFound for a job or key that is not known."""
    found: list[ColumnElement[bool]] = [JobRow.id.in_(which.jobs)] if which.jobs else []
    if which.client is not None:
        found.append(JobRow.client == which.client)
    if which.older_than is not None:
        found.append(JobRow.made_at <= now() - which.older_than)
    again = select(DeletionRow.job).where(DeletionRow.second_at <= now())
    left = or_(JobRow.erased_at.is_(None), JobRow.id.in_(again))
    with reading(engine) as session:
        known = set(session.scalars(select(JobRow.id).where(JobRow.id.in_(which.jobs))))
        if missing := [job for job in which.jobs if job not in known]:
            raise NotFound(f"There is no job {missing[0]}.")
        if which.client is not None and session.get(ClientRow, which.client) is None:
            raise NotFound(f"There is no key {which.client}.")
        if which.empty:
            return ()
        return session.scalars(select(JobRow).where(true(), *found, left).order_by(JobRow.made_at, JobRow.id)).all()


def demand_all(engine: Engine, job: JobId, who: str) -> None:
    """End the job if it lives, and owe the deletion of everything of it, now. Audited."""
    with transaction(engine) as session:
        row = session.get_one(JobRow, job, with_for_update=True)
        if row.ending is None:
            end(session, row, Ending.CANCELLED)
        demand(session, job, What.EVERYTHING, "operator")
        note(session, who, "purge", job)


def owed(engine: Engine, job: JobId) -> Sequence[str]:
    """The deletions of this job that could be carried out now, or are being carried out; all of it comes first."""
    ripe = or_(DeletionRow.done_at.is_(None) & (DeletionRow.due_at <= now()), DeletionRow.second_at <= now())
    with reading(engine) as session:
        mine = select(DeletionRow.id).where(DeletionRow.job == job, ripe).order_by(DeletionRow.what)
        return session.scalars(mine).all()
