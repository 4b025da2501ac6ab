"""A service that was started by its one command, and calls to it by socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

SHORT = 200  # steps of a fine-tune where the way matters and not the likeness; the demo is tuned in full
COMMAND = "from avatar.cli.main import run; run()"


@dataclass(frozen=True, slots=True)
class Running:
    """A service that was started, and the key it showed."""

    port: int
    key: str
    state: Path

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """One call by socket: names are not resolved in tests. JSON is read, pictures come as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        kind = {} if isinstance(body, bytes | None) else {"Content-Type": "application/json"}
        with closing(socket.socket()) as line, closing(http.client.HTTPConnection("127.0.0.1")) as connection:
            line.connect(("127.0.0.1", self.port))
            connection.sock = line
            connection.request(method, path, data, {"Authorization": f"Bearer {self.key}", **kind})
            answer = connection.getresponse()
            told = answer.read()
        pictured = answer.getheader("Content-Type", "").startswith("image/")
        return answer.status, told if pictured else json.loads(told) if told else None

    def answers(self) -> bool:
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def start(state: Path, port: int, settings: Mapping[str, str], said: IO[str]) -> subprocess.Popen[bytes]:
    """The one command; what it says goes to a file, since nobody would empty a pipe."""
    environment = {**os.environ, "AVATAR_STATE": str(state), "AVATAR_PACE": "0.05", "COLUMNS": "200", **settings}
    command = (sys.executable, "-c", COMMAND, "serve", "--port", str(port))
    return subprocess.Popen(command, stdout=said, stderr=said, env=environment)


@contextlib.contextmanager
def serving(state: Path, settings: Mapping[str, str]) -> Iterator[Running]:
    """The service with these settings, from its first word to Ctrl-C."""
    port, log = free_port(), state.with_suffix(".log")
    with log.open("w") as said:
        process = start(state, port, settings, said)
    try:
        until(lambda: "Serving on" in log.read_text() or process.poll() is not None)
        key = re.search(r"avk_\S+", log.read_text())
        assert key, log.read_text()
        made = Running(port, key[0], state)
        until(made.answers)
        yield made
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def until(true: Any, seconds: float = 90) -> Any:
    """Wait for it; what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError("it never came")
