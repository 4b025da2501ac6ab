from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from avatar.lora.recipes import ATTENTION, CONVOLUTIONS, Recipe
from avatar.ports import Picture
from avatar.weights.load import LoadedBase, load
from avatar.weights.registry import find
from tests.tiny import tiny_sd15, tiny_sdxl, tiny_v

RECIPE = Recipe(
    rank=4, alpha=4.0, learning_rate=1e-2, batch=4, steps_per_photo=1, least_steps=3, most_steps=3,
    targets=(*ATTENTION, *CONVOLUTIONS), seed=7,
)  # fmt: skip


@dataclass(frozen=True)
class Snap:
    picture: Picture
    mask: npt.NDArray[np.float32]
    caption: str


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedBase]:
    """One tiny loaded base of each kind; kept warm over all tests, as a worker keeps it over all people."""
    shelf = tmp_path_factory.mktemp("bases")
    makers: dict[str, Callable[[Path], Path]] = {"sd15": tiny_sd15, "sdxl": tiny_sdxl, "v": tiny_v}
    return {name: load(find(make(shelf / name)), "cpu", torch.float32) for name, make in makers.items()}


@pytest.fixture(autouse=True)
def base_is_never_changed(bases: dict[str, LoadedBase]) -> object:
    """Law 6, after each test of this shelf: the base is what it was, bare and bit by bit."""
    yield
    for loaded in bases.values():
        assert loaded.digest() == loaded.known_digest
        assert not any("lora" in name for name, _ in loaded.unet.named_modules())


@pytest.fixture
def recipe() -> Recipe:
    return RECIPE


@pytest.fixture
def snaps() -> list[Snap]:
    rng = np.random.default_rng(0)
    mask = np.zeros((48, 48), np.float32)
    mask[12:36, 12:36] = 1
    words = ("a photo", "turned left", "smiling")
    return [Snap(rng.integers(0, 255, (48, 48, 3), dtype=np.uint8), mask, text) for text in words]


def quiet(done: int, total: int, note: str = "") -> None:
    """Progress that nobody watches."""
