from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from avatar.errors import WeightsMissing, WeightsRefused
from avatar.weights.fetch import fetch, verify
from avatar.weights.registry import LOCK, Base, Family, Origin

OPEN = Base("faces", Family.FACES, Origin.HUB, "who/faces", "Apache-2.0", "", True, files=("a.onnx",))
CLOSED = replace(OPEN, name="closed", needs_acceptance=True)


class Fake:
    """Writes one file instead of asking the hub; `fails` breaks off in the middle."""

    def __init__(self, content: bytes = b"weights", *, fails: bool = False) -> None:
        self.content, self.fails, self.calls = content, fails, 0

    def resolve(self, repository: str) -> str:
        return "c" * 40

    def download(self, repository: str, revision: str, patterns: tuple[str, ...], folder: Path) -> None:
        self.calls += 1
        (folder / "a.onnx").write_bytes(self.content)
        if self.fails:
            raise OSError("the line broke")


def test_what_is_fetched_is_recorded_with_revision_and_digest_of_each_file(tmp_path: Path) -> None:
    folder = fetch(OPEN, tmp_path, downloader=Fake())
    lock = json.loads((folder / LOCK).read_text())
    assert lock["revision"] == "c" * 40
    assert lock["files"] == {"a.onnx": hashlib.sha256(b"weights").hexdigest()}


def test_a_pinned_revision_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    folder = fetch(replace(OPEN, revision="d" * 40), tmp_path, downloader=Fake())
    assert json.loads((folder / LOCK).read_text())["revision"] == "d" * 40


def test_fetching_twice_downloads_once_and_verifies(tmp_path: Path) -> None:
    fake = Fake()
    fetch(OPEN, tmp_path, downloader=fake)
    fetch(OPEN, tmp_path, downloader=fake)
    assert fake.calls == 1
    (tmp_path / "models" / "faces" / "a.onnx").write_bytes(b"changed")
    with pytest.raises(WeightsRefused):
        fetch(OPEN, tmp_path, downloader=fake)


def test_a_file_that_was_added_or_removed_is_noticed(tmp_path: Path) -> None:
    folder = fetch(OPEN, tmp_path, downloader=Fake())
    (folder / "more.bin").write_bytes(b"?")
    with pytest.raises(WeightsRefused):
        verify(OPEN, folder)
    (folder / "more.bin").unlink()
    (folder / "a.onnx").unlink()
    with pytest.raises(WeightsRefused):
        verify(OPEN, folder)


def test_a_broken_download_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="line broke"):
        fetch(OPEN, tmp_path, downloader=Fake(fails=True))
    assert list(tmp_path.iterdir()) == []


def test_other_bytes_than_the_known_digest_are_refused_and_removed(tmp_path: Path) -> None:
    known = replace(OPEN, digests=(("a.onnx", hashlib.sha256(b"right").hexdigest()),))
    with pytest.raises(WeightsRefused):
        fetch(known, tmp_path, downloader=Fake(b"wrong"))
    assert list(tmp_path.iterdir()) == []
    fetch(known, tmp_path, downloader=Fake(b"right"))


def test_a_licence_that_restricts_uses_must_be_accepted_first(tmp_path: Path) -> None:
    fake = Fake()
    with pytest.raises(WeightsRefused) as error:
        fetch(CLOSED, tmp_path, downloader=fake)
    assert error.value.code == "licence_not_accepted"
    assert fake.calls == 0
    assert fetch(CLOSED, tmp_path, accept_licence=True, downloader=fake).is_dir()


def test_a_folder_without_a_lock_is_not_verified(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing):
        verify(OPEN, tmp_path)
