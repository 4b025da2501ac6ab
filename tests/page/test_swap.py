"""Small pictures while one waits, and a picture that is sent back: the new one is there, the old one is nowhere."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from avatar.job import JobId, Kind, Stage
from tests.page.conftest import Visit
from tests.page.test_access import measured


def names(visit: Visit) -> list[str]:
    """What the order's archive holds, by number."""
    with visit.page.expect_download() as kept:
        visit.page.click(".head .main")
    with zipfile.ZipFile(io.BytesIO(Path(kept.value.path()).read_bytes())) as pack:
        return [name for name in pack.namelist() if name[0].isdigit()]


def test_small_pictures_come_before_the_end_each_in_a_place_of_its_style(visit: Visit) -> None:
    with visit.served.hands.before(Stage.FINISH):
        visit.ordered()
        page = visit.page
        page.wait_for_selector(".strip .drawn img")
        visit.until("document.querySelectorAll('.strip .drawn').length === 4")
        assert page.locator(".strip li").count() == 4
        assert page.locator(".strip .drawn img[src^=blob]").count() == 4
        assert page.get_attribute(".strip .drawn img", "alt") == "A first look: Oil painting"
        measured(visit, "waiting, with small pictures")
    visit.pictures()
    assert page.locator(".strip").count() == 0
    visit.innocent()


def test_a_picture_that_is_sent_back_makes_room_for_the_next_best(visit: Visit) -> None:
    visit.ordered()
    visit.pictures()
    page = visit.page
    assert names(visit) == ["01-oil.png", "02-oil.png", "03-neon.png", "04-neon.png"]
    page.click(".gallery li:nth-child(2) .like")
    page.click(".gallery li:nth-child(2) .open")
    page.wait_for_selector("dialog.zoom[open]")
    page.click(".swap >> text=Replace this one")
    assert "can not come back" in (page.text_content("#swap") or "")
    measured(visit, "reasons")
    page.keyboard.press("ArrowRight")  # in the menu the arrows turn no page
    assert "Picture 2" in (page.text_content("#zoom-title") or "")
    page.click("#swap >> text=Keep it")
    assert page.is_hidden("#swap")
    page.click(".swap >> text=Replace this one")
    page.click("#swap >> text=The face is broken")
    visit.until("document.querySelector('.swap .told').textContent === 'This one is new. The other is erased.'")
    assert "Picture 2" in (page.text_content("#zoom-title") or "")
    assert page.get_attribute("dialog.zoom .like", "aria-pressed") == "false"
    page.click(".swap >> text=Replace this one")
    page.click("#swap >> text=It is not like me")
    visit.until("!document.querySelector('.swap .told').textContent.startsWith('A moment')")
    assert page.is_hidden(".swap >> text=Replace this one")  # both spares of this style are used
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.zoom", state="detached")
    assert names(visit) == ["01-oil.png", "06-oil.png", "03-neon.png", "04-neon.png"]
    page.reload()
    visit.pictures()
    page.click(".gallery li:nth-child(1) .open")
    page.wait_for_selector("dialog.zoom[open]")
    assert page.is_hidden(".swap >> text=Replace this one")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.is_visible(".swap >> text=Replace this one")
    kept = visit.served.hands.service.vault.names(job_of(visit), Kind.PACK)
    assert "06-oil.png" in kept
    assert not {"02-oil.png", "05-oil.png"} & set(kept)
    visit.innocent()


def job_of(visit: Visit) -> JobId:
    """The job whose pictures the page asked for last."""
    return JobId([url.split("/v1/jobs/")[1].split("/")[0] for url in visit.asked if "/v1/jobs/job_" in url][-1])


def test_where_no_spare_is_left_after_all_the_picture_stays_and_it_is_said(visit: Visit) -> None:
    visit.ordered()
    visit.pictures()
    page = visit.page
    told = {"status": 409, "code": "no_spare_left", "fault": "client", "detail": "x", "title": "Conflict"}
    page.route("**/replace", lambda route: route.fulfill(status=409, json=told))
    page.click(".gallery li:first-child .open")
    page.click(".swap >> text=Replace this one")
    page.click("#swap >> text=Something else")
    visit.until("document.querySelector('.swap .told').textContent.startsWith('Of this style no picture is left')")
    assert page.is_hidden(".swap >> text=Replace this one")
    assert page.locator("dialog.zoom img[src^=blob]").count() == 1
