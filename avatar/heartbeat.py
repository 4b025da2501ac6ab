"""Keep a claim alive while its stage works, and bring the wish to stop to the stage at its next step.

Covers: a ledger that is away for a while (the claim is held as long as the lease can still be ours); progress with the
        time left, written with each beat; a claim that was lost, which stops the work instead of doing it twice.
        a process that was frozen: its vault (`HeldVault`) refuses to write or erase, and the ledger refuses its fence.
Does not cover: a write that was already on its way when the process froze; it is the same bytes under the same name.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from types import TracebackType

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from avatar.errors import Away, Cancelled, Stale
from avatar.job import JobId, Kind
from avatar.ledger import sweeps
from avatar.ledger.claims import Claim, Times, beat
from avatar.vault.sealed import SealedVault


class Heartbeat:
    """A `with` around a stage's work; itself the stage's `Progress`."""

    def __init__(self, engine: Engine, held: Claim, times: Times) -> None:
        self._engine, self._held, self._times = engine, held, times
        self._begun = self._seen = time.monotonic()
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

    def hold(self) -> None:
        """Stale where the claim may be another's by now; a process that was frozen sees it here without asking."""
        if self._lost.is_set() or time.monotonic() - self._seen > self._times.lease - self._times.heartbeat / 5:
            raise Stale("This worker's claim may have run out; another one may have the job.")

    def drops(self, kind: Kind, name: str) -> None:
        """Write down, for the receipt, that the stage takes away an object of an earlier attempt.

        Away where the ledger does not answer: that is not the job's fault, and spends no attempt of it.
        """
        job = self._held.job
        try:
            sweeps.note(self._engine, job.id, {kind: [name]}, job.stage)
        except (OperationalError, InterfaceError) as error:
            raise Away("The ledger does not answer.", code="ledger_away") from error

    def _run(self) -> None:
        while not self._over.wait(self._times.heartbeat):
            try:
                asked = time.monotonic()
                if beat(self._engine, self._held, self._times, self._told):
                    self._stop.set()
                self._seen = asked
            except Stale:
                self._lost.set()
                return
            except SQLAlchemyError:  # the ledger is away; it may be back before the lease runs out
                if time.monotonic() - self._seen > self._times.lease:
                    self._lost.set()
                    return


class HeldVault:
    """A vault that writes and erases only while the claim is surely ours: who woke from a long sleep spoils nothing."""

    def __init__(self, vault: SealedVault, held: Heartbeat) -> None:
        self._vault, self._held = vault, held

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None:
        self._held.hold()
        self._vault.put(job, kind, name, data)

    def put_parts(self, job: JobId, kind: Kind, name: str, parts: Iterable[bytes]) -> None:
        self._held.hold()
        self._vault.put_parts(job, kind, name, parts)

    def get(self, job: JobId, kind: Kind, name: str) -> bytes:
        return self._vault.get(job, kind, name)

    def names(self, job: JobId, kind: Kind) -> list[str]:
        return self._vault.names(job, kind)

    def drop(self, job: JobId, kind: Kind, name: str) -> None:
        self._held.hold()
        self._held.drops(kind, name)
        self._vault.drop(job, kind, name)

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        self._held.hold()
        return self._vault.erase(job, kind)
