"""Messages doubled and out of order: each bell rings one to five times, at any of three workers, in any order.

500 jobs; with AVATAR_TEST_FULL=1 2,000.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from pathlib import Path

import pytest
from sqlalchemy import Engine

from avatar.job import ORDER, ClassWord, Done, Job, JobId, Kind, Outcome, Stage, new_id
from avatar.ledger import orders, uploads
from avatar.ledger.claims import Times, rescue
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.engine import open_ledger
from avatar.ledger.history import upgrade
from avatar.ports import Progress
from avatar.queue import ROUTE, Queue, stages_of
from avatar.shift import Bench, work
from tests.faults.matrix import database
from tests.faults.moves import count_moves, moves, wrong_moves

JOBS = 2000 if os.environ.get("AVATAR_TEST_FULL") == "1" else 500
WORKERS = 3
BATCH = 50  # messages that a worker is handed at once; it takes them one by one
WANTED = orders.Wanted(ClassWord.PERSON, ("photo",), 4, "pocket", 1, "These are photos of me.")
POSTGRES = os.environ.get("AVATAR_TEST_POSTGRES", "")
PATIENT = Times(lease=600, heartbeat=150, ring_again=0.0)  # nobody dies here: only messages are bad
Message = tuple[Queue, JobId]


class Nowhere:
    """A vault that keeps nothing."""

    def names(self, job: JobId, kind: Kind) -> list[str]:
        return []

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        return []


@functools.cache
def engine_of(url: str) -> Engine:
    """A worker process's own engine."""
    return open_ledger(url)


def fill(url: str, count: int) -> list[JobId]:
    """So many started jobs of one client."""
    engine = engine_of(url)
    client, _ = make_client(engine, "app", Scope.CLIENT, Quota(count, count, count))
    made = []
    for _ in range(count):
        job = orders.make(engine, client, new_id(), WANTED).id
        uploads.expect(engine, client, job, "p01")
        uploads.arrived(engine, job, "p01", 1, "")
        orders.start(engine, client, job)
        made.append(job)
    return made


def hear(url: str, messages: Sequence[Message]) -> int:
    """What a worker does with what it is sent; how many messages led to a record."""

    def act(job: Job, progress: Progress) -> Outcome:
        time.sleep(random.uniform(0, 0.001))
        return Done({"pictures": 1})

    engine, taken = engine_of(url), 0
    for queue, job in messages:
        bench = Bench(engine, Nowhere(), dict.fromkeys(stages_of(queue), act), str(os.getpid()), PATIENT)  # type: ignore[arg-type]
        taken += work(bench, job) is not None
    return taken


def rung(jobs: Sequence[tuple[JobId, Stage]], dice: random.Random) -> list[Message]:
    """Each bell one to five times, shuffled."""
    messages = [(ROUTE[stage], job) for job, stage in jobs for _ in range(dice.randint(1, 5))]
    dice.shuffle(messages)
    return messages


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    if not POSTGRES:
        pytest.skip("no PostgreSQL: set AVATAR_TEST_POSTGRES to an empty database's URL")
    with database(POSTGRES) as url:
        yield url


@pytest.mark.timeout(400)
def test_every_job_is_published_once_whatever_becomes_of_its_messages(ledger: str) -> None:
    engine, dice, sent, taken = open_ledger(ledger), random.Random(1), 0, 0
    upgrade(engine)
    count_moves(engine)
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as workers:
        filled = workers.map(fill, [ledger] * 10, [JOBS // 10] * 10)
        messages = rung([(job, stage) for jobs in filled for job in jobs for stage in ORDER], dice)
        while messages:
            batches = [messages[at : at + BATCH] for at in range(0, len(messages), BATCH)]
            heard = [workers.submit(hear, ledger, batch) for batch in batches]
            wait(heard)
            sent, taken = sent + len(messages), taken + sum(one.result() for one in heard)
            messages = rung([(job.id, job.stage) for job in rescue(engine, PATIENT)], dice)
    made = moves(engine)
    engine.dispose()
    assert (len(made), {job: wrong for job, one in made.items() if (wrong := wrong_moves(one))}) == (JOBS, {})
    assert taken == JOBS * len(ORDER)
    assert sent > 2 * taken
