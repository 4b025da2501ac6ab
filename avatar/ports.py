"""What stages and shelves may ask of the world outside, as protocols; `wiring` decides who answers.

Pictures between shelves are uint8 HWC sRGB in [0, 255]; boxes are XYXY in pixels; points are (x, y) in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from avatar.job import JobId, Kind

Picture = npt.NDArray[np.uint8]  # (height, width, 3), sRGB
Descriptor = npt.NDArray[np.float32]  # (size,), as the recogniser gives it


@dataclass(frozen=True, slots=True)
class Face:
    """One face found in a picture. `descriptor` is biometric: keep it in memory, never store, log or print it."""

    box: tuple[float, float, float, float]  # x0, y0, x1, y1
    eyes: tuple[tuple[float, float], tuple[float, float]]  # centre of the eye on the picture's left, then right
    yaw: float  # rough turn of the head in radians, positive towards the picture's right
    score: float  # the detector's own confidence; only comparable within one detector
    descriptor: Descriptor = field(repr=False)


@runtime_checkable
class Faces(Protocol):
    """A face detector and recogniser."""

    name: str
    same_person: float  # two descriptors nearer than this are taken for one person

    def find(self, picture: Picture) -> list[Face]:
        """All faces, largest first."""
        ...

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        """How unlike two faces are: 0 is identical; compare with `same_person`."""
        ...


@runtime_checkable
class Ages(Protocol):
    """An estimator of apparent age."""

    name: str

    def estimate(self, picture: Picture, face: Face) -> float | None:
        """Apparent age in years, or None where this back end can not tell."""
        ...


@runtime_checkable
class Safety(Protocol):
    """A judge of content, of what people give and of what we make."""

    name: str

    def judge(self, picture: Picture, faces: Sequence[Face]) -> str | None:
        """The code of what is wrong, or None where nothing was found."""
        ...


class Vault(Protocol):
    """Sealed objects, each job under its own key. Names are chosen by the stages and hold nothing personal."""

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None:
        """Store or replace one object; it is encrypted before it is stored."""
        ...

    def get(self, job: JobId, kind: Kind, name: str) -> bytes:
        """The object's bytes. KeyError if absent; Spoiled if it does not open under the job's key."""
        ...

    def names(self, job: JobId, kind: Kind) -> list[str]:
        """The names of one kind, sorted."""
        ...

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        """Remove all objects of one kind; the names that were there. Twice is the same as once."""
        ...

    def drop(self, job: JobId, kind: Kind, name: str) -> None:
        """Remove one object; one that is not there is no error."""
        ...


class Progress(Protocol):
    """How a stage tells how far it is. Raises Cancelled when somebody asked the job to stop."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...
