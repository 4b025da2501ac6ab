"""Jobs over HTTP: make, fill, start, watch, fetch, stop, erase."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

import anyio.from_thread
from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from avatar.errors import JobRefused, NotFound, PhotoRefused
from avatar.job import Ending, JobId, Kind, Stage, new_id
from avatar.ledger import orders
from avatar.ledger.rows import moment
from avatar.ledger.tables import DeletionRow, JobRow, PhotoRow
from avatar.packs.style import load_styles, pick
from avatar.service import Service
from avatar.web.guard import Caller, Here
from avatar.web.schemas import Deletion, JobState, NewJob, Photo, Progress
from avatar.weights.registry import find
from avatar.wiring import styles_folder

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
MOST_BYTES = 20_000_000  # of one photo; intake refuses more with the same words


@router.post("", status_code=status.HTTP_201_CREATED)
def make(wanted: NewJob, caller: Caller, service: Here, response: Response) -> JobState:
    """A new job, still without photos. Consent is attested here, before any photo is sent."""
    pick(load_styles(styles_folder(service.settings)), wanted.styles)
    find(wanted.base)
    job = new_id()
    asked = orders.Wanted(
        class_word=wanted.class_word,
        styles=tuple(wanted.styles),
        count=wanted.count,
        base=wanted.base,
        seed=secrets.randbelow(2**31) if wanted.seed is None else wanted.seed,
        consent=wanted.consent.text,
        test=wanted.test,
    )
    orders.make(service.engine, caller, job, asked)
    service.vault.open(job)
    response.headers["Location"] = f"/v1/jobs/{job}"
    return state(service, orders.look(service.engine, caller, job))


@router.get("")
def page(
    caller: Caller, service: Here, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> dict[str, Any]:
    """The key's jobs, newest first."""
    rows = orders.page(service.engine, caller, limit + 1, _read_cursor(cursor))
    shown = rows[:limit]
    more = _cursor(shown[-1]) if len(rows) > limit else None
    return {"jobs": [state(service, row) for row in shown], "next": more}


@router.get("/{job}")
def look(job: str, caller: Caller, service: Here) -> JobState:
    """How it stands: stage, place in line, time left."""
    return state(service, orders.look(service.engine, caller, JobId(job)))


@router.post("/{job}/photos", status_code=status.HTTP_201_CREATED)
async def add_photo(job: str, request: Request, caller: Caller, service: Here) -> Photo:
    """One photo as the body: JPEG, PNG, WebP or HEIC. It is sealed as it arrives and never lies here in plain."""
    name = "p" + secrets.token_hex(8)
    told = int(request.headers.get("content-length") or 0)
    if told > MOST_BYTES:
        raise PhotoRefused(f"A photo may have {MOST_BYTES // 1_000_000} MB.", code="too_large")
    await run_in_threadpool(orders.add_photo, service.engine, caller, JobId(job), name, told)
    try:
        body = request.stream()
        await run_in_threadpool(service.vault.put_parts, JobId(job), Kind.PHOTO, name, _parts(body))
    except BaseException:
        with anyio.CancelScope(shield=True):  # the phone may be gone by now
            await run_in_threadpool(orders.drop_photo, service.engine, caller, JobId(job), name)
        raise
    return Photo(id=name, bytes=told, verdict="pending", code=None, sentence=None)


@router.get("/{job}/photos")
def photos(job: str, caller: Caller, service: Here) -> list[Photo]:
    """The photos so far, each with its verdict."""
    return [_photo(row) for row in orders.photos(service.engine, caller, JobId(job))]


@router.post("/{job}/start", status_code=status.HTTP_202_ACCEPTED)
def start(job: str, caller: Caller, service: Here) -> JobState:
    """Hand it to the workers. Twice is the same as once."""
    if not orders.photos(service.engine, caller, JobId(job)):
        raise JobRefused("There is no photo in this job.", code="no_photos")
    orders.start(service.engine, caller, JobId(job))
    service.ring(JobId(job), Stage.INTAKE)
    return state(service, orders.look(service.engine, caller, JobId(job)))


@router.post("/{job}/cancel", status_code=status.HTTP_202_ACCEPTED)
def cancel(job: str, caller: Caller, service: Here) -> JobState:
    """Ask it to stop. Twice is the same as once."""
    orders.cancel(service.engine, caller, JobId(job))
    return state(service, orders.look(service.engine, caller, JobId(job)))


@router.delete("/{job}", status_code=status.HTTP_202_ACCEPTED)
def erase(job: str, caller: Caller, service: Here, response: Response) -> Deletion:
    """Stop it and erase everything of it, the pack as well. From this answer on nothing of it can be read."""
    deletion = orders.erase(service.engine, caller, JobId(job))
    for kind in (Kind.PHOTO, Kind.PACK):
        service.vault.forget_key(JobId(job), kind)
    service.ring_deletion(deletion)
    response.headers["Location"] = f"/v1/deletions/{deletion}"
    return told(orders.deletion(service.engine, caller, deletion))


@router.get("/{job}/pictures")
def pictures(job: str, caller: Caller, service: Here) -> list[str]:
    """The files of the pack."""
    _delivered(orders.look(service.engine, caller, JobId(job)))
    return service.vault.names(JobId(job), Kind.PACK)


@router.get("/{job}/pictures/{name}")
def picture(job: str, name: str, caller: Caller, service: Here) -> StreamingResponse:
    """One file of the pack."""
    _delivered(orders.look(service.engine, caller, JobId(job)))
    if name not in service.vault.names(JobId(job), Kind.PACK):
        raise NotFound("There is no such picture.")
    media = "application/json" if name.endswith(".json") else "image/png"
    parts = service.vault.get_parts(JobId(job), Kind.PACK, name)
    return StreamingResponse(parts, media_type=media, headers={"Cache-Control": "private, no-store"})


def state(service: Service, row: JobRow) -> JobState:
    """The row as the client sees it."""
    word = row.ending or ("waiting_for_photos" if row.started_at is None else "running" if row.owner else "queued")
    done = row.progress.get("done")
    ahead = orders.ahead(service.engine, row) if word == "queued" else None
    return JobState.model_validate(
        {
            "id": row.id,
            "state": word,
            "stage": row.stage,
            "ahead": ahead,
            "progress": Progress(
                done=done, total=row.progress["total"], seconds_left=row.progress.get("seconds_left")
            )
            if done is not None
            else None,
            "code": row.code or None,
            "sentence": row.sentence or None,
            "styles": row.styles,
            "count": row.count,
            "delivered": row.facts.get(Stage.FINISH, {}).get("pictures"),
            "made_at": _time(row.made_at),
            "started_at": _time(row.started_at),
            "ended_at": _time(row.ended_at),
        }
    )


def told(row: DeletionRow) -> Deletion:
    """A deletion as the client sees it."""
    return Deletion(
        id=row.id,
        job=row.job,
        state="done" if row.done_at else "owed",
        asked_at=str(_time(row.asked_at)),
        done_at=_time(row.done_at),
        receipt=row.receipt,
    )


def _photo(row: PhotoRow) -> Photo:
    verdict: Literal["pending", "ok", "refused"] = "pending"
    if row.code is not None:
        verdict = "ok" if row.code == "ok" else "refused"
    return Photo(id=row.name, bytes=row.size, verdict=verdict, code=row.code, sentence=row.sentence or None)


def _parts(body: AsyncIterator[bytes]) -> Iterator[bytes]:
    """The body, read from a worker's thread; PhotoRefused where it grows too large, whatever its header said."""
    async def following() -> bytes | None:
        return await anext(body, None)

    size = 0
    while (piece := anyio.from_thread.run(following)) is not None:
        size += len(piece)
        if size > MOST_BYTES:
            raise PhotoRefused(f"A photo may have {MOST_BYTES // 1_000_000} MB.", code="too_large")
        yield piece


def _delivered(row: JobRow) -> None:
    if row.ending != Ending.DONE:
        raise NotFound("There are no pictures of this job.")


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cursor(row: JobRow) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.made_at, row.id]).encode()).decode()


def _read_cursor(cursor: str | None) -> tuple[float, str] | None:
    if cursor is None:
        return None
    try:
        at, job = json.loads(base64.urlsafe_b64decode(cursor))
        return float(at), str(job)
    except (binascii.Error, ValueError, TypeError):
        raise JobRefused("This cursor is not one of ours.", code="bad_cursor") from None

