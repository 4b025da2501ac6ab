from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.errors import AvatarError, Cancelled
from avatar.job import ClassWord, Consent, Done, Job, JobId, Kind, Refused
from avatar.lora import adapter, prior
from avatar.lora.recipes import Recipe
from avatar.photos.crops import Crop, pack_crop
from avatar.ports import Descriptor, Face, Picture
from avatar.stages.tune import BEST, TunePorts, run
from avatar.weights.load import LoadedBase, load
from avatar.weights.registry import find
from tests.tiny import tiny_sd15, tiny_v

JOB = Job(JobId("job_1"), ClassWord.WOMAN, ("oil",), 4, "tiny", 5, Consent("yes", datetime.now(UTC)))
RECIPE = Recipe(
    rank=2, alpha=2.0, learning_rate=1e-2, batch=3, steps_per_photo=1, least_steps=3, most_steps=3,
    marks=(0.3, 1.0), shots=2,
)  # fmt: skip


class Shelf:
    """A vault in memory, without the sealing."""

    def __init__(self) -> None:
        self.held: dict[tuple[Kind, str], bytes] = {}

    def put(self, job: JobId, kind: Kind, name: str, data: bytes) -> None:
        self.held[kind, name] = data

    def get(self, job: JobId, kind: Kind, name: str) -> bytes:
        return self.held[kind, name]

    def names(self, job: JobId, kind: Kind) -> list[str]:
        return sorted(name for held, name in self.held if held is kind)

    def erase(self, job: JobId, kind: Kind) -> list[str]:
        return []


class Brightness:
    """Takes a picture's mean brightness for its face."""

    name, same_person = "brightness", 0.5

    def find(self, picture: Picture) -> list[Face]:
        bright = np.array([picture.mean() / 255], np.float32)
        return [Face((0, 0, 9, 9), ((2, 2), (7, 2)), 0.0, 1.0, bright)]

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        return float(abs(one - other).sum())


@pytest.fixture(scope="module", params=["epsilon", "v"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedBase:
    make = tiny_sd15 if request.param == "epsilon" else tiny_v
    return load(find(make(tmp_path_factory.mktemp("tiny") / "base")), "cpu", torch.float32)


@pytest.fixture
def ports(loaded: LoadedBase) -> TunePorts:
    rng = np.random.default_rng(0)
    vault = Shelf()
    for name in ("0", "1", "2"):
        picture = rng.integers(0, 255, (32, 32, 3), dtype=np.uint8)
        vault.put(JOB.id, Kind.CROP, name, pack_crop(Crop(picture, np.ones((32, 32), np.float32), "a photo")))
    return TunePorts(vault, Brightness(), lambda _: loaded, RECIPE, "ohwx", drawn, lambda *_: None)


def drawn(loaded: LoadedBase, prompts: Sequence[str], seed: int) -> list[Picture]:
    """One step of the base and what it wears, so that each checkpoint draws something else."""
    assert all("ohwx woman" in prompt for prompt in prompts)
    latents = torch.zeros(len(prompts), *loaded.latent_shape)
    with torch.no_grad():
        latents = loaded.denoise(latents, torch.full((len(prompts),), 500), loaded.embed(list(prompts)))
    return [np.asarray(((one + 1) * 127.5).byte().permute(1, 2, 0).numpy()) for one in loaded.decode(latents)]


def test_crops_become_checkpoints_and_the_nearest_of_them_the_adapter(ports: TunePorts, loaded: LoadedBase) -> None:
    outcome = run(JOB, ports)
    assert isinstance(outcome, Done)
    facts = outcome.facts
    assert ports.vault.names(JOB.id, Kind.CHECKPOINT) == ["step-00001", "step-00003"]
    kept = ports.vault.get(JOB.id, Kind.ADAPTER, BEST)
    assert kept == ports.vault.get(JOB.id, Kind.CHECKPOINT, f"step-{facts['kept']:05d}")
    assert facts["steps"] == 3
    assert {"start", "end"} == set(facts["loss"])
    assert facts["base"]["digest"] == loaded.digest()
    nearest = min(facts["checkpoints"], key=lambda one: one["overall"])
    assert nearest["overall"] == next(one["overall"] for one in facts["checkpoints"] if one["step"] == facts["kept"])
    with adapter.worn(loaded, kept):
        pass


def test_the_facts_are_json_and_hold_no_words_and_no_descriptor(ports: TunePorts) -> None:
    outcome = run(JOB, ports)
    text = json.dumps(outcome.facts, allow_nan=False)  # type: ignore[union-attr]
    assert "ohwx" not in text
    assert "photo of" not in text


def test_repeating_the_stage_gives_the_same_adapter(ports: TunePorts) -> None:
    run(JOB, ports)
    first = ports.vault.get(JOB.id, Kind.ADAPTER, BEST)
    run(JOB, ports)
    assert ports.vault.get(JOB.id, Kind.ADAPTER, BEST) == first


def test_without_crops_the_job_is_refused(ports: TunePorts) -> None:
    outcome = run(JOB, replace(ports, vault=Shelf()))
    assert isinstance(outcome, Refused)


@pytest.mark.parametrize("note", ["tune", "likeness", "class pictures"])
def test_a_cancel_at_any_moment_leaves_the_base_bare_and_no_adapter(
    ports: TunePorts, loaded: LoadedBase, note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior, "STEPS", 2)

    def cancel(done: int, total: int, said: str = "") -> None:
        if said == note and done:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run(JOB, replace(ports, progress=cancel, prior_cache=tmp_path, recipe=replace(RECIPE, prior_count=2)))
    assert loaded.digest() == loaded.known_digest
    assert not any("lora" in name for name, _ in loaded.unet.named_modules())
    assert ports.vault.names(JOB.id, Kind.ADAPTER) == []


def test_a_base_that_was_changed_is_an_error_and_nothing_is_kept(ports: TunePorts, loaded: LoadedBase) -> None:
    def spoiling(base: LoadedBase, prompts: Sequence[str], seed: int) -> list[Picture]:
        with torch.no_grad():
            part.view(-1)[0] += 1
        return drawn(base, prompts, seed)

    part = loaded.unet.conv_in.weight
    before = part.detach().clone()
    try:
        with pytest.raises(AvatarError) as error:
            run(JOB, replace(ports, sample=spoiling))
        assert error.value.code == "base_changed"
        assert ports.vault.names(JOB.id, Kind.ADAPTER) == []
    finally:
        part.data.copy_(before)
