"""Hand the finished pack over.

Reads: Kind.PICTURE, which holds the pictures, the contact sheet, the report and the spares. Writes: the delivery, all
    at once; spares go along to a place that can put one in a picture's stead later, and count in nothing.
Covers: nothing or everything is delivered, also when killed and repeated.
Does not cover: links for other people; the service makes those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from avatar.job import Done, Job, Kind, Outcome, Stage
from avatar.packs.spares import SPARES
from avatar.ports import Progress, Vault

NONE: Mapping[str, bytes] = MappingProxyType({})


class Delivery(Protocol):
    """Where a pack goes. What can not put a spare in a picture's place later leaves `spares` alone."""

    def deliver(self, files: Mapping[str, bytes], spares: Mapping[str, bytes] = NONE) -> None: ...


@dataclass(frozen=True, slots=True)
class DeliverPorts:
    vault: Vault
    delivery: Delivery
    progress: Progress


def run(job: Job, ports: DeliverPorts) -> Outcome:
    """Deliver; the facts say how many files went out."""
    beside = {SPARES}.union(*job.facts.get(Stage.FINISH, {}).get("spares", {}).values())
    held = {name: ports.vault.get(job.id, Kind.PICTURE, name) for name in ports.vault.names(job.id, Kind.PICTURE)}
    files = {name: data for name, data in held.items() if name not in beside}
    ports.delivery.deliver(files, {name: data for name, data in held.items() if name in beside})
    ports.progress(1, 1)
    return Done({"files": len(files)})
