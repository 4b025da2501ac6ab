"""What an operator's purge would erase, and erasing it here and now, without a worker.

Each job's deletion is owed in the ledger first and carried out then: cut off anywhere, whoever comes next (a worker, or
the same command again) goes on with it. Twice is the same as once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from avatar.errors import AvatarError, Cancelled
from avatar.job import JobId
from avatar.ledger import holds
from avatar.ledger.chosen import Which, choose, demand_all, owed

LOOKS = 0.2  # seconds between two looks at a deletion that somebody else is carrying out


class Weighing(Protocol):
    """What planning asks of a vault."""

    def weigh(self, job: JobId) -> tuple[int, int]: ...


class Came(StrEnum):
    """What came of one job."""

    ERASED = "erased"
    HELD = "held"  # under a legal hold: owed, and left alone
    OWED = "owed"  # it would not go now; a worker tries again


@dataclass(frozen=True, slots=True)
class Planned:
    """One job that would go."""

    job: JobId
    client: str
    state: str
    objects: int
    bytes: int
    held: bool


@dataclass(frozen=True, slots=True)
class Purged:
    """One job, and what came of it."""

    job: JobId
    came: Came
    code: str = ""  # why it is owed


def plan(engine: Engine, vault: Weighing, which: Which) -> list[Planned]:
    """What would go, exactly; nothing is changed."""
    found = []
    for row in choose(engine, which):
        objects, size = vault.weigh(JobId(row.id))
        state = row.ending or ("waiting_for_photos" if row.started_at is None else row.stage)
        found.append(Planned(JobId(row.id), row.client, state, objects, size, row.held))
    return found


def carry_out(
    engine: Engine, purge: Callable[[str], None], jobs: Sequence[JobId], who: str, patience: float
) -> Iterator[Purged]:
    """Erase these jobs one by one. `patience`: seconds to wait for somebody else who has begun, or died, at one."""
    for job in jobs:
        demand_all(engine, job, who)
        yield Purged(job, Came.HELD) if holds.held(engine, job) else _erased(engine, purge, job, patience)


def _erased(engine: Engine, purge: Callable[[str], None], job: JobId, patience: float) -> Purged:
    until = time.monotonic() + patience
    while left := owed(engine, job):
        try:
            for deletion in left:
                purge(deletion)
        except Cancelled:  # by whoever runs the command; this job stays owed
            raise
        except AvatarError as error:
            return Purged(job, Came.OWED, error.code)
        except (OSError, SQLAlchemyError) as fault:
            return Purged(job, Came.OWED, type(fault).__name__)
        if owed(engine, job):
            if holds.held(engine, job):
                return Purged(job, Came.HELD)
            if time.monotonic() > until:
                return Purged(job, Came.OWED, "busy")
            time.sleep(LOOKS)
    return Purged(job, Came.ERASED)
