"""Which noise levels of a schedule are trained how often.

A face takes shape where there is somewhat more noise than signal. Drawn evenly, most levels lie elsewhere, and min-SNR
weights (arXiv 2303.09556) all but ignore these; a small network then learns heads without a face.
"""

from __future__ import annotations

from torch import Tensor, searchsorted

EVEN = 0.1  # share of the levels drawn evenly, so that none is left out


def chances(signal: Tensor, focus: float) -> Tensor:
    """Cumulative chance of each level, (T,) rising to 1; `signal` (T,) is alpha-bar, the share of signal variance.

    A hyperbolic secant of the logarithm of the signal-to-noise ratio around `focus` (weights of that shape: arXiv
    2303.00848), as how often a level is drawn and not as a weight, so that no step is spent on one that hardly counts.
    """
    exact = signal.double().cpu()
    logarithm = (exact / (1 - exact).clamp_min(1e-12)).clamp_min(1e-12).log()  # the last level may hold no signal
    chance = 1 / ((logarithm - focus) / 2).cosh()
    mixed = (1 - EVEN) * chance / chance.sum() + EVEN / len(signal)
    return mixed.cumsum(0).float()


def pick(cumulative: Tensor, spread: Tensor) -> Tensor:
    """The level at each place of `spread`, which is in [0, 1): int64, same shape."""
    return searchsorted(cumulative, spread).clamp_max(len(cumulative) - 1)
