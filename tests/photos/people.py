"""Drawn stand-ins for photos of people, and faces set by hand, so that most tests need no detector."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from avatar.ports import Descriptor, Face, Picture

SKIN = (205, 150, 120)


def face_at(box: tuple[float, float, float, float], *, yaw: float = 0.0, tilt: float = 0.0, who: int = 0) -> Face:
    """A face in that box; `tilt` lowers the eye on the right by so many pixels, `who` sets the descriptor."""
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    eyes = ((x0 + 0.3 * wide, y0 + 0.35 * high), (x0 + 0.7 * wide, y0 + 0.35 * high + tilt))
    return Face(box, eyes, yaw, 1.0, descriptor(who))


def descriptor(who: int) -> Descriptor:
    """A unit vector per person."""
    vector = np.zeros(128, np.float32)
    vector[who] = 1
    return vector


def figure(
    clothes: tuple[int, int, int] = (40, 60, 140),
    backdrop: tuple[int, int, int] = (170, 170, 172),
    skin: tuple[int, int, int] = SKIN,
    neck: float = 0.0,
    size: int = 512,
) -> tuple[Picture, Face]:
    """Head and torso in flat colours with a little grain; `neck` is the depth of a V-neck, in face sizes."""
    image = Image.new("RGB", (size, size), backdrop)
    brush = ImageDraw.Draw(image)
    unit, x = size / 4, size / 2
    top = size * 0.12
    chin = top + unit
    brush.rectangle((x - 0.25 * unit, chin - 10, x + 0.25 * unit, chin + 0.5 * unit), fill=skin)
    brush.rounded_rectangle((x - 1.2 * unit, chin + 0.3 * unit, x + 1.2 * unit, size + 99), 40, fill=clothes)
    if neck:
        low = chin + (0.3 + neck) * unit
        brush.polygon([(x - 0.5 * unit, chin + 0.3 * unit), (x + 0.5 * unit, chin + 0.3 * unit), (x, low)], fill=skin)
    brush.ellipse((x - 0.45 * unit, top - 0.2 * unit, x + 0.45 * unit, chin + 0.05 * unit), fill=skin)
    for side in (-0.2, 0.2):
        brush.ellipse(
            (x + (side - 0.06) * unit, top + 0.3 * unit, x + (side + 0.06) * unit, top + 0.4 * unit), fill=(30, 25, 20)
        )
    brush.line((x - 0.15 * unit, top + 0.75 * unit, x + 0.15 * unit, top + 0.75 * unit), fill=(150, 60, 60), width=5)
    grain = np.random.default_rng(0).normal(0, 3, (size, size, 1))
    picture = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    return picture, face_at((x - unit / 2, top, x + unit / 2, chin))


class Told:
    """A face back end that says what it was told, by the mean colour of the picture's first pixel row."""

    name = "told"
    same_person = 0.6

    def __init__(self, faces: list[Face]) -> None:
        self.faces = faces

    def find(self, picture: Picture) -> list[Face]:
        return self.faces

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        return float(np.linalg.norm(one - other))


class Calm:
    """A safety back end that objects to nothing, or to everything."""

    name = "calm"

    def __init__(self, code: str | None = None) -> None:
        self.code = code

    def judge(self, picture: Picture, faces: object) -> str | None:
        return self.code


class Years:
    """An estimator of age that always says the same."""

    name = "years"

    def __init__(self, years: float | None) -> None:
        self.years = years

    def estimate(self, picture: Picture, face: Face) -> float | None:
        return self.years
