"""Photos of an order that has not started: room is taken first, then the bytes come, then a worker looks at them.

A photo whose bytes never arrived (the phone went away, the process was killed) has no `stored_at` and counts nowhere
but in the hour's quota. That quota counts what was sent: taking a photo back gives nothing back, or a leaked key could
keep the service looking at photos for ever. The same photo sent again, because its answer was lost, counts once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select, update
from sqlalchemy.orm import Session

from avatar.errors import NotFound, NotNow, OverQuota
from avatar.job import Job, JobId
from avatar.ledger.clients import Client
from avatar.ledger.clock import now, read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.orders import Left, alone, own
from avatar.ledger.rows import job_of
from avatar.ledger.tables import JobRow, PhotoRow, SentRow

HOUR = 3600  # seconds
MOST_PHOTOS = 40  # of one job; intake uses at most 20
MOST_SENT = 3 * MOST_PHOTOS  # of one job in an hour, those taken back too: one visitor spends no other's share


def expect(engine: Engine, client: Client, job: JobId, name: str) -> Left:
    """Take room for one photo before its bytes are stored; what the key has left. NotFound, NotNow, OverQuota.

    A name that is there without its bytes is taken over: the sender tries again.
    """
    with transaction(engine) as session:
        alone(session, client)
        _open(session, client, job)
        if (session.scalar(select(func.count()).where(PhotoRow.job == job)) or 0) >= MOST_PHOTOS:
            raise OverQuota(f"A job takes {MOST_PHOTOS} photos at most.", code="too_many_photos")
        spare = _sent(session, client, job, name)
        session.execute(delete(PhotoRow).where(*_named(job, name), PhotoRow.stored_at.is_(None)))
        if session.get(PhotoRow, (job, name)) is not None:  # the same call, twice at once: the other one was quicker
            raise NotNow("This photo is here already.", code="photo_there")
        session.add(PhotoRow(job=job, name=name, size=0, added_at=read(session)))
        return replace(spare, left=spare.left - 1)


def arrived(engine: Engine, job: JobId, name: str, size: int, digest: str) -> PhotoRow:
    """Its bytes are stored. NotNow where the job started or ended without it."""
    here = update(PhotoRow).where(*_named(job, name)).values(size=size, digest=digest, stored_at=now(), rung_at=now())
    with transaction(engine) as session:
        row = session.scalars(here.returning(PhotoRow)).one_or_none()
        if row is None:
            raise NotNow("The job went on before this photo had arrived.", code="job_started")
        return row


def drop(engine: Engine, client: Client, job: JobId, name: str) -> None:
    """Forget a photo before the job starts; dropping twice is the same as once."""
    with transaction(engine) as session:
        _open(session, client, job)
        if session.scalar(select(JobRow.held).where(JobRow.id == job)):
            raise NotNow("Nothing of this job can be erased: it is under a legal hold.", code="held")
        session.execute(delete(PhotoRow).where(*_named(job, name)))


def judge(engine: Engine, job: JobId, name: str, code: str, sentence: str, remedy: str) -> None:
    """Write the verdict on a photo; one that was removed meanwhile stays removed."""
    with transaction(engine) as session:
        mine = update(PhotoRow).where(*_named(job, name))
        session.execute(mine.values(code=code, sentence=sentence, remedy=remedy))


def photos(engine: Engine, client: Client, job: JobId) -> Sequence[PhotoRow]:
    """The photos and verdicts of an own job, in order of arrival."""
    with reading(engine) as session:
        own(session, client, job, change=False)
        here = select(PhotoRow).where(PhotoRow.job == job, PhotoRow.stored_at.is_not(None))
        return session.scalars(here.order_by(PhotoRow.added_at, PhotoRow.name)).all()


def find(engine: Engine, client: Client, job: JobId, name: str) -> PhotoRow:
    """One photo of an own job, arrived or not; NotFound."""
    with reading(engine) as session:
        own(session, client, job, change=False)
        row = session.scalars(select(PhotoRow).where(*_named(job, name))).one_or_none()
    if row is None:
        raise NotFound("There is no such photo.")
    return row


def waiting(engine: Engine, job: JobId, name: str) -> Job | None:
    """The job of a photo that waits for its verdict; None where nobody needs one any more."""
    mine = select(JobRow).join(PhotoRow, PhotoRow.job == JobRow.id).where(*_named(job, name))
    with reading(engine) as session:
        still = mine.where(JobRow.started_at.is_(None), JobRow.ending.is_(None), PhotoRow.code.is_(None))
        row = session.scalars(still.where(PhotoRow.stored_at.is_not(None))).one_or_none()
        return job_of(row) if row else None


def unseen(engine: Engine, ring_again: float) -> list[tuple[JobId, str]]:
    """The photos that a worker must be rung to look at, of jobs that have not started."""
    waits = select(JobRow.id).where(JobRow.started_at.is_(None), JobRow.ending.is_(None))
    quiet = or_(PhotoRow.rung_at.is_(None), PhotoRow.rung_at < now() - ring_again)
    here = update(PhotoRow).where(PhotoRow.stored_at.is_not(None), PhotoRow.code.is_(None), quiet)
    rung = here.where(PhotoRow.job.in_(waits)).values(rung_at=now()).returning(PhotoRow.job, PhotoRow.name)
    with transaction(engine) as session:
        return [(JobId(job), name) for job, name in session.execute(rung)]


def uploads_left(session: Session, client: Client) -> Left:
    """How many photos the key may still send this hour."""
    counted = select(func.count(), func.min(SentRow.at)).where(SentRow.client == client.id)
    count, oldest = session.execute(counted.where(SentRow.at > now() - HOUR)).one()
    most = client.quota.uploads_an_hour
    return Left("uploads", most, most - count, HOUR, HOUR - (read(session) - oldest) if oldest else 0.0)


def _sent(session: Session, client: Client, job: JobId, name: str) -> Left:
    """Count one photo; what the key had left before. OverQuota where key or job sent their photos of the hour."""
    session.execute(delete(SentRow).where(SentRow.client == client.id, SentRow.at <= now() - HOUR))
    if session.get(SentRow, (job, name)) is not None:  # sent again: it is counted
        return replace(spare := uploads_left(session, client), left=spare.left + 1)
    spare = uploads_left(session, client)
    if spare.left <= 0:
        code = "quota_uploads_an_hour"
        raise OverQuota("This key has sent its photos of the hour.", code=code, after=spare.after)
    of_job = select(func.count(), func.min(SentRow.at)).where(SentRow.job == job, SentRow.at > now() - HOUR)
    count, oldest = session.execute(of_job).one()
    if count >= MOST_SENT:
        words = f"{MOST_SENT} photos were sent for this job within an hour, those taken back included."
        raise OverQuota(words, code="too_many_sent", after=HOUR - (read(session) - oldest))
    session.add(SentRow(job=job, name=name, client=client.id, at=read(session)))
    return spare


def _open(session: Session, client: Client, job: JobId) -> None:
    row = own(session, client, job)
    if row.ending is not None:
        raise NotNow("The job has ended.", code="job_ended")
    if row.started_at is not None:
        raise NotNow("The job has started; photos can no longer be changed.", code="job_started")


def _named(job: JobId, name: str) -> tuple[ColumnElement[bool], ...]:
    return PhotoRow.job == job, PhotoRow.name == name
