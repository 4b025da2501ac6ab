"""Colours of skin, hair, eyes and headscarves, sRGB in [0, 1] unless told otherwise."""

from __future__ import annotations

from avatar.pocket.people import HairColour, Iris, Person

MONK = (  # the ten tones of the Monk skin tone scale, sRGB; skintone.google
    (246, 237, 228),
    (243, 231, 219),
    (247, 234, 208),
    (234, 218, 186),
    (215, 189, 150),
    (160, 126, 86),
    (130, 92, 67),
    (96, 65, 52),
    (58, 49, 42),
    (41, 36, 32),
)
HAIR_RGB = {
    HairColour.BLACK: (0.035, 0.03, 0.03),
    HairColour.BROWN: (0.22, 0.12, 0.06),
    HairColour.AUBURN: (0.36, 0.13, 0.07),
    HairColour.RED: (0.68, 0.24, 0.07),
    HairColour.BLOND: (0.82, 0.63, 0.32),
    HairColour.GREY: (0.47, 0.47, 0.49),
    HairColour.WHITE: (0.88, 0.87, 0.85),
    HairColour.BLUE: (0.10, 0.26, 0.58),
    HairColour.PINK: (0.85, 0.32, 0.52),
}
IRIS_RGB = {
    Iris.BROWN: (0.26, 0.14, 0.06),
    Iris.HAZEL: (0.45, 0.30, 0.10),
    Iris.GREEN: (0.25, 0.44, 0.20),
    Iris.BLUE: (0.20, 0.42, 0.68),
    Iris.GREY: (0.42, 0.48, 0.52),
}
SCARF_RGB = (
    (0.62, 0.12, 0.16),
    (0.12, 0.30, 0.45),
    (0.82, 0.66, 0.30),
    (0.20, 0.38, 0.28),
    (0.42, 0.22, 0.46),
    (0.86, 0.80, 0.74),
)


def skin_rgb(who: Person) -> tuple[float, float, float]:
    """The skin's colour, sRGB in [0, 1], between the two nearest Monk tones."""
    at = min(max(who.tone, 1), 10) - 1
    low = min(int(at), 8)
    mixed = [(a + (b - a) * (at - low)) / 255 for a, b in zip(MONK[low], MONK[low + 1], strict=True)]
    rosy, gold = max(-who.undertone, 0), max(who.undertone, 0)
    warm = (
        1.0 + 0.06 * (at > 6),
        0.93 - 0.05 * rosy - 0.01 * gold,
        0.86 - 0.01 * rosy - 0.08 * gold,
    )  # swatches are greyer than skin in light
    red, green, blue = (channel * k for channel, k in zip((c + 0.20 * (1 - c) ** 3 for c in mixed), warm, strict=True))
    return red, green, blue


def skin_group(who: Person) -> str:
    """One of five words for the skin's tone, lightest to deepest."""
    return ("pale", "light", "tan", "brown", "deep")[min(int((who.tone - 1) / 1.8), 4)]
