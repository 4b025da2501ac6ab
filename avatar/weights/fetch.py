"""Fetch weights from the hub: the only place in the product that downloads anything.

Covers: a pinned commit, safetensors and configs only, licences that somebody must accept, a lock file with the sha256
of every file, digests known beforehand, and a folder that appears whole or not at all.
Does not cover: whether the publisher's files are good; a stranger's folder handed in by path is not checked here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Protocol

from avatar.errors import WeightsMissing, WeightsRefused
from avatar.weights.registry import LOCK, Base, Origin, home, place

_BLOCK = 4 * 2**20  # bytes read at once while hashing


class Downloader(Protocol):
    """What is asked of the hub; tests hand in their own."""

    def resolve(self, repository: str) -> str:
        """The full commit that the repository's main branch stands on now."""
        ...

    def download(self, repository: str, revision: str, patterns: tuple[str, ...], folder: Path) -> None:
        """Write the files that match into `folder`."""
        ...


class Hub:
    """The Hugging Face hub, without telemetry and without a token."""

    def __init__(self) -> None:
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # read when huggingface_hub is imported, hence here
        os.environ.setdefault("DO_NOT_TRACK", "1")

    def resolve(self, repository: str) -> str:
        from huggingface_hub import HfApi

        return str(HfApi(token=False).model_info(repository).sha)

    def download(self, repository: str, revision: str, patterns: tuple[str, ...], folder: Path) -> None:
        from huggingface_hub import snapshot_download

        snapshot_download(
            repository, revision=revision, allow_patterns=list(patterns), local_dir=folder, token=False, max_workers=4
        )
        shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub client's notes on its own download


def fetch(base: Base, shelf: Path, *, accept_licence: bool = False, downloader: Downloader | None = None) -> Path:
    """Bring the base's files into `shelf/<name>` and record them; a folder that is already whole is only verified."""
    if base.origin is not Origin.HUB:
        return place(base)
    if base.needs_acceptance and not accept_licence:
        raise WeightsRefused(
            f"{base.name!r} is under {base.licence}, which restricts uses: {base.licence_url}",
            code="licence_not_accepted",
            remedy="Read the licence, then repeat with --accept-licence.",
        )
    folder = home(base, shelf)
    if (folder / LOCK).is_file():
        verify(base, folder)
        return folder
    shelf.mkdir(parents=True, exist_ok=True)
    hub = downloader or Hub()
    with tempfile.TemporaryDirectory(prefix=f".{base.name}-", dir=shelf) as scratch:
        part = Path(scratch) / "part"
        part.mkdir()
        revision = base.revision or hub.resolve(base.source)
        hub.download(base.source, revision, base.files, part)
        _write_lock(base, part, revision)
        verify(base, part)
        if folder.exists():  # left by hand and without a lock: not ours to trust
            raise WeightsRefused(f"{folder.name!r} is in the way and has no lock file.", remedy="Remove that folder.")
        folder.parent.mkdir(exist_ok=True)
        part.replace(folder)
    return folder


def verify(base: Base, folder: Path) -> None:
    """WeightsRefused unless every file is what lock file and table say; WeightsMissing without a lock."""
    if not (folder / LOCK).is_file():
        raise WeightsMissing(f"{base.name!r} has no lock file.", remedy=f"avatar weights fetch {base.name}")
    lock = json.loads((folder / LOCK).read_text())
    there = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file() and path.name != LOCK}
    changed = [name for name in sorted(there.keys() | lock["files"].keys()) if name not in there]
    changed += [name for name, path in sorted(there.items()) if lock["files"].get(name) != sha256(path)]
    changed += [name for name, digest in base.digests if lock["files"].get(name) != digest]
    if base.revision and lock["revision"] != base.revision:
        changed.append("revision")
    if changed or not there:
        what = ", ".join(changed[:5]) or "nothing was found"
        raise WeightsRefused(f"The weights of {base.name!r} are not the recorded ones: {what}.", code="digest_differs")


def sha256(path: Path) -> str:
    """The file's sha256 as hex, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _write_lock(base: Base, folder: Path, revision: str) -> None:
    files = {str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    lock = {"name": base.name, "source": base.source, "revision": revision, "licence": base.licence, "files": files}
    (folder / LOCK).write_text(json.dumps(lock, indent=1, sort_keys=True) + "\n")
