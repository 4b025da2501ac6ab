"""Handing a pack over: all or nothing, and nothing of anybody's overwritten."""

from pathlib import Path

import pytest

from avatar.errors import JobRefused
from avatar.job import new_id
from avatar.vault.folder import Folder, undo, usable


def test_a_delivery_appears_whole(tmp_path: Path) -> None:
    Folder(tmp_path / "out", new_id()).deliver({"a.png": b"1", "report.json": b"{}"})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "report.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(JobRefused, match="not empty"):
        usable(tmp_path)
    with pytest.raises(JobRefused, match="not empty"):
        Folder(tmp_path, new_id()).deliver({"a.png": b"1"})
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_the_papers_of_a_job_without_a_pack_may_be_replaced(tmp_path: Path) -> None:
    out = tmp_path / "out"
    Folder(out, new_id()).add("receipt.json", b"old")
    assert usable(out) == out
    Folder(out, new_id()).deliver({"a.png": b"1"})
    assert [path.name for path in out.iterdir()] == ["a.png"]


def test_a_delivery_cut_off_is_undone(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out", new_id())
    folder.partial.mkdir()
    (folder.partial / "a.png").write_bytes(b"1")
    assert undo(folder.note()) is None
    assert list(tmp_path.iterdir()) == []


def test_a_delivery_that_was_made_is_kept(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "out", new_id())
    folder.deliver({"a.png": b"1"})
    assert undo(folder.note()) == tmp_path / "out"
    assert (tmp_path / "out" / "a.png").exists()


def test_a_forged_note_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir()
    assert undo({"partial": str(tmp_path / "keep"), "target": str(tmp_path / "keep")}) is None
    assert undo({}) is None
    assert (tmp_path / "keep").is_dir()
