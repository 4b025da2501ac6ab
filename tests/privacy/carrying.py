"""Stages for worker processes that know no canary: each makes what it writes from what it reads, as the true ones do.

Photo: token, words, pixels. Crop: pixels, words (a caption). Adapter: latents of the pixels. Pictures: no token.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import avatar.service
from avatar.job import ORDER, Done, Job, Kind, Outcome, Stage
from avatar.photos.checks import Verdict, verdict
from avatar.ports import Progress, Vault
from tests.privacy.canaries import PATCH, TOKEN, WORDS, encoded
from tests.privacy.subject import WRITES

SECONDS = 0.2  # that a stage works


@dataclass(frozen=True, slots=True)
class Hands:
    """What `avatar.wiring.build` gives."""

    vault: Vault
    delivery: Any

    def works(self) -> dict[Stage, Any]:
        return dict.fromkeys(ORDER, self.work)

    def glance(self, job: Job, name: str) -> Verdict:
        self.vault.get(job.id, Kind.PHOTO, name)
        return verdict(name, "ok")

    def work(self, job: Job, progress: Progress) -> Outcome:
        held = self._read(job)
        for step in range(4):
            time.sleep(SECONDS / 4)
            progress(step, 4)
        if job.stage is Stage.DELIVER:
            self.delivery.deliver({"a.png": held})
        else:
            for kind in WRITES[job.stage]:
                self.vault.put(job.id, kind, "a", held)
        return Done({"pictures": 1} if job.stage is Stage.FINISH else {})

    def _read(self, job: Job) -> bytes:
        """What this stage makes of what it was left."""
        if job.stage is Stage.INTAKE:
            photo = self._first(job, Kind.PHOTO)
            words, pixels = photo[TOKEN : TOKEN + WORDS], photo[-PATCH:]
            return pixels + words
        if job.stage is Stage.TUNE:
            return encoded(self._first(job, Kind.CROP)[:PATCH])
        if job.stage is Stage.RENDER:
            return self._first(job, Kind.CROP) + self._first(job, Kind.ADAPTER)
        return self._first(job, Kind.CANDIDATE if job.stage is Stage.FINISH else Kind.PICTURE)

    def _first(self, job: Job, kind: Kind) -> bytes:
        return self.vault.get(job.id, kind, self.vault.names(job.id, kind)[0])


def build(settings: Any, job: Job, vault: Vault, delivery: Any, bases: Any = None) -> Hands:
    """In the place of `avatar.wiring.build`."""
    return Hands(vault, delivery)


avatar.service.build = build  # type: ignore[assignment]
