"""Workers that are late, frozen or cut off: what they may still do, and what an outage costs a job."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.exc import DBAPIError, OperationalError

from avatar.errors import Away, Spoiled, Stale
from avatar.heartbeat import Heartbeat, HeldVault
from avatar.job import ORDER, Again, ClassWord, Done, Ending, Job, JobId, Kind, Outcome, Refused, Stage, new_id
from avatar.ledger import claims, orders, uploads
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import open_ledger, transaction
from avatar.ledger.history import upgrade
from avatar.ledger.tables import JobRow
from avatar.ports import Progress
from avatar.shift import Bench, work
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring
from avatar.vault.s3 import S3Store, connect
from avatar.vault.sealed import SealedVault
from tests.faults.bucket import Bucket, Mood
from tests.faults.matrix import database

WANTED = orders.Wanted(ClassWord.PERSON, ("photo",), 4, "pocket", 1, "These are photos of me.")
POSTGRES = os.environ.get("AVATAR_TEST_POSTGRES", "")
QUICK = Times(lease=0.5, heartbeat=0.1, rescue=0.0, ring_again=0.0)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket() as opened:
        yield opened


@pytest.fixture
def store(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = connect(bucket.url, "us-east-1", pace=0.001)
    yield S3Store(client, "faults").ensure()
    client.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", bytes(range(32)))


@pytest.fixture
def vault(tmp_path: Path, keys: Keyring) -> SealedVault:
    return SealedVault(DiskStore(tmp_path / "vault"), keys)


@pytest.fixture
def job(engine: Engine, vault: SealedVault) -> JobId:
    client, _ = make_client(engine, "app", Scope.CLIENT, Quota(9, 9, 9))
    return started(engine, client, vault)


def started(engine: Engine, client: Client, vault: SealedVault | None = None) -> JobId:
    made = orders.make(engine, client, new_id(), WANTED).id
    uploads.expect(engine, client, made, "p01")
    if vault is not None:
        vault.open(made)
        vault.put(made, Kind.PHOTO, "p01", b"photo")
    uploads.arrived(engine, made, "p01", 5, "")
    orders.start(engine, client, made)
    return made


def row(engine: Engine, job: JobId) -> JobRow:
    with transaction(engine) as session:
        return session.get_one(JobRow, job)


def test_a_record_that_is_written_again_is_refused_and_skips_no_stage(engine: Engine, job: JobId) -> None:
    held = claims.claim(engine, job, ORDER, "worker", Times())
    assert held is not None
    claims.record(engine, held, Done())
    with pytest.raises(Stale):
        claims.record(engine, held, Done())
    assert row(engine, job).stage == Stage.TUNE


def test_a_start_that_is_repeated_after_the_end_is_the_same_as_once(engine: Engine) -> None:
    client, _ = make_client(engine, "app", Scope.CLIENT, Quota(9, 9, 9))
    job = started(engine, client)
    held = claims.claim(engine, job, ORDER, "worker", Times())
    assert held is not None
    claims.record(engine, held, Refused("too_few_photos", "Send others."))
    assert orders.start(engine, client, job).ending == Ending.REFUSED


def test_an_outage_of_the_bucket_however_long_spends_no_attempt(engine: Engine, vault: SealedVault, job: JobId) -> None:
    def away(*_: object) -> Outcome:
        raise Away("The bucket does not answer.")

    bench = Bench(engine, vault, dict.fromkeys(ORDER, away), "worker", QUICK)
    for _ in range(2 * claims.ATTEMPTS):
        assert work(bench, job) is not None
    now = row(engine, job)
    assert (now.attempt, now.ending, now.stage) == (0, None, Stage.INTAKE)


def test_a_stage_that_asks_for_time_again_and_again_is_not_given_up(engine: Engine, job: JobId) -> None:
    for _ in range(2 * claims.ATTEMPTS):
        held = claims.claim(engine, job, ORDER, "worker", Times())
        assert held is not None
        claims.record(engine, held, Again(after=-1))
    assert claims.rescue(engine, QUICK)[0].id == job


def test_a_record_that_the_ledger_cut_off_is_written_when_it_is_back(
    engine: Engine, vault: SealedVault, job: JobId
) -> None:
    cuts = ["UPDATE jobs", "UPDATE jobs", "UPDATE jobs"]

    def cut(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "facts" in statement and cuts and statement.startswith(cuts[0]):
            cuts.pop()
            raise OperationalError(statement, None, Exception("terminating connection"))

    event.listen(engine, "before_cursor_execute", cut)
    bench = Bench(
        engine, vault, dict.fromkeys(ORDER, lambda *_: Done({"at": 1})), "worker", Times(lease=5, heartbeat=1)
    )
    done = work(bench, job)
    assert done is not None
    assert (done.stage, cuts) == (Stage.TUNE, [])


def test_a_worker_that_was_frozen_longer_than_its_lease_writes_and_erases_nothing(
    engine: Engine, vault: SealedVault, job: JobId
) -> None:
    seen: list[str] = []

    def frozen(job: Job, held: Heartbeat) -> Outcome:
        mine = HeldVault(vault, held)
        mine.put(job.id, Kind.CROP, "before", b"1")
        held._over.set()  # no heartbeat any more: the whole process stands still
        time.sleep(QUICK.lease)
        for late in (lambda: mine.erase(job.id, Kind.CROP), lambda: mine.put(job.id, Kind.CROP, "late", b"2")):
            with pytest.raises(Stale):
                late()
            seen.append("refused")
        raise Stale("as the stage would")

    assert work(Bench(engine, vault, dict.fromkeys(ORDER, frozen), "worker", QUICK), job) is None
    assert (vault.names(job, Kind.CROP), len(seen)) == (["before"], 2)


def test_a_worker_that_works_longer_than_a_lease_may_go_on_writing(
    engine: Engine, vault: SealedVault, job: JobId
) -> None:
    def slow(job: Job, held: Heartbeat) -> Outcome:
        time.sleep(2 * QUICK.lease)
        HeldVault(vault, held).put(job.id, Kind.CROP, "late", b"2")
        return Done()

    assert work(Bench(engine, vault, dict.fromkeys(ORDER, slow), "worker", QUICK), job) is not None
    assert vault.names(job, Kind.CROP) == ["late"]


def test_what_arrives_after_the_key_was_destroyed_is_taken_away_again(store: S3Store, keys: Keyring) -> None:
    vault, job = SealedVault(store, keys), new_id()
    vault.open(job)

    def slow() -> Iterator[bytes]:
        yield b"the first half"
        vault.forget_key(job)
        vault.erase(job, Kind.PHOTO)
        yield b"the second half"

    with pytest.raises(Spoiled):
        vault.put_parts(job, Kind.PHOTO, "p02", slow())
    assert vault.remains(job) == []


def test_the_next_stage_is_rung_for_even_if_the_bucket_fails_to_erase(
    engine: Engine, vault: SealedVault, job: JobId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> list[str]:
        raise Away("The bucket does not answer.")

    rung: list[Stage] = []
    monkeypatch.setattr(vault, "erase", refuse)

    def act(job: Job, _: Progress) -> Outcome:
        return Done()

    bench = Bench(engine, vault, dict.fromkeys(ORDER, act), "worker", QUICK, lambda job: rung.append(job.stage))
    with pytest.raises(Away):
        work(bench, job)
    assert rung == [Stage.TUNE]


@pytest.mark.parametrize("mood", [Mood.BROKEN, Mood.HANGING])
def test_a_bucket_that_fails_or_hangs_is_away_and_comes_back(mood: Mood, store: S3Store, bucket: Bucket) -> None:
    store.put("job/photo/p01", [b"sealed"])
    bucket.mood = mood
    for call in (lambda: store.names("job/"), lambda: b"".join(store.get("job/photo/p01"))):
        with pytest.raises(Away):
            call()
    bucket.mood = Mood.WELL
    assert b"".join(store.get("job/photo/p01")) == b"sealed"


@pytest.mark.skipif(not POSTGRES, reason="no PostgreSQL: set AVATAR_TEST_POSTGRES to an empty database's URL")
def test_a_worker_that_froze_inside_a_transaction_does_not_hold_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatar.ledger.engine.IDLE", 1)
    with database(POSTGRES) as url:
        engine = open_ledger(url)
        upgrade(engine)
        client, _ = make_client(engine, "app", Scope.CLIENT, Quota(9, 9, 9))
        jobs = [started(engine, client) for _ in range(2)]
        frozen = engine.connect()
        frozen.execute(update(JobRow).where(JobRow.id == jobs[0]).values(owner="frozen"))
        assert {job.id for job in claims.rescue(engine, QUICK)} == set(jobs)
        with pytest.raises(DBAPIError):
            frozen.execute(select(JobRow.id))
        frozen.close()
        assert row(engine, jobs[0]).owner is None
        engine.dispose()
