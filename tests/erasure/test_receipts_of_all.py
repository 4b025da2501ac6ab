"""A receipt tells of every object that was ever erased of its job, whoever erased it and whoever was killed at it."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from avatar.erasure.signing import faults
from avatar.errors import Away
from avatar.job import DIES_AFTER, JobId, Kind
from avatar.ledger import deletions, orders, sweeps
from avatar.ledger.clients import Client
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, SweptRow
from avatar.service import Service
from avatar.shift import work
from avatar.vault.sealed import SealedVault
from tests.privacy.canaries import Canaries
from tests.privacy.subject import OBJECTS, PHOTOS, bench, ordered, run


def purged(service: Service, deletion: str, looks: int = 2) -> dict[str, object]:
    """The receipt after so many looks."""
    for _ in range(looks):
        service.purge(deletion)
        with transaction(service.engine) as session:
            row = session.get_one(DeletionRow, deletion)
            row.second_at = 0.0 if row.second_at is not None else None
    with reading(service.engine) as session:
        told = session.get_one(DeletionRow, deletion).receipt
    assert told is not None
    assert faults(told, service.signer.public) == []
    return told


def lines(told: dict[str, object]) -> dict[tuple[str, str], tuple[int, str]]:
    """(kind, after) to (objects, listing)."""
    found = {(line["kind"], line["after"]): (line["objects"], line["listing"]) for line in told["erased"]}  # type: ignore[attr-defined]
    assert len(found) == len(told["erased"])  # type: ignore[arg-type]
    return found


def listing(names: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def everything(kind: Kind) -> tuple[str, ...]:
    if kind is Kind.PHOTO:
        return PHOTOS
    return ("a", "b") if kind is not Kind.PACK else OBJECTS


def test_what_the_stages_erased_is_in_both_receipts_and_the_pack_in_the_last(service: Service, client: Client) -> None:
    job = run(service, client, Canaries())
    with reading(service.engine) as session:
        inputs = session.scalars(select(DeletionRow.id).where(DeletionRow.what == "inputs")).one()
    by_stages = {(kind, stage): (2, listing(everything(kind))) for kind, stage in DIES_AFTER.items()}
    assert lines(purged(service, inputs)) == by_stages
    told = lines(purged(service, orders.erase(service.engine, client, job)))
    assert told == by_stages | {(Kind.PACK, "purge"): (2, listing(OBJECTS))}


def test_what_a_killed_worker_did_not_get_to_is_counted_once_by_who_did(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = Canaries()
    job = ordered(service, client, canaries)
    orders.start(service.engine, client, job)
    with monkeypatch.context() as patch:  # it writes down what it will erase, takes one photo, and dies
        patch.setattr(SealedVault, "erase", lambda vault, job, kind: vault.drop(job, kind, PHOTOS[0]) or _killed())
        with pytest.raises(ConnectionError):
            work(bench(service, canaries), job)
    told = lines(purged(service, orders.erase(service.engine, client, job)))
    assert told == {
        (Kind.PHOTO, "intake"): (1, listing(PHOTOS[:1])),
        (Kind.PHOTO, "purge"): (1, listing(PHOTOS[1:])),
        (Kind.CROP, "purge"): (2, listing(OBJECTS)),
    }


def test_a_purge_that_was_killed_between_erasing_and_paying_still_tells_of_all(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run(service, client, Canaries(), stages=1)
    deletion = orders.erase(service.engine, client, job)
    with monkeypatch.context() as patch:
        patch.setattr(SealedVault, "remains", lambda *_: _killed())
        with pytest.raises(ConnectionError):
            service.purge(deletion)
    assert not service.vault.remains(job)
    with transaction(service.engine) as session:
        session.get_one(DeletionRow, deletion).lease_until = None
    assert {key: count for key, (count, _) in lines(purged(service, deletion)).items()} == {
        (Kind.PHOTO, "intake"): 2,
        (Kind.CROP, "purge"): 2,
    }


def test_what_comes_between_the_listing_and_the_erasing_is_counted(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run(service, client, Canaries(), stages=1)
    real = SealedVault.erase

    def late(vault: SealedVault, job: JobId, kind: Kind) -> list[str]:
        if kind is Kind.CROP:
            vault._store.put(f"{job}/{kind}/late", [b"sealed"])
        return real(vault, job, kind)

    monkeypatch.setattr(SealedVault, "erase", late)
    told = lines(purged(service, orders.erase(service.engine, client, job), looks=1))
    assert told[Kind.CROP, "purge"] == (3, listing((*OBJECTS, "late")))


def test_what_a_stage_takes_of_an_earlier_attempt_is_told_as_well(service: Service, client: Client) -> None:
    from avatar.heartbeat import Heartbeat, HeldVault
    from avatar.ledger import claims

    job = ordered(service, client, Canaries())
    orders.start(service.engine, client, job)
    service.vault.put(job, Kind.CROP, "old", b"of an earlier attempt")
    held = claims.claim(service.engine, job, bench(service, Canaries()).works, "worker", service.times)  # type: ignore[arg-type]
    assert held is not None
    with Heartbeat(service.engine, held, service.times) as beating:
        HeldVault(service.vault, beating).drop(job, Kind.CROP, "old")
    told = lines(purged(service, orders.erase(service.engine, client, job)))
    assert told[Kind.CROP, "intake"] == (1, listing(("old",)))


def test_a_ledger_that_is_away_while_a_stage_tidies_up_spends_no_attempt(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from avatar.heartbeat import Heartbeat, HeldVault
    from avatar.ledger import claims

    def away(*_: object) -> None:
        raise OperationalError("the ledger is away", None, Exception())

    job = ordered(service, client, Canaries())
    orders.start(service.engine, client, job)
    service.vault.put(job, Kind.CROP, "old", b"of an earlier attempt")
    held = claims.claim(service.engine, job, bench(service, Canaries()).works, "worker", service.times)  # type: ignore[arg-type]
    assert held is not None
    monkeypatch.setattr(sweeps, "note", away)
    with Heartbeat(service.engine, held, service.times) as beating, pytest.raises(Away):
        HeldVault(service.vault, beating).drop(job, Kind.CROP, "old")
    assert service.vault.names(job, Kind.CROP) == ["old"]


def test_the_names_go_with_the_last_look_and_the_receipt_stays(service: Service, client: Client) -> None:
    job = run(service, client, Canaries())
    deletion = orders.erase(service.engine, client, job)

    def kept() -> int:
        with reading(service.engine) as session:
            return len(session.scalars(select(SweptRow)).all())

    first = lines(purged(service, deletion, looks=1))
    assert kept() == len(first)
    assert lines(purged(service, deletion, looks=1)) == first
    assert kept() == 0


def test_a_worker_that_comes_after_the_purge_adds_nothing(service: Service, client: Client) -> None:
    job = run(service, client, Canaries(), stages=1)
    deletion = orders.erase(service.engine, client, job)
    service.purge(deletion)
    sweeps.note(service.engine, job, {Kind.ADAPTER: ["a"]}, "tune")
    assert Kind.ADAPTER not in Counter(one.kind for one in sweeps.told(service.engine, job))


def test_a_stage_whose_sweep_can_not_be_written_down_erases_nothing_and_the_purge_does(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    canaries = Canaries()
    job = ordered(service, client, canaries)
    orders.start(service.engine, client, job)
    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "note", lambda *_: _killed())
        with pytest.raises(ConnectionError):
            work(bench(service, canaries), job)
    assert service.vault.names(job, Kind.PHOTO) == list(PHOTOS)
    told = lines(purged(service, orders.erase(service.engine, client, job)))
    assert told[Kind.PHOTO, "purge"] == (2, listing(PHOTOS))


def test_deletions_at_once_of_one_job_count_each_object_once(service: Service, client: Client) -> None:
    job = run(service, client, Canaries())
    orders.erase(service.engine, client, job)
    for _ in range(2):
        for deletion in deletions.due(service.engine, -1):
            purged(service, deletion, looks=1)
    with reading(service.engine) as session:
        papers = session.scalars(select(DeletionRow.receipt)).all()
    assert len(papers) == 2
    for paper in papers:
        assert paper is not None
        counts = Counter(dict.fromkeys(Kind, 0))
        for (kind, _), (objects, _) in lines(paper).items():
            counts[Kind(kind)] += objects
        assert all(counts[kind] == 2 for kind in DIES_AFTER)


def _killed() -> list[str]:
    raise ConnectionError("killed")
