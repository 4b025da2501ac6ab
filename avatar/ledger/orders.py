"""Orders as their owner sees them: made, filled with photos, started, looked at, cancelled, deleted.

Every query carries the owner in its own WHERE, so that a foreign job and an absent one are the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, select, tuple_, update
from sqlalchemy.orm import Session

from avatar.errors import NotFound, NotNow, OverQuota
from avatar.job import ClassWord, Ending, Job, JobId
from avatar.ledger.claims import end
from avatar.ledger.clients import Client
from avatar.ledger.clock import now, read
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import transaction
from avatar.ledger.rows import job_of
from avatar.ledger.tables import ClientRow, DeletionRow, JobRow, PhotoRow

DAY, HOUR = 86400.0, 3600.0
MOST_PHOTOS = 40  # of one job; intake uses at most 20


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


def make(engine: Engine, client: Client, job: JobId, wanted: Wanted) -> Job:
    """A new order, still without photos. OverQuota where the key has spent its day."""
    with transaction(engine) as session:
        _alone(session, client)
        day = select(func.count()).where(JobRow.client == client.id, JobRow.made_at > now() - DAY)
        if (session.scalar(day) or 0) >= client.quota.jobs_a_day:
            raise OverQuota("This key has made its jobs of the day.", code="quota_jobs_a_day")
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


def add_photo(engine: Engine, client: Client, job: JobId, name: str, size: int) -> None:
    """Room for one photo, taken before its bytes are stored. NotFound, NotNow once started, OverQuota."""
    with transaction(engine) as session:
        _alone(session, client)
        row = _own(session, client, job)
        if row.started_at is not None or row.ending is not None:
            raise NotNow("The job has started; photos can no longer be changed.", code="job_started")
        if (session.scalar(select(func.count()).where(PhotoRow.job == job)) or 0) >= MOST_PHOTOS:
            raise OverQuota(f"A job takes {MOST_PHOTOS} photos at most.", code="too_many_photos")
        hour = select(func.count()).select_from(PhotoRow).join(JobRow, JobRow.id == PhotoRow.job)
        spent = hour.where(JobRow.client == client.id, PhotoRow.added_at > now() - HOUR)
        if (session.scalar(spent) or 0) >= client.quota.uploads_an_hour:
            raise OverQuota("This key has sent its photos of the hour.", code="quota_uploads_an_hour")
        session.add(PhotoRow(job=job, name=name, size=size, added_at=read(session), sentence=""))


def drop_photo(engine: Engine, client: Client, job: JobId, name: str) -> None:
    """Forget a photo before the job starts; dropping twice is the same as once."""
    with transaction(engine) as session:
        row = _own(session, client, job)
        if row.started_at is not None:
            raise NotNow("The job has started; photos can no longer be changed.", code="job_started")
        session.execute(delete(PhotoRow).where(PhotoRow.job == job, PhotoRow.name == name))


def judge_photo(engine: Engine, job: JobId, name: str, code: str, sentence: str) -> None:
    """Write the verdict on a photo; one that was removed meanwhile stays removed."""
    mine = update(PhotoRow).where(PhotoRow.job == job, PhotoRow.name == name)
    with transaction(engine) as session:
        session.execute(mine.values(code=code, sentence=sentence))


def photos(engine: Engine, client: Client, job: JobId) -> Sequence[PhotoRow]:
    """The photos and verdicts of an own job, in order of arrival."""
    with transaction(engine) as session:
        _own(session, client, job)
        return session.scalars(select(PhotoRow).where(PhotoRow.job == job).order_by(PhotoRow.added_at)).all()


def start(engine: Engine, client: Client, job: JobId) -> Job:
    """Hand the order to the workers; starting twice is the same as once. OverQuota where too many of the key run."""
    with transaction(engine) as session:
        _alone(session, client)
        row = _own(session, client, job)
        if row.ending is not None:
            raise NotNow("The job has ended.", code="job_ended")
        if row.started_at is None:
            alive = JobRow.started_at.is_not(None) & JobRow.ending.is_(None)
            running = session.scalar(select(func.count()).where(JobRow.client == client.id, alive)) or 0
            if running >= client.quota.running:
                raise OverQuota("This key's jobs are all at work; wait for one to end.", code="quota_running")
            row.started_at = read(session)
        return job_of(row)


def look(engine: Engine, client: Client, job: JobId) -> JobRow:
    """The own job as it stands; NotFound for an absent and for a foreign one."""
    with transaction(engine) as session:
        return _own(session, client, job)


def page(engine: Engine, client: Client, most: int, after: tuple[float, str] | None = None) -> Sequence[JobRow]:
    """The client's jobs, newest first, from behind the one made at `after` (time, id)."""
    mine = select(JobRow).where(JobRow.client == client.id).order_by(JobRow.made_at.desc(), JobRow.id.desc())
    if after is not None:
        mine = mine.where(tuple_(JobRow.made_at, JobRow.id) < after)
    with transaction(engine) as session:
        return session.scalars(mine.limit(most)).all()


def deletion(engine: Engine, client: Client, wanted: str) -> DeletionRow:
    """A deletion of an own job; NotFound for an absent and for a foreign one."""
    mine = select(DeletionRow).join(JobRow, JobRow.id == DeletionRow.job)
    with transaction(engine) as session:
        row = session.scalars(mine.where(DeletionRow.id == wanted, JobRow.client == client.id)).one_or_none()
    if row is None:
        raise NotFound("There is no such deletion.")
    return row


def ahead(engine: Engine, job: JobRow) -> int:
    """How many jobs that started earlier are not through the stage this one waits for."""
    earlier = (JobRow.started_at < job.started_at) & JobRow.ending.is_(None)
    with transaction(engine) as session:
        return session.scalar(select(func.count()).where(earlier, JobRow.stage == job.stage)) or 0


def cancel(engine: Engine, client: Client, job: JobId) -> Job:
    """Ask it to stop: at once where nobody works on it, else at the worker's next look. Twice is the same as once."""
    with transaction(engine) as session:
        row = _own(session, client, job)
        if row.ending is None:
            if row.lease_until is None:
                end(session, row, Ending.CANCELLED)
            row.cancel = True
        return job_of(row)


def erase(engine: Engine, client: Client, job: JobId) -> str:
    """End the job now, whoever works on it, and owe the deletion of everything; the deletion's id."""
    with transaction(engine) as session:
        row = _own(session, client, job)
        if row.ending is None:
            end(session, row, Ending.CANCELLED)
        return demand(session, job, What.EVERYTHING, "request")


def _own(session: Session, client: Client, job: JobId) -> JobRow:
    mine = select(JobRow).where(JobRow.id == job, JobRow.client == client.id).with_for_update()
    row = session.scalars(mine).one_or_none()
    if row is None:
        raise NotFound("There is no such job.")
    return row


def _alone(session: Session, client: Client) -> None:
    """One quota is counted and spent by one call at a time, or fifty calls at once would each see it unspent."""
    session.execute(select(ClientRow.id).where(ClientRow.id == client.id).with_for_update())
