"""Drawn people: every trait of a person as a plain number or word, from one seed.

A drawn person's identity is exactly known, so they can stand in for photographs of real people.
Lengths are in head units (a head is about 1.9 high, x to their left, y up, z towards the viewer),
angles in radians. Every trait is drawn independently of every other; the one exception is grey
hair, which becomes likelier with age.
"""

from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

MONK = (  # the ten tones of the Monk skin tone scale, sRGB; skintone.google
    (246, 237, 228), (243, 231, 219), (247, 234, 208), (234, 218, 186), (215, 189, 150),
    (160, 126, 86), (130, 92, 67), (96, 65, 52), (58, 49, 42), (41, 36, 32),
)


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


HAIR_RGB = {
    HairColour.BLACK: (.035, .03, .03), HairColour.BROWN: (.22, .12, .06), HairColour.AUBURN: (.36, .13, .07),
    HairColour.RED: (.68, .24, .07), HairColour.BLOND: (.82, .63, .32), HairColour.GREY: (.47, .47, .49),
    HairColour.WHITE: (.88, .87, .85), HairColour.BLUE: (.10, .26, .58), HairColour.PINK: (.85, .32, .52),
}
IRIS_RGB = {Iris.BROWN: (.26, .14, .06), Iris.HAZEL: (.45, .30, .10), Iris.GREEN: (.25, .44, .20),
            Iris.BLUE: (.20, .42, .68), Iris.GREY: (.42, .48, .52)}
SCARF_RGB = ((.62, .12, .16), (.12, .30, .45), (.82, .66, .30), (.20, .38, .28), (.42, .22, .46), (.86, .80, .74))


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
    "tone": (1, 10), "undertone": (-1, 1), "age": (18, 80), "head_width": (.62, .80), "crown": (.62, .78),
    "face_width": (.56, .72), "jaw_width": (.36, .60), "jaw_square": (0, 1), "chin_y": (-.98, -.70),
    "chin_width": (.07, .27), "chin_out": (-.06, .10), "cheekbone": (-.03, .09), "cheek_full": (0, 1),
    "brow_ridge": (-.02, .08), "eye_x": (.235, .345), "eye_y": (.02, .13), "eye_radius": (.115, .165),
    "eye_open": (.38, .80), "eye_low": (.25, .55), "eye_long": (.92, 1.22), "eye_tilt": (-.20, .26),
    "eye_deep": (-.03, .05), "lid_fold": (0, 1), "lashes": (.2, 1), "iris_size": (.46, .60),
    "brow_y": (.17, .32), "brow_thick": (.016, .060), "brow_inner": (.05, .15), "brow_length": (.26, .40),
    "brow_arch": (-.01, .09), "brow_tilt": (-.10, .12), "brow_dark": (.25, 1), "nose_y": (-.34, -.13),
    "nose_out": (.10, .34), "nose_width": (.07, .19), "nose_bridge": (-.02, .09), "nose_thin": (.035, .085),
    "nose_tip": (.06, .125), "nose_hump": (0, .07), "nose_turn": (-.05, .07), "mouth_y": (.32, .50),
    "mouth_width": (.16, .31), "lip_upper": (.022, .080), "lip_lower": (.035, .095), "lip_bow": (0, 1),
    "lip_corner": (-.045, .045), "lip_red": (0, 1), "ear_size": (.13, .24), "ear_out": (-.02, .09),
    "neck_width": (.27, .42), "shoulder": (1.15, 1.55), "skew": (-.035, .035), "bend": (-.035, .035),
    "hair_volume": (0, 1), "hairline": (.46, .74), "parting": (-1, 1), "freckles": (0, 1), "moles": (0, 1),
    "mole_x": (-.45, .45), "mole_y": (-.55, .02), "scar": (0, 1), "scar_x": (-.45, .45), "scar_y": (-.4, .45),
    "makeup": (0, 1), "hair_shade": (.75, 1.25), "glasses_dark": (0, 1),
}


def person(seed: int) -> Person:
    """The person of a seed; the same seed is the same person for ever."""
    rng = np.random.default_rng([seed, 7])
    traits = {name: float(rng.uniform(*RANGES[name])) for name in RANGES}
    for name in ("freckles", "moles", "scar", "makeup"):  # rare traits: nothing, more often than not
        share = {"freckles": .25, "moles": .3, "scar": .12, "makeup": .3}[name]
        traits[name] = max(0.0, 1 - (1 - traits[name]) / share)
    traits["hair"] = Hair(rng.choice(list(Hair)))
    traits["hair_colour"] = hair_colour(rng, traits["age"])
    traits["beard"] = Beard(rng.choice(list(Beard), p=(.52, .12, .12, .11, .13)))
    traits["glasses"] = Glasses(rng.choice(list(Glasses), p=(.67, .12, .12, .09)))
    traits["iris"] = Iris(rng.choice(list(Iris), p=(.32, .17, .17, .19, .15)))
    traits["scarf"] = int(rng.integers(len(SCARF_RGB)))
    return Person(seed=seed, **traits)


def hair_colour(rng: np.random.Generator, age: float) -> HairColour:
    """A natural or dyed colour; grey and white become likelier with age."""
    if rng.random() < max(0, (age - 38) / 55):
        return HairColour(rng.choice([HairColour.GREY, HairColour.WHITE]))
    others = [c for c in HairColour if c not in (HairColour.GREY, HairColour.WHITE)]
    return HairColour(rng.choice(others, p=(.22, .22, .14, .14, .18, .05, .05)))


def recolour(who: Person, seed: int) -> Person:
    """Another person with the same bones: new colours, skin marks and makeup, the geometry kept."""
    other = person(seed)
    names = ("tone", "undertone", "lip_red", "freckles", "moles", "mole_x", "mole_y", "scar", "scar_x", "scar_y",
             "makeup", "hair_colour", "hair_shade", "iris", "scarf", "glasses_dark", "brow_dark", "lashes", "iris_size")
    changed = {name: getattr(other, name) for name in names}
    if who.beard in (Beard.NONE, Beard.STUBBLE):  # neither has a shape of its own
        changed["beard"] = Beard.STUBBLE if other.beard is Beard.STUBBLE else Beard.NONE
    return replace(who, seed=seed, **changed)


def skin_rgb(who: Person) -> tuple[float, float, float]:
    """The skin's colour, sRGB in [0, 1], between the two nearest Monk tones."""
    at = min(max(who.tone, 1), 10) - 1
    low = min(int(at), 8)
    mixed = [(a + (b - a) * (at - low)) / 255 for a, b in zip(MONK[low], MONK[low + 1], strict=True)]
    rosy, gold = max(-who.undertone, 0), max(who.undertone, 0)
    warm = (1.0 + .06 * (at > 6), .93 - .05 * rosy - .01 * gold, .86 - .01 * rosy - .08 * gold)  # swatches are greyer than skin in light
    return tuple(channel * k for channel, k in zip((c + .20 * (1 - c) ** 3 for c in mixed), warm, strict=True))


def skin_group(who: Person) -> str:
    """One of five words for the skin's tone, lightest to deepest."""
    return ("pale", "light", "tan", "brown", "deep")[min(int((who.tone - 1) / 1.8), 4)]


def trait_names() -> tuple[str, ...]:
    """The names of all traits, in order."""
    return tuple(field.name for field in fields(Person))
