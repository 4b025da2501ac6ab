"""Who works on a job: claim, heartbeat, record, give back, and the rescue of what a dead worker left.

A claim is one conditional UPDATE that raises the fence and takes a lease by the database's clock. Whatever the worker
writes later carries that fence, in the same statement, so that a worker that was taken for dead can change nothing.
What follows a stage, the deletion that it makes due and the message about it are written in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.orm import Session

from avatar.errors import Stale
from avatar.job import Again, Done, Ending, Job, JobId, Outcome, Refused, Stage, following
from avatar.ledger.clock import now, read
from avatar.ledger.deletions import What, demand, owe
from avatar.ledger.engine import transaction
from avatar.ledger.outbox import announce
from avatar.ledger.rows import job_of
from avatar.ledger.tables import ClientRow, JobRow

ATTEMPTS = 3  # claims of one stage that may end without a record: the third kill is the job's fault, not the machine's
KEEP = 30 * 86400.0  # seconds
GAVE_UP = "We tried three times and the work was cut off each time. Nothing is kept; please order again."


@dataclass(frozen=True, slots=True)
class Times:
    """Every wait of the service in seconds; `pace` shrinks them all alike, for tests that must see hours pass."""

    lease: float = 60.0
    heartbeat: float = 15.0  # a quarter of the lease: three may be lost
    rescue: float = 15.0  # between two looks for what is stuck
    ring_again: float = 30.0  # a ring that nobody answered is repeated
    photos: float = 23 * 3600.0  # no job outlives its first photo by more: all of it is gone within the day
    keep: float = KEEP  # of a delivered pack

    def at(self, pace: float) -> Times:
        return Times(*(pace * getattr(self, item.name) for item in fields(self)))


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one stage of one job, until the lease runs out or somebody else is given it."""

    job: Job
    fence: int
    attempt: int


def claim(
    engine: Engine, job: JobId, stages: Sequence[Stage], owner: str, times: Times, *, tests: bool = False
) -> Claim | None:
    """The job, if it waits in one of `stages` and nobody works on it; None otherwise, which is no error.

    A test job is given to those alone who take `tests`, whatever its stage.
    """
    known = or_(JobRow.stage.in_(stages), JobRow.test) if tests else and_(JobRow.stage.in_(stages), ~JobRow.test)
    statement = (
        update(JobRow)
        .where(JobRow.id == job, known, JobRow.attempt < ATTEMPTS, _waiting())
        .values(
            fence=JobRow.fence + 1,
            attempt=JobRow.attempt + 1,
            owner=owner,
            lease_until=now() + times.lease,
            not_before=None,
            progress={},
        )
        .returning(JobRow)
    )
    with transaction(engine) as session:
        row = session.scalars(statement).one_or_none()
        return Claim(job_of(row), row.fence, row.attempt) if row else None


def beat(engine: Engine, held: Claim, times: Times, progress: Mapping[str, Any] | None = None) -> bool:
    """Keep the lease; True if the job shall stop. Stale where it was given to somebody else or has ended."""
    values: dict[str, Any] = {"lease_until": now() + times.lease}
    if progress is not None:
        values["progress"] = dict(progress)
    with transaction(engine) as session:
        return bool(_write(session, held, values).cancel)


def record(engine: Engine, held: Claim, outcome: Outcome, keep: float = KEEP) -> Job:
    """What the stage found, and what follows. Stale where somebody else has the job by now: then nothing is written.

    `keep`: seconds after which a pack that this record finishes must go. The fence goes up: who is not sure whether a
    record was written may write it again, and is refused if it was. A stage that asks for time spends no attempt.
    """
    with transaction(engine) as session:
        freed: dict[str, Any] = {"owner": None, "lease_until": None, "progress": {}, "fence": JobRow.fence + 1}
        row = _write(session, held, freed)
        if isinstance(outcome, Again):
            row.not_before, row.attempt = read(session) + outcome.after, row.attempt - 1
            return job_of(row)
        stage = held.job.stage
        row.facts = {**row.facts, stage: dict(outcome.facts)}
        if row.cancel:
            end(session, row, Ending.CANCELLED)
        elif isinstance(outcome, Refused):
            end(session, row, Ending.REFUSED, outcome.code, outcome.sentence)
        elif isinstance(outcome, Done):
            row.stage, row.attempt, row.rung_at = following(stage), 0, None
            if row.stage == Stage.PURGE:
                end(session, row, Ending.DONE)
                demand(session, row.id, What.EVERYTHING, "kept_long_enough", after=keep)
        return job_of(row)


def give_back(engine: Engine, held: Claim, code: str) -> None:
    """The work broke off with a fault: free the job for the next attempt, or end it after the last."""
    with transaction(engine) as session:
        row = _write(session, held, {"owner": None, "lease_until": None, "progress": {}, "fence": JobRow.fence + 1})
        if row.cancel:
            end(session, row, Ending.CANCELLED)
        elif row.attempt >= ATTEMPTS:
            end(session, row, Ending.FAILED, code, GAVE_UP)


def rescue(engine: Engine, times: Times) -> list[Job]:
    """End what died too often, and give the jobs that a worker must be rung for: waiting, and not rung of late.

    A revoked key's jobs are asked to stop: those in line end here, those at work at their next heartbeat.
    """
    with transaction(engine) as session:
        revoked = select(ClientRow.id).where(ClientRow.revoked_at.is_not(None))
        stop = update(JobRow).where(JobRow.ending.is_(None), ~JobRow.cancel, JobRow.client.in_(revoked))
        session.execute(stop.values(cancel=True))
        dead = and_(JobRow.ending.is_(None), _free())  # one that never started ends only where it was cancelled
        lost = select(JobRow).where(dead, or_(JobRow.attempt >= ATTEMPTS, JobRow.cancel))
        for row in session.scalars(lost.with_for_update(skip_locked=True)):
            if row.cancel:
                end(session, row, Ending.CANCELLED)
            else:
                end(session, row, Ending.FAILED, "gave_up", GAVE_UP)
        session.flush()
        quiet = or_(JobRow.rung_at.is_(None), JobRow.rung_at < now() - times.ring_again)
        rung = update(JobRow).where(_waiting(), quiet).values(rung_at=now()).returning(JobRow)
        return [job_of(row) for row in session.scalars(rung)]


def end(session: Session, row: JobRow, ending: Ending, code: str = "", sentence: str = "") -> None:
    """The one way a job ends: its deletion is owed and its message is written with it, or nothing of it happened."""
    if row.ending is not None:
        raise Stale("The job has ended already.")
    row.stage, row.ending = Stage.PURGE, ending
    row.ended_at = read(session)
    row.code = code or ("cancelled" if ending is Ending.CANCELLED else "")
    row.sentence = sentence or ("The job was stopped on request." if ending is Ending.CANCELLED else "")
    row.fence += 1  # whoever still works on it is refused from here on
    row.owner = row.lease_until = None
    owe(session, row.id, ending)
    announce(session, row.id, f"job.{ending}")


def _free() -> Any:
    return or_(JobRow.lease_until.is_(None), JobRow.lease_until < now())


def _waiting() -> Any:
    """Started, not ended, nobody at work, and not asked to wait."""
    patient = or_(JobRow.not_before.is_(None), JobRow.not_before <= now())
    return and_(JobRow.started_at.is_not(None), JobRow.ending.is_(None), JobRow.cancel.is_(False), _free(), patient)


def _write(session: Session, held: Claim, values: Mapping[str, Any]) -> JobRow:
    """The row, changed, if the fence is still ours."""
    mine = and_(JobRow.id == held.job.id, JobRow.fence == held.fence, JobRow.ending.is_(None))
    row = session.scalars(update(JobRow).where(mine).values(**values).returning(JobRow)).one_or_none()
    if row is None:
        raise Stale("The job was given to another worker or has ended; this result is not taken.")
    return row
