"""What ends by the clock: nothing of a person outlives the day."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine, select

from avatar.errors import Stale
from avatar.job import ORDER, Ending, JobId
from avatar.ledger import claims, orders
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client
from avatar.ledger.engine import transaction
from avatar.ledger.expiry import expire
from avatar.ledger.tables import DeletionRow, JobRow
from tests.ordering import ordered

Start = Callable[[], JobId]
LATE = Times(photos=-1.0)  # as if a day had passed


def ended(engine: Engine, job: JobId) -> tuple[str | None, str, list[str]]:
    with transaction(engine) as session:
        row = session.get_one(JobRow, job)
        owed = session.scalars(select(DeletionRow.what).where(DeletionRow.job == job)).all()
        return row.ending, row.code, list(owed)


def test_nothing_ends_within_its_day(engine: Engine, client: Client, started: Start) -> None:
    unstarted, waiting = ordered(engine, client), started()
    assert expire(engine, Times()) == 0
    assert [ended(engine, job) for job in (unstarted, waiting)] == [(None, "", [])] * 2


def test_an_order_that_nobody_starts_ends_and_its_photos_are_owed(engine: Engine, client: Client) -> None:
    job = ordered(engine, client)
    assert expire(engine, LATE) == 1
    assert ended(engine, job) == (Ending.CANCELLED, "expired", ["everything"])
    assert expire(engine, LATE) == 0


def test_a_job_that_is_still_at_work_after_a_day_fails_and_its_worker_is_refused(
    engine: Engine, started: Start
) -> None:
    job = started()
    held = claims.claim(engine, job, ORDER, "worker", Times())
    assert held is not None
    assert expire(engine, LATE) == 1
    assert ended(engine, job) == (Ending.FAILED, "took_too_long", ["everything"])
    try:
        claims.beat(engine, held, Times())
    except Stale:
        return
    raise AssertionError("the worker was not refused")


def test_a_delivered_pack_is_left_to_its_own_time(engine: Engine, client: Client, started: Start) -> None:
    job = started()
    orders.erase(engine, client, job)
    assert expire(engine, LATE) == 0
