"""Drawn people before real face tools."""

from __future__ import annotations

import numpy as np
import pytest

from avatar.pocket.draw import draw
from avatar.pocket.measure import Tools, distances, nearest, rank_one
from avatar.pocket.people import person
from avatar.pocket.view import View


def at(*places: float) -> list[np.ndarray]:
    return [np.array([place, 0.0]) for place in places]


def test_each_picture_is_named_by_the_nearest_of_the_others() -> None:
    assert rank_one({1: at(0, 0.1, 0.2), 2: at(5, 5.1, 5.2)}) == 1
    assert rank_one({1: at(0, 0.1, 5.0), 2: at(5.1, 5.2, 5.3)}) == pytest.approx(5 / 6)  # 5.0 stands beside the other
    assert rank_one({1: at(0, 9), 2: at(1)}) == 1  # who was seen once can not be looked for
    assert nearest(np.array([4.0, 0]), {1: at(0), 2: at(5)}) == 2


def test_distances_within_and_between_people() -> None:
    same, different = distances({1: at(0, 1), 2: at(5)})
    assert same.tolist() == [1]
    assert sorted(different.tolist()) == [4, 5]


def test_a_picture_whose_axes_were_only_exchanged_is_looked_at_as_well() -> None:
    tools, picture = Tools.load(), draw(person(36), View(seed=1, span=2.9))
    turned = np.asfortranarray(picture)
    assert not turned.flags.c_contiguous
    assert tools.look(turned)[0] == tools.look(picture)[0] != "none"
