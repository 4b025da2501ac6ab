"""Pixel art is of real squares."""

from __future__ import annotations

import numpy as np
import pytest

from avatar.packs.blocks import in_blocks
from avatar.pocket.cast import cast, selfies


@pytest.mark.parametrize("size", [256, 300])
def test_every_square_is_of_one_colour_and_levels_are_few(size: int) -> None:
    picture = selfies(cast(1)[0], 1, size=size)[0]
    made = in_blocks(picture, 50, 6)
    assert made.shape == picture.shape
    assert made.dtype == np.uint8
    assert len(np.unique(made)) <= 6
    edges = np.flatnonzero(np.abs(np.diff(made.astype(int), axis=1)).sum((0, 2)))
    assert 40 <= len(edges) <= 49  # between 50 squares; neighbours that are all alike are not seen


def test_blocks_of_a_picture_that_is_not_square_are_square_all_the_same() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (128, 256, 3)).astype(np.uint8)
    made = in_blocks(picture, 64, 8)
    assert (made.reshape(32, 4, 64, 4, 3) == made.reshape(32, 4, 64, 4, 3)[:, :1, :, :1]).all()


@pytest.mark.parametrize("levels", [4, 8, 10, 15, 29, 32])
def test_black_stays_black_and_white_stays_white(levels: int) -> None:
    for value in (0, 255):
        assert (in_blocks(np.full((64, 64, 3), value, np.uint8), 32, levels) == value).all()


def test_colours_stay_near_the_picture() -> None:
    picture = selfies(cast(2)[1], 1)[0]
    near, far = (one.reshape(8, 32, 8, 32, 3).mean((1, 3)) for one in (in_blocks(picture, 64, 10), picture))
    assert np.abs(near - far).max() < 4
