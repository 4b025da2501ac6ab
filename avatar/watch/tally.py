"""Sums over the jobs that ended: how, after how many seconds in each stage, and what each delivery took.

Every process that is asked gives the same sums, since they come from the ledger and not from what it saw itself. A job
that ended a while ago does not change any more: it is counted once and remembered, so a look reads the latest only.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from copy import deepcopy
from dataclasses import dataclass, field

from sqlalchemy import Engine

from avatar.job import Ending, Stage
from avatar.ledger.clock import read
from avatar.ledger.engine import reading
from avatar.ledger.watch import Ended, ended
from avatar.weights.registry import TABLE

BOUNDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0)  # seconds; a stage has an hour
SETTLED = 60.0  # seconds after which no record of an ending is still on its way: a writer waits ten at most
OTHER = "other"  # what is not on our lists: a label must never grow with what is sent to us
DEVICES = ("cpu", "cuda", "mps")

# Every code that a job can end with; `tests/watch` finds those of the stages and compares.
CODES = frozenset(
    {
        *("", "cancelled", "expired", "took_too_long", "gave_up", "fault"),
        *("too_few_photos", "looks_under_18", "disallowed_content", "no_crops", "nothing_passed"),
        *("job_refused", "photo_refused", "unknown_style", "unknown_base", "base_changed", "tune_diverged"),
        *("broken_pack", "weights_missing", "weights_refused", "digest_differs", "other_base"),
        *("unsafe", "away", "spoiled", "not_found", "error"),
        *("bucket_away", "store_away", "store_unsteady", "keys_away", "delete_refused", "delete_undone"),
    }
)


@dataclass(slots=True)
class Histogram:
    """How many took up to each bound, and all their seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and how many are at or below it, as Prometheus wants them."""
        below, told = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            below += count
            told.append((bound, float(below)))
        return told


@dataclass(slots=True)
class Sums:
    """What was counted so far."""

    endings: Counter[tuple[str, str]] = field(default_factory=Counter)  # by ending and code
    stages: defaultdict[Stage, Histogram] = field(default_factory=lambda: defaultdict(Histogram))
    heavy: defaultdict[tuple[str, str], Histogram] = field(default_factory=lambda: defaultdict(Histogram))

    def add(self, job: Ended) -> None:
        self.endings[job.ending, job.code if job.code in CODES else OTHER] += 1
        for stage, seconds in job.seconds.items():
            self.stages[stage].add(seconds)
        if job.ending == Ending.DONE:
            spent = job.seconds.get(Stage.TUNE, 0.0) + job.seconds.get(Stage.RENDER, 0.0)
            base = job.base if job.base in TABLE else OTHER
            self.heavy[base, job.device if job.device in DEVICES else OTHER].add(spent)


class Tally:
    """The sums of a ledger, kept up from look to look; safe for several threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._lock = engine, threading.Lock()
        self._settled, self._until = Sums(), 0.0

    def look(self) -> Sums:
        """The sums as they are now."""
        with self._lock, reading(self._engine) as session:
            until = read(session) - SETTLED
            settled, late = deepcopy(self._settled), []
            for job in ended(session, self._until):
                if job.at <= until:
                    settled.add(job)
                else:
                    late.append(job)
            self._settled, self._until = settled, max(self._until, until)  # only now: a look cut short counts nothing
            sums = deepcopy(settled)
        for job in late:
            sums.add(job)
        return sums
