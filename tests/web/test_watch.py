"""/metrics, /healthz and /readyz over HTTP: closed to others, true about what fails."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import event, text

from avatar.ledger.clients import Quota, Scope, make_client, revoke
from avatar.ledger.engine import open_ledger
from avatar.ledger.history import newest, version
from avatar.service import Service
from avatar.vault.disk import DiskStore
from avatar.vault.sealed import SealedVault
from avatar.watch import readiness
from avatar.web.app import application

Call = Callable[..., TestClient]
TOKEN = "a-long-random-word-of-the-operator"  # noqa: S105


def with_token(service: Service, token: str) -> TestClient:
    settings = service.settings.model_copy(update={"metrics_token": SecretStr(token)})
    return TestClient(application(replace(service, settings=settings)), raise_server_exceptions=False)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def failed(service: Service) -> tuple[int, str]:
    """Status and code of /readyz, asked afresh."""
    answer = TestClient(application(service), raise_server_exceptions=False).get("/readyz")
    return answer.status_code, answer.json().get("code", "ready")


def test_figures_are_for_an_admin_or_the_operators_token_alone(service: Service, caller: Call) -> None:
    client = with_token(service, TOKEN)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=bearer("x")).status_code == 401
    assert client.get("/metrics", headers=bearer(TOKEN)).status_code == 200
    assert caller().get("/metrics").status_code == 403
    assert caller(scope=Scope.ADMIN).get("/metrics").status_code == 200
    admin, key = make_client(service.engine, "operator", Scope.ADMIN, Quota())
    assert revoke(service.engine, admin.id)
    assert client.get("/metrics", headers=bearer(key)).status_code == 401


@pytest.mark.parametrize("given", ["", " ", "Bearer", "Bearer ", "Bearer  ", "Basic eDp4"])
def test_without_a_token_set_no_empty_word_opens_the_figures(service: Service, given: str) -> None:
    client = with_token(service, "")
    assert client.get("/metrics", headers={"Authorization": given}).status_code == 401


def test_calls_are_counted_by_route_and_never_by_path(service: Service, wanted: dict[str, object]) -> None:
    app = application(service)
    _, key = make_client(service.engine, "app", Scope.CLIENT, Quota(100, 100, 100))
    client = TestClient(app, headers=bearer(key), raise_server_exceptions=False)
    job = client.post("/v1/jobs", json=wanted).json()["id"]
    for path in (f"/v1/jobs/{job}", "/v1/jobs/job_1", f"/v1/jobs/{job}/photos", "/wp-login.php", "/.env", "/v1/x/y"):
        client.get(path)
    client.request("BREW", "/v1/jobs")
    client.delete("/v1/styles")
    _, admin = make_client(service.engine, "operator", Scope.ADMIN, Quota())
    told = client.get("/metrics", headers=bearer(admin)).text
    calls = dict(re.findall(r"^avatar_http_requests_total\{(.*)\} (\S+)$", told, re.MULTILINE))
    assert calls == {
        'method="POST",route="/v1/jobs",status="201"': "1.0",
        'method="GET",route="/v1/jobs/{job}",status="200"': "1.0",
        'method="GET",route="/v1/jobs/{job}",status="404"': "1.0",
        'method="GET",route="/v1/jobs/{job}/photos",status="200"': "1.0",
        'method="GET",route="elsewhere",status="404"': "3.0",
        'method="other",route="/v1/jobs",status="405"': "1.0",
        'method="DELETE",route="/v1/styles",status="405"': "1.0",
    }
    assert 'avatar_jobs{stage="intake",state="waiting_for_photos"} 1.0' in told
    assert "process_resident_memory_bytes" in told
    assert not re.search(r"(job|cli|del|avk)_[0-9a-f]{8}", told)


def test_health_says_alive_even_where_nothing_else_works(service: Service) -> None:
    service.engine.dispose()
    shutil.rmtree(service.settings.service)
    assert TestClient(application(service)).get("/healthz").json() == {"status": "alive"}


def test_ready_means_that_a_claim_is_tried_and_needs_no_broker(service: Service) -> None:
    statements: list[str] = []
    event.listen(service.engine, "before_cursor_execute", lambda _c, _u, sql, *_: statements.append(sql))
    answer = TestClient(application(service)).get("/readyz")
    assert answer.status_code == 200
    told = answer.json()
    assert {told.pop("status"), *(told.pop(name) for name in readiness.NEEDED)} == {"ready", "ok"}
    assert told.pop("broker") in ("failed", "slow")
    assert told == {}
    assert any(sql.startswith("UPDATE jobs SET") and "lease_until" in sql for sql in statements)


def test_a_ledger_that_takes_no_writes_is_not_ready(service: Service) -> None:
    event.listen(service.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA query_only=ON"))
    assert failed(service) == (503, "not_ready_ledger")


def test_a_ledger_whose_file_is_no_ledger_is_not_ready(service: Service, tmp_path: Path) -> None:
    assert failed(replace(service, engine=open_ledger(f"sqlite:///{tmp_path}/other.db"))) == (503, "not_ready_ledger")


def test_a_ledger_of_another_version_is_not_ready(service: Service) -> None:
    assert version(service.engine) == newest()
    with service.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert failed(service) == (503, "not_ready_version")


def test_keys_that_are_away_are_not_ready(service: Service) -> None:
    shutil.rmtree(service.settings.service / "keys")
    assert failed(service) == (503, "not_ready_keys")


def test_a_store_that_is_away_is_not_ready(service: Service) -> None:
    shutil.rmtree(service.settings.service / "vault")
    assert failed(service) == (503, "not_ready_store")


class Hanging(DiskStore):
    """A bucket that does not answer."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked, self.over = 0, threading.Event()

    def names(self, prefix: str) -> list[str]:
        self.asked += 1
        self.over.wait(60)
        return []


def test_a_store_that_hangs_is_told_in_time_and_asked_once(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "FRESH", 0.0)
    monkeypatch.setattr(service.bell.__class__, "reach", lambda _: None)
    store = Hanging(tmp_path / "slow")
    client = TestClient(application(replace(service, vault=SealedVault(store, service.vault._keys))))
    for _ in range(2):
        begun = time.monotonic()
        answer = client.get("/readyz")
        assert time.monotonic() - begun < readiness.LONGEST + 4  # of a machine that does other things too
        assert (answer.status_code, answer.json()["code"]) == (503, "not_ready_store")
        assert answer.json()["detail"] == "Not ready: store slow."
    assert store.asked == 1
    store.over.set()


def test_readiness_is_remembered_for_a_moment_and_comes_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.bell.__class__, "reach", lambda _: None)
    client = TestClient(application(service))
    assert client.get("/readyz").json()["broker"] == "ok"
    folder = service.settings.service / "keys"
    folder.rename(folder.with_name("elsewhere"))
    assert client.get("/readyz").status_code == 200
    time.sleep(readiness.FRESH + 0.05)
    problem: dict[str, Any] = client.get("/readyz").json()
    assert (problem["code"], problem["retryable"]) == ("not_ready_keys", True)
    assert str(folder) not in str(problem)
    folder.with_name("elsewhere").rename(folder)
    time.sleep(readiness.FRESH + 0.05)
    assert client.get("/readyz").status_code == 200
