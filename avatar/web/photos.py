"""Photos over HTTP: each is sealed as it arrives and never lies here in plain; a worker's verdict follows at once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated

import anyio
import anyio.from_thread
import anyio.to_thread
from fastapi import APIRouter, Header, Query, Request, Response, status
from starlette.concurrency import run_in_threadpool

from avatar.errors import JobRefused, NotNow, PhotoRefused
from avatar.job import JobId, Kind
from avatar.ledger import sweeps, uploads
from avatar.ledger.clients import Client
from avatar.ledger.tables import PhotoRow
from avatar.service import Service
from avatar.web import told
from avatar.web.guard import Caller, Here
from avatar.web.jobs import limits
from avatar.web.problems import RESPONSES
from avatar.web.schemas import Photo

router = APIRouter(prefix="/v1/jobs/{job}/photos", tags=["photos"], responses=RESPONSES)
MOST_BYTES = 20_000_000  # of one photo; intake refuses more with the same words
LOOKS = 0.1  # seconds between two looks for the verdict
SENDERS = 64  # photos on their way at once; more wait for their turn
LONGEST = 10.0  # seconds that a call may wait for it
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in ("image/jpeg", "image/png", "image/webp", "image/heic", "application/octet-stream")
        },
    }
}


@router.post("", status_code=status.HTTP_201_CREATED, openapi_extra=BODY)
async def add(
    job: str,
    request: Request,
    response: Response,
    caller: Caller,
    service: Here,
    idempotency_key: Annotated[str | None, Header(min_length=8, max_length=200)] = None,
    wait: Annotated[float, Query(ge=0, le=10, description="seconds to wait for the verdict")] = 0.0,
) -> Photo:
    """One photo as the body: JPEG, PNG, WebP or HEIC, up to 20 MB; its verdict follows within seconds."""
    owner, name = JobId(job), _name(job, caller, idempotency_key)
    body = _Body(request)
    known = await run_in_threadpool(_known, service, caller, owner, name) if idempotency_key else None
    if known is not None:
        await run_in_threadpool(_same, service, owner, known, body)
        return told.photo(known)
    spare = await run_in_threadpool(uploads.expect, service.engine, caller, owner, name)
    response.headers.update(limits(spare))
    try:
        row = await anyio.to_thread.run_sync(_store, service, owner, name, body, limiter=_senders(request))
    except BaseException:
        with anyio.CancelScope(shield=True):  # the phone may be gone by now
            await run_in_threadpool(_undo, service, caller, owner, name)
        raise
    await run_in_threadpool(service.ring_photo, owner, name)  # a broker that is away must hold up nobody else
    with anyio.move_on_after(min(wait, LONGEST)):
        while row.code is None and wait:
            await anyio.sleep(LOOKS)
            row = await run_in_threadpool(uploads.find, service.engine, caller, owner, name)
    return told.photo(row)


@router.get("")
def page(job: str, caller: Caller, service: Here) -> list[Photo]:
    """The photos so far, each with its verdict."""
    return [told.photo(row) for row in uploads.photos(service.engine, caller, JobId(job))]


@router.get("/{photo}")
def look(job: str, photo: str, caller: Caller, service: Here) -> Photo:
    """One photo's verdict. The photo itself can not be fetched back."""
    return told.photo(uploads.find(service.engine, caller, JobId(job), photo))


@router.delete("/{photo}", status_code=status.HTTP_204_NO_CONTENT)
def remove(job: str, photo: str, caller: Caller, service: Here) -> None:
    """Take a photo back before the job starts: its bytes are erased now. Twice is the same as once."""
    uploads.drop(service.engine, caller, JobId(job), photo)
    if _PHOTO(photo) and photo in service.vault.names(JobId(job), Kind.PHOTO):
        sweeps.note(service.engine, job, {Kind.PHOTO: [photo]}, sweeps.REQUEST)  # the receipt tells of it
        service.vault.drop(JobId(job), Kind.PHOTO, photo)


def _senders(request: Request) -> anyio.CapacityLimiter:
    """The threads that wait for phones to send: their own, so that slow phones keep nobody else's call waiting."""
    state = request.app.state
    if not hasattr(state, "senders"):
        state.senders = anyio.CapacityLimiter(SENDERS)
    found: anyio.CapacityLimiter = state.senders
    return found


class _Body:
    """The body of a request, read from a worker's thread; PhotoRefused where it grows too large, whatever it said."""

    def __init__(self, request: Request) -> None:
        told_size = request.headers.get("content-length") or "0"
        if not told_size.isdecimal() or int(told_size) > MOST_BYTES:
            raise _too_large()
        self._flow: AsyncIterator[bytes] = request.stream()
        self.size = 0

    def parts(self, see: Callable[[bytes], None]) -> Iterator[bytes]:
        while (piece := anyio.from_thread.run(self._next)) is not None:
            self.size += len(piece)
            if self.size > MOST_BYTES:
                raise _too_large()
            see(piece)
            yield piece

    async def _next(self) -> bytes | None:
        return await anext(self._flow, None)


def _too_large() -> PhotoRefused:
    return PhotoRefused(
        f"A photo may have {MOST_BYTES // 1_000_000} MB.",
        code="too_large",
        remedy="Please send it smaller; 2,000 pixels on the long side are plenty.",
    )


def _name(job: str, caller: Client, key: str | None) -> str:
    """A fresh name; under an Idempotency-Key always the same one."""
    if key is None:
        return "p" + secrets.token_hex(8)
    return "p" + hashlib.sha256("\0".join((caller.id, job, key)).encode()).hexdigest()[:16]


def _PHOTO(name: str) -> bool:  # noqa: N802
    return len(name) == 17 and name[0] == "p" and all(letter in "0123456789abcdef" for letter in name[1:])


def _known(service: Service, caller: Client, job: JobId, name: str) -> PhotoRow | None:
    """The photo that this call sent before, if it did and the bytes arrived."""
    rows = [row for row in uploads.photos(service.engine, caller, job) if row.name == name]
    return rows[0] if rows else None


def _same(service: Service, job: JobId, known: PhotoRow, body: _Body) -> None:
    """JobRefused where other bytes come under the same key."""
    digest = service.vault.digest(job)
    for _ in body.parts(digest.update):
        pass
    if not hmac.compare_digest(digest.hexdigest(), known.digest):
        raise JobRefused("This Idempotency-Key was used for another photo.", code="idempotency_mismatch")


def _store(service: Service, job: JobId, name: str, body: _Body) -> PhotoRow:
    digest = service.vault.digest(job)
    service.vault.put_parts(job, Kind.PHOTO, name, body.parts(digest.update))
    if body.size == 0:
        raise PhotoRefused("This photo is empty.", code="empty", remedy="Please choose it again.")
    return uploads.arrived(service.engine, job, name, body.size, digest.hexdigest())


def _undo(service: Service, caller: Client, job: JobId, name: str) -> None:
    """The bytes did not arrive whole, or came too late: nothing of them stays."""
    service.vault.drop(job, Kind.PHOTO, name)
    try:
        uploads.drop(service.engine, caller, job, name)
    except NotNow:  # the job went on without it
        return
