"""Where on a picture the person's adapter acts: on the face, as soon as one can be seen in what is being drawn.

An adapter knows the hair of ten selfies by heart. Everywhere on the picture it paints that hair over a helmet and in
pink on a marble; on the face alone it makes the likeness and leaves the rest to the style. Which part is the face is
not known before it is drawn, so the clean picture that the base foresees at a step is decoded and looked at.

Covers: any base and any detector; several rows in one batch, each with its own face.
Does not cover: a row in which no face was seen yet; there it acts as around a face, and the next step looks again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from avatar.photos.tensors import to_pictures
from avatar.ports import Face, Picture
from avatar.weights.load import LoadedBase

Find = Callable[[Picture], Sequence[Face]]

GROWN = 1.1  # an oval so much larger than the detector's box, which ends at brows and chin
SOFT = 0.3  # of its radius: the width of its rim


class Region:
    """The share of a batch's places that are face, B1HW in [0, 1] at the latents' size; looked for until found."""

    def __init__(self, loaded: LoadedBase, find: Find, like: Tensor) -> None:
        self._loaded, self._find = loaded, find
        self._mask = torch.zeros(len(like), 1, *like.shape[2:], device=like.device)
        self._open = list(range(len(like)))

    def seen(self, latents: Tensor, predicted: Tensor, sigma: float) -> Tensor:
        """The mask, after a look at the rows whose face was not found before."""
        if not self._open:
            return self._mask
        foreseen = clean(self._loaded.prediction, latents[self._open], predicted[self._open], sigma)
        pictures = to_pictures(torch.nan_to_num(self._loaded.decode(torch.nan_to_num(foreseen))))
        for row, picture in list(zip(self._open, pictures, strict=True)):
            faces = self._find(picture)
            if faces:
                self._mask[row, 0] = oval(faces[0].box, picture.shape[:2], self._mask.shape[2:]).to(self._mask.device)
                self._open.remove(row)
        return self._mask


def oval(box: tuple[float, float, float, float], picture: Sequence[int], size: Sequence[int]) -> Tensor:
    """(h, w) = `size`: 1 in the oval that fills a box (x0, y0, x1, y1 in pixels of a picture (H, W)), 0 beyond."""
    high, wide = size[0] / picture[0], size[1] / picture[1]
    x0, y0, x1, y1 = box[0] * wide, box[1] * high, box[2] * wide, box[3] * high
    down = (torch.arange(size[0]) + 0.5 - (y0 + y1) / 2) / max(0.5, GROWN * (y1 - y0) / 2)
    across = (torch.arange(size[1]) + 0.5 - (x0 + x1) / 2) / max(0.5, GROWN * (x1 - x0) / 2)
    away = (down[:, None].square() + across.square()).sqrt()  # 1 on the oval
    return ((1 + SOFT / 2 - away) / SOFT).clamp(0, 1)


def clean(prediction: str, latents: Tensor, predicted: Tensor, sigma: float) -> Tensor:
    """The picture without noise as the base foresees it; `latents` keep the variance, sigma is noise over signal."""
    signal = 1 / math.sqrt(1 + sigma * sigma)
    if prediction == "epsilon":
        return latents / signal - sigma * predicted
    if prediction == "v_prediction":
        return signal * latents - sigma * signal * predicted
    return predicted  # "sample"
