"""Watching a job: every change as an event that carries the whole state."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from avatar.job import JobId, Stage
from avatar.ledger.figures import usual
from avatar.queue import Queue
from avatar.service import Service
from avatar.shift import work
from avatar.web import events
from tests.web.conftest import Call
from tests.web.test_jobs import delivered, made


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOKS", 0.02)


def started(client: Any, wanted: Any) -> str:
    job = made(client, wanted)
    client.post(f"/v1/jobs/{job}/photos", content=b"x")
    assert client.post(f"/v1/jobs/{job}/start").status_code == 202
    return job


def told(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def test_a_rehearsal_is_watched_to_its_end_and_delivers_pictures(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = started(client, wanted | {"test": True})
    hands = service.bench(Queue.LIGHT)

    def light() -> None:
        while work(hands, JobId(job)) is not None:
            pass

    worker = threading.Thread(target=light)
    worker.start()
    answer = client.get(f"/v1/jobs/{job}/events")
    worker.join()
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    seen = told(answer.text)
    assert seen[-1]["job"]["state"] == "done"
    assert seen[-1]["job"]["delivered"] == 4
    assert len({json.dumps(one, sort_keys=True) for one in seen}) == len(seen)
    names = client.get(f"/v1/jobs/{job}/pictures").json()
    assert names == ["01-photo.png", "02-photo.png", "03-oil.png", "04-oil.png", "contact-sheet.png", "report.json"]
    report = client.get(f"/v1/jobs/{job}/pictures/report.json").json()
    assert [picture["likeness"]["share"] for picture in report["pictures"]] == [None] * 4


def test_rehearsals_of_a_refusal_and_of_a_fault_end_as_those_do(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    hands = service.bench(Queue.LIGHT)
    refused = started(client, wanted | {"test": True, "seed": 1})
    work(hands, JobId(refused))
    assert client.get(f"/v1/jobs/{refused}").json()["code"] == "too_few_photos"
    broken = started(client, wanted | {"test": True, "seed": 2})
    work(hands, JobId(broken))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            work(hands, JobId(broken))
    assert client.get(f"/v1/jobs/{broken}").json()["state"] == "failed"


def test_a_watcher_of_an_ended_job_is_told_so_and_let_go(caller: Call, wanted: Any) -> None:
    client = caller()
    job = started(client, wanted)
    client.post(f"/v1/jobs/{job}/cancel")
    assert [one["job"]["state"] for one in told(client.get(f"/v1/jobs/{job}/events").text)] == ["cancelled"]


def test_nobody_watches_anothers_job(caller: Call, wanted: Any) -> None:
    owner, stranger = caller(), caller()
    job = made(owner, wanted)
    assert stranger.get(f"/v1/jobs/{job}/events").status_code == 404


def test_a_quiet_stream_says_that_it_is_there(
    caller: Call, service: Service, wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "QUIET", 0.04)
    monkeypatch.setattr(events, "LONGEST", 0.2)
    client = caller()
    assert ": still here" in client.get(f"/v1/jobs/{started(client, wanted)}/events").text


def test_time_left_comes_from_what_is_usual(
    caller: Call, service: Service, wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar.ledger.figures.FRESH", -1.0)
    client = caller()
    first = started(client, wanted)
    assert client.get(f"/v1/jobs/{first}").json()["seconds_left"] is None
    delivered(service, first)
    assert usual(service.engine) == {}
    with pytest.MonkeyPatch.context() as patch:
        seconds = {stage: 10.0 for stage in Stage if stage is not Stage.PURGE}
        patch.setattr("avatar.ledger.figures.usual", lambda _: seconds)
        fresh = caller()
        job = started(fresh, wanted)
        assert fresh.get(f"/v1/jobs/{job}").json()["seconds_left"] == 50.0
        behind = started(fresh, wanted)
        assert fresh.get(f"/v1/jobs/{behind}").json()["seconds_left"] == 60.0
