"""The application on a service of its own, called without a network; the broker is away, which must be no fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from avatar.ledger.clients import Quota, Scope, make_client
from avatar.service import Service
from avatar.web.app import application

Call = Callable[..., TestClient]


@pytest.fixture
def caller(service: Service) -> Call:
    """Makes a client with a key of its own."""
    app = application(service)

    def make(quota: Quota | None = None, scope: Scope = Scope.CLIENT) -> TestClient:
        _, key = make_client(service.engine, "app", scope, quota or Quota(100, 100, 100))
        return TestClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)

    return make


@pytest.fixture
def wanted() -> dict[str, object]:
    consent = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
    return {"class_word": "person", "styles": ["photo", "oil"], "count": 4, "consent": consent}
