"""Solve the encoder of the autoencoder in closed form, and give its decoder a plain start.

A trained encoder spends its first thousand steps on colours and large shapes. A linear one is the principal components
of the pictures, and the usual layers can hold it: the residual blocks are nothing, each halving convolution takes the
principal components of 2 x 2 cells of what comes in, and the latents are the strongest of the last. The norm
and SiLU before the last convolution are made harmless by pairs, since silu(x) - silu(-x) = x, and by one large constant
pair, which leaves the norm nothing to change.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor, nn

STILL = 0.02  # share of the random weights that is left, so that no two channels stay alike
CONSTANT = 4.0  # of the pair that steadies the norm; signals are about 1


@torch.no_grad()
def begin(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Set the weights of an autoencoder with one layer a block from pictures, float (N, 3, H, W) in [-1, 1].

    Gives the spread each latent channel should have, (channels,), a mean of squares of one: the square root of what it
    moves in the picture. With equal spreads the diffusion network would spend itself on the faintest detail, with
    natural ones on the colour of the backdrop.
    """
    strength = _solve_encoder(vae, pictures)
    _pass(vae.quant_conv)
    _pass(vae.post_quant_conv)
    for name, layer in vae.decoder.named_modules():
        if name.endswith("conv2"):
            layer.weight *= 0.1  # of the random start: blocks begin as little more than their shortcuts
            layer.bias.zero_()
        if name.endswith(("conv_shortcut", "upsamplers.0.conv")) or name == "conv_in":
            _pass(layer)
    return (strength / strength.mean()).sqrt()


def _solve_encoder(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    encoder = vae.encoder
    for name, weight in encoder.named_parameters():
        if ".conv2." in name:
            nn.init.zeros_(weight)
    _pass(encoder.conv_in)
    known = pictures.shape[1]  # channels that mean something
    state = encoder.conv_in(pictures)
    for block in encoder.down_blocks[:-1]:
        if block.resnets[0].conv_shortcut is not None:
            _pass(block.resnets[0].conv_shortcut)
        state = block.resnets[0](state, None)
        known = _components(block.downsamplers[0].conv, state, known)
        state = block.downsamplers[0](state)
    shortcut = encoder.down_blocks[-1].resnets[0].conv_shortcut
    _pairs(shortcut, min(known, shortcut.out_channels // 2 - 1))
    return _last(vae, encoder.mid_block(encoder.down_blocks[-1].resnets[0](state, None)))


def _last(vae: AutoencoderKL, state: Tensor) -> Tensor:
    """Make the last convolution read the strongest pairs as latents; gives how strong each was."""
    count, out = vae.config.latent_channels, vae.encoder.conv_out
    level = F.silu(vae.encoder.conv_norm_out(state))
    strength = (level[:, 0 : 2 * count : 2] - level[:, 1 : 2 * count : 2]).std(dim=(0, 2, 3))
    out.weight *= STILL
    out.bias.zero_()
    for at in range(count):
        out.weight[at, 2 * at, 1, 1] += 1 / strength[at]
        out.weight[at, 2 * at + 1, 1, 1] -= 1 / strength[at]
    out.weight[count:] = 0
    out.bias[count:] = -4.6  # log variance: a spread of a tenth
    return strength


def _quiet(layer: nn.Conv2d) -> Tensor:
    """Leave little of the random weights and nothing of the bias, which is given back."""
    if layer.bias is None:
        raise ValueError("the layers of an autoencoder have a bias")
    layer.weight *= STILL
    return layer.bias.zero_()


def _pass(layer: nn.Conv2d) -> None:
    """A convolution that hands on its channels as far as there are as many."""
    _quiet(layer)
    middle = layer.kernel_size[0] // 2
    for at in range(min(layer.in_channels, layer.out_channels)):
        layer.weight[at, at, middle, middle] += 1


def _pairs(layer: nn.Conv2d, count: int) -> None:
    """A shortcut that gives `count` channels each as x and -x, and the large constant as the last pair."""
    bias = _quiet(layer)
    for at in range(count):
        layer.weight[2 * at] = 0
        layer.weight[2 * at, at] = 1
        layer.weight[2 * at + 1] = -layer.weight[2 * at]
    layer.weight[-2:] = 0
    bias[-2], bias[-1] = CONSTANT, -CONSTANT


def _components(layer: nn.Conv2d, state: Tensor, known: int) -> int:
    """Make a halving convolution take the principal components of 2 x 2 cells; gives how many it takes."""
    cells = F.pixel_unshuffle(state[:, :known], 2).transpose(0, 1).flatten(1)  # (known * 4, places)
    vectors = torch.linalg.eigh((cells @ cells.T).double()).eigenvectors.flip(1).T.float()  # strongest first
    taken = min(layer.out_channels, 4 * known)
    _quiet(layer)
    layer.weight[:taken] = 0
    layer.weight[:taken, :known, :2, :2] = vectors[:taken].reshape(taken, known, 2, 2) / 2  # keeps a mean a mean
    return taken
