"""What is promised and what was proven, for anybody: no key is needed to read it, and no id of a job is in it."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from avatar.erasure.retention import POLICY, table
from avatar.web.guard import Here
from avatar.web.schemas import Kept, Retention

router = APIRouter(prefix="/v1", tags=["deletions"])


@router.get("/retention")
def retention(here: Here) -> Retention:
    """What is kept, until which event, and for how many seconds at most."""
    return Retention(policy=POLICY, kept=[Kept(**asdict(line)) for line in table(here.times, here.settings.pace)])
