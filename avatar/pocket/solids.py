"""Signed distances of simple solids, and how they melt together. x, y, z are tensors (N,) of head units."""

from __future__ import annotations

import math

import torch
from torch import Tensor

Vec = tuple[float, float, float]
Triple = tuple[Tensor, Tensor, Tensor]  # x, y, z


def egg(x: Tensor, y: Tensor, z: Tensor, centre: Vec, radii: Vec) -> Tensor:
    """Approximate signed distance to an ellipsoid along the axes (Quilez, first-order bound)."""
    px, py, pz = (x - centre[0]) * (1 / radii[0]), (y - centre[1]) * (1 / radii[1]), (z - centre[2]) * (1 / radii[2])
    sx, sy, sz = px * px, py * py, pz * pz
    k0 = (sx + sy + sz).sqrt_()
    k1 = (sx * (1 / radii[0] ** 2) + sy * (1 / radii[1] ** 2) + sz * (1 / radii[2] ** 2)).sqrt_().clamp_min_(1e-6)
    return k0 * (k0 - 1) / k1


def ball(x: Tensor, y: Tensor, z: Tensor, centre: Vec, radius: float) -> Tensor:
    """Signed distance to a ball."""
    px, py, pz = x - centre[0], y - centre[1], z - centre[2]
    return (px * px + py * py + pz * pz).sqrt_() - radius


def rod(x: Tensor, y: Tensor, z: Tensor, a: Vec, b: Vec, radius_a: float, radius_b: float) -> Tensor:
    """Signed distance to a rod with round ends whose radius runs from one end to the other."""
    bx, by, bz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    px, py, pz = x - a[0], y - a[1], z - a[2]
    h = ((px * bx + py * by + pz * bz) * (1 / (bx * bx + by * by + bz * bz))).clamp_(0, 1)
    dx, dy, dz = px - h * bx, py - h * by, pz - h * bz
    return (dx * dx + dy * dy + dz * dz).sqrt_() - (radius_a + (radius_b - radius_a) * h)


def melt(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Union rounded over a seam of width k (polynomial smooth minimum)."""
    h = (k - (a - b).abs()).clamp_min_(0)
    return torch.minimum(a, b) - h * h * (1 / (4 * k))


def carve(a: Tensor, b: Tensor, k: float) -> Tensor:
    """a without b, the edge rounded over k."""
    return -melt(-a, b, k)


def rise(t: Tensor, low: float, high: float) -> Tensor:
    """0 below low, 1 above high, a smooth step between; high below low falls instead."""
    s = ((t - low) / (high - low)).clamp(0, 1)
    return s * s * (3 - 2 * s)


def rotation(yaw: float, pitch: float, roll: float, device: str | torch.device = "cpu") -> Tensor:
    """Matrix (3, 3) that turns head coordinates to the world's: roll, then pitch, then yaw."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    about_y = torch.tensor([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = torch.tensor([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = torch.tensor([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return (about_y @ about_x @ about_z).to(device)
