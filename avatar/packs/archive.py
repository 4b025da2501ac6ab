"""All files of a pack in one ZIP, written as it is read: the archive never sits in memory beside its files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

ARCHIVE = "pack.zip"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows: the same files give the same archive


class _Drain(io.RawIOBase):
    """A place to write to that hands on what came since the last time."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(cast(bytes, data))
        self._held += piece
        return len(piece)

    def drain(self) -> bytes:
        piece = bytes(self._held)
        self._held.clear()
        return piece


def archive(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The archive in parts, a file at a time, each asked for when its turn comes.

    Pictures are stored as they are: PNG does not get smaller.
    """
    out = _Drain()
    with zipfile.ZipFile(cast(BinaryIO, out), "w", zipfile.ZIP_STORED) as pack:
        for name, data in files:
            pack.writestr(zipfile.ZipInfo(name, EPOCH), data)
            yield out.drain()
    yield out.drain()
