"""Photos of an order: one that is there is not taken in again."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, update

from avatar.errors import NotNow, OverQuota
from avatar.ledger import uploads
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import transaction
from avatar.ledger.tables import SentRow
from tests.ordering import ordered


def test_a_photo_that_arrived_is_told_to_be_here_and_is_no_fault_of_ours(engine: Engine, client: Client) -> None:
    job = ordered(engine, client)
    with pytest.raises(NotNow, match="here already"):
        uploads.expect(engine, client, job, "p01")


def test_taking_a_photo_back_gives_nothing_back_of_the_hour(engine: Engine) -> None:
    client = make_client(engine, "app", Scope.CLIENT, Quota(jobs_a_day=9, running=9, uploads_an_hour=4))[0]
    job = ordered(engine, client)  # with a photo
    for name in ("p02", "p03"):
        uploads.expect(engine, client, job, name)
        uploads.arrived(engine, job, name, 1, "")
        uploads.drop(engine, client, job, name)
    assert [row.name for row in uploads.photos(engine, client, job)] == ["p01"]
    assert uploads.expect(engine, client, job, "p04").left == 0
    with pytest.raises(OverQuota) as full:
        uploads.expect(engine, client, job, "p05")
    assert (full.value.code, full.value.after > 3500) == ("quota_uploads_an_hour", True)
    assert uploads.expect(engine, client, job, "p04").left == 0  # the same one again, since its bytes did not arrive
    with transaction(engine) as session:
        session.execute(update(SentRow).values(at=SentRow.at - 3700))
    assert uploads.expect(engine, client, job, "p05").left == 3


def test_one_job_can_not_spend_what_others_of_its_client_need(engine: Engine, client: Client) -> None:
    job, other = ordered(engine, client), ordered(engine, client)
    for number in range(uploads.MOST_SENT - 1):
        uploads.expect(engine, client, job, f"q{number}")
        uploads.drop(engine, client, job, f"q{number}")
    with pytest.raises(OverQuota) as full:
        uploads.expect(engine, client, job, "q")
    assert full.value.code == "too_many_sent"
    assert uploads.expect(engine, client, other, "q").left > 0
