"""True processes that break: uvicorn and Celery say what broke and where, and nothing of what they held."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from avatar.broker import EmbeddedBroker
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.queue import celery
from avatar.service import open_service
from avatar.settings import Settings

CANARY = "/srv/pictures/of/Anna Musterfrau/birthday in golden armour.jpg"
JOB = "job_" + "ab" * 16
ROOT = Path(__file__).parents[2]


@contextmanager
def running(state: Path, *command: str, **more: str) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], str]]]:
    """The process, and what it and its children wrote so far."""
    environment = {**os.environ, "AVATAR_STATE": str(state), "CANARY": CANARY, "PYTHONPATH": str(ROOT), **more}
    written = state / "written"
    with written.open("wb") as out:
        process = subprocess.Popen(
            (sys.executable, "-m", *command), env=environment, stdout=out, stderr=out, cwd=ROOT, start_new_session=True
        )
    try:
        yield process, written.read_text
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def state() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as short:  # a socket's path has little room
        yield Path(short)


def until(true: Callable[[], Any], seconds: float = 90) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.1)
    raise AssertionError("it never came")


def events(text: str) -> list[dict[str, Any]]:
    """The lines, each of which must be a document: nobody writes in another form."""
    return [json.loads(line) for line in text.splitlines()]


def get(port: int, path: str, key: str) -> int:
    """The status of one call; 0 while nobody listens."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        return line.getresponse().status
    except OSError:
        return 0
    finally:
        line.close()


def test_a_worker_whose_task_breaks_tells_its_ids_and_lines(state: Path) -> None:
    settings = Settings(state=state)
    command = ("celery", "--app", "tests.watch.breaking", "--quiet", "worker", "--queues", "light", "--concurrency",
               "1", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")  # fmt: skip
    open_service(settings).engine.dispose()
    with EmbeddedBroker(settings.service / "broker") as broker, running(state, *command) as (_, written):
        app = celery(broker.url)
        app.send_task("avatar.light", args=[JOB], queue="light")
        app.send_task("avatar.light", args=[CANARY], queue="light")
        app.send_task("avatar.unknown", args=[CANARY], queue="light")
        app.send_task("avatar.light", args=[CANARY, CANARY], kwargs={"name": CANARY}, queue="light")
        until(lambda: written().count('"task_failed"') >= 3)
        text = written()
        app.close()
    assert "Anna" not in text
    told = events(text)
    failed = [one for one in told if one["event"] == "task_failed"]
    assert {one["task"] for one in failed} == {"avatar.light"}
    first = next(one for one in failed if "job" in one)
    assert first["job"] == JOB
    assert [one["type"] for one in first["errors"]] == ["builtins.RuntimeError", "builtins.FileNotFoundError"]
    assert any(line.startswith("workers/light.py:") for line in first["errors"][0]["at"])


def test_an_api_that_breaks_tells_its_route_and_lines(state: Path) -> None:
    service = open_service(Settings(state=state))
    _, key = make_client(service.engine, "app", Scope.CLIENT, Quota())
    service.engine.dispose()
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = int(trial.getsockname()[1])
    command = ("uvicorn", "--factory", "tests.watch.breaking:made", "--host", "127.0.0.1", "--port", str(port))
    with running(state, *command) as (_, written):
        until(lambda: get(port, "/healthz", key) == 200)
        begun = written()
        assert get(port, f"/v1/jobs/{JOB}", key) == 500
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(f"GET {CANARY}\r\nnonsense\r\n\r\n".encode())
            line.recv(100)
        until(lambda: written().count('"status": 500'))
        text = written()[len(begun) :]
    assert "Anna" not in begun + text
    fault = next(one for one in events(text) if one["event"] == "request")
    assert (fault["route"], fault["status"], fault["level"]) == ("/v1/jobs/{job}", 500, "error")
    assert any(line.startswith("avatar/web/jobs.py:") for line in fault["errors"][0]["at"])
    assert JOB not in text


def test_an_api_that_can_not_start_tells_no_more(state: Path) -> None:
    command = ("uvicorn", "--factory", "tests.watch.breaking:made", "--host", "127.0.0.1", "--port", "1")
    with running(state, *command, NO_START="1") as (process, written):
        assert process.wait(90) != 0
        text = written()
    assert "Anna" not in text
    (fault,) = (one for one in events(text) if one["event"] == "fault")
    assert fault["errors"][0]["type"] == "builtins.RuntimeError"
    assert any(line.startswith("avatar/web/main.py:") for line in fault["errors"][0]["at"])
