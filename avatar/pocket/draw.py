"""Draw a person: one slow march finds what each pixel sees, cheap shadings then light and colour it.

`geometry` costs most of the time; `shade` may be called many times on its buffer with other colours,
lights, clothes and backdrops (see people.recolour), as long as bones, pose and camera stay the same.
"""

from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from avatar.pocket.backdrops import backdrop
from avatar.pocket.paint import GLOSS, paint
from avatar.pocket.people import Person
from avatar.pocket.shapes import Part, distances, surface, to_head
from avatar.pocket.solids import rotation
from avatar.pocket.view import View

FINE = 1.25  # samples per pixel and axis: the lens blur does the rest of the smoothing
CHUNK = 24_000  # points at a time: the working set stays in the cache
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
    cast: dict  # key light's direction -> its shadow (N,), so that shadings may share it


def rays(view: View, side: int, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Camera position (3,) and unit directions (side * side, 3); x to the right, y up, -z into the picture."""
    line = (torch.arange(side, device=device, dtype=torch.float32) + .5) / side - .5
    ys, xs = torch.meshgrid(-line, line, indexing="ij")
    span = view.span / view.camera
    aim = torch.stack([xs * span, ys * span, -torch.ones_like(xs)], -1).reshape(-1, 3)
    origin = torch.tensor((view.shift_x, view.shift_y - .15, view.camera), device=device)
    return origin, aim / aim.norm(dim=-1, keepdim=True)


def chunked(function, points: Tensor) -> Tensor:
    """function over points (N, 3) a chunk at a time; results are joined on the last axis."""
    return torch.cat([function(part) for part in points.split(CHUNK)], -1)


def march(view: View, side: int, gap, device: str = "cpu") -> tuple[Tensor, Tensor, Tensor]:
    """Sphere tracing, first by cones of 8 x 8 pixels. Gives camera, directions and depth (inf: nothing hit)."""
    origin, coarse = rays(view, side // 8, device)
    wide = 8 * view.span / side * .75  # what a cone may miss: half its diagonal, generously
    start = torch.full((len(coarse),), view.camera - 1.7, device=device)
    alive = torch.arange(len(coarse), device=device)
    for _ in range(24):
        d = gap(origin + coarse[alive] * start[alive, None]) - wide
        start[alive] += d.clamp_min(0) * .9
        alive = alive[(d > .01) & (start[alive] < view.camera + FAR)]
        if not len(alive):
            break
    hopeless = start >= view.camera + FAR
    start[hopeless] = torch.inf
    depth = start.reshape(side // 8, -1).repeat_interleave(8, 0).repeat_interleave(8, 1).reshape(-1).clone()
    _, aim = rays(view, side, device)
    alive = depth.isfinite().nonzero().squeeze(-1)
    for _ in range(26):
        t = depth[alive]
        d = gap(origin + aim[alive] * t[:, None])
        t = t + d * .85
        depth[alive] = t
        alive = alive[(d > .003) & (t < view.camera + FAR)]
        if len(alive) < 8:
            break
    depth[depth >= view.camera + FAR] = torch.inf
    return origin, aim, depth


def normals(points: Tensor, gap, step: float = .004) -> Tensor:
    """Unit gradient (N, 3) of the distance, by differences over a tetrahedron."""
    corners = points.new_tensor([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)])
    total = sum(corner * gap(points + corner * step)[:, None] for corner in corners)
    return total / total.norm(dim=-1, keepdim=True).clamp_min(1e-9)


def geometry(who: Person, view: View, size: int = 256, device: str = "cpu") -> Buffer:
    """March a person once."""
    side = -(-int(size * FINE) // 8) * 8
    gap = partial(chunked, partial(surface, who=who, view=view))
    origin, aim, depth = march(view, side, gap, device)
    where = depth.isfinite().nonzero().squeeze(-1)
    ray = aim[where]
    world = origin + ray * depth[where, None]
    around = chunked(partial(distances, who=who, view=view), world)
    normal = normals(world, gap)
    sky = torch.ones(len(world), device=device)
    for reach, weight in ((.07, .32), (.20, .34)):
        sky -= weight * (1 - gap(world + normal * reach) / reach).clamp(0, 1)
    return Buffer(size, side, where, world, to_head(world, view), normal, ray, depth, around.argmin(0),
                  sky.clamp_min(.1), {})


def shadows(buffer: Buffer, who: Person, view: View, sun: Tensor) -> Tensor:
    """How much of the key light reaches each point (N,), by six taps towards it at a quarter of the points."""
    side = buffer.side
    grid = torch.zeros(side * side, device=buffer.depth.device)
    row, column = buffer.where // side, buffer.where % side
    pick = ((row % 2 == 0) & (column % 2 == 0)).nonzero().squeeze(-1)
    start = buffer.world[pick] + buffer.normal[pick] * .03
    lit = torch.ones(len(pick), device=start.device)
    for reach in (.06, .14, .26, .42, .62, .9):
        d = chunked(partial(surface, who=who, view=view), start + sun * reach)
        lit = torch.minimum(lit, (5 * d / reach + .15).clamp(0, 1))
    grid[buffer.where[pick]] = lit
    known = torch.zeros_like(grid)
    known[buffer.where[pick]] = 1
    spread = torch.nn.functional.avg_pool2d(torch.stack([grid, known]).reshape(1, 2, side, side), 5, 1, 2)[0].reshape(2, -1)
    return (spread[0] / spread[1].clamp_min(1e-6))[buffer.where]


def sun_of(view: View, device: str = "cpu") -> Tensor:
    """Direction (3,) towards the key light."""
    turn = rotation(view.light_turn, -view.light_height, 0, device)
    return turn @ torch.tensor((0.0, 0.0, 1.0), device=device)


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
    soft = torch.where((part == Part.SKIN) | (part == Part.NECK), .30, .12)
    key = ((facing + soft) / (1 + soft)).clamp_min(0) * (.12 + .88 * shadow)
    sky = buffer.open_sky * (.62 + .38 * normal[:, 1])
    colour = albedo.new_tensor(view.light_colour)
    lit = albedo * (1.05 * view.light_strength * key[:, None] * colour + view.fill * .62 * sky[:, None])
    skin = ((part == Part.SKIN) | (part == Part.NECK)).float()
    edge = torch.exp(-((facing - .05) / .28) ** 2) * skin * (.4 + .6 * shadow)  # light that travelled under the skin
    lit = lit + albedo * edge[:, None] * albedo.new_tensor((.13, .025, .012))
    half = torch.nn.functional.normalize(sun - buffer.ray, dim=-1)
    gloss = albedo.new_tensor(GLOSS)[part]
    shine = (normal * half).sum(-1).clamp_min(0) ** gloss[:, 1] * gloss[:, 0] * (.1 + .9 * shadow)
    rim = (1 + (normal * buffer.ray).sum(-1)).clamp(0, 1) ** 3 * view.rim * .35 * buffer.open_sky
    tint = .5 * albedo + .5
    return lit + (shine * view.light_strength)[:, None] * colour + rim[:, None] * tint


def shade(buffer: Buffer, who: Person, view: View, clean: bool = False, lit: Tensor | None = None,
          where: Tensor | None = None, behind: np.ndarray | None = None) -> np.ndarray:
    """A finished picture uint8 (size, size, 3) sRGB; `clean` leaves out lens, sensor and JPEG.

    lit (N, 3) is the light of the pixels `where`, and `behind` the backdrop, if others than the photo's.
    """
    with torch.inference_mode():
        lit = light(buffer, who, view, paint(buffer, who, view)) if lit is None else lit
        behind = backdrop(view, buffer.side) if behind is None else behind
        scene = torch.from_numpy(behind).to(lit.device).reshape(-1, 3).clone()
        scene[buffer.where if where is None else where] = (lit / (1 + .18 * lit)).clamp(0, 1) ** (1 / 2.2)
        picture = scene.reshape(buffer.side, buffer.side, 3).clamp(0, 1).cpu().numpy()
    picture = cv2.resize(picture, (buffer.size, buffer.size), interpolation=cv2.INTER_AREA)
    return np.rint(picture * 255).astype(np.uint8) if clean else photograph(picture, view)


def photograph(picture: np.ndarray, view: View) -> np.ndarray:
    """Lens, sensor and compression on a picture float [0, 1]; gives uint8."""
    rng = np.random.default_rng([view.seed, 13])
    size = len(picture)
    picture = cv2.GaussianBlur(picture, (0, 0), max(view.softness * size / 256, .1))
    grain = rng.normal(0, max(view.noise, 1e-4), (size, size, 3)).astype(np.float32)
    picture = np.rint((picture + grain).clip(0, 1) * 255).astype(np.uint8)
    if not view.jpeg:
        return picture
    _, coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, view.jpeg])
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])


def draw(who: Person, view: View, size: int = 256, device: str = "cpu") -> np.ndarray:
    """A photo of a person, uint8 (size, size, 3) sRGB."""
    with torch.inference_mode():
        buffer = geometry(who, view, size, device)
    return shade(buffer, who, view)
