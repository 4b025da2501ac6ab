"""The client, against the service itself: a whole order, calls that are lost, and what it is told."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from avatar.client import Avatar, Failed
from avatar.job import JobId
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.deletions import due
from avatar.queue import Queue
from avatar.service import Service
from avatar.shift import work
from avatar.web.app import application

CONSENT = "These are photos of me, and I am an adult."


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avatar.web.events.LOOKS", 0.02)
    monkeypatch.setattr("avatar.client.WAIT", 0.01)


@pytest.fixture
def http(service: Service) -> TestClient:
    return TestClient(application(service), raise_server_exceptions=False)


def key(service: Service, quota: Quota | None = None) -> str:
    return make_client(service.engine, "app", Scope.CLIENT, quota or Quota(100, 100, 100))[1]


def test_a_whole_order_from_the_styles_to_the_receipt(service: Service, http: TestClient, tmp_path: Path) -> None:
    avatar = Avatar("", key(service), http)
    assert "oil" in {style.name for style in avatar.styles()}
    job = avatar.order(["photo", "oil"], count=3, consent=CONSENT, test=True)
    assert {avatar.add_photo(job, data).verdict for data in (b"one", b"two")} == {"pending"}
    first, _ = avatar.photos(job)
    avatar.remove_photo(job, first.id)
    avatar.start(job)
    hands = service.bench(Queue.LIGHT)

    def light() -> None:
        while work(hands, JobId(job)) is not None:
            pass

    worker = threading.Thread(target=light)
    worker.start()
    assert avatar.wait(job).state == "done"
    worker.join()
    names = avatar.pictures(job)
    assert avatar.picture(job, names[0]).startswith(b"\x89PNG")
    path = tmp_path / "pack.zip"
    avatar.download(job, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    avatar.download(job, path)
    assert path.read_bytes() == whole
    avatar.download(job, path)
    with zipfile.ZipFile(path) as pack:
        assert sorted(pack.namelist()) == names
    swapped = avatar.replace(job, names[0], "face_broken")
    assert (swapped.replaces, swapped.erased) == (names[0], True)
    assert avatar.pictures(job) == [swapped.picture, *names[1:]]
    assert avatar.job(job).spares[swapped.picture[3:-4]] == swapped.spares_left
    with pytest.raises(Failed) as gone:
        avatar.picture(job, names[0])
    assert gone.value.code == "not_found"
    assert [one.id for one in avatar.jobs()] == [job]
    assert Avatar("", avatar.link(job), http).job(job).id == job

    over = threading.Event()

    def purge() -> None:
        while not over.wait(0.02):
            for deletion in due(service.engine, -1):
                service.purge(deletion)

    eraser = threading.Thread(target=purge)
    eraser.start()
    erased = avatar.erase(job)
    over.set()
    eraser.join()
    assert erased.receipt is not None
    assert erased.receipt["complete"]


class Flaky(httpx2.BaseTransport):
    """Loses the answers of the first calls after the service has acted, or says that it is full."""

    def __init__(self, http: TestClient, failures: list[str]) -> None:
        self.http, self.failures, self.calls = http, failures, 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "full":
            return httpx2.Response(503, json={"code": "full", "detail": "x", "retryable": True})
        headers = {name: value for name, value in request.headers.items() if name != "host"}
        answer = self.http.request(request.method, request.url.path, headers=headers, content=request.read())
        if failure == "lost":
            raise httpx2.ReadError("the answer was lost")
        return httpx2.Response(answer.status_code, headers={"Content-Type": "application/json"}, content=answer.content)


def flaky(service: Service, http: TestClient, failures: list[str]) -> tuple[Avatar, Flaky]:
    transport = Flaky(http, failures)
    return Avatar("", key(service), httpx2.Client(transport=transport, base_url="http://service")), transport


def test_an_order_whose_answers_are_lost_is_made_once(service: Service, http: TestClient) -> None:
    avatar, line = flaky(service, http, ["lost", "full", "lost"])
    job = avatar.order(["photo"], count=1, consent=CONSENT)
    assert line.calls == 4
    assert [one.id for one in avatar.jobs()] == [job]


def test_small_pictures_are_looked_at_while_a_job_is_at_work(service: Service, http: TestClient) -> None:
    avatar = Avatar("", key(service), http)
    job = avatar.order(["oil"], count=1, consent=CONSENT, test=True)
    avatar.add_photo(job, b"one")
    avatar.start(job)
    assert avatar.previews(job) == []
    hands = service.bench(Queue.LIGHT)
    for _ in range(3):  # intake, tune, render
        work(hands, JobId(job))
    shown = avatar.previews(job)
    assert len(shown) == 3
    assert all(one.startswith(b"\xff\xd8") for one in shown)


def test_a_photo_whose_answer_is_lost_is_one_photo(service: Service, http: TestClient) -> None:
    avatar, line = flaky(service, http, [])
    job = avatar.order(["photo"], count=1, consent=CONSENT)
    line.failures += ["lost", "lost"]
    avatar.add_photo(job, b"photo")
    assert len(avatar.photos(job)) == 1


def test_a_service_that_stays_away_is_told_after_a_few_tries(service: Service, http: TestClient) -> None:
    avatar, line = flaky(service, http, ["lost"] * 99)
    with pytest.raises(httpx2.TransportError):
        avatar.styles()
    assert line.calls == 6


def test_what_the_service_refuses_is_raised_with_its_code(service: Service, http: TestClient) -> None:
    avatar = Avatar("", key(service, Quota(jobs_a_day=1)), http)
    with pytest.raises(Failed) as caught:
        avatar.order(["oi"], count=1, consent=CONSENT)
    assert (caught.value.status, caught.value.code) == (422, "unknown_style")
    avatar.order(["oil"], count=1, consent=CONSENT)
    with pytest.raises(Failed) as full:
        avatar.order(["oil"], count=1, consent=CONSENT)
    assert (full.value.code, full.value.retryable) == ("quota_jobs_a_day", True)


def test_a_key_is_in_no_text(service: Service, http: TestClient) -> None:
    secret = key(service)
    avatar = Avatar("http://service", secret, http)
    assert secret not in repr(avatar)
    with pytest.raises(Failed) as caught:
        avatar.job("job_none")
    assert secret not in str(caught.value)
