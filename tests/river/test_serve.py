"""The whole service as one command, on its own parts and on real servers: from the first call to the receipt."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from avatar.erasure.receipt import check
from tests.river.components import Embedded, Parts, servers
from tests.river.serving import Running, free_port, serving, start, until

CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}


@pytest.fixture(scope="module", params=["its own parts", "real servers"])
def parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
    if request.param == "its own parts":
        yield Embedded()
        return
    with pytest.MonkeyPatch.context() as patch, servers(patch) as made:
        yield made


@pytest.fixture(scope="module")
def running(parts: Parts) -> Iterator[Running]:
    short = tempfile.TemporaryDirectory()  # a socket's path has little room
    with short as folder, serving(Path(folder) / "s", parts.settings()) as made:
        yield made


def ordered(running: Running, **more: Any) -> str:
    """The path of a new job with one photo, which is none."""
    status, job = running.call("POST", "/v1/jobs", {"styles": ["photo"], "count": 2, "consent": CONSENT, **more})
    assert status == 201, job
    path = f"/v1/jobs/{job['id']}"
    assert running.call("POST", f"{path}/photos", b"not a picture at all")[0] == 201
    return path


def ended(running: Running, path: str) -> Any:
    """The job, once it has ended."""
    assert running.call("POST", f"{path}/start")[0] == 202
    return until(lambda: (told := running.call("GET", path)[1])["ended_at"] and told)


def erased(running: Running, path: str) -> Any:
    """The receipt of the deletion of all of it."""
    _, owed = running.call("DELETE", path)
    return until(lambda: (told := running.call("GET", f"/v1/deletions/{owed['id']}")[1])["done_at"] and told)["receipt"]


def nothing_left(running: Running, parts: Parts) -> bool:
    return parts.objects(running.state) == [] and list((running.state / "service" / "keys").iterdir()) == []


@pytest.mark.timeout(400)
def test_a_job_that_is_refused_ends_with_its_reason_its_receipt_and_nothing_left(
    running: Running, parts: Parts
) -> None:
    path = ordered(running)
    assert parts.objects(running.state)
    told = ended(running, path)
    assert (told["state"], told["code"]) == ("refused", "too_few_photos")
    receipt = erased(running, path)
    assert receipt["complete"]
    assert check(receipt)
    assert nothing_left(running, parts)
    assert parts.used(running.state)


@pytest.mark.timeout(400)
def test_a_pack_is_fetched_and_then_erased_with_nothing_left(running: Running, parts: Parts) -> None:
    path = ordered(running, test=True)
    assert ended(running, path)["state"] == "done"
    assert "01-photo.png" in running.call("GET", f"{path}/pictures")[1]
    assert running.call("GET", f"{path}/pictures/01-photo.png")[1].startswith(b"\x89PNG")
    receipt = erased(running, path)
    assert receipt["complete"]
    assert check(receipt)
    assert nothing_left(running, parts)
    assert running.call("GET", f"{path}/pictures/01-photo.png")[0] == 404


@pytest.mark.timeout(400)
def test_a_second_start_finds_the_first_and_leaves_it_alone(running: Running, parts: Parts) -> None:
    log = running.state.with_suffix(".second")
    with log.open("w") as said:
        second = start(running.state, free_port(), parts.settings(), said)
    assert second.wait(60) == 1
    assert "runs already" in log.read_text()
    assert running.answers()
