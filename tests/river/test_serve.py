"""The whole service as one command: a job that is refused, from the first call to the receipt, by real processes."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = "from avatar.cli.main import run; run()"


@dataclass
class Running:
    """A service that was started, and the key it showed."""

    process: subprocess.Popen[str]
    port: int
    key: str
    state: Path

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call by socket: names are not resolved in tests."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes | None) else {"Content-Type": "application/json"}
        with closing(socket.socket()) as line, closing(http.client.HTTPConnection("127.0.0.1")) as connection:
            line.connect(("127.0.0.1", self.port))
            connection.sock = line
            connection.request(method, path, data, {"Authorization": f"Bearer {self.key}", **kind})
            answer = connection.getresponse()
            told = answer.read()
        return answer.status, json.loads(told) if told else None


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def start(state: Path, port: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "AVATAR_STATE": str(state), "AVATAR_PACE": "0.05", "COLUMNS": "200"}
    command = (sys.executable, "-c", COMMAND, "serve", "--port", str(port))
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


@pytest.fixture
def running() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as short:  # a socket's path has little room
        state, port = Path(short) / "s", free_port()
        process = start(state, port)
        key = ""
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"avk_\S+", line):
                key = found[0]
            if "Serving on" in line:
                break
        made = Running(process, port, key, state)
        try:
            until(lambda: answers(made))
            yield made
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
            process.stdout.close()


def answers(running: Running) -> bool:
    try:
        return running.call("GET", "/healthz")[0] == 200
    except OSError:
        return False


def until(true: Any, seconds: float = 90) -> Any:
    """Wait for it; what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError("it never came")


@pytest.mark.timeout(400)
def test_a_job_that_is_refused_ends_with_its_reason_its_receipt_and_nothing_left(running: Running) -> None:
    consent = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
    status, job = running.call("POST", "/v1/jobs", {"styles": ["photo"], "count": 2, "consent": consent})
    assert status == 201, job
    path = f"/v1/jobs/{job['id']}"
    assert running.call("POST", f"{path}/photos", b"not a picture at all")[0] == 201
    assert list((running.state / "service" / "vault").rglob("photo/*"))
    assert running.call("POST", f"{path}/start")[0] == 202
    ended = until(lambda: (told := running.call("GET", path)[1])["ended_at"] and told)
    assert (ended["state"], ended["code"]) == ("refused", "too_few_photos")
    _, owed = running.call("DELETE", path)
    erased = until(lambda: (told := running.call("GET", f"/v1/deletions/{owed['id']}")[1])["done_at"] and told)
    assert erased["receipt"]["complete"]
    assert [file for file in (running.state / "service" / "vault").rglob("*") if file.is_file()] == []
    assert list((running.state / "service" / "keys").iterdir()) == []
    second = start(running.state, free_port())
    said, _ = second.communicate(timeout=60)
    assert (second.returncode, "runs already" in said) == (1, True)
