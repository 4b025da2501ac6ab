"""The contact sheet and the report."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from avatar.job import ClassWord, Consent, Job, JobId, Stage
from avatar.packs.bundle import PAPER, SCHEMA, Delivered, Tile, changed_sheet, contact_sheet, filled, report
from avatar.packs.plan import plan
from avatar.packs.style import load_styles
from avatar.weights.registry import TABLE

STYLES = load_styles(Path(__file__).parents[2] / "styles")
FACTS = {
    Stage.TUNE: {"rank": 16, "seconds": 61.5},
    Stage.RENDER: {
        "drawn": 6,
        "rejected": {"blurred": 1},
        "short": {"oil": 1},
        "seconds": 20.0,
        "face_hidden": ["bronze"],
    },
}
JOB = Job(
    id=JobId("job_secret"),
    class_word=ClassWord.PERSON,
    styles=("oil", "bronze"),
    count=4,
    base="pocket",
    seed=3,
    consent=Consent("I am Jane", datetime(2026, 1, 1, tzinfo=UTC)),
    facts=FACTS,
)


def _picture(level: int, height: int = 40, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 12, 24])
def test_a_sheet_of_any_length_is_of_a_pleasant_shape(count: int) -> None:
    sheet = contact_sheet([Tile(_picture(90), "Oil painting", 0.9)] * count)
    height, width = sheet.shape[:2]
    assert 0.7 < width / height < 2.6
    assert tuple(sheet[0, 0]) == PAPER


def test_the_same_tiles_give_the_same_sheet() -> None:
    tiles = [Tile(_picture(level), "Oil painting", level / 100) for level in (60, 80, 100)]
    assert (contact_sheet(tiles) == contact_sheet(tiles)).all()


def test_every_picture_is_on_the_sheet_and_a_wide_one_is_not_squeezed() -> None:
    wide = np.concatenate([_picture(0), _picture(200), _picture(0)], axis=1)
    sheet = contact_sheet([Tile(wide, "Oil painting", None)])
    assert (sheet == 200).all(-1).sum() > 300 * 300
    assert (sheet == 0).all(-1).sum() < 100


@pytest.mark.parametrize("count", [1, 5, 12])
def test_a_changed_sheet_is_the_one_that_would_have_been_made(count: int) -> None:
    tiles = [Tile(_picture(10 * at), "Oil painting", at / 10) for at in range(count)]
    fresh = {0: Tile(_picture(200, 50, 40), "Oil painting", None), count - 1: Tile(_picture(220), "Oil painting", 0.9)}
    changed = [fresh.get(at, tile) for at, tile in enumerate(tiles)]
    assert (changed_sheet(contact_sheet(tiles), count, fresh) == contact_sheet(changed)).all()


def test_five_dots_are_for_as_alike_as_the_selfies() -> None:
    assert [filled(share) for share in (0.0, 0.5, 0.7, 0.95, 1.0, 1.4)] == [1, 1, 2, 4, 5, 5]


def _told() -> tuple[bytes, dict]:
    shots = plan(JOB, STYLES, TABLE["pocket"])
    figures = {"distance": 0.31, "share": 0.9, "sharpness": 0.1, "nearest": 20}
    delivered = [Delivered(f"{at:02d}-{shot.style}.png", shot, figures) for at, shot in enumerate(shots[:4], 1)]
    data = report(JOB, TABLE["pocket"], STYLES, delivered)
    return data, json.loads(data)


def test_the_report_says_how_every_picture_was_made() -> None:
    told = _told()[1]
    assert told["schema"] == SCHEMA
    assert told["delivered"] == 4
    assert told["pictures"][0]["file"] == "01-oil.png"
    assert {"prompt", "seed", "likeness", "style_version", "guidance", "adapter_share"} <= set(told["pictures"][0])
    assert told["seconds"] == {"tune": 61.5, "render": 20.0}
    assert told["adapter"]["rank"] == 16
    assert told["rejected"] == {"blurred": 1}
    assert told["owed"] == {"oil": 1}
    assert told["likeness_unknown_in"] == ["bronze"]
    assert told["not_covered"]


def test_credits_count_the_pictures_of_each_style() -> None:
    assert [(one["style"], one["pictures"]) for one in _told()[1]["credits"]] == [("bronze", 1), ("oil", 3)]


def test_the_report_holds_no_id_and_no_consent_and_is_the_same_every_time() -> None:
    data = _told()[0]
    assert b"job_secret" not in data
    assert b"Jane" not in data
    assert data == _told()[0]
    assert report(replace(JOB, facts={}), TABLE["pocket"], STYLES, [])
