"""Move one job through its stages: run, record, erase what nobody needs any more, hand on; and always purge at the end.

Covers: every way a job can end (done, refused, failed, cancelled) leads to purge, once, before anything else happens.
Does not cover: a killed process. Its key died with it; `avatar clean`, or the next command, removes the ciphertext.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from avatar.erasure.receipt import Erased, erased
from avatar.errors import Cancelled
from avatar.job import Again, Done, Ending, Job, Outcome, Refused, Stage, dying_after, following
from avatar.ports import Vault

Hand = Callable[[Job], Outcome]
ATTEMPTS = 3  # a stage that asks to be tried again gets this many tries


@dataclass(slots=True)
class Record:
    """What became of a job so far: its state, the sweeps already made, and why it ended as it did."""

    job: Job
    sweeps: list[Erased] = field(default_factory=list)
    code: str = ""
    sentence: str = ""


def move(record: Record, hand: Hand, vault: Vault, wait: Callable[[float], None] = time.sleep) -> None:
    """One job through one stage. Inputs are erased only once the outcome is recorded, so that a repeat is safe."""
    stage = record.job.stage
    begun = time.monotonic()
    outcome = _run(hand, record.job, wait)
    facts: Mapping[str, Any] = {**outcome.facts, "seconds": round(time.monotonic() - begun, 2)}
    record.job = replace(record.job, facts={**record.job.facts, stage: facts})
    if isinstance(outcome, Refused):
        record.job = replace(record.job, ending=Ending.REFUSED, stage=Stage.PURGE)
        record.code, record.sentence = outcome.code, outcome.sentence
        return
    record.job = replace(record.job, stage=following(stage))
    for kind in dying_after(stage):
        names = vault.erase(record.job.id, kind)
        if names:
            record.sweeps.append(erased(kind, names, stage))


def _run(hand: Hand, job: Job, wait: Callable[[float], None]) -> Done | Refused:
    for attempt in range(ATTEMPTS):
        outcome = hand(job)
        if not isinstance(outcome, Again):
            return outcome
        if attempt + 1 < ATTEMPTS:
            wait(outcome.after)
    return Refused("gave_up", f"The {job.stage} stage did not succeed in {ATTEMPTS} tries.")


def carry(record: Record, hands: Mapping[Stage, Hand], vault: Vault) -> None:
    """Take the job as far as it goes. Faults are raised after the ending is recorded; the caller purges in any case."""
    try:
        while record.job.stage is not Stage.PURGE:
            move(record, hands[record.job.stage], vault)
        record.job = replace(record.job, ending=record.job.ending or Ending.DONE)
    except (Cancelled, KeyboardInterrupt):
        record.job = replace(record.job, ending=Ending.CANCELLED)
        record.code, record.sentence = "cancelled", "The job was stopped on request."
        raise
    except BaseException:
        record.job = replace(record.job, ending=Ending.FAILED)
        raise
