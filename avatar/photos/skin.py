"""The colour of a face's cheeks, and how different two skins look: what shows whether a picture whitens its person."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from avatar.photos.pixels import Box, inside, lab
from avatar.ports import Face, Picture

Lab = npt.NDArray[np.float32]  # (3,): L* 0 to 100, a*, b*
DOWN = 0.62  # of the distance between the eyes: a cheek's middle below its eye, clear of glasses and of most beards
OUT = 0.06  # and away from the nose
HALF = 0.13  # half the side of the patch


def cheeks(picture: Picture, face: Face) -> Lab | None:
    """The median colour of both cheeks in L*a*b*; None where they lie outside the picture."""
    (left_x, left_y), (right_x, right_y) = face.eyes
    wide = math.hypot(right_x - left_x, right_y - left_y)
    across = ((right_x - left_x) / wide, (right_y - left_y) / wide)
    pixels = []
    for x, y, side in ((left_x, left_y, -1), (right_x, right_y, 1)):
        x, y = x + wide * side * OUT * across[0], y + wide * side * OUT * across[1]
        x, y = x - wide * DOWN * across[1], y + wide * DOWN * across[0]
        patch: Box = (x - HALF * wide, y - HALF * wide, x + HALF * wide, y + HALF * wide)
        seen = inside(picture, patch)
        if min(seen.shape[:2]) >= 2:
            pixels.append(lab(seen).reshape(-1, 3))
    return np.median(np.concatenate(pixels), axis=0).astype(np.float32) if pixels else None


def ciede2000(one: Lab, other: Lab) -> float:
    """CIEDE2000: 1 is just to be seen, 5 plainly another shade (Sharma, Wu and Dalal, Color Res. Appl. 30, 2005)."""
    (l1, a1, b1), (l2, a2, b2) = (map(float, colour) for colour in (one, other))
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25.0**7)))
    c1, c2 = math.hypot(stretch * a1, b1), math.hypot(stretch * a2, b2)
    h1, h2 = (math.degrees(math.atan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    chroma, light = (c1 + c2) / 2, (l1 + l2) / 2
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = 1 - 0.17 * _cos(hue - 30) + 0.24 * _cos(2 * hue) + 0.32 * _cos(3 * hue + 6) - 0.20 * _cos(4 * hue - 63)
    of_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / math.sqrt(20 + (light - 50) ** 2))
    of_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    of_hue = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    twist = -2 * math.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    twist *= math.sin(math.radians(60 * math.exp(-(((hue - 275) / 25) ** 2))))
    return math.sqrt(of_light**2 + of_chroma**2 + of_hue**2 + twist * of_chroma * of_hue)


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))
