"""The whole service on one machine, with no server to install: broker, API, workers and schedule, as one command.

Each part is a process of its own, started again when it dies; a second start finds the first and leaves it alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from avatar import logs
from avatar.broker import EmbeddedBroker
from avatar.cli import show
from avatar.cli.production import insist
from avatar.errors import NotNow
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.queue import Queue
from avatar.service import open_service
from avatar.settings import Settings
from avatar.vault.local import private_folder

CELERY = (sys.executable, "-m", "celery", "--app", "workers.app", "--quiet")
CALM = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING")
CROWD = {Queue.LIGHT: "2", Queue.HEAVY: "1", Queue.PURGE: "2"}  # one that is stuck holds up nobody
PATIENCE = 20.0  # seconds a part may take to stop
FIRST = Quota(jobs_a_day=100, running=4, uploads_an_hour=400)  # of the key that the first start shows
HERE = ("127.0.0.1", "::1", "localhost")  # who can call these is on this machine: the page takes orders without a key
WIPING = {  # what is freed is overwritten at once (glibc): the hunt found pixels and words in freed memory without it
    "GLIBC_TUNABLES": "glibc.malloc.perturb=170:glibc.malloc.tcache_count=0",
    "PYTHONMALLOC": "malloc",  # small objects too
}
AGAIN = 2.0  # seconds before a part that died is started again


@dataclass(slots=True)
class Part:
    """One process of the service."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    died_at: float = 0.0

    def keep(self) -> None:
        """Start it, or start it again a while after it died."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            logs.say("part_ended", logging.WARNING, part=self.name, status=self.process.returncode)
            self.died_at, self.process = time.monotonic(), None
        if time.monotonic() - self.died_at >= AGAIN:
            told = {**os.environ, **WIPING}
            self.process = subprocess.Popen(self.command, env=told, start_new_session=True)  # noqa: S603 (Ctrl-C is ours)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def wait(self) -> None:
        if self.process is not None:
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()  # its claim runs out, and the next worker goes on
                self.process.wait()


def parts(settings: Settings, host: str, port: int) -> list[Part]:
    """What runs: the API, a worker of each queue, and the schedule."""
    api = (sys.executable, "-m", "uvicorn", "--factory", "avatar.web.main:made", "--host", host, "--port", str(port),
           "--log-level", "warning", "--no-server-header")  # fmt: skip
    said = ("env", "AVATAR_PAGE=open") if settings.page == "auto" and host in HERE else ()
    workers = [
        Part(queue.value, (*CELERY, "worker", "--queues", queue.value, "--concurrency", CROWD[queue],
                           "--hostname", f"{queue.value}@%h", *CALM))
        for queue in Queue
    ]  # fmt: skip
    clock = str(settings.service / "clock" / "schedule")
    beat = Part("schedule", (*CELERY, "beat", "--schedule", clock, "--pidfile", "", "--loglevel", "WARNING"))
    return [Part("api", (*said, *api)), *workers, beat]


def serve(settings: Settings, host: str, port: int) -> None:
    """Run until Ctrl-C. NotNow if it runs already."""
    logs.setup(settings.logs)
    private_folder(settings.service)
    private_folder(settings.service / "clock")
    with _alone(settings.service / "serve.lock"):
        service = open_service(settings)
        insist(settings)
        first = settings.service / "first-key"
        if not first.exists():
            _, key = make_client(service.engine, "first", Scope.CLIENT, FIRST)
            first.touch(0o600)
            show.console.print(f"A key for the API; it is shown this once:\n\n  {key}\n")
        service.engine.dispose()
        with contextlib.ExitStack() as stack:
            broker = None
            if not settings.broker.get_secret_value():
                broker = stack.enter_context(EmbeddedBroker(settings.service / "broker"))
            running = parts(settings, host, port)
            stack.callback(_stop, running)
            show.console.print(f"Serving on http://{host}:{port}; Ctrl-C stops all of it.")
            if settings.page != "off":
                show.console.print(f"The page to order and wait on: http://{host}:{port}/")
            while True:
                if broker is not None and broker.keep():
                    logs.say("part_ended", logging.WARNING, part="broker")
                for part in running:
                    part.keep()
                time.sleep(0.5)


def _stop(running: list[Part]) -> None:
    for part in running:
        part.stop()
    for part in running:
        part.wait()


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NotNow("The service runs already on this machine.", code="already_running") from None
    finally:
        os.close(handle)
