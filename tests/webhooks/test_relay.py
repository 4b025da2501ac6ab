"""The relay: what the ledger announced arrives signed, is tried for two days, and is never in two hands by plan."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from avatar.errors import NotFound, NotNow
from avatar.job import ORDER, Done, JobId, Stage
from avatar.ledger import claims, deletions, endpoints, orders, outbox
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client, Quota, Scope, make_client, revoke
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import transaction
from avatar.ledger.tables import OutboxRow
from avatar.vault.keyring import Safe
from avatar.webhooks import sign
from avatar.webhooks.relay import HANDS, LEASE, Relay
from avatar.webhooks.secret import made, signing
from avatar.webhooks.send import TOTAL
from tests.ordering import ordered
from tests.webhooks.conftest import Doors
from tests.webhooks.receiver import OK, Receiver

SAFE = Safe(bytes(32))
NO = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"


def named(engine: Engine, client: Client, url: str, name: str = "end_1") -> str:
    return endpoints.make(engine, client, endpoints.Named(name, url, made(SAFE, name))).id


@pytest.fixture
def endpoint(engine: Engine, client: Client, receiver: Receiver) -> str:
    return named(engine, client, receiver.url)


@pytest.fixture
def relay(engine: Engine, doors: Doors) -> Relay:
    """One whose waits are over at once."""
    return Relay(engine, SAFE, doors(), pace=1e-9)


def announced(engine: Engine, client: Client, event: str = "job.done") -> JobId:
    job = ordered(engine, client)
    with transaction(engine) as session:
        outbox.announce(session, job, event)
    return job


def rows(engine: Engine) -> list[OutboxRow]:
    with transaction(engine) as session:
        return list(session.scalars(select(OutboxRow).order_by(OutboxRow.made_at)))


def test_the_end_of_a_job_and_of_all_its_data_is_told_signed_and_in_ids_and_codes_only(
    engine: Engine, client: Client, endpoint: str, relay: Relay, receiver: Receiver
) -> None:
    job = ordered(engine, client)
    orders.start(engine, client, job)
    for stage in ORDER:
        held = claims.claim(engine, job, ORDER, "worker", Times())
        assert held is not None
        claims.record(engine, held, Done({"pictures": 7} if stage is Stage.FINISH else {}), keep=-1.0)
    assert relay.work() == 1
    owed = deletions.due(engine, 0)
    for deletion in owed:
        debt = deletions.take(engine, deletion, 60)
        assert debt is not None
        deletions.pay(engine, debt, {"complete": True})
    assert relay.work() == 2
    told = [json.loads(got.body) for got in receiver.got]
    assert told[0]["data"] == {
        "job": job, "state": "done", "code": None, "test": False, "delivered": 7, "erased": False
    }  # fmt: skip
    assert {one["type"] for one in told[1:]} == {"job.inputs_erased", "job.erased"}
    assert {one["data"]["deletion"] for one in told[1:]} == set(owed)
    assert {(one["type"], one["data"]["what"]) for one in told[1:]} == {
        ("job.inputs_erased", "inputs"), ("job.erased", "everything")
    }  # fmt: skip
    [key] = signing(SAFE, endpoint, endpoints.look(engine, client, endpoint)[0].secret, 0.0)
    for got in receiver.got:
        sign.verify(key, got.headers, got.body, time.time())


def test_a_deletion_that_another_worker_took_over_tells_nothing(engine: Engine, client: Client, endpoint: str) -> None:
    job = ordered(engine, client)
    with transaction(engine) as session:
        deletion = demand(session, job, What.EVERYTHING, "request")
    late, quick = (deletions.take(engine, deletion, -1) for _ in range(2))
    assert late is not None
    assert quick is not None
    deletions.pay(engine, quick, {"complete": True})
    with pytest.raises(Exception, match="took this deletion over"):
        deletions.pay(engine, late, {"complete": True})
    assert [row.event for row in rows(engine)] == ["job.erased"]


def test_a_receiver_that_fails_is_tried_ten_times_under_one_id_and_then_given_up_and_replayed(
    engine: Engine, client: Client, endpoint: str, relay: Relay, receiver: Receiver
) -> None:
    announced(engine, client)
    receiver.answers = [NO]
    while relay.work():
        time.sleep(0.01)
    [row] = rows(engine)
    assert len(receiver.got) == len(outbox.WAITS) + 1 == 10
    assert {got.headers["webhook-id"] for got in receiver.got} == {row.id}
    assert row.gave_up_at is not None
    log = endpoints.tries(engine, client, endpoint, row.id)
    assert [(one.status, one.code) for one in log] == [(500, "refused")] * 10
    receiver.answers = [OK]
    again = endpoints.replay(engine, client, endpoint, row.id)
    assert (again.tries, again.gave_up_at) == (0, None)
    assert relay.work() == 1
    assert receiver.got[-1].headers["webhook-id"] == row.id
    assert len(endpoints.tries(engine, client, endpoint, row.id)) == 11
    assert rows(engine)[0].sent_at is not None


def test_waits_grow_from_seconds_to_a_day_with_some_chance_in_them(
    engine: Engine, client: Client, endpoint: str
) -> None:
    announced(engine, client)
    waits: list[float] = []
    for _ in outbox.WAITS:
        [message] = outbox.take(engine, 1, 60)
        before = time.time()
        outbox.settle(engine, message, outbox.Tried("timeout"))
        waits.append(rows(engine)[0].due_at - before)
        with transaction(engine) as session:
            session.execute(update(OutboxRow).values(due_at=0.0))
    for wait, planned in zip(waits, outbox.WAITS, strict=True):
        assert planned - 0.5 <= wait <= planned * 1.2 + 0.5
    assert any(wait > planned * 1.005 for wait, planned in zip(waits, outbox.WAITS, strict=True))


def test_a_receiver_that_asks_for_time_is_given_it(engine: Engine, client: Client, endpoint: str) -> None:
    announced(engine, client)
    outbox.settle(engine, outbox.take(engine, 1, 60)[0], outbox.Tried("refused", 503, after=3600.0))
    assert 3590 < rows(engine)[0].due_at - time.time() < 3610


def test_two_relays_at_once_send_each_message_once(
    engine: Engine, client: Client, endpoint: str, doors: Doors, receiver: Receiver
) -> None:
    for _ in range(40):
        announced(engine, client)
    counts: list[int] = []
    relays = [Relay(engine, SAFE, doors()) for _ in range(3)]
    threads = [threading.Thread(target=lambda one=one: counts.append(one.work())) for one in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while any(row.sent_at is None for row in rows(engine)):  # the limit per client may have sent a hand home early
        counts.append(relays[0].work())
    sent = Counter(got.headers["webhook-id"] for got in receiver.got)
    assert set(sent.values()) == {1}
    assert (len(sent), sum(counts)) == (40, 40)


def test_a_relay_killed_between_sending_and_writing_it_down_sends_again_under_the_same_id(
    engine: Engine, client: Client, endpoint: str, doors: Doors, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced(engine, client)

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    first = Relay(engine, SAFE, doors(), lease=0.3)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "settle", killed)
        with pytest.raises(Killed):
            first.work()
    assert len(receiver.got) == 1
    second = Relay(engine, SAFE, doors())
    assert second.work() == 0  # the dead one's lease still holds
    time.sleep(0.35)
    assert second.work() == 1
    once, again = receiver.got
    assert once.headers["webhook-id"] == again.headers["webhook-id"]
    assert rows(engine)[0].sent_at is not None


def test_a_relay_that_was_taken_for_dead_settles_nothing_and_its_try_is_in_the_log(
    engine: Engine, client: Client, endpoint: str
) -> None:
    announced(engine, client)
    [slow] = outbox.take(engine, 1, lease=-1)
    [quick] = outbox.take(engine, 1, lease=60)
    outbox.settle(engine, slow, outbox.Tried("timeout"))
    [row] = rows(engine)
    assert (row.lease_until, row.tries) == (quick.lease_until, 2)
    outbox.settle(engine, quick, outbox.Tried("ok", 200))
    assert rows(engine)[0].sent_at is not None
    log = endpoints.tries(engine, client, endpoint, row.id)
    assert [one.code for one in log] == ["timeout", "ok"]


def test_a_lease_outlasts_the_longest_try() -> None:
    assert LEASE > TOTAL + 5 + 10  # the name look-up, and a ledger that is busy


def test_410_ends_the_endpoint_and_what_was_still_to_be_sent_there(
    engine: Engine, client: Client, endpoint: str, relay: Relay, receiver: Receiver
) -> None:
    receiver.answers = [b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"]
    announced(engine, client)
    assert relay.work() == 1
    announced(engine, client)
    assert relay.work() == 0
    assert endpoints.listed(engine, client) == []
    assert [row.gave_up_at is None for row in rows(engine)] == [False]
    with pytest.raises(NotFound):
        endpoints.tries(engine, client, endpoint, rows(engine)[0].id)


def test_a_removed_endpoint_is_told_nothing_more_and_its_address_is_forgotten(
    engine: Engine, client: Client, endpoint: str, relay: Relay, receiver: Receiver
) -> None:
    announced(engine, client)
    endpoints.remove(engine, client, endpoint)
    announced(engine, client)
    assert relay.work() == 0
    assert receiver.got == []
    with transaction(engine) as session:
        row = session.get_one(outbox.EndpointRow, endpoint)
        assert (row.url, row.secret) == ("", "")


def test_a_revoked_key_is_told_nothing_more(
    engine: Engine, client: Client, endpoint: str, relay: Relay, receiver: Receiver
) -> None:
    announced(engine, client)
    revoke(engine, client.id)
    assert relay.work() == 0
    assert receiver.got == []


def test_a_receiver_that_hangs_holds_up_its_own_client_and_nobody_else(
    engine: Engine, client: Client, relay: Relay, receiver: Receiver, papers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Receiver(None)
    hung = threading.Semaphore(0)

    def hang(_: object) -> None:
        hung.release()
        slow.over.wait(20)

    with slow:
        slow.answers = [hang]
        named(engine, client, f"http://localhost:{slow.port}/")
        for _ in range(20):
            announced(engine, client)
        assert relay.start()
        assert all(hung.acquire(timeout=10) for _ in range(outbox.AT_ONCE))
        other = make_client(engine, "other", Scope.CLIENT, Quota(100, 100, 100))[0]
        named(engine, other, receiver.url, "end_2")
        for _ in range(10):
            announced(engine, other)
        began = time.monotonic()
        assert relay.start()
        while len(receiver.got) < 10 and time.monotonic() - began < 10:
            time.sleep(0.01)
        assert time.monotonic() - began < 5
        assert (len(receiver.got), len(slow.got)) == (10, outbox.AT_ONCE)
        slow.answers = [OK]
        endpoints.remove(engine, client, "end_1")
    resting(relay)


def resting(relay: Relay) -> None:
    """Wait until all hands of a relay are idle."""
    for _ in range(HANDS):
        assert relay._idle.acquire(timeout=10)
    for _ in range(HANDS):
        relay._idle.release()


def test_a_secret_that_does_not_open_is_a_failed_try_and_no_fault(
    engine: Engine, client: Client, endpoint: str, doors: Doors, receiver: Receiver
) -> None:
    announced(engine, client)
    assert Relay(engine, Safe(b"x" * 32), doors()).work() == 1
    assert receiver.got == []
    [row] = rows(engine)
    assert [one.code for one in endpoints.tries(engine, client, endpoint, row.id)] == ["spoiled"]


def test_a_message_that_breaks_the_sender_counts_its_tries(
    engine: Engine, client: Client, endpoint: str, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("avatar.webhooks.relay.post", broken)
    announced(engine, client)
    assert relay.work() >= 1
    [row] = rows(engine)
    assert endpoints.tries(engine, client, endpoint, row.id)[0].code == "fault"


def test_a_ledger_that_is_away_stops_the_relay_and_the_next_bell_starts_it_again(
    engine: Engine, client: Client, endpoint: str, relay: Relay, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced(engine, client)

    def away(*_: object) -> None:
        raise ConnectionError("the ledger is away")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "take", away)
        assert relay.start()
        resting(relay)
    assert relay.start()
    resting(relay)
    assert len(receiver.got) == 1


def test_no_more_hands_are_at_work_than_there_are(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(outbox, "take", lambda *_: over.wait(10) and [])
    assert [relay.start() for _ in range(HANDS + 1)] == [True] * HANDS + [False]
    over.set()
    resting(relay)


def test_a_message_under_way_can_not_be_replayed(engine: Engine, client: Client, endpoint: str) -> None:
    announced(engine, client)
    [row] = rows(engine)
    for _ in range(2):  # waiting, and in a relay's hands
        with pytest.raises(NotNow):
            endpoints.replay(engine, client, endpoint, row.id)
        outbox.take(engine, 1, 60)
