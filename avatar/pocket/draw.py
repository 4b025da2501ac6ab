"""Draw a person: one slow march finds what each pixel sees, cheap shadings then light and colour it.

`geometry` costs most of the time; `shade` may be called many times on its buffer with other colours,
lights, clothes and backdrops (see people.recolour), as long as bones, pose and camera stay the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from avatar.pocket.backdrops import backdrop
from avatar.pocket.clothes import linear
from avatar.pocket.colours import skin_rgb
from avatar.pocket.paint import GLOSS, paint
from avatar.pocket.people import Person
from avatar.pocket.shapes import Part, distances, surface, to_head
from avatar.pocket.solids import rotation
from avatar.pocket.view import View

Field = Callable[[Tensor], Tensor]  # points (N, 3) to distances, joined on the last axis
FINE = 1.25  # samples per pixel and axis: the lens blur does the rest of the smoothing
CHUNK = 24_000  # points at a time: the working set stays in the cache
SHEEN = 0.08  # added highlight of the deepest skin, which shows its shape by gloss more than by shade
METERED = 1.8  # how much brighter a camera that looks for faces shows the deepest skin
WARM = (1.08, 0.98, 0.90)  # the light that deep skin gives back, by channel
FAR = 3.4  # head units behind the head's centre where a ray is given up


@dataclass(frozen=True, slots=True)
class Buffer:
    """What the camera sees. N pixels hit the person, of `side` x `side`; all tensors on one device."""

    size: int  # side of the finished picture
    side: int  # side of this buffer
    where: Tensor  # (N,) flat indices of the hit pixels
    world: Tensor  # (N, 3)
    local: Tensor  # (N, 3) in the head's frame
    normal: Tensor  # (N, 3) world
    ray: Tensor  # (N, 3) world, unit
    depth: Tensor  # (side * side,) along the ray, inf where nothing is hit
    part: Tensor  # (N,) int64, values of Part
    open_sky: Tensor  # (N,) ambient occlusion, 1 open
    cast: dict[tuple[float, float], Tensor]  # key light's direction -> its shadow (N,), so that shadings may share it


def rays(view: View, side: int, device: str | torch.device = "cpu") -> tuple[Tensor, Tensor]:
    """Camera position (3,) and unit directions (side * side, 3); x to the right, y up, -z into the picture."""
    line = (torch.arange(side, device=device, dtype=torch.float32) + 0.5) / side - 0.5
    ys, xs = torch.meshgrid(-line, line, indexing="ij")
    span = view.span / view.camera
    aim = torch.stack([xs * span, ys * span, -torch.ones_like(xs)], -1).reshape(-1, 3)
    origin = torch.tensor((view.shift_x, view.shift_y - 0.15, view.camera), device=device)
    return origin, aim / aim.norm(dim=-1, keepdim=True)


def chunked(function: Field, points: Tensor) -> Tensor:
    """function over points (N, 3) a chunk at a time; results are joined on the last axis."""
    return torch.cat([function(part) for part in torch.split(points, CHUNK)], -1)


def step(
    gap: Field, origin: Tensor, aim: Tensor, depth: Tensor, wide: float, close: float, limit: int, far: float
) -> None:
    """March rays in place until within `close` of a surface grown by `wide`; a ray that leaves gets inf."""
    alive = depth.isfinite().nonzero().squeeze(-1)
    for _ in range(limit):
        t = depth[alive]
        d = gap(origin + aim[alive] * t[:, None]) - wide
        t = t + (d * 0.92).clamp_min(0.004 if wide == 0 else 0)  # a least stride takes grazing rays past an edge
        depth[alive] = t
        going = (d > close) & (t < far)
        alive, d = alive[going], d[going]
        if len(alive) < 8:
            break
    if not wide:  # grazing rays that never arrived would draw a dark outline
        heal(depth, alive[d > 2.5 * close])
    depth[depth >= far] = torch.inf


def heal(depth: Tensor, lost: Tensor) -> None:
    """Give lost pixels the farthest depth beside them if most of their neighbours hit something, else inf."""
    side = math.isqrt(len(depth))
    depth[lost] = torch.inf
    for _ in range(3):  # inwards from the rim
        seen = depth.isfinite()
        flat = torch.where(seen, depth, 0).reshape(1, 1, side, side)
        farthest = torch.nn.functional.max_pool2d(flat, 3, 1, 1).reshape(-1)[lost]
        share = torch.nn.functional.avg_pool2d(seen.float().reshape(1, 1, side, side), 5, 1, 2).reshape(-1)[lost]
        depth[lost] = torch.where((share > 0.55) & (farthest > 0), farthest, depth[lost])


def march(view: View, side: int, gap: Field, device: str | torch.device = "cpu") -> tuple[Tensor, Tensor, Tensor]:
    """Sphere tracing by cones of 8 x 8, then 2 x 2 pixels, then rays. Gives camera, directions, depth (inf: no hit)."""
    depth = torch.full(((side // 8) ** 2,), view.camera - 1.7, device=device)
    far = view.camera + FAR
    for block, finer, limit in ((8, 4, 10), (2, 2, 5)):  # the rest of the way is cheaper by finer rays
        origin, aim = rays(view, side // block, device)
        wide = block * view.span / side * 0.75  # what a cone may miss: half its diagonal, generously
        step(gap, origin, aim, depth, wide, 0.006 + 0.2 * wide, limit, far)
        depth = (
            depth.reshape(side // block, -1).repeat_interleave(finer, 0).repeat_interleave(finer, 1).reshape(-1).clone()
        )
    origin, aim = rays(view, side, device)
    step(gap, origin, aim, depth, 0.0, 0.004, 20 if side < 400 else 32, far)
    return origin, aim, depth


def normals(points: Tensor, gap: Field, here: Tensor | None = None, reach: float = 0.004) -> Tensor:
    """Unit gradient (N, 3) of the distance, by forward differences from its value `here`."""
    here = gap(points) if here is None else here
    slope = torch.stack(
        [gap(points + points.new_tensor(axis)) - here for axis in ((reach, 0, 0), (0, reach, 0), (0, 0, reach))], -1
    )
    return slope / slope.norm(dim=-1, keepdim=True).clamp_min(1e-9)


def sparse(buffer_where: Tensor, side: int, function: Field) -> Tensor:
    """function over a quarter of the hit pixels (it gets their places), spread smoothly to all of them (N,)."""
    pick = ((buffer_where // side % 2 == 0) & (buffer_where % side % 2 == 0)).nonzero().squeeze(-1)
    known = torch.zeros(2, side * side, device=buffer_where.device)
    known[0, buffer_where[pick]] = function(pick)
    known[1, buffer_where[pick]] = 1
    spread = torch.nn.functional.avg_pool2d(known.reshape(1, 2, side, side), 5, 1, 2).reshape(2, -1)
    lone = spread[1] == 0  # slivers with no sample near them
    return torch.where(lone, 0.6, spread[0] / spread[1].clamp_min(1e-6))[buffer_where]


def geometry(who: Person, view: View, size: int = 256, device: str | torch.device = "cpu") -> Buffer:
    """March a person once."""
    side = -(-int(size * FINE) // 8) * 8
    gap = partial(chunked, partial(surface, who=who, view=view))
    origin, aim, depth = march(view, side, gap, device)
    where = depth.isfinite().nonzero().squeeze(-1)
    ray = aim[where]
    world = origin + ray * depth[where, None]
    around = chunked(partial(distances, who=who, view=view), world)
    normal = normals(world, gap, around.amin(0))

    def sky(pick: Tensor) -> Tensor:
        point, up = world[pick], normal[pick]
        taps = [(1 - gap(point + up * reach) / reach).clamp(0, 1) for reach in (0.07, 0.20)]
        return (1 - 0.32 * taps[0] - 0.34 * taps[1]).clamp_min(0.1)

    return Buffer(
        size,
        side,
        where,
        world,
        to_head(world, view),
        normal,
        ray,
        depth,
        around.argmin(0),
        sparse(where, side, sky),
        {},
    )


def shadows(buffer: Buffer, who: Person, view: View, sun: Tensor) -> Tensor:
    """How much of the key light reaches each point (N,), by six taps towards it."""

    def reach_sun(pick: Tensor) -> Tensor:
        start, lit = buffer.world[pick] + buffer.normal[pick] * 0.03, torch.ones(len(pick), device=sun.device)
        for reach in (0.06, 0.14, 0.26, 0.42, 0.62, 0.9):
            d = chunked(partial(surface, who=who, view=view), start + sun * reach)
            lit = torch.minimum(lit, (5 * d / reach + 0.15).clamp(0, 1))
        return lit

    return sparse(buffer.where, buffer.side, reach_sun)


def sun_of(view: View, device: str | torch.device = "cpu") -> Tensor:
    """Direction (3,) towards the key light."""
    turn = rotation(view.light_turn, -view.light_height, 0, device)
    return turn @ torch.tensor((0.0, 0.0, 1.0), device=device)


def depth_of(who: Person) -> float:
    """How far the skin lies towards the deep end of the Monk scale: 0 up to its middle, 1 at its end."""
    return min(max((who.tone - 5) / 5, 0), 1)


def skin_albedo(who: Person, like: Tensor) -> Tensor:
    """Mean of the skin's linear colour, ()."""
    return linear(skin_rgb(who), like).mean()


def light(buffer: Buffer, who: Person, view: View, albedo: Tensor, shaded: bool = True) -> Tensor:
    """Linear light (N, 3) leaving each point towards the camera."""
    sun = sun_of(view, albedo.device)
    if not shaded:
        buffer.cast[view.light_turn, view.light_height] = torch.ones_like(buffer.open_sky)
    if (view.light_turn, view.light_height) not in buffer.cast:
        buffer.cast[view.light_turn, view.light_height] = shadows(buffer, who, view, sun)
    shadow = buffer.cast[view.light_turn, view.light_height]
    normal, part = buffer.normal, buffer.part
    facing = normal @ sun
    soft = torch.where((part == Part.SKIN) | (part == Part.NECK), 0.30, 0.12)
    key = ((facing + soft) / (1 + soft)).clamp_min(0) * (0.12 + 0.88 * shadow)
    sky = buffer.open_sky * (0.62 + 0.38 * normal[:, 1])
    colour = albedo.new_tensor(view.light_colour)
    lit = albedo * (1.05 * view.light_strength * key[:, None] * colour + view.fill * 0.62 * sky[:, None])
    skin = ((part == Part.SKIN) | (part == Part.NECK)).float()
    edge = (
        torch.exp(-(((facing - 0.05) / 0.28) ** 2)) * skin * (0.4 + 0.6 * shadow)
    )  # light that travelled under the skin
    lit = lit + albedo * edge[:, None] * albedo.new_tensor((0.13, 0.025, 0.012))
    half = torch.nn.functional.normalize(sun - buffer.ray, dim=-1)
    gloss = albedo.new_tensor(GLOSS)[part]
    gloss[:, 0] += SHEEN * depth_of(who) * skin
    bare = skin_albedo(who, albedo)
    level = albedo.mean(-1)
    gloss[:, 0] *= 1 - skin * (1 - level / bare).clamp(0, 1)  # brows and lashes do not shine
    shine = (normal * half).sum(-1).clamp_min(0) ** gloss[:, 1] * gloss[:, 0] * (0.1 + 0.9 * shadow)
    rim = (1 + (normal * buffer.ray).sum(-1)).clamp(0, 1) ** 3 * view.rim * 0.35 * buffer.open_sky
    tint = 0.5 * albedo + 0.5
    lit = lit + (shine * view.light_strength)[:, None] * colour + rim[:, None] * tint
    own = skin * (2 * bare / (level + bare)).clamp_max(1)  # pale hair has enough
    return lit * (1 + METERED * depth_of(who) * own[:, None] * albedo.new_tensor(WARM))


def shade(
    buffer: Buffer,
    who: Person,
    view: View,
    clean: bool = False,
    lit: Tensor | None = None,
    where: Tensor | None = None,
    behind: np.ndarray | None = None,
) -> np.ndarray:
    """A finished picture uint8 (size, size, 3) sRGB; `clean` leaves out lens, sensor and JPEG.

    lit (N, 3) is the light of the pixels `where`, and `behind` the backdrop, if others than the photo's.
    """
    with torch.inference_mode():
        lit = light(buffer, who, view, paint(buffer, who, view)) if lit is None else lit
        behind = backdrop(view, buffer.side) if behind is None else behind
        scene = torch.from_numpy(behind).to(lit.device).reshape(-1, 3).clone()
        scene[buffer.where if where is None else where] = (lit / (1 + 0.18 * lit)).clamp(0, 1) ** (1 / 2.2)
        picture = scene.reshape(buffer.side, buffer.side, 3).clamp(0, 1).cpu().numpy()
    picture = cv2.resize(picture, (buffer.size, buffer.size), interpolation=cv2.INTER_AREA)
    return np.rint(picture * 255).astype(np.uint8) if clean else photograph(picture, view)


def photograph(picture: np.ndarray, view: View) -> np.ndarray:
    """Lens, sensor and compression on a picture float [0, 1]; gives uint8."""
    rng = np.random.default_rng([view.seed, 13])
    size = len(picture)
    picture = cv2.GaussianBlur(picture, (0, 0), max(view.softness * size / 256, 0.1))
    grain = rng.normal(0, max(view.noise, 1e-4), (size, size, 3)).astype(np.float32)
    picture = np.rint((picture + grain).clip(0, 1) * 255).astype(np.uint8)
    if not view.jpeg:
        return picture
    _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, view.jpeg])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1])


def draw(who: Person, view: View, size: int = 256, device: str | torch.device = "cpu") -> np.ndarray:
    """A photo of a person, uint8 (size, size, 3) sRGB."""
    with torch.inference_mode():
        buffer = geometry(who, view, size, device)
    return shade(buffer, who, view)
