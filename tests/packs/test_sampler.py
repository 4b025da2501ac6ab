"""The sampler, on tiny bases of the real architectures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from avatar.errors import Cancelled
from avatar.packs.plan import Shot
from avatar.packs.sampler import batches, sample, share
from avatar.weights.load import LoadedBase, load
from avatar.weights.registry import find
from tests.tiny import tiny_sd15, tiny_sdxl, tiny_v

SHOT = Shot(0, "oil", "a b", "", 5, 32, 32, 3.0, 0.8, 6.0, 6, 1.0)


def _quiet(done: int, total: int, note: str = "") -> None: ...


@pytest.fixture(scope="module", params=[tiny_sd15, tiny_sdxl, tiny_v], ids=["sd15", "sdxl", "v"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LoadedBase:
    make: Callable[[Path], Path] = request.param
    return load(find(make(tmp_path_factory.mktemp("base"))), "cpu", torch.float32)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> LoadedBase:
    return load(find(tiny_sd15(tmp_path_factory.mktemp("small"))), "cpu", torch.float32)


def _shots(count: int) -> list[Shot]:
    return [
        replace(SHOT, index=at, style=f"s{at % 3}", prompt=f"word {at % 3}", seed=at, guidance=1.0 + at % 2 * 3)
        for at in range(count)
    ]


def test_a_picture_is_the_same_whatever_batch_it_is_in(loaded: LoadedBase) -> None:
    together = dict(sample(loaded, _shots(5), _quiet, batch=5))
    apart = dict(sample(loaded, list(reversed(_shots(5))), _quiet, batch=2))
    assert sorted(together) == [0, 1, 2, 3, 4]
    for index, picture in together.items():
        other = apart[index]
        assert picture is not None
        assert other is not None
        assert picture.shape == (32, 32, 3)
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(int) - other).max() <= 1
        assert picture.std() > 5


def test_a_shot_in_blocks_comes_in_blocks_and_is_the_same_picture_otherwise(small: LoadedBase) -> None:
    plain, squares = (p for _, p in sample(small, [SHOT, replace(SHOT, index=1, blocks=8, levels=4)], _quiet))
    assert plain is not None
    assert squares is not None
    cells = squares.reshape(8, 4, 8, 4, 3)
    assert (cells == cells[:, :1, :, :1]).all()
    assert len(np.unique(squares.reshape(-1, 3), axis=0)) <= 4**3
    near = np.abs(cells[:, 0, :, 0] - plain.reshape(8, 4, 8, 4, 3).mean((1, 3))).mean()
    assert near < plain.std()


def test_other_seeds_and_other_words_give_other_pictures(small: LoadedBase) -> None:
    shots = [SHOT, replace(SHOT, index=1, seed=6), replace(SHOT, index=2, prompt="zz top")]
    pictures = [picture for _, picture in sample(small, shots, _quiet)]
    assert pictures[0] is not None
    for other in pictures[1:]:
        assert (pictures[0] != other).any()


def test_guidance_acts_only_inside_its_interval_and_costs_nothing_outside(
    small: LoadedBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    plain = LoadedBase.denoise

    def counted(self: LoadedBase, latents: torch.Tensor, *rest: object) -> torch.Tensor:
        sizes.append(len(latents))
        return plain(self, latents, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(LoadedBase, "denoise", counted)
    list(sample(small, [SHOT, replace(SHOT, index=1, guidance=1.0)], _quiet))
    assert sizes[0] == 2  # too noisy for guidance
    assert max(sizes) == 3  # of two rows, one is guided
    assert sizes[-1] == 2  # nearly clean
    sizes.clear()
    list(sample(small, [replace(SHOT, guidance=1.0)], _quiet))
    assert set(sizes) == {1}


def test_guidance_pushes_away_from_the_negative_words(small: LoadedBase) -> None:
    shots = [SHOT, replace(SHOT, index=1, negative="x y"), replace(SHOT, index=2, guidance=1.0)]
    with_none, with_some, unguided = (picture for _, picture in sample(small, shots, _quiet))
    assert (np.asarray(with_none) != with_some).any()
    assert (np.asarray(with_none) != unguided).any()


def test_a_picture_that_is_not_finite_is_reported_and_the_others_are_drawn(
    small: LoadedBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = LoadedBase.denoise

    def spoilt(self: LoadedBase, latents: torch.Tensor, *rest: object) -> torch.Tensor:
        out = plain(self, latents, *rest).clone()  # type: ignore[arg-type]
        out[1] = float("nan")
        return out

    alone = dict(sample(small, _shots(1), _quiet))
    monkeypatch.setattr(LoadedBase, "denoise", spoilt)
    drawn = dict(sample(small, _shots(3), _quiet))
    assert drawn[1] is None
    assert drawn[2] is not None
    assert np.abs(np.asarray(drawn[0]).astype(int) - np.asarray(alone[0])).max() <= 1


def test_styles_share_a_batch_and_other_adapter_scales_do_not() -> None:
    shots = [*_shots(4), replace(SHOT, index=4, identity=0.8), replace(SHOT, index=5, steps=9)]
    assert [[shot.index for shot in rows] for rows in batches(shots, 3)] == [[0, 1, 2], [3], [4], [5]]


def test_the_adapter_scale_may_be_another_until_the_shapes_are_settled(small: LoadedBase) -> None:
    told: list[float] = []
    shot = replace(SHOT, identity=0.9, early=0.2, settled=3.0)
    list(sample(small, [shot], _quiet, strength=told.append))
    assert told == [0.2, 0.9]
    assert [share(shot, sigma) for sigma in (3.1, 3.0)] == [0.2, 0.9]
    assert len(batches([shot, replace(shot, early=0.3)], 8)) == 2


def test_the_adapter_scale_is_set_before_each_batch(small: LoadedBase) -> None:
    told: list[float] = []
    shots = [replace(SHOT, index=at, identity=0.5 + at / 4) for at in range(3)]
    list(sample(small, shots, _quiet, strength=told.append))
    assert told == [0.5, 0.75, 1.0]


def test_a_stop_takes_effect_within_a_step(small: LoadedBase) -> None:
    calls: list[tuple[int, int]] = []

    def stop(done: int, total: int, note: str = "") -> None:
        calls.append((done, total))
        if len(calls) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        list(sample(small, _shots(4), stop, batch=2))
    assert calls == [(0, 4)] * 3


def test_nothing_to_draw_draws_nothing(small: LoadedBase) -> None:
    assert list(sample(small, [], _quiet)) == []
