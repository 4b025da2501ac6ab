"""Erase everything of a job but what was delivered, and leave a receipt.

Reads: nothing. Writes: the receipt. Covers: any ending, any number of repeats.
Does not cover: the delivered pack, which is the person's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avatar.erasure.erase import ErasableVault, erase_job
from avatar.erasure.receipt import Erased
from avatar.job import Done, Ending, Job


@dataclass(frozen=True, slots=True)
class PurgePorts:
    vault: ErasableVault
    sweeps: Callable[[], Sequence[Erased]]  # what earlier stages already erased
    hand_over: Callable[[bytes], None]  # gets the receipt, as indented JSON
    sign: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def run(job: Job, ports: PurgePorts) -> Done:
    """Erase, list again, hand the receipt over; its numbers are the facts."""
    document = ports.sign(erase_job(ports.vault, job.id, job.ending or Ending.FAILED, ports.sweeps()))
    ports.hand_over(json.dumps(document, indent=2, ensure_ascii=False).encode())
    ports.vault.remove(job.id)
    return Done(
        {
            "objects": sum(line["objects"] for line in document["erased"]),
            "remains": document["listed_again"]["objects"],
            "complete": document["complete"],
        }
    )
