"""What is behind a person: small out-of-focus scenes, made from a seed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from avatar.pocket.view import Backdrop, View

SMALL = 96  # scenes are drawn this small and enlarged: they are out of focus anyway


def ramp(top: ArrayLike, bottom: ArrayLike) -> np.ndarray:
    """A field that runs from one colour at the top to another at the bottom."""
    t = np.linspace(0, 1, SMALL, dtype=np.float32)[:, None, None]
    return np.repeat(np.asarray(top, np.float32) * (1 - t) + np.asarray(bottom, np.float32) * t, SMALL, 1)


def blobs(
    field: np.ndarray,
    rng: np.random.Generator,
    count: int,
    colours: tuple[tuple[float, ...], ...],
    low: int,
    high: int,
    radius: tuple[int, int],
) -> None:
    """Scatter discs of light between two rows."""
    for _ in range(count):
        at = (int(rng.integers(SMALL)), int(rng.integers(low, high)))
        colour = np.asarray(colours[rng.integers(len(colours))]) * rng.uniform(0.8, 1.15)
        cv2.circle(field, at, int(rng.integers(*radius)), colour.clip(0, 1).tolist(), -1, cv2.LINE_AA)


def boxes(
    field: np.ndarray, rng: np.random.Generator, colour: ArrayLike, lit: tuple[float, float, float] | None
) -> None:
    """A row of houses, some with lit windows."""
    x = 0
    while x < SMALL:
        wide, top = int(rng.integers(9, 22)), int(rng.integers(15, 58))
        cv2.rectangle(
            field, (x, top), (x + wide, SMALL), (np.asarray(colour) * rng.uniform(0.7, 1.25)).clip(0, 1).tolist(), -1
        )
        for _ in range(8 if lit else 0):
            at = (x + int(rng.integers(max(wide, 1))), top + int(rng.integers(3, 40)))
            cv2.rectangle(field, at, (at[0] + 2, at[1] + 2), lit, -1)
        x += wide


def scene(view: View, rng: np.random.Generator) -> np.ndarray:
    """The scene in focus, float (SMALL, SMALL, 3)."""
    c = np.asarray(view.backdrop_colour, np.float32)
    kind = view.backdrop
    if kind is Backdrop.PARK:
        field = ramp((0.68, 0.82, 0.92), (0.38, 0.58, 0.26))
        blobs(field, rng, 60, ((0.20, 0.42, 0.16), (0.36, 0.56, 0.20), (0.52, 0.68, 0.30)), 4, 66, (5, 13))
    elif kind is Backdrop.BEACH:
        field = ramp((0.50, 0.74, 0.94), (0.80, 0.90, 0.96))
        field[52:70] = (0.16, 0.50, 0.64)
        field[70:] = (0.90, 0.80, 0.60)
        blobs(field, rng, 4, ((1, 1, 1),), 8, 30, (4, 9))
    elif kind is Backdrop.CITY:
        field = ramp((0.72, 0.80, 0.88), (0.82, 0.84, 0.86))
        boxes(field, rng, (0.50, 0.52, 0.56), (0.75, 0.80, 0.84))
    elif kind is Backdrop.ROOM:
        field = ramp(0.45 + 0.5 * c, 0.35 + 0.5 * c)
        cv2.rectangle(field, (8, 12), (34, 52), (0.96, 0.96, 0.90), -1)
        cv2.rectangle(field, (64, 40), (92, 96), (0.40, 0.27, 0.17), -1)
        blobs(field, rng, 12, ((0.7, 0.2, 0.2), (0.2, 0.4, 0.5), (0.9, 0.8, 0.4)), 46, 86, (2, 5))
        field = field if rng.random() < 0.5 else np.ascontiguousarray(field[:, ::-1])
    elif kind is Backdrop.SUNSET:
        field = ramp((0.36, 0.26, 0.48), (0.98, 0.58, 0.28))
        cv2.circle(field, (int(rng.integers(10, 86)), 56), 9, (1, 0.9, 0.6), -1, cv2.LINE_AA)
        field[76:] = (0.30, 0.18, 0.22)
    elif kind is Backdrop.BRICKS:
        field = ramp((0.60, 0.32, 0.24), (0.50, 0.26, 0.20))
        field *= rng.uniform(0.9, 1.1, (SMALL // 8, SMALL // 16, 1)).repeat(8, 0).repeat(16, 1).astype(np.float32)
        field[::8] = (0.72, 0.66, 0.60)
        for row in range(0, SMALL, 8):
            field[row : row + 8, (row % 16) :: 16] = (0.72, 0.66, 0.60)
    elif kind is Backdrop.SNOW:
        field = ramp((0.76, 0.82, 0.90), (0.95, 0.97, 1))
        blobs(field, rng, 16, ((0.40, 0.50, 0.48), (0.52, 0.60, 0.60)), 36, 62, (4, 10))
        blobs(field, rng, 40, ((1, 1, 1),), 0, 96, (1, 3))
    elif kind is Backdrop.NIGHT:
        field = ramp((0.04, 0.05, 0.12), (0.12, 0.10, 0.18))
        blobs(field, rng, 34, ((1, 0.8, 0.4), (0.9, 0.4, 0.3), (0.4, 0.6, 1), (0.5, 1, 0.7)), 10, 90, (2, 6))
    elif kind is Backdrop.STUDIO:
        ys, xs = np.mgrid[-1 : 1 : SMALL * 1j, -1 : 1 : SMALL * 1j].astype(np.float32)
        field = c * (1.12 - 0.26 * (xs**2 + ys**2))[..., None]
    else:
        field = ramp(c, c * 0.92)
    return np.clip(field, 0, 1).astype(np.float32)


def backdrop(view: View, side: int) -> np.ndarray:
    """The backdrop, float32 (side, side, 3) sRGB in [0, 1]."""
    rng = np.random.default_rng([view.seed, 17])
    field = scene(view, rng)
    blur = {Backdrop.BRICKS: 0.5, Backdrop.PLAIN: 0.1, Backdrop.NIGHT: 0.9}.get(view.backdrop, 1.6)
    field = cv2.GaussianBlur(field, (0, 0), blur)
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
