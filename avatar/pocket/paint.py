"""Colours on a drawn person's surfaces: skin with its marks, eyes, hair, clothes. All linear light."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from avatar.pocket import features
from avatar.pocket.clothes import blend, cloth, linear, neck
from avatar.pocket.colours import HAIR_RGB, IRIS_RGB, SCARF_RGB, skin_rgb
from avatar.pocket.people import Beard, Hair, HairColour, Person
from avatar.pocket.shapes import Part, axes
from avatar.pocket.solids import rise
from avatar.pocket.view import View

if TYPE_CHECKING:
    from avatar.pocket.draw import Buffer

DYED = (HairColour.BLUE, HairColour.PINK)  # beards are not
# strength and exponent of the highlight, in the order of Part
GLOSS = ((0.10, 20.0), (0.9, 260.0), (0.35, 60.0), (0.13, 18.0), (0.5, 80.0), (0.06, 14.0), (0.03, 8.0))


def paint(buffer: Buffer, who: Person, view: View) -> Tensor:
    """Albedo (N, 3) of every point of a buffer."""
    x, y, z = axes(buffer.local)
    part = buffer.part
    colour = torch.zeros_like(buffer.local)
    for index, painter in (
        (Part.SKIN, skin),
        (Part.EYE, eyes),
        (Part.TEETH, teeth),
        (Part.HAIR, tresses),
        (Part.GLASSES, frames),
        (Part.NECK, neck),
        (Part.BODY, cloth),
    ):
        at = (part == index).nonzero().squeeze(-1)
        if len(at):
            px, py, pz = axes(buffer.world[at]) if index in (Part.NECK, Part.BODY) else (x[at], y[at], z[at])
            colour[at] = painter(px, py, pz, who, view)
    return colour


def grain(x: Tensor, y: Tensor, z: Tensor, rate: float) -> Tensor:
    """Cheap smooth noise in about [-1, 1]."""
    a = torch.sin(rate * x + 1.7 * torch.sin(rate * 0.61 * y + 1)) + torch.sin(
        rate * 1.3 * y + 1.9 * torch.sin(rate * 0.53 * z + 2)
    )
    return 0.5 * (a * 0.5 + torch.sin(rate * 1.7 * z + 2.3 * torch.sin(rate * 0.71 * x + 4)))


def hair_paint(x: Tensor, y: Tensor, z: Tensor, who: Person, contrast: float = 1.0) -> Tensor:
    """Colour (N, 3) of hair at points, with strands."""
    base = (x.new_tensor(HAIR_RGB[who.hair_colour]) * who.hair_shade).clamp(0, 1) ** 2.2
    turn = torch.atan2(x, z + 0.25)
    if who.hair in (Hair.CURLS, Hair.AFRO):
        tone = 0.30 * grain(x, y, z, 42)
    elif who.hair is Hair.BRAIDS:
        tone = 0.35 * torch.cos(34 * x) * (y > 0.1) + 0.45 * torch.sin(20 * y + 18 * (x.abs() - who.head_width)) * (
            y <= 0.1
        )
    else:
        flow = turn * 30 + 2 * torch.sin(3 * y + 2 * turn)
        tone = (
            0.16 * torch.sin(flow * 2.3)
            + 0.13 * torch.sin(flow * 4.1 + 2 * y)
            + 0.10 * torch.sin(9 * x + 40 * x * (y > 0.6))
        )
    tone = 1 + contrast * tone
    return (base + 0.012) * tone[:, None]


def skin(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Colour of the head: tone, blush, lips, lines of age, marks, brows, beard, shorn hair."""
    base = linear(skin_rgb(who), x)
    colour = base * (1 + 0.04 * grain(x, y, z, 17))[:, None]
    ax, front = x.abs(), rise(z, 0.05, 0.3)
    warm = torch.exp(-((ax - 0.38) ** 2 + (y + 0.13) ** 2) / 0.030) * (0.30 + 0.3 * who.makeup)
    warm = (warm + torch.exp(-(x**2 / 0.02 + (y - who.nose_y - 0.04) ** 2 / 0.02)) * 0.22 * (z > 0.6)) * front
    colour = colour * (1 - warm[:, None] * base.new_tensor((0.04, 0.42, 0.38)))
    colour = marks(colour, x, y, z, who)
    colour = lines(colour, x, y, z, who, view) if who.age > 20 else colour
    colour = around_eyes(colour, x, y, front, who, view, base)
    colour = lips(colour, x, y, front, who, view, base)
    hole = torch.exp(
        -(((ax - who.nose_width * 0.42) / (who.nose_width * 0.24)) ** 2 + ((y - who.nose_y + 0.055) / 0.022) ** 2)
    )
    colour = colour * (1 - 0.75 * hole * (z > 0.6))[:, None]
    return hairs(colour, x, y, z, who, view)


def marks(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    """Freckles, moles and a scar."""
    dark = colour * colour.new_tensor((0.62, 0.48, 0.42))
    if who.freckles > 0:
        u, v = x * 21, y * 21
        iu, iv = u.floor(), v.floor()
        chance = torch.frac(torch.sin(iu * 127.1 + iv * 311.7 + who.seed % 97) * 4375.85).abs()
        du = u - iu - 0.5 - 0.3 * torch.sin(iv * 9 + iu * 5)
        dv = v - iv - 0.5 - 0.3 * torch.sin(iu * 7 + iv * 3)
        dots = rise((du * du + dv * dv).sqrt(), 0.34, 0.12) * (chance < 0.35 + 0.4 * who.freckles)
        place = torch.exp(-(((y + 0.08) / 0.26) ** 2)) * (z > 0.15)
        colour = blend(colour, dots * place * (0.55 + 0.4 * who.freckles), dark)
    if who.moles > 0:
        for k in range(1 + int(who.moles * 3)):
            at = (who.mole_x * math.cos(2.4 * k), who.mole_y + 0.35 * math.sin(1.9 * k) * (k > 0))
            far = ((x - at[0]) ** 2 + (y - at[1]) ** 2).sqrt()
            colour = blend(colour, rise(far, 0.036, 0.020) * (z > 0.2), dark * 0.4)
    if who.scar > 0:
        slope = math.sin(who.scar_x * 40)
        along = (x - who.scar_x) * slope + (y - who.scar_y)
        across = (x - who.scar_x) - slope * (y - who.scar_y)
        line = rise(across.abs(), 0.022, 0.008) * rise(along.abs(), 0.17, 0.12) * (z > 0.2)
        colour = blend(colour, line * 0.8, colour * 1.25 + 0.10)
    return colour


def lines(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Wrinkles: forehead, crow's feet, under the eyes, nose to mouth."""
    old = min(max((who.age - 22) / 50, 0), 1)
    ax = x.abs()
    rows = torch.sin((y - who.eye_y - 0.14 * torch.cos(4 * x)) * 46)
    brow = (
        rise(rows, 0.72, 1)
        * rise(y, who.eye_y + who.brow_y + 0.06, who.eye_y + who.brow_y + 0.13)
        * rise(ax, 0.42, 0.25)
    )
    fold_x = who.nose_width * 1.25 + 0.05 + (who.nose_y + 0.02 - y) * 0.55
    fold = (
        torch.exp(-(((ax - fold_x) / 0.022) ** 2))
        * rise(y, who.nose_y + 0.06, who.nose_y)
        * rise(y, features.mouth_height(who) - 0.10, features.mouth_height(who) + 0.02)
    )
    across, up = features.eye_plane(x, y, who)
    bag = torch.exp(-(((up + who.eye_low + 0.52 - 0.4 * (across * 0.7) ** 2) / 0.11) ** 2)) * rise(
        across.abs(), 1.15, 0.8
    )
    feet = (
        rise(torch.sin(torch.atan2(up, across - 0.7) * 9), 0.6, 1)
        * rise(across, 1.25, 1.45)
        * rise(across, 2.3, 1.9)
        * rise(up.abs(), 1.0, 0.6)
    )
    depth = 0.62 * old * brow + (0.25 * max(view.smile, 0) + 0.55 * old) * fold + 0.42 * old * bag + 0.55 * old * feet
    return colour * (1 - (depth * (z > 0.2)).clamp(0, 0.8)[:, None] * colour.new_tensor((0.42, 0.55, 0.58)))


def around_eyes(colour: Tensor, x: Tensor, y: Tensor, front: Tensor, who: Person, view: View, base: Tensor) -> Tensor:
    """Lash lines, the lid's crease, shadow or makeup on the lids."""
    across, up = features.eye_plane(x, y, who)
    high, low = features.lids(across, who, view)
    inside = rise(across.abs(), who.eye_long * 1.12, who.eye_long * 0.95) * front
    lid = rise(up - high, -0.05, 0.1) * rise(up - high, 0.75, 0.3) * inside
    tint = (
        base.new_tensor(((0.35, 0.12, 0.30), (0.12, 0.25, 0.40), (0.36, 0.22, 0.10))[who.seed % 3])
        if who.makeup > 0
        else base * 0.62
    )
    colour = blend(colour, lid * (0.75 * who.makeup if who.makeup > 0 else 0.30), tint)
    crease = torch.exp(-(((up - high - 0.34 - 0.25 * who.lid_fold) / 0.06) ** 2)) * inside
    wing = rise(across, -0.9, 0.4) * (0.06 + 0.10 * who.lashes)
    upper = rise((up - high - 0.04) / (wing + 0.05), 1, 0) * rise(up - high, -0.30, -0.12)
    lower = torch.exp(-(((up - low + 0.06) / 0.05) ** 2)) * 0.45
    colour = colour * (1 - (0.42 * crease + lower * inside * 0.8).clamp(0, 1)[:, None])
    return blend(colour, upper * inside * (0.55 + 0.4 * who.lashes), base * 0.04)


def lips(colour: Tensor, x: Tensor, y: Tensor, front: Tensor, who: Person, view: View, base: Tensor) -> Tensor:
    """Tinted lips, the dark between them, and the inside of an open mouth."""
    _, tint = features.lip_bumps(x, y, who, view)
    red = base * base.new_tensor((0.80, 0.42, 0.40)) + base.new_tensor((0.035, 0.004, 0.006))
    rouge = base.new_tensor(((0.45, 0.03, 0.05), (0.36, 0.04, 0.14), (0.42, 0.12, 0.08))[who.seed % 3])
    red = (
        red
        + (rouge - red) * (0.75 * who.makeup)
        + (base * base.new_tensor((0.95, 0.5, 0.5)) - red) * (0.4 * (1 - who.lip_red))
    )
    colour = blend(colour, tint * front, red)
    across, above, below = features.mouth_line(x, y, who, view)
    seam = torch.exp(-((torch.maximum(above, below) / 0.011) ** 2)) * rise(across.abs(), 1.08, 0.98) * front
    colour = colour * (1 - 0.80 * seam)[:, None]
    within = ((above < -0.004) & (below < -0.004) & (across.abs() < 1)).float() * front
    return blend(colour, within, base.new_tensor((0.10, 0.018, 0.018)))


def hairs(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Brows, beard and shorn hair, painted over the skin."""
    tress = hair_paint(x, y, z, who, 0.4)
    fine = 0.92 + 0.08 * torch.sin(150 * x.abs() + 70 * y)
    colour = blend(
        colour,
        features.brow(x, y, who, view) * fine * (0.5 + 0.5 * who.brow_dark) * (z > 0.2),
        torch.minimum(tress * (1.25 - 0.7 * who.brow_dark), 0.22 * linear(skin_rgb(who), x)),  # never paler than skin
    )
    if who.beard is not Beard.NONE:
        wisps = 0.95 + 0.05 * torch.sin(90 * x + 3 * torch.sin(9 * y))
        most = 5 * linear(skin_rgb(who), x).mean() + 0.06  # on deep skin pale hairs, far apart, look darker
        own = replace(who, hair_colour=HairColour.BROWN) if who.hair_colour in DYED else who
        mixed = hair_paint(x, y, z, own, 0.4)
        mixed = mixed * (most / mixed.mean(-1, keepdim=True)).clamp_max(0.8)
        weight = 0.42 if who.beard is Beard.STUBBLE else 0.86  # skin shows between the hairs
        colour = blend(colour, features.beard(x, y, z, who, view) * weight * wisps, mixed)
    cover = {Hair.BUZZ: 0.78, Hair.UNDERCUT: 0.72, Hair.MOHAWK: 0.25, Hair.BALD: 0.0, Hair.HEADSCARF: 0.0}.get(
        who.hair, 0.9
    )
    if cover:
        colour = blend(
            colour, features.scalp(x, y, z, who) * cover * (0.9 + 0.1 * torch.sin(130 * x) * torch.sin(120 * y)), tress
        )
    return colour


def eyes(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """White, iris, pupil, the lid's shade and a catchlight."""
    r = who.eye_radius
    across = (x - x.sign() * who.eye_x) / r - view.gaze_x * 0.8
    up = (y - who.eye_y - who.skew * x) / r - view.gaze_y * 0.8
    far = (across * across + up * up).sqrt()
    high, _ = features.lids(features.eye_plane(x, y, who)[0], who, view)
    colour = x.new_tensor((0.80, 0.78, 0.76)).repeat(len(x), 1)
    colour = colour * (1 - 0.16 * rise(far, 0.6, 1.1))[:, None]
    iris = linear(IRIS_RGB[who.iris], x)
    spokes = 1 + 0.22 * torch.sin(torch.atan2(up, across) * 17) - 0.30 * rise(up, -0.2, 0.5)
    inner = iris * (spokes * (1.55 - 0.6 * rise(far, 0.2, who.iris_size)))[:, None]
    colour = torch.lerp(colour, inner, rise(far, who.iris_size + 0.04, who.iris_size - 0.02)[:, None])
    ring = torch.exp(-(((far - who.iris_size + 0.02) / 0.06) ** 2))
    colour = colour * (1 - 0.75 * ring)[:, None]
    colour = colour * (1 - 0.985 * rise(far, who.iris_size * 0.52, who.iris_size * 0.44))[:, None]
    up_there = (y - who.eye_y - who.skew * x) / r
    colour = colour * (1 - 0.55 * rise(up_there - high, -0.34, 0.02))[:, None]
    spot = ((across + 0.20 * (1 if view.light_turn < 0 else -1)) ** 2 + (up - 0.20) ** 2).sqrt()
    return blend(colour, rise(spot, 0.16, 0.10), x.new_tensor((1.3, 1.3, 1.3)))


def teeth(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """A row of teeth, the gaps just visible."""
    gaps = torch.exp(-((torch.sin(x * 52) / 0.18) ** 2))
    return x.new_tensor((0.80, 0.77, 0.70)) * (1 - 0.25 * gaps)[:, None]


def tresses(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Hair, or the cloth of a headscarf."""
    if who.hair is not Hair.HEADSCARF:
        return hair_paint(x, y, z, who)
    weave = 1 + 0.06 * torch.sin(9 * (y + 0.6 * x.abs()) + 4 * z) + 0.03 * torch.sin(90 * x) * torch.sin(90 * y)
    return linear(SCARF_RGB[who.scarf], x) * weave[:, None]


def frames(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """The frames of the glasses: black, tortoise or metal."""
    tone = ((0.03, 0.03, 0.035), (0.20, 0.09, 0.035), (0.55, 0.50, 0.40), (0.30, 0.03, 0.04))[
        int(who.glasses_dark * 3.99)
    ]
    return x.new_tensor(tone).repeat(len(x), 1)
