"""The figures of the operator's page, against rows made by hand; no id of anybody's is in them."""

from __future__ import annotations

import pytest

from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import transaction
from avatar.ledger.tables import ReplacementRow
from avatar.service import Service
from tests.watch.rows import clock, job, over, put
from tests.web.conftest import Call

TIMES = {"intake": {"seconds": 2.0}, "tune": {"seconds": 100.0, "device": "cuda"}}


def test_the_figures_tell_what_waits_what_failed_and_what_is_late(caller: Call, service: Service) -> None:
    client = make_client(service.engine, "app", Scope.CLIENT, Quota())[0]
    at = clock(service.engine)
    slow = {**TIMES, "tune": {"seconds": 4000.0}}
    rows = [over(client, at - 50 - n, facts=TIMES) for n in range(9)]
    rows += [over(client, at - 40, "failed", "gave_up", facts=slow), over(client, at - 40, "failed", "gave_up")]
    rows += [over(client, at - 40, "refused", "too_few_photos"), over(client, at, "failed", "gave_up", test=True)]
    rows += [job(client, at - 500, stage="tune"), job(client, at - 70, stage="finish", test=True)]
    put(service.engine, *rows)
    with transaction(service.engine) as session:
        demand(session, rows[0]["id"], What.EVERYTHING, "request", after=-300.0)
        demand(session, rows[1]["id"], What.EVERYTHING, "kept_long_enough", after=900.0)
        names = {"job": rows[2]["id"], "number": 1, "picture": "01-oil.png", "spare": "02-oil.png", "made_at": at}
        session.add(ReplacementRow(id="rep_1", reason="face_broken", **names))
    answer = caller(scope=Scope.ADMIN).get("/v1/admin/figures")
    assert answer.status_code == 200, answer.text
    assert not any(word in answer.text for word in ("job_", "cli_"))
    told = answer.json()
    alive = [(one["stage"], one["state"], one["test"], one["jobs"]) for one in told["alive"]]
    assert alive == [("tune", "queued", False, 1), ("finish", "queued", True, 1)]
    assert told["alive"][0]["oldest"] == pytest.approx(500, abs=10)
    assert [(one["ending"], one["code"], one["jobs"]) for one in told["ended"]] == [
        ("failed", "gave_up", 2),
        ("refused", "too_few_photos", 1),
        ("done", "ok", 9),
    ]
    intake, tune = told["stages"]
    assert (intake["stage"], intake["jobs"], intake["mean"], intake["most"]) == ("intake", 10, 2.0, 3.0)
    assert (tune["mean"], tune["most"]) == (490.0, None)  # one in ten took longer than the last bound
    inputs, everything = told["deletions"]
    assert (everything["owed"], everything["due"], everything["overdue"]) == (2, 1, 1)
    assert everything["oldest"] == pytest.approx(300, abs=10)
    assert inputs["owed"] == 0
    assert {reason: count for reason, count in told["replaced"].items() if count} == {"face_broken": 1}
    assert (told["photos_unseen"], told["messages_unsent"], told["messages_given_up"]) == (0, 0, 0)


def test_a_ledger_without_a_job_has_figures_too(caller: Call) -> None:
    told = caller(scope=Scope.ADMIN).get("/v1/admin/figures").json()
    assert (told["alive"], told["stages"], told["ended"]) == ([], [], [])
    assert [one["what"] for one in told["deletions"]] == ["inputs", "everything"]
