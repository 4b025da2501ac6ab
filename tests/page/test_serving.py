"""What the page's files are sent with, who may order without a key, and that each word is there in each language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from avatar.ledger.clients import PAGE, revoke
from avatar.photos.checks import SENTENCES
from avatar.photos.decode import REASONS
from avatar.service import open_service
from avatar.settings import Settings
from avatar.web.app import application

FOLDER = Path("avatar/web/page")
CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
WANTED = {"styles": ["oil"], "count": 2, "consent": CONSENT, "test": True}
Opened = Callable[..., TestClient]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    services = []

    def make(**chosen: Any) -> TestClient:
        services.append(open_service(Settings(state=tmp_path / "s", **chosen)))
        return TestClient(application(services[-1]), raise_server_exceptions=False)

    yield make
    for service in services:
        service.engine.dispose()


def test_the_document_lets_nothing_else_in(opened: Opened) -> None:
    answer = opened().get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"<style|style=|\son\w+=|https?://|<script(?! type=.module. src=./page/)", answer.text)


def test_the_operators_document_is_as_strict_and_is_no_part_of_the_first_view(opened: Opened) -> None:
    client = opened()
    answer, first = client.get("/operator"), client.get("/")
    for header in ("Content-Security-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy", "Referrer-Policy"):
        assert answer.headers[header] == first.headers[header], header
    assert not re.search(r"<style|style=|\son\w+=|https?://|<script(?! type=.module. src=./page/)", answer.text)
    assert "operator" not in first.text
    assert opened(page="off").get("/operator").status_code == 404


def test_files_are_packed_tagged_and_asked_again(opened: Opened) -> None:
    client = opened()
    first = client.get("/page/main.js")
    assert first.headers["Content-Type"].startswith("text/javascript")
    assert first.headers["Content-Encoding"] == "gzip"
    assert client.get("/page/main.js", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    plain = client.get("/page/main.js", headers={"Accept-Encoding": "identity"})
    assert plain.content == (FOLDER / "main.js").read_bytes()
    assert client.head("/").status_code == 200
    for wrong in ("/page/../app.py", "/page/%2e%2e/app.py", "/page/nothing.js", "/page/previews/nothing.webp"):
        assert client.get(wrong).status_code == 404


def test_previews_are_small_pictures(opened: Opened) -> None:
    answer = opened().get("/page/previews/oil.webp")
    assert (answer.headers["Content-Type"], answer.content[8:12]) == ("image/webp", b"WEBP")
    assert len(answer.content) < 15_000  # bytes


@pytest.mark.parametrize(("page", "status"), [("open", 201), ("auto", 403), ("links", 403), ("off", 404)])
def test_who_may_order_is_the_operators_choice(opened: Opened, page: str, status: int) -> None:
    client = opened(page=page)
    assert client.post("/v1/page/jobs", json=WANTED).status_code == status
    assert client.get("/").status_code == (404 if page == "off" else 200)


def test_an_order_without_a_key_is_opened_by_its_link_alone(opened: Opened) -> None:
    client = opened(page="open")
    made, other = client.post("/v1/page/jobs", json=WANTED).json(), client.post("/v1/page/jobs", json=WANTED).json()
    holder = {"Authorization": f"Bearer {made['key']}"}
    assert client.get("/v1/jobs", headers=holder).json()["jobs"][0]["id"] == made["job"]["id"]
    assert client.get(f"/v1/jobs/{other['job']['id']}", headers=holder).status_code == 404
    assert client.get(f"/v1/jobs/{made['job']['id']}").status_code == 401
    assert client.get("/v1/jobs", headers={"Authorization": "Bearer no key"}).status_code == 401


def test_orders_are_counted_by_address_and_by_day(opened: Opened) -> None:
    client = opened(page="open", page_jobs_an_hour=1)
    assert client.post("/v1/page/jobs", json=WANTED | {"styles": ["no such style"]}).status_code == 422
    assert client.post("/v1/page/jobs", json=WANTED).status_code == 201
    hour = client.post("/v1/page/jobs", json=WANTED)
    assert (hour.status_code, hour.json()["code"]) == (429, "quota_jobs_an_hour")
    assert 3500 < int(hour.headers["Retry-After"]) <= 3600
    daily = opened(page="open", page_jobs_a_day=1).post("/v1/page/jobs", json=WANTED)
    assert (daily.status_code, daily.json()["code"]) == (429, "quota_jobs_a_day")


def test_a_browser_that_another_site_sent_orders_nothing(opened: Opened) -> None:
    client = opened(page="open")
    assert client.post("/v1/page/jobs", json=WANTED, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/v1/page/jobs", json=WANTED, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_revoking_the_page_closes_it_and_its_links(opened: Opened) -> None:
    client = opened(page="open")
    key = client.post("/v1/page/jobs", json=WANTED).json()["key"]
    assert revoke(client.app.state.service.engine, PAGE)  # type: ignore[attr-defined]
    assert client.post("/v1/page/jobs", json=WANTED).json()["code"] == "page_closed"
    assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {key}"}).status_code == 401


def test_a_broken_rule_is_logged_by_its_name_alone(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    client = opened()
    report = {"csp-report": {"effective-directive": "script-src-elem", "blocked-uri": "https://evil.example/x"}}
    assert client.post("/v1/page/reports", json=report).status_code == 204
    for nonsense in (b"{", b"[]", b"x" * 9000, b'{"csp-report": {"effective-directive": "made-up"}}'):
        assert client.post("/v1/page/reports", content=nonsense).status_code == 204
    told = [record for record in caplog.records if record.message == "page_rule_broken"]
    assert [record.told for record in told] == [{"code": "script_src_elem"}]  # type: ignore[attr-defined]


def words(tongue: str) -> dict[str, str]:
    text = "".join((FOLDER / path).read_text() for path in (f"words/{tongue}.js", f"operator/words-{tongue}.js"))
    return dict(re.findall(r'^  "?([\w.-]+)"?: "(.*)",$', text, re.M))


def test_both_languages_have_every_word_and_place() -> None:
    english, indonesian = words("en"), {key: text for key, text in words("id").items() if not key.startswith("style.")}
    assert english.keys() == indonesian.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", indonesian[key])), key


def test_every_verdict_and_every_shipped_style_has_words() -> None:
    for code in {*SENTENCES, *REASONS, "empty", "too_large"}:
        assert f"verdict.{code}" in words("en"), code
    assert {f"style.{path.parent.name}" for path in Path("styles").glob("*/pack.toml")} <= words("id").keys()


def test_every_word_that_the_page_asks_for_is_there() -> None:
    known = words("en")
    asked = set()
    for path in FOLDER.rglob("*.js"):
        asked |= set(re.findall(r"""\bt\("([\w.]+)"[,)]""", path.read_text()))
    assert len(asked) > 80
    assert asked <= known.keys()
