"""What is promised and what was proven, for anybody: no key is needed to read it, and no id of a job is in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from avatar.erasure.retention import POLICY, table
from avatar.erasure.signing import jwk, key_id
from avatar.ledger import chain
from avatar.web.guard import Here
from avatar.web.problems import RESPONSES
from avatar.web.schemas import ChainLink, Kept, ReceiptChain, ReceiptKey, Retention

router = APIRouter(prefix="/v1", tags=["deletions"], responses=RESPONSES)


@router.get("/retention")
def retention(here: Here) -> Retention:
    """What is kept, until which event, and for how many seconds at most."""
    return Retention(policy=POLICY, kept=[Kept(**asdict(line)) for line in table(here.times, here.settings.pace)])


@router.get("/receipts/key")
def key(here: Here) -> ReceiptKey:
    """The public key that receipts are checked with. Keep a copy: one that changes is worth a question."""
    public = here.signer.public
    return ReceiptKey(key=key_id(public), hex=public.hex(), jwk=jwk(public))


@router.get("/receipts")
def receipts(
    here: Here,
    after: Annotated[int, Query(ge=0, le=2**53, description="the last number you have")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> ReceiptChain:
    """The chain of receipts as digests and signatures, so that anybody may see that none is taken out or changed."""
    links = [ChainLink(**asdict(entry)) for entry in chain.entries(here.engine, after, limit + 1)]
    return ReceiptChain(links=links[:limit], next=links[limit - 1].sequence if len(links) > limit else None)
