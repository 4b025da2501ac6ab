"""Claims: one worker at a time, the dead ones' word refused, nothing lost and nothing done for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Engine, select

from avatar.errors import Stale
from avatar.job import ORDER, Again, Done, Ending, JobId, Refused, Stage
from avatar.ledger import claims, orders
from avatar.ledger.claims import Claim, Times
from avatar.ledger.clients import Client, revoke
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow, JobRow, OutboxRow
from tests.ordering import WANTED, ordered, told_at

LONG = Times()
OVER = Times(lease=-1.0, heartbeat=0.0, rescue=0.0, ring_again=0.0)  # a lease that has run out when it is given
Start = Callable[[], JobId]


def row(engine: Engine, job: JobId) -> JobRow:
    with transaction(engine) as session:
        return session.get_one(JobRow, job)


def taken(engine: Engine, job: JobId, times: Times = LONG) -> Claim:
    held = claims.claim(engine, job, ORDER, "worker", times)
    assert held is not None
    return held


def test_a_job_is_given_to_one_worker_only(engine: Engine, started: Start) -> None:
    job = started()
    assert taken(engine, job).fence == 1
    assert claims.claim(engine, job, ORDER, "another", LONG) is None


def test_an_order_without_start_is_given_to_nobody(engine: Engine, client: Client) -> None:
    job = orders.make(engine, client, JobId("job_" + "0" * 32), WANTED).id
    assert claims.claim(engine, job, ORDER, "worker", LONG) is None


def test_a_worker_takes_only_the_stages_it_knows(engine: Engine, started: Start) -> None:
    job = started()
    assert claims.claim(engine, job, [Stage.TUNE, Stage.RENDER], "heavy", LONG) is None
    assert claims.claim(engine, job, [Stage.INTAKE], "light", LONG) is not None


def test_of_many_at_once_exactly_one_is_given_the_job(engine: Engine, started: Start) -> None:
    job = started()
    gate, won = threading.Barrier(6), []

    def try_it() -> None:
        gate.wait()
        if claims.claim(engine, job, ORDER, "worker", LONG):
            won.append(1)

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_a_worker_taken_for_dead_can_change_nothing(engine: Engine, started: Start) -> None:
    job = started()
    dead = taken(engine, job, OVER)
    alive = taken(engine, job)
    for act in (
        lambda: claims.beat(engine, dead, LONG),
        lambda: claims.record(engine, dead, Done({"by": "dead"})),
        lambda: claims.give_back(engine, dead, "x"),
    ):
        with pytest.raises(Stale):
            act()
    assert claims.record(engine, alive, Done({"by": "alive"})).facts == {Stage.INTAKE: {"by": "alive"}}


def test_stages_follow_each_other_and_the_last_one_owes_the_deletion_of_the_inputs(
    engine: Engine, client: Client, started: Start
) -> None:
    job = started()
    told_at(engine, client)
    for stage in ORDER:
        held = taken(engine, job)
        assert held.job.stage is stage
        claims.record(engine, held, Done({"seen": stage.value}))
    ended = row(engine, job)
    assert (ended.stage, ended.ending) == (Stage.PURGE, Ending.DONE)
    assert list(ended.facts) == list(ORDER)
    with transaction(engine) as session:
        owed = session.scalars(select(DeletionRow).order_by(DeletionRow.due_at)).all()
        assert [(d.job, d.what, d.reason) for d in owed] == [
            (job, "inputs", "job_done"),
            (job, "everything", "kept_long_enough"),
        ]
        assert owed[1].due_at - owed[0].due_at == pytest.approx(claims.KEEP, abs=5)
        assert [(m.job, m.event) for m in session.scalars(select(OutboxRow))] == [(job, "job.done")]


def test_a_refused_job_ends_with_its_reason_and_everything_of_it_is_due(engine: Engine, started: Start) -> None:
    job = started()
    claims.record(engine, taken(engine, job), Refused("too_few_photos", "Send five."))
    ended = row(engine, job)
    assert (ended.ending, ended.code, ended.sentence) == (Ending.REFUSED, "too_few_photos", "Send five.")
    with transaction(engine) as session:
        assert session.scalars(select(DeletionRow.what)).all() == ["everything"]


def test_three_deaths_end_a_job_and_the_fourth_claim_never_comes(engine: Engine, started: Start) -> None:
    job = started()
    for _ in range(claims.ATTEMPTS):
        taken(engine, job, OVER)
    assert claims.claim(engine, job, ORDER, "worker", LONG) is None
    assert claims.rescue(engine, OVER) == []
    ended = row(engine, job)
    assert (ended.ending, ended.code) == (Ending.FAILED, "gave_up")


def test_a_recorded_stage_forgives_the_deaths_before_it(engine: Engine, started: Start) -> None:
    job = started()
    for _ in ORDER:
        for _ in range(claims.ATTEMPTS - 1):
            taken(engine, job, OVER)
        claims.record(engine, taken(engine, job), Done())
    assert row(engine, job).ending == Ending.DONE


def test_a_fault_frees_the_job_at_once_and_the_third_one_ends_it(engine: Engine, started: Start) -> None:
    job = started()
    for _ in range(claims.ATTEMPTS):
        claims.give_back(engine, taken(engine, job), "out_of_memory")
    ended = row(engine, job)
    assert (ended.ending, ended.code) == (Ending.FAILED, "out_of_memory")


def test_a_stage_that_asks_for_time_is_left_alone_until_then(engine: Engine, started: Start) -> None:
    job = started()
    claims.record(engine, taken(engine, job), Again(after=3600))
    assert claims.claim(engine, job, ORDER, "worker", LONG) is None
    assert claims.rescue(engine, OVER) == []
    other = started()
    claims.record(engine, taken(engine, other), Again(after=-1))
    assert claims.claim(engine, other, ORDER, "worker", LONG) is not None


def test_the_heartbeat_brings_the_wish_to_stop(engine: Engine, client: Client, started: Start) -> None:
    job = started()
    held = taken(engine, job)
    assert claims.beat(engine, held, LONG, {"done": 3, "total": 9}) is False
    assert row(engine, job).progress == {"done": 3, "total": 9}
    orders.cancel(engine, client, job)
    assert row(engine, job).ending is None
    assert claims.beat(engine, held, LONG) is True
    assert claims.record(engine, held, Done()).ending is Ending.CANCELLED


def test_a_worker_that_dies_while_it_should_stop_leaves_a_cancelled_job(
    engine: Engine, client: Client, started: Start
) -> None:
    job = started()
    taken(engine, job, OVER)
    orders.cancel(engine, client, job)
    claims.rescue(engine, LONG)
    assert row(engine, job).ending == Ending.CANCELLED


def test_rescue_rings_for_what_waits_and_not_twice_at_once(engine: Engine, started: Start) -> None:
    waiting, working = started(), started()
    taken(engine, working)
    assert [job.id for job in claims.rescue(engine, LONG)] == [waiting]
    assert claims.rescue(engine, LONG) == []
    assert [job.id for job in claims.rescue(engine, Times(ring_again=-1))] == [waiting]


def test_all_waits_shrink_by_one_pace() -> None:
    quick = Times().at(0.01)
    assert (quick.lease, quick.heartbeat, quick.rescue, quick.ring_again) == (0.6, 0.15, 0.15, 0.3)
    assert (quick.photos, quick.keep) == (Times().photos / 100, Times().keep / 100)


def test_a_revoked_keys_jobs_stop_those_in_line_at_once_and_those_at_work_at_their_next_beat(
    engine: Engine, client: Client, started: Start
) -> None:
    waiting, working = started(), started()
    held = taken(engine, working)
    revoke(engine, client.id)
    assert claims.rescue(engine, LONG) == []
    assert row(engine, waiting).ending == Ending.CANCELLED
    assert row(engine, working).ending is None
    assert claims.beat(engine, held, LONG) is True


def test_a_test_job_goes_to_those_alone_who_rehearse(engine: Engine, client: Client) -> None:
    job = ordered(engine, client, replace(WANTED, test=True))
    orders.start(engine, client, job)
    assert claims.claim(engine, job, ORDER, "heavy", LONG) is None
    held = claims.claim(engine, job, (), "light", LONG, tests=True)
    assert held is not None
    assert held.job.test
