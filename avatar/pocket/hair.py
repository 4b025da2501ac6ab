"""Shapes of hair, as signed distances in the head's frame."""

from __future__ import annotations

import torch
from torch import Tensor

from avatar.pocket.features import face_oval
from avatar.pocket.people import Hair, Person
from avatar.pocket.solids import ball, carve, egg, melt, rod

CENTRE = (0.0, 0.28, -0.12)  # the skull's own


def hair(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor | None:
    """Distance to the hair, None where there is none with a shape of its own."""
    if who.hair in (Hair.BALD, Hair.BUZZ):
        return None
    return SHAPES[who.hair](x, y, z, who)


def cap(x: Tensor, y: Tensor, z: Tensor, who: Person, thick: float, low: float, grow: float = 0.0) -> Tensor:
    """Hair over the skull, `thick` above it, cut free of the face and above `low` at the back."""
    d = egg(x, y, z, CENTRE, (who.head_width + thick, who.crown + thick, 0.82 + thick))
    d = carve(d, torch.maximum(face_oval(x, y, who, grow), 0.10 * (y - 0.2) - z), 0.07)
    return carve(d, torch.maximum(y - low, z - 0.9), 0.06)


def ears_free(d: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    """Hair cut round the ears."""
    return carve(d, egg(x.abs(), y, z, (who.head_width + 0.05, -0.06, -0.02), (0.22, 0.24, 0.22)), 0.06)


def strands(x: Tensor, y: Tensor, z: Tensor, depth: float) -> Tensor:
    """Soft locks that run downwards."""
    turn = torch.atan2(x, z + 0.25)
    return depth * torch.sin(23 * turn + 3.0 * torch.sin(2.2 * y + 4 * turn))


def short(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = ears_free(cap(x, y, z, who, 0.055 + 0.03 * who.hair_volume, -0.42), x, y, z, who)
    top = egg(
        x - 0.06 * who.parting, y, z, (0, 0.72, 0.02), (who.head_width * 0.82, 0.28 + 0.10 * who.hair_volume, 0.66)
    )
    top = carve(top, face_oval(x, y, who, -0.02), 0.05)
    return melt(d, top, 0.10) + strands(x + 0.4 * y, y * 0.3, z, 0.014)


def undercut(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    lift = 0.10 + 0.12 * who.hair_volume
    top = egg(x - 0.10 * who.parting, y, z, (0, 0.84, 0.06), (who.head_width * 0.70, 0.22 + lift, 0.66))
    quiff = egg(x - 0.14 * who.parting, y, z, (0, 0.98, 0.46), (who.head_width * 0.58, 0.16 + lift * 0.6, 0.26))
    d = carve(melt(top, quiff, 0.14), egg(x, y, z, (0, who.hairline - 0.40, 0.9), (0.9, 0.40, 0.5)), 0.08)
    return d + 0.022 * torch.sin(26 * x + 5 * torch.sin(3 * z) + 4 * y * who.parting)


def mohawk(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    ridge = (x * x * 22 + ((y - 0.55) ** 2 + (z + 0.10) ** 2)).sqrt() - (0.80 + 0.16 * who.hair_volume)
    d = torch.maximum(ridge * 0.5, 0.35 - y + 0.3 * z - 0.4)
    d = carve(d, egg(x, y, z, (0, who.hairline - 0.42, 0.92), (0.9, 0.42, 0.5)), 0.05)
    return d + 0.03 * torch.sin(15 * torch.atan2(y - 0.4, z + 0.1))


def curls(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = cap(x, y, z, who, 0.13 + 0.10 * who.hair_volume, -0.62)
    d = melt(d, egg(x.abs(), y, z, (who.head_width * 0.95, -0.05, -0.22), (0.24, 0.58, 0.40)), 0.12)
    return d * 0.8 + 0.045 * torch.sin(15 * x + 1) * torch.sin(15 * y + 2 * x) * torch.sin(15 * z + 2)


def afro(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    size = 0.24 + 0.28 * who.hair_volume
    d = egg(x, y, z, (0, 0.38, -0.22), (who.head_width + size, who.crown + size * 0.9, 0.80 + size))
    d = carve(d, torch.maximum(face_oval(x, y, who), 0.02 - z), 0.10)
    return d * 0.85 + 0.016 * torch.sin(31 * x) * torch.sin(31 * y + 1) * torch.sin(31 * z + 2)


def lobes(x: Tensor, y: Tensor, z: Tensor, who: Person, low: float, wide: float = 0.22) -> Tensor:
    """Hair that hangs beside and behind the head down to `low`."""
    half = (0.55 - low) / 2
    side = egg(x.abs(), y, z, (who.head_width * 0.92 + 0.02, 0.50 - half, -0.22), (wide, half, 0.40))
    back = egg(x, y, z, (0, 0.50 - half, -0.48), (who.head_width + 0.04, half, 0.42))
    return melt(side, back, 0.15)


def bob(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = melt(cap(x, y, z, who, 0.09, -0.60), lobes(x, y, z, who, -0.92, 0.24), 0.12)
    d = torch.maximum(d, -0.70 - y - 0.15 * who.hair_volume)
    return d + strands(x, y, z, 0.014)


def long(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = melt(cap(x, y, z, who, 0.08, -0.60), lobes(x, y, z, who, -1.75 - 0.3 * who.hair_volume), 0.12)
    return d + strands(x, y, z, 0.018)


def waves(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    bent = x + 0.05 * torch.sin(8 * y + 1.5)
    d = melt(cap(x, y, z, who, 0.11, -0.60), lobes(bent, y, z, who, -1.45 - 0.3 * who.hair_volume, 0.29), 0.12)
    d = melt(d, egg(x - 0.28 * who.parting, y, z, (0, 0.86, 0.16), (0.42, 0.20, 0.42)), 0.10)
    return d * 0.9 + 0.03 * torch.sin(9 * y + 3 * x.abs() + 1.5) + strands(x, y, z, 0.012)


def fringe(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    low = -0.85 - 0.8 * who.hair_volume
    d = melt(cap(x, y, z, who, 0.09, -0.60), lobes(x, y, z, who, low, 0.22), 0.12)
    front = egg(x, y, z, (0, 0.28, -0.08), (who.head_width + 0.06, who.crown + 0.05, 0.87))
    edge = who.eye_y + who.brow_y + 0.07
    front = torch.maximum(torch.maximum(front, edge + 0.12 * x * who.parting + 0.18 * x * x - y), 0.15 - z)
    return melt(d, front, 0.03) + strands(x, y * 0.3, z, 0.016)


def bun(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = ears_free(cap(x, y, z, who, 0.045, -0.48), x, y, z, who)
    size = 0.24 + 0.12 * who.hair_volume
    knot = ball(x, y, z, (0, 1.0 + size * 0.75, -0.18), size) + 0.02 * torch.sin(14 * y + 9 * x)
    return melt(d + 0.010 * torch.sin(40 * x), knot, 0.06)


def ponytail(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = ears_free(cap(x, y, z, who, 0.05, -0.48), x, y, z, who)
    side = 0.45 if who.parting > 0 else -0.45
    tail = rod(x, y, z, (side * 0.5, 0.75, -0.95), (side * 2.0, -0.05, -0.75), 0.20, 0.26)
    tail = melt(tail, rod(x, y, z, (side * 2.0, -0.05, -0.75), (side * 1.7, -1.45, -0.10), 0.26, 0.10), 0.15)
    return melt(d, tail, 0.06) + strands(x, y, z, 0.012)


def braids(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = cap(x, y, z, who, 0.05, -0.55) + 0.022 * torch.cos(34 * x)
    ax = x.abs()
    beads = 0.035 * torch.sin(20 * y).abs()
    braid = (
        rod(ax, y, z, (who.head_width + 0.02, -0.15, -0.05), (who.head_width + 0.02, -1.75, 0.28), 0.14, 0.10) - beads
    )
    return melt(d, braid * 0.8, 0.06)


def locs(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = melt(cap(x, y, z, who, 0.11, -0.60), lobes(x, y, z, who, -1.15 - 0.6 * who.hair_volume, 0.24), 0.10)
    turn = torch.atan2(x, z + 0.25)
    return d * 0.8 + 0.032 * torch.cos(27 * turn + 0.8 * torch.sin(5 * y)) + 0.012 * torch.sin(22 * y + 9 * turn.cos())


def headscarf(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    d = egg(x, y, z, CENTRE, (who.head_width + 0.09, who.crown + 0.08, 0.92))
    d = melt(d, egg(x, y, z, (0, -0.50, -0.05), (who.jaw_width + 0.22, 0.62, 0.62)), 0.25)
    d = melt(d, egg(x, y, z, (0, -1.25, -0.05), (0.62, 0.42, 0.58)), 0.30)
    oval = (
        (x / (who.face_width * 0.93)).abs() ** 2.4
        + ((y + 0.12) / (who.hairline * 0.5 - who.chin_y * 0.5 + 0.16)).abs() ** 2.4
        + 1e-6
    )
    d = carve(d, torch.maximum((oval ** (1 / 2.4) - 1) * 0.55, 0.1 - z), 0.06)
    return d + 0.016 * torch.sin(9 * (y + 0.6 * x.abs()) + 4 * z)


SHAPES = {
    Hair.SHORT: short,
    Hair.UNDERCUT: undercut,
    Hair.MOHAWK: mohawk,
    Hair.CURLS: curls,
    Hair.AFRO: afro,
    Hair.BOB: bob,
    Hair.LONG: long,
    Hair.WAVES: waves,
    Hair.FRINGE: fringe,
    Hair.BUN: bun,
    Hair.PONYTAIL: ponytail,
    Hair.BRAIDS: braids,
    Hair.LOCS: locs,
    Hair.HEADSCARF: headscarf,
}
