"""A job killed anywhere leaves nothing behind once it is cleaned or run again.

Each point once; with AVATAR_TEST_FULL=1 sixty tries, so that each is met by cleaning and by running again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

KILLING = Path(__file__).with_name("killing.py")
TRIES = 60 if os.environ.get("AVATAR_TEST_FULL") == "1" else 24  # of which those inside a stage may end before the kill


@pytest.mark.timeout(1500)
def test_killed_at_every_boundary_and_inside_every_stage_nothing_is_left() -> None:
    command = [sys.executable, str(KILLING), "--tries", str(TRIES), "--part"]
    halves = [subprocess.Popen([*command, part], stdout=PIPE, stderr=PIPE, text=True) for part in ("1/2", "2/2")]
    said = [half.communicate() for half in halves]
    tries = [json.loads(line) for out, _ in said for line in out.splitlines() if line.startswith("{")]
    assert len(tries) == TRIES, [errors[-2000:] for _, errors in said]
    assert [one for one in tries if not one["good"]] == []
    killed = [one for one in tries if one["died"] == -9]
    assert len(killed) >= TRIES * 4 // 5, "most tries must really have been killed"
