"""Deletions: carried out on a queue of their own, never behind a GPU."""

from __future__ import annotations

from workers.app import app, service


@app.task(name="avatar.purge")  # type: ignore[untyped-decorator]
def purge(deletion: str) -> None:
    """The deletion with this id, if it is due."""
    service().purge(deletion)
