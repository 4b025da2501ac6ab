"""What must be true when a trial is over: nothing lost, nothing twice, nothing left, every deletion paid."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from avatar.erasure.receipt import check
from avatar.job import Ending, JobId, Kind
from avatar.ledger.claims import ATTEMPTS
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow, JobRow, OutboxRow
from avatar.vault.keyring import Keyring, master_key
from tests.faults.crowd import Crowd
from tests.faults.moves import Moves, moves, wrong_moves
from tests.faults.strikes import Strike
from tests.faults.stub import SHOTS, content
from tests.faults.trial import Trial

PACK = (*SHOTS, "report.json")
RARE = 0.01  # of the jobs may be struck so often in one stage that they end by the rule of three


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger as it stands."""

    jobs: dict[str, JobRow]
    owed: dict[str, list[DeletionRow]]
    said: dict[str, Counter[str]]
    moves: Moves

    @classmethod
    def of(cls, trial: Trial) -> Books:
        owed: dict[str, list[DeletionRow]] = defaultdict(list)
        said: dict[str, Counter[str]] = defaultdict(Counter)
        with transaction(trial.service.engine) as session:
            for deletion in session.scalars(select(DeletionRow)):
                owed[deletion.job].append(deletion)
            for message in session.scalars(select(OutboxRow)):
                said[message.job][message.event] += 1
            rows = {row.id: row for row in session.scalars(select(JobRow))}
        return cls(rows, owed, said, moves(trial.service.engine))

    def waiting(self) -> list[str]:
        """What has not come to an end: started jobs, deletions that are due."""
        jobs = [row.id for row in self.jobs.values() if row.started_at is not None and row.ending is None]
        owed = [one for rows in self.owed.values() for one in rows if one.done_at is None]
        return jobs + [one.id for one in owed if one.due_at < time.time() + 1]

    def erased(self, job: str) -> bool:
        """Whether all of it must be gone."""
        return any(one.what == "everything" and one.done_at is not None for one in self.owed[job])


def calm(trial: Trial, seconds: float) -> Books:
    """Wait until nothing is under way; the books then."""
    until = time.monotonic() + seconds
    while (books := Books.of(trial)).waiting() and time.monotonic() < until:
        time.sleep(0.3)
    return books


def wrong(trial: Trial, crowd: Crowd, books: Books, strikes: Sequence[Strike]) -> list[str]:
    """Everything that is not as it must be, in words; empty if all is well."""
    found = [f"still under way: {name}" for name in books.waiting()]
    found += [f"unexplained answer: {error}" for error in crowd.errors]
    begun = {job for job, row in books.jobs.items() if row.started_at is not None}
    found += [f"accepted, but not begun in the books: {job}" for job in crowd.started if job not in begun]
    for job, row in books.jobs.items():
        found += [f"{job}: {fault}" for fault in _of_job(row, books, crowd, strikes)]
    failed = sum(row.ending == Ending.FAILED for row in books.jobs.values())
    if failed > RARE * len(crowd.started) + 1:
        found.append(f"{failed} of {len(crowd.started)} jobs ended by the rule of three")
    return found + _orphans(trial, books)


def _of_job(row: JobRow, books: Books, crowd: Crowd, strikes: Sequence[Strike]) -> list[str]:
    if row.started_at is None:
        return ["ended without a start"] if row.ending and row.id not in crowd.asked else []
    said, found = books.said[row.id], wrong_moves(books.moves[row.id])
    if sum(said.values()) > 1:
        found.append(f"its end was told {dict(said)}")
    if row.ending == Ending.FAILED:
        hits = max(hits_of(row.id, strikes).values(), default=0)
        if hits < ATTEMPTS:
            found.append(f"it was given up ({row.code}) after {hits} hits")
    elif row.ending != Ending.DONE and row.id not in crowd.asked:
        found.append(f"it ended {row.ending} with {row.code}")
    if not books.owed[row.id]:
        found.append("no deletion is owed")
    paid = [one for one in books.owed[row.id] if one.done_at is not None]
    found += [f"{one.id}: no valid receipt" for one in paid if not one.receipt or not _valid(one)]
    return found


def hits_of(job: str, strikes: Sequence[Strike]) -> Counter[str]:
    """How often a job was struck in each stage."""
    return Counter(stage for strike in strikes for other, stage in strike.others if other == job)


def _valid(deletion: DeletionRow) -> bool:
    assert deletion.receipt is not None
    return check(deletion.receipt) and bool(deletion.receipt["complete"])


def _orphans(trial: Trial, books: Books) -> list[str]:
    """Objects and keys without a reason, and packs that are not whole."""
    found: list[str] = []
    kept = {job for job, row in books.jobs.items() if row.ending == Ending.DONE and not books.erased(job)}
    open_ones = {job for job, row in books.jobs.items() if row.ending is None}
    for path in sorted(trial.bucket.objects):
        job, kind, _ = path.split("/")
        if not (job in kept and kind == Kind.PACK) and not (job in open_ones and kind == Kind.PHOTO):
            found.append(f"an orphan: {path}")
    settings = trial.service.settings
    keys = Keyring(settings.service / "keys", master_key(settings.service / "sealing" / "sealing.key")).jobs()
    reasons = open_ones | {job.replace("job_", "pack_") for job in kept | open_ones}
    found += [f"a key without a reason: {key}" for key in keys if key not in reasons]
    for job in kept:
        for name in PACK:
            if trial.service.vault.get(JobId(job), Kind.PACK, name) != content(JobId(job), Kind.PACK, name):
                found.append(f"{job}: {name} of its pack is not as it was made")
    return found
