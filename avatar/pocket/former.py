"""Begin a training with what a former base has learned, also where its latents or its layers were others.

Weights go over by name where their shapes agree. Where the latents have another number of channels, the old ones are
found as a linear function of the new ones, by least squares on some pictures, and the convolutions that read or write
latents are multiplied by it: the rest of the network then sees about what it knew.

Covers: the folder of a base (release.py). Does not cover: the optimiser's state, which is in a checkpoint and not in
a base; layers that the new network has not are dropped, those that are new begin at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from avatar.pocket.autoencoder import Pixels, encode

LOCAL = {"local_files_only": True, "use_safetensors": True}  # a folder that is not there is not looked for on the hub
PICTURES = 64  # encoded by both to find how the latents depend on one another; 16,384 places


@dataclass(frozen=True, slots=True)
class Bridge:
    """Old latents (O, ...) from new ones (N, ...), place by place: old = matrix @ new + offset."""

    matrix: Tensor  # (O, N)
    offset: Tensor  # (O,)


def bridge(old: Tensor, new: Tensor) -> Bridge:
    """The best bridge between two encodings (pictures, channels, h, w) of the same pictures."""
    wanted, given = (one.movedim(1, -1).flatten(0, -2).double() for one in (old, new))
    ones = given.new_ones(len(given), 1)
    solved = torch.linalg.lstsq(torch.cat([given, ones], 1), wanted).solution.float()
    return Bridge(solved[:-1].T.contiguous(), solved[-1].contiguous())


def begin_autoencoder(vae: AutoencoderKL, folder: Path, pictures: Sequence[Pixels]) -> AutoencoderKL:
    """The former autoencoder itself where its latents have as many channels, else `vae` with the former's decoder."""
    former = AutoencoderKL.from_pretrained(folder / "vae", **LOCAL).float().eval()
    if former.config.latent_channels == vae.config.latent_channels:
        return former
    across = _between(former, vae, pictures)
    _take(vae.decoder, former.decoder, skip=("conv_in.",))
    with torch.no_grad():  # the former's first two layers as one, reading new latents
        first = former.decoder.conv_in.weight
        quant = former.post_quant_conv.weight[:, :, 0, 0]
        vae.decoder.conv_in.weight.copy_(torch.einsum("ochw,cd,dn->onhw", first, quant, across.matrix))
        still = quant @ across.offset + former.post_quant_conv.bias
        vae.decoder.conv_in.bias.copy_(former.decoder.conv_in.bias + torch.einsum("ochw,c->o", first, still))
    nn.init.dirac_(vae.post_quant_conv.weight)
    nn.init.zeros_(vae.post_quant_conv.bias)
    return vae


def begin_diffusion(net: nn.ModuleDict, folder: Path, vae: AutoencoderKL, pictures: Sequence[Pixels]) -> None:
    """Give the diffusion network and the text encoder what the base in `folder` has learned."""
    former: Any = UNet2DConditionModel.from_pretrained(folder / "unet", **LOCAL).float()
    young: Any = net["unet"]
    alike = former.config.in_channels == young.config.in_channels
    _take(net["text"], CLIPTextModel.from_pretrained(folder / "text_encoder", **LOCAL).float())
    _take(young, former, skip=() if alike else ("conv_in.", "conv_out."))
    if alike:
        return
    across = _between(AutoencoderKL.from_pretrained(folder / "vae", **LOCAL).float().eval(), vae, pictures)
    with torch.no_grad():
        young.conv_in.weight.copy_(torch.einsum("ochw,cn->onhw", former.conv_in.weight, across.matrix))
        young.conv_in.bias.copy_(former.conv_in.bias)
        back = torch.linalg.pinv(across.matrix)
        young.conv_out.weight.copy_(torch.einsum("no,ochw->nchw", back, former.conv_out.weight))
        young.conv_out.bias.copy_(back @ former.conv_out.bias)


def _between(former: AutoencoderKL, vae: AutoencoderKL, pictures: Sequence[Pixels]) -> Bridge:
    some = pictures[:: max(1, len(pictures) // PICTURES)]
    return bridge(encode(former, some), encode(vae, some))


@torch.no_grad()
def _take(net: nn.Module, former: nn.Module, skip: tuple[str, ...] = ()) -> None:
    """Copy each weight that both have, with one shape, and whose name does not begin with one of `skip`."""
    known = former.state_dict()
    for name, weight in net.state_dict().items():
        if name in known and known[name].shape == weight.shape and not name.startswith(skip):
            weight.copy_(known[name])
