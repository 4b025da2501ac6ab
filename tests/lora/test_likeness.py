from __future__ import annotations

import numpy as np
import pytest

from avatar.lora.likeness import STRANGER, Likeness, best, descriptors, score
from avatar.ports import Descriptor, Face, Picture


class Told:
    """A recogniser that reads the number of faces and their descriptor from the first pixel."""

    name, same_person = "told", 0.5

    def find(self, picture: Picture) -> list[Face]:
        count, value = int(picture[0, 0, 0]), float(picture[0, 0, 1]) / 10
        face = Face((0, 0, 1, 1), ((0, 0), (1, 0)), 0.0, 1.0, np.array([value], np.float32))
        return [face] * count

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        return float(abs(one - other).sum())


def shown(count: int, value: int) -> Picture:
    return np.full((1, 1, 3), (count, value, 0), np.uint8)


def test_the_distance_is_the_mean_over_pictures_and_references() -> None:
    references = descriptors([shown(1, 1), shown(1, 3), shown(0, 9)], Told())
    assert len(references) == 2
    found = score([shown(1, 2), shown(1, 4)], references, Told())
    assert found.distance == pytest.approx((0.1 + 0.2) / 2)
    assert found.one_face == 1.0


def test_pictures_without_exactly_one_face_count_as_strangers() -> None:
    references = descriptors([shown(1, 1)], Told())
    found = score([shown(1, 1), shown(0, 1), shown(2, 1)], references, Told())
    assert found.one_face == pytest.approx(1 / 3)
    assert found.overall == pytest.approx(2 / 3 * STRANGER * 0.5)
    none = score([shown(0, 1)], references, Told())
    assert none.distance is None
    assert none.overall == pytest.approx(STRANGER * 0.5)


def test_the_nearest_checkpoint_wins_and_the_earlier_one_where_they_are_equal() -> None:
    assert best([Likeness(0.3, 1, 0.3), Likeness(0.2, 1, 0.2), Likeness(0.2, 1, 0.2)]) == 1


def test_without_a_reference_nothing_is_near_and_without_a_picture_it_is_an_error() -> None:
    assert score([shown(1, 1)], [], Told()) == Likeness(None, 1.0, STRANGER * 0.5)
    with pytest.raises(ValueError, match="pictures"):
        score([], [], Told())
