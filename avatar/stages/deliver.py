"""Hand the finished pack over.

Reads: Kind.PICTURE. Writes: the delivery (pictures, contact sheet, report), all at once.
Covers: nothing or everything is delivered, also when killed and repeated.
Does not cover: links for other people; the service makes those.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from avatar.job import Done, Job, Kind, Outcome
from avatar.ports import Progress, Vault


class Delivery(Protocol):
    """Where a pack goes."""

    def deliver(self, files: Mapping[str, bytes]) -> None: ...


@dataclass(frozen=True, slots=True)
class DeliverPorts:
    vault: Vault
    delivery: Delivery
    report: Callable[[Job], Mapping[str, Any]]
    progress: Progress


def run(job: Job, ports: DeliverPorts) -> Outcome:
    """Deliver; the facts say how many files went out."""
    names = ports.vault.names(job.id, Kind.PICTURE)
    files = {name: ports.vault.get(job.id, Kind.PICTURE, name) for name in names}
    files["report.json"] = json.dumps(ports.report(job), indent=2, ensure_ascii=False).encode()
    ports.delivery.deliver(files)
    ports.progress(1, 1)
    return Done({"files": len(files)})
