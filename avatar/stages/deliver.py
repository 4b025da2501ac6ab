"""Hand the finished pack over.

Reads: Kind.PICTURE, which holds the pictures, the contact sheet and the report. Writes: the delivery, all at once.
Covers: nothing or everything is delivered, also when killed and repeated.
Does not cover: links for other people; the service makes those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from avatar.job import Done, Job, Kind, Outcome
from avatar.ports import Progress, Vault


class Delivery(Protocol):
    """Where a pack goes."""

    def deliver(self, files: Mapping[str, bytes]) -> None: ...


@dataclass(frozen=True, slots=True)
class DeliverPorts:
    vault: Vault
    delivery: Delivery
    progress: Progress


def run(job: Job, ports: DeliverPorts) -> Outcome:
    """Deliver; the facts say how many files went out."""
    names = ports.vault.names(job.id, Kind.PICTURE)
    ports.delivery.deliver({name: ports.vault.get(job.id, Kind.PICTURE, name) for name in names})
    ports.progress(1, 1)
    return Done({"files": len(names)})
