"""The sweep: one run of a job for each N, from the order to the second look, with the Nth operation failing.

python -m tests.privacy.nth            every N, each before and after, once and lasting
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from avatar.errors import AvatarError
from avatar.job import ORDER, JobId
from avatar.ledger import claims, deletions, orders
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, JobRow
from avatar.shift import work
from tests.privacy.canaries import Canaries
from tests.privacy.failing import Saboteur, healed, sabotaged
from tests.privacy.scan import Find, Thief, scan, steal
from tests.privacy.staging import Stage, staged
from tests.privacy.subject import bench, ordered

FAULTS = (AvatarError, SQLAlchemyError, OSError, AssertionError, KeyError)
STEPS = ("job", "purge")  # what is swept: a whole job, or its deletion alone
PACE = 0.005  # a lease is 0.3 s
PATIENCE = 12  # rounds of the schedule after which all of it must be gone


def one(stage: Stage, patch: pytest.MonkeyPatch, saboteur: Saboteur, step: str) -> list[Find]:
    """A run; what is left at its end."""
    canaries = Canaries()
    thief: Thief | None = None
    with patch.context() as inner:
        if step == "purge":
            thief = _made(stage, canaries)
        sabotaged(inner, stage.service.engine, saboteur)
        try:
            thief = thief or _made(stage, canaries)
            _pass(stage, canaries, thief.job)
        except FAULTS:
            pass
        if not saboteur.lasting:
            _again(stage, canaries)
        saboteur.relent()
        healed(stage.service.engine)
    _again(stage, canaries)
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


def _pass(stage: Stage, canaries: Canaries, job: JobId) -> None:
    """Every stage, then the request to erase, then both looks."""
    hands = bench(stage.service, canaries)
    for _ in ORDER:
        work(hands, job)
    deletion = orders.erase(stage.service.engine, stage.client, job)
    stage.service.forget(job)
    stage.service.purge(deletion)
    stage.later()
    stage.service.purge(deletion)


def _again(stage: Stage, canaries: Canaries) -> None:
    """What schedule and workers do a while later: rescue, erase on request, both looks, until nothing is owed."""
    service = stage.service
    for _ in range(PATIENCE):
        try:
            with transaction(service.engine) as session:  # leases run out
                for row in session.scalars(select(JobRow)):
                    row.lease_until, row.not_before = None, None
                jobs = [JobId(row.id) for row in session.scalars(select(JobRow))]
            stage.later()
            claims.rescue(service.engine, service.times)
            for job in jobs:
                orders.erase(service.engine, stage.client, job)
            for deletion in deletions.due(service.engine, -1):
                service.purge(deletion)
            with reading(service.engine) as session:
                left = select(DeletionRow.id).where(DeletionRow.done_at.is_(None) | DeletionRow.second_at.is_not(None))
                if session.scalars(left).first() is None:
                    return
        except FAULTS:
            continue


def _known(stage: Stage) -> JobId | None:
    with reading(stage.service.engine) as session:
        found = session.scalars(select(JobRow.id)).first()
    return JobId(found) if found else None


def _strangers(stage: Stage) -> list[Find]:
    return [Find("vault", f"{job} is in no ledger") for job in stage.service.vault.jobs()]


def sweep(step: str, after: bool, lasting: bool, stride: int = 1) -> Iterator[tuple[int, str, list[Find]]]:
    """(N, what was struck, what was left) for each N, until a run in which nothing was struck."""
    at = 1
    while True:
        saboteur = Saboteur(at, after, lasting)
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
    asked = parser.parse_args()
    left = 0
    for step in asked.step or STEPS:
        for after in (False, True):
            for lasting in (False, True):
                struck: Counter[str] = Counter()
                for at, kind, found in sweep(step, after, lasting, asked.stride):
                    struck[kind or "none"] += 1
                    left += bool(found)
                    for find in found:
                        print(f"{step} N={at} {kind}: {find.store}: {find.what}")
                how = f"{'after' if after else 'before'}, {'lasting' if lasting else 'once'}"
                print(f"{step:<6} {how:<16} {dict(struck)}", flush=True)
    print(f"{left} runs left something")
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
