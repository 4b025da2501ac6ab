"""Pay one debt of deletion of a service: key, objects, rows, in this order; list again; write the receipt.

Covers: any number of repeats and kills in between; a late writer, who is refused by the missing key; rows that are
        overwritten. A deletion that leaves anything is not paid and comes back. What a write that was under way
        left behind, sealed under a key that is gone, is taken by a second look.
Does not cover: a link to a picture that was opened before; what a client has stored of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import Engine, delete

from avatar.erasure.receipt import NOT_COVERED_BY_SERVICE, erased, receipt
from avatar.erasure.signing import Signer
from avatar.errors import Unsafe
from avatar.job import JobId, Kind
from avatar.ledger import sweeps
from avatar.ledger.chain import Signed
from avatar.ledger.clock import read
from avatar.ledger.deletions import SECOND_LOOK, Debt, What, pay
from avatar.ledger.engine import scrub, transaction
from avatar.ledger.tables import JobRow, PhotoRow

INPUTS = tuple(kind for kind in Kind if kind is not Kind.PACK)


class TwoKeyVault(Protocol):
    """What settling asks of a vault whose jobs have a key for the inputs and one for the pack."""

    def forget_key(self, job: JobId, kind: Kind = Kind.PHOTO) -> bool: ...
    def inventory(self, job: JobId) -> Mapping[Kind, list[str]]: ...
    def erase(self, job: JobId, kind: Kind) -> list[str]: ...
    def remains(self, job: JobId, kinds: tuple[Kind, ...]) -> list[str]: ...


def settle(
    engine: Engine, vault: TwoKeyVault, debt: Debt, signer: Signer, second: float = SECOND_LOOK
) -> Mapping[str, Any]:
    """Erase what is owed and record its receipt. Unsafe if anything is still there: the debt stays.

    The second look, `second` seconds after the first, does all of it again: what a write under way left is in its line.
    What the stages erased before, and what is erased here, is in the lines of both receipts.
    """
    kinds = tuple(Kind) if debt.what is What.EVERYTHING else INPUTS
    vault.forget_key(debt.job)
    if debt.what is What.EVERYTHING:
        vault.forget_key(debt.job, Kind.PACK)
    _sweep(engine, vault, debt, kinds)
    remains = vault.remains(debt.job, kinds)
    if remains:
        raise Unsafe(f"{len(remains)} objects are still there after they were erased.", code="not_erased")
    if debt.what is What.EVERYTHING:
        _scrub_rows(engine, debt.job)
    swept = sweeps.told(engine, debt.job)
    told = receipt(
        debt.job,
        debt.reason,
        [erased(one.kind, one.names, one.after, one.at) for one in swept],
        key_destroyed=True,
        remains=remains,
        not_covered=NOT_COVERED_BY_SERVICE,
        deletion=debt.id,
        what=debt.what,
        look=debt.look,
    )
    return pay(engine, debt, told, lambda number, previous: bound(signer.sign(told, number, previous)), second)


def _sweep(engine: Engine, vault: TwoKeyVault, debt: Debt, kinds: tuple[Kind, ...]) -> None:
    """Write down what is there, then erase it; what came between the two is written down as well."""
    after = sweeps.PURGE if debt.look == 1 else sweeps.SECOND_LOOK
    there = vault.inventory(debt.job)
    found = {kind: there[kind] for kind in kinds}
    sweeps.note(engine, debt.job, found, after)
    late = {kind: sorted(set(vault.erase(debt.job, kind)).difference(found[kind])) for kind in kinds}
    sweeps.note(engine, debt.job, late, after)


def bound(document: dict[str, Any]) -> Signed:
    """A signed receipt as the ledger's chain takes it."""
    chain, signature = document["chain"], document["signature"]
    return Signed(chain["sequence"], document["digest"], chain["link"], signature["value"], signature["key"], document)


def _scrub_rows(engine: Engine, job: JobId) -> None:
    """What the ledger knew of the photos and of what was made; ids, times, and how it ended and why, stay."""
    with transaction(engine) as session:
        session.execute(delete(PhotoRow).where(PhotoRow.job == job))
        row = session.get_one(JobRow, job, with_for_update=True)
        row.facts, row.progress = _times(row.facts), {}
        row.erased_at = row.erased_at or read(session)
    if not scrub(engine):
        raise Unsafe("Somebody still reads old pages of the ledger; they are not emptied yet.", code="not_scrubbed")


def _times(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """How long each stage took and on what kind of machine: all that stays of what the stages found."""
    return {stage: {key: found[key] for key in ("seconds", "device") if key in found} for stage, found in facts.items()}
