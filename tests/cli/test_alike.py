"""The figures of the likeness command, on people whose likeness is told by hand."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from avatar.cli import likeness
from avatar.cli.alike import KNOWN, NOBODY, Known, Row, known, measure, rank_one, summary, told
from avatar.cli.likeness import sheet
from avatar.errors import AvatarError
from avatar.ports import Descriptor, Face, Picture

SIDE = 96
EYES = ((32.0, 40.0), (64.0, 40.0))


@dataclass
class Blind:
    """Reads a face's descriptor off the first pixels; a picture whose first pixel is black shows no face."""

    name: str = "by hand"
    same_person: float = 0.6

    def find(self, picture: Picture) -> list[Face]:
        if not picture[0, 0].any():
            return []
        return [Face((16, 16, 80, 80), EYES, 0.0, 1.0, picture[0, 0].astype(np.float32) / 100)]

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        return float(np.linalg.norm(one - other))


def _picture(who: int, grey: int = 150) -> Picture:
    made = np.full((SIDE, SIDE, 3), grey, np.uint8)
    made[0, 0] = (100, 0, 0) if who == 0 else (0, 100, 0) if who == 1 else (0, 0, 0)
    return made


def _cast() -> Known:
    return known([[_picture(0)] * 4, [_picture(1), _picture(NOBODY), _picture(1)]], Blind())


def test_a_face_is_named_by_the_nearest_of_the_cast_and_none_is_nobody() -> None:
    cast, faces = _cast(), Blind()
    assert cast.gallery.shape == (2, KNOWN, 3)  # the second was seen twice only: one stands in for the third
    assert [cast.name(faces.find(_picture(who))) for who in (0, 1, NOBODY)] == [0, 1, NOBODY]
    assert cast.name(faces.find(_picture(0)) * 2) == NOBODY  # two faces


def test_a_faceless_picture_counts_as_wrong() -> None:
    assert rank_one([(0, [0, NOBODY]), (1, [1, 0])]) == 0.5
    assert rank_one([]) == 0.0


@pytest.mark.parametrize(("drawn", "lighter"), [(150, 0.0), (190, 15.0), (110, -15.8)])
def test_skin_is_compared_with_the_selfies(drawn: int, lighter: float) -> None:
    row = Row(7, "tan", "done", 1.0)
    measure(row, 0, [_picture(0)] * 3, [_picture(0, drawn)], _cast(), Blind())
    assert row.lighter == [pytest.approx(lighter, abs=1)]
    assert row.skin == [pytest.approx(abs(lighter), abs=4)]


def test_distances_are_of_the_person_and_a_stranger_is_far() -> None:
    own, other = Row(7, "tan", "done", 1.0), Row(7, "tan", "done", 1.0)
    measure(own, 0, [_picture(0)] * 3, [_picture(0)], _cast(), Blind())
    measure(other, 0, [_picture(0)] * 3, [_picture(1), _picture(NOBODY)], _cast(), Blind())
    assert (own.distance, own.spread, own.nearest_given) == (0, 0, 0)
    assert other.distance == other.nearest_apart == pytest.approx(math.sqrt(2), abs=1e-3)


def test_where_nothing_is_delivered_nothing_is_made_up() -> None:
    row = Row(7, "tan", "refused", 1.0, missing=2)
    measure(row, 0, [_picture(0)] * 3, [], _cast(), Blind())
    found = summary([row], 2)
    assert (found["pictures"], found["missing"]) == (0, 2)
    assert found["distance"] is found["skin_difference_median"] is None
    json.dumps(told([row], 2), allow_nan=False)


def test_where_no_face_is_seen_at_all_nothing_stops() -> None:
    row = Row(7, "tan", "done", 1.0)
    measure(row, 0, [_picture(NOBODY)] * 3, [_picture(0)], _cast(), Blind())
    assert (row.distance, row.spread, row.skin) == (None, None, [])
    with pytest.raises(AvatarError, match="person 2"):
        known([[_picture(0)], [_picture(NOBODY)]], Blind())


@pytest.mark.parametrize("wrong", [["--people", "70"], ["--workers", "0"], ["--pictures", "0"], ["--people", "0"]])
def test_what_can_not_be_measured_is_said_before_anything_is_drawn(
    wrong: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["likeness", *wrong])
    with pytest.raises(SystemExit) as stopped:
        likeness.main()
    assert stopped.value.code == 2
    assert ("among" if wrong[1] == "70" else "counted from 1") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(["--style", "oyl"], "unknown_style"), (["--base", "none"], "unknown_base"), (["--judge", "none"], "is no judge")],
)
def test_bad_orders_are_a_sentence_with_a_code(
    wrong: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["likeness", *wrong, "--out", str(tmp_path), "--people", "1", "--among", "1"])
    with pytest.raises(SystemExit, match=said):
        likeness.main()


def test_a_refused_person_is_told_with_all_that_was_not_delivered() -> None:
    rows = [Row(7, "tan", "done", 1.0), Row(8, "tan", "too_few_photos", 1.0, missing=6)]
    found = summary(rows, 2)
    assert (found["missing"], found["endings"]) == (6, {"done": 1, "too_few_photos": 1})


def test_the_summary_is_by_style_and_by_group() -> None:
    one = Row(7, "pale", "done", 2.0, tuned={"oil": [0, 1]}, themed={"oil": [True, True]}, lighter=[1.0, 3.0])
    two = Row(8, "deep", "done", 4.0, tuned={"oil": [1], "photo": [1]}, themed={"oil": [False]}, lighter=[-1.0])
    found = told([one, two], 2)
    assert found["rank1_tuned"] == {"oil": 0.667, "photo": 1.0}
    assert found["theme_recognised"] == {"oil": 0.667, "photo": None}
    assert found["skin_lighter_by_group"] == {"deep": -1.0, "pale": 2.0}
    assert (found["seconds"], found["chance"], [row["group"] for row in found["rows"]]) == (3.0, 0.5, ["pale", "deep"])


def test_the_sheet_has_a_row_a_person_and_room_for_every_picture() -> None:
    picture = np.full((512, 512, 3), 9, np.uint8)  # as a larger base draws
    made = sheet([([picture] * 2, [picture] * 3), ([picture] * 2, [picture])], 3)
    assert made.size == (5 * 256 + 24, 512)
    assert made.getpixel((5 * 256 + 23, 100)) == (9, 9, 9)
    assert made.getpixel((5 * 256 + 23, 400)) != (9, 9, 9)
