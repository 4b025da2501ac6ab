"""The vault of one machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avatar.errors import Spoiled, Unsafe
from avatar.job import JobId, Kind, new_id
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault

HOLD = """
import sys
from pathlib import Path
from avatar.job import JobId, Kind
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
vault = LocalVault(Path(sys.argv[1]), MemoryKeys())
vault.open(JobId(sys.argv[2]))
vault.put(JobId(sys.argv[2]), Kind.PHOTO, "p01", b"a face" * 99)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def vault(tmp_path: Path) -> LocalVault:
    return LocalVault(tmp_path / "state" / "jobs", MemoryKeys())


@pytest.fixture
def job(vault: LocalVault) -> JobId:
    name = new_id()
    vault.open(name)
    return name


def test_what_was_put_comes_back_and_is_listed(vault: LocalVault, job: JobId) -> None:
    vault.put(job, Kind.CROP, "b", b"2")
    vault.put(job, Kind.CROP, "a", b"1")
    assert vault.names(job, Kind.CROP) == ["a", "b"]
    assert vault.get(job, Kind.CROP, "a") == b"1"
    assert vault.names(job, Kind.PHOTO) == []


def test_what_is_absent_is_a_key_error(vault: LocalVault, job: JobId) -> None:
    with pytest.raises(KeyError):
        vault.get(job, Kind.CROP, "nothing")


def test_nothing_on_the_disk_holds_the_plain_bytes(vault: LocalVault, job: JobId) -> None:
    vault.put(job, Kind.PHOTO, "p01", b"canary-canary-canary")
    stored = [path for path in vault.root.rglob("*") if path.is_file()]
    assert any(path.stat().st_size for path in stored)
    assert not any(b"canary" in path.read_bytes() for path in stored)


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "A", "x" * 101])
def test_names_that_could_leave_the_folder_are_refused(vault: LocalVault, job: JobId, name: str) -> None:
    with pytest.raises(ValueError, match="not an object name"):
        vault.put(job, Kind.PHOTO, name, b"")


def test_a_job_id_that_is_a_path_is_refused(vault: LocalVault) -> None:
    with pytest.raises(ValueError, match="not a job id"):
        vault.names(JobId("../../etc"), Kind.PHOTO)


def test_after_the_key_is_gone_nothing_opens_and_nothing_can_be_written(vault: LocalVault, job: JobId) -> None:
    vault.put(job, Kind.PHOTO, "p01", b"1")
    assert vault.forget_key(job)
    assert not vault.forget_key(job)
    with pytest.raises(Spoiled):
        vault.get(job, Kind.PHOTO, "p01")
    with pytest.raises(Spoiled):
        vault.put(job, Kind.PHOTO, "p02", b"late")
    assert vault.names(job, Kind.PHOTO) == ["p01"]


def test_removing_leaves_no_empty_parents_and_twice_is_the_same_as_once(vault: LocalVault, job: JobId) -> None:
    vault.put(job, Kind.PHOTO, "p01", b"1")
    vault.remove(job)
    vault.remove(job)
    assert vault.remains(job) == []
    assert not vault.root.parent.exists()


def test_another_job_is_not_touched_by_a_removal(vault: LocalVault, job: JobId) -> None:
    other = new_id()
    vault.open(other)
    vault.put(other, Kind.PHOTO, "p01", b"1")
    vault.remove(job)
    assert vault.get(other, Kind.PHOTO, "p01") == b"1"


def test_folders_are_private_and_a_shared_one_is_refused(vault: LocalVault, job: JobId, tmp_path: Path) -> None:
    assert vault.root.stat().st_mode & 0o077 == 0
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    with pytest.raises(Unsafe, match="not private"):
        LocalVault(shared, MemoryKeys()).open(new_id())


def test_a_symbolic_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "jobs").symlink_to(tmp_path / "real")
    with pytest.raises(Unsafe):
        LocalVault(tmp_path / "jobs", MemoryKeys()).open(new_id())


def test_a_living_job_is_not_dead_and_a_killed_one_is(vault: LocalVault) -> None:
    other = new_id()
    command = [sys.executable, "-c", HOLD, str(vault.root), other]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        assert vault.dead_jobs() == []
        process.kill()
        process.wait()
    assert vault.dead_jobs() == [other]
    with pytest.raises(Spoiled):
        vault.get(other, Kind.PHOTO, "p01")
    assert vault.names(other, Kind.PHOTO) == ["p01"]


def test_our_own_open_job_is_not_dead(vault: LocalVault, job: JobId) -> None:
    assert vault.dead_jobs() == []
    assert os.listdir(vault.root) == [job]  # noqa: PTH208 - hidden files too
