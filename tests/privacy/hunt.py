"""The hunt on a whole service of processes: order, upload, work, erase at any moment, half of it with a fault in it.

    python -m tests.privacy.hunt --purges 300 [--s3] [--unwiped]

Searched when the second looks are over: the service's folders (store, keys, ledger with its log, the broker's), log,
temp, home with every cache, shared memory, files held open though they are gone, and the memory of each process.
`--s3`: on a bucket that keeps versions, of the server that AVATAR_TEST_S3 names; all versions, markers and open uploads
are searched. `--unwiped`: freed memory is not overwritten. Each receipt must be whole and tell of the photo. A fault is
a part of the service, or its broker, killed while the job or its erasure is under way. A hunt that does not find what
it planted fails. Exit code 1 on any find.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from avatar.erasure.signing import faults
from avatar.job import JobId
from avatar.ledger.engine import reading
from avatar.ledger.tables import DeletionRow
from tests.privacy.canaries import SIGN, Canaries
from tests.privacy.hunted import Hunted, hunting
from tests.privacy.places import searched
from tests.privacy.scan import Find, Thief, memory, search, steal

BATCH = 50  # jobs that are searched for together: memory is a gigabyte, and read once for all of them
GROUP = 5  # of them that are ordered, and erased, at one go; one kill strikes all that are under way
AHEAD = 3  # batches under way: a second look is waited for while the next are ordered
SAMPLE = 2  # jobs of a batch whose keys are looked for in memory; marks are, of all
LONGEST = 400.0  # seconds that a batch may take until all of it is erased
CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}


@dataclass(slots=True)
class Hunt:
    """A running service and what was found in it."""

    hunted: Hunted
    dice: random.Random
    sign: bytes = field(default_factory=lambda: secrets.token_bytes(SIGN))
    before: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    struck: set[JobId] = field(default_factory=set)  # jobs that a kill met before they were erased
    alive: set[JobId] = field(default_factory=set)

    def purges(self, count: int) -> Iterator[int]:
        """So many jobs from the order to the second look and the search; how many are done, after each batch."""
        under_way: list[tuple[float, list[Thief]]] = []
        begun = done = 0
        while done < count:
            if begun < count and len(under_way) < AHEAD:
                size = min(BATCH, count - begun)
                under_way.append((time.monotonic(), self._batch(size, faulty=begun % (2 * BATCH) == 0)))
                begun += size
            else:
                time.sleep(0.2)
            while under_way and self._settled(*under_way[0]):
                _, thieves = under_way.pop(0)
                self._judge(thieves)
                done += len(thieves)
                yield done

    def _batch(self, size: int, *, faulty: bool) -> list[Thief]:
        """Jobs ordered, at work for a moment, and erased, group by group."""
        thieves: list[Thief] = []
        while len(thieves) < size:
            group = [self._ordered() for _ in range(min(GROUP, size - len(thieves)))]
            time.sleep(self.dice.uniform(0, 1.5))
            if not thieves:
                self.before.update({find.store for _, find in self._everywhere(group[:2])})
            struck, at = faulty or not thieves, self.dice.randrange(len(group) + 1)  # `at`: erased before the kill
            for place, thief in enumerate(group):
                if struck and place == at:
                    self._kill()
                self.hunted.call("DELETE", f"/v1/jobs/{thief.job}")
            if struck and at == len(group):
                self._kill()
            thieves += group
        return thieves

    def _judge(self, thieves: list[Thief]) -> None:
        """Search for all of them everywhere."""
        self.found.update((find.store, find.what) for _, find in self._everywhere(thieves))
        self.found.update(self._memories(thieves))
        self.found.update(self._papers([thief.job for thief in thieves]))
        for thief in thieves:
            thief.close()

    def _ordered(self) -> Thief:
        order = {"styles": ["photo"], "count": 1, "consent": CONSENT}
        job = JobId(self.hunted.call("POST", "/v1/jobs", order)["id"])
        self.alive.add(job)
        canaries = Canaries(self.sign)
        thief = steal(self.hunted.service, job, canaries)
        photo = canaries.token + canaries.words.encode() + canaries.pixels
        self.hunted.call("POST", f"/v1/jobs/{job}/photos", photo)
        self.hunted.call("POST", f"/v1/jobs/{job}/start")
        return thief

    def _kill(self) -> None:
        """A part of the service; whose erasure was not paid yet is struck."""
        self.alive -= self._paid(self.alive)
        self.struck |= self.alive
        self.kills[self.hunted.kill(self.dice)] += 1

    def _paid(self, jobs: set[JobId]) -> set[JobId]:
        done = select(DeletionRow.job).where(DeletionRow.what == "everything", DeletionRow.done_at.is_not(None))
        with reading(self.hunted.service.engine) as session:
            return jobs & {JobId(job) for job in session.scalars(done)}

    def _settled(self, begun: float, thieves: list[Thief]) -> bool:
        """Whether both looks at all of them are over."""
        self.hunted.keep()
        jobs = [thief.job for thief in thieves]
        left = DeletionRow.done_at.is_(None) | DeletionRow.second_at.is_not(None)
        with reading(self.hunted.service.engine) as session:
            owed = session.scalars(select(DeletionRow.job).where(DeletionRow.job.in_(jobs), left)).all()
        assert not owed or time.monotonic() - begun < LONGEST, f"{len(owed)} deletions are still owed"
        return not owed

    def _everywhere(self, thieves: list[Thief]) -> Iterator[tuple[Thief, Find]]:
        return search(self.hunted.service, thieves, *searched(self.hunted.folder), client=self.hunted.bucket)

    def _papers(self, jobs: list[JobId]) -> Iterator[tuple[str, str]]:
        """Receipts that do not tell the truth: each job had a photo, whoever erased it and whoever was killed at it."""
        mine = select(DeletionRow.receipt).where(DeletionRow.job.in_(jobs), DeletionRow.what == "everything")
        with reading(self.hunted.service.engine) as session:
            told = session.scalars(mine).all()
        yield from (("receipts", "a job has none") for _ in range(len(jobs) - len(told)))
        for one in told:
            if one is None or faults(one, self.hunted.service.signer.public) or not one["complete"]:
                yield "receipts", "not whole and signed"
            elif not sum(line["objects"] for line in one["erased"] if line["kind"] == "photo"):
                yield "receipts", "no photo is told of"

    def _memories(self, thieves: list[Thief]) -> Iterator[tuple[str, str]]:
        for name, pid in self.hunted.processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a child that ended meanwhile
                yield from ((f"memory of {name}", what) for _, what in memory(pid, thieves, SAMPLE))


def _stopped(*_: object) -> None:
    """Leave in order, so that no process stays; whoever asks a second time is not heard."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.SIG_IGN)
    raise SystemExit(143)


def main() -> int:
    """The hunt, a table, and 1 on any find."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--purges", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--unwiped", action="store_true")
    asked = parser.parse_args()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _stopped)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name, hunting(Path(name), unwiped=asked.unwiped, s3=asked.s3) as hunted:
        hunt = Hunt(hunted, random.Random(asked.seed))
        for done in hunt.purges(asked.purges):
            so_far = f"{len(hunt.struck)} with a fault, {sum(hunt.kills.values())} kills, {dict(hunt.found)}"
            print(f"{done} purges in {time.monotonic() - begun:.0f} s, {so_far}", flush=True)
    print(f"before the purge, found in: {dict(hunt.before)}")
    for (store, what), count in sorted(hunt.found.items()):
        print(f"{store:<24} {what:<32} {count}")
    told = f"{asked.purges} purges, {len(hunt.struck)} of them with a fault in the middle"
    print(f"{told}, {sum(hunt.found.values())} finds; killed: {dict(hunt.kills)}")
    needed = {"bucket" if asked.s3 else "vault", "keys", "keys, held open"}
    return int(bool(hunt.found) or not needed <= set(hunt.before))


if __name__ == "__main__":
    sys.exit(main())
