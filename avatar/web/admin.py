"""The operator's calls: purges, holds, reconciling, the audit. An admin's key opens them, and no pictures."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, status
from pydantic import Field

from avatar.erasure import reconcile
from avatar.erasure.purging import Planned, Purged, carry_out, plan
from avatar.errors import JobRefused
from avatar.ledger import audit, holds
from avatar.ledger.chosen import Which
from avatar.web import told
from avatar.web.guard import Admin, Here
from avatar.web.problems import RESPONSES
from avatar.web.schemas import Wire

router = APIRouter(prefix="/v1/admin", tags=["operator"], responses=RESPONSES)
MANY = 10  # jobs; more are erased only by a call that says how many it means
AT_ONCE = 200  # jobs that one call erases; a call must end before proxies give it up


class PurgeOrder(Wire):
    jobs: list[str] = Field(default=[], max_length=1000)
    client: str | None = None
    older_than_seconds: float | None = Field(default=None, ge=0)
    everything: bool = False
    dry_run: bool = True
    confirm: int | None = Field(default=None, description="how many jobs you mean; needed for more than ten")


class PurgeReport(Wire):
    dry_run: bool
    jobs: int = Field(description="how many were chosen")
    objects: int
    bytes: int
    planned: list[Planned]
    done: list[Purged] = Field(description="what came of each; empty on a dry run")
    left: int = Field(description="chosen and not erased by this call: held, busy, or more than one call takes")


class HoldOrder(Wire):
    job: str
    reason: holds.Reason


class Hold(Wire):
    id: str
    job: str
    reason: str
    since: str


class Reconciled(Wire):
    strays: list[reconcile.Stray]
    fixed: bool


class AuditLine(Wire):
    number: int
    at: str
    who: str
    code: str
    target: str


@router.post("/purges")
def purge(order: PurgeOrder, caller: Admin, service: Here) -> PurgeReport:
    """Show, or erase, the chosen jobs. A dry run is what happens unless the call says otherwise."""
    which = Which(tuple(order.jobs), order.client, order.older_than_seconds, order.everything)
    if which.empty:
        raise JobRefused("Nothing was chosen.", code="nothing_chosen")
    planned = plan(service.engine, service.vault, which)
    done: list[Purged] = []
    if not order.dry_run:
        if len(planned) > MANY and order.confirm != len(planned):
            remedy = f'send "confirm": {len(planned)} if you mean all of them'
            raise JobRefused(f"{len(planned)} jobs were chosen.", code="not_confirmed", remedy=remedy)
        jobs = [one.job for one in planned[:AT_ONCE]]
        done = list(carry_out(service.engine, service.purge, jobs, caller.id, patience=0.0))
    return PurgeReport(
        dry_run=order.dry_run,
        jobs=len(planned),
        objects=sum(one.objects for one in planned),
        bytes=sum(one.bytes for one in planned),
        planned=planned[:AT_ONCE],
        done=done,
        left=0 if order.dry_run else len(planned) - sum(one.came == "erased" for one in done),
    )


@router.post("/holds", status_code=status.HTTP_201_CREATED)
def hold(order: HoldOrder, caller: Admin, service: Here) -> dict[str, str]:
    """Hold a job: from here on nothing of it is erased."""
    return {"id": holds.add(service.engine, order.job, order.reason, caller.id)}


@router.get("/holds")
def standing(caller: Admin, service: Here) -> list[Hold]:
    """What is held. Looking is audited."""
    rows = holds.page(service.engine, caller.id)
    return [Hold(id=row.id, job=row.job, reason=row.code, since=told.time(row.made_at)) for row in rows]


@router.delete("/holds/{job}")
def lift(job: str, caller: Admin, service: Here) -> dict[str, int]:
    """End the holds on a job; what was owed meanwhile is due at once."""
    return {"lifted": holds.lift(service.engine, job, caller.id)}


@router.post("/reconcile")
def compare(caller: Admin, service: Here, fix: bool = False) -> Reconciled:
    """Compare stores and ledger both ways, and make them fit if asked to."""
    strays = reconcile.find(service.engine, service.vault)
    if fix:
        reconcile.fix(service.engine, service.vault, strays, caller.id)
    return Reconciled(strays=strays, fixed=fix)


@router.get("/audit")
def lines(
    caller: Admin,
    service: Here,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[AuditLine]:
    """Who did what to which id, in order."""
    return [_line(row) for row in audit.page(service.engine, after, limit)]


def _line(row: Any) -> AuditLine:
    return AuditLine(number=row.number, at=told.time(row.at), who=row.who, code=row.code, target=row.target)
