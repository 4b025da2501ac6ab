"""Noise levels: drawn where the focus is, and none left out."""

from __future__ import annotations

import torch
from diffusers import DDPMScheduler

from avatar.weights.levels import chances, pick


def signal() -> torch.Tensor:
    """A schedule that ends in pure noise."""
    return torch.as_tensor(DDPMScheduler(num_train_timesteps=1000, rescale_betas_zero_snr=True).alphas_cumprod)


def test_the_level_at_the_focus_is_drawn_most_often() -> None:
    for focus in (-2.0, 0.0, 2.0):
        a = signal()
        most = int(chances(a, focus).double().diff().argmax()) + 1
        nearest = int(((a / (1 - a)).clamp_min(1e-9).log() - focus).abs().argmin())
        assert abs(most - nearest) <= 25  # neighbours differ by less than a float can tell


def test_every_level_has_a_chance_even_the_one_without_signal() -> None:
    steps = chances(signal(), -1.0).diff(prepend=torch.zeros(1))
    assert float(steps.min()) > 0.00009
    assert abs(float(steps.sum()) - 1) < 1e-5


def test_places_from_none_to_all_give_the_first_and_the_last_level() -> None:
    cumulative = chances(signal(), -1.0)
    assert pick(cumulative, torch.tensor([0.0, 0.9999999])).tolist() == [0, 999]
