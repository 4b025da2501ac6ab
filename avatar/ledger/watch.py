"""How the service stands, as counts and ages: what an operator watches. No id leaves this file.

What lives is read through the index on stages; what ended is read from a moment on, so that a caller who remembers how
far it came reads each job once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, and_, case, func, select
from sqlalchemy.orm import Session

from avatar.job import ORDER, Stage
from avatar.ledger.clock import now, read
from avatar.ledger.deletions import What
from avatar.ledger.engine import reading
from avatar.ledger.tables import DeletionRow, HoldRow, JobRow, OutboxRow, PhotoRow

OVERDUE = 60.0  # seconds after which an owed deletion is late: the schedule looks four times a minute
UNSEEN = 3.0  # seconds within which a photo is promised its verdict
BATCH = 2000  # rows in memory at a time
WAITING = ("queued", "lost")  # the states of a job that a worker could claim


@dataclass(frozen=True, slots=True)
class Alive:
    """Jobs that have not ended, in one stage and state; `lost`: a worker held them and its lease ran out."""

    stage: Stage
    state: str  # waiting_for_photos queued lost put_off running
    test: bool
    count: int
    oldest: float  # seconds since the first of them was started, or made where none was started


@dataclass(frozen=True, slots=True)
class Owed:
    """Deletions of one set that are not paid yet."""

    what: What
    count: int  # packs that are kept for their time, too
    due: int
    overdue: int
    oldest: float  # seconds since the first of them was due
    tries: int  # the most that one of them has seen


@dataclass(frozen=True, slots=True)
class Standing:
    """What is under way, owed and undelivered at one moment."""

    alive: tuple[Alive, ...]
    owed: tuple[Owed, ...]
    unseen: int  # photos that are without a verdict for longer than was promised
    unseen_for: float  # seconds, of the oldest
    unsent: int  # messages to clients that are still tried
    unsent_for: float
    given_up: int


@dataclass(frozen=True, slots=True)
class Ended:
    """One job that ended, without its id."""

    at: float
    ending: str
    code: str
    base: str
    device: str  # of the machine that tuned; empty where it is not known
    seconds: Mapping[Stage, float]  # of the stages that were recorded


def standing(engine: Engine) -> Standing:
    """All of it, in one look at the ledger."""
    with reading(engine) as session:
        at = read(session)
        unseen, first = _unseen(session, at)
        unsent, since, given_up = _messages(session)
        return Standing(
            alive=_alive(session, at),
            owed=_owed(session, at),
            unseen=unseen,
            unseen_for=at - (first or at),
            unsent=unsent,
            unsent_for=at - (since or at),
            given_up=given_up,
        )


def ended(session: Session, after: float) -> Iterator[Ended]:
    """The jobs that ended after this moment; rehearsals are left out."""
    seconds = {stage: JobRow.facts[(stage.value, "seconds")].as_float() for stage in ORDER}
    device = JobRow.facts[(Stage.TUNE.value, "device")].as_string()
    asked = select(JobRow.ended_at, JobRow.ending, JobRow.code, JobRow.base, device, *seconds.values())
    rows = session.execute(asked.where(JobRow.ended_at > after, ~JobRow.test).execution_options(yield_per=BATCH))
    for at, ending, code, base, where, *spent in rows:
        known = {stage: took for stage, took in zip(seconds, spent, strict=True) if took is not None}
        yield Ended(at, ending, code, base, where or "", known)


def _alive(session: Session, at: float) -> tuple[Alive, ...]:
    state: Any = case(
        (JobRow.started_at.is_(None), "waiting_for_photos"),
        (JobRow.lease_until >= now(), "running"),
        (JobRow.lease_until.is_not(None), "lost"),
        (JobRow.not_before > now(), "put_off"),
        else_="queued",
    ).label("state")
    since = func.min(func.coalesce(JobRow.started_at, JobRow.made_at))
    here = select(JobRow.stage, state, JobRow.test, func.count(), since)
    living = and_(JobRow.stage.in_(ORDER), JobRow.ending.is_(None))
    rows = session.execute(here.where(living).group_by(JobRow.stage, state, JobRow.test)).all()
    return tuple(Alive(Stage(stage), word, test, count, at - first) for stage, word, test, count, first in rows)


def _owed(session: Session, at: float) -> tuple[Owed, ...]:
    """What must go; a job under a legal hold is nobody's delay."""
    held = select(HoldRow.job).where(HoldRow.lifted_at.is_(None))
    due = case((DeletionRow.due_at <= now(), DeletionRow.due_at))
    late = case((DeletionRow.due_at < now() - OVERDUE, 1))
    asked = select(
        DeletionRow.what, func.count(), func.count(due), func.count(late), func.min(due), func.max(DeletionRow.tries)
    )
    open_ones = asked.where(DeletionRow.done_at.is_(None), DeletionRow.job.not_in(held))
    rows = session.execute(open_ones.group_by(DeletionRow.what)).all()
    return tuple(
        Owed(What(what), count, ripe, overdue, at - (first or at), tries)
        for what, count, ripe, overdue, first, tries in rows
    )


def _unseen(session: Session, at: float) -> tuple[int, float | None]:
    open_orders = and_(JobRow.stage == Stage.INTAKE, JobRow.started_at.is_(None), JobRow.ending.is_(None))
    late = and_(PhotoRow.code.is_(None), PhotoRow.stored_at < at - UNSEEN)
    asked = select(func.count(), func.min(PhotoRow.stored_at)).join(JobRow, JobRow.id == PhotoRow.job)
    count, first = session.execute(asked.where(open_orders, late)).one()
    return count, first


def _messages(session: Session) -> tuple[int, float | None, int]:
    tried = case((OutboxRow.gave_up_at.is_(None), OutboxRow.made_at))
    asked = select(func.count(tried), func.min(tried), func.count(OutboxRow.gave_up_at))
    count, first, given_up = session.execute(asked.where(OutboxRow.sent_at.is_(None))).one()
    return count, first, given_up
