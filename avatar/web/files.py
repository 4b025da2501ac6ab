"""The pack over HTTP: single pictures and one archive, whole or by range (RFC 9110, section 14)."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import Response, StreamingResponse

from avatar.errors import NotFound
from avatar.job import JobId, Kind
from avatar.ledger import orders, replaced
from avatar.ledger.replaced import Places
from avatar.ledger.tables import JobRow
from avatar.packs.bundle import REPORT, SHEET
from avatar.replacing import PAPERS, stored
from avatar.service import ARCHIVE, Service
from avatar.web.guard import Caller, Here
from avatar.web.problems import RESPONSES, problem

router = APIRouter(prefix="/v1/jobs/{job}", tags=["pictures"], responses=RESPONSES)
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
MEDIA = {"json": "application/json", "png": "image/png", "zip": "application/zip"}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in MEDIA.values()}, "description": "The file"},
    206: {"content": {media: {} for media in MEDIA.values()}, "description": "The range asked for"},
    416: {"description": "There is no such range"},
}
Range = Annotated[str | None, Header(description="one range of bytes")]
IfRange = Annotated[str | None, Header()]


@router.get("/pictures")
def pictures(job: str, caller: Caller, service: Here) -> list[str]:
    """The files of the pack: the pictures in their places, then its papers."""
    row = orders.pack(service.engine, caller, JobId(job))
    return _shown(service, row, replaced.places(service.engine, row))


@router.get("/pictures/{name}", response_class=Response, responses=FILE)
def picture(
    job: str, name: str, caller: Caller, service: Here, range: Range = None, if_range: IfRange = None
) -> Response:
    """One file of the pack."""
    if name == ARCHIVE:
        raise NotFound("There is no such picture.")
    return _file(service, orders.pack(service.engine, caller, JobId(job)), name, range, if_range)


@router.get("/pack.zip", response_class=Response, responses=FILE)
def pack(job: str, caller: Caller, service: Here, range: Range = None, if_range: IfRange = None) -> Response:
    """All files of the pack in one archive."""
    answer = _file(service, orders.pack(service.engine, caller, JobId(job)), ARCHIVE, range, if_range)
    answer.headers["Content-Disposition"] = 'attachment; filename="avatars.zip"'
    return answer


def _shown(service: Service, row: JobRow, places: Places) -> list[str]:
    """What a list of the pack's files tells; of a pack without recorded names, what is stored of it."""
    if places.order:
        return [*places.order, SHEET, REPORT]
    return [name for name in service.vault.names(JobId(row.id), Kind.PACK) if name != ARCHIVE]


def _file(service: Service, row: JobRow, name: str, wanted: str | None, if_range: str | None) -> Response:
    job, places = JobId(row.id), replaced.places(service.engine, row)
    if name not in (*_shown(service, row, places), ARCHIVE):
        raise NotFound("There is no such picture.")
    generation = places.generation if name in PAPERS else 0  # a picture's bytes never change
    path, tag = stored(name, generation), f'"{job.removeprefix("job_")}.{generation}"'
    size = _size(service, job, path, generation)
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": "private, no-store"}
    asked = RANGE.fullmatch(wanted.strip()) if wanted and if_range in (None, tag) else None
    media = MEDIA[name.rsplit(".", 1)[-1]]
    first, last = 0, size - 1
    if asked is not None and any(asked.groups()):
        found = span(asked[1], asked[2], size)
        if found is None:
            return problem(
                416, "no_such_range", "There is no such range.", headers={"Content-Range": f"bytes */{size}"}
            )
        first, last = found
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    headers["Content-Length"] = str(last - first + 1)
    parts = cut(service.vault.get_parts(job, Kind.PACK, path), first, last)
    return StreamingResponse(parts, 206 if "Content-Range" in headers else 200, headers, media)


def _size(service: Service, job: JobId, path: str, generation: int) -> int:
    """How large it is. A paper whose pack was changed by a call that was cut off is written now."""
    with contextlib.suppress(KeyError):
        return service.vault.size(job, Kind.PACK, path)
    if generation:
        service.settle_pack(job)
    try:
        return service.vault.size(job, Kind.PACK, path)
    except KeyError:  # erased, or replaced once more, since we asked the ledger
        raise NotFound("There is no such picture.") from None


def span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """First and last byte of a range, both within the file; None where none of it is."""
    if not first:
        return (max(0, size - int(last)), size - 1) if int(last) and size else None
    begin, end = int(first), min(int(last), size - 1) if last else size - 1
    return (begin, end) if begin <= end else None


def cut(parts: Iterator[bytes], first: int, last: int) -> Iterator[bytes]:
    """The bytes from `first` to `last` of a flow that is read from its beginning, since each frame is checked."""
    at = 0
    for part in parts:
        piece = part[max(0, first - at) : last + 1 - at]
        at += len(part)
        if piece:
            yield piece
        if at > last:
            return
