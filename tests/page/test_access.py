"""Every view for everybody: measured by axe-core in light and dark, without a mouse, on the narrowest phone."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from playwright.sync_api import Route

from avatar.stages.rehearse import REFUSED
from tests.page.conftest import SELFIES, Visit

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
NARROW = {"width": 320, "height": 640}  # pixels; WCAG 2.2, 1.4.10


@pytest.fixture(params=["light", "dark"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def measured(visit: Visit, view: str) -> None:
    """Nothing serious or critical, and nothing to scroll sideways."""
    visit.page.evaluate(AXE)
    found: dict[str, Any] = visit.page.evaluate("(rules) => axe.run(document, rules)", RULES)
    assert len(found["passes"]) > 10, "axe looked at nothing"
    grave = [
        (view, one["id"], [node["html"] for node in one["nodes"]])
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


def test_every_view_is_open_to_everybody(visit: Visit) -> None:
    hands, page = visit.served.hands, visit.open()
    measured(visit, "welcome")
    page.click(".consent .main")
    measured(visit, "consent is missing")
    visit.agree()
    page.click(".bar .main")
    measured(visit, "styles")
    visit.choose()
    hands.verdicts[:] = ["ok", "several_faces"]
    visit.give(SELFIES[0], SELFIES[1])
    page.wait_for_selector("[data-state=poor]")
    visit.begin()
    measured(visit, "photos, with a verdict and a notice")
    visit.give(*SELFIES[2:6])
    visit.good(5)
    with hands.waiting():
        visit.begin()
        page.wait_for_selector(".stages")
        page.click(".share summary")
        measured(visit, "waiting")
    visit.pictures()
    page.wait_for_selector(".papers details")
    page.click(".papers summary")
    page.wait_for_selector(".receipt")
    measured(visit, "gallery")
    page.click(".gallery li:first-child .open")
    page.wait_for_selector("dialog.zoom[open]")
    measured(visit, "zoom")
    page.keyboard.press("Escape")
    page.click(".sheet.grave .button")
    measured(visit, "the question")
    page.click("dialog.ask .grave")
    page.wait_for_selector(".farewell + div .receipt")
    measured(visit, "the receipt")
    visit.innocent()


@pytest.mark.parametrize("size", ["phone"])
def test_an_order_that_was_refused_says_why_what_to_do_and_that_all_is_erased(visit: Visit) -> None:
    def refused(route: Route) -> None:  # a rehearsal with this seed is refused at intake
        route.continue_(post_data=json.dumps({**(route.request.post_data_json or {}), "seed": REFUSED}))

    visit.page.route("**/v1/page/jobs", refused)
    visit.ordered()
    page = visit.page
    page.wait_for_selector(".narrow + div .receipt")
    assert page.text_content("h1") == "This could not be made"
    assert "Begin again with at least five" in (page.text_content(".lead") or "")
    assert page.locator(".seal.good").count() == 2
    measured(visit, "refused")
    page.reload()
    page.wait_for_selector(".narrow + div .receipt")
    page.click(".narrow .main")
    page.wait_for_selector(".consent")
    assert "#" not in page.url
    visit.open("/?lost#avl_nothing")
    assert page.text_content("h1") == "This link opens nothing"
    measured(visit, "lost")


@pytest.mark.parametrize("size", ["phone"])
@pytest.mark.parametrize("scheme", ["dark"])
def test_the_whole_way_by_keys_alone_on_the_narrowest_phone(visit: Visit) -> None:
    page = visit.open()
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    tab(visit, "consent.adult")
    page.keyboard.press("Space")
    tab(visit, "consent.own")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".shelf")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator(".shelf :checked").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def tab(visit: Visit, wanted: str) -> None:
    for _ in range(12):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("document.activeElement.id") == wanted:
            return
    raise AssertionError(f"no key leads to {wanted}")
