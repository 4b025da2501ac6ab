"""The page as people have it: a browser without a window, a server of its own, and hands that do the work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

from tests.page.hands import Hands
from tests.river.serving import free_port, until

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
SELFIES = sorted(Path("avatar/pocket/selfies").glob("*.jpg"))
REQUIRED = "no Chromium: apt-get install chromium"


@dataclass(slots=True)
class Served:
    """The API as a process of its own, which can be killed and started again, and the hands behind it."""

    state: Path
    port: int
    hands: Hands
    process: subprocess.Popen[bytes] | None = None
    log: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        many = {"AVATAR_PAGE": "open", "AVATAR_PAGE_JOBS_AN_HOUR": "1000", "AVATAR_PAGE_JOBS_A_DAY": "1000"}
        command = (sys.executable, "-m", "uvicorn", "--factory", "avatar.web.main:made", "--port", str(self.port))
        quiet = ("--log-level", "warning", "--no-access-log")
        environment = {**os.environ, **many, "AVATAR_STATE": str(self.state)}
        with (self.state / "api.log").open("ab") as said:
            self.process = subprocess.Popen((*command, *quiet), stdout=said, stderr=said, env=environment)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(REQUIRED)
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *fake])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        hands = Hands(state)
        made = Served(state, free_port(), hands)
        hands.start()
        made.start()
        yield made
        made.stop()
        hands.over.set()
        hands.join()
        hands.service.engine.dispose()


class Visit:
    """One person's browser: what it asked for, and what it complained of."""

    def __init__(self, context: BrowserContext, served: Served) -> None:
        self.context, self.served = context, served
        self.page: Page = context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.broken: list[str] = []  # rules of the policy
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (told) => (window.broken ??= []).push(told.violatedDirective))"
        )

    def open(self, path: str = "/?test") -> Page:
        self.page.goto(self.served.address + path)
        self.page.wait_for_selector("h1")
        return self.page

    def agree(self) -> None:
        for box in self.page.query_selector_all(".box"):
            box.check()
        self.page.click(".consent .main")
        self.page.wait_for_selector(".shelf")

    def choose(self, *styles: str) -> None:
        for name in styles or ("oil", "neon"):
            self.page.click(f"label.style:has(input[value='{name}'])")
        self.page.click("label.pill:has(input[value='4'])")  # pictures; twelve take the machine three times as long
        self.page.click(".bar .main")
        self.page.wait_for_selector(".drop")

    def give(self, *photos: Path) -> None:
        self.page.set_input_files("#picker", photos or SELFIES[:5])

    def good(self, count: int = 5) -> None:
        self.until(f"document.querySelectorAll('[data-state=good]').length === {count}")

    def until(self, true: str) -> None:
        """Wait until this holds on the page; the driver's own way is an `eval`, which the page's policy forbids."""
        until(lambda: self.page.evaluate(true), 60)

    def begin(self) -> None:
        self.page.click(".bar .main")

    def pictures(self) -> None:
        self.page.wait_for_selector(".gallery img")

    def ordered(self) -> None:
        """From the first view to the start, as most people do it."""
        self.open()
        self.agree()
        self.choose()
        self.give()
        self.good()
        self.begin()

    def erase(self) -> None:
        self.page.click(".sheet.grave .button")
        self.page.click("dialog.ask .grave")

    def innocent(self) -> None:
        """Nothing was asked of anybody else, nothing broke, and no rule of the policy was broken."""
        foreign = [url for url in self.asked if not re.match(rf"{self.served.address}/|blob:", url)]
        assert foreign == []
        assert self.complaints == []
        assert self.page.evaluate("window.broken ?? []") == []


@pytest.fixture(params=["phone", "desk"])
def size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def scheme() -> str:
    return "light"


@pytest.fixture
def visit(chromium: Browser, served: Served, size: str, scheme: str) -> Iterator[Visit]:
    phone = size == "phone"
    context = chromium.new_context(
        viewport=PHONE if phone else DESK,
        has_touch=phone,
        is_mobile=phone,
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
        reduced_motion="reduce",
        permissions=["camera", "clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(60_000)  # milliseconds; two busy cores
    until(lambda: answers(served))
    yield Visit(context, served)
    context.close()


def answers(served: Served) -> bool:
    from tests.river.serving import Running

    return Running(served.port, "", served.state).answers()


def cut(route: Route) -> None:
    """A network that breaks off."""
    route.abort("connectionreset")
