"""How the service stands, for an admin's key: what the operator's page shows. Counts and ages; no id of a person's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from avatar.job import ORDER, Ending
from avatar.ledger import replaced
from avatar.ledger.deletions import What
from avatar.ledger.engine import reading
from avatar.ledger.watch import Standing, standing
from avatar.watch.tally import BOUNDS, Histogram, Sums, Tally
from avatar.web.guard import Admin, Here
from avatar.web.problems import RESPONSES
from avatar.web.schemas import Wire

router = APIRouter(prefix="/v1/admin", tags=["operator"], responses=RESPONSES)
MOST = 0.95  # the share of stages that took no longer than what is told as "most"


class Line(Wire):
    """Jobs of one stage in one state."""

    stage: str
    state: str
    test: bool
    jobs: int
    oldest: float = Field(description="seconds since the first of them was started")


class StageTimes(Wire):
    stage: str
    jobs: int
    mean: float = Field(description="seconds")
    most: float | None = Field(description="seconds within which 95 of 100 ended, rounded up to a bound; null: over it")


class EndedSo(Wire):
    ending: str
    code: str
    jobs: int


class OwedSo(Wire):
    what: str
    owed: int
    due: int
    overdue: int
    oldest: float = Field(description="seconds since the first was due")
    tries: int


class Figures(Wire):
    alive: list[Line]
    stages: list[StageTimes]
    ended: list[EndedSo] = Field(description="since the ledger began; rehearsals are left out")
    deletions: list[OwedSo]
    replaced: dict[str, int] = Field(description="pictures that were sent back, by reason")
    photos_unseen: int
    messages_unsent: int
    messages_given_up: int


def tally(request: Request) -> Tally:
    """The sums, kept up from call to call."""
    found: Tally = request.app.state.tally
    return found


@router.get("/figures")
def figures(caller: Admin, service: Here, sums: Annotated[Tally, Depends(tally)]) -> Figures:
    """What waits and since when, how long stages take, what failed, what should be erased by now."""
    now, counted = standing(service.engine), sums.look()
    with reading(service.engine) as session:
        sent_back = replaced.counts(session)
    return Figures(
        alive=[
            Line(stage=one.stage, state=one.state, test=one.test, jobs=one.count, oldest=round(one.oldest, 1))
            for one in sorted(now.alive, key=lambda one: (ORDER.index(one.stage), one.state, one.test))
        ],
        stages=list(_times(counted)),
        ended=_endings(counted),
        deletions=list(_owed(now)),
        replaced={reason.value: count for reason, count in sent_back.items()},
        photos_unseen=now.unseen,
        messages_unsent=now.unsent,
        messages_given_up=now.given_up,
    )


def _times(sums: Sums) -> Iterator[StageTimes]:
    for stage in ORDER:
        spent = sums.stages.get(stage)
        if spent is not None and (jobs := sum(spent.counts)):
            mean = round(spent.seconds / jobs, 2)
            yield StageTimes(stage=stage, jobs=jobs, mean=mean, most=_most(spent, jobs))


def _most(spent: Histogram, jobs: int) -> float | None:
    below = 0
    for bound, count in zip(BOUNDS, spent.counts, strict=False):  # the last count is of those over every bound
        below += count
        if below >= MOST * jobs:
            return bound
    return None


def _endings(sums: Sums) -> list[EndedSo]:
    """What went wrong first, the commonest on top; what was delivered last."""
    lines = [EndedSo(ending=ending, code=code or "ok", jobs=count) for (ending, code), count in sums.endings.items()]
    return sorted(lines, key=lambda one: (one.ending == Ending.DONE, -one.jobs, one.code))


def _owed(now: Standing) -> Iterator[OwedSo]:
    known = {group.what: group for group in now.owed}
    for what in What:
        one = known.get(what)
        count = (one.count, one.due, one.overdue, one.tries) if one else (0, 0, 0, 0)
        oldest = round(one.oldest, 1) if one else 0.0
        yield OwedSo(what=what, owed=count[0], due=count[1], overdue=count[2], oldest=oldest, tries=count[3])
