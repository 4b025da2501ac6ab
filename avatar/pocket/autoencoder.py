"""Train the autoencoder of the pocket base: pictures of 256 x 256 px to latents of 16 x 16 with 32 channels, and back.

Sixteen times down keeps the diffusion network three times cheaper than the usual eight. The encoder is not trained: it
is linear and solved in closed form (see beginning.py), which two processor cores do in seconds where a trained one
takes them hours. The decoder learns to draw from its latents what a linear map cannot; its loss is L1 of pixels and of
their slopes on three scales, and the squared error. Since the encoder stays, the diffusion network may be trained
before, beside or after the decoder.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from torch import Tensor

from avatar.pocket.beginning import begin
from avatar.pocket.pair import average, rank
from avatar.pocket.textures import textures
from avatar.weights.cores import halves

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class AutoencoderPlan:
    """Shape and recipe of the autoencoder; the defaults are the shipped one."""

    widths: tuple[int, ...] = (8, 16, 40, 96, 160)  # narrow where pictures are large: decoding must be cheap
    channels: int = 32  # of the latents; linearly, 16 hold 27.0 dB of a drawn picture, 24 hold 28.4, 32 hold 29.6
    groups: int = 1  # of the norms; more would take the mean of single channels away, and with it the colours
    batch: int = 4  # crops a step
    crop: int = 128  # px
    rate: float = 2e-3  # learning rate at its height
    warm_up: int = 40  # steps
    texture_share: float = 0.15  # so that photographs survive
    texture_count: int = 384
    solved_on: int = 128  # pictures from which the encoder is solved
    noise: float = 0.1  # on the latents, as the diffusion network will not hit them exactly
    square: float = 8.0  # weight of the squared error
    mean_decay: float = 0.998  # of the running mean of the weights, which is what is kept; reached slowly


def make(plan: AutoencoderPlan) -> AutoencoderKL:
    """An autoencoder with random weights; without attention, so that crops teach all it does to whole pictures."""
    depth = len(plan.widths)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        block_out_channels=plan.widths,
        layers_per_block=1,
        latent_channels=plan.channels,
        norm_num_groups=plan.groups,
        sample_size=256,
        scaling_factor=1.0,
        mid_block_add_attention=False,
    )


class AutoencoderTraining:
    """The autoencoder while its decoder is trained; `state` and `restore` carry it over a stop."""

    def __init__(self, plan: AutoencoderPlan, vae: AutoencoderKL, seed: int) -> None:
        torch.manual_seed(seed)
        self.plan, self.vae, self.device = plan, vae.eval().requires_grad_(False), vae.device
        self.decoder = vae.decoder.train().requires_grad_(True)
        self.mean = deepcopy(self.decoder).eval().requires_grad_(False)
        self.seed, self.dice = seed, torch.Generator()
        self.textures = textures(plan.texture_count, 256, seed)
        self.optimizer = torch.optim.AdamW(self.decoder.parameters(), plan.rate, betas=(0.9, 0.95), weight_decay=1e-4)
        self.steps, self.loss = 0, float("nan")

    def step(self, pictures: Sequence[Pixels], progress: float) -> float:
        """One update on a batch of `pictures`; `progress` in [0, 1] sets the learning rate. Returns the loss."""
        plan = self.plan
        self.dice.manual_seed((self.seed << 32) + 16 * self.steps + rank())
        wanted = torch.stack([self._cut(pictures) for _ in range(plan.batch)]).to(self.device)
        height = 0.02 + 0.49 * (1 + math.cos(math.pi * min(progress, 1.0)))
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate * min(1, (self.steps + 1) / plan.warm_up) * height
        loss = self._loss(wanted)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average(self.decoder.parameters())
        torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), 1.0)
        self.optimizer.step()
        self.steps += 1
        follow(self.mean, self.decoder, min(plan.mean_decay, (1 + self.steps) / (10 + self.steps)))
        value = loss.item()
        self.loss = value if math.isnan(self.loss) else 0.98 * self.loss + 0.02 * value
        return value

    def _loss(self, wanted: Tensor) -> Tensor:
        with torch.no_grad():
            latent = self.vae.encode(wanted).latent_dist.mode()
        latent = latent + self.plan.noise * torch.randn(latent.shape, generator=self.dice).to(self.device)
        with halves(self.device):
            drawn = self.vae.decode(latent).sample
        drawn = drawn.float()
        return difference(drawn, wanted) + self.plan.square * (drawn - wanted).square().mean()

    def _cut(self, pictures: Sequence[Pixels]) -> Tensor:
        """One crop as float (3, crop, crop) in [-1, 1], mostly near the middle, where the faces are."""
        a, b, c, d, e, f, g = torch.rand(7, generator=self.dice).tolist()
        shelf = self.textures if a < self.plan.texture_share else pictures
        picture: Pixels = shelf[int(b * len(shelf))]
        size = self.plan.crop
        room = picture.shape[0] - size
        y, x = int((c + e) / 2 * (room + 1)), int((d + f) / 2 * (room + 1))
        cut = picture[y : y + size, x : x + size]
        return pixels_in(cut[:, ::-1] if g < 0.5 else cut)

    def finished(self) -> AutoencoderKL:
        """A copy with the running mean of the decoder, for use."""
        vae = deepcopy(self.vae)
        vae.decoder.load_state_dict(self.mean.state_dict())
        return vae.eval().requires_grad_(False)

    def state(self) -> dict[str, Any]:
        return {
            "decoder": self.decoder.state_dict(),
            "mean": self.mean.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
            "loss": self.loss,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.decoder.load_state_dict(state["decoder"])
        self.mean.load_state_dict(state["mean"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps, self.loss = state["steps"], state["loss"]


@torch.no_grad()
def follow(mean: torch.nn.Module, net: torch.nn.Module, decay: float) -> None:
    """Move a running mean of weights towards the weights."""
    torch._foreach_lerp_(list(mean.parameters()), list(net.parameters()), 1 - decay)


def solved(plan: AutoencoderPlan, pictures: Sequence[Pixels], seed: int) -> AutoencoderKL:
    """An autoencoder with its encoder solved on these pictures and some textures, its latents brought to scale."""
    torch.manual_seed(seed)
    vae = make(plan).eval()
    some = [*pictures[:: max(1, len(pictures) // plan.solved_on)], *textures(max(1, plan.solved_on // 10), 256, seed)]
    edge = (some[0].shape[0] - plan.crop) // 2
    spread = begin(vae, torch.stack([pixels_in(picture[edge:-edge, edge:-edge]) for picture in some]))
    normalise(vae, encode(vae, pictures[:: max(1, len(pictures) // 512)]), spread)
    return vae


def pixels_in(picture: Pixels) -> Tensor:
    """uint8 HWC to float CHW in [-1, 1]."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 127.5 - 1


def pixels_out(picture: Tensor) -> Pixels:
    """Float CHW in [-1, 1] to uint8 HWC."""
    pixels: Pixels = picture.permute(1, 2, 0).add(1).mul(127.5).round().clamp(0, 255).byte().numpy()
    return pixels


def difference(drawn: Tensor, wanted: Tensor) -> Tensor:
    """L1 of the pixels and of their slopes on three scales, each half the size of the one before (BCHW)."""
    gap = drawn - wanted
    loss = gap.abs().mean()
    for _ in range(3):
        loss = loss + 0.5 * (gap.diff(dim=2).abs().mean() + gap.diff(dim=3).abs().mean())
        gap = F.avg_pool2d(gap, 2)
        loss = loss + 0.5 * gap.abs().mean()
    return loss


@torch.inference_mode()
def encode(vae: AutoencoderKL, pictures: Sequence[Pixels], batch: int = 16) -> Tensor:
    """The scaled latents of pictures: means of the posterior, float (N, channels, 16, 16)."""
    parts = []
    for start in range(0, len(pictures), batch):
        pixels = torch.stack([pixels_in(picture) for picture in pictures[start : start + batch]])
        latents = vae.encode(pixels.to(vae.device)).latent_dist.mode() * vae.config.scaling_factor
        parts.append(latents.cpu())
    return torch.cat(parts)


@torch.inference_mode()
def decode(vae: AutoencoderKL, latents: Tensor, batch: int = 8) -> list[Pixels]:
    """Pictures of scaled latents."""
    shown: list[Pixels] = []
    for part in latents.split(batch):
        drawn = vae.decode(part.to(vae.device) / vae.config.scaling_factor).sample.cpu()
        shown += [pixels_out(picture) for picture in drawn]
    return shown


@torch.no_grad()
def normalise(vae: AutoencoderKL, latents: Tensor, spread: Tensor) -> None:
    """Fold into the encoder's last layer what gives the channels of these latents a mean of zero and this spread."""
    mean, scale = latents.mean(dim=(0, 2, 3)), spread / latents.std(dim=(0, 2, 3))
    quant, count = vae.quant_conv, len(mean)
    quant.weight[:count] *= scale[:, None, None, None]
    quant.bias[:count] = (quant.bias[:count] - mean) * scale
    quant.bias[count:] += 2 * scale.log()


def psnr(pictures: Sequence[Pixels], others: Sequence[Pixels]) -> float:
    """Mean peak signal to noise ratio of pairs of pictures, in dB."""
    errors = [float(np.mean((a.astype(np.float64) - b) ** 2)) for a, b in zip(pictures, others, strict=True)]
    return float(np.mean([10 * np.log10(255**2 / max(error, 1e-9)) for error in errors]))
