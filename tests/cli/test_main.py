"""The commands, by their public door: what they print, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatar.cli import show, tidy
from avatar.cli.main import app, run
from avatar.errors import AvatarError, JobRefused, UnknownBase, UnknownStyle, WeightsMissing, WeightsRefused
from avatar.job import Kind, new_id
from avatar.settings import Settings
from avatar.vault.folder import Folder
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVATAR_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("AVATAR_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(show.console, "width", 160)
    return tmp_path


def call(*words: str) -> str:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return done.output


def test_styles_lists_every_pack_with_its_licence() -> None:
    said = call("styles")
    assert said.count("CC0-1.0") >= 12
    assert "watercolour" in said


def test_weights_list_says_what_is_here_and_how_to_get_the_rest() -> None:
    said = call("weights", "list")
    assert "pocket" in said
    assert "avatar weights fetch sd15" in said


def test_doctor_finds_the_pocket_base_and_tells_what_is_missing() -> None:
    done = CliRunner().invoke(app, ["doctor", "--json"])
    findings = {one["what"]: one for one in json.loads(done.output)}
    assert findings["base: pocket"]["level"] == "ok"
    assert findings["base: sdxl"]["remedy"] == "avatar weights fetch sdxl"
    assert findings["faces: dlib"]["level"] == "ok"
    assert done.exit_code == int(any(one["level"] == "bad" for one in findings.values()))


def test_doctor_points_at_a_misspelt_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_FACE", "dlib")
    said = call("doctor")
    assert "AVATAR_FACE" in said
    assert "did you mean AVATAR_FACES?" in said


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("demo", "--styles", "watercolor"), UnknownStyle),
        (("demo", "--styles", " , "), JobRefused),
        (("make", ".", "--base", "sd51"), UnknownBase),
        (("make", ".", "--base", "sd15"), WeightsMissing),
        (("weights", "fetch", "sdxl"), WeightsRefused),
        (("weights", "fetch", "nothing"), UnknownBase),
    ],
)
def test_what_is_wrong_is_said_before_anything_begins(words: tuple[str, ...], error: type[AvatarError]) -> None:
    with pytest.raises(error) as caught:
        call(*words)
    assert caught.value.remedy
    assert not Path("state").exists()


def test_a_folder_with_something_in_it_is_not_written_to(home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(JobRefused, match="not empty"):
        call("demo", "--out", "mine")


def test_an_error_is_shown_with_its_code_and_remedy_and_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["avatar", "demo", "--styles", "watercolor"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert "(unknown_style)" in said
    assert "watercolour" in said


def test_clean_with_nothing_left_says_so_and_makes_nothing(home: Path) -> None:
    assert "Nothing was left" in call("clean")
    assert list(home.iterdir()) == []


def _die_with(home: Path, delivered: bool) -> None:
    """A process that seals something, perhaps delivers, and is killed."""
    job = new_id()
    code = f"""
import os, signal
from pathlib import Path
from avatar.job import JobId, Kind
from avatar.vault.folder import Folder
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
vault, job = LocalVault(Path({str(home / "state" / "jobs")!r}), MemoryKeys()), JobId({job!r})
folder = Folder(Path({str(home / "out")!r}), job)
vault.open(job)
vault.note(job, folder.note())
vault.put(job, Kind.CROP, "p01", b"a face")
if {delivered}:
    folder.deliver({{"01-photo.png": b"x"}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ))


@pytest.mark.parametrize("delivered", [False, True])
def test_clean_erases_a_killed_job_and_gives_a_delivered_pack_its_receipt(home: Path, delivered: bool) -> None:
    _die_with(home, delivered)
    assert any((home / "state").rglob("p01"))
    assert "1 interrupted job erased" in call("clean")
    assert not (home / "state").exists()
    names = sorted(path.name for path in (home / "out").iterdir()) if (home / "out").exists() else []
    assert names == (["01-photo.png", "receipt.json"] if delivered else [])
    assert json.loads(CliRunner().invoke(app, ["clean", "--json"]).output) == {"cleaned": []}


def test_clean_leaves_a_living_job_alone(home: Path) -> None:
    vault, job = LocalVault(home / "state" / "jobs", MemoryKeys()), new_id()
    vault.open(job)
    vault.put(job, Kind.CROP, "p01", b"a face")
    vault.note(job, Folder(home / "out", job).note())
    assert tidy.sweep(Settings()) == []  # another vault object in the same process may not take the lock either
    assert vault.get(job, Kind.CROP, "p01") == b"a face"
    vault.remove(job)
