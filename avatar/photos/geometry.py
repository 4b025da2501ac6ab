"""Measures on found faces that every back end shares: size, overlap, order, and a rough turn of the head."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from avatar.photos.pixels import Box
from avatar.ports import Face

Point = tuple[float, float]  # x, y in pixels
SAME_PLACE = 0.4  # share of overlap (intersection over union) above which two detections are one face


def face_size(face: Face) -> float:
    """The face's size in pixels: the side of a square as large as its box, so that tall and square boxes compare."""
    x0, y0, x1, y1 = face.box
    return math.sqrt(max(x1 - x0, 0) * max(y1 - y0, 0))


def centre(face: Face) -> Point:
    """The middle of the box."""
    x0, y0, x1, y1 = face.box
    return (x0 + x1) / 2, (y0 + y1) / 2


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, or 1 where the middle of the smaller box lies deep inside the larger."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    common = width * height
    nested = common > 0.8 * min(areas)
    return 1.0 if nested else common / (sum(areas) - common)


def merged(found: Sequence[tuple[Box, float]]) -> list[tuple[Box, float]]:
    """Boxes and scores without repeats, the surest of each place kept, largest first."""
    kept: list[tuple[Box, float]] = []
    for box, score in sorted(found, key=lambda pair: -pair[1]):
        if all(overlap(box, other) < SAME_PLACE for other, _ in kept):
            kept.append((box, score))
    return sorted(kept, key=lambda pair: -(pair[0][2] - pair[0][0]) * (pair[0][3] - pair[0][1]))


def roll(face: Face) -> float:
    """The angle of the eye line in radians; positive when the eye on the picture's right is the lower one."""
    (x0, y0), (x1, y1) = face.eyes
    return math.atan2(y1 - y0, x1 - x0)


def yaw_from(left: Point, right: Point, nose: Point, shift_per_radian: float) -> float:
    """Radians of turn: how far the nose left the middle between the eyes, along the eye line, in eye distances.

    `shift_per_radian` depends on which point of the nose the back end gives. Good to about 0.15 rad; clipped at 1.2.
    """
    eyes = np.subtract(right, left)
    distance = float(np.hypot(*eyes)) or 1.0
    middle = np.add(left, right) / 2
    shift = float(np.dot(np.subtract(nose, middle), eyes)) / distance**2
    return float(np.clip(shift / shift_per_radian, -1.2, 1.2))
