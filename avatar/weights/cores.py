"""Get the most out of what a network is trained on.

Two things cost two thirds of the time where nothing is done about them: products in float32 where the cores have
units for bfloat16 (Intel's AMX: 8 times the products a second), and memory that is given back after each operation
and has to be made ready again, page by page, for the next.
"""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager

import torch

_MOST_MAPPED, _TRIM_AT, _TOP_PAD = -4, -1, -2  # of glibc's mallopt
_PAD = 1 << 28  # bytes asked for at a time
_NEVER = (1 << 31) - 1  # bytes free at the top before any are given back; the largest that mallopt takes


def keep_memory() -> bool:
    """Let this process keep the memory that it frees; False where the C library knows no such wish.

    Not for a process that holds people's pictures: what it frees would stay readable in it for longer.
    """
    try:
        wish = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(wish(name, value) == 1 for name, value in ((_MOST_MAPPED, 0), (_TRIM_AT, _NEVER), (_TOP_PAD, _PAD)))


def fast_halves(device: torch.device) -> bool:
    """Whether bfloat16 is multiplied much faster than float32 there: on graphics cards, and on cores with AMX."""
    return device.type == "cuda" or (device.type == "cpu" and torch.cpu._is_amx_tile_supported())


def halves(device: torch.device) -> AbstractContextManager[object]:
    """Products in bfloat16 where that is much faster, in float32 elsewhere; weights and sums stay float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=fast_halves(device))
