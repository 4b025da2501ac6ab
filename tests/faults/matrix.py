"""The kill matrix: python -m tests.faults.matrix --faults 1000 --pace 0.02 --seed 1 [--postgres URL]

Every fault meets every stage, aimed at a job that is there, a random moment after the stage began or is about to
record. In the end the books must balance: exit 1 and a list of what is wrong, if they do not.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from avatar.job import Stage
from tests.faults.crowd import Crowd
from tests.faults.ear import Heard
from tests.faults.figures import p95, table
from tests.faults.judge import calm, wrong
from tests.faults.strikes import DEAR, STAGES, TURN, Fault, Strike, strike
from tests.faults.trial import Shape, Trial, running

CHEAP = 4  # faults of a cheap kind for one that makes a process start again
BAR = 90.0  # seconds: 95 of 100 are resumed within, at production timings
Cell = tuple[Fault, Stage]


@dataclass(slots=True)
class Matrix:
    """Who strikes when; several at a time, never one job twice in the same stage by aim."""

    trial: Trial
    cells: list[Cell]
    dice: random.Random
    strikes: list[Strike] = field(default_factory=list)
    missed: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _aimed: set[tuple[str, str]] = field(default_factory=set)

    def run(self, hands: int) -> None:
        """Do all of them, by so many hands."""
        threads = [threading.Thread(target=self._hand, daemon=True) for _ in range(hands)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _hand(self) -> None:
        while True:
            with self._turn:
                if not self.cells:
                    return
                cell = self.cells.pop()
            self._do(cell)

    def _do(self, cell: Cell) -> None:
        fault, stage = cell
        aim = self._aim(stage)
        if aim is None or not TURN[fault].acquire(blocking=False):
            with self._turn:
                self.missed += aim is None
                self.cells.insert(0, cell)  # later: nobody is there, or this fault is under way
            return
        try:
            done = strike(self.trial, fault, aim, self.dice)
        finally:
            TURN[fault].release()
        with self._turn:
            self._aimed.add((aim.job, aim.stage))
            self.strikes.append(done)

    def _aim(self, stage: Stage) -> Heard | None:
        """Wait for a job at this stage that was not aimed at there, then for a random moment of it."""
        moment = self.dice.choice(("begin", "end"))

        def fresh(heard: Heard) -> bool:
            return heard.stage == stage and heard.moment == moment and (heard.job, heard.stage) not in self._aimed

        aim = self.trial.ear.next(fresh, 20 + 60 * self.trial.shape.pace)
        if aim is None:
            return None
        longest = self.trial.shape.stage if moment == "begin" else 0.05
        time.sleep(self.dice.uniform(0, longest) * self.dice.choice((0.05, 1.0)))
        return aim


def plan(faults: int, dice: random.Random) -> list[Cell]:
    """So many cells, each at least once if there is room; the dear faults less often."""
    once = list(itertools.product(Fault, STAGES))
    dice.shuffle(once)
    many = [cell for cell in once for _ in range(1 if cell[0] in DEAR else CHEAP)]
    rest = [cell for _ in range(faults // len(many) + 1) for cell in dice.sample(many, len(many))]
    cells = (once + rest)[:faults]
    dice.shuffle(cells)
    return cells


@contextlib.contextmanager
def database(server: str) -> Iterator[str]:
    """A database of its own on a PostgreSQL server; empty: none, the ledger is SQLite."""
    if not server:
        yield ""
        return
    name = f"faults_{random.SystemRandom().randrange(16**8):08x}"
    plain = make_url(server).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(server).set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def leave(*_: object) -> None:
    """End in order, whatever else is sent: the processes of the trial have to be stopped first."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--faults", type=int, default=1000)
    asked.add_argument("--pace", type=float, default=0.02)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--postgres", default="")
    asked.add_argument("--workers", type=int, default=2, help="of each queue")
    asked.add_argument("--hands", type=int, default=6, help="how many strike at a time")
    asked.add_argument("--jobs", type=int, default=8, help="under way at a time")
    asked.add_argument("--log", default="", help="keep what the processes said here")
    told = asked.parse_args()
    signal.signal(signal.SIGTERM, leave)  # so that its processes do not outlive it
    with tempfile.TemporaryDirectory(prefix="faults") as folder, database(told.postgres) as ledger:
        with running(Shape(told.pace, told.workers, ledger), Path(folder)) as trial:
            code = judged(trial, told)
        if told.log:
            Path(told.log).write_bytes(trial.log.read_bytes())
    return code


def judged(trial: Trial, told: argparse.Namespace) -> int:
    """Strike, wait for calm, print, judge."""
    dice, began = random.Random(told.seed), time.monotonic()
    crowd = Crowd(trial, under_way=told.jobs, seed=told.seed)
    crowd.begin()
    if told.pace < 1:
        TURN[Fault.FROZEN] = threading.Semaphore(2)  # but at true timings one: another of its queue goes on
    matrix = Matrix(trial, plan(told.faults, dice), dice)
    matrix.run(told.hands)
    crowd.end()
    struck = time.monotonic() - began
    books = calm(trial, 60 + 400 * trial.shape.pace)
    waits = table(trial, books, matrix.strikes)
    endings = Counter(row.ending or "not started" for row in books.jobs.values())
    print(
        f"{len(matrix.strikes)} faults in {struck:.0f} s, {len(crowd.started)} jobs {dict(endings)}, "
        f"p95 {p95(waits):.1f} s; {crowd.abandoned} orders given up by the person, {matrix.missed} aims without a job, "
        f"{trial.bucket.calls} calls of the bucket, ended in {time.monotonic() - began:.0f} s"
    )
    faults = wrong(trial, crowd, books, matrix.strikes)
    if told.pace == 1 and p95(waits) > BAR:
        faults.append(f"95 of 100 went on within {p95(waits):.0f} s, and that is more than {BAR:.0f}")
    for fault in faults[:40]:
        print(f"WRONG {fault}")
    print(f"{len(faults)} violations")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
