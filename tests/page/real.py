"""The whole way in a browser on the embedded service with the pocket base: python -m tests.page.real --out DIR

From consent to the checked receipt with the sample selfies and no rehearsal, on a phone or at a desk; each view is kept
as a picture in DIR. Takes about five minutes on two cores. Exit code 1 if a step does not come, or if the page asked
anybody else for anything or broke a rule of its policy.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.page.conftest import DESK, PHONE, SELFIES, Visit
from tests.page.test_flow import CLEAN, STORED
from tests.river.serving import SHORT, serving, until

PATIENCE = 1500  # seconds; a job takes some four minutes where nobody else works


@dataclass(frozen=True, slots=True)
class Address:
    """What a visit needs to know of a service."""

    address: str


@dataclass(slots=True)
class Album:
    """The pictures of the views, in order."""

    visit: Visit
    folder: Path
    begun: float
    taken: int = 0

    def take(self, name: str) -> None:
        self.taken += 1
        self.until("[...document.images].every((one) => one.complete)")
        self.visit.page.wait_for_timeout(400)
        self.visit.page.screenshot(path=self.folder / f"{self.taken:02d}-{name}.png", full_page=True)
        print(f"{time.monotonic() - self.begun:6.1f} s  {name}", flush=True)

    def until(self, true: str) -> None:
        until(lambda: self.visit.page.evaluate(true), PATIENCE)


def walk(visit: Visit, album: Album) -> None:
    """Every view, in the order in which people see them."""
    page = visit.open("/")
    album.take("consent")
    visit.agree()
    album.take("styles")
    visit.choose("photo", "watercolour")
    visit.give(*SELFIES)
    album.until(f"document.querySelectorAll('[data-state=good]').length >= {len(SELFIES) - 1}")
    album.take("photos")
    visit.begin()
    page.wait_for_selector(".stages")
    album.take("waiting")
    album.until("document.querySelectorAll('.strip .drawn').length > 0 || document.querySelector('.gallery img')")
    album.take("first-pictures")
    album.until("document.querySelector('.gallery img')")
    album.take("gallery")
    with page.expect_download() as kept:
        page.click(".head .main")
    with zipfile.ZipFile(kept.value.path()) as pack:
        assert pack.testzip() is None
        print(f"the pack: {', '.join(pack.namelist())}")
    page.click(".gallery li:first-child .open")
    page.wait_for_selector("dialog.zoom[open]")
    album.take("picture")
    if page.is_visible(".swap >> text=Replace this one"):
        page.click(".swap >> text=Replace this one")
        page.click("#swap >> text=It is not like me")
        album.until("!document.querySelector('.swap .told').textContent.startsWith('A moment')")
        album.take("replaced")
    page.keyboard.press("Escape")
    visit.erase()
    page.wait_for_selector(".receipt")
    assert page.locator(".seal.good").count() == 2, "digest and signature, both checked by the browser"
    assert page.evaluate(STORED) == CLEAN
    album.take("receipt")
    visit.innocent()


def main() -> int:
    """Serve, walk, and say how it went."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--out", type=Path, default=Path("walk"))
    ask.add_argument("--size", choices=("phone", "desk"), default="phone")
    told = ask.parse_args()
    told.out.mkdir(parents=True, exist_ok=True)
    os.environ.update({"ORT_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_TELEMETRY": "1"})
    phone = told.size == "phone"
    view = {"viewport": PHONE if phone else DESK, "is_mobile": phone, "has_touch": phone, "locale": "en-GB"}
    with (
        tempfile.TemporaryDirectory() as short,
        serving(Path(short) / "s", {"AVATAR_PACE": "1", "AVATAR_TUNE_STEPS": str(SHORT)}) as running,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(**view, reduced_motion="reduce")  # type: ignore[arg-type]
        context.set_default_timeout(1000 * PATIENCE)
        visit = Visit(context, Address(f"http://127.0.0.1:{running.port}"))  # type: ignore[arg-type]
        walk(visit, Album(visit, told.out, time.monotonic()))
        browser.close()
    print("the whole way: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
