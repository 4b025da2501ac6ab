"""Replace a picture of a pack with the next best that was drawn, and look at what is drawn while it is drawn."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from avatar.errors import NotFound, Spoiled
from avatar.job import JobId, Kind
from avatar.ledger import orders
from avatar.ledger.clients import Client
from avatar.ledger.replaced import Asked, Reason, places, style_of
from avatar.packs.candidates import previews
from avatar.service import Service
from avatar.web.guard import Caller, Here
from avatar.web.once import Once, nonce
from avatar.web.problems import RESPONSES
from avatar.web.schemas import Preview, Replace, Replaced

router = APIRouter(prefix="/v1/jobs/{job}", tags=["pictures"], route_class=Once, responses=RESPONSES)
SMALL: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "A small picture, labelled as made by a machine"}
}


@router.post("/pictures/{name}/replace")
def replace(job: str, name: str, wanted: Replace, caller: Caller, service: Here, request: Request) -> Replaced:
    """Send a picture back: it is erased and can not come back, and a spare of its style takes its place everywhere.

    Spares were drawn with the order; there are three a style at most. Without one left: 409 `no_spare_left`.
    """
    asked = Asked(f"rep_{nonce(request) or secrets.token_hex(16)}", name, wanted.reason)
    row, erased = service.replace(caller, JobId(job), asked)
    left = places(service.engine, orders.look(service.engine, caller, JobId(job))).left()
    return Replaced(
        picture=row.spare,
        replaces=row.picture,
        reason=Reason(row.reason),
        erased=erased,
        spares_left=left.get(style_of(row.spare), 0),
    )


@router.get("/previews")
def strip(job: str, caller: Caller, service: Here) -> list[Preview]:
    """What was drawn so far and is fit to be chosen, twelve at most; 404 once the job has ended."""
    return [Preview(number=number, style=style) for number, (style, _) in sorted(_alive(service, caller, job).items())]


@router.get("/previews/{number}.jpg", response_class=Response, responses=SMALL)
def small(job: str, caller: Caller, service: Here, number: int = Path(ge=0, le=9999)) -> Response:
    """One of them, 160 pixels a side."""
    found = _alive(service, caller, job).get(number)
    try:
        if found is not None:
            data = service.vault.get(JobId(job), Kind.CANDIDATE, found[1])
            return Response(data, headers={"Cache-Control": "private, no-store"}, media_type="image/jpeg")
    except (KeyError, Spoiled):  # the job went on or ended meanwhile
        pass
    raise NotFound("There is no such picture.")


def _alive(service: Service, caller: Client, job: str) -> dict[int, tuple[str, str]]:
    """The small pictures of an own job that is at work: index to style and name."""
    if orders.look(service.engine, caller, JobId(job)).ending is not None:
        raise NotFound("The job has ended; what it drew on the way is erased.")
    return previews(service.vault, JobId(job))
