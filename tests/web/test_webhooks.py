"""Webhooks over HTTP: what an app's back end does to be told, and who else sees of it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from avatar.job import JobId
from avatar.ledger import outbox
from avatar.ledger.clients import Scope
from avatar.ledger.engine import transaction
from avatar.ledger.outbox import Tried
from avatar.ledger.tables import AnswerRow, EndpointRow, OutboxRow
from avatar.service import Service, open_service
from avatar.settings import Settings
from avatar.web.webhooks import _tests
from avatar.webhooks import sign
from avatar.webhooks.relay import Relay
from tests.web.conftest import Call
from tests.webhooks.receiver import Receiver

HOOK = {"url": "https://app.example/hook"}


def named(client: Any, **headers: str) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json=HOOK, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/webhooks/{answer.json()['id']}"
    return dict(answer.json())


def announced(service: Service, client: Any, wanted: dict[str, object], event: str = "job.done") -> str:
    """A message about a new job of this client; its id."""
    job = client.post("/v1/jobs", json=wanted).json()["id"]
    with transaction(service.engine) as session:
        outbox.announce(session, JobId(job), event)
    with transaction(service.engine) as session:
        return session.scalars(select(OutboxRow.id).where(OutboxRow.job == job)).one()


def test_a_webhook_is_made_listed_and_removed_and_its_secret_is_told_once(caller: Call, service: Service) -> None:
    client = caller()
    made = named(client)
    assert len(sign.read(made["secret"])) == 32
    shown = {key: made[key] for key in ("id", "url", "made_at")}
    assert client.get("/v1/webhooks").json() == [shown]
    assert client.get(f"/v1/webhooks/{made['id']}").json() == shown
    with transaction(service.engine) as session:
        kept = session.get_one(EndpointRow, made["id"]).secret
    assert sign.read(made["secret"]) not in base64.b64decode(kept)
    assert client.delete(f"/v1/webhooks/{made['id']}").status_code == 204
    assert client.get("/v1/webhooks").json() == []
    assert client.delete(f"/v1/webhooks/{made['id']}").status_code == 404


def test_a_repeat_with_the_same_key_tells_the_same_secret_and_the_ledger_has_it_sealed(
    caller: Call, service: Service
) -> None:
    client = caller()
    first, second = (named(client, **{"Idempotency-Key": "hook-0001"}) for _ in range(2))
    assert first == second
    assert len(client.get("/v1/webhooks").json()) == 1
    with transaction(service.engine) as session:
        kept = session.scalars(select(AnswerRow.body)).one()
    assert kept is not None
    assert first["secret"].encode() not in base64.b64decode(kept)
    assert "whsec" not in kept


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://app.example/"}, "webhook_url"),
        ({"url": "https://127.0.0.1/"}, "webhook_url"),
        ({"url": "https://app.example:22/"}, "webhook_url"),
        ({"url": "https://localhost/"}, "webhook_url"),
        ({"url": "https://app.example/" + "a" * 500}, "invalid_request"),
        ({"url": 5}, "invalid_request"),
        ({}, "invalid_request"),
        (HOOK | {"secret": "x"}, "invalid_request"),
    ],
)
def test_a_place_that_can_not_be_called_is_refused(caller: Call, body: dict[str, object], code: str) -> None:
    client = caller()
    answer = client.post("/v1/webhooks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get("/v1/webhooks").json() == []


def test_a_sixth_is_refused(caller: Call) -> None:
    client = caller()
    for _ in range(5):
        named(client)
    answer = client.post("/v1/webhooks", json=HOOK)
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_webhooks")


def test_messages_tries_and_a_replay(caller: Call, service: Service, wanted: dict[str, object]) -> None:
    client = caller()
    hook = f"/v1/webhooks/{named(client)['id']}"
    message = announced(service, client, wanted)
    [row] = client.get(f"{hook}/messages").json()["messages"]
    assert (row["id"], row["event"], row["state"], row["tries"]) == (message, "job.done", "pending", 0)
    early = client.post(f"{hook}/messages/{message}/replay")
    assert (early.status_code, early.json()["code"]) == (409, "message_pending")
    for code, status in (("timeout", None), ("ok", 200)):
        [taken] = outbox.take(service.engine, 1, 60)
        outbox.settle(service.engine, taken, Tried(code, status, 0.5), pace=1e-9)
    [row] = client.get(f"{hook}/messages").json()["messages"]
    assert (row["state"], row["tries"], row["due_at"]) == ("sent", 2, None)
    log = client.get(f"{hook}/messages/{message}/tries").json()
    assert [(one["arrived"], one["code"], one["status"]) for one in log] == [
        (False, "timeout", None),
        (True, "ok", 200),
    ]
    again = client.post(f"{hook}/messages/{message}/replay")
    assert (again.status_code, again.json()["state"], again.json()["tries"]) == (202, "pending", 0)
    assert [one.id for one in outbox.take(service.engine, 1, 60)] == [message]


def test_messages_come_in_pages(caller: Call, service: Service, wanted: dict[str, object]) -> None:
    client = caller()
    hook = f"/v1/webhooks/{named(client)['id']}"
    sent = [announced(service, client, wanted) for _ in range(5)][::-1]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = client.get(f"{hook}/messages", params=query).json()
        seen += [one["id"] for one in page["messages"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == sent
    for word in ("x", "é", base64.urlsafe_b64encode(json.dumps([1.0, "\x00"]).encode()).decode(), "WzEsMl0="):
        assert client.get(f"{hook}/messages", params={"cursor": word}).json()["code"] == "bad_cursor"


def test_anothers_webhook_is_as_if_it_were_not_there(caller: Call, service: Service, wanted: dict[str, object]) -> None:
    owner, stranger = caller(), caller()
    mine = named(owner)["id"]
    message = announced(service, owner, wanted)
    absent = "end_" + "0" * 32
    calls = [("GET", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test"), ("GET", "/messages")]
    calls += [("GET", f"/messages/{message}/tries"), ("POST", f"/messages/{message}/replay")]
    for method, path in calls:
        foreign = stranger.request(method, f"/v1/webhooks/{mine}{path}")
        nobodys = stranger.request(method, f"/v1/webhooks/{absent}{path}")
        assert foreign.status_code == nobodys.status_code == 404, (method, path, foreign.text)
        assert foreign.json() == nobodys.json()
    assert stranger.get("/v1/webhooks").json() == []
    assert len(owner.get("/v1/webhooks").json()) == 1


def test_a_link_to_one_job_opens_no_webhook(caller: Call, wanted: dict[str, object]) -> None:
    owner = caller()
    hook = named(owner)["id"]
    job = owner.post("/v1/jobs", json=wanted).json()["id"]
    link = owner.post(f"/v1/jobs/{job}/links").json()["key"]
    headers = {"Authorization": f"Bearer {link}"}
    calls = [("GET", ""), ("POST", ""), ("GET", f"/{hook}"), ("DELETE", f"/{hook}"), ("POST", f"/{hook}/secret")]
    calls += [("POST", f"/{hook}/test"), ("GET", f"/{hook}/messages")]
    for method, path in calls:
        answer = owner.request(
            method, f"/v1/webhooks{path}", json=HOOK if (method, path) == ("POST", "") else None, headers=headers
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, path)
    assert caller(scope=Scope.ADMIN).get("/v1/webhooks").status_code == 200
    assert owner.request("GET", "/v1/webhooks", headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.fixture
def open_here(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(Settings(state=tmp_path / "s", weights=tmp_path / "w", webhooks_local=True))
    yield opened
    opened.engine.dispose()


class TestOnThisMachine:
    """With a receiver that an app's developer runs beside the service."""

    @pytest.fixture
    def service(self, open_here: Service) -> Service:
        return open_here

    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        with Receiver(None) as made:
            yield made

    @pytest.fixture
    def hook(self, receiver: Receiver) -> dict[str, str]:
        return {"url": f"http://127.0.0.1:{receiver.port}/in"}

    def test_a_test_says_what_came_of_it(self, caller: Call, receiver: Receiver, hook: dict[str, str]) -> None:
        client = caller()
        made = client.post("/v1/webhooks", json=hook).json()
        told = client.post(f"/v1/webhooks/{made['id']}/test").json()
        assert (told["arrived"], told["code"], told["status"]) == (True, "ok", 200)
        [got] = receiver.got
        sign.verify(sign.read(made["secret"]), got.headers, got.body, int(got.headers["webhook-timestamp"]))
        assert json.loads(got.body)["type"] == "ping"
        receiver.answers = [b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\nsecret of somebody"]
        answer = client.post(f"/v1/webhooks/{made['id']}/test")
        assert (answer.json()["arrived"], answer.json()["code"], answer.json()["status"]) == (False, "redirect", 302)
        assert "secret of somebody" not in answer.text

    def test_the_first_message_is_signed_by_the_secret_told_and_after_a_change_by_both(
        self, caller: Call, service: Service, receiver: Receiver, hook: dict[str, str], wanted: dict[str, object]
    ) -> None:
        client = caller()
        made = client.post("/v1/webhooks", json=hook).json()
        second = client.post(f"/v1/webhooks/{made['id']}/secret").json()["secret"]
        message = announced(service, client, wanted)
        assert Relay(service.engine, service.safe, service.relay().door).work() == 1
        [got] = receiver.got
        assert (got.headers["webhook-id"], len(got.headers["webhook-signature"].split())) == (message, 2)
        for key in (made["secret"], second):
            sign.verify(sign.read(key), got.headers, got.body, int(got.headers["webhook-timestamp"]))

    def test_one_test_of_a_key_runs_at_a_time(self, caller: Call, receiver: Receiver, hook: dict[str, str]) -> None:
        client = caller()
        made = client.post("/v1/webhooks", json=hook).json()
        hung, answers = threading.Event(), list[Any]()

        def hang(line: Any) -> None:
            hung.set()
            receiver.over.wait(10)

        receiver.answers = [hang]
        thread = threading.Thread(target=lambda: answers.append(client.post(f"/v1/webhooks/{made['id']}/test")))
        thread.start()
        assert hung.wait(10)
        second = client.post(f"/v1/webhooks/{made['id']}/test")
        assert (second.status_code, second.json()["code"]) == (429, "webhook_test_running")
        receiver.over.set()
        thread.join()
        assert answers[0].json()["arrived"] is False
        assert not _tests._under_way
