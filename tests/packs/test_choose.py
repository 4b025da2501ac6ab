"""Choosing: gates first, then exactly what was ordered, alike and various, and a shortfall that is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.packs.choose import (
    SIDE,
    SPARES,
    Judge,
    Score,
    Selfies,
    Skin,
    Taste,
    choose,
    difference,
    fingerprint,
    look,
    sharpness,
)
from avatar.ports import Descriptor, Face, Picture

TASTE = Taste()


def scene(seed: int, size: int = 64) -> Picture:
    """A sharp picture unlike any of another seed; its mean red is what the recogniser below goes by."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 256, (size // 8, size // 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


@dataclass
class Faces:
    """Finds `count` faces, each described by the picture's mean red alone."""

    name: str = "red"
    same_person: float = 20.0
    count: int = 1

    def find(self, picture: Picture) -> list[Face]:
        descriptor = np.array([picture[..., 0].mean()], np.float32)
        return [Face((0, 0, 8, 8), ((1, 1), (3, 1)), 0.0, 1.0, descriptor.copy()) for _ in range(self.count)]

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        return float(abs(one - other)[0])


@dataclass
class Safety:
    name: str = "none"
    code: str | None = None

    def judge(self, picture: Picture, faces: Sequence[Face]) -> str | None:
        return self.code


def _judge(faces: Faces | None = None, safety: Safety | None = None, taste: Taste = TASTE) -> Judge:
    return Judge(faces or Faces(), safety or Safety(), Selfies([scene(1), scene(2)], Faces()), taste)


def test_a_good_picture_passes_with_its_figures() -> None:
    score = _judge().measure(7, "oil", scene(3), True)
    assert (score.index, score.style, score.rejected) == (7, "oil", None)
    assert score.distance is not None
    assert score.share is not None
    assert set(score.figures()) == {"index", "style", "distance", "share", "sharpness", "nearest", "skin"}


@dataclass
class Wide(Faces):
    """Finds a face with cheeks that can be seen."""

    def find(self, picture: Picture) -> list[Face]:
        return [replace(face, eyes=((20.0, 20.0), (44.0, 20.0))) for face in super().find(picture)]


@pytest.mark.parametrize(("shade", "sign"), [(40, 1), (0, 0), (-40, -1)])
def test_skin_that_is_lighter_or_darker_than_the_selfies_is_told(shade: int, sign: int) -> None:
    own = np.full((64, 64, 3), (150, 110, 90), np.uint8)
    judge = Judge(Wide(), Safety(), Selfies([own, own], Wide()), TASTE)
    skin = judge.measure(1, "photo", (own.astype(int) + shade).astype(np.uint8), True).skin
    assert skin is not None
    assert np.sign(skin.lighter) == sign
    assert (skin.difference > 5) == (sign != 0)
    assert judge.measure(1, "bronze", own, False).skin is None


def test_of_two_as_alike_and_sharp_the_one_with_the_persons_own_skin_is_chosen() -> None:
    flat = np.zeros((SIDE, SIDE, 3), np.float32)
    whitened, own = (
        Score(at, "photo", None, 1.0 - 0.01 * at, 1.0, 0.1, 40, flat, Skin(difference, lighter))
        for at, (difference, lighter) in enumerate(((9.0, 8.0), (1.0, 0.5)))
    )
    assert choose([whitened, own], {"photo": 1}, TASTE).chosen == (own,)
    unseen = replace(whitened, index=2, skin=None)
    assert choose([unseen, own], {"photo": 1}, TASTE).chosen == (own,)
    far = replace(own, index=3, distance=5.0, sharpness=0.05)
    assert choose([whitened, far], {"photo": 1}, TASTE).chosen == (whitened,)


def test_skin_is_unknown_once_the_selfies_are_forgotten() -> None:
    own = np.full((64, 64, 3), (150, 110, 90), np.uint8)
    selfies = Selfies([own], Wide())
    selfies.forget()
    assert selfies.skin(own, Wide().find(own)[0]) is None


@pytest.mark.parametrize(
    ("faces", "safety", "picture", "reason"),
    [
        (Faces(), Safety(code="nudity"), scene(3), "unsafe"),
        (Faces(count=2), Safety(), scene(3), "several_faces"),
        (Faces(count=0), Safety(), scene(3), "no_face"),
        (Faces(), Safety(), scene(3) // 4, "unlike"),
        (Faces(), Safety(), np.full((64, 64, 3), 128, np.uint8), "blurred"),
        (Faces(), Safety(), scene(1), "copy"),
        (Faces(), Safety(), scene(2)[:, ::-1], "copy"),
        (Faces(count=0), Safety(code="nudity"), scene(3), "unsafe"),
    ],
)
def test_each_gate_rejects_with_its_reason(faces: Faces, safety: Safety, picture: Picture, reason: str) -> None:
    assert _judge(faces, safety).measure(0, "oil", picture, True).rejected == reason


def test_a_look_that_hides_the_face_is_not_rejected_for_it() -> None:
    assert _judge(Faces(count=0)).measure(0, "bronze", scene(3), False).rejected is None
    assert _judge().measure(0, "bronze", scene(3) // 4, False).rejected is None


def test_a_look_that_hides_the_face_must_still_be_safe_sharp_and_of_one_person() -> None:
    assert _judge(Faces(count=2)).measure(0, "bronze", scene(3), False).rejected == "several_faces"
    assert _judge(safety=Safety(code="nudity")).measure(0, "bronze", scene(3), False).rejected == "unsafe"
    assert _judge(Faces(count=0)).measure(0, "bronze", scene(3) // 64, False).rejected == "blurred"


def test_a_margin_makes_likeness_stricter() -> None:
    assert _judge().measure(0, "oil", scene(3), True).rejected is None
    assert _judge(taste=Taste(margin=19.9)).measure(0, "oil", scene(3), True).rejected == "unlike"


def test_nothing_biometric_is_left_in_scores_or_in_print() -> None:
    selfies = Selfies([scene(1)], Faces())
    assert "Selfies(1 faces)" in repr(Judge(Faces(), Safety(), selfies, TASTE))
    held = selfies._descriptors[0]
    selfies.forget()
    assert not held.any()
    assert selfies.distance(held) is None
    assert selfies.nearest(scene(1)) == 64


def _score(index: int, style: str = "oil", distance: float | None = 0.3, rejected: str | None = None) -> Score:
    return Score(index, style, rejected, distance, None, 0.1, 30, look(scene(index)))


def test_the_most_alike_are_chosen_and_the_rejected_never() -> None:
    scores = [_score(at, distance=0.1 + at / 100) for at in range(6)] + [_score(9, distance=0.0, rejected="copy")]
    choice = choose(scores, {"oil": 3}, Taste(variety=0))
    assert [score.index for score in choice.chosen] == [0, 1, 2]
    assert choice.short == {}
    assert choice.rejected == {"copy": 1}


def test_of_two_that_look_the_same_one_is_left_out() -> None:
    twin = replace(_score(1, distance=0.11), look=look(scene(0)))
    other = _score(2, distance=0.30)
    choice = choose([_score(0, distance=0.1), twin, other], {"oil": 2}, Taste(variety=2))
    assert [score.index for score in choice.chosen] == [0, 2]


def test_pictures_in_which_no_face_was_found_come_last() -> None:
    scores = [_score(0, distance=None), _score(1, distance=0.9), _score(2, distance=0.8)]
    assert 0 not in {score.index for score in choose(scores, {"oil": 2}, Taste(variety=0)).chosen}


def test_a_shortfall_is_counted_per_style_and_filled_from_others_only_at_the_end() -> None:
    scores = [_score(0), *(_score(at, "photo") for at in range(1, 6))]
    quotas = {"oil": 3, "photo": 2}
    first = choose(scores, quotas, TASTE)
    assert (len(first.chosen), first.short) == (3, {"oil": 2})
    last = choose(scores, quotas, TASTE, spill=True)
    assert (len(last.chosen), last.short) == (5, {"oil": 2})
    assert [score.style for score in last.chosen] == ["oil"] + ["photo"] * 4


PASS = st.sampled_from([None, None, "blurred"])
CANDIDATES = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.none() | st.floats(0, 1), PASS), max_size=14)
LOOKS = [look(scene(seed)) for seed in range(14)]


@settings(max_examples=40, deadline=None)
@given(CANDIDATES, st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_never_more_than_ordered_never_twice_never_rejected(
    candidates: list[tuple[str, float | None, str | None]], a: int, b: int, spill: bool
) -> None:
    scores = [Score(at, s, no, d, None, 0.1, 9, LOOKS[at]) for at, (s, d, no) in enumerate(candidates)]
    fit = sum(score.rejected is None for score in scores)
    choice = choose(scores, {"a": a, "b": b}, TASTE, spill)
    assert len({score.index for score in choice.chosen}) == len(choice.chosen) <= a + b
    assert all(score.rejected is None for score in choice.chosen)
    if spill:
        assert len(choice.chosen) == min(a + b, fit)
    else:
        assert len(choice.chosen) + sum(choice.short.values()) == a + b
    assert choice == choose(scores, {"a": a, "b": b}, TASTE, spill)


def test_blur_lowers_sharpness_and_size_does_not_change_it_much() -> None:
    sharp = scene(4, 256)
    soft = sharp.copy()
    for _ in range(12):
        soft = ((soft.astype(int) + np.roll(soft, 1, 0) + np.roll(soft, 1, 1)) // 3).astype(np.uint8)
    assert sharpness(soft) < sharpness(sharp) / 2
    assert sharpness(np.repeat(np.repeat(sharp, 2, 0), 2, 1)) == pytest.approx(sharpness(sharp), rel=0.25)


def test_a_fingerprint_survives_scaling_and_light() -> None:
    big = np.repeat(np.repeat(scene(5), 3, 0), 3, 1)
    assert (fingerprint(big) != fingerprint(scene(5))).sum() <= 2
    assert (fingerprint(scene(5) // 2) != fingerprint(scene(5))).sum() <= 3
    assert (fingerprint(scene(6)) != fingerprint(scene(5))).sum() > 10


def test_difference_is_nothing_for_the_same_and_large_for_opposites() -> None:
    black, white = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 255, np.uint8)
    assert difference(look(black), look(black)) == 0
    assert difference(look(black), look(white)) == pytest.approx(100, abs=1)


def test_where_no_face_is_seen_the_sharpest_are_chosen_and_not_the_first() -> None:
    flat = np.zeros((SIDE, SIDE, 3), np.float32)
    drawn = [
        Score(at, "bronze", None, None, None, sharp, 40, flat) for at, sharp in enumerate((0.03, 0.05, 0.08, 0.19))
    ]
    assert [score.index for score in choose(drawn, {"bronze": 2}, TASTE).chosen] == [3, 2]


def test_what_is_filled_in_is_ranked_within_its_own_style() -> None:
    """Distances of bronze are on another scale: its best is not worse than the worst of oil."""
    flat = np.zeros((SIDE, SIDE, 3), np.float32)
    oil = [Score(at, "oil", None, 0.3 + at / 100, 1.0, 0.1, 40, flat) for at in range(4)]
    bronze = [Score(4 + at, "bronze", None, 0.7 + at / 100, None, 0.1, 40, flat) for at in range(2)]
    found = choose([*oil, *bronze], {"oil": 1, "bronze": 0, "clay": 1}, Taste(variety=0), spill=True)
    assert [score.index for score in found.chosen] == [0, 1]
    found = choose([*oil[1:], *bronze], {"bronze": 0, "oil": 0, "clay": 2}, Taste(variety=0), spill=True)
    assert {score.style for score in found.chosen} == {"oil", "bronze"}


def test_spares_are_the_next_best_of_each_style_and_never_what_was_chosen_or_rejected() -> None:
    scores = [_score(at, "oil", distance=0.1 * at) for at in range(8)]
    scores += [_score(10, "bronze"), _score(11, "bronze", rejected="blurred"), _score(12, "bronze")]
    found = choose(scores, {"oil": 2, "bronze": 1}, TASTE)
    spares = [score.index for score in found.spares]
    assert [score.style for score in found.spares] == ["oil"] * SPARES + ["bronze"]
    assert not {score.index for score in found.chosen} & set(spares)
    assert 11 not in spares
    assert all(score.rejected is None for score in found.spares)


def test_where_a_style_gives_what_another_owes_that_is_no_spare() -> None:
    scores = [_score(at, "oil", distance=0.1 * at) for at in range(3)]
    found = choose(scores, {"oil": 1, "bronze": 1}, TASTE, spill=True)
    assert (len(found.chosen), len(found.spares)) == (2, 1)
    assert not {score.index for score in found.chosen} & {score.index for score in found.spares}
