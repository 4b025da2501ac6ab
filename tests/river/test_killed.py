"""A job killed anywhere leaves nothing behind once it is cleaned or run again.

Each point once; with AVATAR_TEST_FULL=1 sixty tries, so that each is met by cleaning and by running again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

KILLING = Path(__file__).with_name("killing.py")
TRIES = 60 if os.environ.get("AVATAR_TEST_FULL") == "1" else 24  # of which those inside a stage may end before the kill


def half(part: str) -> subprocess.CompletedProcess[str]:
    """Every second try, in a process of its own."""
    command = [sys.executable, str(KILLING), "--tries", str(TRIES), "--part", part]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.timeout(1500)
def test_killed_at_every_boundary_and_inside_every_stage_nothing_is_left() -> None:
    with ThreadPoolExecutor(2) as side_by_side:
        halves = list(side_by_side.map(half, ("1/2", "2/2")))
    tries = [json.loads(line) for done in halves for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(tries) == TRIES, [done.stderr[-2000:] for done in halves]
    assert [one for one in tries if not one["good"]] == []
    killed = [one for one in tries if one["died"] == -9]
    assert len(killed) >= TRIES * 4 // 5, "most tries must really have been killed"
