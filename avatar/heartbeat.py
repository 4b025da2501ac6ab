"""Keep a claim alive while its stage works, and bring the wish to stop to the stage at its next step.

Covers: a ledger that is away for a while (the claim is held as long as the lease can still be ours); progress with the
        time left, written with each beat; a claim that was lost, which stops the work instead of doing it twice.
Does not cover: a process that is frozen. It can not know; its fence is refused when it wakes.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from avatar.errors import Cancelled, Stale
from avatar.ledger.claims import Claim, Times, beat


class Heartbeat:
    """A `with` around a stage's work; itself the stage's `Progress`."""

    def __init__(self, engine: Engine, held: Claim, times: Times) -> None:
        self._engine, self._held, self._times = engine, held, times
        self._begun = time.monotonic()
        self._told: dict[str, float | str] = {}
        self._over, self._stop, self._lost = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """Called by the stage. Cancelled when somebody asked for that; Stale when the claim is lost."""
        if self._lost.is_set():
            raise Stale("This worker's claim ran out; another one has the job.")
        if self._stop.is_set():
            raise Cancelled("The job was stopped on request.")
        spent = time.monotonic() - self._begun
        left = {"seconds_left": round(spent * (total - done) / done, 1)} if done > 0 else {}
        self._told = {"done": done, "total": total, **left}

    def _run(self) -> None:
        seen = time.monotonic()
        while not self._over.wait(self._times.heartbeat):
            try:
                if beat(self._engine, self._held, self._times, self._told):
                    self._stop.set()
                seen = time.monotonic()
            except Stale:
                self._lost.set()
                return
            except SQLAlchemyError:  # the ledger is away; it may be back before the lease runs out
                if time.monotonic() - seen > self._times.lease:
                    self._lost.set()
                    return
