"""A folder that is away is not an empty one: nothing may be taken for erased because it can not be seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from avatar.errors import Unsafe
from avatar.job import Kind, new_id
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring
from avatar.vault.sealed import SealedVault


@pytest.fixture
def vault(tmp_path: Path) -> SealedVault:
    return SealedVault(DiskStore(tmp_path / "store"), Keyring(tmp_path / "keys", bytes(32)))


def test_a_store_that_is_away_is_never_shown_as_empty(vault: SealedVault, tmp_path: Path) -> None:
    job = new_id()
    vault.open(job)
    vault.put(job, Kind.PHOTO, "a", b"x")
    (tmp_path / "store").rename(tmp_path / "unmounted")
    for ask in (vault.reach_store, lambda: vault.remains(job), lambda: vault.erase(job, Kind.PHOTO)):
        with pytest.raises(Unsafe, match="away"):
            ask()
    (tmp_path / "unmounted").rename(tmp_path / "store")
    assert vault.remains(job) == ["photo/a"]


def test_a_key_in_a_folder_that_is_away_is_not_told_destroyed(vault: SealedVault, tmp_path: Path) -> None:
    job = new_id()
    vault.open(job)
    vault.reach_keys()
    shutil.move(tmp_path / "keys", tmp_path / "unmounted")
    with pytest.raises(Unsafe, match="away"):
        vault.forget_key(job)
    with pytest.raises(Unsafe, match="away"):
        vault.reach_keys()
    shutil.move(tmp_path / "unmounted", tmp_path / "keys")
    assert vault.forget_key(job)
    assert not vault.forget_key(job)
