"""Pictures to torch tensors and back; apart from `pixels`, so that the rest of the shelf needs no torch."""

from __future__ import annotations

import numpy as np
import torch

from avatar.ports import Picture


def to_tensor(picture: Picture) -> torch.Tensor:
    """uint8 (H, W, 3) [0, 255] to float32 (1, 3, H, W) [-1, 1]."""
    planes = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))  # HWC -> CHW
    return planes.to(torch.float32).div(127.5).sub(1)[None]


def to_picture(tensor: torch.Tensor) -> Picture:
    """float (1, 3, H, W) or (3, H, W) [-1, 1] to uint8 (H, W, 3), rounded; values outside are clipped."""
    planes = tensor.detach().reshape(tensor.shape[-3:]).to("cpu", torch.float32)
    scaled = planes.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(1, 2, 0).numpy())  # CHW -> HWC


def to_tensors(pictures: list[Picture]) -> torch.Tensor:
    """Pictures of one size to float32 (B, 3, H, W) [-1, 1]."""
    return torch.cat([to_tensor(picture) for picture in pictures])


def to_pictures(tensor: torch.Tensor) -> list[Picture]:
    """float (B, 3, H, W) [-1, 1] to a list of uint8 (H, W, 3)."""
    return [to_picture(one) for one in tensor]
