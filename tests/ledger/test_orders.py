"""Orders: only the owner sees them, quotas hold against a crowd, and every way out leads to a deletion."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from avatar.errors import JobRefused, NotFound, NotNow, OverQuota, Stale
from avatar.job import ORDER, Ending, JobId, new_id
from avatar.ledger import claims, orders, uploads
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client, Quota, Scope, make_client, make_link, revoke, whose
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow
from tests.ordering import WANTED, ordered, photographed

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
    for act in (orders.look, uploads.photos, orders.deletions, orders.start, orders.cancel, orders.erase):
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
    sent = crowd(12, lambda: photographed(engine, leaked, jobs[next(counter) % 3], f"p{next(counter):02}"))
    assert (sent.count(None), sent.count("quota_uploads_an_hour")) == (5, 7)
    begun = [one for job in jobs for one in crowd(2, lambda job=job: orders.start(engine, leaked, job).id)]
    assert begun.count("quota_running") == 4
    assert len(set(begun) - {"quota_running"}) == 1


def test_photos_are_kept_with_their_verdicts_until_the_job_starts(engine: Engine, client: Client) -> None:
    job = orders.make(engine, client, new_id(), WANTED).id
    photographed(engine, client, job)
    uploads.judge(engine, job, "p01", "no_face", "We see no face here.", "")
    assert [(p.name, p.code) for p in uploads.photos(engine, client, job)] == [("p01", "no_face")]
    orders.start(engine, client, job)
    with pytest.raises(NotNow):
        uploads.expect(engine, client, job, "p02")


def test_a_photo_that_never_arrived_is_left_behind_when_the_job_starts(engine: Engine, client: Client) -> None:
    job = orders.make(engine, client, new_id(), WANTED).id
    uploads.expect(engine, client, job, "p01")
    with pytest.raises(JobRefused, match="no photo"):
        orders.start(engine, client, job)
    photographed(engine, client, job, "p02")
    uploads.expect(engine, client, job, "p03")
    orders.start(engine, client, job)
    assert [photo.name for photo in uploads.photos(engine, client, job)] == ["p02"]
    with pytest.raises(NotNow):
        uploads.arrived(engine, job, "p03", 1000, "")


def test_a_photo_without_a_verdict_is_rung_for_again_until_the_job_starts(engine: Engine, client: Client) -> None:
    job = ordered(engine, client)
    assert uploads.unseen(engine, 60) == []
    assert uploads.unseen(engine, -1) == [(job, "p01")]
    assert uploads.waiting(engine, job, "p01") is not None
    uploads.judge(engine, job, "p01", "ok", "", "")
    assert uploads.unseen(engine, -1) == []
    assert uploads.waiting(engine, job, "p01") is None


def test_a_link_opens_one_job_and_no_other(engine: Engine, client: Client) -> None:
    job, other = ordered(engine, client), ordered(engine, client)
    holder = whose(engine, make_link(engine, client, job))
    assert holder is not None
    assert orders.look(engine, holder, job).id == job
    assert [row.id for row in orders.page(engine, holder, 10)] == [job]
    with pytest.raises(NotFound):
        orders.look(engine, holder, other)
    stranger, _ = make_client(engine, "other", Scope.CLIENT, Quota())
    with pytest.raises(NotFound):
        make_link(engine, stranger, job)
    revoke(engine, client.id)
    assert whose(engine, make_link(engine, client, job)) is None


def test_starting_twice_is_the_same_as_once(engine: Engine, client: Client) -> None:
    job = ordered(engine, client)
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
