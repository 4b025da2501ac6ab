"""Folders of the store on a disk: none is left behind, and a writer never misses the one that is taken away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from avatar.errors import Unsafe
from avatar.vault.disk import DiskStore


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(tmp_path / "store")


def folders(tmp_path: Path) -> list[str]:
    return sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "store").rglob("*"))


def test_no_empty_folder_tells_of_a_job_that_was_erased(store: DiskStore, tmp_path: Path) -> None:
    store.put("job_1/photo/a", [b"x"])
    store.put("job_1/pack/a", [b"x"])
    store.put("job_2/photo/a", [b"x"])
    (tmp_path / "store" / "job_1" / "photo" / ".half").write_bytes(b"x")
    store.remove("job_1/photo/")
    assert folders(tmp_path)[:2] == ["store/job_1", "store/job_1/pack"]
    store.remove("job_1/pack/")
    store.remove("job_1/crop/")  # never was
    assert folders(tmp_path) == ["store/job_2", "store/job_2/photo", "store/job_2/photo/a"]
    store.drop("job_2/photo/a")
    assert folders(tmp_path) == []
    assert (tmp_path / "store").is_dir()


def test_writers_and_erasers_at_once_miss_no_folder_and_leave_none(store: DiskStore, tmp_path: Path) -> None:
    def turns(name: str) -> int:
        for _ in range(300):
            store.put(f"job_1/photo/{name}", [b"x"])
            assert store.size(f"job_1/photo/{name}") == 1
            store.drop(f"job_1/photo/{name}")
        return 300

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(turns, "abcd")) == 1200
    assert folders(tmp_path) == []


def test_a_store_that_is_away_is_not_begun_anew_by_a_writer(store: DiskStore, tmp_path: Path) -> None:
    (tmp_path / "store").rename(tmp_path / "unmounted")
    with pytest.raises(Unsafe, match="away"):
        store.put("job_1/photo/a", [b"x"])
    assert not (tmp_path / "store").exists()
