"""A whole service of processes that is hunted in: started with everything it may write inside one folder, and ended.

Whatever ends the hunt ends all of its processes, in order or not.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from avatar.broker import EmbeddedBroker
from avatar.cli import serve
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.service import Service, open_service
from avatar.settings import Settings
from avatar.vault.local import private_folder
from tests.buckets import environment, real_bucket
from tests.privacy.places import missed, surroundings
from tests.river.serving import Running, free_port, until

ROOT = Path(__file__).parents[2]
PACE = 0.02  # a lease is 1.2 s, the second look comes after 18 s
PACE_S3 = 0.05  # a real server on the same machine takes its time


@dataclass(slots=True)
class Hunted:
    """A running service."""

    service: Service
    running: Running
    folder: Path
    broker: EmbeddedBroker
    parts: list[serve.Part]
    bucket: Any = None  # the client of one, where the service keeps its objects there

    def call(self, method: str, path: str, body: object = None) -> dict[str, str]:
        """A call that is made again while the API is being started again."""

        def ask() -> object:
            self.keep()
            with contextlib.suppress(OSError, http.client.HTTPException):
                status, told = self.running.call(method, path, body)
                return told if status < 300 else None
            return None

        told = until(ask, 60)
        assert isinstance(told, dict)
        return told

    def keep(self) -> bool:
        """Start again what died."""
        self.broker.keep()
        for part in self.parts:
            part.keep()
        return True

    def kill(self, dice: random.Random) -> str:
        """One part of it, or its broker; the name of what was killed."""
        name, pid = dice.choice(self._roots())
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        return name

    def processes(self) -> Iterator[tuple[str, int]]:
        """Every process of it, by the name of its part."""
        for name, pid in self._roots():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield from ((name, one) for one in _family(pid))

    def _roots(self) -> list[tuple[str, int]]:
        alive = [part for part in self.parts if part.process is not None and part.process.poll() is None]
        broker = int((self.service.settings.service / "broker" / "broker.pid").read_text())
        return [*((part.name, part.process.pid) for part in alive if part.process), ("broker", broker)]


def _family(pid: int) -> list[int]:
    """A process and its children, of theirs too."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _family(int(child))
    return found


@contextlib.contextmanager
def hunting(folder: Path, *, unwiped: bool = False, s3: bool = False) -> Iterator[Hunted]:
    """The service, up; whatever it may write is inside `folder`, or in a bucket of its own."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        bucket = stack.enter_context(real_bucket(patch)).versioned() if s3 else None
        more = {**environment(), "AVATAR_BUCKET": bucket.name} if bucket else {}
        told = (
            surroundings(folder, os.environ)
            | more
            | {"AVATAR_PACE": str(PACE_S3 if s3 else PACE)}
            | ({} if unwiped else serve.WIPING)
        )
        for name in set(os.environ) - set(told):
            patch.delenv(name)
        for name, value in told.items():
            patch.setenv(name, value)
        settings = Settings()
        service = open_service(settings)
        private_folder(settings.service / "clock")
        stack.callback(service.engine.dispose)
        broker = stack.enter_context(EmbeddedBroker(settings.service / "broker"))
        client = bucket.client if bucket else None
        if unseen := missed(service, folder, client):
            raise AssertionError(f"the search does not find what was planted: {unseen}")
        _, key = make_client(service.engine, "hunt", Scope.CLIENT, Quota(10**6, 10**6, 10**6))
        port = free_port()
        log = stack.enter_context((folder / "log" / "log").open("ab"))
        parts = [_Logged(part.name, _ours(part.command), log) for part in serve.parts(settings, "127.0.0.1", port)]
        stack.callback(_end, parts)
        hunted = Hunted(service, Running(port, key, settings.state), folder, broker, list(parts), client)
        hunted.keep()
        print("running:", *(part.process.pid for part in parts if part.process), flush=True)
        until(lambda: hunted.keep() and hunted.running.answers(), 60)
        yield hunted


def _end(parts: list[_Logged]) -> None:
    for part in parts:
        if part.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(part.process.pid, signal.SIGKILL)
            part.process.wait()


class _Logged(serve.Part):
    """A part that writes into one log, and is started again soon."""

    def __init__(self, name: str, command: tuple[str, ...], log: object) -> None:
        super().__init__(name, command)
        self.log = log

    def keep(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                stdout=self.log,
                stderr=self.log,
                start_new_session=True,  # type: ignore[call-overload]
            )


def _ours(command: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("tests.privacy.app" if word == "workers.app" else word for word in command)
