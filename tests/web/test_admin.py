"""The operator's calls over HTTP: for admins alone, dry unless told otherwise, and audited."""

from __future__ import annotations

import pytest

from avatar.erasure.signing import broken, faults
from avatar.job import JobId
from avatar.ledger.chain import BEGINNING
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.service import Service
from tests.privacy.canaries import Canaries
from tests.privacy.subject import ordered, run, stored
from tests.web.conftest import Call


@pytest.fixture
def client(service: Service) -> Client:
    return make_client(service.engine, "app", Scope.CLIENT, Quota(100, 100, 100))[0]


CALLS = [
    ("post", "/v1/admin/purges"),
    ("post", "/v1/admin/holds"),
    ("get", "/v1/admin/holds"),
    ("delete", "/v1/admin/holds/job_x"),
    ("post", "/v1/admin/reconcile"),
    ("get", "/v1/admin/audit"),
    ("get", "/v1/admin/figures"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_operators_calls_open_to_no_other_key(caller: Call, method: str, path: str) -> None:
    answer = getattr(caller(), method)(path)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    stranger = caller()
    stranger.headers.pop("Authorization")
    assert getattr(stranger, method)(path).status_code == 401


def test_a_purge_is_dry_unless_the_call_says_otherwise(caller: Call, service: Service, client: Client) -> None:
    admin, job = caller(scope=Scope.ADMIN), run(service, client, Canaries(), 2)
    shown = admin.post("/v1/admin/purges", json={"everything": True}).json()
    assert (shown["dry_run"], shown["jobs"], shown["done"]) == (True, 1, [])
    assert shown["objects"] == shown["planned"][0]["objects"] > 0
    assert stored(service, job)
    done = admin.post("/v1/admin/purges", json={"jobs": [job], "dry_run": False}).json()
    assert [(one["job"], one["came"]) for one in done["done"]] == [(job, "erased")]
    assert done["left"] == 0
    assert stored(service, job) == set()
    assert admin.post("/v1/admin/purges", json={}).json()["code"] == "nothing_chosen"
    assert [line["code"] for line in admin.get("/v1/admin/audit").json()] == ["purge"]


def test_more_than_ten_jobs_need_their_number(caller: Call, service: Service, client: Client) -> None:
    admin = caller(scope=Scope.ADMIN)
    jobs = [ordered(service, client, Canaries()) for _ in range(11)]
    all_of_them = {"everything": True, "dry_run": False}
    assert admin.post("/v1/admin/purges", json=all_of_them).json()["code"] == "not_confirmed"
    assert all(stored(service, job) for job in jobs)
    assert admin.post("/v1/admin/purges", json=all_of_them | {"confirm": 11}).json()["left"] == 0
    assert not any(stored(service, job) for job in jobs)


def test_a_held_job_is_told_as_held_and_goes_when_the_hold_is_lifted(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    admin, owner = caller(scope=Scope.ADMIN), caller()
    job = owner.post("/v1/jobs", json=wanted).json()["id"]
    photo = owner.post(f"/v1/jobs/{job}/photos", content=b"face").json()["id"]
    made = admin.post("/v1/admin/holds", json={"job": job, "reason": "court_order"})
    assert made.status_code == 201
    assert [one["job"] for one in admin.get("/v1/admin/holds").json()] == [job]
    assert owner.delete(f"/v1/jobs/{job}/photos/{photo}").json()["code"] == "held"
    told = owner.delete(f"/v1/jobs/{job}").json()
    assert told["state"] == "held"
    assert admin.post("/v1/admin/purges", json={"jobs": [job], "dry_run": False}).json()["left"] == 1
    assert service.vault.get(JobId(job), "photo", photo) == b"face"  # type: ignore[arg-type]
    assert admin.delete(f"/v1/admin/holds/{job}").json() == {"lifted": 1}
    assert owner.get(f"/v1/deletions/{told['id']}").json()["state"] == "owed"
    service.purge(told["id"])
    assert owner.get(f"/v1/deletions/{told['id']}").json()["state"] == "done"
    assert admin.post("/v1/admin/holds", json={"job": job, "reason": "dispute"}).json()["code"] == "erased"
    assert admin.post("/v1/admin/holds", json={"job": "job_x", "reason": "dispute"}).status_code == 404


def test_strays_are_told_and_removed_when_asked(caller: Call, service: Service) -> None:
    admin, unknown = caller(scope=Scope.ADMIN), JobId("job_" + "0" * 32)
    service.vault.open(unknown)
    told = admin.post("/v1/admin/reconcile").json()
    assert ({one["what"] for one in told["strays"]}, told["fixed"]) == ({"key", "pack_key"}, False)
    assert admin.post("/v1/admin/reconcile?fix=true").json()["fixed"] is True
    assert admin.post("/v1/admin/reconcile").json()["strays"] == []


def test_anybody_may_follow_the_chain_and_check_a_receipt_of_their_own(
    caller: Call, service: Service, client: Client
) -> None:
    admin = caller(scope=Scope.ADMIN)
    jobs = [run(service, client, Canaries(), 1) for _ in range(3)]
    admin.post("/v1/admin/purges", json={"everything": True, "dry_run": False})
    stranger = caller()
    stranger.headers.pop("Authorization")
    public = bytes.fromhex(stranger.get("/v1/receipts/key").json()["hex"])
    first = stranger.get("/v1/receipts?limit=2").json()
    rest = stranger.get(f"/v1/receipts?after={first['next']}").json()
    assert (first["next"], rest["next"]) == (2, None)
    links = first["links"] + rest["links"]
    assert broken(links, public, (0, BEGINNING)) == []
    assert len(links) == 3
    assert not any(job in stranger.get("/v1/receipts").text for job in jobs)
    assert faults({**links[0]}, public) != []
