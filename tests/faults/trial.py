"""A whole service under trial: the product's own processes with stages of stub, each started again when it dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from avatar.broker import EmbeddedBroker
from avatar.cli import serve
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.service import Service, open_service
from avatar.settings import Settings
from avatar.vault.local import private_folder
from tests.faults.bucket import Bucket
from tests.faults.ear import Ear
from tests.faults.moves import count_moves
from tests.faults.stub import EAR, SECONDS

ROOT = Path(__file__).parents[2]
APP = "tests.faults.app"
BOUNDLESS = Quota(jobs_a_day=10**6, running=10**6, uploads_an_hour=10**6)


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a trial is and how fast its clocks run."""

    pace: float
    each: int = 2  # workers of a queue: one is struck, another goes on
    ledger: str = ""  # the URL of an empty database; empty: SQLite

    @property
    def stage(self) -> float:
        """Seconds that a stage works: long beside a call of the bucket, short beside a lease."""
        return max(0.15, 5.0 * self.pace)


@dataclass(slots=True)
class Kept:
    """A process that is started again a while after it died."""

    part: serve.Part
    again: float  # seconds
    died_at: float | None = None
    deaths: int = 0

    def keep(self, log: Path) -> None:
        process = self.part.process
        if process is not None and process.poll() is None:
            return
        if process is not None and self.died_at is None:
            self.died_at, self.deaths = time.monotonic(), self.deaths + 1
        if self.died_at is None or time.monotonic() - self.died_at >= self.again:
            with log.open("ab") as out:
                command = self.part.command
                self.part.process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True)
            self.died_at = None


@dataclass(slots=True)
class Trial:
    """What the strikers and the judges need of a running service."""

    shape: Shape
    folder: Path
    port: int
    key: str
    service: Service
    bucket: Bucket
    ear: Ear
    broker: EmbeddedBroker
    kept: list[Kept] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def api(self) -> int | None:
        """The process of the API, while it lives."""
        return next(one.part.process.pid for one in self.kept if one.part.name == "api" and one.part.process)

    def broker_pid(self) -> int:
        return int((self.folder / "s" / "service" / "broker" / "broker.pid").read_text())

    def keep(self) -> None:
        """Until it is over: what died is started again, as `avatar serve` does it."""
        while not self.over.wait(0.02):
            self.broker.keep()
            for one in self.kept:
                one.keep(self.log)


def environment(shape: Shape, folder: Path, bucket: str) -> dict[str, str]:
    """What the processes are told."""
    return {
        "AVATAR_STATE": str(folder / "s"),
        "AVATAR_PACE": str(shape.pace),
        "AVATAR_LEDGER": shape.ledger,
        "AVATAR_BROKER": "",
        "AVATAR_BUCKET": "faults",
        "AVATAR_S3_ENDPOINT": bucket,
        "AVATAR_S3_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "trial",
        "AWS_SECRET_ACCESS_KEY": "trial",
        "AWS_EC2_METADATA_DISABLED": "true",
        "OMP_NUM_THREADS": "1",
        EAR: str(folder / "ear"),
        SECONDS: str(shape.stage),
    }


@contextlib.contextmanager
def running(shape: Shape, folder: Path) -> Iterator[Trial]:
    """The service, up and answering; stopped at the end, whatever state its processes are in."""
    folder.chmod(0o700)
    with contextlib.ExitStack() as stack:
        bucket = stack.enter_context(Bucket())
        ear = stack.enter_context(Ear(folder / "ear"))
        os.environ.update(environment(shape, folder, bucket.url))
        settings = Settings()
        service = open_service(settings)
        private_folder(settings.service / "clock")
        stack.callback(service.engine.dispose)
        count_moves(service.engine)
        _, key = make_client(service.engine, "trial", Scope.CLIENT, BOUNDLESS)
        broker = stack.enter_context(EmbeddedBroker(settings.service / "broker"))
        port = free_port()
        trial = Trial(shape, folder, port, key, service, bucket, ear, broker)
        trial.kept = [Kept(part, serve.AGAIN * shape.pace) for part in parts(settings, port, shape.each)]
        keeper = threading.Thread(target=trial.keep, name="keeper", daemon=True)
        keeper.start()
        stack.callback(stop, trial, keeper)
        yield trial


def parts(settings: Settings, port: int, each: int) -> list[serve.Part]:
    """What `avatar serve` runs, with several workers a queue and with stages of stub."""
    made = []
    for part in serve.parts(settings, "127.0.0.1", port):
        command = tuple(APP if word == "workers.app" else word for word in part.command)
        if "worker" not in command:
            made.append(serve.Part(part.name, command))
            continue
        for number in range(each):
            named = tuple(f"{part.name}{number}@%h" if "@%h" in word else word for word in command)
            made.append(serve.Part(f"{part.name}{number}", named))
    return made


def stop(trial: Trial, keeper: threading.Thread) -> None:
    """End every process of the trial; frozen ones too."""
    trial.over.set()
    keeper.join()
    for one in trial.kept:
        if one.part.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(one.part.process.pid, signal.SIGKILL)
            one.part.process.wait()


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
