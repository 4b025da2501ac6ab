"""A ledger from a backup, restored next to the living stores, brings no erased job back; on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import URL, make_url

from avatar.erasure.reconcile import find, fix
from avatar.errors import Spoiled
from avatar.job import JobId, Kind
from avatar.ledger import deletions, orders
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import JobRow, Table
from avatar.service import Service, open_service
from avatar.settings import Settings
from avatar.shift import work
from avatar.web.app import application
from tests.privacy.canaries import Canaries
from tests.privacy.scan import scan, steal
from tests.privacy.subject import bench, run

NothingThere = AssertionError  # of the stand-in's stage, which finds nothing to read
POSTGRES = os.environ.get("AVATAR_TEST_POSTGRES", "")


class Backup(Protocol):
    """A ledger that can be copied away and put back."""

    url: str

    def take(self) -> None: ...
    def restore(self) -> None: ...


class File:
    """SQLite: copied while it is in use, put back while nobody uses it."""

    def __init__(self, folder: Path) -> None:
        self._file, self._copy = folder / "s" / "service" / "ledger" / "ledger.db", folder / "backup.db"
        self.url = ""

    def take(self) -> None:
        with closing(sqlite3.connect(self._file)) as live, closing(sqlite3.connect(self._copy)) as copy:
            live.backup(copy)

    def restore(self) -> None:
        shutil.rmtree(self._file.parent)
        self._file.parent.mkdir(mode=0o700)
        shutil.copy(self._copy, self._file)


class Database:
    """PostgreSQL: one database, and another that was made from it."""

    def __init__(self, server: URL) -> None:
        self._server = server.set(drivername="postgresql").render_as_string(hide_password=False)
        self._name = f"restore_{secrets.token_hex(4)}"
        self.url = server.set(database=self._name).render_as_string(hide_password=False)
        self._say(f"CREATE DATABASE {self._name}")

    def take(self) -> None:
        self._say(f"CREATE DATABASE {self._name}_copy TEMPLATE {self._name}")

    def restore(self) -> None:
        self._say(f"DROP DATABASE {self._name} WITH (FORCE)")
        self._say(f"CREATE DATABASE {self._name} TEMPLATE {self._name}_copy")

    def drop(self) -> None:
        for name in (self._name, f"{self._name}_copy"):
            self._say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _say(self, statement: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as line:
            line.execute(statement.encode())


@pytest.fixture(params=["sqlite", "postgresql"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backup]:
    if request.param == "sqlite":
        yield File(tmp_path)
        return
    if not POSTGRES:
        pytest.skip("no PostgreSQL: set AVATAR_TEST_POSTGRES to an empty database's URL")
    made = Database(make_url(POSTGRES))
    yield made
    made.drop()


@pytest.fixture
def settings(backup: Backup, tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "s", weights=tmp_path / "w", ledger=SecretStr(backup.url))


def later(service: Service) -> None:
    """An hour later: nobody holds a job, and keys are not fresh any more."""
    with transaction(service.engine) as session:
        jobs = Table.metadata.tables["jobs"]
        session.execute(jobs.update().values(made_at=JobRow.made_at - 3600, lease_until=None, rung_at=None))


def test_no_erased_job_comes_alive_from_a_backup_of_the_ledger(backup: Backup, settings: Settings) -> None:
    service = open_service(settings)
    client, key = make_client(service.engine, "app", Scope.CLIENT, Quota(100, 100, 100))
    people = [Canaries() for _ in range(6)]
    jobs = [run(service, client, one, stages) for stages, one in enumerate(people)]
    thieves = [steal(service, job, one) for job, one in zip(jobs, people, strict=True)]
    survivor = run(service, client, Canaries())
    later(service)
    service.engine.dispose()
    backup.take()
    for job in jobs:
        for deletion in (orders.erase(service.engine, client, job), *deletions.due(service.engine, -1)):
            service.purge(deletion)
    service.engine.dispose()
    backup.restore()

    restored = open_service(settings)
    try:
        _nothing_can_be_read(restored, client, key, jobs)
        _workers_get_nowhere(restored, jobs, people)
        fix(restored.engine, restored.vault, find(restored.engine, restored.vault), "console")
        for deletion in deletions.due(restored.engine, -1):
            restored.purge(deletion)
        with reading(restored.engine) as session:
            assert all(session.get_one(JobRow, job).erased_at for job in jobs)
            assert session.get_one(JobRow, survivor).erased_at is None
        assert restored.vault.get(survivor, Kind.PACK, "a")
        assert find(restored.engine, restored.vault) == []
        for thief in thieves:
            assert scan(restored, thief) == []
            thief.close()
    finally:
        restored.engine.dispose()


def _nothing_can_be_read(service: Service, client: Client, key: str, jobs: list[JobId]) -> None:
    """The ledger believes in the jobs again; their keys and objects are gone, and the API gives nothing."""
    call = TestClient(application(service), headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)
    with reading(service.engine) as session:
        assert [session.get_one(JobRow, job).erased_at for job in jobs] == [None] * len(jobs)
    for job in jobs:
        assert service.vault.remains(job) == []
        for kind in (Kind.PHOTO, Kind.PACK):
            with pytest.raises(Spoiled):
                service.vault.put(job, kind, "a", b"again")
        assert call.get(f"/v1/jobs/{job}/pack.zip").status_code in (404, 410)
        assert orders.look(service.engine, client, job).id == job


def _workers_get_nowhere(service: Service, jobs: list[JobId], people: list[Canaries]) -> None:
    """The schedule rings for them as if they waited; a worker that takes one finds nothing, and makes nothing."""
    service.ring_what_waits()
    for job, one in zip(jobs, people, strict=True):
        for _ in range(3):
            with contextlib.suppress(NothingThere):
                work(bench(service, one), job)
        assert service.vault.remains(job) == []
