"""The README's first command, for real: sample selfies in, a pack out, nothing left behind, nobody asked."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatar.erasure.receipt import check
from avatar.marks.label import read_label
from tests.river.conftest import Run

SIGNING = ".local/share/avatar/signing/signing.key"  # of this machine's receipts; says nothing of a job
pytestmark = pytest.mark.timeout(900)


def test_the_demo_delivers_what_was_asked_or_counts_what_is_short(demo: Run) -> None:
    report = demo.paper("report.json")
    owed = 8 - report["delivered"]
    assert demo.code == (4 if owed else 0), demo.said
    assert 0 <= owed < 8
    assert f"{report['delivered']} pictures" in demo.said
    pictures = sorted(path.name for path in demo.out.glob("[0-9]*.png"))
    assert pictures == sorted(one["file"] for one in report["pictures"])
    assert (demo.out / "contact-sheet.png").stat().st_size > 50_000


def test_nothing_but_the_pack_the_report_and_the_receipt_is_left(demo: Run) -> None:
    left = {str(path.relative_to(demo.home)) for path in demo.home.rglob("*") if path.is_file()}
    pack = {f"work/out/{path.name}" for path in demo.out.iterdir()}
    assert left == pack | {SIGNING}


def test_every_path_that_was_ever_written_is_gone_or_in_the_pack(demo: Run) -> None:
    assert len(demo.written) > 20, "the watcher saw nothing"
    devices = {"/dev/null"}
    left = [path for path in demo.written if Path(path).is_file() and path not in devices]
    outside = [path for path in left if not Path(path).is_relative_to(demo.out) and path != str(demo.out)]
    assert [str(Path(path).relative_to(demo.home)) for path in outside] == [SIGNING]


def test_memory_stays_below_three_gigabytes(demo: Run) -> None:
    assert demo.peak_gb < 3.0


def test_no_address_was_asked_for(demo: Run) -> None:
    assert demo.network == []


def test_the_receipt_counts_everything_and_its_digest_fits(demo: Run) -> None:
    paper = demo.paper("receipt.json")
    assert paper["complete"] is True
    assert check(paper)
    counted = {line["kind"]: line["objects"] for line in paper["erased"]}
    assert counted["photo"] == 10
    assert set(counted) == {"photo", "crop", "checkpoint", "adapter", "candidate", "picture"}


def test_the_pictures_are_pictures_and_say_that_they_are_generated(demo: Run) -> None:
    for path in demo.out.glob("[0-9]*.png"):
        data = path.read_bytes()
        assert read_label(data) is not None
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        assert pixels.shape == (256, 256, 3)
        assert pixels.std() > 10


def test_no_trace_of_the_selfies_metadata_is_in_any_output(demo: Run) -> None:
    told = (b"Drawn", b"Raymarch", b"Signed Distance", b"2031:05:")  # camera, lens and day of every selfie
    selfies = [path.read_bytes() for path in Path("avatar/pocket/selfies").glob("*.jpg")]
    assert len(selfies) == 10
    assert all(word in data for word in told for data in selfies)
    for path in demo.out.iterdir():
        data = path.read_bytes()
        assert [word for word in told if word in data] == []


def test_the_command_says_what_it_does_and_where_the_result_is(demo: Run) -> None:
    for word in ("intake", "tune", "render", "finish", "deliver", "contact-sheet.png", "receipt.json", "key destroyed"):
        assert word in demo.said
