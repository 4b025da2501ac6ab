"""Pictures that their owner sent back, and the spares in their place: who is where in a delivered pack.

The pictures of a pack and its spares are named in what finish recorded; a row here puts one spare into one picture's
place. A pack's `generation` is the number of its rows: the papers that tell of all pictures (sheet, report, archive)
are stored under a name of each generation, so that two who write at once never mix.

Every query of a caller carries the owner in its own WHERE. Two calls at once meet at the job's row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, func, or_, select, update
from sqlalchemy.orm import Session

from avatar.errors import NotFound, NotNow
from avatar.job import JobId, Stage
from avatar.ledger.audit import note
from avatar.ledger.clients import Client
from avatar.ledger.clock import now, read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.orders import deliverable, own
from avatar.ledger.tables import JobRow, ReplacementRow

PATIENCE = 30.0  # seconds that a call may take to erase a picture itself; then the schedule does it
STYLE = re.compile(r"\d+-(.+)\.png")


class Reason(StrEnum):
    """Why a picture is sent back. A closed list: counted, and nobody writes about a face here."""

    NOT_LIKE_ME = "not_like_me"
    FACE_BROKEN = "face_broken"
    WRONG_PERSON_COUNT = "wrong_person_count"
    SKIN_OR_HAIR_CHANGED = "skin_or_hair_changed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Places:
    """What stands where in one pack."""

    order: tuple[str, ...] = ()  # the pictures as they are shown; empty where finish recorded no names
    spares: Mapping[str, tuple[str, ...]] | None = None  # of each style those not used yet, the best first
    gone: tuple[ReplacementRow, ...] = ()  # the replacements, the first one first

    @property
    def generation(self) -> int:
        """How often the pack was changed."""
        return len(self.gone)

    def left(self) -> dict[str, int]:
        """How many spares each style still has; a style without one is left out."""
        return {style: len(names) for style, names in (self.spares or {}).items() if names}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller wants replaced; `id` is the same for a call that is sent again."""

    id: str
    picture: str
    reason: Reason


def take(engine: Engine, client: Client, job: JobId, asked: Asked) -> ReplacementRow:
    """Put the best unused spare of the style into the picture's place; from here on the picture is nowhere shown.

    NotFound for an absent or foreign job, and for what is no picture of it (any more); NotNow `no_spare_left`, `held`.
    """
    with transaction(engine) as session:
        row = own(session, client, job)
        deliverable(session, row)
        known = session.get(ReplacementRow, asked.id)
        if known is not None and known.job == job:
            return known
        places = _places(session, row)
        if asked.picture not in places.order:
            raise NotFound("There is no such picture.")
        if row.held:
            raise NotNow("Nothing of this job can be erased: it is under a legal hold.", code="held")
        spares = (places.spares or {}).get(style_of(asked.picture), ())
        if not spares:
            raise NotNow("Of this style there is no picture left that could take its place.", code="no_spare_left")
        made = ReplacementRow(
            id=asked.id, job=job, number=places.generation + 1, picture=asked.picture, spare=spares[0],
            reason=asked.reason, made_at=read(session),
        )  # fmt: skip
        session.add(made)
        note(session, client.id, f"picture_replaced:{asked.reason}", job)
        return made


def places(engine: Engine, row: JobRow) -> Places:
    """What stands where in the pack of this job."""
    if not _names(row):
        return Places()
    with reading(engine) as session:
        return _places(session, row)


def standing(engine: Engine, job: JobId) -> Places:
    """The same for a job known by its id alone; nothing where it is erased."""
    with reading(engine) as session:
        row = session.get(JobRow, job)
        return _places(session, row) if row is not None and row.erased_at is None else Places()


def settled(engine: Engine, job: JobId, generation: int, second: float) -> None:
    """The pictures up to this generation are erased and the papers written; looked at again after `second` seconds."""
    first = ReplacementRow.settled_at.is_(None)
    mine = update(ReplacementRow).where(ReplacementRow.job == job, ReplacementRow.number <= generation)
    with transaction(engine) as session:
        session.execute(mine.where(~first, ReplacementRow.second_at <= now()).values(second_at=None))
        session.execute(mine.where(first).values(settled_at=now(), second_at=now() + second))


def due(engine: Engine, patience: float = PATIENCE) -> list[JobId]:
    """The jobs whose packs somebody must look at: a call was cut off, or the second look is due."""
    late = ReplacementRow.settled_at.is_(None) & (ReplacementRow.made_at < now() - patience)
    ripe = or_(late, ReplacementRow.second_at <= now())
    there = select(JobRow.id).where(JobRow.erased_at.is_(None), ~JobRow.held)
    with reading(engine) as session:
        found = select(ReplacementRow.job).where(ripe, ReplacementRow.job.in_(there)).distinct()
        return [JobId(job) for job in session.scalars(found)]


def counts(session: Session) -> dict[Reason, int]:
    """How often each reason was given, since the ledger began; rehearsals are left out."""
    asked = select(ReplacementRow.reason, func.count()).join(JobRow, JobRow.id == ReplacementRow.job)
    rows = session.execute(asked.where(~JobRow.test).group_by(ReplacementRow.reason))
    found: dict[str, int] = {reason: count for reason, count in rows}  # noqa: C416 (rows are not pairs to mypy)
    return {reason: found.get(reason, 0) for reason in Reason}


def style_of(picture: str) -> str:
    """The style that a picture's name tells; empty where it tells none."""
    found = STYLE.fullmatch(picture)
    return found[1] if found else ""


def _names(row: JobRow) -> Sequence[str]:
    names: Sequence[str] = row.facts.get(Stage.FINISH, {}).get("names", ())
    return names


def _places(session: Session, row: JobRow) -> Places:
    mine = select(ReplacementRow).where(ReplacementRow.job == row.id).order_by(ReplacementRow.number)
    gone = tuple(session.scalars(mine))
    order = list(_names(row))
    for one in gone:
        if one.picture in order:
            order[order.index(one.picture)] = one.spare
    used = {one.spare for one in gone}
    kept: Mapping[str, Sequence[str]] = row.facts.get(Stage.FINISH, {}).get("spares", {})
    left = {style: tuple(name for name in names if name not in used) for style, names in kept.items()}
    return Places(tuple(order), left, gone)
