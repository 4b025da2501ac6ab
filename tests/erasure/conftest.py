"""A service of its own and a client, for tests that erase jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.service import Service, open_service
from avatar.settings import Settings


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(Settings(state=tmp_path / "s", weights=tmp_path / "w"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def client(service: Service) -> Client:
    return make_client(service.engine, "app", Scope.CLIENT, Quota(1000, 1000, 1000))[0]
