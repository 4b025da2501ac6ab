"""Who is given something of a held job leaves a line in the audit: an id and a code, and nothing of what it was."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from typer.testing import CliRunner

from avatar.cli.main import app
from avatar.errors import NotFound
from avatar.job import JobId, Kind
from avatar.ledger import audit, holds
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import reading
from avatar.ledger.tables import DeletionRow
from avatar.service import Service
from avatar.web.app import application
from tests.privacy.canaries import Canaries
from tests.privacy.subject import run

PICTURE = "01-photo.png"


@pytest.fixture
def owner(service: Service) -> tuple[Client, TestClient]:
    """A client, and calls with its key."""
    client, key = make_client(service.engine, "app", Scope.CLIENT, Quota(100, 100, 100))
    return client, TestClient(application(service), headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def job(service: Service, owner: tuple[Client, TestClient]) -> JobId:
    """A delivered job whose inputs are erased, with a receipt."""
    made = run(service, owner[0], Canaries())
    with reading(service.engine) as session:
        inputs = session.scalars(select(DeletionRow.id).where(DeletionRow.what == "inputs")).one()
    service.purge(inputs)
    service.vault.put(made, Kind.PACK, PICTURE, b"picture")
    return made


def looks(service: Service) -> list[tuple[str, str, str]]:
    found = audit.page(service.engine, 0, 100)
    return [(line.who, line.code, line.target) for line in found if line.code.startswith("held:")]


def test_each_way_to_fetch_something_of_a_held_job_is_audited_and_none_of_one_that_is_not(
    service: Service, owner: tuple[Client, TestClient], job: JobId
) -> None:
    client, call = owner
    with reading(service.engine) as session:
        paid = session.scalars(select(DeletionRow.id).where(DeletionRow.what == "inputs")).one()
    ways = {
        f"/v1/jobs/{job}/pictures": "pack",
        f"/v1/jobs/{job}/pictures/{PICTURE}": "pack",
        f"/v1/jobs/{job}/deletions": "receipt",
        f"/v1/deletions/{paid}": "receipt",
    }
    for way in ways:
        assert call.get(way).status_code == 200
    assert looks(service) == []
    holds.add(service.engine, job, holds.Reason.COURT_ORDER, "console")
    for way, what in ways.items():
        before = looks(service)
        call.get(way)
        assert looks(service) == [*before, (client.id, f"held:{what}_read", job)], way


def test_a_stranger_is_given_nothing_and_leaves_no_line(service: Service, job: JobId) -> None:
    holds.add(service.engine, job, holds.Reason.DISPUTE, "console")
    for scope in (Scope.CLIENT, Scope.ADMIN):
        _, key = make_client(service.engine, "other", scope, Quota(1, 1, 1))
        call = TestClient(application(service), headers={"Authorization": f"Bearer {key}"})
        for way in ("pictures", "pack.zip", "deletions"):
            assert call.get(f"/v1/jobs/{job}/{way}").status_code in (403, 404)
    assert looks(service) == []


def test_the_command_tells_the_looks_and_asking_is_audited_too(
    service: Service, owner: tuple[Client, TestClient], job: JobId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVATAR_STATE", str(service.settings.state))

    def command(*words: str) -> str:
        return CliRunner().invoke(app, ["hold", "looks", job, *words], catch_exceptions=False).output

    holds.add(service.engine, job, holds.Reason.DISPUTE, "console")
    assert "Nobody" in command()
    owner[1].get(f"/v1/jobs/{job}/deletions")
    told = json.loads(command("--json"))
    assert [(one["who"], one["what"]) for one in told] == [(owner[0].id, "held:receipt_read")]
    assert "receipt_read" in command()
    codes = [line.code for line in audit.page(service.engine, 0, 100)]
    assert codes.count("hold_looks_listed") == 3
    with pytest.raises(NotFound):
        holds.looks(service.engine, "job_x", "console")
