"""A job as it goes, pushed to whoever watches (server-sent events, HTML Living Standard section 9.2).

Each event carries the whole state, so that a watcher who missed some has missed nothing; polling gives the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from avatar.errors import NotFound
from avatar.job import JobId
from avatar.ledger import orders, uploads
from avatar.ledger.clients import Client
from avatar.ledger.figures import Forecast
from avatar.service import Service
from avatar.web import told
from avatar.web.guard import Caller, Future, Here
from avatar.web.problems import RESPONSES
from avatar.web.schemas import JobState, Watched

router = APIRouter(prefix="/v1/jobs/{job}", tags=["jobs"], responses=RESPONSES)
LOOKS = 1.0  # seconds between two looks
QUIET = 15.0  # seconds without news after which a line is sent, so that nothing between us closes the connection
LONGEST = 1800.0  # seconds; the watcher comes back by itself
ENDED = ("done", "refused", "failed", "cancelled")
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events named `state`, each a whole `Watched`"}
}


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def events(job: str, caller: Caller, service: Here, future: Future) -> StreamingResponse:
    """The job and the verdicts on its photos, at once and at each change; it closes when the job has ended."""
    first = await run_in_threadpool(watched, service, future, caller, JobId(job))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_flow(service, future, caller, first), 200, headers, "text/event-stream")


def watched(service: Service, forecast: Forecast, caller: Client, job: JobId) -> Watched:
    """What a watcher is told."""
    state = told.state(service, forecast, orders.look(service.engine, caller, job))
    return Watched(job=state, photos=[told.photo(row) for row in uploads.photos(service.engine, caller, job)])


async def _flow(service: Service, forecast: Forecast, caller: Client, first: Watched) -> AsyncIterator[str]:
    job, now, sent, quiet = JobId(first.job.id), first, "", 0.0
    yield "retry: 2000\n\n"
    for _ in range(round(LONGEST / LOOKS)):
        text = now.model_dump_json()
        if text != sent:
            yield f"event: state\ndata: {text}\n\n"
            sent, quiet = text, 0.0
        elif quiet >= QUIET:
            yield ": still here\n\n"
            quiet = 0.0
        if over(now.job):
            return
        await anyio.sleep(LOOKS)
        quiet += LOOKS
        try:
            now = await run_in_threadpool(watched, service, forecast, caller, job)
        except NotFound:
            return


def over(state: JobState) -> bool:
    """Whether nothing will change any more that a watcher of the job waits for."""
    return state.state in ENDED
