"""Orders: only the owner sees them, quotas hold against a crowd, and every way out leads to a deletion."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from avatar.errors import NotFound, NotNow, OverQuota, Stale
from avatar.job import ORDER, Ending, JobId, new_id
from avatar.ledger import claims, orders
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow
from tests.ledger.conftest import WANTED

Start = Callable[[], JobId]


def crowd(size: int, act: Callable[[], object]) -> list[object]:
    """What `act` gave or raised for each of `size` callers at once."""
    gate, said = threading.Barrier(size), []

    def call() -> None:
        gate.wait()
        try:
            said.append(act())
        except OverQuota as error:
            said.append(error.code)

    threads = [threading.Thread(target=call) for _ in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def test_a_foreign_job_and_an_absent_one_are_the_same(engine: Engine, client: Client) -> None:
    job = orders.make(engine, client, new_id(), WANTED).id
    stranger, _ = make_client(engine, "other", Scope.CLIENT, Quota())
    for act in (orders.look, orders.photos, orders.start, orders.cancel, orders.erase):
        said = set()
        for wanted in (job, new_id()):
            with pytest.raises(NotFound) as caught:
                act(engine, stranger, wanted)
            said.add((caught.value.code, caught.value.sentence))
        assert len(said) == 1
    assert orders.look(engine, client, job).ending is None


def test_a_leaked_key_in_fifty_hands_spends_its_quota_and_no_more(engine: Engine) -> None:
    leaked, _ = make_client(engine, "leaked", Scope.CLIENT, Quota(jobs_a_day=3, running=1, uploads_an_hour=5))
    made = crowd(12, lambda: orders.make(engine, leaked, new_id(), WANTED).id)
    jobs = [JobId(str(one)) for one in made if str(one).startswith("job_")]
    assert len(jobs) == 3
    assert made.count("quota_jobs_a_day") == 9
    counter = iter(range(100))
    sent = crowd(12, lambda: orders.add_photo(engine, leaked, jobs[0], f"p{next(counter):02}", 1000))
    assert sent.count(None) == 5
    begun = [one for job in jobs for one in crowd(2, lambda job=job: orders.start(engine, leaked, job).id)]
    assert begun.count("quota_running") == 4
    assert len(set(begun) - {"quota_running"}) == 1


def test_photos_are_kept_with_their_verdicts_until_the_job_starts(engine: Engine, client: Client) -> None:
    job = orders.make(engine, client, new_id(), WANTED).id
    orders.add_photo(engine, client, job, "p01", 1000)
    orders.judge_photo(engine, job, "p01", "no_face", "We see no face here.")
    assert [(p.name, p.code) for p in orders.photos(engine, client, job)] == [("p01", "no_face")]
    orders.start(engine, client, job)
    with pytest.raises(NotNow):
        orders.add_photo(engine, client, job, "p02", 1000)


def test_starting_twice_is_the_same_as_once(engine: Engine, client: Client) -> None:
    job = orders.make(engine, client, new_id(), WANTED).id
    orders.start(engine, client, job)
    first = orders.look(engine, client, job).started_at
    orders.start(engine, client, job)
    assert orders.look(engine, client, job).started_at == first


def test_the_line_is_counted_by_time_of_start(engine: Engine, client: Client, started: Start) -> None:
    jobs = [started() for _ in range(3)]
    assert [orders.ahead(engine, orders.look(engine, client, job)) for job in jobs] == [0, 1, 2]


def test_a_job_nobody_works_on_is_cancelled_at_once(engine: Engine, client: Client, started: Start) -> None:
    job = started()
    assert orders.cancel(engine, client, job).ending is Ending.CANCELLED
    assert orders.cancel(engine, client, job).ending is Ending.CANCELLED
    with pytest.raises(NotNow):
        orders.start(engine, client, job)


def test_deleting_ends_a_running_job_and_refuses_its_worker(engine: Engine, client: Client, started: Start) -> None:
    job = started()
    held = claims.claim(engine, job, ORDER, "worker", Times())
    assert held is not None
    first = orders.erase(engine, client, job)
    assert orders.erase(engine, client, job) == first
    with pytest.raises(Stale):
        claims.beat(engine, held, Times())
    with transaction(engine) as session:
        assert session.scalars(select(DeletionRow.what)).all() == ["everything"]
