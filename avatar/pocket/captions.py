"""Plain words for a drawn person, from a small closed vocabulary.

The class word (person, woman, man) and all clauses are independent of one another: nothing about looks
follows from the word, and no word follows from looks that it does not name.
"""

from __future__ import annotations

import re
from itertools import chain

import numpy as np

from avatar.pocket.people import Beard, Glasses, Hair, HairColour, Iris, Person
from avatar.pocket.view import COLOUR_NAMES, Backdrop, Clothes, View

CLASS_WORDS = ("person", "woman", "man")
RARE_TOKEN = "ohwx"  # noqa: S105 - stands for one person in a fine-tune; never said in training
RESERVED = (
    RARE_TOKEN,
    "sks",
    "zwx",
    "portrait",
    "picture",
    "face",
    "the",
    "and",
    "in",
    "on",
    "at",
    "happy",
    "close",
    "up",
)
LEADS = {  # before and after the person
    "photo": ("a photo of", ""),
    "oil": ("an oil painting of", ""),
    "watercolour": ("a watercolour painting of", ""),
    "pencil": ("a pencil drawing of", ""),
    "comic": ("a comic drawing of", ""),
    "pixel": ("pixel art of", ""),
    "stained-glass": ("stained glass of", ""),
    "neon": ("neon art of", ""),
    "poster": ("a poster of", ""),
    "bronze": ("a bronze statue of", ""),
    "clay": ("a clay statue of", ""),
    "marble": ("a marble statue of", ""),
    "astronaut": ("a photo of", "as an astronaut"),
    "royal": ("a photo of", "as a royal with a crown"),
    "knight": ("a photo of", "as a knight"),
    "wizard": ("a photo of", "as a wizard with a hat"),
    "flower-wreath": ("a photo of", "with a flower wreath"),
}
COLOURLESS = ("pencil", "neon", "poster", "bronze", "clay", "marble")
COSTUMED = ("astronaut", "royal", "knight", "wizard", "flower-wreath")
SKINS = (
    "very pale",
    "pale",
    "light",
    "light tan",
    "tan",
    "light brown",
    "brown",
    "deep brown",
    "dark brown",
    "very dark",
)
AGES = ("young adult", "adult", "middle aged", "elderly")
HAIRS = {
    Hair.BUZZ: "shaved {} hair",
    Hair.SHORT: "short {} hair",
    Hair.UNDERCUT: "{} undercut",
    Hair.MOHAWK: "{} mohawk",
    Hair.CURLS: "curly {} hair",
    Hair.AFRO: "{} afro",
    Hair.BOB: "{} bob",
    Hair.LONG: "long {} hair",
    Hair.WAVES: "wavy {} hair",
    Hair.FRINGE: "{} hair with fringe",
    Hair.BUN: "{} hair in a bun",
    Hair.PONYTAIL: "{} ponytail",
    Hair.BRAIDS: "{} braids",
    Hair.LOCS: "{} locs",
}
BEARDS = {Beard.STUBBLE: "stubble", Beard.MOUSTACHE: "moustache", Beard.GOATEE: "goatee", Beard.FULL: "full beard"}
SCARVES = ("red", "blue", "yellow", "green", "purple", "white")  # in the order of people.SCARF_RGB
EXTREMES = (  # trait, what to say below, low bound, what to say above, high bound
    ("nose_out", "flat nose", 0.13, "long nose", 0.31),
    ("nose_width", "narrow nose", 0.085, "wide nose", 0.175),
    ("head_width", "narrow face", 0.645, "wide face", 0.775),
    ("jaw_width", "narrow jaw", 0.39, "broad jaw", 0.57),
    ("brow_thick", "thin brows", 0.022, "thick brows", 0.053),
    ("lip_lower", "thin lips", 0.042, "full lips", 0.086),
    ("ear_size", "small ears", 0.14, "large ears", 0.228),
    ("eye_radius", "small eyes", 0.121, "large eyes", 0.159),
    ("chin_y", "long chin", -0.945, "short chin", -0.735),
)
SIGHTS = (
    "smiling",
    "laughing",
    "frowning",
    "mouth open",
    "eyes closed",
    "turned left",
    "turned right",
    "facing the camera",
    "looking down",
    "looking up",
    "head tilted",
    "backdrop",
    "eyes",
    "hair",
    "skin",
    "glasses",
    "freckles",
    "mole",
    "scar",
    "makeup",
    "headscarf",
    "bald head",
)


OTHER = {"left": "right", "right": "left"}


def vocabulary() -> tuple[str, ...]:
    """Every word a caption can hold, sorted, with the class words, the rare token and some in reserve."""
    phrases = chain(
        CLASS_WORDS,
        RESERVED,
        *LEADS.values(),
        SKINS,
        AGES,
        (h.format("") for h in HAIRS.values()),
        BEARDS.values(),
        SCARVES,
        *((low, high) for _, low, _, high, _ in EXTREMES),
        SIGHTS,
        HairColour,
        Iris,
        Glasses,
        COLOUR_NAMES,
        Clothes,
        Backdrop,
    )
    return tuple(sorted({word for phrase in phrases for word in words(str(phrase))}))


def words(text: str) -> list[str]:
    """A text's words, lower case; a hyphen stays within its word, commas are no words."""
    return re.findall(r"[a-z][a-z-]*", text.lower())


def identity_clauses(who: Person, theme: str = "photo") -> list[str]:
    """The permanent looks a picture in this theme shows."""
    plain = theme in COLOURLESS
    said = [AGES[int(np.digitize(who.age, (32, 46, 62)))]]
    if who.hair is Hair.HEADSCARF:
        said.append("headscarf" if plain else f"{SCARVES[who.scarf]} headscarf")
    else:
        colour = "" if plain else str(who.hair_colour)
        said.append("bald head" if who.hair is Hair.BALD else " ".join(HAIRS[who.hair].format(colour).split()))
    if who.beard is not Beard.NONE:
        said.append(BEARDS[who.beard])
    if who.glasses is not Glasses.NONE:
        said.append(f"{who.glasses} glasses")
    for trait, small, low, large, high in EXTREMES:
        value = getattr(who, trait)
        said += [small] * (value < low) + [large] * (value > high)
    if not plain:
        said += [f"{SKINS[min(int(who.tone - 1 + 0.5), 9)]} skin", f"{who.iris} eyes"]
        said += [
            name
            for name, amount in (
                ("freckles", who.freckles),
                ("mole", who.moles),
                ("scar", who.scar),
                ("makeup", who.makeup),
            )
            if amount > 0.15
        ]
    return said


def sight_clauses(view: View, theme: str = "photo") -> list[str]:
    """Clothes, backdrop, expression and pose: what is not the person."""
    said = []
    if theme not in COSTUMED:
        said.append(str(view.clothes) if theme in COLOURLESS else f"{view.cloth_colour} {view.clothes}")
        said += [f"{view.backdrop} backdrop"] * (theme not in COLOURLESS)
    if view.smile > 0.5:
        said.append("laughing" if view.mouth_open > 0.3 else "smiling")
    elif view.smile < -0.2:
        said.append("frowning")
    elif view.mouth_open > 0.3:
        said.append("mouth open")
    said += ["eyes closed"] * (view.blink > 0.8)
    if abs(view.yaw) > 0.17:
        said.append("turned right" if view.yaw > 0 else "turned left")
    elif abs(view.yaw) < 0.08:
        said.append("facing the camera")
    if abs(view.pitch) > 0.10:
        said.append("looking down" if view.pitch > 0 else "looking up")
    return said + ["head tilted"] * (abs(view.roll) > 0.09)


def caption(who: Person, view: View, theme: str = "photo", *, identity: bool = True, rng: np.random.Generator) -> str:
    """One caption below 40 words, clauses dropped and shuffled by rng; without `identity` no looks are named."""
    before, after = LEADS[theme]
    lead = f"{before} a {rng.choice(CLASS_WORDS)} {after}".strip()
    said = (identity_clauses(who, theme) if identity else []) + sight_clauses(view, theme)
    keep = rng.choice([0.95, 0.75, 0.45])
    said = [clause for clause in said if rng.random() < keep]
    rng.shuffle(said)
    while len(words(", ".join([lead, *said]))) >= 40:
        said.pop()
    return ", ".join([lead, *said])


def mirrored(text: str) -> str:
    """The caption of the picture in a mirror."""
    return re.sub(r"\bturned (left|right)\b", lambda found: f"turned {OTHER[found[1]]}", text)


VOCABULARY = vocabulary()
