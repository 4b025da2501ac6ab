"""Themes: the same person in another material, by another hand, or in costume.

Most are operators on a clean photo, all within a few dozen milliseconds at 256 pixels; the face stays
where it is and stays recognisable. Costumes are marched on their own and laid over the person by depth.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from avatar.errors import UnknownStyle
from avatar.pocket.costumes import COSTUMES, dressed
from avatar.pocket.draw import Buffer, light, shade
from avatar.pocket.paint import paint
from avatar.pocket.people import Person
from avatar.pocket.view import Backdrop, View


def oil(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brush strokes: the Kuwahara filter, the calmest of four quadrants."""
    image = picture.astype(np.float32)
    r = 3
    mean = cv2.blur(image, (r + 1, r + 1))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    spread = cv2.blur(grey * grey, (r + 1, r + 1)) - cv2.blur(grey, (r + 1, r + 1)) ** 2
    shifts = [(dy, dx) for dy in (-2, 2) for dx in (-2, 2)]
    spreads = np.stack([np.roll(spread, s, (0, 1)) for s in shifts])
    means = np.stack([np.roll(mean, s, (0, 1)) for s in shifts])
    calm = np.take_along_axis(means, spreads.argmin(0)[None, ..., None], 0)[0]
    weave = cv2.GaussianBlur(rng.normal(0, 1, grey.shape).astype(np.float32), (0, 0), sigmaX=2.4, sigmaY=0.7)
    warm = calm * np.array((1.05, 1.0, 0.90), np.float32) + 16 * weave[..., None]
    return ((warm - 128) * 1.12 + 130).clip(0, 255).astype(np.uint8)


def watercolour(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Washes that bleed on rough paper, darker at their edges."""
    size = len(picture)
    ys, xs = np.mgrid[:size, :size].astype(np.float32)
    wobble = [cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), 5) * 12 for _ in range(2)]
    wet = cv2.remap(picture, xs + wobble[0], ys + wobble[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    wash = cv2.bilateralFilter(wet, 7, 50, 7).astype(np.float32)
    edge = np.abs(cv2.Laplacian(cv2.GaussianBlur(wash.mean(-1), (0, 0), 1.4), cv2.CV_32F))
    paper = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), 1.0) * 14
    pale = 255 - (255 - wash) * 0.82 + paper[..., None] - (edge * 6).clip(0, 60)[..., None]
    frame = np.minimum(np.minimum(xs, size - xs), np.minimum(ys, size - ys)) + wobble[0] * 4
    bare = np.clip((14 - frame) / 8, 0, 1)[..., None]
    return (pale * (1 - bare) + 248 * bare).clip(0, 255).astype(np.uint8)


def pencil(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Graphite: colour dodge by the blurred negative, and hatching in the shades."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    line = np.minimum(grey / (cv2.GaussianBlur(grey, (0, 0), 5) + 8) * 255, 255)
    size = len(grey)
    ys, xs = np.mgrid[:size, :size].astype(np.float32)
    hatch = 0.5 + 0.5 * np.sin((xs + ys) * 1.5 + 2 * np.sin(xs * 0.05))
    tone = 255 - (255 - grey) * (0.34 + 0.26 * hatch)
    paper = rng.normal(0, 5, grey.shape).astype(np.float32)
    drawn = (line / 255) ** 1.6 * tone + paper
    return np.repeat(drawn.clip(0, 255).astype(np.uint8)[..., None], 3, -1)


def comic(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flat inks, halftone dots in the shades and a black line."""
    flat = cv2.bilateralFilter(picture, 7, 60, 5)
    vivid = cv2.cvtColor(flat, cv2.COLOR_RGB2HSV).astype(np.float32)
    vivid[..., 1] = (vivid[..., 1] * 1.35).clip(0, 255)
    step = 36
    vivid[..., 2] = (np.floor(vivid[..., 2] / step) * step + step * 0.75).clip(0, 255)
    inked = cv2.cvtColor(vivid.astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)
    grey = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ys, xs = np.mgrid[: len(grey), : len(grey)].astype(np.float32)
    dots = np.sin((xs + ys) * 1.1) * np.sin((xs - ys) * 1.1) > (grey / 255 - 0.28) * 3
    inked = np.where(dots[..., None], inked * 0.62, inked)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.0)
    line = (soft - cv2.GaussianBlur(grey, (0, 0), 2.2)) < -5.5
    return np.where(line[..., None], inked * 0.12, inked).clip(0, 255).astype(np.uint8)


def pixel(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blocks of few colours, as on an early games console."""
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    small = (small - 128) * 1.15 + 130
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 - 0.5
    step = 28.0
    small = np.round((small + np.tile(order, (16, 16))[..., None] * step * 0.5) / step) * step
    return cv2.resize(small.clip(0, 255).astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def stained_glass(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Panes of one colour each, small where the picture has detail, in black lead."""
    size = len(picture)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = cv2.GaussianBlur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 3)), (0, 0), 3) ** 1.6 + 1.2
    spots = rng.choice(size * size, 900, replace=False, p=(detail / detail.sum()).ravel())
    seeds = np.full((size, size), 255, np.uint8)
    seeds.ravel()[spots] = 0
    _, panes = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    count = np.bincount(panes.ravel(), minlength=panes.max() + 1).clip(1)
    mean = np.stack([np.bincount(panes.ravel(), picture[..., c].ravel(), len(count)) / count for c in range(3)], -1)
    glass = (mean[panes] - 128) * 1.25 + 138
    glow = rng.normal(0, 7, len(count))[panes]
    edges = sum(np.abs(glass - np.roll(glass, 1, axis)).max(-1) for axis in (0, 1))
    lead = ((edges - 6) / 30).clip(0, 1)[..., None] * 0.85  # panes of like colour need no lead: the face stays open
    glass = (glass + glow[..., None]) * (1 - lead) + 18 * lead
    return cv2.GaussianBlur(glass.clip(0, 255).astype(np.uint8), (0, 0), 0.5)


def neon(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bright tubes along the lines of the face, in the dark, over a two-coloured dusk of the photo."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, coarse = cv2.GaussianBlur(grey, (0, 0), 0.8), cv2.GaussianBlur(grey, (0, 0), 2.4)
    line = ((np.abs(fine - coarse) - 2.5) / 14).clip(0, 1)
    t = np.linspace(0, 1, len(grey), dtype=np.float32)[None, :, None]
    tube = np.array((255, 40, 200), np.float32) * (1 - t) + np.array((30, 220, 255), np.float32) * t
    level = (grey / 255)[..., None]
    dusk = (np.array((70, 10, 110), np.float32) * (1 - t) + np.array((5, 60, 120), np.float32) * t) * (
        0.25 + level
    ) + level**3 * 60
    glow = cv2.GaussianBlur(line, (0, 0), 4)[..., None] * tube * 0.9
    return (dusk + glow + line[..., None] * (tube * 0.8 + 90)).clip(0, 255).astype(np.uint8)


def poster(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A silk-screen of four inks."""
    inks = np.array(
        [
            [(28, 30, 62), (196, 48, 58), (112, 168, 172), (250, 232, 198)],
            [(42, 22, 54), (150, 46, 110), (244, 150, 90), (255, 236, 170)],
            [(16, 44, 44), (34, 110, 96), (240, 176, 80), (252, 240, 214)],
        ],
        np.float32,
    )[rng.integers(3)]
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.0).astype(np.float32)
    grey = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    cuts = np.quantile(grey, (0.22, 0.48, 0.74))
    screen = inks[np.digitize(grey, cuts)]
    return cv2.resize(screen, picture.shape[1::-1], interpolation=cv2.INTER_AREA).clip(0, 255).astype(np.uint8)


OPERATORS = {
    "oil": oil,
    "watercolour": watercolour,
    "pencil": pencil,
    "comic": comic,
    "pixel": pixel,
    "stained-glass": stained_glass,
    "neon": neon,
    "poster": poster,
}
MATERIALS = {  # albedo in linear light, how much of the person's own colours stays, gloss
    "bronze": ((0.34, 0.17, 0.06), 0.22, 1.3),
    "clay": ((0.56, 0.27, 0.16), 0.38, 0.10),
    "marble": ((0.80, 0.78, 0.74), 0.24, 0.45),
}
THEMES = ("photo", *OPERATORS, *MATERIALS, *COSTUMES)


def cast_in(buffer: Buffer, who: Person, view: View, theme: str) -> np.ndarray:
    """A statue of the person: one material over everything, darker where the person's own colours are dark."""
    tone, keep, gloss = MATERIALS[theme]
    with torch.inference_mode():
        own = paint(buffer, who, view)
        level = own.mean(-1, keepdim=True) ** 0.5
        mean = level.mean()
        albedo = own.new_tensor(tone) * (1 + keep * 2 * (level - mean) / mean.clamp_min(0.05)).clamp(0.25, 1.7)
        veins = torch.sin(9 * buffer.local[:, :1] + 5 * torch.sin(4 * buffer.local[:, 1:2] + buffer.local[:, 2:])) ** 8
        albedo = albedo * (1 - 0.12 * veins) if theme == "marble" else albedo
        sheen = torch.nn.functional.normalize(torch.tensor((-0.4, 0.7, 0.6), device=own.device) - buffer.ray, dim=-1)
        shine = (buffer.normal * sheen).sum(-1, keepdim=True).clamp_min(0) ** 12 * gloss * own.new_tensor(tone)
        lit = light(buffer, who, view, albedo) + shine * buffer.open_sky[:, None]
    return shade(buffer, who, view, lit=lit, clean=True)


def themed(buffer: Buffer, who: Person, view: View, theme: str) -> np.ndarray:
    """A picture uint8 (size, size, 3) of a theme, from a person marched already; UnknownStyle for another word."""
    if theme not in THEMES:
        raise UnknownStyle(f"There is no theme {theme!r}. There are {', '.join(THEMES)}.")
    if theme == "photo":
        return shade(buffer, who, view)
    if theme in MATERIALS:
        return cast_in(buffer, who, replace(view, backdrop=Backdrop.STUDIO), theme)
    if theme in COSTUMES:
        return dressed(buffer, who, view, theme)
    rng = np.random.default_rng([view.seed, 19])
    return OPERATORS[theme](shade(buffer, who, view, clean=True), rng)
