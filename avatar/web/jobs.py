"""Jobs over HTTP: make, start, watch, stop, erase."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from avatar.errors import Forbidden, NotFound
from avatar.job import JobId, new_id
from avatar.ledger import orders
from avatar.ledger.clients import Client, Scope, make_link
from avatar.packs.style import load_styles, pick
from avatar.service import Service
from avatar.web import cursors, told
from avatar.web.guard import Caller, Future, Here
from avatar.web.once import Once, nonce
from avatar.web.problems import RESPONSES
from avatar.web.schemas import Deletion, JobPage, JobState, Link, NewJob
from avatar.weights.registry import named
from avatar.wiring import styles_folder

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=Once, responses=RESPONSES)


@router.post("", status_code=status.HTTP_201_CREATED)
def make(
    wanted: NewJob, caller: Caller, service: Here, future: Future, request: Request, response: Response
) -> JobState:
    """A new job, still without photos. Consent is attested here, before any photo is sent."""
    if caller.scope is Scope.LINK:
        raise Forbidden("A link opens one job; it makes no other.")
    job = order(service, caller, wanted, nonce(request))
    response.headers["Location"] = f"/v1/jobs/{job}"
    response.headers.update(limits(orders.spare(service.engine, caller)))
    return told.state(service, future, orders.look(service.engine, caller, job))


@router.get("")
def page(
    caller: Caller,
    service: Here,
    future: Future,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> JobPage:
    """The key's jobs, newest first; `next` is the cursor of the following page."""
    rows = orders.page(service.engine, caller, limit + 1, cursors.read(cursor))
    shown = rows[:limit]
    more = cursors.written(shown[-1].made_at, shown[-1].id) if len(rows) > limit else None
    return JobPage(jobs=[told.state(service, future, row) for row in shown], next=more)


@router.get("/{job}")
def look(job: str, caller: Caller, service: Here, future: Future) -> JobState:
    """How it stands: stage, place in line, time left."""
    return told.state(service, future, orders.look(service.engine, caller, JobId(job)))


@router.post("/{job}/start", status_code=status.HTTP_202_ACCEPTED)
def start(job: str, caller: Caller, service: Here, future: Future) -> JobState:
    """Hand it to the workers. Twice is the same as once."""
    service.ring(orders.start(service.engine, caller, JobId(job)))
    return told.state(service, future, orders.look(service.engine, caller, JobId(job)))


@router.post("/{job}/cancel", status_code=status.HTTP_202_ACCEPTED)
def cancel(job: str, caller: Caller, service: Here, future: Future) -> JobState:
    """Ask it to stop. Twice is the same as once."""
    orders.cancel(service.engine, caller, JobId(job))
    return told.state(service, future, orders.look(service.engine, caller, JobId(job)))


@router.delete("/{job}", status_code=status.HTTP_202_ACCEPTED)
def erase(job: str, caller: Caller, service: Here, response: Response) -> Deletion:
    """Stop it and erase everything of it, the pack as well. From this answer on nothing of it can be read."""
    deletion = orders.erase(service.engine, caller, JobId(job))
    service.forget(JobId(job))
    service.ring_deletion(deletion)
    response.headers["Location"] = f"/v1/deletions/{deletion}"
    return told.deletion(service, orders.deletion(service.engine, caller, deletion))


@router.get("/{job}/deletions")
def deletions(job: str, caller: Caller, service: Here) -> list[Deletion]:
    """What of it is owed to be erased and by when, and what was, each with its receipt."""
    return [told.deletion(service, row) for row in orders.deletions(service.engine, caller, JobId(job))]


@router.post("/{job}/links", status_code=status.HTTP_201_CREATED)
def link(job: str, caller: Caller, service: Here) -> Link:
    """A secret that opens this one job and nothing else, to be sent as a key; it ends a day after the job is erased."""
    return Link(key=make_link(service.engine, caller, JobId(job)))


def order(service: Service, caller: Client, wanted: NewJob, word: str | None = None) -> JobId:
    """A new job with keys of its own. UnknownStyle, UnknownBase, OverQuota."""
    pick(load_styles(styles_folder(service.settings)), wanted.styles)
    named(wanted.base)
    job = _fresh(service, caller, wanted, word)
    service.vault.open(job)
    return job


def limits(left: orders.Left) -> dict[str, str]:
    """What the key has left, as headers (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": f'"{left.name}";q={left.most};w={left.window}',
        "RateLimit": f'"{left.name}";r={max(0, left.left)};t={max(0, round(left.after))}',
    }


def _fresh(service: Service, caller: Client, wanted: NewJob, word: str | None) -> JobId:
    """The order in the ledger. Under an Idempotency-Key its id is given: a try that was cut off is found again."""
    job = JobId(f"job_{word}") if word else new_id()
    try:
        return JobId(orders.look(service.engine, caller, job).id) if word else _order(service, caller, wanted, job)
    except NotFound:
        return _order(service, caller, wanted, job)


def _order(service: Service, caller: Client, wanted: NewJob, job: JobId) -> JobId:
    asked = orders.Wanted(
        class_word=wanted.class_word,
        styles=tuple(wanted.styles),
        count=wanted.count,
        base=wanted.base,
        seed=secrets.randbelow(2**31) if wanted.seed is None else wanted.seed,
        consent=wanted.consent.text,
        test=wanted.test,
    )
    return orders.make(service.engine, caller, job, asked).id
