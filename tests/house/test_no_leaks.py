"""Nothing in the repository tells about a machine, or holds a real person's picture."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic"}
PLACES = ("avatar/pocket/", "styles/", ".github/pictures/")  # drawn or generated, and seen to be so


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name]


def test_pictures_are_only_where_drawn_ones_belong() -> None:
    pictures = [path for path in _tracked() if path.suffix.lower() in PICTURES]
    assert not [path for path in pictures if not str(path).startswith(PLACES)]


def test_no_file_tells_an_absolute_path_of_a_home() -> None:
    told = re.compile(rb"(?<![\w.])/(?:home|Users|root)/\w")
    texts = [path for path in _tracked() if path.suffix in {".py", ".md", ".toml", ".yml", ".json", ""}]
    assert not [str(path) for path in texts if told.search((ROOT / path).read_bytes())]


def test_weights_stay_small_enough_to_ship() -> None:
    base = ROOT / "avatar" / "pocket" / "base"
    assert sum(path.stat().st_size for path in base.rglob("*") if path.is_file()) <= 64_000_000
