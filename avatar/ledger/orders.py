"""Orders as their owner sees them: made, started, looked at, cancelled, deleted. Photos: see `uploads`.

Every query carries the owner in its own WHERE, so that a foreign job and an absent one are the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, select, tuple_
from sqlalchemy.orm import Session

from avatar.errors import JobRefused, NotFound, NotNow, OverQuota
from avatar.job import ClassWord, Ending, Job, JobId
from avatar.ledger import holds
from avatar.ledger.claims import end
from avatar.ledger.clients import Client
from avatar.ledger.clock import now, read
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import reading, transaction
from avatar.ledger.rows import job_of
from avatar.ledger.tables import ClientRow, DeletionRow, JobRow, PhotoRow

DAY = 86400  # seconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client orders."""

    class_word: ClassWord
    styles: tuple[str, ...]
    count: int
    base: str
    seed: int
    consent: str  # the words that the person agreed to
    test: bool = False


@dataclass(frozen=True, slots=True)
class Left:
    """What the key may still spend in its window of so many seconds, and after how many the next is free."""

    name: str
    most: int
    left: int
    window: int
    after: float


def make(engine: Engine, client: Client, job: JobId, wanted: Wanted) -> Job:
    """A new order, still without photos. OverQuota where the key has spent its day."""
    with transaction(engine) as session:
        alone(session, client)
        spare = jobs_left(session, client)
        if spare.left <= 0:
            raise OverQuota("This key has made its jobs of the day.", code="quota_jobs_a_day", after=spare.after)
        at = read(session)
        row = JobRow(
            id=job,
            client=client.id,
            class_word=wanted.class_word,
            styles=list(wanted.styles),
            count=wanted.count,
            base=wanted.base,
            seed=wanted.seed,
            consent=wanted.consent,
            consent_at=at,
            test=wanted.test,
            made_at=at,
            stage="intake",
            facts={},
            progress={},
        )
        session.add(row)
        session.flush()
        return job_of(row)


def spare(engine: Engine, client: Client) -> Left:
    """How many jobs the key may still make today."""
    with reading(engine) as session:
        return jobs_left(session, client)


def jobs_left(session: Session, client: Client) -> Left:
    """How many jobs the key may still make today."""
    mine = (JobRow.client == client.id) & (JobRow.made_at > now() - DAY)
    count, oldest = session.execute(select(func.count(), func.min(JobRow.made_at)).where(mine)).one()
    most = client.quota.jobs_a_day
    return Left("jobs", most, most - count, DAY, DAY - (read(session) - oldest) if oldest else 0.0)


def start(engine: Engine, client: Client, job: JobId) -> Job:
    """Hand the order to the workers; twice is once, even if it ended. OverQuota where too many of the key run.

    A photo that is still on its way is left behind: its sender is told so. JobRefused where none has arrived.
    """
    with transaction(engine) as session:
        alone(session, client)
        row = own(session, client, job)
        if row.ending is not None and (row.started_at is None or row.ending == Ending.CANCELLED):
            raise NotNow("The job has ended.", code="job_ended")
        if row.started_at is None:
            alive = JobRow.started_at.is_not(None) & JobRow.ending.is_(None)
            running = session.scalar(select(func.count()).where(JobRow.client == client.id, alive)) or 0
            if running >= client.quota.running:
                raise OverQuota("This key's jobs are all at work; wait for one to end.", code="quota_running")
            session.execute(delete(PhotoRow).where(PhotoRow.job == job, PhotoRow.stored_at.is_(None)))
            if not session.scalar(select(func.count()).where(PhotoRow.job == job)):
                raise JobRefused("There is no photo in this job.", code="no_photos")
            row.started_at = read(session)
        return job_of(row)


def look(engine: Engine, client: Client, job: JobId) -> JobRow:
    """The own job as it stands; NotFound for an absent and for a foreign one."""
    with reading(engine) as session:
        return own(session, client, job, change=False)


def pack(engine: Engine, client: Client, job: JobId) -> JobRow:
    """The own job, if its pack may be fetched: delivered, not asked back, not past its time. Audited under a hold."""
    with reading(engine) as session:
        row = own(session, client, job, change=False)
        deliverable(session, row)
    if row.held:
        holds.seen(engine, row.id, client.id, holds.PACK)
    return row


def deliverable(session: Session, row: JobRow) -> None:
    """NotFound unless the job was delivered, and its pack is neither asked back nor past its time."""
    gone = select(DeletionRow.id).where(
        DeletionRow.job == row.id, DeletionRow.what == What.EVERYTHING, DeletionRow.due_at <= now()
    )
    if row.ending != Ending.DONE or session.scalar(gone) is not None:
        raise NotFound("There are no pictures of this job.")


def page(engine: Engine, client: Client, most: int, after: tuple[float, str] | None = None) -> Sequence[JobRow]:
    """The client's jobs, newest first, from behind the one made at `after` (time, id)."""
    mine = select(JobRow).where(JobRow.client == client.id).order_by(JobRow.made_at.desc(), JobRow.id.desc())
    if client.only is not None:
        mine = mine.where(JobRow.id == client.only)
    if after is not None:
        mine = mine.where(tuple_(JobRow.made_at, JobRow.id) < after)
    with reading(engine) as session:
        return session.scalars(mine.limit(most)).all()


def deletion(engine: Engine, client: Client, wanted: str) -> DeletionRow:
    """A deletion of an own job; NotFound for an absent and for a foreign one."""
    mine = select(DeletionRow).join(JobRow, JobRow.id == DeletionRow.job).where(JobRow.client == client.id)
    if client.only is not None:
        mine = mine.where(JobRow.id == client.only)
    with reading(engine) as session:
        row = session.scalars(mine.where(DeletionRow.id == wanted)).one_or_none()
    if row is None:
        raise NotFound("There is no such deletion.")
    if row.receipt is not None:
        holds.seen(engine, row.job, client.id, holds.RECEIPT)
    return row


def deletions(engine: Engine, client: Client, job: JobId) -> Sequence[DeletionRow]:
    """What is owed or was erased of an own job, the earliest first."""
    with reading(engine) as session:
        row = own(session, client, job, change=False)
        owed = session.scalars(select(DeletionRow).where(DeletionRow.job == job).order_by(DeletionRow.due_at)).all()
    if row.held and any(one.receipt is not None for one in owed):
        holds.seen(engine, row.id, client.id, holds.RECEIPT)
    return owed


def ahead(engine: Engine, job: JobRow) -> int:
    """How many jobs that started earlier are not through the stage this one waits for."""
    earlier = (JobRow.started_at < job.started_at) & JobRow.ending.is_(None)
    with reading(engine) as session:
        return session.scalar(select(func.count()).where(earlier, JobRow.stage == job.stage)) or 0


def cancel(engine: Engine, client: Client, job: JobId) -> Job:
    """Ask it to stop: at once where nobody works on it, else at the worker's next look. Twice is the same as once."""
    with transaction(engine) as session:
        row = own(session, client, job)
        if row.ending is None:
            if row.lease_until is None:
                end(session, row, Ending.CANCELLED)
            row.cancel = True
        return job_of(row)


def erase(engine: Engine, client: Client, job: JobId) -> str:
    """End the job now, whoever works on it, and owe the deletion of everything; the deletion's id."""
    with transaction(engine) as session:
        row = own(session, client, job)
        if row.ending is None:
            end(session, row, Ending.CANCELLED)
        return demand(session, job, What.EVERYTHING, "request")


def own(session: Session, client: Client, job: JobId, *, change: bool = True) -> JobRow:
    """The own job, held for a change; NotFound for an absent and for a foreign one, and for one a link is not for."""
    mine = select(JobRow).where(JobRow.id == job, JobRow.client == client.id)
    if client.only is not None:
        mine = mine.where(JobRow.id == client.only)
    row = session.scalars(mine.with_for_update() if change else mine).one_or_none()
    if row is None:
        raise NotFound("There is no such job.")
    return row


def alone(session: Session, client: Client) -> None:
    """One quota is counted and spent by one call at a time, or fifty calls at once would each see it unspent."""
    session.execute(select(ClientRow.id).where(ClientRow.id == client.id).with_for_update())
