"""What the tests of render and finish hold: a vault in a dictionary, and a job ready to be rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from avatar.job import ClassWord, Consent, Job, JobId, Kind
from avatar.photos.crops import Crop, pack_crop

JOB = Job(
    id=JobId("job_0"),
    class_word=ClassWord.PERSON,
    styles=("oil", "bronze"),
    count=4,
    base="pocket",
    seed=3,
    consent=Consent("yes", datetime(2026, 1, 1, tzinfo=UTC)),
)


@dataclass
class Shelf:
    """A vault without seals, which remembers what was written."""

    held: dict[tuple[Kind, str], bytes] = field(default_factory=dict)
    written: list[tuple[Kind, str]] = field(default_factory=list)

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None:
        self.held[kind, name] = data
        self.written.append((kind, name))

    def get(self, job: JobId, kind: Kind, name: str) -> bytes:
        return self.held[kind, name]

    def names(self, job: JobId, kind: Kind) -> list[str]:
        return sorted(name for held, name in self.held if held is kind)

    def drop(self, job: JobId, kind: Kind, name: str) -> None:
        self.held.pop((kind, name), None)

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        names = self.names(job, kind)
        self.held = {key: data for key, data in self.held.items() if key[0] is not kind}
        return names


def crop(seed: int) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return pack_crop(Crop(picture, np.ones((32, 32), np.float32), "a photo of {subject}"))
