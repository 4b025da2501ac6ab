"""Crops to what the loop eats: latents, masks and encoded captions, each computed once.

A picture's latent is kept as mean and standard deviation of its posterior, so that every step can draw anew and the
loss is the one without a cache. All of it is personal: it lives in memory only, and `overwrite` zeroes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from avatar.lora.objective import floored
from avatar.lora.prior import Prior
from avatar.lora.recipes import Recipe
from avatar.photos.pixels import resize
from avatar.photos.tensors import to_tensors
from avatar.ports import Picture
from avatar.weights.load import LoadedBase, Prompts


class Cropped(Protocol):
    """What is read of a crop: uint8 HWC picture, soft face mask HW in [0, 1], caption."""

    @property
    def picture(self) -> Picture: ...
    @property
    def mask(self) -> npt.NDArray[np.floating]: ...
    @property
    def caption(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ClassPictures:
    """The prior, ready on the device: latents (N, C, h, w), encoded captions, and each latent's caption (N,)."""

    latents: Tensor
    prompts: Prompts
    caption: Tensor


@dataclass(frozen=True, slots=True)
class Dataset:
    """One person, ready on the device. N pictures; none mirrored: with the parting on the other side it is another."""

    mean: Tensor = field(repr=False)  # (N, C, h, w), scaled
    deviation: Tensor = field(repr=False)  # (N, C, h, w), scaled
    mask: Tensor = field(repr=False)  # (N, 1, h, w), floored
    prompts: Prompts = field(repr=False)  # N rows, then one of the empty prompt
    prior: ClassPictures | None = None

    def __len__(self) -> int:
        return len(self.mean)

    def overwrite(self) -> None:
        """Zero what is personal, in place; the class pictures are nobody's and stay."""
        for part in (self.mean, self.deviation, self.mask, self.prompts.hidden, self.prompts.pooled):
            if part is not None:
                part.zero_()


def build(loaded: LoadedBase, crops: Sequence[Cropped], recipe: Recipe, prior: Prior | None = None) -> Dataset:
    """Encode the crops for this base. Pictures of any size are brought to the base's square; ValueError for none."""
    if not crops:
        raise ValueError("no crops to learn from")
    size = loaded.resolution
    pictures = to_tensors([resize(crop.picture, size, size) for crop in crops])
    side = loaded.latent_shape[-1]
    masks = torch.cat([_mask(crop.mask, side) for crop in crops])
    mean, deviation = loaded.moments(pictures)
    pictures.zero_()
    return Dataset(
        mean=mean,
        deviation=deviation,
        mask=floored(masks, recipe.mask_floor).to(loaded.device),
        prompts=loaded.embed([*(crop.caption for crop in crops), ""]),
        prior=_class_pictures(loaded, prior) if prior and recipe.priors() else None,
    )


def _mask(mask: npt.NDArray[np.floating], side: int) -> Tensor:
    """HW to (1, 1, side, side): the mean of the mask under each latent cell."""
    tensor = torch.from_numpy(np.ascontiguousarray(mask, dtype=np.float32))[None, None]
    return F.interpolate(tensor, (side, side), mode="area").clamp(0, 1)


def _class_pictures(loaded: LoadedBase, prior: Prior) -> ClassPictures:
    """Each different caption is encoded once."""
    texts = sorted(set(prior.captions))
    rows = torch.tensor([texts.index(text) for text in prior.captions], device=loaded.device)
    return ClassPictures(prior.latents.to(loaded.device).float(), loaded.embed(texts), rows)
