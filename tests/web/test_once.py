"""A call that is repeated because its answer was lost does what it does once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from avatar.service import Service
from tests.web.conftest import Call

KEY = {"Idempotency-Key": "order-000001"}


def test_an_order_that_is_sent_again_is_one_order_with_the_first_answer(caller: Call, wanted: Any) -> None:
    client = caller()
    first = client.post("/v1/jobs", json=wanted, headers=KEY)
    client.post(f"/v1/jobs/{first.json()['id']}/cancel")
    again = client.post("/v1/jobs", json=wanted, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_another_order_under_the_same_key_is_an_error(caller: Call, wanted: Any) -> None:
    client, other = caller(), caller()
    assert client.post("/v1/jobs", json=wanted, headers=KEY).status_code == 201
    answer = client.post("/v1/jobs", json=wanted | {"count": 9}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    assert other.post("/v1/jobs", json=wanted | {"count": 9}, headers=KEY).status_code == 201


def test_an_order_that_was_refused_may_be_sent_again_mended(caller: Call, wanted: Any) -> None:
    client = caller()
    assert client.post("/v1/jobs", json=wanted | {"count": 0}, headers=KEY).status_code == 422
    assert client.post("/v1/jobs", json=wanted | {"base": "none"}, headers=KEY).status_code == 422
    assert client.post("/v1/jobs", json=wanted, headers=KEY).status_code == 201


def test_twenty_at_once_make_one_order(caller: Call, wanted: Any) -> None:
    client = caller()
    said: list[tuple[int, str]] = []

    def call() -> None:
        answer = client.post("/v1/jobs", json=wanted, headers=KEY)
        said.append((answer.status_code, answer.json().get("id") or answer.json()["code"]))

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in said} <= {201, 409}
    assert len({word for status, word in said if status == 201}) == 1
    assert {word for status, word in said if status == 409} <= {"idempotency_in_progress"}
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_an_order_whose_answer_was_never_written_is_found_again(
    caller: Call, service: Service, wanted: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = caller()

    def cut_off(*_: object) -> None:
        raise RuntimeError("the process ended here")

    with monkeypatch.context() as cut:
        cut.setattr("avatar.web.once.answers.give", cut_off)
        cut.setattr("avatar.ledger.answers.LEASE", -1.0)
        assert client.post("/v1/jobs", json=wanted, headers=KEY).status_code == 500
    first = client.get("/v1/jobs").json()["jobs"]
    again = client.post("/v1/jobs", json=wanted, headers=KEY)
    assert (again.status_code, [job["id"] for job in first]) == (201, [again.json()["id"]])


def test_a_key_needs_a_caller_and_some_length(caller: Call, wanted: Any) -> None:
    client = caller()
    short = client.post("/v1/jobs", json=wanted, headers={"Idempotency-Key": "short"})
    assert (short.status_code, short.json()["code"]) == (422, "bad_idempotency_key")
    nobody = client.post("/v1/jobs", json=wanted, headers=KEY | {"Authorization": "Bearer x"})
    assert nobody.status_code == 401
