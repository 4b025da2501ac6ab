"""How a drawn person is seen this time: pose, expression, light, camera, clothes and backdrop."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Clothes(StrEnum):
    TEE = "t-shirt"
    SWEATER = "sweater"
    STRIPES = "striped top"
    SHIRT = "shirt"
    JACKET = "jacket"
    HOODIE = "hoodie"
    TURTLENECK = "turtleneck"
    DUNGAREES = "dungarees"


class Backdrop(StrEnum):
    STUDIO = "studio"
    PLAIN = "plain"
    PARK = "park"
    BEACH = "beach"
    CITY = "city"
    ROOM = "room"
    SUNSET = "sunset"
    BRICKS = "brick"
    SNOW = "snow"
    NIGHT = "night"


CLOTH_RGB = {
    "red": (0.72, 0.12, 0.12),
    "orange": (0.88, 0.45, 0.12),
    "yellow": (0.90, 0.76, 0.22),
    "green": (0.16, 0.46, 0.24),
    "teal": (0.10, 0.46, 0.48),
    "blue": (0.14, 0.28, 0.62),
    "purple": (0.42, 0.20, 0.55),
    "pink": (0.90, 0.52, 0.62),
    "white": (0.90, 0.90, 0.88),
    "black": (0.05, 0.05, 0.06),
    "grey": (0.45, 0.46, 0.48),
    "brown": (0.40, 0.25, 0.15),
}
COLOUR_NAMES = tuple(CLOTH_RGB)


@dataclass(frozen=True, slots=True)
class View:
    """One sight of a person. Angles in radians, lengths in head units, colours sRGB in [0, 1]."""

    seed: int = 0
    yaw: float = 0.0  # positive: turned to the right of the picture
    pitch: float = 0.0  # positive: looking down
    roll: float = 0.0
    smile: float = 0.0  # -0.4 to 1
    mouth_open: float = 0.0  # 0 to 1
    blink: float = 0.0  # 0 open to 1 shut
    gaze_x: float = 0.0
    gaze_y: float = 0.0
    brow_raise: float = 0.0
    light_turn: float = -0.6  # azimuth of the key light, 0 from the camera
    light_height: float = 0.6
    light_colour: tuple[float, float, float] = (1.0, 0.97, 0.92)
    light_strength: float = 1.0
    fill: float = 0.5
    rim: float = 0.3
    span: float = 3.0  # head units across the picture
    camera: float = 6.5  # distance of the camera
    shift_x: float = 0.0
    shift_y: float = 0.0
    clothes: Clothes = Clothes.TEE
    cloth_colour: str = "blue"
    second_colour: str = "white"
    backdrop: Backdrop = Backdrop.STUDIO
    backdrop_colour: tuple[float, float, float] = (0.55, 0.62, 0.70)
    softness: float = 0.4  # blur of the lens, pixels at 256
    noise: float = 0.01  # sensor noise, standard deviation in [0, 1]
    jpeg: int = 0  # quality of a round of JPEG, 0 for none


def mild(rng: np.random.Generator) -> tuple[float, float, float]:
    """A colour that is not too vivid, sRGB."""
    grey = rng.uniform(0.3, 0.8)
    red, green, blue = (float(0.55 * c + 0.45 * grey) for c in rng.uniform(0.25, 0.85, 3))
    return red, green, blue


def view(seed: int, calm: bool = False) -> View:
    """A sight drawn at random; `calm` keeps it near to a frontal portrait."""
    rng = np.random.default_rng([seed, 11])
    turn = 0.45 if calm else 1.0

    def about(scale: float, limit: float) -> float:
        return float(np.clip(rng.normal(0, scale), -limit, limit))

    warm = rng.uniform(-1, 1)
    return View(
        seed=seed,
        yaw=turn * about(0.24, 0.5),
        pitch=turn * about(0.08, 0.16),
        roll=turn * about(0.06, 0.14),
        smile=float(rng.choice([0, 0.35, 0.7, 1, -0.35], p=(0.3, 0.2, 0.2, 0.2, 0.1))),
        mouth_open=float(rng.choice([0, 0.35, 0.8], p=(0.65, 0.2, 0.15))),
        blink=float(rng.choice([0, 0.25, 1], p=(0.85, 0.12, 0.03))),
        gaze_x=about(0.15, 0.35),
        gaze_y=about(0.06, 0.15),
        brow_raise=about(0.02, 0.05),
        light_turn=float(rng.uniform(-1.0, 1.0)),
        light_height=float(rng.uniform(0.15, 0.95)),
        light_colour=(1 + 0.06 * warm, 1.0, 1 - 0.10 * warm),
        light_strength=float(rng.uniform(0.75, 1.15)),
        fill=float(rng.uniform(0.45, 0.8)),
        rim=float(rng.uniform(0, 0.7)),
        span=float(rng.uniform(2.75, 3.2)),
        camera=float(rng.uniform(5.2, 8)),
        shift_x=about(0.10, 0.22),
        shift_y=about(0.07, 0.15),
        clothes=Clothes(rng.choice(list(Clothes))),
        cloth_colour=str(rng.choice(COLOUR_NAMES)),
        second_colour=str(rng.choice(COLOUR_NAMES)),
        backdrop=Backdrop(rng.choice(list(Backdrop))),
        backdrop_colour=mild(rng),
        softness=float(rng.uniform(0.2, 0.7)),
        noise=float(rng.uniform(0, 0.02)),
        jpeg=int(rng.choice([0, 60, 80, 90], p=(0.5, 0.1, 0.2, 0.2))),
    )
