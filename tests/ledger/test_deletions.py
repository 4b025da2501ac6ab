"""Deletions: owed once, never given up, paid by one worker."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from avatar.errors import Stale
from avatar.job import JobId
from avatar.ledger import deletions
from avatar.ledger.clock import read
from avatar.ledger.deletions import Debt, What, demand
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow

Start = Callable[[], JobId]


def owed(engine: Engine, job: JobId, after: float = 0.0) -> str:
    with transaction(engine) as session:
        return demand(session, job, What.EVERYTHING, "request", after)


def taken(engine: Engine, deletion: str, lease: float = 60) -> Debt:
    debt = deletions.take(engine, deletion, lease)
    assert debt is not None
    return debt


def test_asking_twice_owes_one_deletion_and_the_earlier_date_holds(engine: Engine, started: Start) -> None:
    job = started()
    later = owed(engine, job, after=3600)
    assert deletions.due(engine, 30) == []
    assert owed(engine, job) == later
    assert deletions.due(engine, 30) == [later]
    assert owed(engine, job, after=7200) == later
    assert deletions.take(engine, later, 60) is not None


def test_one_that_fails_again_and_again_is_never_given_up(engine: Engine, started: Start) -> None:
    deletion = owed(engine, started())
    fences = [taken(engine, deletion, lease=-1).fence for _ in range(20)]
    assert fences == list(range(1, 21))
    assert deletions.due(engine, 0) == [deletion]


def test_each_try_is_given_more_time_than_the_one_before_up_to_a_bound(engine: Engine, started: Start) -> None:
    deletion = owed(engine, started())
    given = []
    for _ in range(12):
        with transaction(engine) as session:
            session.get_one(DeletionRow, deletion).lease_until = None
            begun = read(session)
        taken(engine, deletion, lease=60)
        with transaction(engine) as session:
            until = session.get_one(DeletionRow, deletion).lease_until
        assert until is not None
        given.append(round((until - begun) / 60))
    assert given == [*range(1, 11), 10, 10]


def test_one_worker_pays_and_the_late_one_is_refused(engine: Engine, started: Start) -> None:
    deletion = owed(engine, started())
    late = taken(engine, deletion, lease=-1)
    quick = taken(engine, deletion)
    assert deletions.take(engine, deletion, 60) is None
    with pytest.raises(Stale):
        deletions.pay(engine, late, {"complete": True})
    deletions.pay(engine, quick, {"complete": True})
    assert deletions.take(engine, deletion, 60) is None
    assert deletions.due(engine, 0) == []
    with transaction(engine) as session:
        assert session.get_one(DeletionRow, deletion).receipt == {"complete": True}
