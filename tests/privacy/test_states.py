"""Purge against everything at once: a machine that uploads, works, cancels, erases, is late, and is looked at.

After every step: nothing of an erased job opens, and what a purge called done is gone but for what lands late. At the
end, when the second looks are over, nothing is left at all.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from avatar.errors import AvatarError, NotNow, Spoiled
from avatar.job import JobId, Kind
from avatar.ledger import claims, deletions, holds, orders, uploads
from avatar.ledger.engine import reading, transaction
from avatar.ledger.expiry import expire
from avatar.ledger.tables import DeletionRow, JobRow
from avatar.shift import work
from tests.privacy.canaries import Canaries
from tests.privacy.scan import scan, steal
from tests.privacy.staging import staged
from tests.privacy.subject import bench, ordered

FULL = os.environ.get("AVATAR_TEST_FULL") == "1"  # 500 examples of 40 steps; else a taste of it
EXAMPLES, STEPS = (500, 40) if FULL else (15, 30)
MOST = 3  # jobs at a time


class Purging(RuleBasedStateMachine):
    """One service, a few jobs, and everything that may happen to them in any order."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.patch = pytest.MonkeyPatch()
        self.open = staged(Path(self.folder.name), "folder", self.patch, pace=0.01)
        self.stage = self.open.__enter__()
        self.service, self.client = self.stage.service, self.stage.client
        self.thieves: dict[JobId, object] = {}
        self.gone: set[JobId] = set()  # asked to be erased, and not held then

    @rule(target=jobs)
    def order(self) -> JobId | None:
        if len(self.thieves) >= MOST:
            return None
        canaries = Canaries()
        job = ordered(self.service, self.client, canaries)
        self.thieves[job] = steal(self.service, job, canaries)
        return job

    @rule(job=jobs)
    def upload(self, job: JobId | None) -> None:
        if job is None:
            return
        name = f"q{secrets.token_hex(4)}"
        canaries = self.thieves[job].canaries  # type: ignore[attr-defined]
        try:
            uploads.expect(self.service.engine, self.client, job, name)
            self.service.vault.put(job, Kind.PHOTO, name, canaries.content(Kind.PHOTO, name))
            uploads.arrived(self.service.engine, job, name, 1, "")
        except (AvatarError, Spoiled):
            return
        assert job not in self.gone

    @rule(job=jobs)
    def start(self, job: JobId | None) -> None:
        if job is not None:
            try:
                orders.start(self.service.engine, self.client, job)
            except NotNow:
                return

    @rule(job=jobs, purged=st.booleans())
    def turn(self, job: JobId | None, purged: bool) -> None:
        """A worker's turn at a stage, perhaps erased in its middle: the late write must be refused."""
        if job is None:
            return
        canaries = self.thieves[job].canaries  # type: ignore[attr-defined]

        def midway(_: object) -> None:
            if purged:
                self.erase(job)
                self.purge(None)

        try:
            work(bench(self.service, canaries, midway), job)
        except (Spoiled, AssertionError, KeyError):
            assert job in self.gone

    @rule(job=jobs)
    def cancel(self, job: JobId | None) -> None:
        if job is not None:
            orders.cancel(self.service.engine, self.client, job)

    @rule(job=jobs)
    def erase(self, job: JobId | None) -> None:
        if job is not None:
            orders.erase(self.service.engine, self.client, job)
            if self.service.forget(job):
                self.gone.add(job)

    @rule(job=jobs)
    def late(self, job: JobId | None) -> None:
        """Bytes that were under way land, within the time that the second look waits for them."""
        if job is not None and job in self.gone and not self._over(job):
            self.stage.late(job)

    def _over(self, job: JobId) -> bool:
        """Whether everything of the job was looked at twice."""
        mine = select(DeletionRow).where(DeletionRow.job == job, DeletionRow.what == "everything")
        with reading(self.service.engine) as session:
            row = session.scalars(mine).one()
            return row.done_at is not None and row.second_at is None

    @rule(deletion=st.none())
    def purge(self, deletion: None) -> None:
        """Every deletion that is due, first or second look."""
        for owed in deletions.due(self.service.engine, -1):
            self.service.purge(owed)

    @rule()
    def time_passes(self) -> None:
        self.stage.later()

    @rule()
    def reaper(self) -> None:
        expire(self.service.engine, self.service.times, self.service.settings.pace)
        claims.rescue(self.service.engine, self.service.times)

    @rule(job=jobs)
    def worker_dies(self, job: JobId | None) -> None:
        """It claims and is never heard of again."""
        if job is None:
            return
        claims.claim(self.service.engine, job, tuple(bench(self.service, Canaries()).works), "dead", self.service.times)
        with transaction(self.service.engine) as session:
            session.get_one(JobRow, job).lease_until = None

    @rule(job=jobs)
    def hold_and_lift(self, job: JobId | None) -> None:
        """What is held is not touched, whatever is tried meanwhile."""
        if job is None:
            return
        try:
            holds.add(self.service.engine, job, holds.Reason.DISPUTE, "console")
        except NotNow:
            return
        before = self.service.vault.remains(job)
        self.purge(None)
        assert self.service.vault.remains(job) == before
        holds.lift(self.service.engine, job, "console")

    @invariant()
    def what_was_erased_does_not_open(self) -> None:
        for job in getattr(self, "gone", ()):
            for kind in Kind:
                for name in self.service.vault.names(job, kind):
                    with pytest.raises(Spoiled):
                        self.service.vault.get(job, kind, name)

    @invariant()
    def what_was_called_done_is_gone(self) -> None:
        if not hasattr(self, "service"):
            return
        with reading(self.service.engine) as session:
            everything = select(DeletionRow.job).where(
                DeletionRow.what == "everything", DeletionRow.done_at.is_not(None)
            )
            done = set(session.scalars(everything))
        for job in done:
            assert set(self.service.vault.remains(JobId(job))) <= {"crop/late"}

    def teardown(self) -> None:
        if not hasattr(self, "service"):
            return
        for job in self.thieves:
            self.erase(job)
        for _ in range(3):
            self.stage.later()
            self.purge(None)
        left = [find for thief in self.thieves.values() for find in scan(self.service, thief)]  # type: ignore[arg-type]
        for thief in self.thieves.values():
            thief.close()  # type: ignore[attr-defined]
        self.open.__exit__(None, None, None)
        self.patch.undo()
        self.folder.cleanup()
        assert left == []


TestPurging = Purging.TestCase
TestPurging.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
TestPurging.pytestmark = [pytest.mark.timeout(3600)]
