from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from avatar.errors import AvatarError, Cancelled
from avatar.job import ClassWord
from avatar.lora import adapter, loop, prior
from avatar.lora.dataset import Dataset, build
from avatar.lora.recipes import RECIPES, Recipe, recipe_for
from avatar.weights.load import LoadedBase
from avatar.weights.registry import TABLE, Family, Origin
from tests.lora.conftest import Snap, quiet


def tuned(loaded: LoadedBase, data: Dataset, recipe: Recipe) -> list[loop.Checkpoint]:
    return list(loop.tune(loaded, data, recipe, quiet))


@pytest.mark.parametrize("name", ["sd15", "sdxl", "v"])
def test_three_steps_from_crops_to_an_adapter_that_acts(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe, name: str
) -> None:
    loaded = bases[name]
    done = tuned(loaded, build(loaded, snaps, recipe), recipe)
    assert [one.step for one in done] == [2, 3]  # marks at 60 and 80 % fall together
    assert all(adapter.read_manifest(one.data)["base"] == loaded.known_digest for one in done)
    assert done[-1].loss != done[-1].first_loss


@pytest.mark.parametrize("name", ["sd15", "v"])
def test_the_loss_of_a_tiny_overfit_falls(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe, name: str
) -> None:
    long = replace(recipe, least_steps=24, most_steps=24, marks=(0.5, 1.0))
    half, whole = tuned(bases[name], build(bases[name], snaps[:1], long), long)
    assert whole.loss < half.loss < whole.first_loss


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data = build(bases["sd15"], snaps, recipe)
    one, two = (tuned(bases["sd15"], data, recipe)[-1].data for _ in range(2))
    assert one == two
    assert tuned(bases["sd15"], data, replace(recipe, seed=8))[-1].data != one


def test_the_callers_random_numbers_are_left_alone(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data, before = build(bases["sd15"], snaps, recipe), torch.random.get_rng_state()
    tuned(bases["sd15"], data, recipe)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_class_pictures_change_what_is_learnt(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prior, "STEPS", 2)
    loaded = bases["sdxl"]
    kept = prior.read(loaded, prior.make(loaded, ClassWord.PERSON, tmp_path, 3, quiet))
    assert recipe.priors() == 1
    with_them = tuned(loaded, build(loaded, snaps, recipe, kept), recipe)[-1]
    assert with_them.data != tuned(loaded, build(loaded, snaps, recipe), recipe)[-1].data


def test_recomputing_activations_changes_nothing_but_memory(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data = build(bases["sd15"], snaps, recipe)
    plain, thrifty = (tuned(bases["sd15"], data, replace(recipe, checkpointing=on))[-1] for on in (False, True))
    assert thrifty.loss == pytest.approx(plain.loss, rel=1e-4)


def test_a_late_cancel_leaves_the_base_bare_and_the_adapter_overwritten(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[adapter.Adapter] = []
    overwrite = adapter.overwrite
    monkeypatch.setattr(adapter, "overwrite", lambda each: (seen.append(each), overwrite(each)))

    def cancel(done: int, total: int, note: str = "") -> None:
        if done == total:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        list(loop.tune(bases["sd15"], build(bases["sd15"], snaps, recipe), recipe, cancel))
    assert not any(part.any() for part in seen[0].tensors.values())


def test_closing_the_loop_half_way_leaves_the_base_bare(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    run = loop.tune(bases["sd15"], build(bases["sd15"], snaps, recipe), recipe, quiet)
    next(run)
    run.close()
    assert bases["sd15"].digest() == bases["sd15"].known_digest


def test_numbers_that_are_not_finite_stop_the_run(
    bases: dict[str, LoadedBase], snaps: list[Snap], recipe: Recipe
) -> None:
    data = build(bases["sd15"], snaps, recipe)
    data.mean.fill_(float("inf"))
    with pytest.raises(AvatarError) as error:
        tuned(bases["sd15"], data, recipe)
    assert error.value.code == "tune_diverged"


def test_the_pace_rises_then_falls_towards_nought() -> None:
    paces = [loop.pace(step, 100, 0.1) for step in range(100)]
    assert paces[:3] == [0.1, 0.2, pytest.approx(0.3)]
    assert max(paces) == 1.0
    assert paces[9:] == sorted(paces[9:], reverse=True)
    assert paces[-1] < 0.001


def test_every_base_of_the_table_has_a_recipe_and_steps_follow_the_photos() -> None:
    for base in TABLE.values():
        if base.family is not Family.FACES:
            recipe = recipe_for(base)
            assert recipe.least_steps <= recipe.steps(10) <= recipe.most_steps
            assert (recipe.priors() > 0) == (base.name != "pocket")  # why: on the line in recipes.py
            assert recipe.priors() < recipe.batch
    assert RECIPES[Family.SD15].steps(10) == 800


def test_a_recipe_may_be_cut_short_and_is_never_stretched() -> None:
    recipe = RECIPES[Family.SD15]
    assert recipe.at_most(60).steps(10) == 60
    assert recipe.at_most(10_000) == recipe
    assert recipe.at_most(0) is recipe


def test_a_base_given_by_path_is_known_by_its_family_and_size_and_not_by_its_name() -> None:
    large = replace(TABLE["sd15"], origin=Origin.FOLDER, name="sdxl")
    assert recipe_for(large) is RECIPES[Family.SD15]
    assert recipe_for(replace(large, resolution=128)) is RECIPES["pocket"]
