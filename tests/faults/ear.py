"""Where the stages of a trial are: what they say of themselves, and whom one can aim at."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a stage said; `boss` is the worker whose child `pid` is."""

    job: str
    stage: str
    moment: str  # "begin" or "end"
    pid: int
    boss: int
    at: float  # seconds since 1970


class Ear:
    """Listens on a socket of its own until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(str(path))
        self._line.settimeout(0.2)
        self._news = threading.Condition()
        self._said: list[Heard] = []
        self._of: dict[str, list[Heard]] = defaultdict(list)
        self._closed = False
        self._thread = threading.Thread(target=self._listen, name="ear", daemon=True)

    def __enter__(self) -> Ear:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._thread.join()
        self._line.close()

    def next(self, wanted: Callable[[Heard], bool], seconds: float) -> Heard | None:
        """The next thing said that is wanted; None if none came in time."""
        until = time.monotonic() + seconds
        with self._news:
            place = len(self._said)
            while True:
                for heard in self._said[place:]:
                    if wanted(heard):
                        return heard
                place = len(self._said)
                if not self._news.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    return None

    def of(self, job: str) -> list[Heard]:
        """All that was said of a job so far."""
        with self._news:
            return list(self._of[job])

    def at_work(self) -> list[Heard]:
        """The beginnings of stages that were not heard to end or to begin anew; some of them were cut off."""
        with self._news:
            last = [said[-1] for said in self._of.values() if said]
        return [heard for heard in last if heard.moment == "begin"]

    def _listen(self) -> None:
        while not self._closed:
            try:
                heard = Heard(**json.loads(self._line.recv(4096)))
            except TimeoutError:
                continue
            with self._news:
                self._said.append(heard)
                self._of[heard.job].append(heard)
                self._news.notify_all()
