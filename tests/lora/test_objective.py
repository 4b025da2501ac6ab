from __future__ import annotations

import pytest
import torch
from diffusers import DDPMScheduler

from avatar.lora import objective
from avatar.weights.load import PREDICTIONS, LoadedBase


def some(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", ["sd15", "v"])
def test_noise_and_v_are_those_of_the_bases_own_scheduler(bases: dict[str, LoadedBase], name: str) -> None:
    scheduler = DDPMScheduler.from_config(bases[name].scheduler_config)
    share = objective.signal_share(bases[name].scheduler_config)
    clean, noise, times = some(3, 4, 2, 2), some(3, 4, 2, 2).flip(0), torch.tensor([0, 500, 998])
    torch.testing.assert_close(objective.noised(clean, noise, share[times]), scheduler.add_noise(clean, noise, times))
    torch.testing.assert_close(
        objective.target("v_prediction", clean, noise, share[times]), scheduler.get_velocity(clean, noise, times)
    )


def test_the_targets_are_the_noise_and_the_clean_picture() -> None:
    clean, noise, a = some(1, 4, 2, 2), some(1, 4, 2, 2) + 1, torch.tensor([0.3])
    assert objective.target("epsilon", clean, noise, a) is noise
    assert objective.target("sample", clean, noise, a) is clean
    with pytest.raises(ValueError, match="flow"):
        objective.target("flow", clean, noise, a)


def test_min_snr_weights_have_their_closed_form_on_both_sides_of_the_clamp() -> None:
    a = torch.tensor([0.5, 10 / 11])  # ratios 1 and 10
    close = torch.testing.assert_close
    close(objective.min_snr_weight("epsilon", a, 5.0), torch.tensor([1.0, 0.5]))
    close(objective.min_snr_weight("v_prediction", a, 5.0), torch.tensor([1 / 2, 5 / 11]))
    close(objective.min_snr_weight("sample", a, 5.0), torch.tensor([1.0, 5.0]))


def test_one_error_of_the_clean_picture_weighs_the_same_whatever_is_predicted() -> None:
    a, off = torch.tensor([0.2, 0.6, 0.95]), torch.tensor([0.1, 0.2, 0.3])
    as_noise = off * (a / (1 - a)).sqrt()  # from x_t = sqrt(a) x_0 + sqrt(1 - a) noise
    as_v = off / (1 - a).sqrt()  # from x_0 = sqrt(a) x_t - sqrt(1 - a) v
    losses = [
        objective.min_snr_weight(name, a, 5.0) * wrong.square()
        for name, wrong in zip(PREDICTIONS, (as_noise, as_v, off), strict=True)
    ]
    torch.testing.assert_close(losses[0], losses[2])
    torch.testing.assert_close(losses[1], losses[2])


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_weights_are_finite_at_both_ends_of_the_schedule(prediction: str) -> None:
    assert torch.isfinite(objective.min_snr_weight(prediction, torch.tensor([0.0, 1.0]), 5.0)).all()


def test_a_masked_error_is_the_mean_under_the_mask_whatever_its_size() -> None:
    wanted, said = torch.zeros(2, 4, 4, 4), torch.zeros(2, 4, 4, 4)
    said[:, :, 0, 0] = 2.0
    mask = torch.zeros(2, 1, 4, 4)
    mask[0, :, 0, 0] = 1  # only the wrong cell
    mask[1, :, 0, :2] = 1  # the wrong one and a right one
    torch.testing.assert_close(objective.masked_error(said, wanted, mask), torch.tensor([4.0, 2.0]))
    whole = torch.ones_like(mask)
    plain = torch.nn.functional.mse_loss(said, wanted)
    torch.testing.assert_close(objective.masked_error(said, wanted, whole)[0], plain)


def test_a_floored_mask_lets_everything_count_a_little() -> None:
    torch.testing.assert_close(objective.floored(torch.tensor([0.0, 0.5, 1.0]), 0.2), torch.tensor([0.2, 0.6, 1.0]))


def test_the_prior_is_added_with_its_weight_and_its_own_mean() -> None:
    errors = torch.tensor([1.0, 3.0, 10.0])
    assert objective.with_prior(errors, 1, 0.5) == 2.0 + 0.5 * 10.0
    assert objective.with_prior(errors, 0, 0.5) == errors.mean()
