"""A worker of the tests' own: it does what light and purge workers do, at once, and can be told to wait.

No broker runs: it looks into the ledger, where every piece of work is written before anybody is rung for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from avatar.job import Stage
from avatar.ledger import claims, deletions, uploads
from avatar.photos.checks import verdict
from avatar.queue import Queue
from avatar.service import open_service
from avatar.settings import Settings
from avatar.shift import work

EVERY = 0.1  # seconds between two looks


class Hands(threading.Thread):
    """`held` keeps jobs in line; `verdicts` are given to the next photos, before all others are found good."""

    def __init__(self, state: Path) -> None:
        super().__init__(name="hands", daemon=True)
        self.service = open_service(Settings(state=state))
        self.held, self.over = threading.Event(), threading.Event()
        self.verdicts: list[str] = []
        self.closed: set[Stage] = set()

    def run(self) -> None:
        bench = self.service.bench(Queue.LIGHT)
        ready = replace(self.service.times, ring_again=-1.0)
        while not self.over.wait(EVERY):
            for job, photo in uploads.unseen(self.service.engine, -1.0):
                said = verdict(photo, self.verdicts.pop(0) if self.verdicts else "ok")
                uploads.judge(self.service.engine, job, photo, said.code, said.sentence, said.remedy)
            if not self.held.is_set():
                for waiting in claims.rescue(self.service.engine, ready):
                    if waiting.stage not in self.closed:
                        work(bench, waiting.id)
            for deletion in deletions.due(self.service.engine, -1.0):
                self.service.purge(deletion)

    @contextmanager
    def before(self, stage: Stage) -> Iterator[None]:
        """While this lasts, jobs go as far as this stage and stay in line for it."""
        self.closed.add(stage)
        try:
            yield
        finally:
            self.closed.discard(stage)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While this lasts, jobs stay in line."""
        self.held.set()
        try:
            yield
        finally:
            self.held.clear()
