"""Drawn people: every trait of a person as a plain number or word, from one seed.

A drawn person's identity is exactly known, so they can stand in for photographs of real people.
Lengths are in head units (a head is about 1.9 high, x to their left, y up, z towards the viewer),
angles in radians. Every trait is drawn independently of every other; the one exception is grey
hair, which becomes likelier with age.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np


class Hair(StrEnum):
    BALD = "bald"
    BUZZ = "buzz"
    SHORT = "short"
    UNDERCUT = "undercut"
    MOHAWK = "mohawk"
    CURLS = "curls"
    AFRO = "afro"
    BOB = "bob"
    LONG = "long"
    WAVES = "waves"
    FRINGE = "fringe"
    BUN = "bun"
    PONYTAIL = "ponytail"
    BRAIDS = "braids"
    LOCS = "locs"
    HEADSCARF = "headscarf"


class HairColour(StrEnum):
    BLACK = "black"
    BROWN = "brown"
    AUBURN = "auburn"
    RED = "red"
    BLOND = "blond"
    GREY = "grey"
    WHITE = "white"
    BLUE = "blue"
    PINK = "pink"


class Beard(StrEnum):
    NONE = "none"
    STUBBLE = "stubble"
    MOUSTACHE = "moustache"
    GOATEE = "goatee"
    FULL = "full"


class Glasses(StrEnum):
    NONE = "none"
    ROUND = "round"
    SQUARE = "square"
    OVAL = "oval"


class Iris(StrEnum):
    BROWN = "brown"
    HAZEL = "hazel"
    GREEN = "green"
    BLUE = "blue"
    GREY = "grey"


SCARVES = 6  # colours of headscarves, listed in colours.py


@dataclass(frozen=True, slots=True)
class Person:
    """The permanent looks of one adult. Fractions are in [0, 1] unless a unit is given."""

    seed: int
    tone: float  # place on the Monk scale, 1 lightest to 10 deepest
    undertone: float  # -1 rosy to 1 golden
    age: float  # apparent years, 18 to 80
    head_width: float
    crown: float  # height of the skull above the eyes
    face_width: float
    jaw_width: float
    jaw_square: float
    chin_y: float
    chin_width: float
    chin_out: float
    cheekbone: float
    cheek_full: float
    brow_ridge: float
    eye_x: float
    eye_y: float
    eye_radius: float
    eye_open: float  # upper lid above the centre, in eye radii
    eye_low: float  # lower lid below the centre, in eye radii
    eye_long: float  # half length of the opening, in eye radii
    eye_tilt: float
    eye_deep: float
    lid_fold: float
    lashes: float
    iris_size: float
    brow_y: float  # above the eye
    brow_thick: float
    brow_inner: float
    brow_length: float
    brow_arch: float
    brow_tilt: float
    brow_dark: float
    nose_y: float
    nose_out: float
    nose_width: float
    nose_bridge: float
    nose_thin: float
    nose_tip: float
    nose_hump: float
    nose_turn: float
    mouth_y: float  # share of the way from nose to chin
    mouth_width: float
    lip_upper: float
    lip_lower: float
    lip_bow: float
    lip_corner: float
    lip_red: float
    ear_size: float
    ear_out: float
    neck_width: float
    shoulder: float
    skew: float  # one side of the face a little higher
    bend: float  # the nose a little to one side
    hair_volume: float
    hairline: float
    parting: float
    freckles: float
    moles: float
    mole_x: float
    mole_y: float
    scar: float
    scar_x: float
    scar_y: float
    makeup: float
    hair: Hair
    hair_colour: HairColour
    hair_shade: float
    beard: Beard
    glasses: Glasses
    glasses_dark: float
    iris: Iris
    scarf: int


RANGES = {
    "tone": (1, 10),
    "undertone": (-1, 1),
    "age": (18, 80),
    "head_width": (0.62, 0.80),
    "crown": (0.62, 0.78),
    "face_width": (0.56, 0.72),
    "jaw_width": (0.36, 0.60),
    "jaw_square": (0, 1),
    "chin_y": (-0.98, -0.70),
    "chin_width": (0.07, 0.27),
    "chin_out": (-0.06, 0.10),
    "cheekbone": (-0.03, 0.09),
    "cheek_full": (0, 1),
    "brow_ridge": (-0.02, 0.08),
    "eye_x": (0.235, 0.345),
    "eye_y": (0.02, 0.13),
    "eye_radius": (0.115, 0.165),
    "eye_open": (0.38, 0.80),
    "eye_low": (0.25, 0.55),
    "eye_long": (0.92, 1.22),
    "eye_tilt": (-0.20, 0.26),
    "eye_deep": (-0.03, 0.05),
    "lid_fold": (0, 1),
    "lashes": (0.2, 1),
    "iris_size": (0.46, 0.60),
    "brow_y": (0.17, 0.32),
    "brow_thick": (0.016, 0.060),
    "brow_inner": (0.05, 0.15),
    "brow_length": (0.26, 0.40),
    "brow_arch": (-0.01, 0.09),
    "brow_tilt": (-0.10, 0.12),
    "brow_dark": (0.25, 1),
    "nose_y": (-0.34, -0.13),
    "nose_out": (0.10, 0.34),
    "nose_width": (0.07, 0.19),
    "nose_bridge": (-0.02, 0.09),
    "nose_thin": (0.035, 0.085),
    "nose_tip": (0.06, 0.125),
    "nose_hump": (0, 0.07),
    "nose_turn": (-0.05, 0.07),
    "mouth_y": (0.32, 0.50),
    "mouth_width": (0.16, 0.31),
    "lip_upper": (0.022, 0.080),
    "lip_lower": (0.035, 0.095),
    "lip_bow": (0, 1),
    "lip_corner": (-0.045, 0.045),
    "lip_red": (0, 1),
    "ear_size": (0.13, 0.24),
    "ear_out": (-0.02, 0.09),
    "neck_width": (0.27, 0.42),
    "shoulder": (1.15, 1.55),
    "skew": (-0.035, 0.035),
    "bend": (-0.035, 0.035),
    "hair_volume": (0, 1),
    "hairline": (0.46, 0.74),
    "parting": (-1, 1),
    "freckles": (0, 1),
    "moles": (0, 1),
    "mole_x": (-0.45, 0.45),
    "mole_y": (-0.55, 0.02),
    "scar": (0, 1),
    "scar_x": (-0.45, 0.45),
    "scar_y": (-0.4, 0.45),
    "makeup": (0, 1),
    "hair_shade": (0.75, 1.25),
    "glasses_dark": (0, 1),
}


def person(seed: int) -> Person:
    """The person of a seed; the same seed is the same person for ever."""
    rng = np.random.default_rng([seed, 7])
    traits: dict[str, Any] = {name: float(rng.uniform(*RANGES[name])) for name in RANGES}
    for name in ("freckles", "moles", "scar", "makeup"):  # rare traits: nothing, more often than not
        share = {"freckles": 0.25, "moles": 0.3, "scar": 0.12, "makeup": 0.3}[name]
        traits[name] = max(0.0, 1 - (1 - traits[name]) / share)
    traits["hair"] = Hair(rng.choice(list(Hair)))
    traits["hair_colour"] = hair_colour(rng, traits["age"])
    traits["beard"] = Beard(rng.choice(list(Beard), p=(0.52, 0.12, 0.12, 0.11, 0.13)))
    traits["glasses"] = Glasses(rng.choice(list(Glasses), p=(0.67, 0.12, 0.12, 0.09)))
    traits["iris"] = Iris(rng.choice(list(Iris), p=(0.32, 0.17, 0.17, 0.19, 0.15)))
    traits["scarf"] = int(rng.integers(SCARVES))
    return Person(seed=seed, **traits)


def hair_colour(rng: np.random.Generator, age: float) -> HairColour:
    """A natural or dyed colour; grey and white become likelier with age."""
    if rng.random() < max(0, (age - 38) / 55):
        return HairColour(rng.choice([HairColour.GREY, HairColour.WHITE]))
    others = [c for c in HairColour if c not in (HairColour.GREY, HairColour.WHITE)]
    return HairColour(rng.choice(others, p=(0.22, 0.22, 0.14, 0.14, 0.18, 0.05, 0.05)))


def recolour(who: Person, seed: int) -> Person:
    """Another person with the same bones: new colours, skin marks and makeup, the geometry kept."""
    other = person(seed)
    names = (
        "tone",
        "undertone",
        "lip_red",
        "freckles",
        "moles",
        "mole_x",
        "mole_y",
        "scar",
        "scar_x",
        "scar_y",
        "makeup",
        "hair_colour",
        "hair_shade",
        "iris",
        "scarf",
        "glasses_dark",
        "brow_dark",
        "lashes",
        "iris_size",
    )
    changed = {name: getattr(other, name) for name in names}
    if who.beard in (Beard.NONE, Beard.STUBBLE):  # neither has a shape of its own
        changed["beard"] = Beard.STUBBLE if other.beard is Beard.STUBBLE else Beard.NONE
    return replace(who, seed=seed, **changed)
