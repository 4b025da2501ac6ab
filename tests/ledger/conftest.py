"""A ledger for each test: SQLite always, PostgreSQL as well where one is at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from avatar.job import JobId
from avatar.ledger import orders
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import open_ledger, transaction
from avatar.ledger.history import upgrade
from avatar.ledger.tables import Table
from tests.ordering import ordered

POSTGRES = os.environ.get("AVATAR_TEST_POSTGRES", "")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        opened = open_ledger(f"sqlite:///{tmp_path}/ledger/ledger.db")
    elif POSTGRES:
        opened = open_ledger(POSTGRES)
    else:
        pytest.skip("no PostgreSQL: set AVATAR_TEST_POSTGRES to an empty database's URL")
    upgrade(opened)
    yield opened
    if request.param == "postgresql":
        with transaction(opened) as session:
            names = ", ".join(Table.metadata.tables)
            session.execute(text(f"TRUNCATE {names} CASCADE"))
    opened.dispose()


@pytest.fixture
def client(engine: Engine) -> Client:
    return make_client(engine, "app", Scope.CLIENT, Quota(jobs_a_day=1000, running=1000, uploads_an_hour=1000))[0]


@pytest.fixture
def started(engine: Engine, client: Client) -> Callable[[], JobId]:
    """Makes an order and starts it."""

    def start() -> JobId:
        job = ordered(engine, client)
        orders.start(engine, client, job)
        return job

    return start
