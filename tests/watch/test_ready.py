"""The check that workers are watched by: a command, 0 where a claim would work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def ready(state: Path, **more: str) -> tuple[int, str]:
    """Exit code and all that was said."""
    environment = {**os.environ, "AVATAR_STATE": str(state), "AVATAR_LOGS": "json", **more}
    done = subprocess.run((sys.executable, "-m", "workers.ready"), env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_it_says_ready_where_work_could_be_claimed_and_needs_no_broker(tmp_path: Path) -> None:
    assert ready(tmp_path / "s") == (0, "ready\n")


def test_it_fails_where_the_service_can_not_be_opened_and_tells_no_path(tmp_path: Path) -> None:
    assert ready(tmp_path / "s")[0] == 0
    shutil.rmtree(tmp_path / "s" / "service" / "ledger")
    (tmp_path / "s" / "service" / "ledger").write_text("")
    code, said = ready(tmp_path / "s")
    assert code == 1
    assert '"event": "not_ready"' in said
    assert str(tmp_path) not in said
