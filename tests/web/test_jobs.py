"""Jobs over HTTP: what an app's back end does, and what it is told when it does it wrong."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

import avatar
from avatar.erasure.settle import settle
from avatar.job import ORDER, Done, JobId, Kind, Stage
from avatar.ledger import claims, deletions
from avatar.ledger.claims import Times
from avatar.ledger.clients import AFTERWARDS, Quota, revoke, whose
from avatar.ledger.clock import now
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import JobRow, LinkRow
from avatar.service import Service
from tests.web.conftest import Call

POCKET = str(Path(avatar.__file__).parent / "pocket" / "base")  # a folder of this machine is no name


def made(client: Any, wanted: dict[str, object]) -> str:
    answer = client.post("/v1/jobs", json=wanted)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    return str(answer.json()["id"])


def delivered(service: Service, job: str, **finish: object) -> None:
    """What the workers do, with a pack of one file; `finish` is what that stage records beside their number."""
    service.vault.put(JobId(job), Kind.PACK, "01-photo.png", b"\x89PNG pretend")
    for stage in ORDER:
        held = claims.claim(service.engine, JobId(job), ORDER, "worker", Times())
        assert held is not None
        claims.record(service.engine, held, Done({"pictures": 1, **finish} if stage is Stage.FINISH else {}))


def test_a_job_from_the_first_call_to_the_receipt(caller: Call, service: Service, wanted: dict[str, object]) -> None:
    client = caller()
    job = made(client, wanted)
    assert client.get(f"/v1/jobs/{job}").json()["state"] == "waiting_for_photos"
    photo = client.post(f"/v1/jobs/{job}/photos", content=b"pretend" * 1000)
    assert photo.status_code == 201
    assert [one["verdict"] for one in client.get(f"/v1/jobs/{job}/photos").json()] == ["pending"]
    name = photo.json()["id"]
    assert service.vault.get(JobId(job), Kind.PHOTO, name) == b"pretend" * 1000
    started = client.post(f"/v1/jobs/{job}/start")
    assert (started.status_code, started.json()["state"], started.json()["ahead"]) == (202, "queued", 0)
    delivered(service, job)
    ended = client.get(f"/v1/jobs/{job}").json()
    assert (ended["state"], ended["delivered"]) == ("done", 1)
    assert client.get(f"/v1/jobs/{job}/pictures").json() == ["01-photo.png"]
    picture = client.get(f"/v1/jobs/{job}/pictures/01-photo.png")
    assert (picture.content, picture.headers["Cache-Control"]) == (b"\x89PNG pretend", "private, no-store")
    erased = client.delete(f"/v1/jobs/{job}")
    assert (erased.status_code, erased.json()["state"]) == (202, "owed")
    debt = deletions.take(service.engine, erased.json()["id"], 60)
    assert debt is not None
    settle(service.engine, service.vault, debt, service.signer)
    told = client.get(erased.headers["Location"]).json()
    assert (told["state"], told["receipt"]["complete"]) == ("done", True)
    assert service.vault.remains(JobId(job)) == []


def test_from_the_answer_to_a_delete_on_nothing_can_be_read(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    client = caller()
    job = made(client, wanted)
    client.post(f"/v1/jobs/{job}/photos", content=b"face")
    client.delete(f"/v1/jobs/{job}")
    late = client.post(f"/v1/jobs/{job}/photos", content=b"face")
    assert late.status_code == 409
    with pytest.raises(Exception, match="key of this job is gone"):
        service.vault.put(JobId(job), Kind.PHOTO, "late", b"face")


def test_every_failure_is_a_problem_with_a_code(caller: Call, wanted: dict[str, object]) -> None:
    client = caller()
    job = made(client, wanted)
    child = {"adult": False, "own_face": True, "text": "These are photos of me, and I am an adult."}
    cases = [
        (client.post("/v1/jobs", json=wanted | {"styles": ["oi"]}), 422, "unknown_style"),
        (client.post("/v1/jobs", json=wanted | {"base": "nothing"}), 422, "unknown_base"),
        (client.post("/v1/jobs", json=wanted | {"base": "auraface"}), 422, "unknown_base"),
        (client.post("/v1/jobs", json=wanted | {"base": POCKET}), 422, "unknown_base"),
        (client.post("/v1/jobs", json=wanted | {"consent": child}), 422, "invalid_request"),
        (client.post("/v1/jobs", json=wanted | {"coutn": 3}), 422, "invalid_request"),
        (client.post("/v1/jobs", content=b"{"), 422, "invalid_request"),
        (client.post(f"/v1/jobs/{job}/start"), 422, "no_photos"),
        (client.get(f"/v1/jobs/{job}/pictures"), 404, "not_found"),
        (client.get("/v1/jobs?cursor=x"), 422, "bad_cursor"),
        (client.get("/v1/jobs/job_x"), 404, "not_found"),
        (client.get("/v1/nothing"), 404, "not_found"),
        (client.put("/v1/jobs"), 405, "method_not_allowed"),
        (client.get("/v1/jobs", headers={"Authorization": "Bearer x"}), 401, "unauthorised"),
    ]
    for answer, status, code in cases:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["fault"] == "client"


def test_a_photo_that_grows_too_large_on_the_way_is_refused_and_forgotten(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    client = caller()
    job = made(client, wanted)
    answer = client.post(f"/v1/jobs/{job}/photos", content=(bytes(1 << 20) for _ in range(21)))
    assert (answer.status_code, answer.json()["code"]) == (422, "too_large")
    assert client.get(f"/v1/jobs/{job}/photos").json() == []
    assert service.vault.remains(JobId(job)) == []


def test_another_keys_job_is_as_if_it_were_not_there(caller: Call, wanted: dict[str, object]) -> None:
    owner, stranger = caller(), caller()
    job = made(owner, wanted)
    absent = "job_" + "0" * 32
    calls = [("GET", ""), ("GET", "/photos"), ("POST", "/photos"), ("POST", "/start"), ("POST", "/cancel")]
    calls += [("GET", "/pictures"), ("GET", "/pictures/01-photo.png"), ("DELETE", "")]
    for method, path in calls:
        foreign = stranger.request(method, f"/v1/jobs/{job}{path}")
        nobodys = stranger.request(method, f"/v1/jobs/{absent}{path}")
        assert foreign.status_code == nobodys.status_code == 404, (method, path, foreign.text)
        assert foreign.json() == nobodys.json()
    assert stranger.get("/v1/jobs").json()["jobs"] == []
    assert owner.get(f"/v1/jobs/{job}").json()["state"] == "waiting_for_photos"


def test_jobs_come_in_pages_newest_first(caller: Call, wanted: dict[str, object]) -> None:
    client = caller()
    jobs = [made(client, wanted) for _ in range(5)][::-1]
    seen: list[str] = []
    cursor = None
    while True:
        page = client.get("/v1/jobs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [job["id"] for job in page["jobs"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == jobs


def test_a_spent_quota_says_when_to_come_back(caller: Call, wanted: dict[str, object]) -> None:
    client = caller(Quota(jobs_a_day=1, running=1, uploads_an_hour=1))
    made(client, wanted)
    answer = client.post("/v1/jobs", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_jobs_a_day")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_revoked_key_is_refused_at_once(caller: Call, service: Service) -> None:
    client = caller()
    assert client.get("/v1/jobs").status_code == 200
    known = whose(service.engine, client.headers["Authorization"].removeprefix("Bearer "))
    assert known is not None
    revoke(service.engine, known.id)
    assert client.get("/v1/jobs").status_code == 401


def test_a_fault_of_ours_tells_nothing_and_says_so(caller: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("avatar.web.jobs.orders.page", broken)
    answer = caller().get("/v1/jobs")
    assert (answer.status_code, answer.json()["fault"]) == (500, "service")
    assert "secret" not in answer.text


def test_styles_are_open_to_everybody_and_the_document_is_published(caller: Call) -> None:
    client = caller()
    assert {style["name"] for style in client.get("/v1/styles").json()} >= {"photo", "oil", "comic"}
    assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")
    assert client.get("/docs").status_code == 404


def test_a_link_opens_its_job_and_nothing_else_and_a_day_after_it_is_erased_it_ends(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    client = caller()
    job, other = made(client, wanted), made(client, wanted)
    holder = {"Authorization": f"Bearer {client.post(f'/v1/jobs/{job}/links').json()['key']}"}
    assert client.get(f"/v1/jobs/{job}", headers=holder).json()["id"] == job
    assert client.post(f"/v1/jobs/{job}/photos", content=b"x", headers=holder).status_code == 201
    assert client.get(f"/v1/jobs/{other}", headers=holder).status_code == 404
    assert [one["id"] for one in client.get("/v1/jobs", headers=holder).json()["jobs"]] == [job]
    assert client.post("/v1/jobs", json=wanted, headers=holder).json()["code"] == "forbidden"
    deletion = client.delete(f"/v1/jobs/{job}", headers=holder).json()
    assert client.get(f"/v1/deletions/{deletion['id']}", headers=holder).json()["state"] == "owed"
    service.purge(deletion["id"])
    assert client.get(f"/v1/deletions/{deletion['id']}", headers=holder).json()["receipt"]["complete"]
    assert client.get(f"/v1/jobs/{job}", headers=holder).json()["erased"]
    assert client.get(f"/v1/jobs/{job}/pictures", headers=holder).status_code == 404
    assert client.post(f"/v1/jobs/{job}/photos", content=b"x", headers=holder).status_code == 409
    assert client.post(f"/v1/jobs/{job}/links", headers=holder).status_code == 404
    with transaction(service.engine) as session:
        session.execute(update(JobRow).where(JobRow.id == job).values(erased_at=now() - AFTERWARDS - 1))
    assert client.get(f"/v1/deletions/{deletion['id']}", headers=holder).status_code == 401
    service.ring_what_waits()
    with reading(service.engine) as session:
        assert session.scalar(select(func.count()).select_from(LinkRow)) == 0
    assert client.get(f"/v1/jobs/{job}/deletions").json()[0]["receipt"]["complete"]


def test_previews_of_styles_are_pictures(caller: Call) -> None:
    client = caller()
    cards = {card["name"]: card["preview"] for card in client.get("/v1/styles").json()}
    shown = client.get(cards["oil"])
    assert (shown.headers["Content-Type"], shown.content[:4]) == ("image/png", b"\x89PNG")
    for wrong in ("/v1/styles/none/preview.png", "/v1/styles/..%2Foil/preview.png"):
        assert client.get(wrong).status_code == 404


def test_a_leaked_key_in_fifty_hands_spends_its_quota_and_touches_no_other(
    caller: Call, wanted: dict[str, object]
) -> None:
    leaked, other = caller(Quota(jobs_a_day=3, running=1, uploads_an_hour=7)), caller()
    theirs = made(other, wanted)
    gate, said = threading.Barrier(50), Counter[str]()

    def hand() -> None:
        gate.wait()
        order = leaked.post("/v1/jobs", json=wanted)
        said["orders"] += order.status_code == 201
        for job in [one["id"] for one in leaked.get("/v1/jobs").json()["jobs"]]:
            said["photos"] += leaked.post(f"/v1/jobs/{job}/photos", content=b"x").status_code == 201
            leaked.post(f"/v1/jobs/{job}/start")
        said["foreign"] += leaked.delete(f"/v1/jobs/{theirs}").status_code != 404

    hands = [threading.Thread(target=hand) for _ in range(50)]
    for one in hands:
        one.start()
    for one in hands:
        one.join()
    jobs = leaked.get("/v1/jobs").json()["jobs"]
    assert (said["orders"], len(jobs), said["foreign"]) == (3, 3, 0)
    assert said["photos"] <= 7
    assert sum(job["state"] == "queued" for job in jobs) == 1
    assert made(other, wanted)
    assert other.get(f"/v1/jobs/{theirs}").json()["state"] == "waiting_for_photos"
