"""How much the pictures of a checkpoint look like the person, so that the best checkpoint can be kept.

Covers: distance between faces as the recogniser measures it. Does not cover: beauty, and copying of the photos; an
early checkpoint that is as near as a late one is kept, since it has had less time to copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avatar.ports import Descriptor, Faces, Picture

STRANGER = 2.0  # a picture without exactly one face counts as so many times the recogniser's own limit


@dataclass(frozen=True, slots=True)
class Likeness:
    """One checkpoint's score. Numbers only: nothing of a face can be read back from it."""

    distance: float | None  # mean over the pictures with exactly one face; None if there is none to measure
    one_face: float  # share of the pictures with exactly one face
    overall: float  # mean over all pictures, a stranger's distance where there is not one face; lower is better


def descriptors(pictures: Sequence[Picture], faces: Faces) -> list[Descriptor]:
    """The largest face's descriptor of each picture that shows one. Biometric: drop it after use."""
    found = [faces.find(picture) for picture in pictures]
    return [each[0].descriptor for each in found if each]


def score(pictures: Sequence[Picture], references: Sequence[Descriptor], faces: Faces) -> Likeness:
    """Mean distance of the pictures' faces to all references. ValueError without pictures."""
    if not pictures:
        raise ValueError("likeness needs pictures")
    found = [faces.find(picture) for picture in pictures]
    alone = [each[0].descriptor for each in found if len(each) == 1]
    distances = [faces.distance(one, known) for one in alone for known in references]
    share, stranger = len(alone) / len(pictures), STRANGER * faces.same_person
    if not distances:
        return Likeness(None, share, stranger)
    mean = float(np.mean(distances))
    return Likeness(mean, share, share * mean + (1 - share) * stranger)


def best(scores: Sequence[Likeness]) -> int:
    """The index of the lowest overall distance; the earlier one where two are equal."""
    return min(range(len(scores)), key=lambda at: (scores[at].overall, at))
