"""The colour of cheeks, and differences of colours against another implementation."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000

from avatar.photos.skin import cheeks, ciede2000
from avatar.ports import Face


def test_differences_are_those_of_the_standard() -> None:
    dice = np.random.default_rng(3)
    ones = dice.uniform((0, -60, -60), (100, 60, 60), (500, 3))
    others = ones + dice.normal(0, 12, (500, 3))
    ours = [
        ciede2000(one.astype(np.float32), other.astype(np.float32)) for one, other in zip(ones, others, strict=True)
    ]
    assert np.allclose(ours, deltaE_ciede2000(ones.astype(np.float32), others.astype(np.float32)), atol=1e-3)


def test_the_same_colour_is_no_difference_and_grey_has_no_hue() -> None:
    grey, other = np.array([50, 0, 0], np.float32), np.array([60, 0, 0], np.float32)
    assert ciede2000(grey, grey) == 0
    assert ciede2000(grey, other) == pytest.approx(float(deltaE_ciede2000(grey, other)), abs=1e-3)


def test_cheeks_are_found_below_the_eyes_also_of_a_tilted_head() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[100:150, 40:160] = (200, 150, 120)  # a band of skin below the eyes
    for eyes in (((75, 85), (125, 85)), ((75, 80), (124, 90))):
        face = Face((50, 50, 150, 150), eyes, 0.0, 1.0, np.zeros(4, np.float32))
        found = cheeks(picture, face)
        assert found is not None
        assert found[0] == pytest.approx(66, abs=2)


def test_cheeks_outside_the_picture_are_not_guessed() -> None:
    face = Face((0, 150, 100, 260), ((30, 190), (80, 190)), 0.0, 1.0, np.zeros(4, np.float32))
    assert cheeks(np.zeros((200, 200, 3), np.uint8), face) is None
