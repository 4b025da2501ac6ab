"""The face back ends: dlib on a real photograph, insightface's own class on tiny networks, and the choice."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from photos import tiny_pack
from photos.people import face_at
from PIL import Image
from skimage import data

from avatar.errors import WeightsMissing, WeightsRefused
from avatar.photos import dlib_faces, insight_faces
from avatar.photos.aura_faces import EYES, aligned
from avatar.photos.dlib_faces import DlibFaces
from avatar.photos.faces import choose
from avatar.photos.insight_faces import InsightFaces
from avatar.ports import Ages, Faces, Picture

ASTRONAUT: Picture = data.astronaut()
needs_insight = pytest.mark.skipif(
    importlib.util.find_spec("insightface") is None, reason="insightface is not installed"
)


@pytest.fixture(scope="module")
def dlib() -> DlibFaces:
    return DlibFaces()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("packs")
    tiny_pack.write(place / "models" / "auraface")
    tiny_pack.write(place / "models" / "buffalo_l", age=False)
    (place / "models" / "antelopev2").mkdir()
    (place / "models" / "antelopev2" / "det.onnx").touch()
    return place


def test_dlib_finds_the_astronaut_where_she_is(dlib: DlibFaces) -> None:
    (face,) = dlib.find(ASTRONAUT)
    x0, y0, x1, y1 = face.box
    assert (170, 60) < (x0, y0) < (x1, y1) < (290, 190)
    (left, _), (right, _) = face.eyes
    assert x0 < left < right < x1
    assert abs(face.yaw) < 0.3
    assert face.descriptor.shape == (128,)
    assert "descriptor" not in repr(face)


def test_dlib_finds_her_at_any_size_in_the_pixels_of_that_size(dlib: DlibFaces) -> None:
    (whole,) = dlib.find(ASTRONAUT)
    for factor in (0.6, 2.5):
        side = round(512 * factor)
        scaled = np.asarray(Image.fromarray(ASTRONAUT).resize((side, side), Image.Resampling.LANCZOS))
        (face,) = dlib.find(scaled)
        assert np.allclose(np.array(face.eyes) / factor, whole.eyes, atol=6)
        assert dlib.distance(face.descriptor, whole.descriptor) < dlib.same_person


def test_dlib_knows_her_mirrored_and_in_other_light(dlib: DlibFaces) -> None:
    (one,) = dlib.find(ASTRONAUT)
    (other,) = dlib.find(np.ascontiguousarray(ASTRONAUT[:, ::-1]))
    (dim,) = dlib.find((ASTRONAUT * 0.6).astype(np.uint8))
    assert dlib.distance(one.descriptor, one.descriptor) == 0
    assert dlib.distance(one.descriptor, other.descriptor) < dlib.same_person
    assert dlib.distance(one.descriptor, dim.descriptor) < dlib.same_person


def test_the_network_is_asked_only_where_the_first_detector_saw_nobody(dlib: DlibFaces) -> None:
    asked = []

    class Watched(DlibFaces):
        def _mmod(self, picture: Picture) -> list[tuple[tuple[float, float, float, float], float]]:
            asked.append(1)
            return super()._mmod(picture)

    watched = Watched()
    assert len(watched.find(ASTRONAUT)) == 1
    assert not asked
    assert watched.find(np.full((170, 170, 3), 90, np.uint8)) == []
    assert asked == [1]


def test_the_68_point_file_is_never_named() -> None:
    assert not any("68" in name for name in dlib_faces.FILES)


def test_two_people_beside_one_another_are_two(dlib: DlibFaces) -> None:
    face = ASTRONAUT[:260, 100:360]
    assert len(dlib.find(np.concatenate([face, face[:, ::-1]], axis=1))) == 2


def red_spot(x: int, y: int) -> Picture:
    """A 640 px blue-grey picture in which one detector cell is red."""
    picture = np.full((640, 640, 3), (90, 110, 191), np.uint8)
    picture[y * 32 : y * 32 + 32, x * 32 : x * 32 + 32] = (255, 0, 0)
    return picture


@needs_insight
def test_the_real_class_runs_on_a_pack_folder(root: Path) -> None:
    faces = InsightFaces(root, "auraface", commercial=True)
    (face,) = faces.find(red_spot(8, 6))
    assert face.box == pytest.approx((8 * 32 - 64, 6 * 32 - 64, 8 * 32 + 64, 6 * 32 + 64), abs=1)
    assert face.eyes[0] == pytest.approx((8 * 32 - 25.6, 6 * 32 - 16), abs=1)
    assert face.eyes[1] == pytest.approx((8 * 32 + 25.6, 6 * 32 - 16), abs=1)
    assert face.yaw == pytest.approx(0, abs=0.02)
    assert face.descriptor.shape == (512,)
    assert isinstance(faces, Faces)
    assert faces.find(np.full((640, 640, 3), 90, np.uint8)) == []


@needs_insight
def test_insight_distances_are_cosines(root: Path) -> None:
    faces = InsightFaces(root, "auraface", commercial=True)
    one, other = np.array([1, 0], np.float32), np.array([0, 3], np.float32)
    assert faces.distance(one, one * 5) == pytest.approx(0)
    assert faces.distance(one, other) == pytest.approx(1)
    assert faces.distance(one, -one) == pytest.approx(2)


@needs_insight
def test_a_pack_with_an_age_network_measures_age(root: Path) -> None:
    ages = InsightFaces(root, "auraface", commercial=True).ages()
    assert isinstance(ages, Ages)
    picture = np.full((640, 640, 3), (90, 110, 191), np.uint8)  # blue 191 is read as 50 years
    assert ages.estimate(picture, face_at((200, 200, 300, 300))) == pytest.approx(50, abs=1)
    assert InsightFaces(root, "buffalo_l", commercial=False).ages() is None


@needs_insight
def test_a_pack_that_is_not_there_is_never_fetched(root: Path, no_network: list[str]) -> None:
    for pack in ("buffalo_s", "antelopev2"):  # absent, and an empty file
        with pytest.raises(WeightsMissing):
            InsightFaces(root, pack, commercial=False)
    assert not (root / "models" / "buffalo_s").exists()
    assert not no_network


def test_research_packs_are_refused_in_commercial_use(root: Path) -> None:
    for pack in ("buffalo_l", "buffalo_s", "buffalo_sc", "antelopev2", "something_else"):
        with pytest.raises(WeightsRefused):
            InsightFaces(root, pack, commercial=True)
    assert insight_faces.licence("AuraFace").commercial


@needs_insight
def test_auto_takes_the_best_pack_it_may_use_and_says_why(root: Path, tmp_path: Path) -> None:
    choice = choose("auto", root, commercial=True)
    assert choice.faces.name == "insightface/auraface"
    assert choice.ages is not None
    assert "Apache-2.0" in choice.why
    assert choose("insightface/buffalo_l", root, commercial=False).ages is None
    tiny_pack.write(tmp_path / "models" / "buffalo_l")
    assert choose("auto", tmp_path, commercial=True).faces.name == "dlib"
    assert choose("auto", tmp_path, commercial=False).faces.name == "insightface/buffalo_l"


@needs_insight
def test_auraface_alone_recognises_what_dlib_finds(tmp_path: Path, dlib: DlibFaces) -> None:
    place = tmp_path / "models" / "auraface"
    tiny_pack.write(tmp_path / "pack")
    place.mkdir(parents=True)
    (tmp_path / "pack" / "rec_tiny.onnx").rename(place / "glintr100.onnx")
    choice = choose("auto", tmp_path, commercial=True)
    assert choice.faces.name == "dlib+auraface"
    assert choose("insightface", tmp_path).faces.name == "dlib+auraface"
    (face,) = choice.faces.find(ASTRONAUT)
    (found,) = dlib.find(ASTRONAUT)
    assert face.box == found.box
    assert face.descriptor.shape != found.descriptor.shape
    (mirrored,) = choice.faces.find(np.ascontiguousarray(ASTRONAUT[:, ::-1]))
    assert choice.faces.distance(face.descriptor, mirrored.descriptor) < 0.1


def test_a_face_is_aligned_by_its_eyes_at_any_size_and_turn(dlib: DlibFaces) -> None:
    for angle, side in ((0, 512), (15, 512), (-10, 2048)):
        image = Image.fromarray(ASTRONAUT).rotate(angle, Image.Resampling.BICUBIC).resize((side, side))
        face = dlib.find(np.asarray(image))[0]
        close = Image.fromarray(aligned(np.asarray(image), face)).resize((448, 448))
        again = dlib.find(np.pad(np.asarray(close), ((150, 150), (150, 150), (0, 0)), mode="edge"))[0]
        eyes = (np.array(again.eyes) - 150) / 4
        assert np.allclose(eyes, [(eye.real, eye.imag) for eye in EYES], atol=4), (angle, side, eyes)


def test_dlib_is_chosen_without_packs_and_says_that_age_is_not_measured() -> None:
    for choice in (choose("auto"), choose("dlib")):
        assert choice.faces.name == "dlib"
        assert choice.ages is None
        assert "age is attested, not measured" in choice.why


def test_an_unknown_back_end_and_a_missing_root_are_said() -> None:
    for name in ("opencv", "dlib/x", ""):
        with pytest.raises(ValueError, match="face back end"):
            choose(name)
    with pytest.raises(WeightsMissing):
        choose("insightface", None)


def test_missing_dlib_weights_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_faces, "weights_folder", lambda: None)
    with pytest.raises(WeightsMissing) as caught:
        DlibFaces()
    assert "dlib-bin" in caught.value.remedy
