"""Whole jobs that end otherwise: refused with reasons, stopped on request, and on photographs of a real person."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from skimage import data

from avatar.cli.local import sample_selfies
from tests.river.conftest import command
from tests.river.serving import SHORT

pytestmark = pytest.mark.timeout(900)


def photographs() -> dict[str, bytes]:
    """Eight photos of one real person (NASA, public domain): cropped, lit and mirrored differently."""
    whole = Image.fromarray(data.astronaut())
    boxes = [(100, 0, 400, 300), (60, 0, 420, 360), (130, 20, 350, 240), (80, 10, 380, 310)]
    photos = {}
    for number in range(8):
        photo = whole.crop(boxes[number % 4]).resize((640, 640), Image.Resampling.LANCZOS)
        photo = ImageEnhance.Brightness(photo).enhance((0.8, 1.0, 1.15, 0.9)[number // 2])
        if number >= 4:
            photo = photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        out = io.BytesIO()
        photo.save(out, "JPEG", quality=92)
        photos[f"{number}.jpg"] = out.getvalue()
    return photos


def test_too_few_usable_photos_are_refused_with_a_reason_for_each(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sample_selfies()[:3]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "again.jpg").write_bytes(sample_selfies()[0].read_bytes())
    (folder / "notes.jpg").write_text("not a picture at all")
    run = command(tmp_path / "home", "make", str(folder))
    assert run.code == 3, run.said
    for code in ("duplicate", "not_a_picture", "too_few_photos"):
        assert code in run.said
    assert sorted(path.name for path in run.out.iterdir()) == ["receipt.json", "report.json"]
    assert run.paper("receipt.json")["ending"] == "refused"
    assert run.paper("receipt.json")["complete"] is True
    assert run.paper("report.json")["code"] == "too_few_photos"
    left = [path.name for path in run.home.rglob("*") if path.is_file() and run.out not in path.parents]
    assert left == ["signing.key"]


def test_photographs_of_a_real_person_go_the_whole_way(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, photo in photographs().items():
        (folder / name).write_bytes(photo)
    words = ("make", str(folder), "--styles", "bronze", "--count", "2", "--seed", "3")
    run = command(tmp_path / "home", *words, steps=SHORT)
    assert run.code == 0, run.said
    assert run.paper("report.json")["delivered"] == 2
    assert {line["kind"]: line["objects"] for line in run.paper("receipt.json")["erased"]}["photo"] == 8
    picture = np.asarray(Image.open(next(run.out.glob("01-*.png"))))
    assert picture.std() > 10


def test_control_c_in_the_middle_erases_everything_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    inside = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    code = "from avatar.cli.main import run; run()"
    words = [sys.executable, "-c", code, "demo", "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        words, env=dict(os.environ) | inside, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("tune"):
                break
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Stopped" in said
    assert [path.name for path in (tmp_path / ".local").rglob("*") if path.is_file()] == ["signing.key"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["receipt.json"]
    assert json.loads((tmp_path / "out" / "receipt.json").read_text())["ending"] == "cancelled"
