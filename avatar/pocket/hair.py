"""Shapes of hair, as signed distances in the head's frame."""

import torch
from torch import Tensor

from avatar.pocket.features import face_oval
from avatar.pocket.people import Hair, Person
from avatar.pocket.solids import ball, carve, egg, melt, rod

CENTRE = (0.0, .28, -.12)  # the skull's own


def hair(x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor | None:
    """Distance to the hair, None where there is none with a shape of its own."""
    if who.hair in (Hair.BALD, Hair.BUZZ):
        return None
    return SHAPES[who.hair](x, y, z, who)


def cap(x: Tensor, y: Tensor, z: Tensor, who: Person, thick: float, low: float, grow: float = 0.0) -> Tensor:
    """Hair over the skull, `thick` above it, cut free of the face and above `low` at the back."""
    d = egg(x, y, z, CENTRE, (who.head_width + thick, who.crown + thick, .82 + thick))
    d = carve(d, torch.maximum(face_oval(x, y, who, grow), .0 - z + .10 * (y - .2)), .07)
    return carve(d, torch.maximum(y - low, z - .9), .06)


def ears_free(d: Tensor, x: Tensor, y: Tensor, z: Tensor, who: Person) -> Tensor:
    """Hair cut round the ears."""
    return carve(d, egg(x.abs(), y, z, (who.head_width + .05, -.06, -.02), (.22, .24, .22)), .06)


def strands(x: Tensor, y: Tensor, z: Tensor, depth: float) -> Tensor:
    """Soft locks that run downwards."""
    turn = torch.atan2(x, z + .25)
    return depth * torch.sin(23 * turn + 3.0 * torch.sin(2.2 * y + 4 * turn))


def short(x, y, z, who):
    d = ears_free(cap(x, y, z, who, .055 + .03 * who.hair_volume, -.42), x, y, z, who)
    top = egg(x - .06 * who.parting, y, z, (0, .72, .02), (who.head_width * .82, .28 + .10 * who.hair_volume, .66))
    top = carve(top, face_oval(x, y, who, -.02), .05)
    return melt(d, top, .10) + strands(x + .4 * y, y * .3, z, .014)


def undercut(x, y, z, who):
    lift = .10 + .12 * who.hair_volume
    top = egg(x - .10 * who.parting, y, z, (0, .84, .06), (who.head_width * .70, .22 + lift, .66))
    quiff = egg(x - .14 * who.parting, y, z, (0, .98, .46), (who.head_width * .58, .16 + lift * .6, .26))
    d = carve(melt(top, quiff, .14), egg(x, y, z, (0, who.hairline - .40, .9), (.9, .40, .5)), .08)
    return d + .022 * torch.sin(26 * x + 5 * torch.sin(3 * z) + 4 * y * who.parting)


def mohawk(x, y, z, who):
    ridge = (x * x * 22 + ((y - .55) ** 2 + (z + .10) ** 2)).sqrt() - (.80 + .16 * who.hair_volume)
    d = torch.maximum(ridge * .5, .35 - y + .3 * z - .4)
    d = carve(d, egg(x, y, z, (0, who.hairline - .42, .92), (.9, .42, .5)), .05)
    return d + .03 * torch.sin(15 * torch.atan2(y - .4, z + .1))


def curls(x, y, z, who):
    d = cap(x, y, z, who, .13 + .10 * who.hair_volume, -.62)
    d = melt(d, egg(x.abs(), y, z, (who.head_width * .95, -.05, -.22), (.24, .58, .40)), .12)
    return d * .8 + .045 * torch.sin(15 * x + 1) * torch.sin(15 * y + 2 * x) * torch.sin(15 * z + 2)


def afro(x, y, z, who):
    size = .24 + .28 * who.hair_volume
    d = egg(x, y, z, (0, .38, -.22), (who.head_width + size, who.crown + size * .9, .80 + size))
    d = carve(d, torch.maximum(face_oval(x, y, who), .02 - z), .10)
    return d * .85 + .016 * torch.sin(31 * x) * torch.sin(31 * y + 1) * torch.sin(31 * z + 2)


def lobes(x, y, z, who, low, wide=.22):
    """Hair that hangs beside and behind the head down to `low`."""
    half = (.55 - low) / 2
    side = egg(x.abs(), y, z, (who.head_width * .92 + .02, .50 - half, -.22), (wide, half, .40))
    back = egg(x, y, z, (0, .50 - half, -.48), (who.head_width + .04, half, .42))
    return melt(side, back, .15)


def bob(x, y, z, who):
    d = melt(cap(x, y, z, who, .09, -.60), lobes(x, y, z, who, -.92, .24), .12)
    d = torch.maximum(d, -.70 - y - .15 * who.hair_volume)
    return d + strands(x, y, z, .014)


def long(x, y, z, who):
    d = melt(cap(x, y, z, who, .08, -.60), lobes(x, y, z, who, -1.75 - .3 * who.hair_volume), .12)
    return d + strands(x, y, z, .018)


def waves(x, y, z, who):
    bent = x + .05 * torch.sin(8 * y + 1.5)
    d = melt(cap(x, y, z, who, .11, -.60), lobes(bent, y, z, who, -1.45 - .3 * who.hair_volume, .29), .12)
    d = melt(d, egg(x - .28 * who.parting, y, z, (0, .86, .16), (.42, .20, .42)), .10)
    return d * .9 + .03 * torch.sin(9 * y + 3 * x.abs() + 1.5) + strands(x, y, z, .012)


def fringe(x, y, z, who):
    low = -.85 - .8 * who.hair_volume
    d = melt(cap(x, y, z, who, .09, -.60), lobes(x, y, z, who, low, .22), .12)
    front = egg(x, y, z, (0, .28, -.08), (who.head_width + .06, who.crown + .05, .87))
    edge = who.eye_y + who.brow_y + .07
    front = torch.maximum(torch.maximum(front, edge + .12 * x * who.parting + .18 * x * x - y), .15 - z)
    return melt(d, front, .03) + strands(x, y * .3, z, .016)


def bun(x, y, z, who):
    d = ears_free(cap(x, y, z, who, .045, -.48), x, y, z, who)
    size = .24 + .12 * who.hair_volume
    knot = ball(x, y, z, (0, 1.0 + size * .75, -.18), size) + .02 * torch.sin(14 * y + 9 * x)
    return melt(d + .010 * torch.sin(40 * x), knot, .06)


def ponytail(x, y, z, who):
    d = ears_free(cap(x, y, z, who, .05, -.48), x, y, z, who)
    side = .45 if who.parting > 0 else -.45
    tail = rod(x, y, z, (side * .5, .75, -.95), (side * 2.0, -.05, -.75), .20, .26)
    tail = melt(tail, rod(x, y, z, (side * 2.0, -.05, -.75), (side * 1.7, -1.45, -.10), .26, .10), .15)
    return melt(d, tail, .06) + strands(x, y, z, .012)


def braids(x, y, z, who):
    d = cap(x, y, z, who, .05, -.55) + .022 * torch.cos(34 * x)
    ax = x.abs()
    beads = .035 * torch.sin(20 * y).abs()
    braid = rod(ax, y, z, (who.head_width + .02, -.15, -.05), (who.head_width + .02, -1.75, .28), .14, .10) - beads
    return melt(d, braid * .8, .06)


def locs(x, y, z, who):
    d = melt(cap(x, y, z, who, .11, -.60), lobes(x, y, z, who, -1.15 - .6 * who.hair_volume, .24), .10)
    turn = torch.atan2(x, z + .25)
    return d * .8 + .032 * torch.cos(27 * turn + .8 * torch.sin(5 * y)) + .012 * torch.sin(22 * y + 9 * turn.cos())


def headscarf(x, y, z, who):
    d = egg(x, y, z, CENTRE, (who.head_width + .09, who.crown + .08, .92))
    d = melt(d, egg(x, y, z, (0, -.50, -.05), (who.jaw_width + .22, .62, .62)), .25)
    d = melt(d, egg(x, y, z, (0, -1.25, -.05), (.62, .42, .58)), .30)
    oval = ((x / (who.face_width * .93)).abs() ** 2.4 + ((y + .12) / (who.hairline * .5 - who.chin_y * .5 + .16)).abs() ** 2.4 + 1e-6)
    d = carve(d, torch.maximum((oval ** (1 / 2.4) - 1) * .55, .1 - z), .06)
    return d + .016 * torch.sin(9 * (y + .6 * x.abs()) + 4 * z)


SHAPES = {
    Hair.SHORT: short, Hair.UNDERCUT: undercut, Hair.MOHAWK: mohawk, Hair.CURLS: curls, Hair.AFRO: afro,
    Hair.BOB: bob, Hair.LONG: long, Hair.WAVES: waves, Hair.FRINGE: fringe, Hair.BUN: bun, Hair.PONYTAIL: ponytail,
    Hair.BRAIDS: braids, Hair.LOCS: locs, Hair.HEADSCARF: headscarf,
}
