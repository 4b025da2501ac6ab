"""A service of its own and a client, for tests that erase jobs."""

from __future__ import annotations

import pytest

from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.service import Service


@pytest.fixture
def client(service: Service) -> Client:
    return make_client(service.engine, "app", Scope.CLIENT, Quota(1000, 1000, 1000))[0]
