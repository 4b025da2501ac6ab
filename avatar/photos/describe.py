"""A plain caption for a crop: clothes, backdrop, light and pose, never what is permanent in a face.

What a caption names, the fine-tune does not have to learn; so what must not be learnt (today's clothes, the wall, the
light) is named, and hair, skin, eyes, age and shape of the face are never named: the token shall carry them.
Glasses and expression are left out because nothing here measures them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avatar.photos.geometry import centre, face_size
from avatar.photos.pixels import Box, at_most, inside, lab, luma
from avatar.ports import Face, Picture

COLOURS = {  # sRGB; two shades of some, because their dark and light kinds lie far apart
    "black": ((18, 18, 20), (38, 36, 38)),
    "white": ((250, 250, 250), (228, 228, 224)),
    "grey": ((120, 120, 122), (75, 76, 78), (175, 175, 178)),
    "red": ((190, 35, 35), (120, 25, 30)),
    "orange": ((235, 130, 40), (200, 95, 30)),
    "yellow": ((240, 205, 65), (205, 170, 50)),
    "green": ((50, 130, 65), (30, 75, 40), (135, 180, 110)),
    "blue": ((45, 85, 170), (25, 40, 85), (130, 175, 220)),
    "purple": ((110, 55, 145), (75, 40, 100)),
    "pink": ((235, 150, 175), (220, 90, 140)),
    "brown": ((105, 65, 40), (70, 45, 30)),
    "beige": ((215, 195, 165), (190, 165, 135)),
}
TURNED = 0.20  # radians of yaw; below this a head reads as facing the camera, and the measure is good to 0.15
FACING = 0.10  # radians; between the two nothing is said
UNEVEN = 1.45  # brightness of one half of the face over the other
DIM = 70.0  # luma of the face's median


@dataclass(frozen=True, slots=True)
class Scene:
    """What is not the person; None where it can not be seen or is nothing special."""

    clothes: str | None  # colour word
    backdrop: str | None  # colour word
    turn: str | None  # "turned left", "turned right" (of the picture) or "facing the camera"
    light: str | None  # "dim", "lit from the left", "lit from the right"


def scene(picture: Picture, face: Face) -> Scene:
    """Colours from medians of regions around the face, the turn from its yaw, the light from its two halves."""
    x, _ = centre(face)
    size, chin = face_size(face), face.box[3]
    height, width = picture.shape[:2]
    clothes: Box = (x - 0.8 * size, chin + 0.35 * size, x + 0.8 * size, min(chin + 1.2 * size, height))
    top = face.box[1]
    sides: list[Box] = [
        (0, top - 0.5 * size, x - 0.85 * size, chin),
        (x + 0.85 * size, top - 0.5 * size, width, chin),
    ]
    return Scene(
        colour([inside(picture, clothes)]),
        colour([inside(picture, s) for s in sides]),
        turn(face.yaw),
        light(picture, face),
    )


def turn(yaw: float) -> str | None:
    """The pose in words of the small base; None where it lies between two words."""
    if abs(yaw) >= TURNED:
        return "turned right" if yaw > 0 else "turned left"
    return "facing the camera" if abs(yaw) < FACING else None


def light(picture: Picture, face: Face) -> str | None:
    """What is unusual about the light on the face."""
    x, y = centre(face)
    half, high = 0.38 * face_size(face), 0.3 * face_size(face)
    left = luma(inside(picture, (x - half, y - high, x, y + high)))
    right = luma(inside(picture, (x, y - high, x + half, y + high)))
    if not left.size or not right.size:
        return None
    one, other = float(np.median(left)) + 4, float(np.median(right)) + 4
    if max(one / other, other / one) > UNEVEN:
        return "lit from the left" if one > other else "lit from the right"
    return "dim" if (one + other) / 2 < DIM else None


def colour(regions: list[Picture]) -> str | None:
    """The colour word nearest to the regions' median in Lab; None where there is too little to see or no one colour."""
    pixels = [at_most(region, 96)[0].reshape(-1, 3) for region in regions if min(region.shape[:2]) >= 4]
    if not pixels:
        return None
    seen = lab(np.concatenate(pixels))
    words = [word_of(one) for one in _samples(seen)]
    word = max(sorted(set(words)), key=words.count)
    return word if words.count(word) >= len(words) / 3 else None  # a third: a patterned wall has no colour word


def word_of(one: npt.NDArray[np.float32]) -> str:
    """The nearest colour word of one Lab colour; lightness counts half, since shade changes it and not the word."""
    weights = np.array([0.5, 1, 1], np.float32)
    place = int(np.argmin((((_SHADES - one) * weights) ** 2).sum(-1)))
    return _WORDS[place]


def _samples(seen: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """At most 400 of the colours, evenly spread, the same ones every time."""
    return seen[:: max(1, len(seen) // 400)]


def caption(seen: Scene, token: str, class_word: str) -> str:
    """As in: a photo of ohwx person, blue top, grey backdrop, turned left."""
    said = [
        f"{seen.clothes} top" if seen.clothes else None,
        f"{seen.backdrop} backdrop" if seen.backdrop else None,
        seen.turn,
        seen.light,
    ]
    return ", ".join([f"a photo of {token} {class_word}", *(clause for clause in said if clause)])


_WORDS = tuple(word for word, shades in COLOURS.items() for _ in shades)
_SHADES = lab(np.array([[shade for shades in COLOURS.values() for shade in shades]], np.uint8))[0]
