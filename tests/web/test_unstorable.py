"""What a database can not store is the caller's to mend and no fault of ours: PostgreSQL takes no NUL in a text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from avatar.ledger.clients import Quota, Scope, make_client
from avatar.service import Service
from avatar.web.app import application
from tests.ledger import conftest as ledger

engine = ledger.engine  # on both databases


@pytest.fixture
def api(service: Service, engine: Engine) -> TestClient:
    _, key = make_client(engine, "app", Scope.CLIENT, Quota(100, 100, 100))
    app = application(replace(service, engine=engine))
    return TestClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)


def test_a_nul_in_an_id_or_in_a_text_is_no_fault(api: TestClient, wanted: dict[str, object]) -> None:
    paths = ("jobs/job_%00", "jobs/job_%00/photos", "webhooks/end_%00", "webhooks/end_%00/messages", "deletions/%00")
    for path in paths:
        assert api.get(f"/v1/{path}").status_code in (404, 422), path
    consent = {"adult": True, "own_face": True, "text": "These are photos of me,\0 and I am an adult."}
    answer = api.post("/v1/jobs", json=wanted | {"consent": consent})
    assert answer.status_code in (201, 422)
    if answer.status_code == 422:
        assert (answer.json()["code"], "consent" in answer.text) == ("invalid_request", False)
