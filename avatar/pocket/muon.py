"""Muon: steps whose matrices are made orthogonal, so that no direction of a layer learns much faster than another.

After Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); the size of a step is matched to
AdamW's as in arXiv 2502.16982. Convolutions are taken as matrices of (out, in x height x width). What is no matrix,
the tables of words, and what reads the noise level go to AdamW. torch.optim.Muon takes no convolutions, which are most
of this network.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from avatar.pocket.pair import processes, rank

MEMORY = 0.95  # of the running mean of gradients
DECAY = 0.01  # of the weights, times the rate
ROUNDS = 5  # of the iteration; singular values are then within 0.7 and 1.2
CURVE = (3.4445, -4.7750, 2.0315)  # of the iteration, from the paper: steep at 0, near 1 flat enough
MATCH = 0.2  # size of an AdamW step, root mean square; with the root of the longer side


def orthogonal(matrix: Tensor) -> Tensor:
    """The nearest matrix, roughly, whose singular values are all one; by Newton and Schulz, no decomposition."""
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.T if tall else matrix
    found = (found / (found.norm() + 1e-7)).bfloat16()  # what is lost is less than what the iteration leaves
    first, third, fifth = CURVE
    for _ in range(ROUNDS):
        square = found @ found.T
        both = torch.addmm(square, square, square, beta=third, alpha=fifth)
        found = torch.addmm(found, both, found, beta=first)
    found = found.to(matrix.dtype)
    return found.T if tall else found


class Muon:
    """The optimiser; several processes share the work of making matrices orthogonal."""

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], rate: float) -> None:
        every = list(named)
        self._matrices = [weight for name, weight in every if _is_matrix(name, weight)]
        self._means = [torch.zeros_like(weight) for weight in self._matrices]
        rest = [weight for name, weight in every if not _is_matrix(name, weight)]
        self._others = torch.optim.AdamW(rest, rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)
        self.rate = rate

    def zero_grad(self) -> None:
        for weight in self._matrices:
            weight.grad = None
        self._others.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights by their gradients."""
        for group in self._others.param_groups:
            group["lr"] = self.rate
        self._others.step()
        moves = []
        for at, (weight, mean) in enumerate(zip(self._matrices, self._means, strict=True)):
            assert weight.grad is not None  # noqa: S101 - every layer is used in every pass
            mean.lerp_(weight.grad, 1 - MEMORY)
            ours = at % processes() == rank()
            moves.append(_move(weight, mean) if ours else torch.zeros_like(weight))
        if processes() > 1:
            flat = torch.cat([move.flatten() for move in moves])
            dist.all_reduce(flat)
            parts = flat.split([move.numel() for move in moves])
            moves = [part.view_as(move) for part, move in zip(parts, moves, strict=True)]
        for weight, move in zip(self._matrices, moves, strict=True):
            weight.mul_(1 - self.rate * DECAY).sub_(self.rate * move)

    def state_dict(self) -> dict[str, Any]:
        return {"means": self._means, "others": self._others.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for mean, kept in zip(self._means, state["means"], strict=True):
            mean.copy_(kept)
        self._others.load_state_dict(state["others"])


def _is_matrix(name: str, weight: nn.Parameter) -> bool:
    return weight.ndim >= 2 and "embed" not in name


def _move(weight: nn.Parameter, mean: Tensor) -> Tensor:
    """The step of one matrix at rate 1: the gradient looked ahead by its mean (Nesterov), made orthogonal."""
    assert weight.grad is not None  # noqa: S101 - seen by the caller
    ahead = weight.grad.lerp(mean, MEMORY).reshape(weight.shape[0], -1)
    return (orthogonal(ahead) * (MATCH * math.sqrt(max(ahead.shape)))).view_as(weight)
