"""A write that was under way when its job was erased is taken by the second look, and the receipt says so."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from avatar.erasure.signing import broken, faults
from avatar.job import JobId, Kind
from avatar.ledger import chain, deletions, orders
from avatar.ledger.clients import Client
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, JobRow, OutboxRow
from avatar.service import Service
from tests.ordering import told_at
from tests.privacy.canaries import Canaries
from tests.privacy.subject import run, stored


def erased(service: Service, client: Client, job: JobId) -> str:
    deletion = orders.erase(service.engine, client, job)
    service.purge(deletion)
    return deletion


def row(service: Service, deletion: str) -> DeletionRow:
    with reading(service.engine) as session:
        return session.get_one(DeletionRow, deletion)


def later(service: Service) -> None:
    """A quarter of an hour."""
    with transaction(service.engine) as session:
        for owed in session.scalars(select(DeletionRow).where(DeletionRow.second_at.is_not(None))):
            owed.second_at = 0.0


def late(service: Service, job: JobId) -> None:
    """Sealed bytes that a bucket had taken before the key was destroyed, and shows after it was emptied."""
    service.vault._store.put(f"{job}/{Kind.PHOTO}/p03", [b"sealed"])


def test_what_lands_late_goes_with_the_second_look_and_its_line_says_so(service: Service, client: Client) -> None:
    job = run(service, client, Canaries(), stages=2)
    deletion = erased(service, client, job)
    first = row(service, deletion).receipt
    late(service, job)
    assert deletion not in deletions.due(service.engine, 0)
    assert stored(service, job) == {Kind.PHOTO}
    later(service)
    assert deletion in deletions.due(service.engine, 0)
    service.purge(deletion)
    assert stored(service, job) == set()
    told = row(service, deletion).receipt
    assert first is not None
    assert told is not None
    assert (first["look"], told["look"]) == (1, 2)
    assert told["erased"][:-1] == first["erased"]
    assert [(line["kind"], line["objects"], line["after"]) for line in told["erased"][-1:]] == [
        ("photo", 1, "second_look")
    ]
    assert faults(told, service.signer.public) == faults(first, service.signer.public) == []


def test_each_deletion_is_looked_at_twice_and_told_once(service: Service, client: Client) -> None:
    told_at(service.engine, client)
    job = run(service, client, Canaries())
    for _ in range(4):
        erased(service, client, job)
        later(service)
        for deletion in deletions.due(service.engine, -1):
            service.purge(deletion)
    links = [vars_of(entry) for entry in chain.entries(service.engine, 0, 100)]
    assert len(links) == 4  # inputs and everything, two looks each
    assert broken(links, service.signer.public, (0, chain.BEGINNING)) == []
    with reading(service.engine) as session:
        assert sorted(session.scalars(select(OutboxRow.event))) == ["job.done", "job.erased", "job.inputs_erased"]
        assert session.scalars(select(DeletionRow.id).where(DeletionRow.second_at.is_not(None))).all() == []


def test_a_second_look_that_is_cut_off_is_owed_again(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run(service, client, Canaries(), stages=1)
    deletion = erased(service, client, job)
    late(service, job)
    later(service)
    with monkeypatch.context() as patch:
        patch.setattr(type(service.vault), "erase", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        with pytest.raises(ConnectionError):
            service.purge(deletion)
    with transaction(service.engine) as session:
        session.get_one(DeletionRow, deletion).lease_until = 0.0
    service.purge(deletion)
    assert stored(service, job) == set()


def test_the_time_of_erasure_is_that_of_the_first_look(service: Service, client: Client) -> None:
    job = run(service, client, Canaries(), stages=1)
    deletion = erased(service, client, job)
    at = []
    for _ in range(2):
        with reading(service.engine) as session:
            at.append(session.get_one(JobRow, job).erased_at)
        later(service)
        service.purge(deletion)
    assert at[0] == at[1] is not None


def vars_of(entry: chain.Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in ("sequence", "previous", "digest", "link", "signature", "key")}
