"""The service's vault, on a folder and on a bucket: sealed before it is stored, gone when its key is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from avatar.errors import Spoiled
from avatar.job import JobId, Kind, new_id
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring
from avatar.vault.s3 import S3Store
from avatar.vault.sealed import SealedVault, Store


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "folder":
        yield DiskStore(tmp_path / "vault")
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="sealed")
        yield S3Store(client, "sealed")


@pytest.fixture
def keys(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", bytes(range(32)))


@pytest.fixture
def vault(store: Store, keys: Keyring) -> SealedVault:
    return SealedVault(store, keys)


@pytest.fixture
def job(vault: SealedVault) -> JobId:
    made = new_id()
    vault.open(made)
    return made


def test_what_is_stored_is_not_what_was_given(vault: SealedVault, store: Store, job: JobId) -> None:
    vault.put(job, Kind.PHOTO, "p01", b"a face" * 100)
    assert vault.get(job, Kind.PHOTO, "p01") == b"a face" * 100
    assert b"a face" not in b"".join(store.get(f"{job}/photo/p01"))
    assert vault.names(job, Kind.PHOTO) == ["p01"]
    with pytest.raises(KeyError):
        vault.get(job, Kind.PHOTO, "p02")


def test_ending_a_job_makes_its_inputs_unreadable_and_leaves_the_pack(vault: SealedVault, job: JobId) -> None:
    vault.put(job, Kind.ADAPTER, "best", b"weights")
    vault.put(job, Kind.PACK, "photo-1.png", b"picture")
    assert vault.forget_key(job)
    with pytest.raises(Spoiled):
        vault.get(job, Kind.ADAPTER, "best")
    assert vault.get(job, Kind.PACK, "photo-1.png") == b"picture"
    assert vault.forget_key(job, Kind.PACK)
    with pytest.raises(Spoiled):
        vault.get(job, Kind.PACK, "photo-1.png")


def test_a_late_writer_is_refused_and_nothing_of_it_stays(vault: SealedVault, job: JobId) -> None:
    vault.forget_key(job)
    with pytest.raises(Spoiled):
        vault.put(job, Kind.CROP, "c01", b"late")
    assert vault.remains(job) == []


def test_an_upload_that_breaks_off_leaves_nothing(vault: SealedVault, job: JobId) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(3 << 20)
        raise ConnectionError("the phone went away")

    with pytest.raises(ConnectionError):
        vault.put_parts(job, Kind.PHOTO, "p01", broken())
    assert vault.remains(job) == []


def test_erasing_one_kind_leaves_the_others_and_twice_is_the_same_as_once(vault: SealedVault, job: JobId) -> None:
    for kind in (Kind.PHOTO, Kind.CROP):
        vault.put(job, kind, "a", b"x")
    assert vault.erase(job, Kind.PHOTO) == ["a"]
    assert vault.erase(job, Kind.PHOTO) == []
    assert [place.split("@")[0].removeprefix(f"{job}/") for place in vault.remains(job)] == ["crop/a"]
    vault.remove(job)
    assert vault.remains(job) == []


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "x" * 101])
def test_a_name_can_not_lead_elsewhere(vault: SealedVault, job: JobId, name: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        vault.get(job, Kind.PHOTO, name or ".")


def test_an_inventory_tells_every_kind_from_one_listing(vault: SealedVault, job: JobId) -> None:
    for kind, name in ((Kind.PHOTO, "p02"), (Kind.PHOTO, "p01"), (Kind.PACK, "a.png")):
        vault.put(job, kind, name, b"x")
    other = new_id()
    vault.open(other)
    vault.put(other, Kind.CROP, "c01", b"x")
    assert vault.inventory(job) == {kind: [] for kind in Kind} | {Kind.PHOTO: ["p01", "p02"], Kind.PACK: ["a.png"]}
    assert len(vault.remains(job)) == 3
    assert len(vault.remains(job, (Kind.PHOTO,))) == 2
