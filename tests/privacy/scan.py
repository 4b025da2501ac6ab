"""Look for a person everywhere: raw bytes of every file, every version of every object, and what a kept key would open.

What is stored is sealed, so its bytes alone tell nothing. The scan therefore plays a thief who kept the job's keys from
before the purge, and held the key's file open: whatever they still open is a find. So is any object under the job's id.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar.errors import Spoiled
from avatar.job import JobId, Kind
from avatar.service import Service
from avatar.vault.seal import unseal
from tests.privacy.canaries import Canaries, traces

STORES = {"vault": "vault", "keys": "keys", "ledger": "ledger", "broker": "broker"}  # by the folder of the service


@dataclass(frozen=True, slots=True)
class Find:
    """Something of the person, and where."""

    store: str
    what: str


@dataclass(frozen=True, slots=True)
class Thief:
    """What somebody kept from before the purge."""

    job: JobId
    canaries: Canaries
    keys: dict[str, bytes]  # by holder: the job's id, and that of its pack
    wrapped: dict[str, bytes]
    open_files: dict[str, int]  # descriptors of the keys' files

    def close(self) -> None:
        for handle in self.open_files.values():
            os.close(handle)


def steal(service: Service, job: JobId, canaries: Canaries) -> Thief:
    """Copy the job's keys and hold their files open."""
    folder = service.settings.service / "keys"
    holders = (job, JobId(job.replace("job_", "pack_")))
    there = [holder for holder in holders if (folder / holder).exists()]
    return Thief(
        job,
        canaries,
        {holder: service.vault._keys.key(holder) for holder in there},
        {holder: (folder / holder).read_bytes() for holder in there},
        {holder: os.open(folder / holder, os.O_RDONLY) for holder in there},
    )


def scan(service: Service, thief: Thief, *more: Path, client: Any = None) -> list[Find]:
    """Every find in the service's own folders, in `more` (logs, temp, caches), and in the bucket."""
    found: list[Find] = []
    for path in _files(service.settings.state):
        part = path.relative_to(service.settings.state).parts
        store = STORES.get(part[1], "state") if len(part) > 1 else "state"
        found += [Find(store, what) for what in _in_file(path, thief)]
        if store == "vault":
            found += _object(str(Path(*part[2:])), path.read_bytes(), thief)
        if store == "keys" and thief.job.removeprefix("job_") in path.name:
            found.append(Find("keys", "a key of the job"))
    if (service.settings.service / "vault" / thief.job).exists():
        found.append(Find("vault", "a folder of the job"))
    for folder in more:
        found += [Find(folder.name, what) for path in _files(folder) for what in _in_file(path, thief)]
    for holder, handle in thief.open_files.items():
        if os.pread(handle, 1 << 16, 0) == thief.wrapped[holder]:
            found.append(Find("keys, held open", "a wrapped key"))
    return found + (_bucket(client, service.settings.bucket, thief) if client is not None else [])


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path


def in_bytes(held: bytes, thief: Thief, *, zipped: bool = True) -> list[str]:
    """Canaries and keys in some bytes, by name."""
    found = traces(held, thief.canaries, zipped=zipped)
    found += [f"the key of {holder[:4]}" for holder, key in thief.keys.items() if key in held]
    return found + [f"the wrapped key of {holder[:4]}" for holder, key in thief.wrapped.items() if key[:40] in held]


def _in_file(path: Path, thief: Thief) -> list[str]:
    try:
        return in_bytes(path.read_bytes(), thief)
    except FileNotFoundError:  # it went while we looked
        return []


def _object(path: str, held: bytes, thief: Thief, store: str = "vault") -> list[Find]:
    """An object of the job, and whether a kept key opens it."""
    job, kind, *rest = [*path.split("/"), "", ""]
    if job != thief.job:
        return []
    found = [Find(store, f"an object: {kind}")]
    for key in thief.keys.values():
        with contextlib.suppress(Spoiled, ValueError):
            plain = unseal(key, thief.job, Kind(kind), rest[0], held)
            found += [Find(store, f"{kind} opens: {what}") for what in traces(plain, thief.canaries)]
    return found


def _bucket(client: Any, name: str, thief: Thief) -> list[Find]:
    """All versions, delete markers and open uploads; every object is read."""
    found: list[Find] = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        for one in page.get("Versions", ()):
            body = client.get_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            found += _object(one["Key"], body, thief, "bucket") + [
                Find("bucket", what) for what in in_bytes(body, thief)
            ]
        marked = [one["Key"] for one in page.get("DeleteMarkers", ())]
        found += [Find("bucket", "a delete marker") for key in marked if key.startswith(thief.job)]
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        uploads = [one["Key"] for one in page.get("Uploads", ())]
        found += [Find("bucket's uploads", "an open upload") for key in uploads if key.startswith(thief.job)]
    return found


def memory(pid: int, thief: Thief) -> list[str]:
    """What is in the memory of a process of ours."""
    return [what for held in regions(pid) for what in in_bytes(held, thief, zipped=False)]


def regions(pid: int) -> Iterator[bytes]:
    """The writable memory of a process of ours, read from outside; as SecureDrop tests its own."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights = line.split(" ")[:2]
            begin, end = (int(part, 16) for part in place.split("-"))
            if rights[:2] == "rw":
                with contextlib.suppress(OSError, ValueError, OverflowError):
                    file.seek(begin)
                    yield file.read(end - begin)
