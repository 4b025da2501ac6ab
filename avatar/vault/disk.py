"""Sealed bytes in a private folder, for a service on one machine or on a volume that its machines share."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from avatar.errors import Unsafe
from avatar.vault.local import private_folder

CHUNK = 1 << 20  # bytes read at a time
TURNS = 1000  # of a writer that folders are taken from under; each is lost to somebody who got on


class DiskStore:
    """Objects under their paths below `root`; the same calls as `S3Store`."""

    def __init__(self, root: Path) -> None:
        self._root = private_folder(root)

    def __repr__(self) -> str:
        return "DiskStore()"

    def put(self, path: str, parts: Iterable[bytes]) -> None:
        """Store or replace one object, whole or not at all."""
        target = self._root / path
        half = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            file = os.fdopen(self._fresh(half), "wb")
            with file:
                file.writelines(parts)
                file.flush()
                os.fsync(file.fileno())
            half.replace(target)
        except BaseException:
            half.unlink(missing_ok=True)
            self._prune(half.parent)
            raise

    def _fresh(self, half: Path) -> int:
        """A new file; its folder is made as often as a purge takes it away in between."""
        self._reach()
        for _ in range(TURNS):
            with contextlib.suppress(FileNotFoundError, FileExistsError):  # the second where it went while mkdir looked
                half.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                return os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        raise Unsafe("A folder of the store goes as often as it is made.", code="store_unsteady")

    def get(self, path: str) -> Iterator[bytes]:
        """The object in pieces; KeyError if absent."""
        try:
            file = (self._root / path).open("rb")
        except FileNotFoundError:
            raise KeyError(path) from None
        with file:
            while piece := file.read(CHUNK):
                yield piece

    def size(self, path: str) -> int:
        """Its bytes; KeyError if absent."""
        try:
            return (self._root / path).stat().st_size
        except FileNotFoundError:
            raise KeyError(path) from None

    def drop(self, path: str) -> None:
        """Take one object away, if it is there."""
        (self._root / path).unlink(missing_ok=True)
        self._prune((self._root / path).parent)

    def names(self, prefix: str) -> list[str]:
        """What follows `prefix`, which ends in a slash, in the paths of all objects under it, sorted."""
        return [name for name in self.remains(prefix) if not name.rsplit("/", 1)[-1].startswith(".")]

    def remove(self, prefix: str) -> list[str]:
        """Take away everything under `prefix`, half-written files too; what `names` gave before."""
        names = self.names(prefix)
        shutil.rmtree(self._root / prefix, ignore_errors=True)  # `remains` tells if something stayed
        self._prune((self._root / prefix).parent)
        return names

    def remains(self, prefix: str) -> list[str]:
        """Every file under `prefix`, half-written ones too; the proof reads this list. Unsafe if nobody can know."""
        self._reach()
        folder = self._root / prefix
        return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())

    def _reach(self) -> None:
        if not self._root.is_dir():
            raise Unsafe("The store's folder is away; what is in it can not be known.", code="store_away")

    def _prune(self, folder: Path) -> None:
        """Take this folder and those above it away if they are empty; whoever writes at this moment makes them anew."""
        with contextlib.suppress(OSError):  # not empty, or gone
            while self._root in folder.parents:
                folder.rmdir()
                folder = folder.parent
