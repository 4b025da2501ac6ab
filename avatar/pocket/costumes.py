"""Costumes: things worn, marched apart from the person and laid over them by depth. Equal for everybody."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avatar.pocket.backdrops import ramp
from avatar.pocket.draw import Buffer, chunked, light, march, normals, shade
from avatar.pocket.paint import paint
from avatar.pocket.people import Hair, Person
from avatar.pocket.shapes import Part, axes, body, to_head
from avatar.pocket.solids import Triple, Vec, ball, carve, egg
from avatar.pocket.view import View


def girth(who: Person) -> float:
    """Half width of what sits on the head: hair counts, within reason."""
    extra = {Hair.BALD: 0.04, Hair.BUZZ: 0.05, Hair.AFRO: 0.24, Hair.CURLS: 0.18, Hair.WAVES: 0.15, Hair.LOCS: 0.15}
    return who.head_width + extra.get(who.hair, 0.11)


def ring(x: Tensor, y: Tensor, z: Tensor, centre: Vec, radii: tuple[float, float], thick: float) -> Tensor:
    """A hoop lying level, an ellipse of radii (x, z), of the given thickness."""
    px, pz = (x - centre[0]) / radii[0], (z - centre[2]) / radii[1]
    far = ((px * px + pz * pz).sqrt() - 1) * min(radii)
    return (far * far + (y - centre[1]) ** 2).sqrt() - thick


def royal(h: Triple, w: Triple, who: Person) -> Triple:
    """A crown (gold, jewels) and an ermine collar."""
    x, y, z = h
    r = girth(who) * 0.86
    turn = torch.atan2(x, z + 0.08)
    far = ((x / r) ** 2 + ((z + 0.08) / (r * 1.1)) ** 2).sqrt()
    base, points = who.hairline + 0.10, 0.30 + 0.13 * torch.cos(8 * turn)
    band = (
        torch.maximum(((far - 1 - 0.25 * (y - base)) * r).abs() - 0.025, torch.maximum(base - y, y - base - points))
        * 0.7
    )
    gems = ball(
        ((turn / (torch.pi / 4)) - (turn / (torch.pi / 4)).round()) * 0.62,
        y,
        far * r,
        (0, base + 0.12, r + 0.04),
        0.055,
    )
    collar = torch.maximum(
        body(w[0], w[1], w[2], who)[1] - 0.07, (w[0] ** 2 + (w[1] + 1.15) ** 2).sqrt() - who.neck_width - 0.42
    )
    return band, gems, collar


def wizard(h: Triple, w: Triple, who: Person) -> Triple:
    """A pointed hat (cloth, band) and a robe's collar."""
    x, y, z = h
    r, base = girth(who) * 1.02, who.hairline + 0.02
    tilt = y + 0.16 * (z + 0.1)
    up = (tilt - base) / 1.05
    far = (x * x + (z + 0.12) ** 2).sqrt()
    cone = torch.maximum((far - r * (1 - up).clamp_min(0)) * 0.75, base - 0.04 - tilt)
    brim = torch.maximum(far - r * 1.38, (tilt - base).abs() - 0.03) * 0.9
    band = torch.maximum((far - r * (1.03 - up)) * 0.75, (tilt - base - 0.10).abs() - 0.07)
    collar = body(w[0], w[1], w[2], who)[1] - 0.05
    return torch.minimum(cone, brim), band, collar


def knight(h: Triple, w: Triple, who: Person) -> Triple:
    """An open steel helmet with its rim, a gorget and plates on the shoulders."""
    x, y, z = h
    r = girth(who) + 0.02
    shell = egg(x, y, z, (0, 0.26, -0.12), (r, who.crown + 0.16, 0.98))
    shell = carve(shell, torch.maximum(face(x, y, who), -0.02 - z), 0.03)
    shell = torch.maximum(shell, -0.75 - y)
    crest = egg(x, y, z, (0, 0.55, -0.12), (0.07, who.crown + 0.05, 0.98))
    neck = torch.minimum(
        body(w[0], w[1], w[2], who)[1] - 0.05,
        ring(w[0], w[1], w[2], (0, -1.12, -0.22), (who.neck_width + 0.12, who.neck_width + 0.14), 0.09),
    )
    ax, wy, wz = w[0].abs(), w[1], w[2]
    plates = egg(ax, wy, wz, (who.shoulder * 0.80, -1.72, -0.26), (0.46, 0.40, 0.50))
    return shell, carve(crest, torch.maximum(face(x, y, who), -0.02 - z), 0.03), torch.minimum(neck, plates)


def face(x: Tensor, y: Tensor, who: Person) -> Tensor:
    """The opening a helmet leaves for the face: negative within."""
    top, low = who.hairline * 0.92, -who.chin_y + 0.10
    up = torch.where(y > 0, y / top, y / low)
    return (((x / (who.head_width * 0.93)).abs() ** 3 + up.abs() ** 3 + 1e-6) ** (1 / 3) - 1) * 0.6


def astronaut(h: Triple, w: Triple, who: Person) -> Triple:
    """A white hood with a dark edge, the helmet's ring and a padded suit."""
    x, y, z = h
    r = girth(who) + 0.10
    shell = egg(x, y, z, (0, 0.16, -0.16), (r, who.crown + 0.26, 1.02))
    shell = torch.maximum(carve(shell, torch.maximum(face(x, y, who), 0.05 - z), 0.05), -0.90 - y)
    edge = torch.maximum(face(x, y, who).abs() - 0.045, shell.abs() - 0.05)
    collar = ring(w[0], w[1], w[2], (0, -1.22, -0.18), (0.78, 0.72), 0.13)
    suit = body(w[0], w[1], w[2], who)[1] - 0.06
    return shell, edge, torch.minimum(collar, suit)


def wreath(h: Triple, w: Triple, who: Person) -> Triple:
    """Leaves, flowers and their hearts, round the head."""
    x, y, z = h
    r, base = girth(who), who.hairline + 0.03
    tilt = y + 0.18 * (z - 0.3)
    leaves = ring(x, tilt, z, (0, base, -0.10), (r, r * 1.12), 0.085) + 0.03 * torch.sin(
        24 * torch.atan2(x, z + 0.1)
    ) * torch.sin(30 * y)
    turn = torch.atan2(x / r, (z + 0.10) / (r * 1.12))
    step = torch.pi / 6
    middle = (turn / step).round() * step
    cx, cz = r * torch.sin(middle), r * 1.12 * torch.cos(middle) - 0.10
    far = ((x - cx * 1.05) ** 2 + (tilt - base) ** 2 + (z - cz * 1.05) ** 2).sqrt()
    petals = far - 0.135 - 0.025 * torch.cos(5 * torch.atan2(tilt - base, (x - cx) * cz - (z - cz) * cx))
    out = ((x - cx * 1.15) ** 2 + (tilt - base) ** 2 + (z - cz * 1.15) ** 2).sqrt()
    return leaves * 0.8, petals * 0.8, out - 0.062


COSTUMES = {  # shape, colours of its three pieces in linear light, backdrop top and bottom in sRGB
    "astronaut": (
        astronaut,
        ((0.80, 0.80, 0.82), (0.06, 0.06, 0.07), (0.78, 0.78, 0.80)),
        ((0.02, 0.02, 0.07), (0.06, 0.09, 0.22)),
    ),
    "royal": (
        royal,
        ((0.70, 0.42, 0.08), (0.55, 0.02, 0.06), (0.85, 0.82, 0.76)),
        ((0.38, 0.07, 0.11), (0.18, 0.03, 0.07)),
    ),
    "knight": (
        knight,
        ((0.30, 0.32, 0.35), (0.42, 0.08, 0.06), (0.26, 0.28, 0.31)),
        ((0.50, 0.52, 0.54), (0.24, 0.24, 0.26)),
    ),
    "wizard": (
        wizard,
        ((0.05, 0.04, 0.22), (0.70, 0.50, 0.10), (0.06, 0.05, 0.25)),
        ((0.12, 0.10, 0.30), (0.30, 0.14, 0.40)),
    ),
    "flower-wreath": (
        wreath,
        ((0.05, 0.18, 0.04), (0.80, 0.25, 0.35), (0.85, 0.60, 0.06)),
        ((0.66, 0.84, 0.90), (0.45, 0.68, 0.40)),
    ),
}


def pieces(points: Tensor, who: Person, view: View, theme: str) -> Tensor:
    """Distances (3, N) of a costume's pieces from world points (N, 3)."""
    return torch.stack(COSTUMES[theme][0](axes(to_head(points, view)), axes(points), who))


def sky_of(theme: str, view: View, side: int) -> np.ndarray:
    """The costume's backdrop, float32 (side, side, 3)."""
    import cv2

    field = ramp(*COSTUMES[theme][2])
    rng = np.random.default_rng([view.seed, 23])
    field = (
        field * rng.uniform(0.85, 1.2)
        + cv2.GaussianBlur(rng.normal(0, 0.5, (96, 96, 1)).astype(np.float32), (0, 0), 5)[..., None]
    )
    if theme in ("astronaut", "wizard"):
        for _ in range(50):
            field[rng.integers(96), rng.integers(96)] = rng.uniform(0.5, 1)
    return cv2.resize(field.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def dressed(buffer: Buffer, who: Person, view: View, theme: str) -> np.ndarray:
    """A person in costume, uint8 (size, size, 3), from a person marched already."""
    with torch.inference_mode():
        worn = over(buffer, who, view, theme)
        own = light(buffer, who, view, paint(buffer, who, view))
        colour = own.new_tensor(COSTUMES[theme][1])[worn.part]
        bright = light(
            Buffer(**{**fields_of(worn), "part": torch.full_like(worn.part, Part.GLASSES)}), who, view, colour, False
        )
        scene = torch.full((buffer.side**2, 3), -1.0, device=own.device)
        scene[buffer.where] = own
        scene[worn.where] = bright
        hit = (scene[:, 0] >= 0).nonzero().squeeze(-1)
    return shade(buffer, who, view, lit=scene[hit], where=hit, behind=sky_of(theme, view, buffer.side))


def fields_of(buffer: Buffer) -> dict[str, Any]:
    """A buffer's fields by name."""
    return {name: getattr(buffer, name) for name in buffer.__slots__}


def over(buffer: Buffer, who: Person, view: View, theme: str) -> Buffer:
    """The costume's own buffer: only the pixels where it is in front of the person."""
    gap = partial(chunked, lambda p: pieces(p, who, view, theme).amin(0))
    origin, aim, depth = march(view, buffer.side, gap, buffer.depth.device)
    reach = torch.zeros_like(depth)  # hair that pokes through a hat is pressed under it
    if theme != "flower-wreath":
        reach[buffer.where[buffer.part == Part.HAIR]] = 0.45
    where = (depth.isfinite() & (depth < buffer.depth + reach)).nonzero().squeeze(-1)
    world = origin + aim[where] * depth[where, None]
    part = pieces(world, who, view, theme).argmin(0)
    normal = normals(world, gap)
    sky = (gap(world + normal * 0.12) / 0.12).clamp(0.35, 1)
    return Buffer(
        buffer.size, buffer.side, where, world, to_head(world, view), normal, aim[where], depth, part, sky, {}
    )
