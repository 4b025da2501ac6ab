"""Costumes: things worn, marched apart from the person and laid over them by depth. Equal for everybody."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from avatar.pocket.backdrops import ramp
from avatar.pocket.draw import Buffer, chunked, light, march, normals, shade
from avatar.pocket.paint import paint
from avatar.pocket.people import Hair, Person
from avatar.pocket.shapes import Part, body, to_head
from avatar.pocket.solids import ball, carve, egg, melt, rod
from avatar.pocket.view import View

FAR = 9.0


def girth(who: Person) -> float:
    """Half width of what sits on the head: hair counts, within reason."""
    extra = {Hair.BALD: .04, Hair.BUZZ: .05, Hair.AFRO: .24, Hair.CURLS: .18, Hair.WAVES: .15, Hair.LOCS: .15}
    return who.head_width + extra.get(who.hair, .11)


def ring(x: Tensor, y: Tensor, z: Tensor, centre: tuple, radii: tuple, thick: float) -> Tensor:
    """A hoop lying level, an ellipse of radii (x, z), of the given thickness."""
    px, pz = (x - centre[0]) / radii[0], (z - centre[2]) / radii[1]
    far = ((px * px + pz * pz).sqrt() - 1) * min(radii)
    return (far * far + (y - centre[1]) ** 2).sqrt() - thick


def royal(h: tuple, w: tuple, who: Person) -> tuple[Tensor, ...]:
    """A crown (gold, jewels) and an ermine collar."""
    x, y, z = h
    r = girth(who) * .86
    turn = torch.atan2(x, z + .08)
    far = ((x / r) ** 2 + ((z + .08) / (r * 1.1)) ** 2).sqrt()
    base, points = who.hairline + .10, .30 + .13 * torch.cos(8 * turn)
    band = torch.maximum(((far - 1 - .25 * (y - base)) * r).abs() - .025, torch.maximum(base - y, y - base - points)) * .7
    gems = ball(((turn / (torch.pi / 4)) - (turn / (torch.pi / 4)).round()) * .62, y, far * r, (0, base + .12, r + .04), .055)
    collar = torch.maximum(body(*w, who)[1] - .07, (w[0] ** 2 + (w[1] + 1.15) ** 2).sqrt() - who.neck_width - .42)
    return band, gems, collar


def wizard(h: tuple, w: tuple, who: Person) -> tuple[Tensor, ...]:
    """A pointed hat (cloth, band) and a robe's collar."""
    x, y, z = h
    r, base = girth(who) * 1.02, who.hairline + .02
    tilt = y + .16 * (z + .1)
    up = (tilt - base) / 1.05
    far = (x * x + (z + .12) ** 2).sqrt()
    cone = torch.maximum((far - r * (1 - up).clamp_min(0)) * .75, base - .04 - tilt)
    brim = torch.maximum(far - r * 1.38, (tilt - base).abs() - .03) * .9
    band = torch.maximum((far - r * (1.03 - up)) * .75, (tilt - base - .10).abs() - .07)
    collar = body(*w, who)[1] - .05
    return torch.minimum(cone, brim), band, collar


def knight(h: tuple, w: tuple, who: Person) -> tuple[Tensor, ...]:
    """An open steel helmet with its rim, a gorget and plates on the shoulders."""
    x, y, z = h
    r = girth(who) + .02
    shell = egg(x, y, z, (0, .26, -.12), (r, who.crown + .16, .98))
    shell = carve(shell, torch.maximum(face(x, y, who), -.02 - z), .03)
    shell = torch.maximum(shell, -.75 - y)
    crest = egg(x, y, z, (0, .55, -.12), (.07, who.crown + .05, .98))
    neck = torch.minimum(body(*w, who)[1] - .05, ring(*w, (0, -1.12, -.22), (who.neck_width + .12, who.neck_width + .14), .09))
    ax, wy, wz = w[0].abs(), w[1], w[2]
    plates = egg(ax, wy, wz, (who.shoulder * .80, -1.72, -.26), (.46, .40, .50))
    return shell, carve(crest, torch.maximum(face(x, y, who), -.02 - z), .03), torch.minimum(neck, plates)


def face(x: Tensor, y: Tensor, who: Person) -> Tensor:
    """The opening a helmet leaves for the face: negative within."""
    top, low = who.hairline * .92, -who.chin_y + .10
    up = torch.where(y > 0, y / top, y / low)
    return (((x / (who.head_width * .93)).abs() ** 3 + up.abs() ** 3 + 1e-6) ** (1 / 3) - 1) * .6


def astronaut(h: tuple, w: tuple, who: Person) -> tuple[Tensor, ...]:
    """A white hood with a dark edge, the helmet's ring and a padded suit."""
    x, y, z = h
    r = girth(who) + .10
    shell = egg(x, y, z, (0, .16, -.16), (r, who.crown + .26, 1.02))
    shell = torch.maximum(carve(shell, torch.maximum(face(x, y, who), .05 - z), .05), -.90 - y)
    edge = torch.maximum(face(x, y, who).abs() - .045, shell.abs() - .05)
    collar = ring(*w, (0, -1.22, -.18), (.78, .72), .13)
    suit = body(*w, who)[1] - .06
    return shell, edge, torch.minimum(collar, suit)


def wreath(h: tuple, w: tuple, who: Person) -> tuple[Tensor, ...]:
    """Leaves, flowers and their hearts, round the head."""
    x, y, z = h
    r, base = girth(who) * 1.0, who.hairline + .03
    tilt = y - .18 * (z - .3) * -1
    leaves = ring(x, tilt, z, (0, base, -.10), (r, r * 1.12), .085) + .03 * torch.sin(24 * torch.atan2(x, z + .1)) * torch.sin(30 * y)
    turn = torch.atan2(x / r, (z + .10) / (r * 1.12))
    step = torch.pi / 6
    middle = (turn / step).round() * step
    cx, cz = r * torch.sin(middle), r * 1.12 * torch.cos(middle) - .10
    far = ((x - cx * 1.05) ** 2 + (tilt - base) ** 2 + (z - cz * 1.05) ** 2).sqrt()
    petals = far - .135 - .025 * torch.cos(5 * torch.atan2(tilt - base, (x - cx) * cz - (z - cz) * cx))
    out = ((x - cx * 1.15) ** 2 + (tilt - base) ** 2 + (z - cz * 1.15) ** 2).sqrt()
    return leaves * .8, petals * .8, out - .062


COSTUMES = {  # shape, colours of its three pieces in linear light, backdrop top and bottom in sRGB
    "astronaut": (astronaut, ((.80, .80, .82), (.06, .06, .07), (.78, .78, .80)), ((.02, .02, .07), (.06, .09, .22))),
    "royal": (royal, ((.70, .42, .08), (.55, .02, .06), (.85, .82, .76)), ((.38, .07, .11), (.18, .03, .07))),
    "knight": (knight, ((.30, .32, .35), (.42, .08, .06), (.26, .28, .31)), ((.50, .52, .54), (.24, .24, .26))),
    "wizard": (wizard, ((.05, .04, .22), (.70, .50, .10), (.06, .05, .25)), ((.12, .10, .30), (.30, .14, .40))),
    "flower-wreath": (wreath, ((.05, .18, .04), (.80, .25, .35), (.85, .60, .06)), ((.66, .84, .90), (.45, .68, .40))),
}


def pieces(points: Tensor, who: Person, view: View, theme: str) -> Tensor:
    """Distances (3, N) of a costume's pieces from world points (N, 3)."""
    h = tuple(c.contiguous() for c in to_head(points, view).unbind(-1))
    w = tuple(c.contiguous() for c in points.unbind(-1))
    return torch.stack(COSTUMES[theme][0](h, w, who))


def sky_of(theme: str, view: View, side: int) -> np.ndarray:
    """The costume's backdrop, float32 (side, side, 3)."""
    import cv2

    field = ramp(*COSTUMES[theme][2])
    rng = np.random.default_rng([view.seed, 23])
    field = field * rng.uniform(.85, 1.2) + cv2.GaussianBlur(rng.normal(0, .5, (96, 96, 1)).astype(np.float32), (0, 0), 5)[..., None]
    if theme in ("astronaut", "wizard"):
        for _ in range(50):
            field[rng.integers(96), rng.integers(96)] = rng.uniform(.5, 1)
    return cv2.resize(field.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def dressed(buffer: Buffer, who: Person, view: View, theme: str) -> np.ndarray:
    """A person in costume, uint8 (size, size, 3), from a person marched already."""
    with torch.inference_mode():
        worn = over(buffer, who, view, theme)
        own = light(buffer, who, view, paint(buffer, who, view))
        colour = own.new_tensor(COSTUMES[theme][1])[worn.part]
        bright = light(Buffer(**{**fields_of(worn), "part": torch.full_like(worn.part, Part.GLASSES)}), who, view, colour, False)
        scene = torch.full((buffer.side ** 2, 3), -1.0)
        scene[buffer.where] = own
        scene[worn.where] = bright
        hit = (scene[:, 0] >= 0).nonzero().squeeze(-1)
    return shade(buffer, who, view, lit=scene[hit], where=hit, behind=sky_of(theme, view, buffer.side))


def fields_of(buffer: Buffer) -> dict:
    """A buffer's fields by name."""
    return {name: getattr(buffer, name) for name in buffer.__slots__}


def over(buffer: Buffer, who: Person, view: View, theme: str) -> Buffer:
    """The costume's own buffer: only the pixels where it is in front of the person."""
    gap = partial(chunked, lambda p: pieces(p, who, view, theme).amin(0))
    origin, aim, depth = march(view, buffer.side, gap, buffer.depth.device)
    reach = torch.zeros_like(depth)  # hair that pokes through a hat is pressed under it
    if theme != "flower-wreath":
        reach[buffer.where[buffer.part == Part.HAIR]] = .45
    where = (depth.isfinite() & (depth < buffer.depth + reach)).nonzero().squeeze(-1)
    world = origin + aim[where] * depth[where, None]
    part = pieces(world, who, view, theme).argmin(0)
    sky = (gap(world + normals(world, gap) * .12) / .12).clamp(.35, 1)
    return Buffer(buffer.size, buffer.side, where, world, to_head(world, view), normals(world, gap), aim[where], depth, part, sky, {})
