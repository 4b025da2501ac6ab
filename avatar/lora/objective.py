"""What the fine-tune minimises: short functions, each with its paper.

`a` is the share of signal variance (alpha-bar) at a picture's timestep, shape (B,), in [0, 1].
Latents, noise and predictions are BCHW; masks are B1HW in [0, 1]; errors and weights are (B,).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_TINY = 1e-8  # keeps 0 / 0 away at the two ends of the schedule


def signal_share(scheduler_config: Mapping[str, Any]) -> Tensor:
    """alpha-bar of every training timestep (T,), float32, as the base's own schedule has it."""
    from diffusers import DDPMScheduler

    return torch.as_tensor(DDPMScheduler.from_config(dict(scheduler_config)).alphas_cumprod).float()


def noised(clean: Tensor, noise: Tensor, a: Tensor) -> Tensor:
    """The forward process, x_t = sqrt(a) x_0 + sqrt(1 - a) noise; arXiv 2006.11239, equation 4."""
    return _rows(a.sqrt()) * clean + _rows((1 - a).sqrt()) * noise


def target(prediction: str, clean: Tensor, noise: Tensor, a: Tensor) -> Tensor:
    """What the UNet should say: the noise, v = sqrt(a) noise - sqrt(1 - a) x_0 (arXiv 2202.00512), or x_0."""
    if prediction == "epsilon":
        return noise
    if prediction == "v_prediction":
        return _rows(a.sqrt()) * noise - _rows((1 - a).sqrt()) * clean
    if prediction == "sample":
        return clean
    raise ValueError(f"no target for {prediction!r}")


def snr(a: Tensor) -> Tensor:
    """Signal-to-noise ratio, a / (1 - a)."""
    return a / (1 - a).clamp(min=_TINY)


def min_snr_weight(prediction: str, a: Tensor, gamma: float) -> Tensor:
    """min(snr, gamma) as a weight on x_0, carried over to what is predicted; arXiv 2303.09556, section 3.4.

    An error in x_0 of one unit is an error of snr in noise, and of snr + 1 in v; hence the divisors.
    """
    ratio = snr(a)
    clamped = ratio.clamp(max=gamma)
    if prediction == "epsilon":
        return clamped / ratio.clamp(min=_TINY)
    if prediction == "v_prediction":
        return clamped / (ratio + 1)
    if prediction == "sample":
        return clamped
    raise ValueError(f"no weight for {prediction!r}")


def floored(mask: Tensor, floor: float) -> Tensor:
    """Lift a mask so that what it hides still counts a little."""
    return floor + (1 - floor) * mask


def masked_error(predicted: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error of each picture under its mask, divided by the mask's own mean: big and small faces alike."""
    squared = (predicted - wanted).square().mean(dim=1, keepdim=True)  # B1HW
    return (squared * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp(min=_TINY)


def with_prior(errors: Tensor, priors: int, prior_weight: float) -> Tensor:
    """Mean over the person's rows plus the weighted mean over the last `priors` rows; arXiv 2208.12242, equation 2."""
    own = errors[: len(errors) - priors].mean()
    return own + prior_weight * errors[len(errors) - priors :].mean() if priors else own


def _rows(per_picture: Tensor) -> Tensor:
    """(B,) to (B, 1, 1, 1)."""
    return per_picture.view(-1, 1, 1, 1)
