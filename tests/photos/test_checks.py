"""One photo's verdict, identity over all, safety."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from photos.people import Calm, Told, Years, descriptor, face_at, figure
from PIL import Image, ImageFilter

from avatar.errors import WeightsMissing
from avatar.photos import checks
from avatar.photos.checks import Backs, Look, hashes_of, look, verdict, without_copies
from avatar.photos.geometry import merged, yaw_from
from avatar.photos.identity import distances, one_person, same_person
from avatar.photos.policy import IntakePolicy
from avatar.photos.safety import All, NudeNetSafety, SkinExposure
from avatar.ports import Ages, Face, Faces, Picture, Safety

POLICY = IntakePolicy()
PHOTO, FACE = figure()


def code(picture: Picture, faces: list[Face], ages: Ages | None = None, safety: Safety | None = None) -> str:
    return look("p1", picture, Backs(Told(faces), safety or Calm(), ages), POLICY).verdict.code


def test_a_clear_photo_of_one_adult_is_ok() -> None:
    assert code(PHOTO, [FACE], Years(40)) == "ok"


def test_no_face_several_faces_and_a_small_face_are_said() -> None:
    beside = face_at((10, 60, 110, 160))
    assert code(PHOTO, []) == "no_face"
    assert code(PHOTO, [FACE, beside]) == "several_faces"
    assert code(PHOTO, [face_at((200, 100, 250, 150))]) == "face_too_small"


def test_a_passer_by_does_not_spoil_a_photo() -> None:
    assert code(PHOTO, [FACE, face_at((10, 60, 40, 90))]) == "ok"


def test_blur_dark_and_bright_are_said() -> None:
    blurred = np.asarray(Image.fromarray(PHOTO).filter(ImageFilter.GaussianBlur(9)))
    assert code(blurred, [FACE]) == "blurred"
    assert code((PHOTO * 0.1).astype(np.uint8), [FACE]) == "too_dark"
    assert code(np.clip(PHOTO.astype(int) + 150, 0, 255).astype(np.uint8), [FACE]) == "too_bright"


def test_sharpness_does_not_depend_on_the_light() -> None:
    dim = (PHOTO * 0.6).astype(np.uint8)
    assert checks.sharpness(dim, FACE) == pytest.approx(checks.sharpness(PHOTO, FACE), rel=0.25)


def test_a_dark_skinned_face_in_plain_light_is_not_too_dark() -> None:
    picture, face = figure(skin=(92, 62, 48), backdrop=(60, 60, 60))
    assert code(picture, [face]) == "ok"


def test_a_young_face_outweighs_everything_even_in_an_unusable_photo() -> None:
    assert code(PHOTO, [FACE], Years(24.9)) == "looks_under_18"
    assert code((PHOTO * 0.1).astype(np.uint8), [FACE], Years(12), Calm("disallowed_content")) == "looks_under_18"
    assert code(PHOTO, [FACE], Years(None)) == "ok"


def test_disallowed_content_outweighs_quality() -> None:
    assert code((PHOTO * 0.1).astype(np.uint8), [FACE], safety=Calm("disallowed_content")) == "disallowed_content"


def test_every_sentence_but_ok_has_a_remedy() -> None:
    for name, (sentence, remedy) in checks.SENTENCES.items():
        assert sentence.endswith(".")
        assert bool(remedy) == (name != "ok")


def good(photo_id: str, picture: Picture, who: int = 0) -> Look:
    return Look(verdict(photo_id, "ok"), face_at((0, 0, 100, 100), who=who), hashes_of(picture))


def test_copies_are_found_though_resized_and_saved_again() -> None:
    small = np.asarray(Image.fromarray(PHOTO).resize((300, 300)))
    mirrored = np.ascontiguousarray(PHOTO[:, ::-1])
    other, _ = figure(backdrop=(20, 90, 30), neck=0.5)
    pictures = [PHOTO, PHOTO, small, other]
    looks = without_copies([good(str(i), one) for i, one in enumerate(pictures)], POLICY.duplicate_bits)
    assert [one.verdict.code for one in looks][:3] == ["ok", "duplicate", "duplicate"]
    assert hashes_of(mirrored).exact != hashes_of(PHOTO).exact


def test_the_larger_group_is_the_person() -> None:
    looks = [good(str(i), PHOTO, who) for i, who in enumerate([1, 0, 0, 2, 0])]
    looks.insert(2, Look(verdict("bad", "no_face")))
    codes = [one.verdict.code for one in same_person(looks, Told([]))]
    assert codes == ["another_person", "ok", "no_face", "ok", "another_person", "ok"]


def test_nobody_is_nobody() -> None:
    assert one_person(np.zeros((0, 0)), 0.6) == set()
    assert same_person([Look(verdict("a", "no_face"))], Told([]))[0].verdict.code == "no_face"


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_the_group_is_always_a_largest_one_and_does_not_depend_on_who_comes_first(people: list[int]) -> None:
    table = distances([descriptor(who) for who in people], Told([]))
    group = one_person(table, 0.6)
    chosen = {people[i] for i in group}
    assert len(chosen) == 1
    assert len(group) == max(people.count(who) for who in people)


def test_skin_passes_clothes_and_necklines_of_every_skin_colour() -> None:
    judge = SkinExposure()
    for skin in [(235, 195, 170), (205, 150, 120), (140, 92, 66), (80, 54, 42)]:
        for clothes in [(40, 60, 140), (240, 240, 240), (25, 25, 25), (150, 30, 40)]:
            picture, face = figure(clothes=clothes, skin=skin, neck=0.6)
            assert judge.judge(picture, [face]) is None


def test_a_bare_torso_of_every_skin_colour_is_seen() -> None:
    judge = SkinExposure()
    for skin in [(235, 195, 170), (205, 150, 120), (140, 92, 66), (80, 54, 42)]:
        picture, face = figure(clothes=tuple(round(part * 0.9) for part in skin), skin=skin)  # type: ignore[arg-type]
        assert judge.judge(picture, [face]) == "disallowed_content"


def test_skin_says_nothing_where_it_sees_no_torso_or_no_face() -> None:
    picture, face = figure(clothes=(205, 150, 120))
    close = picture[: int(face.box[3]) + 20]
    assert SkinExposure().judge(close, [face]) is None
    assert SkinExposure().judge(picture, []) is None


def test_judges_in_a_row_stop_at_the_first_objection() -> None:
    row = All(Calm(), Calm("first"), Calm("second"))
    assert row.judge(PHOTO, []) == "first"
    assert All(Calm()).judge(PHOTO, []) is None
    assert row.name == "calm + calm + calm"


def test_nudenet_is_asked_for_by_name_and_its_absence_is_said() -> None:
    try:
        import nudenet  # noqa: F401
    except ImportError:
        with pytest.raises(WeightsMissing):
            NudeNetSafety().judge(PHOTO, [])


def test_nudenet_answers_count_by_class_and_score() -> None:
    judge = NudeNetSafety()

    class Detector:
        answers: list[dict[str, object]]

        def detect(self, picture: Picture) -> list[dict[str, object]]:
            assert picture[0, 0, 0] == PHOTO[0, 0, 2], "the order is BGR"
            return self.answers

    detector = Detector()
    judge.__dict__["_detector"] = detector
    detector.answers = [{"class": "FACE_FEMALE", "score": 0.9}, {"class": "BUTTOCKS_EXPOSED", "score": 0.1}]
    assert judge.judge(PHOTO, []) is None
    detector.answers = [{"class": "BUTTOCKS_EXPOSED", "score": 0.8}]
    assert judge.judge(PHOTO, []) == "disallowed_content"


def test_overlapping_and_nested_detections_are_one_face() -> None:
    boxes = [((0, 0, 100, 100), 0.5), ((5, 5, 105, 105), 0.9), ((30, 30, 70, 70), 0.2), ((200, 0, 400, 200), 0.1)]
    assert merged(boxes) == [((200, 0, 400, 200), 0.1), ((5, 5, 105, 105), 0.9)]


def test_the_nose_tells_the_turn() -> None:
    assert yaw_from((0, 0), (10, 0), (5, 8), 0.5) == 0
    assert yaw_from((0, 0), (10, 0), (7, 8), 0.5) > 0.3
    assert yaw_from((0, 0), (10, 0), (99, 8), 0.5) == 1.2


def test_the_back_ends_of_the_tests_keep_to_the_ports() -> None:
    assert isinstance(Told([]), Faces)
    assert isinstance(Calm(), Safety)
    assert isinstance(Years(1), Ages)
    assert isinstance(SkinExposure(), Safety)
    assert replace(POLICY, min_usable=3).min_usable == 3
