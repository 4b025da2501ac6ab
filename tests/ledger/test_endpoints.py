"""Endpoints and their messages, seen by their owner alone; the same on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, func, select

from avatar.errors import JobRefused, NotFound, NotNow
from avatar.job import JobId
from avatar.ledger import endpoints, outbox
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.endpoints import MOST, Named
from avatar.ledger.engine import transaction
from avatar.ledger.outbox import AT_ONCE, Tried
from avatar.ledger.tables import AuditRow, EndpointRow, OutboxRow

Start = Callable[[], JobId]


def named(engine: Engine, client: Client, name: str = "end_1") -> EndpointRow:
    return endpoints.make(engine, client, Named(name, "https://app.example/hook", "sealed"))


def announced(engine: Engine, job: JobId, event: str = "job.done") -> None:
    with transaction(engine) as session:
        outbox.announce(session, job, event)


def test_a_client_has_five_at_most_and_making_one_twice_makes_one(engine: Engine, client: Client) -> None:
    for number in range(MOST):
        assert named(engine, client, f"end_{number}").id == named(engine, client, f"end_{number}").id
    with pytest.raises(JobRefused) as refused:
        named(engine, client, "end_more")
    assert refused.value.code == "too_many_webhooks"
    endpoints.remove(engine, client, "end_0")
    assert named(engine, client, "end_more").client == client.id
    assert len(endpoints.listed(engine, client)) == MOST


def test_fifty_calls_at_once_make_five(engine: Engine, client: Client) -> None:
    refused: list[JobRefused] = []

    def make(number: int) -> None:
        try:
            named(engine, client, f"end_{number}")
        except JobRefused as error:
            refused.append(error)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(endpoints.listed(engine, client)), len(refused)) == (MOST, 20 - MOST)


def test_a_stranger_sees_and_changes_nothing(engine: Engine, client: Client, started: Start) -> None:
    mine = named(engine, client)
    announced(engine, started())
    with transaction(engine) as session:
        message = session.scalars(select(OutboxRow.id)).one()
    stranger, _ = make_client(engine, "other", Scope.CLIENT, Quota())
    named(engine, stranger, "end_2")
    calls: list[Callable[[], object]] = [
        lambda: endpoints.look(engine, stranger, mine.id),
        lambda: endpoints.remove(engine, stranger, mine.id),
        lambda: endpoints.messages(engine, stranger, mine.id, 10),
        lambda: endpoints.tries(engine, stranger, mine.id, message),
        lambda: endpoints.tries(engine, stranger, "end_2", message),
        lambda: endpoints.replay(engine, stranger, mine.id, message),
        lambda: endpoints.replay(engine, stranger, "end_2", message),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    with pytest.raises(NotNow):
        endpoints.change(engine, stranger, mine, "other")
    assert [row.id for row in endpoints.listed(engine, stranger)] == ["end_2"]
    assert [row.secret for row in endpoints.listed(engine, client)] == ["sealed"]


def test_messages_come_in_pages_newest_first(engine: Engine, client: Client, started: Start) -> None:
    named(engine, client)
    jobs = [started() for _ in range(5)]
    for job in jobs:
        announced(engine, job)
    seen: list[str] = []
    after = None
    while rows := endpoints.messages(engine, client, "end_1", 2, after):
        seen += [row.job for row in rows]
        after = (rows[-1].made_at, rows[-1].id)
    assert seen == jobs[::-1]


def test_each_endpoint_is_told_and_each_message_is_its_own(engine: Engine, client: Client, started: Start) -> None:
    named(engine, client)
    named(engine, client, "end_2")
    announced(engine, started())
    one, two = (endpoints.messages(engine, client, name, 10)[0] for name in ("end_1", "end_2"))
    assert one.id != two.id
    with pytest.raises(NotFound):
        endpoints.tries(engine, client, "end_2", one.id)


def test_a_replay_is_due_at_once_with_all_its_tries_and_is_in_the_audit(
    engine: Engine, client: Client, started: Start
) -> None:
    named(engine, client)
    announced(engine, started())
    [message] = outbox.take(engine, 1, 60)
    outbox.settle(engine, message, Tried("ok", 204, 0.25))
    for times in (1, 2):
        endpoints.replay(engine, client, "end_1", message.id)
        [again] = outbox.take(engine, 1, 60)
        assert (again.id, again.tries) == (message.id, 1)
        outbox.settle(engine, again, Tried("ok", 204))
        assert len(endpoints.tries(engine, client, "end_1", message.id)) == times + 1
    with transaction(engine) as session:
        replays = select(func.count()).where(AuditRow.code == "message_replayed", AuditRow.target == message.id)
        assert session.scalar(replays) == 2
    log = endpoints.tries(engine, client, "end_1", message.id)
    assert (log[0].code, log[0].status, log[0].seconds) == ("ok", 204, 0.25)


def test_one_client_has_a_few_under_way_at_once_and_another_is_not_kept_waiting(
    engine: Engine, client: Client, started: Start
) -> None:
    named(engine, client)
    for _ in range(AT_ONCE + 2):
        announced(engine, started())
    taken = [row for _ in range(AT_ONCE + 2) for row in outbox.take(engine, 1, 60)]
    assert len(taken) == AT_ONCE
    outbox.settle(engine, taken[0], Tried("ok", 200))
    assert len(outbox.take(engine, 1, 60)) == 1


def test_a_changed_secret_takes_the_place_of_the_one_that_was_seen(engine: Engine, client: Client) -> None:
    row = named(engine, client)
    endpoints.change(engine, client, row, "second")
    with pytest.raises(NotNow):
        endpoints.change(engine, client, row, "third")
    kept = endpoints.look(engine, client, row.id)[0].secret
    assert kept == "second"
