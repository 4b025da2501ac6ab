"""How a drawn person is seen this time: pose, expression, light, camera, clothes and backdrop."""

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
    "red": (.72, .12, .12), "orange": (.88, .45, .12), "yellow": (.90, .76, .22), "green": (.16, .46, .24),
    "teal": (.10, .46, .48), "blue": (.14, .28, .62), "purple": (.42, .20, .55), "pink": (.90, .52, .62),
    "white": (.90, .90, .88), "black": (.05, .05, .06), "grey": (.45, .46, .48), "brown": (.40, .25, .15),
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
    light_colour: tuple[float, float, float] = (1.0, .97, .92)
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
    backdrop_colour: tuple[float, float, float] = (.55, .62, .70)
    softness: float = 0.4  # blur of the lens, pixels at 256
    noise: float = 0.01  # sensor noise, standard deviation in [0, 1]
    jpeg: int = 0  # quality of a round of JPEG, 0 for none


def view(seed: int, calm: bool = False) -> View:
    """A sight drawn at random; `calm` keeps it near to a frontal portrait."""
    rng = np.random.default_rng([seed, 11])
    turn = .45 if calm else 1.0

    def about(scale: float, limit: float) -> float:
        return float(np.clip(rng.normal(0, scale), -limit, limit))

    warm = rng.uniform(-1, 1)
    return View(
        seed=seed, yaw=turn * float(rng.uniform(-.5, .5)), pitch=turn * about(.10, .2), roll=turn * about(.06, .14),
        smile=float(rng.choice([0, .35, .7, 1, -.35], p=(.3, .2, .2, .2, .1))),
        mouth_open=float(rng.choice([0, .35, .8], p=(.65, .2, .15))),
        blink=float(rng.choice([0, .25, 1], p=(.85, .12, .03))), gaze_x=about(.15, .35), gaze_y=about(.06, .15),
        brow_raise=about(.02, .05), light_turn=float(rng.uniform(-1.1, 1.1)), light_height=float(rng.uniform(.15, .95)),
        light_colour=(1 + .06 * warm, 1.0, 1 - .10 * warm), light_strength=float(rng.uniform(.75, 1.15)),
        fill=float(rng.uniform(.35, .75)), rim=float(rng.uniform(0, .7)), span=float(rng.uniform(2.8, 3.5)),
        camera=float(rng.uniform(5.2, 8)), shift_x=about(.10, .22), shift_y=about(.07, .15),
        clothes=Clothes(rng.choice(list(Clothes))), cloth_colour=str(rng.choice(COLOUR_NAMES)),
        second_colour=str(rng.choice(COLOUR_NAMES)), backdrop=Backdrop(rng.choice(list(Backdrop))),
        backdrop_colour=tuple(float(.55 * c + .45 * grey) for grey in [rng.uniform(.3, .8)] for c in rng.uniform(.25, .85, 3)), softness=float(rng.uniform(.2, .7)),
        noise=float(rng.uniform(0, .02)), jpeg=int(rng.choice([0, 60, 80, 90], p=(.5, .1, .2, .2))))
