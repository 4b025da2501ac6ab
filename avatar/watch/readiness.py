"""Whether work could be claimed here, by trying all that a claim needs; asked by whoever sends work or restarts things.

Covers: a ledger that is away, locked, full or read-only, or of another version; keys and store that do not answer; any
        of them hanging. The broker is told and not needed: without it work goes on, rung by the schedule.
Does not cover: a worker process of its own kind that hangs; its lease runs out and its jobs are taken over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from avatar.errors import Unsafe
from avatar.job import ORDER, JobId
from avatar.ledger import claims
from avatar.ledger.history import newest, version
from avatar.service import Service

LONGEST = 2.0  # seconds that all checks together may take; they run side by side
FRESH = 1.0  # seconds that an answer is good for
NOBODY = JobId("job_nobody")  # no id of ours looks like this
NEEDED = ("ledger", "version", "keys", "store")
OK, FAILED, SLOW = "ok", "failed", "slow"


@dataclass(slots=True)
class _Check:
    """One question in a thread of its own, so that an answer that never comes holds up nobody."""

    ask: Callable[[], object]
    said: str = SLOW
    thread: threading.Thread | None = field(default=None, repr=False)

    def begin(self) -> None:
        """Ask, unless the last time it was asked is not answered yet."""
        if self.thread is None or not self.thread.is_alive():
            self.said = SLOW
            self.thread = threading.Thread(target=self._run, name="ready", daemon=True)
            self.thread.start()

    def answer(self, until: float) -> str:
        if self.thread is not None:
            self.thread.join(max(0.0, until - time.monotonic()))
        return self.said

    def _run(self) -> None:
        try:
            self.ask()
        except Exception:  # whatever it is, work could not be claimed; what it says is nobody's outside
            self.said = FAILED
        else:
            self.said = OK


class Readiness:
    """The answer for one service; remembered for a moment, safe for several threads."""

    def __init__(self, service: Service) -> None:
        self._lock, self._until = threading.Lock(), 0.0
        self._told: Mapping[str, str] = {}
        engine, vault = service.engine, service.vault
        self._checks = {
            "ledger": _Check(lambda: claims.claim(engine, NOBODY, ORDER, "nobody", service.times)),
            "version": _Check(lambda: same(version(engine), newest())),
            "keys": _Check(vault.reach_keys),
            "store": _Check(vault.reach_store),
            "broker": _Check(service.bell.reach),
        }

    def look(self) -> Mapping[str, str]:
        """Each part by name: ok, failed or slow."""
        with self._lock:
            if time.monotonic() > self._until:
                until = time.monotonic() + LONGEST
                for check in self._checks.values():
                    check.begin()
                self._told = {name: check.answer(until) for name, check in self._checks.items()}
                self._until = time.monotonic() + FRESH
            return self._told


def failing(told: Mapping[str, str]) -> list[str]:
    """What is needed and does not answer as it must; empty where claims work."""
    return [name for name in NEEDED if told[name] != OK]


def same(found: str, wanted: str) -> None:
    """Unsafe where the ledger is not of this code's version."""
    if found != wanted:
        raise Unsafe("The ledger is of another version.", code="ledger_version")
