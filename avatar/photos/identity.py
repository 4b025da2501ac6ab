"""Which of the photos show the one person: the largest group around one photo that all of it resembles.

Covers: single photos of somebody else among photos of one person; two people in about equal parts (the larger group,
and of equal groups the closer one, is taken).
Does not cover: whether that person is the one who sent them; look-alikes and close relatives.
Descriptors stay in memory and are never written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avatar.photos.checks import Look, verdict
from avatar.ports import Descriptor, Faces


def distances(descriptors: Sequence[Descriptor], faces: Faces) -> npt.NDArray[np.float64]:
    """All distances, (N, N), symmetric with zeros on the diagonal."""
    count = len(descriptors)
    table = np.zeros((count, count))
    for i in range(count):
        for j in range(i):
            table[i, j] = table[j, i] = faces.distance(descriptors[i], descriptors[j])
    return table


def one_person(table: npt.NDArray[np.float64], nearer_than: float) -> set[int]:
    """The members of the largest group, by their places in `table`; the first medoid wins a tie.

    A medoid instead of a mean: with few photos one stranger would pull a mean towards himself.
    """
    if not len(table):
        return set()
    near = table < nearer_than
    sums = np.where(near, table, 0).sum(1) / near.sum(1)
    medoid = min(range(len(table)), key=lambda i: (-int(near[i].sum()), float(sums[i])))
    return {int(place) for place in np.flatnonzero(near[medoid])}


def same_person(looks: Sequence[Look], faces: Faces) -> list[Look]:
    """The looks in the same order; good photos outside the one person's group become `another_person`."""
    good = [place for place, one in enumerate(looks) if one.face is not None]
    descriptors = [face.descriptor for one in looks if (face := one.face) is not None]
    members = {good[i] for i in one_person(distances(descriptors, faces), faces.same_person)}
    strangers = set(good) - members
    return [
        Look(verdict(one.verdict.photo_id, "another_person")) if place in strangers else one
        for place, one in enumerate(looks)
    ]
