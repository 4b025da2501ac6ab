"""One worker's turn at a job of the service: claim, run, record, erase what nobody needs any more, hand on.

`pipeline.carry` takes a job of this process through all its stages; here many machines share many jobs.
Covers: any number of messages about one job lead to one record; a stage that breaks, stops or is taken over.
Does not cover: a killed worker. Its lease runs out, and the ledger gives the job to the next one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from avatar import logs
from avatar.errors import AvatarError, Away, Cancelled, Stale
from avatar.heartbeat import Heartbeat
from avatar.job import Again, Done, Job, JobId, Outcome, Refused, Stage, dying_after
from avatar.ledger import claims, holds, sweeps
from avatar.ledger.claims import Times
from avatar.ports import Vault

Given = TypeVar("Given")
Work = Callable[[Job, Heartbeat], Outcome]


@dataclass(frozen=True, slots=True)
class Bench:
    """What one worker of the service has at hand."""

    engine: Engine
    vault: Vault
    works: Mapping[Stage, Work]  # the stages it knows
    owner: str  # what the ledger calls this worker
    times: Times = field(default_factory=Times)
    ring: Callable[[Job], None] = lambda job: None  # tell the next stage's workers
    rehearsal: Mapping[Stage, Work] = field(default_factory=dict)  # of test jobs; empty: it takes none


def work(bench: Bench, job: JobId) -> Job | None:
    """One stage of one job, if it waits for one that this worker knows; the job as it stands after it, else None.

    A fault gives the job back for the next attempt and is raised, so that the worker's log has it.
    """
    known, tests = tuple(bench.works), bool(bench.rehearsal)
    held = _insist(bench, lambda: claims.claim(bench.engine, job, known, bench.owner, bench.times, tests=tests))
    if held is None:
        return None
    begun, works = time.monotonic(), bench.rehearsal if held.job.test else bench.works
    try:
        with Heartbeat(bench.engine, held, bench.times) as progress:
            outcome = works[held.job.stage](held.job, progress)
    except Stale:
        return None
    except Cancelled:  # the ledger ends the job if somebody asked for that; else only this worker has to go
        _give_back(bench, held, "cancelled")
        return None
    except Away:  # not the job's fault: it waits, and no attempt is spent
        outcome = Again(bench.times.rescue)
    except AvatarError as error:
        if error.status != 422:  # not the person's to mend
            _give_back(bench, held, error.code)
            return None
        outcome = Refused(error.code, error.sentence)
    except Exception:
        _give_back(bench, held, "fault")
        raise
    return _record(bench, held, outcome, time.monotonic() - begun)


def _give_back(bench: Bench, held: claims.Claim, code: str) -> None:
    _tell("given_back", held, code=code)
    with contextlib.suppress(Stale):
        _insist(bench, lambda: claims.give_back(bench.engine, held, code))


def _insist(bench: Bench, write: Callable[[], Given]) -> Given:
    """Write to the ledger; where it is away, again, as long as the claim can still be ours."""
    until = time.monotonic() + bench.times.lease
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if time.monotonic() > until:
                raise
            time.sleep(bench.times.heartbeat / 15)  # a second


def _record(bench: Bench, held: claims.Claim, outcome: Outcome, seconds: float) -> Job | None:
    """Write the outcome, then erase what nobody needs any more. Cut off in between, the purge takes the rest."""
    if not isinstance(outcome, Again):
        outcome = replace(outcome, facts={**outcome.facts, "seconds": round(seconds, 2)})
    try:
        job = _insist(bench, lambda: claims.record(bench.engine, held, outcome, bench.times.keep))
    except Stale:
        _tell("overtaken", held)
        return None
    code = outcome.code if isinstance(outcome, Refused) else None
    _tell("recorded", held, outcome=type(outcome).__name__.lower(), code=code, seconds=seconds)
    if job.ending is None and not isinstance(outcome, Again):
        bench.ring(job)
    if isinstance(outcome, Done) and not holds.held(bench.engine, job.id):
        _sweep(bench, held.job)
    return job


def _sweep(bench: Bench, job: Job) -> None:
    """Erase what nobody needs after this stage; written down first, for the receipt."""
    found = {kind: bench.vault.names(job.id, kind) for kind in dying_after(job.stage)}
    _insist(bench, lambda: sweeps.note(bench.engine, job.id, found, job.stage))
    for kind in found:
        bench.vault.erase(job.id, kind)


def _tell(
    event: str, held: claims.Claim, *, code: str | None = None, outcome: str | None = None, seconds: float | None = None
) -> None:
    logs.say(
        event,
        job=held.job.id,
        stage=held.job.stage.value,
        attempt=held.attempt,
        code=code,
        outcome=outcome,
        seconds=seconds,
    )
