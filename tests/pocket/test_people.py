from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from avatar.pocket.colours import skin_group, skin_rgb
from avatar.pocket.people import RANGES, Beard, Glasses, Hair, HairColour, person, recolour

CROWD = [person(seed) for seed in range(2000)]


def test_a_seed_is_the_same_person_for_ever():
    assert person(12) == person(12) != person(13)
    known = person(500_000)  # stored nowhere: a cast that changed would be another cast under the same figures
    assert (known.hair, known.hair_colour, known.glasses) == (Hair.MOHAWK, HairColour.BLACK, Glasses.SQUARE)
    assert (known.tone, known.age, known.eye_x) == pytest.approx((3.3325, 46.2749, 0.3423), abs=1e-4)


def test_a_person_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        person(1).age = 20


def test_everybody_is_an_adult_within_the_given_ranges():
    assert min(who.age for who in CROWD) >= 18
    for name, (low, high) in RANGES.items():
        assert low <= min(getattr(who, name) for who in CROWD), name
        assert max(getattr(who, name) for who in CROWD) <= high, name


def test_all_skin_tones_are_as_likely_as_one_another():
    counts = np.histogram([who.tone for who in CROWD], bins=9, range=(1, 10))[0]
    assert counts.min() > 150
    assert {skin_group(who) for who in CROWD} == {"pale", "light", "tan", "brown", "deep"}


def test_skin_gets_deeper_along_the_scale():
    ordered = sorted(CROWD[:200], key=lambda who: who.tone)
    assert sum(skin_rgb(ordered[5])) > sum(skin_rgb(ordered[100])) > sum(skin_rgb(ordered[-5]))
    assert all(0 <= channel <= 1.1 for who in CROWD for channel in skin_rgb(who))


def test_there_are_at_least_twelve_shapes_of_hair_and_all_kinds_occur():
    assert len(Hair) >= 12
    for kind, name in ((Hair, "hair"), (HairColour, "hair_colour"), (Beard, "beard"), (Glasses, "glasses")):
        assert {getattr(who, name) for who in CROWD} == set(kind)


def test_no_trait_is_tied_to_another():
    names = list(RANGES)
    table = np.array([[getattr(who, name) for name in names] for who in CROWD])
    kinds = [[who.beard is Beard.FULL, who.hair is Hair.LONG] for who in CROWD]
    table = np.column_stack([table, kinds])
    tied = np.corrcoef(table.T) - np.eye(table.shape[1])
    assert np.abs(tied).max() < 0.1


def test_grey_hair_grows_likelier_with_age():
    grey = [who.hair_colour in (HairColour.GREY, HairColour.WHITE) for who in CROWD]
    old = [g for who, g in zip(CROWD, grey, strict=True) if who.age > 65]
    young = [g for who, g in zip(CROWD, grey, strict=True) if who.age < 35]
    assert sum(young) == 0
    assert sum(old) / len(old) > 0.4


def test_a_recoloured_person_keeps_the_bones():
    who = person(5)
    other = recolour(who, 77)
    for name in ("nose_y", "jaw_width", "eye_x", "hair", "glasses"):
        assert getattr(other, name) == getattr(who, name)
    assert other.tone == person(77).tone
    assert other.seed == 77
