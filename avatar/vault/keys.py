"""Keys of jobs, held in memory only: killing the process makes every object of its jobs unreadable at once.

Covers: one random 256-bit key per job, destroyed on request, never written, never printed.
Does not cover: copies that the operating system made of the process's memory (swap, hibernation).
"""

from __future__ import annotations

import secrets

from avatar.errors import Spoiled
from avatar.job import JobId


class MemoryKeys:
    """A key store for one process. `destroy` overwrites the key's bytes before it forgets them."""

    def __init__(self) -> None:
        self._keys: dict[JobId, bytearray] = {}

    def __repr__(self) -> str:
        return f"MemoryKeys({len(self._keys)} keys)"

    def make(self, job: JobId) -> None:
        """A fresh key for a new job. Asking twice keeps the first."""
        self._keys.setdefault(job, bytearray(secrets.token_bytes(32)))

    def key(self, job: JobId) -> bytes:
        """The job's key; Spoiled once it was destroyed, so that a late writer is refused."""
        if job not in self._keys:
            raise Spoiled("The key of this job is gone; nothing of it can be read or written any more.")
        return bytes(self._keys[job])

    def destroy(self, job: JobId) -> bool:
        """Forget the key; True if there was one. Twice is the same as once."""
        key = self._keys.pop(job, None)
        if key is None:
            return False
        key[:] = bytes(len(key))
        return True
