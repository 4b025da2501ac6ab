"""The hunt on a whole service of processes: order, upload, work, erase at any moment, half of it with a process killed.

    python -m tests.privacy.hunt --purges 300 [--unwiped]

Searched when the second looks are over: the service's folders (store, keys, ledger with its log, the broker's), log,
temp and home of all processes, and the memory of each. `--unwiped`: freed memory is not overwritten.
A hunt that finds nothing before the purge fails. Exit code 1 on any find.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from avatar.broker import EmbeddedBroker
from avatar.cli import serve
from avatar.job import JobId
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.engine import reading
from avatar.ledger.tables import DeletionRow
from avatar.service import Service, open_service
from avatar.settings import Settings
from avatar.vault.local import private_folder
from tests.privacy.canaries import Canaries
from tests.privacy.scan import Find, Thief, memory, scan, steal
from tests.river.serving import Running, free_port, until

ROOT = Path(__file__).parents[2]
PACE = 0.02  # a lease is 1.2 s, the second look comes after 18 s
BATCH = 20  # jobs at a time
SAMPLE = 3  # jobs of a batch that memory is searched for: a gigabyte is read for each
CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}


@dataclass(slots=True)
class Hunt:
    """A running service and what was found in it."""

    service: Service
    running: Running
    folder: Path
    broker: EmbeddedBroker
    parts: list[serve.Part]
    dice: random.Random
    before: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)

    def batch(self, size: int) -> None:
        """Jobs from the order to the second look."""
        thieves = [self._ordered() for _ in range(size)]
        for at, thief in enumerate(thieves):
            time.sleep(self.dice.uniform(0, 0.3))
            if at < 2:
                self.before.update({find.store for find in self._everywhere(thief)})
            if at % 2:
                self._kill()
            self._call("DELETE", f"/v1/jobs/{thief.job}")
        until(lambda: self._kept_alive() and self._settled(thieves), 180)
        for at, thief in enumerate(thieves):
            self.found.update((find.store, find.what) for find in self._everywhere(thief))
            if at < SAMPLE:
                self.found.update(self._memories(thief))
            thief.close()

    def _ordered(self) -> Thief:
        order = {"styles": ["photo"], "count": 1, "consent": CONSENT}
        job = JobId(self._call("POST", "/v1/jobs", order)["id"])
        canaries = Canaries()
        thief = steal(self.service, job, canaries)
        photo = canaries.token + canaries.words.encode() + canaries.pixels
        self._call("POST", f"/v1/jobs/{job}/photos", photo)
        self._call("POST", f"/v1/jobs/{job}/start")
        return thief

    def _call(self, method: str, path: str, body: object = None) -> dict[str, str]:
        """A call that is made again while the API is being started again."""

        def ask() -> object:
            self._kept_alive()
            with contextlib.suppress(OSError):
                status, told = self.running.call(method, path, body)
                return told if status < 300 else None
            return None

        told = until(ask, 60)
        assert isinstance(told, dict)
        return told

    def _kept_alive(self) -> bool:
        self.broker.keep()
        for part in self.parts:
            part.keep()
        return True

    def _kill(self) -> None:
        part = self.dice.choice(self.parts)
        if part.process is not None and part.process.poll() is None:
            self.kills[part.name] += 1
            with contextlib.suppress(ProcessLookupError):
                os.killpg(part.process.pid, signal.SIGKILL)

    def _settled(self, thieves: list[Thief]) -> bool:
        jobs = [thief.job for thief in thieves]
        left = DeletionRow.done_at.is_(None) | DeletionRow.second_at.is_not(None)
        with reading(self.service.engine) as session:
            return session.scalars(select(DeletionRow.id).where(DeletionRow.job.in_(jobs), left)).first() is None

    def _everywhere(self, thief: Thief) -> list[Find]:
        return scan(self.service, thief, *(self.folder / name for name in ("log", "temp", "home")))

    def _memories(self, thief: Thief) -> list[tuple[str, str]]:
        found = []
        for part in self.parts:
            if part.process is not None and part.process.poll() is None:
                for pid in _family(part.process.pid):
                    found += [(f"memory of {part.name}", what) for what in memory(pid, thief)]
        broker = int((self.service.settings.service / "broker" / "broker.pid").read_text())
        return found + [("memory of the broker", what) for what in memory(broker, thief)]


def _family(pid: int) -> list[int]:
    """A process and its children, of theirs too."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _family(int(child))
    return found


@contextlib.contextmanager
def hunting(folder: Path, seed: int, unwiped: bool) -> Iterator[Hunt]:
    """The service, up; its temp folder and home are inside `folder`."""
    for name in ("temp", "home"):
        (folder / name).mkdir()
    os.environ |= {"AVATAR_STATE": str(folder / "s"), "AVATAR_PACE": str(PACE), "TMPDIR": str(folder / "temp")}
    os.environ |= {"HOME": str(folder / "home"), "OMP_NUM_THREADS": "1", **({} if unwiped else serve.WIPING)}
    settings = Settings()
    private_folder(settings.service / "clock")
    service = open_service(settings)
    _, key = make_client(service.engine, "hunt", Scope.CLIENT, Quota(10**6, 10**6, 10**6))
    port = free_port()
    with EmbeddedBroker(settings.service / "broker") as broker, (folder / "log").open("ab") as log:
        parts = [_Logged(part.name, _ours(part.command), log) for part in serve.parts(settings, "127.0.0.1", port)]
        hunt = Hunt(service, Running(port, key, settings.state), folder, broker, list(parts), random.Random(seed))
        try:
            until(lambda: hunt._kept_alive() and hunt.running.answers(), 60)
            yield hunt
        finally:
            for part in parts:
                if part.process is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(part.process.pid, signal.SIGKILL)
                    part.process.wait()
            service.engine.dispose()


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


def main() -> int:
    """The hunt, a table, and 1 on any find."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--purges", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unwiped", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, hunting(Path(name), asked.seed, asked.unwiped) as hunt:
        for begun in range(0, asked.purges, BATCH):
            hunt.batch(min(BATCH, asked.purges - begun))
            print(
                f"{min(begun + BATCH, asked.purges)} purges, {sum(hunt.kills.values())} kills, {dict(hunt.found)}",
                flush=True,
            )
    print(f"before the purge, found in: {dict(hunt.before)}")
    for (store, what), count in sorted(hunt.found.items()):
        print(f"{store:<24} {what:<32} {count}")
    print(f"{asked.purges} purges, {dict(hunt.kills)} killed, {sum(hunt.found.values())} finds")
    return int(bool(hunt.found) or not {"vault", "keys", "keys, held open"} <= set(hunt.before))


if __name__ == "__main__":
    sys.exit(main())
