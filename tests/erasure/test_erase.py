"""Erasing one job, and the receipt that says so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatar.erasure.erase import erase_job
from avatar.erasure.receipt import canonical, check, erased, receipt
from avatar.job import Kind, new_id
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault


def test_everything_of_the_job_goes_and_the_receipt_counts_it(tmp_path: Path) -> None:
    vault, job = LocalVault(tmp_path / "jobs", MemoryKeys()), new_id()
    vault.open(job)
    for number, kind in enumerate(Kind, 1):
        for name in range(number):
            vault.put(job, kind, f"o{name}", b"x")
    paper = erase_job(vault, job, "done", [erased("photo", ["p01"], "intake")])
    assert [(line["kind"], line["objects"], line["after"]) for line in paper["erased"]] == [
        ("photo", 1, "intake"),
        *((str(kind), number, "purge") for number, kind in enumerate(Kind, 1)),
    ]
    assert paper["complete"] is True
    assert paper["listed_again"]["objects"] == 0
    assert [path for path in (tmp_path / "jobs").rglob("*") if path.is_file() and path.name != "lock"] == []


def test_erasing_twice_is_the_same_as_once(tmp_path: Path) -> None:
    vault, job = LocalVault(tmp_path / "jobs", MemoryKeys()), new_id()
    vault.open(job)
    vault.put(job, Kind.PHOTO, "p01", b"x")
    erase_job(vault, job, "done")
    again = erase_job(vault, job, "done")
    assert again["erased"] == []
    assert again["complete"] is True


def test_a_folder_that_can_not_be_emptied_is_never_called_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, job = LocalVault(tmp_path / "jobs", MemoryKeys()), new_id()
    vault.open(job)
    vault.put(job, Kind.PHOTO, "p01", b"x")
    monkeypatch.setattr(LocalVault, "erase", lambda *_: [])
    paper = erase_job(vault, job, "done")
    assert paper["complete"] is False
    assert paper["listed_again"]["objects"] > 0


def test_the_receipt_holds_no_name_of_an_object() -> None:
    paper = receipt("job_x", "done", [erased("photo", ["anna.jpg"], "intake")], key_destroyed=True, remains=[])
    assert b"anna" not in canonical(paper)


@given(st.data())
def test_one_flipped_byte_is_noticed(data: st.DataObject) -> None:
    paper = receipt("job_x", "done", [erased("photo", ["p01"], "intake")], key_destroyed=True, remains=[])
    assert check(paper)
    key = data.draw(st.sampled_from([key for key in paper if key != "digest"]))
    assert not check({**paper, key: "changed"})
