"""The outbox: sent once by plan, tried for two days, then given up aloud."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, select

from avatar.job import JobId
from avatar.ledger import outbox
from avatar.ledger.clients import Client
from avatar.ledger.engine import transaction
from avatar.ledger.outbox import Tried
from avatar.ledger.tables import OutboxRow
from tests.ordering import told_at

Start = Callable[[], JobId]


@pytest.fixture(autouse=True)
def endpoint(engine: Engine, client: Client) -> None:
    told_at(engine, client)


def announced(engine: Engine, job: JobId) -> None:
    with transaction(engine) as session:
        outbox.announce(session, job, "job.done")


def test_two_relays_do_not_take_one_message(engine: Engine, started: Start) -> None:
    announced(engine, started())
    assert len(outbox.take(engine, 10, lease=60)) == 1
    assert outbox.take(engine, 10, lease=60) == []


def test_a_relay_that_died_leaves_its_message_to_the_next(engine: Engine, started: Start) -> None:
    announced(engine, started())
    assert len(outbox.take(engine, 10, lease=-1)) == 1
    again = outbox.take(engine, 10, lease=60)
    assert [message.tries for message in again] == [2]


def test_what_arrived_is_not_sent_again(engine: Engine, started: Start) -> None:
    announced(engine, started())
    outbox.settle(engine, outbox.take(engine, 10, lease=60)[0], Tried("ok", 200))
    assert outbox.take(engine, 10, lease=60) == []


def test_a_dead_end_is_tried_at_least_eight_times_and_then_given_up(engine: Engine, started: Start) -> None:
    announced(engine, started())
    tries = 0
    while found := outbox.take(engine, 10, lease=60):
        tries += 1
        outbox.settle(engine, found[0], Tried("refused", 500), pace=0.0)
    assert tries == len(outbox.WAITS) + 1 >= 8
    with transaction(engine) as session:
        assert session.scalars(select(OutboxRow.gave_up_at)).one() is not None


def test_a_failed_try_waits_before_the_next(engine: Engine, started: Start) -> None:
    announced(engine, started())
    outbox.settle(engine, outbox.take(engine, 10, lease=60)[0], Tried("timeout"))
    assert outbox.take(engine, 10, lease=60) == []
