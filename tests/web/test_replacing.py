"""A picture that is sent back: erased, its place taken by a spare everywhere, whatever is cut off in between."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prometheus_client import CollectorRegistry
from sqlalchemy import select, update

from avatar import replacing
from avatar.erasure.signing import faults
from avatar.errors import Away
from avatar.job import JobId, Kind, Stage
from avatar.ledger import audit, holds, replaced
from avatar.ledger.deletions import due
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import JobRow, ReplacementRow
from avatar.marks.label import read_label
from avatar.packs.spares import SPARES
from avatar.queue import Queue
from avatar.replacing import settle
from avatar.service import Service
from avatar.shift import work
from avatar.watch.figures import LedgerFigures
from tests.web.conftest import Call

BODY = {"reason": "not_like_me"}


def pack(service: Service, client: Any, wanted: dict[str, object], **more: object) -> str:
    """A delivered rehearsal; its id."""
    job = str(client.post("/v1/jobs", json={**wanted, "test": True, **more}).json()["id"])
    client.post(f"/v1/jobs/{job}/photos", content=b"x")
    client.post(f"/v1/jobs/{job}/start")
    bench = service.bench(Queue.LIGHT)
    while work(bench, JobId(job)) is not None:
        pass
    return job


@pytest.fixture
def delivered(caller: Call, service: Service, wanted: dict[str, object]) -> tuple[Any, str]:
    """A caller and their delivered job: two of photo, two of oil, two spares each."""
    client = caller()
    return client, pack(service, client, wanted)


def send_back(client: Any, job: str, name: str, body: dict[str, str] | None = None, **more: Any) -> Any:
    return client.post(f"/v1/jobs/{job}/pictures/{name}/replace", json=body or BODY, **more)


def listed(client: Any, job: str) -> list[str]:
    names: list[str] = client.get(f"/v1/jobs/{job}/pictures").json()
    return [name for name in names if name[0].isdigit()]


def packed(client: Any, job: str) -> dict[str, bytes]:
    answer = client.get(f"/v1/jobs/{job}/pack.zip")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
        assert held.testzip() is None
        return {name: held.read(name) for name in held.namelist()}


def stored(service: Service, job: str) -> set[str]:
    return set(service.vault.names(JobId(job), Kind.PACK))


def test_a_spare_takes_the_place_in_the_list_the_archive_the_report_and_the_sheet(
    delivered: tuple[Any, str], service: Service
) -> None:
    client, job = delivered
    before = packed(client, job)
    sheet = client.get(f"/v1/jobs/{job}/pictures/contact-sheet.png")
    assert listed(client, job) == ["01-photo.png", "02-photo.png", "03-oil.png", "04-oil.png"]
    assert client.get(f"/v1/jobs/{job}").json()["spares"] == {"photo": 2, "oil": 2}
    answer = send_back(client, job, "02-photo.png")
    assert (answer.status_code, answer.json()) == (
        200,
        {"picture": "05-photo.png", "replaces": "02-photo.png", "erased": True, "spares_left": 1, **BODY},
    )
    order = ["01-photo.png", "05-photo.png", "03-oil.png", "04-oil.png"]
    assert listed(client, job) == order
    assert client.get(f"/v1/jobs/{job}").json()["spares"] == {"photo": 1, "oil": 2}
    after = packed(client, job)
    assert list(after) == [*order, "contact-sheet.png", "report.json"]
    assert after["05-photo.png"] == client.get(f"/v1/jobs/{job}/pictures/05-photo.png").content
    told = json.loads(after["report.json"])
    assert [one["file"] for one in told["pictures"]] == order
    assert told["replaced"] == [{"file": "02-photo.png", "by": "05-photo.png", **BODY}]
    assert told["credits"] == json.loads(before["report.json"])["credits"]
    assert after["report.json"] == client.get(f"/v1/jobs/{job}/pictures/report.json").content
    again = client.get(f"/v1/jobs/{job}/pictures/contact-sheet.png")
    assert again.content == after["contact-sheet.png"]
    assert again.headers["ETag"] != sheet.headers["ETag"]
    assert read_label(again.content) is not None


def test_the_new_sheet_is_the_one_that_finish_would_have_made(delivered: tuple[Any, str]) -> None:
    client, job = delivered
    before = packed(client, job)
    send_back(client, job, "02-photo.png")  # a rehearsal's pictures of one style are all alike
    pixels = [np.asarray(Image.open(io.BytesIO(each["contact-sheet.png"]))) for each in (before, packed(client, job))]
    assert (pixels[0] == pixels[1]).all()


def test_what_was_sent_back_is_gone_from_the_store_and_no_paper_of_before_is_left(
    delivered: tuple[Any, str], service: Service
) -> None:
    client, job = delivered
    send_back(client, job, "03-oil.png")
    send_back(client, job, "07-oil.png")
    assert client.get(f"/v1/jobs/{job}/pictures/03-oil.png").status_code == 404
    papers = {"report.v2.json", "contact-sheet.v2.png", "pack.v2.zip"}
    pictures = {"01-photo.png", "02-photo.png", "08-oil.png", "04-oil.png"}
    assert stored(service, job) == pictures | {"05-photo.png", "06-photo.png", SPARES} | papers


def test_spares_and_what_tells_of_them_are_fetched_by_nobody(delivered: tuple[Any, str]) -> None:
    client, job = delivered
    for name in ("05-photo.png", "07-oil.png", SPARES, "pack.v1.zip", "report.v1.json"):
        assert client.get(f"/v1/jobs/{job}/pictures/{name}").status_code == 404, name
        assert send_back(client, job, name).status_code == 404, name


def test_without_a_spare_left_nothing_is_erased(delivered: tuple[Any, str]) -> None:
    client, job = delivered
    for name in ("03-oil.png", "04-oil.png"):
        assert send_back(client, job, name).status_code == 200
    before = listed(client, job)
    answer = send_back(client, job, before[2])
    assert (answer.status_code, answer.json()["code"]) == (409, "no_spare_left")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert listed(client, job) == before
    assert client.get(f"/v1/jobs/{job}/pictures/{before[2]}").status_code == 200
    assert client.get(f"/v1/jobs/{job}").json()["spares"] == {"photo": 2}


def test_a_foreign_job_and_an_absent_one_are_the_same_and_a_link_may_do_it(
    delivered: tuple[Any, str], caller: Call
) -> None:
    client, job = delivered
    stranger = caller()
    foreign, absent = send_back(stranger, job, "01-photo.png"), send_back(stranger, "job_" + 32 * "0", "01-photo.png")
    assert (foreign.status_code, foreign.json()) == (404, absent.json())
    assert send_back(client, job, "09-photo.png").status_code == 404
    link = client.post(f"/v1/jobs/{job}/links").json()["key"]
    stranger.headers["Authorization"] = f"Bearer {link}"
    assert send_back(stranger, job, "01-photo.png").json()["picture"] == "05-photo.png"


def test_a_reason_is_of_the_list_and_is_audited_and_counted(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    client = caller()
    job = pack(service, client, wanted)
    for wrong in ({}, {"reason": "ugly"}, {**BODY, "words": "my nose"}):
        assert client.post(f"/v1/jobs/{job}/pictures/01-photo.png/replace", json=wrong).status_code == 422
    assert send_back(client, job, "01-photo.png", {"reason": "skin_or_hair_changed"}).status_code == 200
    lines = audit.page(service.engine, 0, 10)
    assert [(line.code, line.target) for line in lines] == [("picture_replaced:skin_or_hair_changed", job)]
    with transaction(service.engine) as session:
        session.execute(update(JobRow).values(test=False))  # rehearsals are not counted
    registry = CollectorRegistry()
    registry.register(LedgerFigures(service.engine))
    counted = {
        reason: registry.get_sample_value("avatar_pictures_replaced_total", {"reason": reason.value})
        for reason in replaced.Reason
    }
    assert counted == {reason: float(reason == "skin_or_hair_changed") for reason in replaced.Reason}


def test_a_call_that_is_sent_again_replaces_one_picture(
    delivered: tuple[Any, str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, job = delivered
    key = {"Idempotency-Key": "replace-0001"}

    def cut_off(*_: object) -> None:
        raise RuntimeError("the process ended here")

    with monkeypatch.context() as cut:
        cut.setattr("avatar.web.once.answers.give", cut_off)
        cut.setattr("avatar.ledger.answers.LEASE", -1.0)
        assert send_back(client, job, "01-photo.png", headers=key).status_code == 500
    first = send_back(client, job, "01-photo.png", headers=key)
    again = send_back(client, job, "01-photo.png", headers=key)
    assert (first.status_code, first.json()["picture"]) == (200, "05-photo.png")
    assert again.content == first.content
    assert again.headers["Idempotency-Replayed"] == "true"
    assert listed(client, job) == ["05-photo.png", "02-photo.png", "03-oil.png", "04-oil.png"]


def at_once(*calls: Callable[[], object]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_at_once_are_both_replaced_and_nothing_is_left_over(delivered: tuple[Any, str], service: Service) -> None:
    client, job = delivered
    said: list[int] = []
    names = ["01-photo.png", "02-photo.png", "03-oil.png", "04-oil.png", "04-oil.png"]
    at_once(*[lambda name=name: said.append(send_back(client, job, name).status_code) for name in names])
    assert sorted(said) == [200, 200, 200, 200, 404]
    assert sorted(listed(client, job)) == ["05-photo.png", "06-photo.png", "07-oil.png", "08-oil.png"]
    files = packed(client, job)
    assert sorted(files)[:4] == sorted(listed(client, job))
    settle(service.engine, service.vault, JobId(job))
    papers = {"report.v4.json", "contact-sheet.v4.png", "pack.v4.zip"}
    assert stored(service, job) == {*listed(client, job), SPARES} | papers


STEPS = ("_papers", "_needless", "_erasing")


@pytest.mark.parametrize("step", [*STEPS, "settled", "put", "put_parts", "drop"])
def test_cut_off_at_any_step_the_old_one_is_hidden_and_the_rest_is_done_later(
    delivered: tuple[Any, str], service: Service, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    client, job = delivered
    place: Any = replacing if step in STEPS else replaced if step == "settled" else type(service.vault)
    real = getattr(place, step)

    def killed(*given: Any, **named: Any) -> Any:
        if step in STEPS or step == "settled":
            raise KeyboardInterrupt("killed")
        real(*given, **named)
        raise KeyboardInterrupt("killed")

    with monkeypatch.context() as cut:
        cut.setattr(place, step, killed)
        with pytest.raises(KeyboardInterrupt):
            service.replace(*_asked(service, job, "02-photo.png"))
    assert listed(client, job) == ["01-photo.png", "05-photo.png", "03-oil.png", "04-oil.png"]
    assert client.get(f"/v1/jobs/{job}/pictures/02-photo.png").status_code == 404
    assert "02-photo.png" not in packed(client, job)  # the next reader goes on where it was cut off
    monkeypatch.setattr(replaced, "PATIENCE", -1.0)
    service.settle_packs()
    assert stored(service, job) == {
        *listed(client, job), "06-photo.png", "07-oil.png", "08-oil.png", SPARES,
        "report.v1.json", "contact-sheet.v1.png", "pack.v1.zip",
    }  # fmt: skip
    with reading(service.engine) as session:
        assert session.scalars(select(ReplacementRow.settled_at)).one() is not None


def _asked(service: Service, job: str, name: str) -> tuple[Any, JobId, replaced.Asked]:
    from avatar.ledger.clients import Client, Quota, Scope

    with reading(service.engine) as session:
        owner = session.get_one(JobRow, job).client
    asked = replaced.Asked(f"rep_{name}", name, replaced.Reason.OTHER)
    return Client(owner, "", Scope.CLIENT, Quota()), JobId(job), asked


def test_a_store_that_is_away_leaves_it_to_the_schedule_and_says_so(
    delivered: tuple[Any, str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, job = delivered

    def away(*_: object) -> None:
        raise Away("The bucket does not answer.")

    with monkeypatch.context() as cut:
        cut.setattr(type(service.vault), "drop", away)
        answer = send_back(client, job, "01-photo.png")
    assert (answer.status_code, answer.json()["erased"]) == (200, False)
    assert "01-photo.png" in stored(service, job)
    monkeypatch.setattr(replaced, "PATIENCE", -1.0)
    service.ring_what_waits()
    assert "01-photo.png" not in stored(service, job)


def test_what_a_late_writer_leaves_is_taken_by_a_second_look(delivered: tuple[Any, str], service: Service) -> None:
    client, job = delivered
    send_back(client, job, "01-photo.png")
    send_back(client, job, "02-photo.png")
    service.vault.put(JobId(job), Kind.PACK, "pack.v1.zip", b"of a process that slept")
    assert replaced.due(service.engine) == []
    with transaction(service.engine) as session:
        session.execute(update(ReplacementRow).values(second_at=1.0))
    service.settle_packs()
    assert "pack.v1.zip" not in stored(service, job)
    assert replaced.due(service.engine) == []


def test_under_a_hold_nothing_is_replaced_and_what_was_asked_before_waits(
    delivered: tuple[Any, str], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, job = delivered
    with monkeypatch.context() as cut:
        cut.setattr(Service, "settle_pack", lambda *_: False)  # cut off before anything is erased
        send_back(client, job, "01-photo.png")
    holds.add(service.engine, job, holds.Reason.COURT_ORDER, "cli_operator")
    assert send_back(client, job, "02-photo.png").json()["code"] == "held"
    assert client.get(f"/v1/jobs/{job}").json()["spares"] == {}
    assert not service.settle_pack(JobId(job))
    assert "01-photo.png" in stored(service, job)
    holds.lift(service.engine, job, "cli_operator")
    monkeypatch.setattr(replaced, "PATIENCE", -1.0)
    service.settle_packs()
    assert "01-photo.png" not in stored(service, job)


def test_an_erased_pack_has_no_spare_and_its_receipt_counts_what_was_sent_back(
    delivered: tuple[Any, str], service: Service
) -> None:
    client, job = delivered
    send_back(client, job, "01-photo.png")
    deletion = client.delete(f"/v1/jobs/{job}").json()["id"]
    assert send_back(client, job, "02-photo.png").status_code == 404
    for owed in due(service.engine, -1):
        service.purge(owed)
    told = client.get(f"/v1/deletions/{deletion}").json()["receipt"]
    assert faults(told, service.signer.public) == []
    assert {line["kind"]: line["objects"] for line in told["erased"] if line["after"] == "replaced"} == {"pack": 4}
    assert service.vault.remains(JobId(job)) == []
    assert client.get(f"/v1/jobs/{job}").json()["spares"] == {}
    service.settle_packs()
    assert service.vault.remains(JobId(job)) == []


def test_small_pictures_come_while_a_job_is_at_work_and_go_with_it(
    caller: Call, service: Service, wanted: dict[str, object]
) -> None:
    client, stranger = caller(), caller()
    job = str(client.post("/v1/jobs", json={**wanted, "test": True}).json()["id"])
    client.post(f"/v1/jobs/{job}/photos", content=b"x")
    assert client.get(f"/v1/jobs/{job}/previews").json() == []
    client.post(f"/v1/jobs/{job}/start")
    bench = service.bench(Queue.LIGHT)
    while (seen := work(bench, JobId(job))) is not None and seen.stage is not Stage.FINISH:
        pass
    shown = client.get(f"/v1/jobs/{job}/previews").json()
    assert [one["style"] for one in shown] == ["photo"] * 4 + ["oil"] * 4
    small = client.get(f"/v1/jobs/{job}/previews/{shown[0]['number']}.jpg")
    assert (small.status_code, small.headers["Content-Type"]) == (200, "image/jpeg")
    assert small.headers["Cache-Control"] == "private, no-store"
    label = read_label(small.content)
    assert label is not None
    assert label.generated
    assert client.get(f"/v1/jobs/{job}/previews/99.jpg").status_code == 404
    assert stranger.get(f"/v1/jobs/{job}/previews").status_code == 404
    assert stranger.get(f"/v1/jobs/{job}/previews/0.jpg").status_code == 404
    while work(bench, JobId(job)) is not None:
        pass
    assert client.get(f"/v1/jobs/{job}/previews").status_code == 404
    assert client.get(f"/v1/jobs/{job}/previews/0.jpg").status_code == 404
