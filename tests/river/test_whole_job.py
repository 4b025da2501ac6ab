"""The whole product as an app's back end meets it: selfies over HTTP, a tuned pack, a receipt, and nothing left."""

from __future__ import annotations

import tempfile
import time
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from avatar.client import Avatar
from avatar.marks.label import read_label
from tests.river.serving import SHORT, serving

SELFIES = sorted(Path(str(resources.files("avatar.pocket") / "selfies")).glob("*.jpg"))
CONSENT = "These are pictures of a drawn person, who is an adult."


@pytest.mark.timeout(900)
def test_selfies_become_a_pack_over_http_and_then_nothing_is_left() -> None:
    with tempfile.TemporaryDirectory() as short:  # a socket's path has little room
        state = Path(short) / "s"
        with (
            serving(state, {"AVATAR_PACE": "1", "AVATAR_TUNE_STEPS": str(SHORT)}) as running,
            Avatar(f"http://127.0.0.1:{running.port}", running.key) as avatar,
        ):
            job = avatar.order(["photo", "oil"], count=3, consent=CONSENT)
            avatar.add_photo(job, SELFIES[0].read_bytes(), wait=10)  # the worker loads its face models once
            for path in SELFIES[1:]:
                begun = time.monotonic()
                assert avatar.add_photo(job, path.read_bytes(), wait=10).verdict == "ok"
                assert time.monotonic() - begun < 10
            avatar.start(job)
            stages = [state.stage for state in avatar.watch(job)]
            assert {"tune", "render", "purge"} <= set(stages)
            told = avatar.job(job)
            assert (told.state, told.code) == ("done", None)
            assert told.delivered is not None
            assert told.delivered >= 1
            avatar.download(job, Path(short) / "pack.zip")
            with zipfile.ZipFile(Path(short) / "pack.zip") as pack:
                pictures = [name for name in pack.namelist() if name[:2].isdecimal()]
                assert len(pictures) == told.delivered
                for name in pictures:
                    label = read_label(pack.read(name))
                    assert label is not None
                    assert label.generated
            erased = avatar.erase(job)
            assert erased.receipt is not None
            assert erased.receipt["complete"]
            assert [file for file in (state / "service" / "vault").rglob("*") if file.is_file()] == []
