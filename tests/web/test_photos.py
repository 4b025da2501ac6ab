"""Photos over HTTP: a verdict each, taken back at will, repeated without harm, and nothing left of one that failed."""

from __future__ import annotations

import io
import threading
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image

from avatar.job import JobId, Kind
from avatar.ledger import uploads
from avatar.service import Service
from tests.web.conftest import Call
from tests.web.test_jobs import made


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.full((300, 300, 3), 120, np.uint8)).save(out, "JPEG")
    return out.getvalue()


def test_a_photo_gets_a_verdict_in_words_with_what_to_do(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    eye = service.eye()
    said = {}
    for data in (jpeg(), b"not a picture"):
        photo = client.post(f"/v1/jobs/{job}/photos", content=data).json()
        assert (photo["verdict"], photo["bytes"]) == ("pending", len(data))
        eye(JobId(job), photo["id"])
        told = client.get(f"/v1/jobs/{job}/photos/{photo['id']}").json()
        assert told["verdict"] == "refused"
        said[told["code"]] = told
    assert set(said) == {"no_face", "not_a_picture"}
    assert "whole face" in said["no_face"]["remedy"]


def test_an_upload_may_wait_for_its_verdict(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    eye, looked = service.eye(), threading.Event()

    def light() -> None:
        while not looked.wait(0.05):
            for seen in uploads.unseen(service.engine, -1):
                eye(*seen)

    worker = threading.Thread(target=light)
    worker.start()
    begun = time.monotonic()
    photo = client.post(f"/v1/jobs/{job}/photos?wait=10", content=jpeg()).json()
    looked.set()
    worker.join()
    assert photo["code"] == "no_face"
    assert time.monotonic() - begun < 10


def test_a_test_jobs_photo_is_good_whatever_it_is(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted | {"test": True})
    photo = client.post(f"/v1/jobs/{job}/photos", content=b"anything").json()
    service.eye()(JobId(job), photo["id"])
    assert client.get(f"/v1/jobs/{job}/photos/{photo['id']}").json()["verdict"] == "ok"


def test_a_photo_is_taken_back_with_its_bytes(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    keep, drop = (client.post(f"/v1/jobs/{job}/photos", content=data).json()["id"] for data in (b"one", b"two"))
    for _ in range(2):
        assert client.delete(f"/v1/jobs/{job}/photos/{drop}").status_code == 204
    assert [photo["id"] for photo in client.get(f"/v1/jobs/{job}/photos").json()] == [keep]
    assert service.vault.names(JobId(job), Kind.PHOTO) == [keep]
    assert client.get(f"/v1/jobs/{job}/photos/{drop}").json()["code"] == "not_found"
    client.post(f"/v1/jobs/{job}/start")
    assert client.delete(f"/v1/jobs/{job}/photos/{keep}").json()["code"] == "job_started"


@pytest.mark.parametrize("name", ["..%2F..%2Fkeys", "p0", "P" + "0" * 16, "p" + "g" * 16, "%00", "p" * 300])
def test_a_name_that_is_none_of_ours_is_no_photo(caller: Call, wanted: Any, name: str) -> None:
    client = caller()
    job = made(client, wanted)
    assert client.get(f"/v1/jobs/{job}/photos/{name}").status_code == 404
    assert client.delete(f"/v1/jobs/{job}/photos/{name}").status_code in (204, 404)


def test_a_photo_sent_twice_under_one_key_is_one_photo(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    key = {"Idempotency-Key": "photo-0001"}
    first = client.post(f"/v1/jobs/{job}/photos", content=b"one" * 999, headers=key)
    again = client.post(f"/v1/jobs/{job}/photos", content=b"one" * 999, headers=key)
    other = client.post(f"/v1/jobs/{job}/photos", content=b"two" * 999, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len(client.get(f"/v1/jobs/{job}/photos").json()) == 1
    assert len(service.vault.names(JobId(job), Kind.PHOTO)) == 1


def test_an_empty_photo_is_refused_and_forgotten(caller: Call, service: Service, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    answer = client.post(f"/v1/jobs/{job}/photos", content=b"")
    assert (answer.status_code, answer.json()["code"]) == (422, "empty")
    assert client.get(f"/v1/jobs/{job}/photos").json() == []
    assert service.vault.remains(JobId(job)) == []


def test_a_length_that_lies_is_refused(caller: Call, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    for told in ("-5", "999999999999", "1e3", "x"):
        answer = client.post(f"/v1/jobs/{job}/photos", content=b"x", headers={"Content-Length": told})
        assert answer.json()["code"] == "too_large"


def test_what_is_left_of_the_quota_is_told_with_each_photo(caller: Call, wanted: Any) -> None:
    client = caller()
    job = made(client, wanted)
    answer = client.post(f"/v1/jobs/{job}/photos", content=b"x")
    assert answer.headers["RateLimit-Policy"] == '"uploads";q=100;w=3600'
    assert answer.headers["RateLimit"].startswith('"uploads";r=99;')


def test_a_broker_that_is_away_costs_a_caller_no_time(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    client = caller()
    job = client.post("/v1/jobs", json=wanted).json()["id"]
    begun = time.monotonic()
    assert client.post(f"/v1/jobs/{job}/photos", content=b"x").status_code == 201
    assert time.monotonic() - begun < 3  # seconds; it was six, and every other call waited as long
