"""A picture in squares of few colours: what makes pixel art of a picture that only looks like it.

Covers: the grid, and a palette of the picture's own colours.
Does not cover: dithering, which at these sizes puts freckles on faces.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from avatar.ports import Picture

ROUNDS = 3  # of k-means after the median cut, which alone leaves skin a shade off


def in_blocks(picture: Picture, side: int, colours: int) -> Picture:
    """The same size, uint8 HWC, as `side` squares along the longer side, each of one of at most `colours` colours."""
    height, width = picture.shape[:2]
    across, down = (max(1, round(side * edge / max(height, width))) for edge in (width, height))
    small = Image.fromarray(picture).resize((across, down), Image.Resampling.BOX)
    few = small.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=ROUNDS, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(few.resize((width, height), Image.Resampling.NEAREST))
