"""Make everything of one job go, and show by listing that it went.

Order: the key first (nothing opens from here on), then every kind of object; then list again. The caller hands the
receipt over and only then calls `vault.remove`: a job killed in between still has the note that says where it belongs.
Covers: all kinds of `avatar.job.Kind`, half-written objects. Safe to repeat, safe to be killed in.
Does not cover: what was delivered; it is the person's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from avatar.erasure.receipt import Erased, erased, receipt
from avatar.job import JobId, Kind


class ErasableVault(Protocol):
    """What erasing asks of a vault."""

    def forget_key(self, job: JobId) -> bool: ...
    def names(self, job: JobId, kind: Kind) -> list[str]: ...
    def erase(self, job: JobId, kind: Kind) -> list[str]: ...
    def remove(self, job: JobId) -> None: ...
    def remains(self, job: JobId) -> list[str]: ...


def erase_job(
    vault: ErasableVault, job: JobId, ending: str, before: Sequence[Erased] = (), *, key_in_memory_only: bool = True
) -> dict[str, Any]:
    """Erase the job's objects and return its receipt; `before` are the sweeps that its stages already made.

    A job whose process died took its key with it (`key_in_memory_only`): then there is none to destroy, and it is gone.
    """
    destroyed = vault.forget_key(job) or key_in_memory_only
    lines = list(before)
    for kind in Kind:
        names = vault.erase(job, kind)
        if names:
            lines.append(erased(kind, names, "purge"))
    return receipt(job, ending, lines, key_destroyed=destroyed, remains=vault.remains(job))
