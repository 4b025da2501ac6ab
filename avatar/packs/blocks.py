"""A picture in squares of few colours: what makes pixel art of a picture that only looks like it.

Colours are on even levels, as early games consoles had them, and an ordered dither (Bayer, 1973) keeps what lies
between, so that skin keeps its shade.

Covers: the grid, the levels, the dither. Does not cover: outlines.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from avatar.ports import Picture

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 - 15 / 32
DITHER = 0.75  # of a level: at a whole one faces get freckles, at a half skin gets shades off


def in_blocks(picture: Picture, side: int, levels: int) -> Picture:
    """The same size, uint8 HWC, as `side` squares along the longer side, each of one of `levels` per channel."""
    height, width = picture.shape[:2]
    across, down = (max(1, round(side * edge / max(height, width))) for edge in (width, height))
    small = np.asarray(Image.fromarray(picture).resize((across, down), Image.Resampling.BOX), np.float32)
    pattern = np.tile(BAYER, (-(-down // 4), -(-across // 4)))[:down, :across, None]
    step = 255 / (levels - 1)
    few = np.rint(np.round(small / step + DITHER * pattern) * step).clip(0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(few).resize((width, height), Image.Resampling.NEAREST))
