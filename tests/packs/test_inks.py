"""A comic is of flat colours, lines and dots, and nobody's skin gets another shade."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from avatar.packs.inks import inked
from avatar.photos.pixels import lab
from avatar.pocket.cast import cast, selfies
from avatar.ports import Picture


def _flat(lightness: int, size: int = 128) -> Picture:
    return np.full((size, size, 3), lightness, np.uint8)


def _lightness(picture: Picture) -> npt.NDArray[np.floating]:
    return lab(picture)[..., 0]


@pytest.mark.parametrize("size", [256, 300, 512])
def test_a_comic_has_the_size_of_its_picture_and_black_lines(size: int) -> None:
    picture = selfies(cast(1)[0], 1, size=size)[0]
    made, bare = inked(picture, 6, 2.0, 0.0), inked(picture, 6, 0.0, 0.0)
    assert made.shape == picture.shape
    assert made.dtype == np.uint8
    drawn = _lightness(bare) - _lightness(made) > 20
    assert 0.01 < drawn.mean() < 0.2  # lines, and no blots
    assert (_lightness(made) <= _lightness(bare) + 1).all()


def test_a_slope_becomes_steps() -> None:
    slope = np.repeat(np.tile(np.arange(256, dtype=np.uint8), (64, 1))[..., None], 3, -1)
    found = _lightness(inked(slope, 4, 0.0, 0.0))[32]
    counts = np.histogram(found, bins=20, range=(0, 100))[0]
    assert np.sort(counts)[-4:].sum() > 0.6 * 256  # most of it is at one of four
    assert abs(found.mean() - _lightness(slope).mean()) < 2


@pytest.mark.parametrize("grey", [30, 60, 90, 120])
def test_dots_are_printed_in_shades_only_and_leave_them_as_light_as_they_were(grey: int) -> None:
    plain, dotted = (_lightness(inked(_flat(grey), 12, 0.0, shade)) for shade in (0.0, 60.0))
    middle = np.s_[32:96, 32:96]
    dark = _lightness(_flat(grey)).mean() < 55
    assert (dotted[middle].std() > 1) == dark
    assert abs(dotted[middle].mean() - plain[middle].mean()) < 1.5


def test_dots_are_as_many_in_a_larger_picture() -> None:
    small, large = (_lightness(inked(_flat(60, size), 6, 0.0, 60.0)) for size in (256, 512))
    narrower = large.reshape(256, 2, 256, 2).mean((1, 3))
    assert abs(narrower.std() - small.std()) < 0.25 * small.std()


@pytest.mark.parametrize("who", [0, 1, 3, 4])  # pale, light, brown, deep
def test_cheeks_keep_their_lightness(who: int) -> None:
    picture = selfies(cast(5)[who], 1)[0]
    blurred = [_lightness(one)[96:160, 96:160].mean() for one in (picture, inked(picture, 6, 0.0, 60.0))]
    assert abs(blurred[0] - blurred[1]) < 4
