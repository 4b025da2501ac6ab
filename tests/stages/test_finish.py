"""Finish: labelled files, a contact sheet and a report, of what was chosen and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatar.job import Done, Job, Kind, Stage, new_id
from avatar.marks.label import read_label
from avatar.packs.plan import plan, to_json
from avatar.packs.style import load_styles
from avatar.photos.pixels import png
from avatar.stages import deliver
from avatar.stages.finish import FinishPorts, run
from avatar.vault.folder import Folder
from avatar.weights.registry import TABLE
from tests.stages.holding import JOB, Shelf

STYLES = load_styles(Path(__file__).parents[2] / "styles")


def _quiet(done: int, total: int, note: str = "") -> None: ...


def _candidate(index: int) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.fixture
def shelf() -> Shelf:
    held = {(Kind.CANDIDATE, f"{at:04d}.png"): png(_candidate(at)) for at in range(6)}
    return Shelf({**held, (Kind.CANDIDATE, "plan-1.json"): to_json(plan(JOB, STYLES, TABLE["pocket"]))})


@pytest.fixture
def job() -> Job:
    figures = {"distance": 0.3, "share": 0.8, "sharpness": 0.1, "nearest": 30}
    chosen = [{"index": at, "style": style, **figures} for at, style in ((2, "oil"), (0, "oil"), (4, "bronze"))]
    return replace(JOB, facts={Stage.RENDER: {"chosen": chosen, "shortfall": 1, "drawn": 6}})


def test_every_chosen_picture_becomes_a_labelled_file(job: Job, shelf: Shelf) -> None:
    outcome = run(job, FinishPorts(shelf, STYLES, _quiet))
    assert outcome == Done({"pictures": 3, "names": ["01-oil.png", "02-oil.png", "03-bronze.png"], "spares": {}})
    names = ["01-oil.png", "02-oil.png", "03-bronze.png", "contact-sheet.png", "report.json"]
    assert shelf.names(job.id, Kind.PICTURE) == names
    assert {kind for kind, _ in shelf.written} == {Kind.PICTURE}
    for name in names[:4]:
        label = read_label(shelf.held[Kind.PICTURE, name])
        assert label is not None
        assert label.generated


def test_the_pixels_are_the_candidates_in_the_order_chosen(job: Job, shelf: Shelf) -> None:
    run(job, FinishPorts(shelf, STYLES, _quiet))
    for name, index in (("01-oil.png", 2), ("02-oil.png", 0), ("03-bronze.png", 4)):
        pixels = np.asarray(Image.open(io.BytesIO(shelf.held[Kind.PICTURE, name])))
        assert (pixels == _candidate(index)).all()


def test_nothing_says_whose_job_it_was(job: Job, shelf: Shelf) -> None:
    run(job, FinishPorts(shelf, STYLES, _quiet))
    for (kind, _), data in shelf.held.items():
        if kind is Kind.PICTURE:
            assert job.id.encode() not in data


def test_the_report_tells_of_the_files_there_are(job: Job, shelf: Shelf) -> None:
    run(job, FinishPorts(shelf, STYLES, _quiet))
    told = json.loads(shelf.held[Kind.PICTURE, "report.json"])
    assert [one["file"] for one in told["pictures"]] == ["01-oil.png", "02-oil.png", "03-bronze.png"]
    assert [(one["style"], one["pictures"]) for one in told["credits"]] == [("bronze", 1), ("oil", 2)]


@pytest.fixture
def spared(job: Job) -> Job:
    """The same job with one spare of each style."""
    figures = {"distance": 0.4, "share": 0.7, "sharpness": 0.1, "nearest": 31}
    spares = [{"index": at, "style": style, **figures} for at, style in ((1, "oil"), (5, "bronze"))]
    return replace(job, facts={Stage.RENDER: {**job.facts[Stage.RENDER], "spares": spares}})


def test_spares_are_labelled_and_numbered_on_and_are_in_no_paper(job: Job, spared: Job, shelf: Shelf) -> None:
    without = Shelf(dict(shelf.held))
    run(job, FinishPorts(without, STYLES, _quiet))
    outcome = run(spared, FinishPorts(shelf, STYLES, _quiet))
    assert outcome.facts["spares"] == {"oil": ["04-oil.png"], "bronze": ["05-bronze.png"]}  # type: ignore[union-attr]
    pixels = np.asarray(Image.open(io.BytesIO(shelf.held[Kind.PICTURE, "04-oil.png"])))
    assert (pixels == _candidate(1)).all()
    assert read_label(shelf.held[Kind.PICTURE, "04-oil.png"]) is not None
    for paper in ("report.json", "contact-sheet.png"):
        assert shelf.held[Kind.PICTURE, paper] == without.held[Kind.PICTURE, paper]
    told = json.loads(shelf.held[Kind.PICTURE, "spares.json"])
    assert [one["file"] for one in told["cards"]] == ["04-oil.png", "05-bronze.png"]
    assert set(told["titles"]) == {"oil", "bronze"}
    assert spared.id not in shelf.held[Kind.PICTURE, "spares.json"].decode()


def test_spares_go_beside_the_pack_and_into_no_folder(spared: Job, shelf: Shelf, tmp_path: Path) -> None:
    outcome = run(spared, FinishPorts(shelf, STYLES, _quiet))
    finished = replace(spared, facts={**spared.facts, Stage.FINISH: outcome.facts})  # type: ignore[union-attr]
    out = Folder(tmp_path / "out", new_id())
    done = deliver.run(finished, deliver.DeliverPorts(shelf, out, _quiet))
    files = ["01-oil.png", "02-oil.png", "03-bronze.png", "contact-sheet.png", "report.json"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == files
    assert done == Done({"files": 5})
    seen: dict[str, list[str]] = {}

    class Place:
        def deliver(self, files: Mapping[str, bytes], spares: Mapping[str, bytes] = deliver.NONE) -> None:
            seen.update(files=sorted(files), spares=sorted(spares))

    deliver.run(finished, deliver.DeliverPorts(shelf, Place(), _quiet))
    assert seen == {"files": files, "spares": ["04-oil.png", "05-bronze.png", "spares.json"]}


def test_finish_twice_is_the_same_as_once(job: Job, shelf: Shelf) -> None:
    run(job, FinishPorts(shelf, STYLES, _quiet))
    once = dict(shelf.held)
    run(job, FinishPorts(shelf, STYLES, _quiet))
    assert shelf.held == once
