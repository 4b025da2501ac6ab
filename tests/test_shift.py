"""A worker's turn: one record whatever happens, nothing left of what a stage no longer needs."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from avatar.errors import Cancelled, JobRefused
from avatar.job import ORDER, Again, ClassWord, Done, Ending, Job, JobId, Kind, Outcome, Stage, new_id
from avatar.ledger import claims, orders
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import transaction
from avatar.ledger.tables import JobRow, OutboxRow
from avatar.ports import Progress
from avatar.shift import Bench, work
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
from tests.ordering import photographed, told_at

WANTED = orders.Wanted(ClassWord.PERSON, ("photo",), 4, "pocket", 1, "These are photos of me.")
QUICK = Times(lease=0.4, heartbeat=0.05, rescue=0.05, ring_again=0.05)
NEEDS = {Stage.INTAKE: Kind.PHOTO, Stage.TUNE: Kind.CROP, Stage.RENDER: Kind.ADAPTER, Stage.FINISH: Kind.CANDIDATE}
MAKES = {Stage.INTAKE: Kind.CROP, Stage.TUNE: Kind.ADAPTER, Stage.RENDER: Kind.CANDIDATE, Stage.FINISH: Kind.PICTURE}


@pytest.fixture
def client(engine: Engine) -> Client:
    return make_client(engine, "app", Scope.CLIENT, Quota(10_000, 10_000, 10_000))[0]


@pytest.fixture
def vault(tmp_path: Path) -> LocalVault:
    return LocalVault(tmp_path / "jobs", MemoryKeys())


def started(engine: Engine, client: Client, vault: LocalVault) -> JobId:
    job = orders.make(engine, client, new_id(), WANTED).id
    vault.open(job)
    vault.put(job, Kind.PHOTO, "p01", b"photo")
    photographed(engine, client, job)
    orders.start(engine, client, job)
    return job


class Stages:
    """Stages that read what the stage before wrote and write what the next one reads, as the real ones do."""

    def __init__(self, vault: LocalVault) -> None:
        self.vault = vault
        self.done: Counter[tuple[JobId, Stage]] = Counter()

    def __call__(self, job: Job, progress: Progress) -> Outcome:
        if job.stage in NEEDS:
            kind = NEEDS[job.stage]
            assert self.vault.get(job.id, kind, self.vault.names(job.id, kind)[0])
        if job.stage in MAKES:
            self.vault.put(job.id, MAKES[job.stage], "made", b"x")
        progress(1, 1)
        self.done[job.id, job.stage] += 1
        return Done({"at": job.stage.value})


def bench(engine: Engine, vault: LocalVault, act: object = None, times: Times = QUICK, **more: object) -> Bench:
    return Bench(engine, vault, dict.fromkeys(ORDER, act or Stages(vault)), "worker", times, **more)  # type: ignore[arg-type]


def ending(engine: Engine, job: JobId) -> tuple[str | None, str]:
    with transaction(engine) as session:
        row = session.get_one(JobRow, job)
        return row.ending, row.code


def test_a_job_goes_through_its_stages_and_each_input_dies_after_the_last_that_needs_it(
    engine: Engine, client: Client, vault: LocalVault
) -> None:
    job = started(engine, client, vault)
    rung: list[Stage] = []
    hands = bench(engine, vault, ring=lambda job: rung.append(job.stage))
    for _ in ORDER:
        assert work(hands, job) is not None
    assert work(hands, job) is None
    assert ending(engine, job) == (Ending.DONE, "")
    assert rung == list(ORDER[1:])
    assert {kind: vault.names(job, kind) for kind in Kind if vault.names(job, kind)} == {}


def test_messages_repeated_and_out_of_order_lead_to_one_record_of_each_stage(
    engine: Engine, client: Client, vault: LocalVault
) -> None:
    told_at(engine, client)
    jobs = [started(engine, client, vault) for _ in range(30)]
    dice = random.Random(1)
    stages = Stages(vault)
    hands = bench(engine, vault, stages, Times())

    def worker(bell: list[JobId]) -> None:
        for job in bell:
            work(hands, job)

    while any(ending(engine, job)[0] is None for job in jobs):
        bells = [[job for job in jobs for _ in range(dice.randint(1, 3))] for _ in range(3)]
        for bell in bells:
            dice.shuffle(bell)
        threads = [threading.Thread(target=worker, args=(bell,)) for bell in bells]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert stages.done == Counter({(job, stage): 1 for job in jobs for stage in ORDER})
    with transaction(engine) as session:
        assert Counter(session.scalars(select(OutboxRow.event))) == {"job.done": 30}


def test_a_stage_that_takes_longer_than_the_lease_keeps_it(engine: Engine, client: Client, vault: LocalVault) -> None:
    job = started(engine, client, vault)

    def slow(_: Job, progress: Progress) -> Outcome:
        for step in range(12):
            time.sleep(0.1)
            progress(step, 12)
        return Done()

    thread = threading.Thread(target=work, args=(bench(engine, vault, slow), job))
    thread.start()
    for _ in range(10):
        time.sleep(0.1)
        assert claims.rescue(engine, QUICK) == []
    thread.join()
    with transaction(engine) as session:
        assert session.get_one(JobRow, job).stage == Stage.TUNE


def test_a_wish_to_stop_reaches_the_stage_and_ends_the_job(engine: Engine, client: Client, vault: LocalVault) -> None:
    job = started(engine, client, vault)
    began = threading.Event()

    def endless(_: Job, progress: Progress) -> Outcome:
        for step in range(600):
            began.set()
            time.sleep(0.02)
            progress(step, 600)
        raise AssertionError("nobody stopped it")

    thread = threading.Thread(target=work, args=(bench(engine, vault, endless), job))
    thread.start()
    assert began.wait(5)
    orders.cancel(engine, client, job)
    thread.join(5)
    assert ending(engine, job) == (Ending.CANCELLED, "cancelled")


def test_a_worker_that_was_taken_for_dead_records_nothing(engine: Engine, client: Client, vault: LocalVault) -> None:
    job = started(engine, client, vault)

    def frozen(job: Job, _: Progress) -> Outcome:
        assert claims.claim(engine, job.id, ORDER, "next", Times()) is not None
        return Done({"by": "frozen"})

    assert work(bench(engine, vault, frozen, Times(lease=-1, heartbeat=60)), job) is None
    with transaction(engine) as session:
        row = session.get_one(JobRow, job)
        assert (row.owner, row.facts) == ("next", {})
    assert vault.names(job, Kind.PHOTO) == ["p01"]


def test_a_fault_gives_the_job_back_and_three_end_it(engine: Engine, client: Client, vault: LocalVault) -> None:
    job = started(engine, client, vault)

    def broken(*_: object) -> Outcome:
        raise RuntimeError("the card is gone")

    for _ in range(claims.ATTEMPTS):
        with pytest.raises(RuntimeError):
            work(bench(engine, vault, broken), job)
    assert ending(engine, job) == (Ending.FAILED, "fault")


def test_what_a_person_can_mend_refuses_the_job(engine: Engine, client: Client, vault: LocalVault) -> None:
    job = started(engine, client, vault)

    def refuse(*_: object) -> Outcome:
        raise JobRefused("Send others.", code="too_few_photos")

    work(bench(engine, vault, refuse), job)
    assert ending(engine, job) == (Ending.REFUSED, "too_few_photos")


def test_a_worker_that_has_to_go_leaves_the_job_to_the_next(engine: Engine, client: Client, vault: LocalVault) -> None:
    job = started(engine, client, vault)

    def leave(*_: object) -> Outcome:
        raise Cancelled("This machine is going down.")

    assert work(bench(engine, vault, leave), job) is None
    assert ending(engine, job) == (None, "")
    assert work(bench(engine, vault), job) is not None


def test_a_stage_that_asks_for_time_keeps_its_inputs_and_rings_nobody(
    engine: Engine, client: Client, vault: LocalVault
) -> None:
    job = started(engine, client, vault)
    rung: list[Stage] = []
    hands = bench(engine, vault, lambda *_: Again(after=-1), ring=lambda job: rung.append(job.stage))
    assert work(hands, job) is not None
    assert (rung, vault.names(job, Kind.PHOTO)) == ([], ["p01"])
