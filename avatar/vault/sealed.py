"""The vault of a service: every object sealed under its job's key, in a store that never sees plain bytes.

A job has two keys. What was given and learnt (photos, crops, adapter ...) is under one that is destroyed when the job
ends; the pack is under the other, which lives until the pack's time is over or its owner deletes it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from avatar.errors import Spoiled
from avatar.job import JobId, Kind
from avatar.vault.seal import plain_size, seal_parts, unseal_parts

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
JOB = re.compile(r"job_[0-9a-f]{32}")


class Store(Protocol):
    """Where ciphertext lies: a folder or a bucket."""

    def put(self, path: str, parts: Iterable[bytes]) -> None: ...
    def get(self, path: str) -> Iterator[bytes]: ...
    def size(self, path: str) -> int: ...
    def drop(self, path: str) -> None: ...
    def names(self, prefix: str) -> list[str]: ...
    def remove(self, prefix: str) -> list[str]: ...
    def remains(self, prefix: str) -> list[str]: ...


class Keys(Protocol):
    """Where keys lie, apart from the store and from the ledger."""

    def make(self, job: JobId) -> None: ...
    def key(self, job: JobId) -> bytes: ...
    def destroy(self, job: JobId) -> bool: ...
    def reach(self) -> None: ...
    def jobs(self) -> list[JobId]: ...


class SealedVault:
    """`ports.Vault` on a store and a keyring; safe for several processes at once."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store, self._keys = store, keys

    def __repr__(self) -> str:
        return f"SealedVault({self._store!r})"

    def open(self, job: JobId) -> None:
        """Make the job's two keys, before its first byte arrives."""
        for kind in (Kind.PHOTO, Kind.PACK):
            self._keys.make(_holder(job, kind))

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None:
        self.put_parts(job, kind, name, [data])

    def put_parts(self, job: JobId, kind: Kind, name: str, parts: Iterable[bytes]) -> None:
        """The same for bytes that come in parts; they are sealed as they come. Spoiled once the key is gone."""
        key = self._keys.key(_holder(job, kind))
        self._store.put(_path(job, kind, name), seal_parts(key, job, kind, name, parts))
        try:
            self._keys.key(_holder(job, kind))
        except Spoiled:  # destroyed meanwhile: whoever erased may have looked before this arrived
            self._store.drop(_path(job, kind, name))
            raise

    def get(self, job: JobId, kind: Kind, name: str) -> bytes:
        return b"".join(self.get_parts(job, kind, name))

    def get_parts(self, job: JobId, kind: Kind, name: str) -> Iterator[bytes]:
        """The object's bytes as they are opened, frame by frame. KeyError if absent, Spoiled if it does not open."""
        key = self._keys.key(_holder(job, kind))
        return unseal_parts(key, job, kind, name, self._store.get(_path(job, kind, name)))

    def size(self, job: JobId, kind: Kind, name: str) -> int:
        """How many plain bytes the object has. KeyError if absent."""
        return plain_size(self._store.size(_path(job, kind, name)))

    def names(self, job: JobId, kind: Kind) -> list[str]:
        return self._store.names(_path(job, kind))

    def inventory(self, job: JobId) -> dict[Kind, list[str]]:
        """The names of all objects of a job, by kind, from one listing."""
        found: dict[Kind, list[str]] = {kind: [] for kind in Kind}
        for path in self._store.names(_path(job)):
            kind, _, name = path.partition("/")
            if kind in found:
                found[Kind(kind)].append(name)
        return found

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        return self._store.remove(_path(job, kind))

    def drop(self, job: JobId, kind: Kind, name: str) -> None:
        """Remove one object for good; one that is not there is no error."""
        self._store.drop(_path(job, kind, name))

    def digest(self, job: JobId) -> hmac.HMAC:
        """A running digest (HMAC-SHA-256) under the job's key: it says nothing once the key is gone."""
        return hmac.new(self._keys.key(_holder(job, Kind.PHOTO)), b"digest", "sha256")

    def forget_key(self, job: JobId, kind: Kind = Kind.PHOTO) -> bool:
        """Destroy the key that `kind` is under: from here on nothing under it opens, wherever a copy may be."""
        return self._keys.destroy(_holder(job, kind))

    def reach_keys(self) -> None:
        """Raises where keys could not be read or made."""
        self._keys.reach()

    def reach_store(self) -> None:
        """Raises where the store does not answer."""
        self._store.names(f"job_{0:032x}/")  # nobody's

    def weigh(self, job: JobId) -> tuple[int, int]:
        """How many objects of the job are stored, and their bytes as stored."""
        paths = [f"{_path(job)}{name}" for name in self._store.names(_path(job))]
        return len(paths), sum(self._store.size(path) for path in paths)

    def jobs(self) -> dict[JobId, set[str]]:
        """Every job of which anything is there: "objects" (uploads and versions too), "key", "pack_key"."""
        found: dict[JobId, set[str]] = {}
        for path in self._store.remains(""):
            found.setdefault(JobId(path.split("/", 1)[0]), set()).add("objects")
        for name in self._keys.jobs():
            word = "pack_key" if name.startswith("pack_") else "key"
            found.setdefault(JobId(name.replace("pack_", "job_")), set()).add(word)
        return {job: what for job, what in found.items() if JOB.fullmatch(job)}

    def remove(self, job: JobId) -> None:
        """Take away whatever is stored of the job."""
        self._store.remove(_path(job))

    def remains(self, job: JobId, kinds: Iterable[Kind] = tuple(Kind)) -> list[str]:
        """Every object, version and half-written upload of these kinds; the proof reads this list."""
        if set(kinds := tuple(kinds)) == set(Kind):
            return self._store.remains(_path(job))  # one listing, and whatever else lies under the job's name
        return [f"{kind}/{name}" for kind in kinds for name in self._store.remains(_path(job, kind))]


def _path(job: JobId, kind: Kind | None = None, name: str = "") -> str:
    if not JOB.fullmatch(job):
        raise ValueError("not a job id")
    if name and not NAME.fullmatch(name):
        raise ValueError(f"not an object name: {name!r}")
    return f"{job}/" if kind is None else f"{job}/{kind}/{name}"


def _holder(job: JobId, kind: Kind) -> JobId:
    """The name that a kind's key lies under."""
    return JobId(job.replace("job_", "pack_")) if kind is Kind.PACK else job
