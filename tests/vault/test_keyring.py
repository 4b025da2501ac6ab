"""The keyring: one key a job, useless without the operator's, and gone when it is destroyed."""

from __future__ import annotations

import base64
import threading
from pathlib import Path

import pytest

from avatar.errors import Spoiled, Unsafe
from avatar.job import new_id
from avatar.vault.keyring import Keyring, Safe, master_key

MASTER = bytes(range(32))


def test_a_key_is_made_once_and_is_the_same_for_every_process(tmp_path: Path) -> None:
    job = new_id()
    rings = [Keyring(tmp_path / "keys", MASTER) for _ in range(8)]
    threads = [threading.Thread(target=ring.make, args=(job,)) for ring in rings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keys = {ring.key(job) for ring in rings}
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert rings[0].jobs() == [job]


def test_the_files_alone_do_not_give_the_key(tmp_path: Path) -> None:
    job = new_id()
    ring = Keyring(tmp_path / "keys", MASTER)
    ring.make(job)
    assert ring.key(job) not in (tmp_path / "keys" / job).read_bytes()
    with pytest.raises(Spoiled):
        Keyring(tmp_path / "keys", bytes(32)).key(job)


def test_one_jobs_key_can_not_stand_in_for_anothers(tmp_path: Path) -> None:
    one, other = new_id(), new_id()
    ring = Keyring(tmp_path / "keys", MASTER)
    ring.make(one)
    (tmp_path / "keys" / other).write_bytes((tmp_path / "keys" / one).read_bytes())
    with pytest.raises(Spoiled):
        ring.key(other)


def test_a_destroyed_key_is_overwritten_where_it_lay_and_gone_for_everybody(tmp_path: Path) -> None:
    job = new_id()
    ring, other = Keyring(tmp_path / "keys", MASTER), Keyring(tmp_path / "keys", MASTER)
    ring.make(job)
    wrapped = (tmp_path / "keys" / job).read_bytes()
    with (tmp_path / "keys" / job).open("rb") as held:  # somebody who opened the file before
        assert ring.destroy(job)
        assert held.read() == bytes(len(wrapped))
    assert not other.destroy(job)
    assert list((tmp_path / "keys").iterdir()) == []
    with pytest.raises(Spoiled):
        other.key(job)


def test_a_killed_maker_leaves_no_key_that_opens(tmp_path: Path) -> None:
    ring = Keyring(tmp_path / "keys", MASTER)
    job = new_id()
    (tmp_path / "keys" / job).write_bytes(b"half")
    with pytest.raises(Spoiled):
        ring.key(job)


def test_a_short_sealing_key_or_an_open_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unsafe):
        Keyring(tmp_path / "keys", b"short")
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(Unsafe):
        Keyring(tmp_path / "open", MASTER)


def test_the_sealing_key_is_made_once_and_refused_if_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "operator" / "sealing.key"
    assert master_key(path) == master_key(path)
    assert len(master_key(path)) == 32
    path.chmod(0o644)
    with pytest.raises(Unsafe):
        master_key(path)


def test_a_small_secret_opens_for_its_purpose_and_under_its_key_alone() -> None:
    safe = Safe(MASTER)
    sealed = safe.seal(b"secret", "one")
    assert safe.open(sealed, "one") == b"secret"
    assert safe.seal(b"secret", "one") != sealed
    for ring, given, purpose in ((safe, sealed, "two"), (Safe(bytes(32)), sealed, "one"), (safe, sealed[:-8], "one")):
        with pytest.raises(Spoiled):
            ring.open(given, purpose)
    for given in ("", "é", "AAAA", "%"):
        with pytest.raises(Spoiled):
            safe.open(given, "one")


def test_what_is_sealed_for_a_table_does_not_open_as_a_jobs_key(tmp_path: Path) -> None:
    ring, job = Keyring(tmp_path / "keys", MASTER), new_id()
    (tmp_path / "keys" / job).write_bytes(base64.b64decode(Safe(MASTER).seal(bytes(32), job)))
    with pytest.raises(Spoiled):
        ring.key(job)
