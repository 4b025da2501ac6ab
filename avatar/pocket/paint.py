"""Colours on a drawn person's surfaces: skin with its marks, eyes, hair, clothes. All linear light."""

import math

import numpy as np
import torch
from torch import Tensor

from avatar.pocket import features
from avatar.pocket.people import HAIR_RGB, IRIS_RGB, SCARF_RGB, Beard, Hair, Person, skin_rgb
from avatar.pocket.shapes import Part
from avatar.pocket.solids import rise
from avatar.pocket.view import CLOTH_RGB, Clothes, View

# strength and exponent of the highlight, in the order of Part
GLOSS = ((.10, 20.0), (.9, 260.0), (.35, 60.0), (.13, 18.0), (.5, 80.0), (.06, 14.0), (.03, 8.0))


def linear(colour: tuple, like: Tensor) -> Tensor:
    """sRGB (3,) in [0, 1] to linear light."""
    return like.new_tensor(colour).clamp(0, 1) ** 2.2


def blend(colour: Tensor, mask: Tensor, other: Tensor) -> Tensor:
    """colour (N, 3) towards other (3,) or (N, 3) by mask (N,)."""
    return colour + (other - colour) * mask[:, None]


def paint(buffer, who: Person, view: View) -> Tensor:
    """Albedo (N, 3) of every point of a buffer."""
    x, y, z = (c.contiguous() for c in buffer.local.unbind(-1))
    part = buffer.part
    colour = torch.zeros_like(buffer.local)
    for index, painter in ((Part.SKIN, skin), (Part.EYE, eyes), (Part.TEETH, teeth), (Part.HAIR, tresses),
                           (Part.GLASSES, frames), (Part.NECK, neck), (Part.BODY, cloth)):
        at = (part == index).nonzero().squeeze(-1)
        if len(at):
            place = buffer.world[at].unbind(-1) if index in (Part.NECK, Part.BODY) else (x[at], y[at], z[at])
            colour[at] = painter(*place, who, view)
    return colour


def grain(x: Tensor, y: Tensor, z: Tensor, rate: float) -> Tensor:
    """Cheap smooth noise in about [-1, 1]."""
    a = torch.sin(rate * x + 1.7 * torch.sin(rate * .61 * y + 1)) + torch.sin(rate * 1.3 * y + 1.9 * torch.sin(rate * .53 * z + 2))
    return .5 * (a * .5 + torch.sin(rate * 1.7 * z + 2.3 * torch.sin(rate * .71 * x + 4)))


def hair_paint(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    """Colour (N, 3) of hair at points, with strands."""
    base = linear(tuple(c * who.hair_shade for c in HAIR_RGB[who.hair_colour]), x)
    turn = torch.atan2(x, z + .25)
    if who.hair in (Hair.CURLS, Hair.AFRO):
        tone = .30 * grain(x, y, z, 42)
    elif who.hair is Hair.BRAIDS:
        tone = .35 * torch.cos(34 * x) * (y > .1) + .45 * torch.sin(20 * y + 18 * (x.abs() - who.head_width)) * (y <= .1)
    else:
        flow = turn * 30 + 2 * torch.sin(3 * y + 2 * turn)
        tone = .16 * torch.sin(flow * 2.3) + .13 * torch.sin(flow * 4.1 + 2 * y) + .10 * torch.sin(9 * x + 40 * x * (y > .6))
    return base * (1 + tone)[:, None] + .012 * (1 + tone)[:, None]


def skin(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Colour of the head: tone, blush, lips, lines of age, marks, brows, beard, shorn hair."""
    base = linear(skin_rgb(who), x)
    colour = base * (1 + .04 * grain(x, y, z, 17))[:, None]
    ax, front = x.abs(), rise(z, .05, .3)
    warm = torch.exp(-((ax - .38) ** 2 + (y + .13) ** 2) / .030) * (.30 + .3 * who.makeup)
    warm = (warm + torch.exp(-(x ** 2 / .02 + (y - who.nose_y - .04) ** 2 / .02)) * .22 * (z > .6)) * front
    colour = colour * (1 - warm[:, None] * base.new_tensor((.04, .42, .38)))
    colour = marks(colour, x, y, z, who)
    colour = lines(colour, x, y, z, who, view) if who.age > 20 else colour
    colour = around_eyes(colour, x, y, front, who, view, base)
    colour = lips(colour, x, y, front, who, view, base)
    hole = torch.exp(-(((ax - who.nose_width * .42) / (who.nose_width * .24)) ** 2 + ((y - who.nose_y + .055) / .022) ** 2))
    colour = colour * (1 - .75 * hole * (z > .6))[:, None]
    return hairs(colour, x, y, z, who, view)


def marks(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    """Freckles, moles and a scar."""
    dark = colour * colour.new_tensor((.62, .48, .42))
    if who.freckles > 0:
        u, v = x * 21, y * 21
        iu, iv = u.floor(), v.floor()
        chance = torch.frac(torch.sin(iu * 127.1 + iv * 311.7 + who.seed % 97) * 4375.85).abs()
        du = u - iu - .5 - .3 * torch.sin(iv * 9 + iu * 5)
        dv = v - iv - .5 - .3 * torch.sin(iu * 7 + iv * 3)
        dots = rise((du * du + dv * dv).sqrt(), .34, .12) * (chance < .35 + .4 * who.freckles)
        place = torch.exp(-((y + .08) / .26) ** 2) * (z > .15)
        colour = blend(colour, dots * place * (.55 + .4 * who.freckles), dark)
    if who.moles > 0:
        for k in range(1 + int(who.moles * 3)):
            at = (who.mole_x * math.cos(2.4 * k), who.mole_y + .35 * math.sin(1.9 * k) * (k > 0))
            far = ((x - at[0]) ** 2 + (y - at[1]) ** 2).sqrt()
            colour = blend(colour, rise(far, .036, .020) * (z > .2), dark * .4)
    if who.scar > 0:
        slope = math.sin(who.scar_x * 40)
        along = (x - who.scar_x) * slope + (y - who.scar_y)
        across = (x - who.scar_x) - slope * (y - who.scar_y)
        line = rise(across.abs(), .022, .008) * rise(along.abs(), .17, .12) * (z > .2)
        colour = blend(colour, line * .8, colour * 1.25 + .10)
    return colour


def lines(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Wrinkles: forehead, crow's feet, under the eyes, nose to mouth."""
    old = min(max((who.age - 22) / 50, 0), 1)
    ax = x.abs()
    rows = torch.sin((y - who.eye_y - .14 * torch.cos(4 * x)) * 46)
    brow = rise(rows, .72, 1) * rise(y, who.eye_y + who.brow_y + .06, who.eye_y + who.brow_y + .13) * rise(ax, .42, .25)
    fold_x = who.nose_width * 1.25 + .05 + (who.nose_y + .02 - y) * .55
    fold = torch.exp(-((ax - fold_x) / .022) ** 2) * rise(y, who.nose_y + .06, who.nose_y) * rise(y, features.mouth_height(who) - .10, features.mouth_height(who) + .02)
    across, up = features.eye_plane(x, y, who)
    bag = torch.exp(-((up + who.eye_low + .52 - .4 * (across * .7) ** 2) / .11) ** 2) * rise(across.abs(), 1.15, .8)
    feet = rise(torch.sin(torch.atan2(up, across - .7) * 9), .6, 1) * rise(across, 1.25, 1.45) * rise(across, 2.3, 1.9) * rise(up.abs(), 1.0, .6)
    depth = .62 * old * brow + (.25 * max(view.smile, 0) + .55 * old) * fold + .42 * old * bag + .55 * old * feet
    return colour * (1 - (depth * (z > .2)).clamp(0, .8)[:, None] * colour.new_tensor((.42, .55, .58)))


def around_eyes(colour: Tensor, x: Tensor, y: Tensor, front: Tensor, who: Person, view: View, base: Tensor) -> Tensor:
    """Lash lines, the lid's crease, shadow or makeup on the lids."""
    across, up = features.eye_plane(x, y, who)
    high, low = features.lids(across, who, view)
    inside = rise(across.abs(), who.eye_long * 1.12, who.eye_long * .95) * front
    lid = rise(up - high, -.05, .1) * rise(up - high, .75, .3) * inside
    tint = base.new_tensor(((.35, .12, .30), (.12, .25, .40), (.36, .22, .10))[who.seed % 3]) if who.makeup > 0 else base * .62
    colour = blend(colour, lid * (.75 * who.makeup if who.makeup > 0 else .30), tint)
    crease = torch.exp(-((up - high - .34 - .25 * who.lid_fold) / .06) ** 2) * inside
    wing = rise(across, -.9, .4) * (.06 + .10 * who.lashes)
    upper = rise((up - high - .04) / (wing + .05), 1, 0) * rise(up - high, -.30, -.12)
    lower = torch.exp(-((up - low + .06) / .05) ** 2) * .45
    colour = colour * (1 - (.42 * crease + lower * inside * .8).clamp(0, 1)[:, None])
    return blend(colour, upper * inside * (.55 + .4 * who.lashes), base * .04)


def lips(colour: Tensor, x: Tensor, y: Tensor, front: Tensor, who: Person, view: View, base: Tensor) -> Tensor:
    """Tinted lips, the dark between them, and the inside of an open mouth."""
    _, tint = features.lip_bumps(x, y, who, view)
    red = base * base.new_tensor((.80, .42, .40)) + base.new_tensor((.035, .004, .006))
    rouge = base.new_tensor(((.45, .03, .05), (.36, .04, .14), (.42, .12, .08))[who.seed % 3])
    red = red + (rouge - red) * (.75 * who.makeup) + (base * base.new_tensor((.95, .5, .5)) - red) * (.4 * (1 - who.lip_red))
    colour = blend(colour, tint * front, red)
    across, above, below = features.mouth_line(x, y, who, view)
    seam = torch.exp(-(torch.maximum(above, below) / .011) ** 2) * rise(across.abs(), 1.08, .98) * front
    colour = colour * (1 - .80 * seam)[:, None]
    within = ((above < -.004) & (below < -.004) & (across.abs() < 1)).float() * front
    return blend(colour, within, base.new_tensor((.10, .018, .018)))


def hairs(colour: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Brows, beard and shorn hair, painted over the skin."""
    tress = hair_paint(x, y, z, who)
    fine = .92 + .08 * torch.sin(150 * x.abs() + 70 * y)
    colour = blend(colour, features.brow(x, y, who, view) * fine * (.5 + .5 * who.brow_dark) * (z > .2), tress * (1.25 - .7 * who.brow_dark))
    if who.beard is not Beard.NONE:
        wisps = .95 + .05 * torch.sin(90 * x + 3 * torch.sin(9 * y))
        weight = .42 if who.beard is Beard.STUBBLE else .97
        colour = blend(colour, features.beard(x, y, z, who, view) * weight * wisps, tress * .9)
    cover = {Hair.BUZZ: .78, Hair.UNDERCUT: .72, Hair.MOHAWK: .25, Hair.BALD: 0.0, Hair.HEADSCARF: 0.0}.get(who.hair, .9)
    if cover:
        colour = blend(colour, features.scalp(x, y, z, who) * cover * (.9 + .1 * torch.sin(130 * x) * torch.sin(120 * y)), tress)
    return colour


def eyes(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """White, iris, pupil, the lid's shade and a catchlight."""
    r = who.eye_radius
    across = (x - x.sign() * who.eye_x) / r - view.gaze_x * .8
    up = (y - who.eye_y - who.skew * x) / r - view.gaze_y * .8
    far = (across * across + up * up).sqrt()
    high, _ = features.lids(features.eye_plane(x, y, who)[0], who, view)
    colour = x.new_tensor((.80, .78, .76)).repeat(len(x), 1)
    colour = colour * (1 - .16 * rise(far, .6, 1.1))[:, None]
    iris = linear(IRIS_RGB[who.iris], x)
    spokes = 1 + .22 * torch.sin(torch.atan2(up, across) * 17) - .30 * rise(up, -.2, .5)
    inner = iris * (spokes * (1.55 - .6 * rise(far, .2, who.iris_size)))[:, None]
    colour = torch.lerp(colour, inner, rise(far, who.iris_size + .04, who.iris_size - .02)[:, None])
    ring = torch.exp(-((far - who.iris_size + .02) / .06) ** 2)
    colour = colour * (1 - .75 * ring)[:, None]
    colour = colour * (1 - .985 * rise(far, who.iris_size * .52, who.iris_size * .44))[:, None]
    up_there = (y - who.eye_y - who.skew * x) / r
    colour = colour * (1 - .55 * rise(up_there - high, -.34, .02))[:, None]
    spot = ((across + .20 * (1 if view.light_turn < 0 else -1)) ** 2 + (up - .20) ** 2).sqrt()
    return blend(colour, rise(spot, .16, .10), x.new_tensor((1.3, 1.3, 1.3)))


def teeth(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """A row of teeth, the gaps just visible."""
    gaps = torch.exp(-(torch.sin(x * 52) / .18) ** 2)
    return x.new_tensor((.80, .77, .70)) * (1 - .25 * gaps)[:, None]


def tresses(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Hair, or the cloth of a headscarf."""
    if who.hair is not Hair.HEADSCARF:
        return hair_paint(x, y, z, who)
    weave = 1 + .06 * torch.sin(9 * (y + .6 * x.abs()) + 4 * z) + .03 * torch.sin(90 * x) * torch.sin(90 * y)
    return linear(SCARF_RGB[who.scarf], x) * weave[:, None]


def frames(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """The frames of the glasses: black, tortoise or metal."""
    tone = ((.03, .03, .035), (.20, .09, .035), (.55, .50, .40), (.30, .03, .04))[int(who.glasses_dark * 3.99)]
    return x.new_tensor(tone).repeat(len(x), 1)


def neck(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Bare neck, unless the clothes cover it."""
    bare = (linear(skin_rgb(who), x) * .94).repeat(len(x), 1)
    if view.clothes is Clothes.TURTLENECK:
        return blend(bare, (y < -.98).float(), cloth(x, y, z, who, view))
    return bare if view.clothes is not Clothes.HOODIE else blend(bare, (y < -1.22 - .4 * (z > .0)).float(), cloth(x, y, z, who, view))


def cloth(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Clothes over the shoulders, with the skin their neckline leaves bare."""
    main, other = linear(CLOTH_RGB[view.cloth_colour], x), linear(CLOTH_RGB[view.second_colour], x)
    ax, front = x.abs(), (z > -.25).float()
    folds = 1 + .07 * torch.sin(5 * x + 3 * y + 2 * torch.sin(4 * y)) + .02 * torch.sin(120 * x) * torch.sin(120 * y)
    colour = main.repeat(len(x), 1)
    kind = view.clothes
    hollow = (x * x + ((y + 1.22) * 1.0) ** 2).sqrt() - (who.neck_width + .10)  # a round neckline
    vee = torch.maximum(ax * 1.9 + (-1.95 - y), -ax * 0 - 9)
    if kind is Clothes.STRIPES:
        colour = blend(colour, rise(torch.sin(y * 26), -.1, .1), other)
    if kind is Clothes.SWEATER:
        colour = colour * (1 + .16 * torch.sin(60 * x) * (hollow > .12))[:, None]
    if kind is Clothes.JACKET:
        colour = blend(colour, rise(vee + .0, .02, -.02) * front, other)
        colour = colour * (1 - .5 * torch.exp(-(vee / .03) ** 2) * front)[:, None]
    if kind is Clothes.DUNGAREES:
        strap = (ax - .42).abs() < .11
        colour = blend(other.repeat(len(x), 1), (strap | (y < -1.95)).float(), main)
    bare = linear(skin_rgb(who), x) * .94
    if kind in (Clothes.TEE, Clothes.STRIPES, Clothes.SWEATER, Clothes.DUNGAREES, Clothes.JACKET):
        colour = colour * (1 - .35 * torch.exp(-((hollow - .03) / .02) ** 2))[:, None]
        colour = blend(colour, rise(hollow, .01, -.01), bare)
    if kind is Clothes.SHIRT:
        collar = torch.maximum(hollow - .17, (ax - .06) * -1.0 - .30 * (y + 1.48))
        colour = blend(colour, (collar < 0).float() * front, (main * 1.25 + .04).clamp_max(1))
        colour = colour * (1 - .55 * torch.exp(-((hollow - .17).abs() / .016) ** 2))[:, None]
        colour = colour * (1 - .5 * torch.exp(-(x / .012) ** 2) * front)[:, None]
        colour = blend(colour, rise(torch.maximum(ax * 2.2 - (y + 1.66), hollow), .01, -.01) * front, bare)
    if kind is Clothes.HOODIE:
        colour = colour * (1 - .5 * torch.exp(-((hollow - .16) / .03) ** 2))[:, None]
        cord = ((ax - .13).abs() < .018) & (y < -1.6) & (y > -2.15)
        colour = blend(colour, cord.float() * front, other)
    return colour * folds[:, None]
