"""Colours of the body: bare neck and clothes. All linear light."""

from __future__ import annotations

import torch
from torch import Tensor

from avatar.pocket.colours import skin_rgb
from avatar.pocket.people import Person
from avatar.pocket.solids import Vec, rise
from avatar.pocket.view import CLOTH_RGB, Clothes, View


def linear(colour: Vec, like: Tensor) -> Tensor:
    """sRGB (3,) in [0, 1] to linear light."""
    return like.new_tensor(colour).clamp(0, 1) ** 2.2


def blend(colour: Tensor, mask: Tensor, other: Tensor) -> Tensor:
    """colour (N, 3) towards other (3,) or (N, 3) by mask (N,)."""
    return colour + (other - colour) * mask[:, None]


def neck(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Bare neck, unless the clothes cover it."""
    bare = (linear(skin_rgb(who), x) * 0.94).repeat(len(x), 1)
    if view.clothes is Clothes.TURTLENECK:
        return blend(bare, (y < -0.98).float(), cloth(x, y, z, who, view))
    return (
        bare
        if view.clothes is not Clothes.HOODIE
        else blend(bare, (y < -1.22 - 0.4 * (z > 0.0)).float(), cloth(x, y, z, who, view))
    )


def cloth(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Clothes over the shoulders, with the skin their neckline leaves bare."""
    main, other = linear(CLOTH_RGB[view.cloth_colour], x), linear(CLOTH_RGB[view.second_colour], x)
    ax, front = x.abs(), (z > -0.25).float()
    folds = 1 + 0.07 * torch.sin(5 * x + 3 * y + 2 * torch.sin(4 * y)) + 0.02 * torch.sin(120 * x) * torch.sin(120 * y)
    colour = main.repeat(len(x), 1)
    kind = view.clothes
    hollow = (x * x + (y + 1.22) ** 2).sqrt() - (who.neck_width + 0.10)  # a round neckline
    vee = (ax * 1.9 - 1.95 - y).clamp_min(-9)
    if kind is Clothes.STRIPES:
        colour = blend(colour, rise(torch.sin(y * 26), -0.1, 0.1), other)
    if kind is Clothes.SWEATER:
        colour = colour * (1 + 0.16 * torch.sin(60 * x) * (hollow > 0.12))[:, None]
    if kind is Clothes.JACKET:
        colour = blend(colour, rise(vee, 0.02, -0.02) * front, other)
        colour = colour * (1 - 0.5 * torch.exp(-((vee / 0.03) ** 2)) * front)[:, None]
    if kind is Clothes.DUNGAREES:
        strap = (ax - 0.42).abs() < 0.11
        colour = blend(other.repeat(len(x), 1), (strap | (y < -1.95)).float(), main)
    bare = linear(skin_rgb(who), x) * 0.94
    if kind in (Clothes.TEE, Clothes.STRIPES, Clothes.SWEATER, Clothes.DUNGAREES, Clothes.JACKET):
        colour = colour * (1 - 0.35 * torch.exp(-(((hollow - 0.03) / 0.02) ** 2)))[:, None]
        colour = blend(colour, rise(hollow, 0.01, -0.01), bare)
    if kind is Clothes.SHIRT:
        collar = torch.maximum(hollow - 0.17, (ax - 0.06) * -1.0 - 0.30 * (y + 1.48))
        colour = blend(colour, (collar < 0).float() * front, (main * 1.25 + 0.04).clamp_max(1))
        colour = colour * (1 - 0.55 * torch.exp(-(((hollow - 0.17).abs() / 0.016) ** 2)))[:, None]
        colour = colour * (1 - 0.5 * torch.exp(-((x / 0.012) ** 2)) * front)[:, None]
        colour = blend(colour, rise(torch.maximum(ax * 2.2 - (y + 1.66), hollow), 0.01, -0.01) * front, bare)
    if kind is Clothes.HOODIE:
        colour = colour * (1 - 0.5 * torch.exp(-(((hollow - 0.16) / 0.03) ** 2)))[:, None]
        cord = ((ax - 0.13).abs() < 0.018) & (y < -1.6) & (y > -2.15)
        colour = blend(colour, cord.float() * front, other)
    return colour * folds[:, None]
