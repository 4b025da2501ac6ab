from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avatar.errors import WeightsRefused
from avatar.job import ClassWord
from avatar.lora import prior
from avatar.lora.dataset import build
from avatar.lora.draws import Draws
from avatar.lora.recipes import Recipe
from avatar.weights.load import LoadedBase
from tests.lora.conftest import Snap, quiet


def test_each_crop_becomes_a_latent_a_small_mask_and_an_encoded_caption(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data = build(bases["sd15"], snaps, recipe)
    assert data.mean.shape == data.deviation.shape == (3, 4, 8, 8)
    assert data.mask.shape == (3, 1, 8, 8)
    assert data.mask.min() == pytest.approx(recipe.mask_floor)
    assert data.mask.max() == pytest.approx(1)
    assert len(data.prompts) == 4  # and the empty one
    assert torch.equal(data.prompts[1].hidden, bases["sd15"].embed(["turned left"]).hidden)


def test_everything_personal_is_zero_after_overwriting(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data = build(bases["sdxl"], snaps, recipe)
    data.overwrite()
    assert data.prompts.pooled is not None
    for part in (data.mean, data.deviation, data.mask, data.prompts.hidden, data.prompts.pooled):
        assert not part.any()


def test_no_crops_is_an_error(bases: dict[str, LoadedBase], recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="no crops"):
        build(bases["sd15"], [], recipe)


def test_every_picture_is_used_once_before_any_is_used_twice_and_timesteps_fill_the_range(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data = build(bases["sd15"], snaps, recipe)
    draws = Draws(data, replace(recipe, batch=3, prior_weight=0), 4, torch.linspace(1, 0, 1000), torch.device("cpu"))
    for _ in range(4):
        draw = draws.next()
        assert sorted(draw.person.tolist()) == [0, 1, 2]
        assert sorted(time // 334 for time in draw.timestep.tolist()) == [0, 1, 2]


def test_a_recipe_with_a_focus_spends_its_steps_around_it(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data, signal = build(bases["sd15"], snaps, recipe), torch.linspace(1, 0, 1000)

    def middle(focus: float | None) -> float:
        asked = replace(recipe, batch=3, prior_weight=0, focus=focus)
        draws = Draws(data, asked, 40, signal, torch.device("cpu"))
        return float(torch.cat([draws.next().timestep for _ in range(40)]).float().median())

    assert abs(middle(None) - 500) < 60
    assert middle(-3.0) > 620 > middle(0.0) > 380 > middle(3.0)


@pytest.mark.parametrize("name", ["sd15", "sdxl", "v"])
def test_class_pictures_are_made_once_kept_under_the_bases_digest_and_found_again(
    bases: dict[str, LoadedBase], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior, "STEPS", 3)
    loaded = bases[name]
    assert prior.find(loaded, ClassWord.MAN, tmp_path) is None
    path = prior.make(loaded, ClassWord.MAN, tmp_path, 9, quiet)
    assert prior.find(loaded, ClassWord.MAN, tmp_path) == path
    assert prior.find(loaded, ClassWord.WOMAN, tmp_path) is None
    assert loaded.known_digest in path.parts
    made = prior.read(loaded, path)
    assert made.latents.shape == (9, *loaded.latent_shape)
    assert torch.isfinite(made.latents).all()
    assert all("man" in text for text in made.captions)
    assert [file.name for file in path.parent.iterdir()] == ["man.safetensors"]


def test_class_pictures_that_lie_beside_the_base_come_first_and_must_fit(
    bases: dict[str, LoadedBase], tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    loaded = replace(bases["sd15"], folder=tmp_path)
    path = tmp_path / "prior" / "person.safetensors"
    path.parent.mkdir()
    save_file({"latents": torch.zeros(2, 4, 8, 8).half()}, path, {"captions": '["a", "b"]'})
    assert prior.find(loaded, ClassWord.PERSON, None) == path
    assert prior.read(loaded, path).captions == ("a", "b")
    save_file({"latents": torch.zeros(2, 16, 8, 8).half()}, path, {"captions": '["a", "b"]'})
    with pytest.raises(WeightsRefused, match="do not fit"):
        prior.read(loaded, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(WeightsRefused, match="broken"):
        prior.read(loaded, path)
