"""Every random choice of a fine-tune, from one seeded generator on the CPU.

Each picture is used once before any is used twice. Timesteps are spread over each batch, one per stratum of all or of
those that the recipe asks for (weights/levels.py), which lowers the variance of the loss at no cost (arXiv 2107.00630,
appendix I.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.lora.dataset import Dataset
from avatar.lora.recipes import Recipe
from avatar.weights.levels import chances, pick

_HELD_OUT = 2  # batches


@dataclass(frozen=True, slots=True)
class Draw:
    """The choices of one step, on the device; P rows of the person, then Q class pictures."""

    person: Tensor  # (P,) picture
    caption: Tensor  # (P,) row of the encoded captions; the last row is the empty one
    prior: Tensor | None  # (Q,) class picture
    timestep: Tensor  # (P + Q,)
    spread: Tensor  # (P, C, h, w) where in its posterior each latent lies
    noise: Tensor  # (P + Q, C, h, w)


class Draws:
    """All draws of one run, in order; `held_out` are further ones to measure by, the same for the whole run."""

    def __init__(self, dataset: Dataset, recipe: Recipe, steps: int, signal: Tensor, device: torch.device) -> None:
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self._shape, self._device = dataset.mean.shape[1:], device
        even = torch.arange(1, len(signal) + 1) / len(signal)
        self._levels = even if recipe.focus is None else chances(signal, recipe.focus)
        self._recipe, self._empty = recipe, len(dataset)
        self._class_pictures = len(dataset.prior.latents) if dataset.prior else 0
        self._priors = recipe.priors() if self._class_pictures else 0
        own = recipe.batch - self._priors
        laps = -(-(steps + _HELD_OUT) * own // len(dataset))
        order = torch.cat([torch.randperm(len(dataset), generator=self._generator) for _ in range(laps)])
        self._persons = iter(order[: (steps + _HELD_OUT) * own].view(-1, own))
        self.held_out = [self._draw(next(self._persons), 0, 0.0) for _ in range(_HELD_OUT)]

    def next(self) -> Draw:
        """The next step's choices."""
        return self._draw(next(self._persons), self._priors, self._recipe.caption_dropout)

    def _draw(self, person: Tensor, priors: int, dropout: float) -> Draw:
        generator, rows = self._generator, len(person) + priors
        strata = (torch.arange(rows) + torch.rand(rows, generator=generator)) / rows
        timestep = pick(self._levels, strata)[torch.randperm(rows, generator=generator)]
        dropped = torch.rand(len(person), generator=generator) < dropout
        prior = torch.randint(self._class_pictures, (priors,), generator=generator) if priors else None
        spread = torch.randn(len(person), *self._shape, generator=generator)
        noise = torch.randn(rows, *self._shape, generator=generator)
        noise += self._recipe.noise_offset * torch.randn(rows, self._shape[0], 1, 1, generator=generator)
        return Draw(
            person=person.to(self._device),
            caption=torch.where(dropped, self._empty, person).to(self._device),
            prior=None if prior is None else prior.to(self._device),
            timestep=timestep.to(self._device),
            spread=spread.to(self._device),
            noise=noise.to(self._device),
        )
