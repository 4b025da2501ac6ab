"""Several processes of one thread each that train one network: two of them outrun two threads by a sixth.

Started by `torchrun --nproc-per-node 2 -m avatar.pocket.train ...`; without torchrun every function here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import torch
import torch.distributed as dist
from torch import nn


def join() -> None:
    """Meet the other processes, if torchrun started this one."""
    if "WORLD_SIZE" in os.environ and not dist.is_initialized():
        dist.init_process_group("gloo")


def rank() -> int:
    """Which process this is; process 0 writes the files."""
    return dist.get_rank() if dist.is_initialized() else 0


def processes() -> int:
    """How many there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average(weights: Iterable[nn.Parameter]) -> None:
    """Give every process the mean gradient."""
    if dist.is_initialized():
        grads = [weight.grad for weight in weights if weight.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        parts = (flat / dist.get_world_size()).split([grad.numel() for grad in grads])
        for grad, part in zip(grads, parts, strict=True):
            grad.copy_(part.view_as(grad))


def agree(*values: float) -> list[float]:
    """The values of process 0; the others wait for it."""
    said = torch.tensor(values, dtype=torch.float64)
    if dist.is_initialized():
        dist.broadcast(said, 0)
    answer: list[float] = said.tolist()
    return answer


def in_turn(act: Callable[[], None]) -> None:
    """Process 0 acts, then the others, who may read what it wrote."""
    if rank() == 0:
        act()
    if dist.is_initialized():
        dist.barrier()
        if rank() != 0:
            act()
