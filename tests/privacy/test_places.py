"""The hunt's search is not blind: each mark is found in each place, and no library keeps anything outside of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from avatar.service import Service
from tests.privacy import places, scan
from tests.privacy.places import caches, missed, searched, surroundings
from tests.privacy.staging import staged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    surroundings(tmp_path, {})
    return tmp_path


def test_each_mark_is_found_in_each_place_of_a_service(service: Service, folder: Path) -> None:
    assert missed(service, folder) == []
    assert not [path for path in folder.rglob("control*") if path.is_file()]


def test_each_mark_is_found_in_old_versions_markers_and_open_uploads(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staged(folder, "bucket", monkeypatch) as stage:
        assert missed(stage.service, folder, stage.bucket) == []


def test_a_search_that_is_blind_for_one_mark_or_in_one_place_is_told(
    service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = scan.traces
    with monkeypatch.context() as patch:
        for module in (scan, places):
            patch.setattr(module, "traces", lambda *a, **b: [one for one in real(*a, **b) if one != "latents"])
        blind = missed(service, folder)
        assert len(blind) > 12
        assert all(one.startswith("latents in ") for one in blind)
    with monkeypatch.context() as patch:
        patch.setattr(places, "searched", lambda where: [path for path in searched(where) if path.name != "temp"])
        assert {one.rsplit(" ", 1)[-1] for one in missed(service, folder)} == {"temp"}


def test_caches_of_hub_torch_and_compiler_and_home_and_temp_are_in_searched_folders(tmp_path: Path) -> None:
    astray = dict.fromkeys(places.ELSEWHERE, "/nowhere")
    told = json.loads(caches(surroundings(tmp_path, {**os.environ, **astray}))[-1])
    inside = [path for path in searched(tmp_path) if tmp_path in path.parents]
    assert len(told) == 7
    for name, path in told.items():
        assert any(Path(path).is_relative_to(one) for one in inside), name
    for name in places.IN_CACHES[:2]:
        assert str(tmp_path / "home" / name) in told.values()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["terminated", "interrupted"])
def test_a_hunt_that_is_stopped_takes_all_its_processes_and_files_with_it(how: signal.Signals) -> None:
    with tempfile.TemporaryDirectory() as name:  # a short one: a socket is in it
        told: dict[str, Any] = {"env": {**os.environ, "TMPDIR": name}, "text": True, "stdout": subprocess.PIPE}
        command = (sys.executable, "-m", "tests.privacy.hunt", "--purges", "300")
        with subprocess.Popen(command, **told) as process:
            assert process.stdout is not None
            parts = [int(word) for word in process.stdout.readline().split()[1:]]
            broker = [int(path.read_text()) for path in Path(name).rglob("broker.pid")]
            process.send_signal(how)
            status = process.wait(60)
        assert (status, len(parts), len(broker)) == (143, 5, 1)
        assert [pid for pid in (*parts, *broker) if Path(f"/proc/{pid}").exists()] == []
        assert list(Path(name).iterdir()) == []
