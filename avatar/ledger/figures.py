"""What past jobs say about how long the next one takes."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping

from sqlalchemy import Engine, select

from avatar.job import ORDER, Ending, Stage
from avatar.ledger.engine import reading
from avatar.ledger.tables import JobRow

PAST = 30  # jobs that are looked at; the machines and the orders of last month say little
FRESH = 30.0  # seconds that an answer is good for


def usual(engine: Engine) -> Mapping[Stage, float]:
    """The median seconds of each stage over the latest delivered jobs; empty where there were none."""
    done = select(JobRow.facts).where(JobRow.ending == Ending.DONE, JobRow.erased_at.is_(None), ~JobRow.test)
    with reading(engine) as session:
        past = session.scalars(done.order_by(JobRow.ended_at.desc()).limit(PAST)).all()
    seconds = {stage: [one[stage]["seconds"] for one in past if "seconds" in one.get(stage, {})] for stage in ORDER}
    return {stage: statistics.median(values) for stage, values in seconds.items() if values}


class Forecast:
    """How long a job still takes, from what is usual; asked often, so what is usual is looked up now and then."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._usual: Mapping[Stage, float] = {}
        self._until = 0.0

    def left(self, stage: Stage, ahead: int, of_stage: float | None) -> float | None:
        """Seconds until delivery; None where nothing is known yet.

        `ahead`: jobs in line before it, of which one is at work at a time; `of_stage`: what the stage itself says is
        left of it.
        """
        usual = self._known()
        if stage not in ORDER or not usual:
            return None
        here = usual.get(stage, 0.0)
        after = sum(usual.get(one, 0.0) for one in ORDER[ORDER.index(stage) + 1 :])
        return round(ahead * here + (here if of_stage is None else of_stage) + after, 1)

    def _known(self) -> Mapping[Stage, float]:
        with self._lock:
            if time.monotonic() > self._until:
                self._usual, self._until = usual(self._engine), time.monotonic() + FRESH
            return self._usual
