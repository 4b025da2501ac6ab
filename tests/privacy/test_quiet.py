"""No dependency calls home or notes down what it could tell, and no core dump is written; a control shows both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LOUD = {  # what an operator's environment might say; ours comes on top
    "ORT_DISABLE_TELEMETRY": "0",
    "HF_HUB_DISABLE_TELEMETRY": "0",
    "DISABLE_TELEMETRY": "0",
    "DO_NOT_TRACK": "0",
    "FASTAPI_OTEL_AUTO_CONFIGURE": "true",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
}


def loaded(home: Path, *words: str, **environment: str) -> dict[str, Any]:
    """What a process that loads everything is noticed to do."""
    command = (sys.executable, "-m", "tests.privacy.quiet", *words)
    told = {"PATH": os.environ["PATH"], "HOME": str(home), "AVATAR_STATE": str(home / "s"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env={**told, **environment}, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "telemetry" not in done.stderr.lower()
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_no_dependency_calls_home_or_keeps_what_it_would_tell_and_cores_are_off(tmp_path: Path) -> None:
    told = loaded(tmp_path, **LOUD)
    assert told["missing"] == []
    assert told["tried"] == told["sockets"] == []
    assert [path for path in told["files"] if not path.startswith("s/service/")] == []
    assert told["core"] == 0


def test_without_our_settings_a_dependency_notes_down_what_it_would_tell(tmp_path: Path) -> None:
    """The control: were the variables not needed any more, or the look blind, this would say so."""
    told = loaded(tmp_path, "loud")
    assert [path for path in told["files"] if "onnxruntime" in path]
    assert told["core"] == told["could"]


@pytest.mark.parametrize(
    "command", ["avatar.pocket.evaluate", "avatar.pocket.train", "avatar.cli.previews", "avatar.cli.likeness"]
)
def test_commands_that_import_at_their_top_hush_before(command: str) -> None:
    """What the hub's library read when it was imported; it does not look again."""
    read = "from huggingface_hub import constants as c; print(c.HF_HUB_OFFLINE, c.HF_HUB_DISABLE_TELEMETRY)"
    words = (sys.executable, "-c", f"import {command}; {read}")
    loud = {**{name: text for name, text in os.environ.items() if not name.startswith("HF_")}, **LOUD}
    done = subprocess.run(words, env=loud, capture_output=True, text=True, timeout=300)
    assert (done.stdout.strip(), done.stderr) == ("True True", "")
