"""Intake from stored bytes to stored crops, with real decoding and, in two tests, a real detector."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photos.hostile import TRACE, refused
from photos.people import Calm, Told, Years, face_at, figure
from PIL import Image
from skimage import data
from stages.holding import JOB, Shelf

import avatar
from avatar.errors import Cancelled, PhotoRefused
from avatar.job import Done, Kind, Outcome, Refused
from avatar.photos.crops import unpack_crop
from avatar.photos.decode import Limits, decode_each
from avatar.photos.dlib_faces import DlibFaces
from avatar.photos.pixels import crop, jpeg, png
from avatar.photos.policy import AGE_NOT_MEASURED, IntakePolicy
from avatar.photos.safety import SkinExposure
from avatar.ports import Face, Picture
from avatar.stages import intake
from avatar.stages.intake import IntakePorts

SELFIES = Path(avatar.__file__).parent / "pocket" / "selfies"
BACKDROPS = [(170, 170, 172), (40, 90, 50), (60, 70, 140), (200, 180, 150), (90, 40, 40), (20, 20, 25), (230, 230, 230)]


def scenery(number: int) -> Picture:
    """The same drawn figure before different blocks of colour, so that no two are copies."""
    picture, _ = figure(backdrop=BACKDROPS[number % len(BACKDROPS)])
    rng = np.random.default_rng(number)
    blocks = np.kron(rng.integers(0, 256, (4, 2, 3)), np.ones((128, 64, 1))).astype(np.uint8)
    picture = picture.copy()
    picture[:, :128] = blocks
    return picture


def shelf_of(pictures: list[bytes]) -> Shelf:
    shelf = Shelf()
    for number, one in enumerate(pictures):
        shelf.held[Kind.PHOTO, f"p{number:02d}"] = one
    return shelf


def quiet(done: int, total: int, note: str = "") -> None:
    return None


def run(shelf: Shelf, **change: Any) -> Outcome:
    ports = IntakePorts(
        vault=shelf,
        faces=Told([figure()[1]]),
        safety=Calm(),
        ages=None,
        policy=IntakePolicy(resolution=128),
        limits=Limits(seconds=60, cpu=20),
        token="ohwx",  # noqa: S106 - a word of a caption
        progress=quiet,
    )
    return intake.run(JOB, replace(ports, **change))


OPENED: dict[bytes, Picture | PhotoRefused] = {}


@pytest.fixture(autouse=True)
def each_file_is_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real child opens each file, but the next test need not wait for the same file again."""

    def remembered(files: Iterable[bytes], limits: Limits) -> Iterator[Picture | PhotoRefused]:
        for one in files:
            if one not in OPENED:
                (OPENED[one],) = decode_each([one], limits)
            yield OPENED[one]

    monkeypatch.setattr(intake, "decode_each", remembered)


@pytest.fixture(scope="module")
def five() -> list[bytes]:
    return [png(scenery(number)) for number in range(5)]


def codes(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, Done | Refused)
    return [one["code"] for one in outcome.facts["verdicts"]]


def test_five_good_photos_become_five_crops_of_their_names(five: list[bytes]) -> None:
    shelf = shelf_of(five)
    outcome = run(shelf)
    assert isinstance(outcome, Done)
    assert shelf.names(JOB.id, Kind.CROP) == shelf.names(JOB.id, Kind.PHOTO)
    assert (outcome.facts["usable"], outcome.facts["refused"]) == (5, 0)
    one = unpack_crop(shelf.held[Kind.CROP, "p00"])
    assert one.picture.shape == (128, 128, 3)
    assert one.caption.startswith("a photo of ohwx person, blue top")


def test_an_age_that_is_not_measured_is_said(five: list[bytes]) -> None:
    assert run(shelf_of(five)).facts["not_covered"] == [AGE_NOT_MEASURED]  # type: ignore[union-attr]
    assert run(shelf_of(five), ages=Years(50)).facts["not_covered"] == []  # type: ignore[union-attr]


def test_repeating_it_gives_the_same_and_leaves_nothing_of_before(five: list[bytes]) -> None:
    shelf = shelf_of(five)
    first = run(shelf)
    held = dict(shelf.held)
    shelf.held[Kind.CROP, "stale"] = b"x"
    assert run(shelf) == first
    assert shelf.held == held


def test_facts_are_plain_and_hold_no_measure_of_a_person(five: list[bytes]) -> None:
    outcome = run(shelf_of(five), ages=Years(33.25))
    assert isinstance(outcome, Done)
    text = json.dumps(outcome.facts)
    assert "33.25" not in text
    assert set(outcome.facts["verdicts"][0]) == {"photo_id", "code", "sentence", "remedy", "usable"}


def test_too_few_photos_is_a_refusal_that_names_the_reasons(five: list[bytes]) -> None:
    shelf = shelf_of([*five[:3], five[0], b"", b"GIF89a"])
    outcome = run(shelf)
    assert isinstance(outcome, Refused)
    assert outcome.code == "too_few_photos"
    assert codes(outcome) == ["ok", "ok", "ok", "duplicate", "empty_file", "wrong_format"]
    assert "copy" in outcome.sentence
    assert "empty" in outcome.sentence
    assert shelf.names(JOB.id, Kind.CROP) == []


def test_one_young_face_ends_the_whole_job(five: list[bytes]) -> None:
    class OneYoung(Years):
        def estimate(self, picture: Picture, face: Face) -> float | None:
            return 16 if np.array_equal(picture, scenery(3)) else 40

    shelf = shelf_of([*five, png(scenery(9)), png(scenery(8))])
    outcome = run(shelf, ages=OneYoung(None))
    assert isinstance(outcome, Refused)
    assert outcome.code == "looks_under_18"
    assert codes(outcome).count("looks_under_18") == 1
    assert shelf.names(JOB.id, Kind.CROP) == []


def test_one_disallowed_photo_costs_itself_and_two_end_the_job(five: list[bytes]) -> None:
    class Some(Calm):
        def __init__(self, numbers: list[int]) -> None:
            self.bad = [scenery(number) for number in numbers]

        def judge(self, picture: Picture, faces: object) -> str | None:
            return "disallowed_content" if any(np.array_equal(picture, one) for one in self.bad) else None

    six = [*five, png(scenery(6))]
    one = run(shelf_of(six), safety=Some([2]))
    assert isinstance(one, Done)
    assert one.facts["usable"] == 5
    two = run(shelf_of(six), safety=Some([2, 4]))
    assert isinstance(two, Refused)
    assert two.code == "disallowed_content"


def test_somebody_else_among_the_photos_is_left_out(five: list[bytes]) -> None:
    class Whose(Told):
        def find(self, picture: Picture) -> list[Face]:
            return [face_at(self.faces[0].box, who=int(np.array_equal(picture, scenery(5))))]

    outcome = run(shelf_of([*five, png(scenery(5))]), faces=Whose([figure()[1]]))
    assert isinstance(outcome, Done)
    assert codes(outcome) == ["ok"] * 5 + ["another_person"]


def test_photos_over_the_limit_are_not_even_opened(five: list[bytes]) -> None:
    outcome = run(shelf_of([*five, b"never opened"]), policy=IntakePolicy(resolution=64, max_photos=5))
    assert isinstance(outcome, Done)
    assert codes(outcome)[-1] == "over_the_limit"


def test_hostile_photos_among_good_ones_cost_only_themselves(five: list[bytes]) -> None:
    bad = {name: data for name, (data, _) in refused().items() if name in {"half.jpg", "drawing.svg", "moving.png"}}
    shelf = shelf_of([*five, *bad.values()])
    outcome = run(shelf)
    assert isinstance(outcome, Done)
    assert outcome.facts["usable"] == 5
    assert all(TRACE not in data for (kind, _), data in shelf.held.items() if kind is Kind.CROP)


def test_a_job_that_is_cancelled_stops_between_photos(five: list[bytes]) -> None:
    def stop(done: int, total: int, note: str = "") -> None:
        if done == 2:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run(shelf_of(five), progress=stop)


def test_no_photos_at_all_is_too_few() -> None:
    outcome = run(shelf_of([]))
    assert isinstance(outcome, Refused)
    assert outcome.code == "too_few_photos"


def astronaut_photos() -> list[bytes]:
    """One photograph cut, lit and mirrored in eight ways."""
    whole: Picture = data.astronaut()
    boxes = [(60, 0, 380, 320), (90, 10, 350, 300), (0, 0, 512, 512), (110, 20, 400, 340)]
    boxes += [(40, 0, 330, 290), (120, 0, 512, 400), (0, 0, 400, 460), (80, 5, 420, 380)]
    changes: list[Callable[[Picture], Picture]] = [
        lambda picture: picture,
        lambda picture: (picture * 0.7).astype(np.uint8),
        lambda picture: np.ascontiguousarray(picture[:, ::-1]),
        lambda picture: np.clip(picture * np.array([1.1, 1.0, 0.85]), 0, 255).astype(np.uint8),
    ]
    photos = []
    for number, box in enumerate(boxes):
        cut = changes[number % 4](crop(whole, box))
        photos.append(jpeg(np.asarray(Image.fromarray(cut).resize((cut.shape[1] * 2, cut.shape[0] * 2)))))
    return photos


def test_eight_photos_of_a_real_person_are_accepted() -> None:
    shelf = shelf_of(astronaut_photos())
    outcome = run(shelf, faces=DlibFaces(), safety=SkinExposure(), policy=IntakePolicy(resolution=256))
    assert isinstance(outcome, Done), outcome
    assert outcome.facts["usable"] == 8, codes(outcome)
    assert outcome.facts["faces"] == "dlib"


@pytest.mark.skipif(not SELFIES.is_dir(), reason="the drawn selfies are not in this package")
def test_the_drawn_selfies_are_accepted() -> None:
    photos = [file.read_bytes() for file in sorted(SELFIES.glob("*.jpg"))]
    outcome = run(shelf_of(photos), faces=DlibFaces(), safety=SkinExposure(), policy=IntakePolicy(resolution=256))
    assert isinstance(outcome, Done), outcome
    assert outcome.facts["usable"] >= len(photos) - 1, codes(outcome)
