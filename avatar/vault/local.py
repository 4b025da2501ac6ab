"""A vault in one private folder per job: `<root>/<job>/objects/<kind>/<name>`, sealed, owner-only.

Covers: whole-or-nothing writes; folders that only their owner may enter; a lock that tells living jobs from dead ones.
Does not cover: what a disk keeps of freed blocks. Only ciphertext was ever on it, and its key was never there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from avatar.errors import Unsafe
from avatar.job import JobId, Kind
from avatar.vault.keys import MemoryKeys
from avatar.vault.seal import seal, unseal

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
KEPT_TO_THE_END = ("lock", "note.json")  # removed with the folder, after the receipt was handed over
JOB = re.compile(r"job_[0-9a-f]{32}")


def private_folder(path: Path) -> Path:
    """Make `path` if need be; Unsafe unless it is a real folder that belongs to us and only we may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Unsafe(
            f"The scratch folder {path} is not private.",
            remedy=f"chmod 700 {path}, or set AVATAR_STATE to a folder of your own",
        )
    return path


class LocalVault:
    """The vault of one machine. One instance owns the jobs it opened until `close`."""

    def __init__(self, root: Path, keys: MemoryKeys) -> None:
        self.root = root
        self._keys = keys
        self._locks: dict[JobId, int] = {}

    def __repr__(self) -> str:
        return f"LocalVault({len(self._locks)} open jobs)"

    def open(self, job: JobId) -> None:
        """Make the job's folder and key, and hold its lock as long as this process lives."""
        with self._root_lock():
            folder = private_folder(self._folder(job))
            self._keys.make(job)
            self._locks[job] = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._locks[job], fcntl.LOCK_EX | fcntl.LOCK_NB)

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None:
        path = self._path(job, kind, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_name(f".{path.name}.half")
        half.write_bytes(seal(self._keys.key(job), job, kind, name, data))
        half.replace(path)

    def get(self, job: JobId, kind: Kind, name: str) -> bytes:
        path = self._path(job, kind, name)
        key = self._keys.key(job)
        try:
            sealed = path.read_bytes()
        except FileNotFoundError:
            raise KeyError(f"{kind}/{name}") from None
        return unseal(key, job, kind, name, sealed)

    def names(self, job: JobId, kind: Kind) -> list[str]:
        folder = self._folder(job) / "objects" / kind
        return sorted(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.is_dir() else []

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        names = self.names(job, kind)
        folder = self._folder(job) / "objects" / kind
        if folder.exists():
            shutil.rmtree(folder)  # half-written ones too
        return names

    def drop(self, job: JobId, kind: Kind, name: str) -> None:
        self._path(job, kind, name).unlink(missing_ok=True)

    def forget_key(self, job: JobId) -> bool:
        """Destroy the key: from here on nothing of the job opens, whatever is still on the disk."""
        return self._keys.destroy(job)

    def remove(self, job: JobId) -> None:
        """Remove the job's folder with everything in it, release its lock, and leave no empty parents behind."""
        with self._root_lock():
            if self._folder(job).exists():
                shutil.rmtree(self._folder(job))
            if job in self._locks:
                os.close(self._locks.pop(job))
            for folder in (self.root, self.root.parent):
                with contextlib.suppress(OSError):  # not empty: other jobs live there
                    folder.rmdir()

    def remains(self, job: JobId) -> list[str]:
        """Every file of the job that is still there but its lock and note; the proof reads this list."""
        folder = self._folder(job)
        files = (str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
        return sorted(name for name in files if name not in KEPT_TO_THE_END)

    def note(self, job: JobId, note: dict[str, str]) -> None:
        """Remember, beside the objects, where a pack is being delivered to, so that `clean` can finish or undo it."""
        path = self._folder(job) / "note.json"
        half = path.with_name(".note.half")
        half.write_text(json.dumps(note))
        half.replace(path)

    def read_note(self, job: JobId) -> dict[str, str]:
        """The last note; empty if there is none."""
        try:
            return dict(json.loads((self._folder(job) / "note.json").read_text()))
        except (FileNotFoundError, ValueError):
            return {}

    def dead_jobs(self) -> list[JobId]:
        """Jobs whose process is gone: their lock can be taken."""
        if not self.root.is_dir():
            return []
        with self._root_lock():
            found = [JobId(folder.name) for folder in self.root.iterdir() if JOB.fullmatch(folder.name)]
            return sorted(job for job in found if job not in self._locks and _abandoned(self._folder(job)))

    @contextlib.contextmanager
    def _root_lock(self) -> Iterator[None]:
        """One process at a time makes, judges or removes job folders; locking the folder itself leaves no file."""
        while True:
            private_folder(self.root)
            handle = os.open(self.root, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if self.root.exists() and os.fstat(handle).st_ino == self.root.stat().st_ino:
                    yield
                    return
            finally:
                os.close(handle)

    def _folder(self, job: JobId) -> Path:
        if not JOB.fullmatch(job):
            raise ValueError("not a job id")
        return self.root / job

    def _path(self, job: JobId, kind: Kind, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ValueError(f"not an object name: {name!r}")
        return self._folder(job) / "objects" / kind / name


def _abandoned(folder: Path) -> bool:
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
