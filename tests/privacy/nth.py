"""The sweep: one run of a job for each N, from the order to the second look, with the Nth operation failing.

python -m tests.privacy.nth [--kind broker]      every N, each before and after, once and lasting

Everything that a worker does is rung for: over a broker in memory, whose calls fail in their turn like those to store,
keys, ledger and disk. A ring that was lost is made again by the schedule, which comes by when the run is over.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from avatar.errors import AvatarError
from avatar.job import JobId
from avatar.ledger import orders
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, JobRow
from avatar.shift import work
from tests.privacy.canaries import Canaries
from tests.privacy.failing import Line, Saboteur, healed, sabotaged
from tests.privacy.scan import Find, Thief, scan, steal
from tests.privacy.staging import Stage, staged
from tests.privacy.subject import bench, ordered

FAULTS = (AvatarError, SQLAlchemyError, OSError, AssertionError, KeyError)
STEPS = ("job", "purge")  # what is swept: a whole job, or its deletion alone
PACE = 0.005  # a lease is 0.3 s
KINDS = ("store", "keys", "ledger", "disk", "broker")
PATIENCE = 12  # rounds of the schedule after which all of it must be gone


def one(stage: Stage, patch: pytest.MonkeyPatch, saboteur: Saboteur, step: str) -> list[Find]:
    """A run; what is left at its end."""
    canaries = Canaries()
    thief: Thief | None = None
    with patch.context() as inner:
        work = Work(stage, canaries, Line(inner))
        with patch.context() as fault:
            if step == "purge":
                thief = _made(stage, canaries)
            sabotaged(fault, stage.service.engine, saboteur)
            try:
                thief = thief or _made(stage, canaries)
                work.all_of(thief.job)
            except FAULTS:
                pass
            if not saboteur.lasting:
                work.later()
            saboteur.relent()
            healed(stage.service.engine)
        work.later()
    job = thief.job if thief else _known(stage)
    if job is None:
        return _strangers(stage)
    thief = thief or Thief(job, canaries, {}, {}, {})
    found = scan(stage.service, thief)
    thief.close()
    return found


def _made(stage: Stage, canaries: Canaries) -> Thief:
    """Ordered and started; the thief has the keys."""
    job = ordered(stage.service, stage.client, canaries)
    orders.start(stage.service.engine, stage.client, job)
    return steal(stage.service, job, canaries)


@dataclass(frozen=True, slots=True)
class Work:
    """API, workers and schedule of one service, which reach each other by ringing alone."""

    stage: Stage
    canaries: Canaries
    line: Line

    def all_of(self, job: JobId) -> None:
        """Every stage, then the request to erase, then both looks."""
        service = self.stage.service
        service.ring(orders.start(service.engine, self.stage.client, job))
        self.answer()
        deletion = orders.erase(service.engine, self.stage.client, job)
        service.forget(job)
        service.ring_deletion(deletion)
        self.answer()
        self.stage.later()
        service.ring_what_waits()
        self.answer()

    def answer(self) -> None:
        """Workers do what was rung for. A message whose task broke off is gone, as with a true broker."""
        service = self.stage.service
        hands = bench(service, self.canaries, ring=service.ring)
        while self.line.held:
            task, words = self.line.held.popleft()
            try:
                service.purge(words[0]) if task == "avatar.purge" else work(hands, JobId(words[0]))
            except FAULTS:
                continue

    def later(self) -> None:
        """A while later: leases ran out, the schedule rings, all is asked to be erased, until nothing is owed."""
        service = self.stage.service
        for _ in range(PATIENCE):
            try:
                for job in self._wait():
                    orders.erase(service.engine, self.stage.client, job)
                service.ring_what_waits()
                self.answer()
                with reading(service.engine) as session:
                    owed = DeletionRow.done_at.is_(None) | DeletionRow.second_at.is_not(None)
                    if session.scalars(select(DeletionRow.id).where(owed)).first() is None:
                        return
            except FAULTS:
                continue

    def _wait(self) -> list[JobId]:
        """Every wait of the ledger is over; the jobs it knows."""
        self.stage.later()
        with transaction(self.stage.service.engine) as session:
            for row in session.scalars(select(JobRow)):
                row.lease_until, row.not_before, row.rung_at = None, None, None
            session.execute(update(DeletionRow).values(rung_at=None))
            return [JobId(row.id) for row in session.scalars(select(JobRow))]


def _known(stage: Stage) -> JobId | None:
    with reading(stage.service.engine) as session:
        found = session.scalars(select(JobRow.id)).first()
    return JobId(found) if found else None


def _strangers(stage: Stage) -> list[Find]:
    return [Find("vault", f"{job} is in no ledger") for job in stage.service.vault.jobs()]


def sweep(
    step: str, after: bool, lasting: bool, stride: int = 1, only: str = ""
) -> Iterator[tuple[int, str, list[Find]]]:
    """(N, what was struck, what was left) for each N, until a run in which nothing was struck."""
    at = 1
    while True:
        saboteur = Saboteur(at, after, lasting, only)
        with (
            tempfile.TemporaryDirectory() as folder,
            pytest.MonkeyPatch.context() as patch,
            staged(Path(folder), "folder", patch, PACE) as stage,
        ):
            found = one(stage, patch, saboteur, step)
        yield at, saboteur.struck, found
        if not saboteur.struck:
            return
        at += stride


def main() -> int:
    """All sweeps, a table of them, and 1 where anything was left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--step", choices=STEPS, action="append")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--kind", choices=KINDS, default="", help="count and strike operations of this kind alone")
    asked = parser.parse_args()
    struck: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for step in asked.step or STEPS:
        for after in (False, True):
            for lasting in (False, True):
                here: Counter[str] = Counter()
                for at, kind, found in sweep(step, after, lasting, asked.stride, asked.kind):
                    here[kind or "none"] += 1
                    left[kind or "none"] += bool(found)
                    for find in found:
                        print(f"{step} N={at} {kind}: {find.store}: {find.what}")
                how = f"{'after' if after else 'before'}, {'lasting' if lasting else 'once'}"
                print(f"{step:<6} {how:<16} {dict(here)}", flush=True)
                struck += here
    kinds = (asked.kind,) if asked.kind else KINDS
    for kind in kinds:
        print(f"{kind:<8} struck {struck[kind]:>5} times; something was left {left[kind]} times")
    print(f"{struck.total()} runs, {left.total()} of them left something")
    whole = asked.stride == 1 and asked.step is None
    return int(bool(left.total()) or (whole and not all(struck[kind] for kind in kinds)))


if __name__ == "__main__":
    sys.exit(main())
