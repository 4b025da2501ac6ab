"""A picture in flat colours, black lines and printed dots: what makes a comic of a picture that only looks like one.

Colours are smoothed along edges and brought to a few steps of lightness with soft rises between them (Winnemoeller,
Olsen and Gooch, "Real-time video abstraction", 2006); lines lie where a difference of two Gaussians is dark, as in a
later work of theirs (2012); shades are screened with dots at 45 degrees, as cheap printing did. Between the dots it
gets as much lighter as the dots are darker, so that no skin is darkened or whitened.

Covers: any size; lines and dots grow with the picture. Does not cover: what the lines should have been.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from avatar.ports import Picture

Grey = npt.NDArray[np.float32]  # (H, W)
USUAL = 256  # pixels; sizes below are of a picture so wide
SMOOTH = 3  # times the filter runs
STAIR = 6.0  # how steep the rise between two steps is
VIVID = 1.25  # times the chroma
FINE, WIDE = 1.0, 1.6  # pixels; the finer Gaussian of a line, and how many times wider the other is
LEAST, SHARP = 1.0, 0.25  # L* of an edge that gets no line yet, and how fast a line grows from there
BLACK = 0.9  # of lightness is taken by the strongest line
SCREEN = 7.0  # pixels between dots of a row
DARK = 0.45  # of lightness is taken by a dot
MOST = 0.75  # of a place is covered by dots


def inked(picture: Picture, steps: int, line: float, shade: float) -> Picture:
    """The same size, uint8 HWC: `steps` of lightness, lines `line` strong (0: none), dots where L* < `shade`."""
    unit = picture.shape[1] / USUAL
    flat = picture
    for _ in range(SMOOTH):
        flat = cv2.bilateralFilter(flat, 2 * round(3 * unit) + 1, 30, 3 * unit)
    lab = cv2.cvtColor(flat.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)  # L* 0 to 100
    lightness = lab[..., 0].copy()
    lab[..., 0] = _stepped(lightness, steps)
    lab[..., 1:] *= VIVID
    dots = _dots(lightness, shade, SCREEN * unit)
    lab[..., 0] *= 1 + DARK * (cv2.GaussianBlur(dots, (0, 0), SCREEN * unit / 2) - dots)
    lab *= 1 - np.clip(line * _lines(lightness, unit), 0, BLACK)[..., None]
    rgb: Picture = (cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255).round().clip(0, 255).astype(np.uint8)
    return rgb


def _stepped(lightness: Grey, steps: int) -> Grey:
    """Lightness drawn towards the middles of so many steps; on average it stays."""
    high = 100 / steps
    rise = np.round(lightness / high) * high  # the nearest border between two steps
    return np.clip(rise + high / 2 * np.tanh(STAIR * (lightness - rise) / high), 0, 100).astype(np.float32)


def _dots(lightness: Grey, shade: float, pitch: float) -> Grey:
    """Where the screen prints, 0 to 1: dots that grow as it gets darker than `shade`."""
    rows, columns = np.indices(lightness.shape, np.float32)
    turn = np.sqrt(2) * np.pi / pitch
    screen = (np.cos((rows + columns) * turn) * np.cos((rows - columns) * turn) + 1) / 2
    share = np.clip((shade - lightness) / max(shade, 1e-6), 0, MOST)
    dots: Grey = (np.clip((share - screen) * 4 + 0.5, 0, 1) * (share > 0)).astype(np.float32)
    return dots


def _lines(lightness: Grey, unit: float) -> Grey:
    """Where a pen would have drawn, 0 to 1: on the dark side of an edge, and along thin dark things."""
    near, far = (cv2.GaussianBlur(lightness, (0, 0), FINE * width * unit) for width in (1, WIDE))
    lines: Grey = np.clip((far - near - LEAST) * SHARP, 0, 1)
    return lines
