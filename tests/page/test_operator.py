"""The operator's page: a key held in memory alone, how the service stands, and a purge that nobody does by mistake."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, select

from avatar.job import JobId
from avatar.ledger import holds
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, HoldRow, JobRow, ReplacementRow
from avatar.service import Service
from tests.ordering import ordered
from tests.page.conftest import Visit
from tests.page.test_access import measured
from tests.watch.rows import clock, job, over, put

STORED = "JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])"


@pytest.fixture
def scheme(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "light"))


def busy(service: Service) -> str:
    """Rows of every sort, as an operator may find them; an admin's key."""
    key = make_client(service.engine, "operator", Scope.ADMIN, Quota())[1]
    client = make_client(service.engine, "app", Scope.CLIENT, Quota(1000, 1000, 1000))[0]
    at = clock(service.engine)
    seconds = {"intake": {"seconds": 2.4}, "tune": {"seconds": 184.0, "device": "cuda"}, "render": {"seconds": 61.0}}
    rows = [over(client, at - 3600 * n, facts=seconds) for n in range(1, 8)]
    rows += [over(client, at - 90, "refused", "too_few_photos"), over(client, at - 60, "failed", "gave_up")]
    later = at + 1e9  # nobody's hands take these
    rows += [
        job(client, at - 500, stage="tune", not_before=later),
        job(client, at - 40, stage="tune", lease_until=later),
    ]
    put(service.engine, *rows)
    with transaction(service.engine) as session:
        late = demand(session, rows[0]["id"], What.EVERYTHING, "request", after=-4000.0)
        session.get_one(DeletionRow, late).lease_until = later  # somebody is at it, and will never be done
        pictures = {
            "job": rows[1]["id"],
            "picture": "01-oil.png",
            "spare": "02-oil.png",
            "made_at": at,
            "settled_at": at,
        }
        session.add(ReplacementRow(id="rep_1", number=1, reason="face_broken", **pictures))
    holds.add(service.engine, rows[2]["id"], holds.Reason.DISPUTE, "console")
    return key


@pytest.fixture
def key(visit: Visit) -> Iterator[str]:
    service = visit.served.hands.service
    yield busy(service)
    with transaction(service.engine) as session:  # other tests share the service
        for table in (ReplacementRow, HoldRow, DeletionRow):
            session.execute(delete(table))


def opened(visit: Visit, key: str) -> None:
    visit.open("/operator")
    visit.page.fill("#key", key)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("#purge")


@pytest.mark.parametrize("scheme", ["light", "dark"], indirect=True)
def test_the_desk_tells_how_the_service_stands_and_is_open_to_everybody(visit: Visit, key: str) -> None:
    visit.open("/operator")
    measured(visit, "the door")
    page = visit.page
    opened(visit, key)
    visit.until("document.querySelectorAll('[aria-labelledby=\"op.standing\"] tbody tr').length === 1")
    text = page.text_content("main") or ""
    for told in ("too_few_photos", "gave_up", "A purge worker may be down", "Dispute", "Face broken", "3 minutes"):
        assert told in text, told
    page.check("input[value=older]")
    page.fill("#days", "0")
    page.click("#plan")
    page.wait_for_selector(".planned table")
    measured(visit, "the desk")
    page.select_option(".tongue", "id")
    visit.until(
        "document.querySelector('h1').textContent === 'Operator' && document.body.textContent.includes('Penghapusan')"
    )
    measured(visit, "the desk, in Indonesian")
    visit.innocent()


@pytest.mark.parametrize("size", ["desk"])
def test_the_key_is_in_this_pages_memory_alone(visit: Visit, key: str) -> None:
    opened(visit, key)
    page = visit.page
    assert key not in page.evaluate(STORED)
    assert key not in page.content()
    assert not any(key in url for url in visit.asked)
    page.click("text=Forget the key")
    page.wait_for_selector("#key")
    assert page.input_value("#key") == ""
    opened(visit, key)
    page.reload()
    page.wait_for_selector("#key")
    assert page.locator("#purge").count() == 0


@pytest.mark.parametrize("size", ["desk"])
def test_another_key_opens_nothing_and_is_told_so(visit: Visit) -> None:
    page = visit.open("/operator")
    client = make_client(visit.served.hands.service.engine, "app", Scope.CLIENT, Quota())[1]
    for wrong, words in (("nonsense", "This key is not known"), (client, "This key is no admin key")):
        page.fill("#key", wrong)
        page.click("#open")
        visit.until(f"document.querySelector('.missing').textContent.startsWith('{words}')")
        assert page.input_value("#key") == ""
    assert page.locator("#purge").count() == 0


@pytest.mark.parametrize("size", ["desk"])
def test_a_purge_shows_what_would_go_and_waits_for_the_number(visit: Visit, key: str) -> None:
    service = visit.served.hands.service
    client = make_client(service.engine, "app", Scope.CLIENT, Quota(1000, 1000, 1000))[0]
    jobs = [ordered(service.engine, client) for _ in range(2)]
    for one in jobs:
        service.vault.open(JobId(one))
    opened(visit, key)
    page = visit.page
    page.fill("#jobs", "\n".join(jobs))
    page.click("#plan")
    page.wait_for_selector(".planned table")
    assert page.locator(".planned tbody tr").count() == 2
    assert page.is_disabled("#erase")
    page.fill("#typed", "3")
    assert page.is_disabled("#erase")
    assert erased(service, jobs) == 0
    page.fill("#typed", "2")
    page.click("#erase")
    visit.until("document.querySelector('.purge .told')?.textContent.startsWith('2 jobs were erased.')")
    assert erased(service, jobs) == 2
    page.fill("#jobs", "job_" + "0" * 32)
    page.click("#plan")
    visit.until("document.querySelector('.purge .missing').textContent === 'There is no such job.'")
    visit.innocent()


def erased(service: Service, jobs: list[JobId]) -> int:
    with reading(service.engine) as session:
        return len(session.scalars(select(JobRow.id).where(JobRow.id.in_(jobs), JobRow.erased_at.is_not(None))).all())
