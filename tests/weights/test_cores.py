"""What makes training on processor cores faster, and what it must leave alone."""

from __future__ import annotations

import subprocess
import sys

import torch

from avatar.weights.cores import halves

KEPT = """
import resource, torch
from avatar.weights.cores import keep_memory
torch.set_num_threads(1)

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(30):
        torch.ones(4_000_000)  # 16 MB: taken, written, given back
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

usual = faults()
assert keep_memory()
faults()
assert faults() * 10 < usual, usual
"""


def test_kept_memory_is_not_asked_for_again() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_products_in_halves_leave_weights_and_their_slopes_whole() -> None:
    layer = torch.nn.Linear(32, 32)
    with halves(torch.device("cpu")):
        made = layer(torch.ones(2, 32))
    made.float().sum().backward()
    assert layer.weight.dtype is torch.float32
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype is torch.float32
    assert made.dtype is (torch.bfloat16 if torch.cpu._is_amx_tile_supported() else torch.float32)
