"""Replace one picture of a delivered pack: the spare is in its place, the picture is erased, the papers are new.

The ledger says first who is in which place (`ledger.replaced`); from then on the old picture is nowhere shown. Then the
sheet, the report and the archive are written under the name of the new generation, and what the pack does not need any
more is erased. All of that may be repeated at any time and by anybody: cut off anywhere, the next reader or the
schedule goes on. A second look takes what a write that was under way has left behind.

Covers: two at once; a kill between any two steps; a legal hold that comes in between, under which nothing is erased.
Does not cover: a download that had begun.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from sqlalchemy import Engine

from avatar.job import JobId, Kind
from avatar.ledger import holds, replaced, sweeps
from avatar.ledger.deletions import SECOND_LOOK
from avatar.ledger.replaced import Places
from avatar.marks.label import mark
from avatar.packs import spares
from avatar.packs.archive import ARCHIVE, archive
from avatar.packs.bundle import REPORT, SHEET
from avatar.packs.spares import SPARES

PAPERS = (REPORT, SHEET, ARCHIVE)  # in the order in which they are written: the archive holds the other two
NAMED = re.compile(r"(.+)\.v(\d+)(\.[a-z]+)")
REPLACED = "replaced"  # what the receipt calls this sweep
TURNS = 5  # each is lost only to somebody who replaced another picture meanwhile


class Packs(Protocol):
    """What this asks of a vault."""

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None: ...
    def put_parts(self, job: JobId, kind: Kind, name: str, parts: Iterable[bytes]) -> None: ...
    def get(self, job: JobId, kind: Kind, name: str) -> bytes: ...
    def names(self, job: JobId, kind: Kind) -> list[str]: ...
    def drop(self, job: JobId, kind: Kind, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Shelf:
    """One job's pack in the vault."""

    vault: Packs
    job: JobId

    def read(self, name: str) -> bytes:
        return self.vault.get(self.job, Kind.PACK, name)

    def files(self, names: Iterable[str], papers: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        """Pictures and papers, each read when its turn comes."""
        for name in names:
            yield name, self.read(name)
        yield from papers


def stored(name: str, generation: int) -> str:
    """What a paper of the pack is stored under; the first are stored under their own names."""
    stem, _, end = name.rpartition(".")
    return f"{stem}.v{generation}.{end}" if generation else name


def settle(engine: Engine, vault: Packs, job: JobId, second: float = SECOND_LOOK) -> bool:
    """Make the vault what the ledger says of the pack; False where a legal hold keeps what should go.

    Spoiled where the pack's key is gone.
    """
    for _ in range(TURNS):
        places = replaced.standing(engine, job)
        if not places.generation:
            return True
        try:
            _papers(Shelf(vault, job), places)
        except KeyError:  # a picture went while we read: somebody replaced it as well
            if replaced.standing(engine, job).generation == places.generation:
                raise
            continue
        needless = _needless(vault, job, places)
        sweeps.note(engine, job, {Kind.PACK: needless}, REPLACED)  # the job's last receipt tells of it
        if not holds.unless_held(engine, job, _erasing(vault, job, needless)):
            return False
        replaced.settled(engine, job, places.generation, second)
        return True
    return False


def _papers(shelf: Shelf, places: Places) -> None:
    """Report, sheet and archive of this generation, unless they are there."""
    there = shelf.vault.names(shelf.job, Kind.PACK)
    if stored(ARCHIVE, places.generation) in there:
        return
    put = partial(shelf.vault.put, shelf.job, Kind.PACK)
    before = max((number for number in range(places.generation) if _whole(number, there)), default=0)
    old, beside = shelf.read(stored(REPORT, before)), shelf.read(SPARES)
    gone = [{"file": one.picture, "by": one.spare, "reason": one.reason} for one in places.gone]
    report = spares.reported(old, beside, places.order, gone)
    sheet = mark(spares.sheet(shelf.read(stored(SHEET, before)), (old, report), beside, shelf.read))
    put(stored(REPORT, places.generation), report)
    put(stored(SHEET, places.generation), sheet)
    files = shelf.files(places.order, ((SHEET, sheet), (REPORT, report)))
    shelf.vault.put_parts(shelf.job, Kind.PACK, stored(ARCHIVE, places.generation), archive(files))


def _whole(generation: int, there: list[str]) -> bool:
    """Whether report and sheet of a generation are there to be gone on from."""
    return {stored(REPORT, generation), stored(SHEET, generation)} <= set(there)


def _needless(vault: Packs, job: JobId, places: Places) -> list[str]:
    """The pictures that were replaced, and the papers of earlier generations; never those of a later one."""
    replaced_ones = {one.picture for one in places.gone}
    there = vault.names(job, Kind.PACK)
    return [name for name in there if name in replaced_ones or _generation(name) < places.generation]


def _generation(name: str) -> float:
    """Which generation a paper is of; of what is no paper, none that ever ends."""
    if name in PAPERS:
        return 0
    found = NAMED.fullmatch(name)
    return int(found[2]) if found and found[1] + found[3] in PAPERS else float("inf")


def _erasing(vault: Packs, job: JobId, names: list[str]) -> Callable[[], None]:
    def act() -> None:
        for name in names:
            vault.drop(job, Kind.PACK, name)

    return act
