"""Pay one debt of deletion of a service: key, objects, rows, in this order; list again; write the receipt.

Covers: any number of repeats and kills in between; a late writer, who is refused by the missing key; rows that are
        overwritten. A deletion that leaves anything is not paid and comes back.
Does not cover: a link to a picture that was opened before; what a client has stored of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Engine, delete, select, update

from avatar.erasure.receipt import erased, receipt
from avatar.errors import Unsafe
from avatar.job import JobId, Kind
from avatar.ledger.clock import now
from avatar.ledger.deletions import Debt, What, pay
from avatar.ledger.engine import scrub, transaction
from avatar.ledger.tables import JobRow, PhotoRow

INPUTS = tuple(kind for kind in Kind if kind is not Kind.PACK)


class TwoKeyVault(Protocol):
    """What settling asks of a vault whose jobs have a key for the inputs and one for the pack."""

    def forget_key(self, job: JobId, kind: Kind = Kind.PHOTO) -> bool: ...
    def erase(self, job: JobId, kind: Kind) -> list[str]: ...
    def remains(self, job: JobId, kinds: tuple[Kind, ...]) -> list[str]: ...


def settle(engine: Engine, vault: TwoKeyVault, debt: Debt) -> dict[str, Any]:
    """Erase what is owed and record its receipt. Unsafe if anything is still there: the debt stays."""
    kinds = tuple(Kind) if debt.what is What.EVERYTHING else INPUTS
    vault.forget_key(debt.job)
    if debt.what is What.EVERYTHING:
        vault.forget_key(debt.job, Kind.PACK)
    lines = [erased(kind, names, "purge") for kind in kinds if (names := vault.erase(debt.job, kind))]
    remains = vault.remains(debt.job, kinds)
    if remains:
        raise Unsafe(f"{len(remains)} objects are still there after they were erased.", code="not_erased")
    if debt.what is What.EVERYTHING:
        _scrub_rows(engine, debt.job)
    told = receipt(debt.job, debt.reason, lines, key_destroyed=True, remains=remains)
    pay(engine, debt, told)
    return told


def _scrub_rows(engine: Engine, job: JobId) -> None:
    """What the ledger knew of the photos and of what was made; ids, times, and how it ended and why, stay."""
    with transaction(engine) as session:
        session.execute(delete(PhotoRow).where(PhotoRow.job == job))
        facts = session.scalar(select(JobRow.facts).where(JobRow.id == job)) or {}
        values = {"facts": _times(facts), "progress": {}, "erased_at": now()}
        session.execute(update(JobRow).where(JobRow.id == job).values(values))
    scrub(engine)


def _times(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """How long each stage took and on what kind of machine: all that stays of what the stages found."""
    return {stage: {key: found[key] for key in ("seconds", "device") if key in found} for stage, found in facts.items()}
