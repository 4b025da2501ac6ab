"""The heavy stages: one turn at a job."""

from __future__ import annotations

import functools

from avatar.job import JobId
from avatar.queue import Queue
from avatar.shift import Bench, work
from workers.app import app, service


@functools.cache
def bench() -> Bench:
    """This process's bench."""
    return service().bench(Queue.HEAVY)


@app.task(name="avatar.heavy")  # type: ignore[untyped-decorator]
def heavy(job: str) -> None:
    """One stage of the job with this id, if it waits for one of ours."""
    work(bench(), JobId(job))
