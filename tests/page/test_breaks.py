"""What breaks in the middle: the network in an upload, the page while it waits, the service behind both."""

from __future__ import annotations

import time

import pytest

from tests.page.conftest import SELFIES, Visit


@pytest.fixture
def size() -> str:
    return "phone"


def test_a_network_cut_in_the_middle_of_an_upload_loses_nothing(visit: Visit) -> None:
    visit.open()
    visit.agree()
    visit.choose()
    line = visit.context.new_cdp_session(visit.page)
    slow = {"latency": 20, "downloadThroughput": 1e6, "uploadThroughput": 20_000}  # bytes a second
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    visit.give()
    page = visit.page
    page.wait_for_selector("[data-state=sending]")
    page.wait_for_timeout(500)
    line.send("Network.emulateNetworkConditions", {"offline": True, **slow})
    page.wait_for_selector("[data-state=held]")
    assert "You are offline" in (page.text_content("#line") or "")
    assert page.locator(".photos li").count() == 5
    fast = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    line.send("Network.emulateNetworkConditions", {"offline": False, **fast})
    visit.good()
    visit.begin()
    visit.pictures()


def test_a_reload_in_the_middle_of_waiting_goes_on(visit: Visit) -> None:
    with visit.served.hands.waiting():
        visit.ordered()
        visit.page.wait_for_selector(".stages")
        visit.page.reload()
        visit.page.wait_for_selector(".stages")
    visit.pictures()


def test_a_service_that_is_restarted_while_one_waits_is_found_again(visit: Visit) -> None:
    with visit.served.hands.waiting():
        visit.ordered()
        page = visit.page
        page.wait_for_selector(".stages")
        visit.served.stop()
        visit.until("document.querySelector('#line').textContent.includes('does not answer')")
        visit.served.start()
    visit.pictures()
    assert visit.page.is_hidden("#line") or "Rehearsal" in (visit.page.text_content("#line") or "")


def test_where_no_event_comes_through_it_asks(visit: Visit) -> None:
    def swallowed(route: object) -> None:
        time.sleep(0)  # never answered: what a proxy does that holds a stream back

    visit.page.route("**/events", swallowed)
    with visit.served.hands.waiting():
        visit.ordered()
        visit.page.wait_for_selector(".stages")
        visit.page.wait_for_timeout(7000)
    visit.pictures()


def test_a_lost_answer_to_an_upload_stores_no_photo_twice(visit: Visit) -> None:
    lost = []

    def answerless(route: object) -> None:
        if lost or route.request.method != "POST":  # type: ignore[attr-defined]
            route.continue_()  # type: ignore[attr-defined]
            return
        lost.append(route.fetch(post_data=SELFIES[0].read_bytes()).status)  # type: ignore[attr-defined]
        route.abort("connectionreset")  # type: ignore[attr-defined]

    visit.open()
    visit.agree()
    visit.choose()
    visit.page.route("**/photos?wait=3", answerless)
    visit.give(SELFIES[0])
    visit.good(1)
    assert lost == [201]
    visit.page.reload()
    visit.good(1)
    assert visit.page.locator(".photos li").count() == 1


def test_a_spent_quota_is_told_with_its_time_and_the_choice_stays(visit: Visit) -> None:
    visit.open()
    visit.agree()
    problem = {"status": 429, "code": "quota_jobs_an_hour", "fault": "client", "detail": "", "title": ""}
    visit.page.route(
        "**/v1/page/jobs", lambda route: route.fulfill(status=429, headers={"Retry-After": "1800"}, json=problem)
    )
    visit.page.click("label.style:has(input[value=oil])")
    visit.page.click(".bar .main")
    visit.page.wait_for_selector(".notice")
    assert "Please come back in 30 minutes." in (visit.page.text_content("#notices") or "")
    assert visit.page.is_checked("input[value=oil]")


def test_a_link_that_opens_nothing_says_so(visit: Visit) -> None:
    page = visit.open("/#avl_nothing")
    assert page.text_content("h1") == "This link opens nothing"
