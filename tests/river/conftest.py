"""The real `avatar demo`, run once for all tests of this folder, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

WATCHED = Path(__file__).with_name("watched.py")


@dataclass(frozen=True)
class Run:
    """One finished command: where it ran, what it said, wrote and asked for."""

    home: Path
    out: Path
    code: int
    said: str
    seconds: float
    written: list[str]
    network: list[str]
    peak_gb: float

    def paper(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.out / name).read_text()))


def command(home: Path, *words: str, steps: int = 0) -> Run:
    """Run `avatar WORDS --out HOME/work/out`, all that it may write to inside `home`; `steps` bound a fine-tune."""
    for name in ("tmp", "work"):
        (home / name).mkdir(parents=True, exist_ok=True)
    keep = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    inside = {"HOME": str(home), "TMPDIR": str(home / "tmp"), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "120"}
    inside["AVATAR_TUNE_STEPS"] = str(steps)
    out, log = home / "work" / "out", home.with_suffix(".log")
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(WATCHED), str(log), *words, "--out", str(out)],
        cwd=home / "work",
        env=keep | inside,
        capture_output=True,
        text=True,
        timeout=900,
    )
    seconds = time.monotonic() - begun
    watched = json.loads(log.read_text())
    return Run(home, out, done.returncode, done.stdout + done.stderr, seconds, **watched)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return command(tmp_path_factory.mktemp("demo") / "home", "demo", "--count", "8")
