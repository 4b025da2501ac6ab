"""Where the adapter acts, on faces told by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.lora.objective import noised, target
from avatar.packs.region import Region, clean, oval
from avatar.packs.sampler import sample
from avatar.ports import Face, Picture
from avatar.weights.load import LoadedBase, load
from avatar.weights.registry import find as find_base
from tests.packs.test_sampler import SHOT
from tests.tiny import tiny_sd15

ALL = (-400.0, -400.0, 432.0, 432.0)  # a box that leaves nothing around it


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LoadedBase:
    made: Path = tiny_sd15(tmp_path_factory.mktemp("small"))
    return load(find_base(made), "cpu", torch.float32)


def _face(box: tuple[float, float, float, float]) -> Face:
    return Face(box, ((0.0, 0.0), (1.0, 0.0)), 0.0, 1.0, np.zeros(3, np.float32))


def test_the_oval_fills_the_box_and_ends_softly() -> None:
    mask = oval((64, 96, 192, 224), (256, 256), (32, 32))
    assert mask.shape == (32, 32)
    assert mask[20, 16] == 1  # the middle of the box, 8 pixels of the picture a place
    assert mask[0, 0] == mask[31, 31] == mask[12, 8] == 0  # and not its corner
    assert 0 < float(((mask > 0) & (mask < 1)).float().mean()) < 0.15
    assert mask[20].argmax() + 16 - mask[20].flip(0).argmax() == pytest.approx(16, abs=1)  # as far left as right
    wide = oval((64, 96, 192, 224), (256, 512), (32, 32))
    assert float(wide.sum()) == pytest.approx(float(mask.sum()) / 2, rel=0.1)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_a_true_prediction_foresees_the_true_picture(prediction: str) -> None:
    picture, noise = torch.randn(2, 2, 3, 4, 4, generator=torch.Generator().manual_seed(1)).unbind(0)
    for sigma in (0.1, 1.0, 8.0):
        a = torch.full((2,), 1 / (1 + sigma**2))
        seen = clean(prediction, noised(picture, noise, a), target(prediction, picture, noise, a), sigma)
        assert torch.allclose(seen, picture, atol=1e-4)


def test_a_row_is_looked_at_until_its_face_is_found_and_no_longer(small: LoadedBase) -> None:
    answers: list[list[Face]] = [[], [_face(ALL)], [_face((8, 8, 24, 24)), _face(ALL)]]
    asked: list[Picture] = []

    def find(picture: Picture) -> Sequence[Face]:
        asked.append(picture)
        return answers[len(asked) - 1]

    latents = torch.randn(2, *small.latent_shape[:1], 8, 8)
    region = Region(small, find, latents)
    first = region.seen(latents, latents, 2.0).clone()
    assert first[0].eq(0).all()
    assert first[1].eq(1).all()
    second = region.seen(latents, latents, 1.0).clone()
    assert 0 < second[0].mean() < 1  # the larger of the two, which comes first, is the person
    assert second[1].eq(1).all()
    region.seen(latents, latents, 0.5)
    assert len(asked) == 3


def _drawn(
    loaded: LoadedBase, monkeypatch: pytest.MonkeyPatch, faces: list[Face], **change: float | None
) -> tuple[Picture, list[float]]:
    """One picture from a base whose prediction shifts with the adapter's share; and the shares it was told."""
    told = [1.0]
    plain = LoadedBase.denoise

    def shifted(self: LoadedBase, *rest: object) -> torch.Tensor:
        return plain(self, *rest) + told[-1] * 0.3  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(LoadedBase, "denoise", shifted)
        shots = [replace(SHOT, **change)]  # type: ignore[arg-type]
        ((_, picture),) = sample(loaded, shots, lambda *_: None, strength=told.append, find=lambda _: faces)
    assert picture is not None
    return picture, told[1:]


def test_the_adapter_acts_on_the_face_and_otherwise_around_it(
    small: LoadedBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = {"early": 0.2, "settled": 3.0}
    mixed, told = _drawn(small, monkeypatch, [_face((8, 8, 24, 24))], identity=0.9, around=0.1, **at)
    assert told[:3] == [0.2, 0.1, 0.9]
    assert set(told[3:]) == {0.1, 0.9}
    inside, _ = _drawn(small, monkeypatch, [_face(ALL)], identity=0.9, around=0.1, **at)
    outside, _ = _drawn(small, monkeypatch, [], identity=0.9, around=0.1, **at)
    assert (inside == _drawn(small, monkeypatch, [], identity=0.9, **at)[0]).all()
    assert (outside == _drawn(small, monkeypatch, [], identity=0.1, **at)[0]).all()
    assert (inside != outside).any()
    assert (mixed != inside).any()
    assert (mixed != outside).any()


def test_who_finds_no_faces_draws_alike_everywhere(small: LoadedBase) -> None:
    told: list[float] = []
    list(sample(small, [replace(SHOT, identity=0.9, around=0.1)], lambda *_: None, strength=told.append))
    assert told == [0.9]
