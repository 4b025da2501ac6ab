"""Every command and health check of ours in the compose file, run as written in a shell against real servers.

Only what a container would give is replaced: the servers' addresses, the mounted folders, and the port.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar.erasure.receipt import check
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.engine import open_ledger
from tests.river.components import Servers, servers
from tests.river.serving import Running, free_port, until

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one and "profiles" not in one}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the containers' world lies here."""

    folder: Path
    parts: Servers
    port: int

    def here(self, text: str) -> str:
        """Text of the compose file or the image, with this place's folders and port."""
        return re.sub(r"(?<![\w.])/(?=(?:state|keys|weights)\b)", f"{self.folder}/", text).replace(
            "8000", str(self.port)
        )

    def environment(self, name: str) -> dict[str, str]:
        """What the container would see: the image's variables and the file's, and nothing of this process."""
        image = dict(re.findall(r"(\w+)=(\S+)", DOCKERFILE.split("ENV PATH=")[1].split("USER")[0]))
        real = self.parts.settings()
        named = {variable: real[variable] for variable in OURS[name]["environment"]}  # a KeyError: one has no meaning
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ours = {variable: self.here(value) for variable, value in image.items()}
        return {"PATH": path, "HOME": "/nonexistent", **ours, **named}

    def command(self, name: str) -> str:
        """The service's command, or the image's own."""
        default = re.search(r"^CMD (\[.*\])", DOCKERFILE, re.M)
        assert default
        return self.here(shlex.join(OURS[name].get("command") or yaml.safe_load(default[1])))

    def well(self, name: str) -> bool:
        """What the service's health check says."""
        test = self.here(shlex.join(OURS[name]["healthcheck"]["test"][1:]))
        seconds = int(OURS[name]["healthcheck"]["timeout"].removesuffix("s"))
        return passes(test, self.folder, self.environment(name), seconds)


def passes(test: str, folder: Path, environment: dict[str, str], seconds: int) -> bool:
    """True if the shell says so in time."""
    try:
        words = ("sh", "-c", test)
        return not subprocess.run(words, cwd=folder, env=environment, capture_output=True, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        servers(patch, versioned=False) as parts,
    ):
        for name in ("state", "keys", "weights"):
            (Path(folder) / name).mkdir(mode=0o700)
        yield Place(Path(folder), parts, free_port())


@pytest.fixture(scope="module")
def processes(place: Place) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """All of ours at once, as compose starts them."""
    with contextlib.ExitStack() as stack:
        started = {}
        for name in OURS:
            log = stack.enter_context((place.folder / f"{name}.log").open("wb"))
            words = ("sh", "-c", f"exec {place.command(name)}")
            started[name] = subprocess.Popen(
                words, cwd=place.folder, env=place.environment(name), stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(started[name].wait)
            stack.callback(started[name].kill)
        yield started


@pytest.mark.timeout(200)
def test_every_service_starts_is_well_and_keeps_running(place: Place, processes: dict[str, Any]) -> None:
    until(lambda: place.well("api"))
    with ThreadPoolExecutor() as pool:
        assert dict(zip(OURS, pool.map(place.well, OURS), strict=True)) == dict.fromkeys(OURS, True)
    for name, process in processes.items():
        assert process.poll() is None, (place.folder / f"{name}.log").read_text()


@pytest.mark.timeout(200)
def test_a_job_goes_through_all_of_them_and_nothing_is_left(place: Place, processes: dict[str, Any]) -> None:
    until(lambda: place.well("api"))
    engine = open_ledger(place.parts.ledger)
    _, key = make_client(engine, "app", Scope.CLIENT, Quota(jobs_a_day=9, running=9, uploads_an_hour=9))
    engine.dispose()
    running = Running(place.port, key, place.folder)
    consent = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
    asked = {"styles": ["photo"], "count": 2, "consent": consent, "test": True}
    path = f"/v1/jobs/{running.call('POST', '/v1/jobs', asked)[1]['id']}"
    assert running.call("POST", f"{path}/photos", b"a photo")[0] == 201
    assert running.call("POST", f"{path}/start")[0] == 202
    ended = until(lambda: (told := running.call("GET", path)[1])["ended_at"] and told)
    assert ended["state"] == "done"
    assert place.parts.objects(place.folder)
    _, owed = running.call("DELETE", path)
    erased = until(lambda: (told := running.call("GET", f"/v1/deletions/{owed['id']}")[1])["done_at"] and told)
    assert check(erased["receipt"])
    assert place.parts.objects(place.folder) == []
    assert list((place.folder / "keys" / "jobs").iterdir()) == []


@pytest.mark.timeout(200)
def test_every_service_stops_when_it_is_told_to_and_nothing_went_wrong_in_any(
    place: Place, processes: dict[str, Any]
) -> None:
    for process in processes.values():
        process.terminate()
    codes = {name: process.wait(20) for name, process in processes.items()}
    assert set(codes.values()) <= {0, -15}, codes
    for name in processes:
        log = (place.folder / f"{name}.log").read_text()
        assert not re.search(r"Traceback|CRITICAL|ERROR|\"level\": \"(error|critical)\"", log), log


def test_a_service_whose_ledger_is_away_is_not_well(place: Place) -> None:
    away = "postgresql+psycopg://avatar@127.0.0.1:1/avatar"
    test = shlex.join(OURS["light"]["healthcheck"]["test"][1:])
    assert passes(test, place.folder, place.environment("light"), 20)
    assert not passes(test, place.folder, {**place.environment("light"), "AVATAR_LEDGER": away}, 20)
