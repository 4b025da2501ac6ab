"""Rows of the ledger as the client sees them."""

from __future__ import annotations

from typing import Literal

from avatar.job import Ending, Stage
from avatar.ledger import holds, orders, replaced
from avatar.ledger.deletions import What
from avatar.ledger.figures import Forecast
from avatar.ledger.rows import moment
from avatar.ledger.tables import DeletionRow, JobRow, PhotoRow
from avatar.service import Service
from avatar.web.schemas import Deletion, JobState, Photo, Progress


def state(service: Service, forecast: Forecast, row: JobRow) -> JobState:
    """A job: its state, its place in line, the time left."""
    word = row.ending or ("waiting_for_photos" if row.started_at is None else "running" if row.owner else "queued")
    ahead = orders.ahead(service.engine, row) if word == "queued" else None
    progress = _progress(row)
    of_stage = progress.seconds_left if progress else None
    alive = word in ("queued", "running")
    return JobState.model_validate(
        {
            "id": row.id,
            "state": word,
            "stage": row.stage,
            "ahead": ahead,
            "progress": progress,
            "seconds_left": forecast.left(Stage(row.stage), ahead or 0, of_stage) if alive else None,
            "code": row.code or None,
            "sentence": row.sentence or None,
            "class_word": row.class_word,
            "styles": row.styles,
            "count": row.count,
            "test": row.test,
            "delivered": row.facts.get(Stage.FINISH, {}).get("pictures"),
            "spares": _spares(service, row),
            "erased": row.erased_at is not None,
            "made_at": time(row.made_at),
            "started_at": _maybe(row.started_at),
            "ended_at": _maybe(row.ended_at),
        }
    )


def _spares(service: Service, row: JobRow) -> dict[str, int]:
    """What is left beside a pack that may be fetched; nothing where a hold forbids erasing what would be replaced."""
    if row.ending != Ending.DONE or row.erased_at is not None or row.held:
        return {}
    return replaced.places(service.engine, row).left()


def deletion(service: Service, row: DeletionRow) -> Deletion:
    """A deletion, with its receipt once it is done; one that waits behind a legal hold says so."""
    state: Literal["owed", "held", "done"] = "done" if row.done_at else "owed"
    if state == "owed" and holds.held(service.engine, row.job):
        state = "held"
    return Deletion(
        id=row.id,
        job=row.job,
        what=What(row.what).value,
        reason=row.reason,
        state=state,
        asked_at=time(row.asked_at),
        due_at=time(row.due_at),
        done_at=_maybe(row.done_at),
        receipt=row.receipt,
    )


def photo(row: PhotoRow) -> Photo:
    """A photo, with its verdict once a worker has looked at it."""
    verdict: Literal["pending", "ok", "refused"] = "pending"
    if row.code is not None:
        verdict = "ok" if row.code == "ok" else "refused"
    return Photo(
        id=row.name,
        bytes=row.size,
        verdict=verdict,
        code=row.code,
        sentence=row.sentence or None,
        remedy=row.remedy or None,
    )


def time(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _maybe(seconds: float | None) -> str | None:
    return None if seconds is None else time(seconds)


def _progress(row: JobRow) -> Progress | None:
    if "done" not in row.progress:
        return None
    told = row.progress
    return Progress(done=told["done"], total=told["total"], seconds_left=told.get("seconds_left"))
