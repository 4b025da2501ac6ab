"""What an operator and a base ask for reaches the stages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from avatar.job import ClassWord, Consent, Job, Stage, new_id
from avatar.settings import Settings
from avatar.stages import intake, tune
from avatar.vault.folder import Folder
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
from avatar.weights.registry import TABLE
from avatar.wiring import build


def _ports(stage: Stage, of: Any, folder: Path, patch: pytest.MonkeyPatch, settings: Settings) -> Any:
    """What the stage `of` a job on the pocket base is given."""
    job = Job(new_id(), ClassWord.PERSON, ("photo",), 1, "pocket", 1, Consent("drawn", datetime.now(UTC)))
    seen: list[Any] = []
    patch.setattr(of, "run", lambda _, ports: seen.append(ports))
    bench = build(settings, job, LocalVault(folder / "jobs", MemoryKeys()), Folder(folder / "out", job.id))
    bench.hands(lambda _: None, lambda *_: None, lambda _: None)[stage](job)
    return seen[0]


def test_selfies_are_cut_as_near_as_their_base_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = _ports(Stage.INTAKE, intake, tmp_path, monkeypatch, Settings()).policy
    assert policy.crop_factor == TABLE["pocket"].crop != TABLE["sd15"].crop
    assert policy.resolution == TABLE["pocket"].resolution


@pytest.mark.parametrize("steps", [0, 60])
def test_an_operator_may_bound_a_fine_tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    ports = _ports(Stage.TUNE, tune, tmp_path, monkeypatch, Settings(tune_steps=steps))
    assert ports.recipe.steps(10) == (steps or 900)
