"""What is kept, until which event, and for how long at most: one table, made from the numbers that the code obeys.

Stages die by `avatar.job.DIES_AFTER`, jobs and packs by `avatar.ledger.claims.Times`, rows by `avatar.ledger.expiry`;
nothing here is written a second time. Whoever changes what the table says raises
`receipt.POLICY`, which each receipt names.
"""

from __future__ import annotations

from dataclasses import dataclass

from avatar.erasure.receipt import POLICY as POLICY
from avatar.job import DIES_AFTER, Kind
from avatar.ledger.claims import Times
from avatar.ledger.clients import AFTERWARDS
from avatar.ledger.deletions import SECOND_LOOK
from avatar.ledger.expiry import ANSWERS, TOLD
from avatar.ledger.uploads import HOUR


@dataclass(frozen=True, slots=True)
class Kept:
    """One line. `most` counts in seconds from `since`; None where it is kept for good, and says nothing of a person."""

    what: str  # of stored objects the word of their kind
    holds: str
    where: str
    until: str
    most: float | None
    since: str


HOLDS = {
    Kind.PHOTO: "the photos as they were given",
    Kind.CROP: "aligned crops, face masks and captions",
    Kind.CHECKPOINT: "adapters that were not chosen",
    Kind.ADAPTER: "the adapter that draws the person",
    Kind.CANDIDATE: "pictures that were not chosen",
    Kind.PICTURE: "pictures on their way into the pack",
    Kind.PACK: "the pack that was delivered, and its spares",
}
SEALED = "store, sealed under the job's key"
LEDGER, MEMORY = "ledger", "memory"
END = "the job's end"
ORDERED = "the order"


def table(times: Times, pace: float = 1.0) -> tuple[Kept, ...]:
    """The whole table, for a service with these times."""
    return (*_objects(times), *_memory(), *_keys(times), *_rows(times, pace))


def _objects(times: Times) -> tuple[Kept, ...]:
    lines = [
        Kept(kind, HOLDS[kind], SEALED, f"{last} is recorded, or {END}", times.photos, ORDERED)
        for kind, last in DIES_AFTER.items()
    ]
    pack = Kept(
        Kind.PACK, HOLDS[Kind.PACK], "store, sealed under the pack's key", "its time is over", times.keep, "delivery"
    )
    return (*lines, pack)


def _memory() -> tuple[Kept, ...]:
    said = (("descriptors", "what tells one face from another"), ("latents", "latents and text embeddings"))
    return tuple(Kept(what, holds, MEMORY, "the stage ends", 0.0, "the stage's end") for what, holds in said)


def _keys(times: Times) -> tuple[Kept, ...]:
    apart = "key store, wrapped, in no backup"
    return (
        Kept("inputs_key", "the key of all but the pack", apart, END, times.photos, ORDERED),
        Kept("pack_key", "the key of the pack", apart, "the pack goes", times.keep, "delivery"),
    )


def _rows(times: Times, pace: float) -> tuple[Kept, ...]:
    gone = "everything of the job is erased"
    return (
        Kept("verdicts", "codes and sentences about photos", LEDGER, gone, times.keep, "delivery"),
        Kept(
            "links",
            "digests of links that open the job",
            LEDGER,
            f"a day after {gone}",
            times.keep + AFTERWARDS,
            "delivery",
        ),
        Kept("answers", "first answers to repeated calls, sealed", LEDGER, "a day is over", pace * ANSWERS, "the call"),
        Kept("messages", "which messages were sent, when", LEDGER, "their time is over", pace * TOLD, "the message"),
        Kept("sent", "ids of photos sent, for the quota", LEDGER, "an hour is over", pace * HOUR, "the photo"),
        Kept("swept", "how the objects were called that were erased, by kind", LEDGER, f"the second look after {gone}",
             times.keep + pace * SECOND_LOOK, "delivery"),
        Kept("late_writes", "what a write under way left, unreadable", "store", "the second look", pace * SECOND_LOOK,
             "the erasure"),
        Kept("books", "ids, times, codes, the words agreed to, receipts", LEDGER, "it is kept", None, "the order"),
    )  # fmt: skip
