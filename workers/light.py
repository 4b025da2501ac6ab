"""The light stages: one turn at a job; and a look at a photo the moment it is there."""

from __future__ import annotations

import functools
from collections.abc import Callable

from avatar.job import JobId
from avatar.queue import Queue
from avatar.shift import Bench, work
from avatar.webhooks.relay import Relay
from workers.app import app, service


@functools.cache
def bench() -> Bench:
    """This process's bench."""
    return service().bench(Queue.LIGHT)


@functools.cache
def eye() -> Callable[[JobId, str], None]:
    """This process's eye."""
    return service().eye()


@functools.cache
def postman() -> Relay:
    """This process's relay."""
    return service().relay()


@app.task(name="avatar.light")  # type: ignore[untyped-decorator]
def light(job: str) -> None:
    """One stage of the job with this id, if it waits for one of ours."""
    work(bench(), JobId(job))


@app.task(name="avatar.look")  # type: ignore[untyped-decorator]
def look(job: str, photo: str) -> None:
    """The verdict on this photo, if it still waits for one."""
    eye()(JobId(job), photo)


@app.task(name="avatar.relay")  # type: ignore[untyped-decorator]
def relay() -> None:
    """Send what the outbox holds, beside the other tasks: a receiver that hangs holds up no verdict."""
    postman().start()
