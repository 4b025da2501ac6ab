"""Lines of a face that both its shape and its paint follow: lids, mouth, brows, beard, hairline.

All take tensors (N,) in head units and give tensors (N,); masks are in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

from avatar.pocket.people import Beard, Person
from avatar.pocket.solids import rise
from avatar.pocket.view import View


def eye_plane(x: Tensor, y: Tensor, who: Person) -> tuple[Tensor, Tensor]:
    """(across, up) in eye radii from the nearer eye's centre; across grows towards the ear."""
    across, up = x.abs() - who.eye_x, y - who.eye_y - who.skew * x
    t = who.eye_tilt
    return (across + t * up) * (1 / who.eye_radius), (up - t * across) * (1 / who.eye_radius)


def lids(across: Tensor, who: Person, view: View) -> tuple[Tensor, Tensor]:
    """Heights of the upper and the lower lid's edge above the eye's centre, in eye radii."""
    squint = 0.18 * max(view.smile, 0)
    low = -who.eye_low * (1 - squint)
    high = who.eye_open * (1 - squint * 0.5) + 0.12 * (view.gaze_y > 0.1)
    high = high * (1 - view.blink) + low * view.blink
    s = across * (1 / who.eye_long)
    bow = 1 - s * s
    return high * (bow - 0.10 * s * bow.clamp_min(0)), low * (bow + 0.18 * s * bow.clamp_min(0))


def mouth_line(x: Tensor, y: Tensor, who: Person, view: View) -> tuple[Tensor, Tensor, Tensor]:
    """(across, above, below): share of the half width, height over the upper and under the lower edge of the gap."""
    width = mouth_half(who, view)
    across = (x - 0.5 * who.bend) * (1 / width)
    s2 = across * across
    corner = who.lip_corner + 0.095 * view.smile
    line = mouth_height(who) + corner * s2.clamp_max(1.6) - 0.3 * corner + who.skew * 0.6 * x
    gap = 0.085 * view.mouth_open * (1 - s2).clamp_min(0)
    return across, y - line - 0.35 * gap, line - gap - y


def mouth_half(who: Person, view: View) -> float:
    """Half the width of the mouth with this expression."""
    return who.mouth_width * (1 + 0.22 * view.smile - 0.12 * view.mouth_open)


def mouth_height(who: Person) -> float:
    """Where the lips meet."""
    return who.nose_y - 0.06 + (who.chin_y - who.nose_y) * who.mouth_y * 0.8


def lip_bumps(x: Tensor, y: Tensor, who: Person, view: View) -> tuple[Tensor, Tensor]:
    """(fullness, tint) of both lips: how far they stand out in [0, 1] and how much is painted as lip."""
    across, above, below = mouth_line(x, y, who, view)
    s2 = (across * across).clamp_max(1.5)
    taper = (1 - s2).clamp_min(0).sqrt()
    bow = (
        1 - 0.35 * who.lip_bow * torch.exp(-s2 * 40) + 0.2 * who.lip_bow * torch.exp(-((across.abs() - 0.3) ** 2) * 30)
    )
    up = above / (who.lip_upper * taper * bow + 0.004)
    down = below / (who.lip_lower * taper + 0.004)
    full_up = (1 - (up - 0.45) ** 2 * 2.4).clamp_min(0)
    full_down = (1 - (down - 0.5) ** 2 * 2.4).clamp_min(0)
    fullness = torch.maximum(full_up * who.lip_upper * 12, full_down * who.lip_lower * 12) * taper
    tint = (rise(up, 1.12, 0.88) * (above > -0.01) + rise(down, 1.12, 0.88) * (below > -0.01)).clamp(0, 1)
    return fullness.clamp_max(1.1), tint * rise(s2, 1.02, 0.9)


def brow(x: Tensor, y: Tensor, who: Person, view: View) -> Tensor:
    """Mask of the brows."""
    along = (x.abs() - who.brow_inner) * (1 / who.brow_length)
    arch = who.brow_arch * (1 - (along - 0.58) ** 2 * 4) + who.brow_tilt * (along - 0.4)
    middle = who.eye_y + who.brow_y + arch + view.brow_raise + 0.015 * view.mouth_open + who.skew * 1.5 * x
    thick = who.brow_thick * (1.05 - 0.62 * along.clamp(0, 1) ** 2)
    return rise((y - middle).abs() / thick, 1.25, 0.65) * rise(along, -0.06, 0.06) * rise(along, 1.05, 0.9)


def beard(x: Tensor, y: Tensor, z: Tensor, who: Person, view: View) -> Tensor:
    """Mask of the facial hair; stubble covers the place of a full beard."""
    if who.beard is Beard.NONE:
        return torch.zeros_like(x)
    across, above, below = mouth_line(x, y, who, view)
    height, half = mouth_height(who), mouth_half(who, view)
    ax = x.abs()
    lipless = 1 - rise(below, who.lip_lower * 1.15 + 0.02, who.lip_lower * 0.8) * rise(across.abs(), 1.12, 0.95) * (
        above < 0.0
    )
    out = ax * (1 / (half * 1.12))
    top = who.nose_y - 0.045 - 0.13 * out**2.2
    low = who.lip_upper * 0.85 * (1 - out * out) - 0.05 * out**3
    tache = rise(above - low, -0.02, 0.02) * rise(y - top, 0.02, -0.03) * rise(out, 1.08, 0.9) * (z > 0.2)
    if who.beard is Beard.MOUSTACHE:
        return tache
    bottom = rise(y, who.chin_y - 0.22, who.chin_y - 0.12)
    if who.beard is Beard.GOATEE:
        round_chin = (ax / half) ** 2.5 + ((y - height + 0.22) / 0.30).abs() ** 2.5
        return torch.maximum(tache, rise(round_chin, 1.2, 0.7) * bottom * (z > 0.1) * lipless * (above < 0.02))
    climb = ((ax - half) / (who.face_width * 0.95 - half)).clamp(0, 1)
    line = height + 0.02 + climb**1.9 * (0.02 - height)
    jaw = rise(y - line, 0.07, -0.11) * bottom * rise(z, 0.0, 0.14)
    return torch.maximum(tache, jaw * lipless * (1 - rise(above, -0.005, 0.005) * rise(across.abs(), 1.1, 1.0)))


def face_oval(x: Tensor, y: Tensor, who: Person, grow: float = 0.0) -> Tensor:
    """Rough distance in the picture plane outside the hairless oval of the face: negative on the face."""
    top = who.hairline + grow
    side = who.head_width * 0.93 + grow
    height = torch.where(y > 0, y * (1 / top), y * (1 / 1.25))
    across = x * (1 / side)
    s = (across.abs() ** 2.6 + height.abs() ** 2.6 + 1e-6) ** (1 / 2.6)
    return (s - 1) * min(top, side)


def scalp(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    """Mask of where hair grows on the head."""
    front = rise(face_oval(x, y, who), -0.02, 0.05)
    ear = rise(z, 0.14, 0.04) * rise(y, 0.02, 0.12)
    return torch.maximum(front * rise(y, 0.0, 0.12), torch.maximum(ear, rise(z, -0.22, -0.32) * rise(y, -0.55, -0.40)))
