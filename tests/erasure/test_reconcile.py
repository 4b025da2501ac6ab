"""Stores and ledger are compared both ways."""

from __future__ import annotations

import pytest

from avatar.erasure.reconcile import find, fix
from avatar.job import Kind, new_id
from avatar.ledger import audit, deletions, holds, orders
from avatar.ledger.clients import Client
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, JobRow, Table
from avatar.service import Service
from tests.privacy.canaries import Canaries
from tests.privacy.subject import run, stored


def strays(service: Service) -> set[tuple[str, str]]:
    return {(one.job, one.what) for one in find(service.engine, service.vault)}


def mend(service: Service) -> None:
    fix(service.engine, service.vault, find(service.engine, service.vault), "console")
    for deletion in deletions.due(service.engine, -1):
        service.purge(deletion)


def old(service: Service) -> None:
    with transaction(service.engine) as session:
        session.execute(Table.metadata.tables["jobs"].update().values(made_at=JobRow.made_at - 3600))


def test_a_service_that_is_well_has_nothing_that_does_not_fit(service: Service, client: Client) -> None:
    for stages in range(6):
        job = run(service, client, Canaries(), stages)
        if stages % 2:
            service.purge(orders.erase(service.engine, client, job))
    old(service)
    assert strays(service) == set()


def test_what_nobody_knows_is_found_and_goes(service: Service) -> None:
    unknown = new_id()
    service.vault.open(unknown)
    service.vault.put(unknown, Kind.PHOTO, "p01", b"face")
    assert strays(service) == {(unknown, "objects"), (unknown, "key"), (unknown, "pack_key")}
    mend(service)
    assert strays(service) == set()
    assert service.vault.jobs() == {}


def test_what_an_erased_job_left_is_found_after_the_second_look_and_goes(service: Service, client: Client) -> None:
    job = run(service, client, Canaries(), 2)
    deletion = orders.erase(service.engine, client, job)
    service.purge(deletion)
    service.vault._store.put(f"{job}/photo/p09", [b"sealed"])
    assert strays(service) == set()  # the second look is owed, and takes it
    with transaction(service.engine) as session:
        session.get_one(DeletionRow, deletion).second_at = None
    assert strays(service) == {(job, "objects")}
    mend(service)
    assert stored(service, job) == set()
    assert ("reconcile:objects", job) in {(line.code, line.target) for line in audit.page(service.engine, 0, 99)}


@pytest.mark.parametrize(("stages", "gone"), [(2, Kind.PHOTO), (5, Kind.PACK)])
def test_a_job_whose_key_is_gone_is_ended_and_erased(service: Service, client: Client, stages: int, gone: Kind) -> None:
    job = run(service, client, Canaries(), stages)
    old(service)
    service.vault.forget_key(job, gone)
    assert strays(service) == {(job, "lost")}
    mend(service)
    assert strays(service) == set()
    assert stored(service, job) == set()
    with reading(service.engine) as session:
        assert session.get_one(JobRow, job).erased_at is not None


def test_what_is_held_is_left_as_it_is(service: Service, client: Client) -> None:
    job = run(service, client, Canaries(), 2)
    holds.add(service.engine, job, holds.Reason.REPORTED, "console")
    old(service)
    service.vault.forget_key(job)
    assert strays(service) == set()
