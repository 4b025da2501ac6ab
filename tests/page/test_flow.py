"""The whole way in a browser, on a phone and at a desk: from the first view to the receipt, and nothing left behind."""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar.erasure.signing import faults
from tests.page.conftest import SELFIES, Visit

STORED = """async () => ({
  local: Object.keys(localStorage), session: Object.keys(sessionStorage),
  caches: await caches.keys(), databases: (await indexedDB.databases()).map((one) => one.name),
  cookies: document.cookie, pictures: document.querySelectorAll("img[src^=blob]").length,
})"""
CODES = """async (texts) => {
  const { qr } = await import("/page/qr.js");
  return texts.map((text) => qr(text).map((row) => row.map(Number)));
}"""
CLEAN = {"local": [], "session": [], "caches": [], "databases": [], "cookies": "", "pictures": 0}


def test_from_the_first_view_to_the_receipt(visit: Visit, tmp_path: Path) -> None:
    visit.ordered()
    page = visit.page
    visit.pictures()
    assert page.url.split("#")[1].startswith("avl_")
    assert page.locator(".gallery li").count() == 4
    with page.expect_download() as kept:
        page.click(".head .main")
    with zipfile.ZipFile(io.BytesIO(Path(kept.value.path()).read_bytes())) as pack:
        assert "01-oil.png" in pack.namelist()
        assert pack.testzip() is None
    page.click(".gallery li:first-child .like")
    assert page.evaluate("Object.keys(sessionStorage).length") == 1
    visit.erase()
    page.wait_for_selector(".receipt")
    assert page.locator(".seal.good").count() == 2  # digest and signature, both checked by the browser
    with page.expect_download() as told:
        page.click(".receipt .button")
    receipt = json.loads(Path(told.value.path()).read_text())
    assert receipt["complete"]
    assert faults(receipt, visit.served.hands.service.signer.public) == []
    assert page.evaluate(STORED) == CLEAN
    page.reload()
    page.wait_for_selector(".receipt")
    assert visit.page.evaluate(STORED) == CLEAN
    visit.innocent()


def test_a_receipt_that_was_changed_is_seen_in_the_browser(visit: Visit) -> None:
    visit.ordered()
    visit.pictures()

    def forged(route: object) -> None:
        answer = route.fetch()  # type: ignore[attr-defined]
        told = answer.json()
        if told.get("receipt"):
            told["receipt"]["erased"][0]["objects"] += 1
        route.fulfill(response=answer, json=told)  # type: ignore[attr-defined]

    for answers in ("**/v1/deletions/*", "**/v1/jobs/job_*"):  # the receipt may come with the first answer already
        visit.page.route(answers, forged)
    visit.erase()
    visit.page.wait_for_selector(".receipt")
    assert visit.page.locator(".seal.bad").count() == 1
    assert visit.page.locator(".seal.good").count() == 1  # the signature is of the digest, which was left as it was


def test_pictures_are_looked_at_by_keys_and_liked(visit: Visit) -> None:
    visit.ordered()
    visit.pictures()
    page = visit.page
    page.focus(".gallery li:first-child .open")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog.zoom[open]")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert "Picture 2" in (page.text_content("#zoom-title") or "")
    page.focus("dialog.zoom .like")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "Picture 4" in (page.text_content("#zoom-title") or "")
    page.keyboard.press("+")
    assert page.locator(".stage.large").count() == 1
    page.keyboard.press("-")
    page.click("dialog.zoom .like")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog.zoom", state="detached")
    page.click(".head [aria-pressed]")
    assert page.locator(".gallery li").count() == 1
    page.reload()
    visit.pictures()
    assert page.locator(".like[aria-pressed=true]").count() == 1


def test_a_swipe_brings_the_next_picture(visit: Visit) -> None:
    visit.ordered()
    visit.pictures()
    page = visit.page
    page.click(".gallery li:first-child .open")
    page.wait_for_selector("dialog.zoom[open]")
    page.mouse.move(300, 400)
    page.mouse.down()
    page.mouse.move(150, 405)
    page.mouse.up()
    assert "Picture 2" in (page.text_content("#zoom-title") or "")


def test_the_link_and_its_code_open_the_order_elsewhere(visit: Visit) -> None:
    with visit.served.hands.waiting():
        visit.ordered()
        page = visit.page
        page.wait_for_selector(".stages")
        page.click(".share summary")
        read = code(page.locator(".code canvas").screenshot())
        assert read == page.input_value(".share input")
        page.click(".share .second")
        assert page.evaluate("navigator.clipboard.readText()") == read
        other = Visit(visit.context, visit.served)
        other.open(read.removeprefix(visit.served.address))
        other.page.wait_for_selector(".stages")
        assert other.page.text_content(".place") == "You are next in line."
    visit.pictures()
    other.pictures()


@pytest.mark.parametrize("size", ["desk"])
def test_codes_of_every_length_say_what_they_were_made_of(visit: Visit) -> None:
    texts = [secrets.token_urlsafe(213)[: 6 + 3 * at] for at in range(70)]  # versions 1 to 10, up to the longest
    visit.open()
    for text, rows in zip(texts, visit.page.evaluate(CODES, texts), strict=True):
        quiet = np.pad(np.array(rows, np.uint8), 4)
        seen, png = cv2.imencode(".png", (255 * (1 - quiet)).repeat(6, 0).repeat(6, 1))
        assert seen
        assert code(png.tobytes()) == text


def code(png: bytes) -> str:
    """What a QR code says. OpenCV's older reader gives up on one sound code in twenty; this one reads them all."""
    drawn = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert drawn is not None
    read, _, _ = cv2.QRCodeDetectorAruco().detectAndDecode(drawn)
    return read


def test_photos_come_by_camera_paste_and_drop_and_can_be_taken_back(visit: Visit, size: str) -> None:
    visit.open()
    visit.agree()
    visit.choose()
    page = visit.page
    data = list(SELFIES[0].read_bytes())
    hand = """([data, kind]) => {
      const given = new DataTransfer();
      given.items.add(new File([new Uint8Array(data)], "a.jpg", { type: "image/jpeg" }));
      const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: given, bubbles: true })
        : new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
      (kind === "paste" ? document.body : document.querySelector(".drop")).dispatchEvent(event);
    }"""
    page.evaluate(hand, [data, "paste"])
    visit.good(1)
    page.evaluate(hand, [data, "drop"])
    visit.good(2)
    if size == "desk":
        page.click("text=Take one")
        visit.until("document.querySelector('video')?.videoWidth > 0")
        page.click("dialog.camera .main")
        visit.good(3)
    before = page.locator(".photos li").count()
    page.click(".photos li:first-child .away")
    visit.good(before - 1)
    page.reload()
    visit.good(before - 1)  # the service has them, and shows them to nobody
    visit.innocent()


def test_each_verdict_comes_in_words_with_what_to_do(visit: Visit) -> None:
    visit.open()
    visit.agree()
    visit.choose()
    visit.served.hands.verdicts[:] = ["several_faces"]
    visit.give(SELFIES[0])
    page = visit.page
    page.wait_for_selector("[data-state=poor]")
    assert page.text_content(".verdict") == "There are several faces. Crop it to yours, or send one of you alone."
    visit.begin()
    assert "Please add 5 more good photos." in (page.text_content("#notices") or "")


def test_a_photo_that_is_too_large_is_made_smaller_only_when_the_person_says_so(visit: Visit, tmp_path: Path) -> None:
    heavy = tmp_path / "heavy.jpg"
    heavy.write_bytes(SELFIES[0].read_bytes() + bytes(20_000_000))
    visit.open()
    visit.agree()
    visit.choose()
    visit.give(heavy)
    page = visit.page
    page.wait_for_selector("[data-state=poor]")
    assert "larger than 20 MB" in (page.text_content(".verdict") or "")
    page.click("text=Make it smaller and send it")
    visit.good(1)
    assert "as you asked" in (page.text_content(".verdict") or "")


def test_indonesian_is_a_choice_that_stays(visit: Visit) -> None:
    page = visit.open()
    page.select_option(".tongue", "id")
    assert page.text_content("h1") == "Ia mengenal wajah Anda, melukisnya, lalu melupakannya."
    assert page.evaluate("document.documentElement.lang") == "id"
    page.reload()
    page.wait_for_selector("h1")
    assert page.input_value(".tongue") == "id"
