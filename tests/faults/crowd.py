"""People who order: they send photos and start jobs by HTTP, try again where the service was away, and delete some."""

from __future__ import annotations

import http.client
import io
import json
import random
import socket
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from sqlalchemy import func, select

from avatar.ledger.engine import transaction
from avatar.ledger.tables import JobRow
from tests.faults.trial import Trial

CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
PATIENCE = 150.0  # seconds for one answer: longer than all tries of the service at a bucket that hangs
DELETES = 0.15  # of the started jobs are deleted by their owner, at any moment


@dataclass(slots=True)
class Crowd:
    """Keeps so many jobs under way until it is told to stop."""

    trial: Trial
    under_way: int
    seed: int
    clients: int = 3
    started: list[str] = field(default_factory=list)  # the service said that it took the order
    abandoned: int = 0  # the answer was lost, and the person ordered anew
    deleted: set[str] = field(default_factory=set)  # the service said that it deletes
    asked: set[str] = field(default_factory=set)  # a deletion was asked for; the answer may be lost
    errors: list[str] = field(default_factory=list)  # answers that no fault explains
    enough: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self) -> None:
        for number in range(self.clients):
            dice = random.Random(f"{self.seed}/{number}")
            self._threads.append(threading.Thread(target=self._person, args=(dice,), daemon=True))
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """No more orders; those that were begun are seen through."""
        self.enough.set()
        for thread in self._threads:
            thread.join()

    def _person(self, dice: random.Random) -> None:
        while not self.enough.is_set():
            if self._alive() >= self.under_way:
                self.enough.wait(0.1)
                continue
            job = self._order(dice)
            if job is not None and dice.random() < DELETES:
                self.enough.wait(dice.uniform(0, 12 * self.trial.shape.stage))
                self._delete(job)

    def _alive(self) -> int:
        alive = select(func.count()).where(JobRow.started_at.is_not(None), JobRow.ending.is_(None))
        try:
            with transaction(self.trial.service.engine) as session:
                return session.scalar(alive) or 0
        except Exception:  # the ledger is under fire too
            return self.under_way

    def _order(self, dice: random.Random) -> str | None:
        """One job with its photos, started; None where it came to nothing."""
        wanted = {"styles": ["photo"], "count": 2, "consent": CONSENT}
        status, told = self._call("POST", "/v1/jobs", json.dumps(wanted).encode())
        if status != 201:
            self._note(status, told, "make")
            return None
        job = str(told["id"])
        for _ in range(dice.randint(1, 2)):
            status, told = self._call("POST", f"/v1/jobs/{job}/photos", photo(dice))
            if status != 201:
                self._note(status, told, "photo")
                return None
        if self._insist("POST", f"/v1/jobs/{job}/start"):
            self.started.append(job)
            return job
        return None

    def _delete(self, job: str) -> None:
        self.asked.add(job)
        if self._insist("DELETE", f"/v1/jobs/{job}"):
            self.deleted.add(job)

    def _insist(self, method: str, path: str) -> bool:
        """Call until it is accepted: these calls may be repeated."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            status, told = self._call(method, path)
            if status == 202:
                return True
            if 400 <= status < 500:
                self.errors.append(f"{method} {path}: {status} {told}")
                return False
            time.sleep(0.1)
        self.errors.append(f"{method} {path}: never accepted")
        return False

    def _note(self, status: int, told: Any, what: str) -> None:
        """The person gives this order up, and orders anew a little later."""
        self.abandoned += status != 0
        if 400 <= status < 500:
            self.errors.append(f"{what}: {status} {told}")
        self.enough.wait(0.3)

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """One call; status 0 where no answer came."""
        kind = "application/json" if path == "/v1/jobs" else "image/png"
        headers = {"Authorization": f"Bearer {self.trial.key}", **({"Content-Type": kind} if body else {})}
        try:
            with closing(socket.socket()) as line, closing(http.client.HTTPConnection("127.0.0.1")) as connection:
                line.settimeout(PATIENCE)
                line.connect(("127.0.0.1", self.trial.port))
                connection.sock = line
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                told = answer.read()
            return answer.status, json.loads(told) if told else None
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None


def photo(dice: random.Random) -> bytes:
    """A small picture, of nobody."""
    colour = (dice.randrange(256), dice.randrange(256), dice.randrange(256))
    file = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(file, "PNG")
    return file.getvalue()
