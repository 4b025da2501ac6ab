"""Look for a person everywhere: raw bytes of every file, every version of every object, and what a kept key would open.

What is stored is sealed, so its bytes alone tell nothing. The scan therefore plays a thief who kept the job's keys from
before the purge, and held the key's file open: whatever they still open is a find. So is any object under the job's id.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avatar.errors import Spoiled
from avatar.job import JobId, Kind
from avatar.service import Service
from avatar.vault.seal import unseal
from tests.privacy.canaries import Canaries, near, traces

STORES = {"vault": "vault", "keys": "keys", "ledger": "ledger", "broker": "broker"}  # by the folder of the service
RANGE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) ")
MOST = 1 << 28  # bytes of a file that is read though it is gone


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
    return [find for _, find in search(service, [thief], *more, client=client)]


def search(service: Service, thieves: Sequence[Thief], *more: Path, client: Any = None) -> Iterator[tuple[Thief, Find]]:
    """The same for several at once; each file and each object is read once."""
    for path in _files(service.settings.state):
        part = path.relative_to(service.settings.state).parts
        store = STORES.get(part[1], "state") if len(part) > 1 else "state"
        held = _read(path)
        for thief in thieves:
            yield from ((thief, Find(store, what)) for what in in_bytes(held, thief))
            if store == "vault":
                yield from ((thief, find) for find in _object(str(Path(*part[2:])), held, thief))
            if store == "keys" and thief.job.removeprefix("job_") in path.name:
                yield thief, Find("keys", "a key of the job")
    for folder in more:
        for path in _files(folder):
            held = _read(path)
            yield from ((thief, Find(folder.name, what)) for thief in thieves for what in in_bytes(held, thief))
    for thief in thieves:
        if (service.settings.service / "vault" / thief.job).exists():
            yield thief, Find("vault", "a folder of the job")
        for holder, handle in thief.open_files.items():
            if os.pread(handle, 1 << 16, 0) == thief.wrapped[holder]:
                yield thief, Find("keys, held open", "a wrapped key")
    if client is not None:
        yield from _bucket(client, service.settings.bucket, thieves)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path


def in_bytes(held: bytes, thief: Thief) -> list[str]:
    """Canaries and keys in some bytes, by name."""
    return traces(held, thief.canaries) + _secrets(held, thief)


def _secrets(held: bytes, thief: Thief) -> list[str]:
    found = [f"the key of {holder[:4]}" for holder, key in thief.keys.items() if key in held]
    return found + [f"the wrapped key of {holder[:4]}" for holder, key in thief.wrapped.items() if key[:40] in held]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # it went while we looked
        return b""


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


def _bucket(client: Any, name: str, thieves: Sequence[Thief]) -> Iterator[tuple[Thief, Find]]:
    """All versions, delete markers and open uploads; every object is read."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=name):
        for one in page.get("Versions", ()):
            try:
                asked = {"Bucket": name, "Key": one["Key"], "VersionId": one["VersionId"]}
                body = client.get_object(**asked)["Body"].read()
            except client.exceptions.ClientError:  # it went while we looked
                continue
            for thief in thieves:
                yield from ((thief, find) for find in _object(one["Key"], body, thief, "bucket"))
                yield from ((thief, Find("bucket", what)) for what in in_bytes(body, thief))
        yield from _named(page.get("DeleteMarkers", ()), thieves, Find("bucket", "a delete marker"))
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        yield from _named(page.get("Uploads", ()), thieves, Find("bucket's uploads", "an open upload"))


def _named(listed: Sequence[dict[str, str]], thieves: Sequence[Thief], find: Find) -> Iterator[tuple[Thief, Find]]:
    """A find for each of these that is under a job's id."""
    for one in listed:
        yield from ((thief, find) for thief in thieves if one["Key"].startswith(thief.job))


def memory(pid: int, thieves: Sequence[Thief], secrets_of: int) -> Iterator[tuple[Thief, str]]:
    """What is in the memory of a process of ours, and in files that it holds open although they are gone.

    All thieves must be of one hunt: their marks are looked for by what they begin with. Keys, which have nothing in
    common, are looked for of the first `secrets_of`.
    """
    for held in itertools.chain(regions(pid), open_though_gone(pid)):
        places = list(near(held, thieves[0].canaries.sign)) if thieves else []
        for place in places:
            yield from ((thief, what) for thief in thieves for what in traces(place, thief.canaries, zipped=False))
        for thief in thieves[:secrets_of]:
            yield from ((thief, what) for what in _secrets(held, thief))


def regions(pid: int) -> Iterator[bytes]:
    """The writable memory of a process of ours, read from outside; as SecureDrop tests its own."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
        for begin, end in _used(pid):
            with contextlib.suppress(OSError, ValueError, OverflowError):
                file.seek(begin)
                yield file.read(end - begin)


def _used(pid: int) -> Iterator[tuple[int, int]]:
    """Where writable memory lies that was ever touched: the rest reads as zeros, and takes as long."""
    place, writable = (0, 0), False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if found := RANGE.match(line):
            place, writable = (int(found[1], 16), int(found[2], 16)), found[3].startswith("rw")
        elif writable and line.startswith(("Rss:", "Swap:")) and not line.endswith(" 0 kB"):
            yield place
            writable = False  # once


def open_though_gone(pid: int) -> Iterator[bytes]:
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            gone = str(handle.readlink()).endswith(" (deleted)") and handle.is_file()
            if gone and handle.stat().st_size < MOST:
                yield handle.read_bytes()
