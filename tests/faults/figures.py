"""How fast jobs went on after they were struck."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from avatar.job import Stage
from tests.faults.judge import Books
from tests.faults.strikes import STAGES, Fault, Strike
from tests.faults.trial import Trial


def resumed(trial: Trial, books: Books, done: Strike) -> float | None:
    """Seconds from the strike to the job's next beginning of a stage, or to its end; None if that was behind it."""
    later = [heard.at for heard in trial.ear.of(done.job) if heard.moment == "begin" and heard.at > done.at]
    row = books.jobs[done.job]
    later += [at for at in (row.ended_at, *(one.done_at for one in books.owed[done.job])) if at and at > done.at]
    return min(later) - done.at if later else None


def table(trial: Trial, books: Books, strikes: Sequence[Strike]) -> list[float]:
    """Print how fast jobs went on; every figure."""
    waits: dict[tuple[Fault, Stage], list[float | None]] = defaultdict(list)
    for done in strikes:
        waits[done.fault, Stage(done.stage)].append(resumed(trial, books, done))
    print(f"{'':22}" + "".join(f"{stage:>18}" for stage in STAGES) + "   (count p50 p95 of seconds to go on)")
    for fault in Fault:
        print(f"{fault:22}" + "".join(f"{_figures(waits[fault, stage]):>18}" for stage in STAGES))
    return [wait for some in waits.values() for wait in some if wait is not None]


def _figures(waits: list[float | None]) -> str:
    """How many were struck, and how fast those went on that were not at their end already."""
    went = [wait for wait in waits if wait is not None]
    return f"{len(waits)} {statistics.median(went):.1f} {p95(went):.1f}" if went else str(len(waits) or "-")


def p95(waits: Sequence[float]) -> float:
    """What 95 of 100 do not exceed."""
    return sorted(waits)[max(0, -(-95 * len(waits) // 100) - 1)] if waits else 0.0
