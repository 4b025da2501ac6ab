"""Procedural textures, so that the autoencoder also keeps photographs and not only drawn people.

Three kinds, in equal shares: dead leaves (discs that hide one another, sizes by a power law: the simplest picture with
the edges of a photograph, Lee, Mumford & Huang 2001), clouds (noise whose power falls as 1/f), and soft gradients
with stripes. Pictures are uint8 HWC; the same seed gives the same pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def textures(count: int, size: int, seed: int) -> Pixels:
    """`count` pictures as uint8 (N, size, size, 3)."""
    kinds = (_leaves, _clouds, _gradient)
    pictures = []
    for index in range(count):
        rng = np.random.default_rng((seed, index))
        picture = kinds[index % len(kinds)](size, rng) + rng.normal(0, rng.uniform(0, 0.03), (size, size, 1))
        pictures.append(np.clip(picture * 255, 0, 255).astype(np.uint8))
    return np.stack(pictures)


def _leaves(size: int, rng: np.random.Generator) -> Floats:
    """Discs and boxes painted over one another, each with its own colour and a slope of light."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    picture = np.broadcast_to(rng.random(3, np.float32), (size, size, 3)).copy()
    hue = rng.random(3) * rng.uniform(0, 1)  # one picture keeps to one family of colours
    for radius in np.sort(1 / rng.uniform(2.5 / size, 0.3, 90))[::-1] * 1.6:  # big ones first, so small ones stay seen
        cy, cx = rng.uniform(0, size, 2)
        dy, dx = y - cy, x - cx
        inside = (np.abs(dy) + np.abs(dx) < radius) if rng.random() < 0.2 else (dy * dy + dx * dx < radius * radius)
        shade = 1 + rng.uniform(-0.5, 0.5) * dy[inside] / radius + rng.uniform(-0.5, 0.5) * dx[inside] / radius
        picture[inside] = (0.5 * hue + 0.5 * rng.random(3)) * shade[:, None]
    return picture


def _clouds(size: int, rng: np.random.Generator) -> Floats:
    """Coloured noise with a power law spectrum; the three channels share most of their structure."""
    fy, fx = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    falloff = 1 / np.maximum(np.hypot(fy, fx), 1 / size) ** rng.uniform(1.0, 1.8)
    waves = rng.normal(size=(4, *falloff.shape)) + 1j * rng.normal(size=(4, *falloff.shape))
    fields = np.fft.irfft2(waves * falloff, s=(size, size))
    fields /= fields.std(axis=(1, 2), keepdims=True)
    colour = rng.uniform(0.05, 0.25, 3) * fields[:1].transpose(1, 2, 0) + 0.08 * fields[1:].transpose(1, 2, 0)
    return (rng.uniform(0.25, 0.75, 3) + colour).astype(np.float32)


def _gradient(size: int, rng: np.random.Generator) -> Floats:
    """A slope between two colours crossed by stripes of one width and angle."""
    y, x = np.mgrid[:size, :size].astype(np.float32) / size
    angle, tilt = rng.uniform(0, np.pi, 2)
    slope = (x * np.cos(angle) + y * np.sin(angle) + 1) / 2
    wave = np.sin((x * np.cos(tilt) + y * np.sin(tilt)) * rng.uniform(6, size / 3))
    if rng.random() < 0.5:
        wave = np.sign(wave)
    low, high, stripe = rng.random((3, 3))
    return (low + (high - low) * slope[..., None] + (stripe - 0.5) * 0.3 * wave[..., None]).astype(np.float32)
