from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load as read_tensors
from safetensors.torch import save as write_tensors

from avatar.errors import Spoiled, WeightsRefused
from avatar.lora import adapter
from avatar.lora.recipes import ATTENTION, CONVOLUTIONS
from avatar.weights.load import LoadedBase

TARGETS = (*ATTENTION, *CONVOLUTIONS)


def say(loaded: LoadedBase) -> torch.Tensor:
    """What the base predicts for one fixed question."""
    with torch.no_grad():
        latents = torch.linspace(-1, 1, 256).view(1, *loaded.latent_shape)
        return loaded.denoise(latents, torch.tensor([300]), loaded.embed(["a photo"]))


def trained(loaded: LoadedBase) -> adapter.Adapter:
    """An adapter that changes something."""
    made = adapter.attach(loaded, 4, 4.0, TARGETS, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for part in made.tensors.values():
            part.add_(torch.randn(part.shape, generator=generator) * 0.1)
    return made


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_a_detached_adapter_leaves_the_very_same_modules_and_predictions(
    bases: dict[str, LoadedBase], name: str
) -> None:
    loaded = bases[name]
    before, modules, state = say(loaded), dict(loaded.unet.named_modules()), set(vars(loaded.unet))
    trained(loaded)
    assert not torch.equal(say(loaded), before)
    assert loaded.digest() == loaded.known_digest  # worn or not, the base is the base
    adapter.detach(loaded)
    adapter.detach(loaded)
    assert torch.equal(say(loaded), before)
    after = dict(loaded.unet.named_modules())
    assert after.keys() == modules.keys()
    assert all(after[key] is modules[key] for key in modules)
    assert set(vars(loaded.unet)) == state


def test_a_fresh_adapter_changes_nothing_and_only_its_tensors_may_learn(bases: dict[str, LoadedBase]) -> None:
    loaded = bases["sd15"]
    before = say(loaded)
    made = adapter.attach(loaded, 4, 4.0, TARGETS)
    torch.testing.assert_close(say(loaded), before)
    learning = {name for name, part in loaded.unet.named_parameters() if part.requires_grad}
    assert len(learning) == len(made.tensors) > 0
    assert all(".lora_" in name for name in learning)
    adapter.detach(loaded)


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_an_exported_adapter_reloaded_gives_identical_predictions(bases: dict[str, LoadedBase], name: str) -> None:
    loaded = bases[name]
    made = trained(loaded)
    wanted, data = say(loaded), adapter.export(made, loaded.known_digest)
    assert data == adapter.export(made, loaded.known_digest)
    adapter.detach(loaded)
    with adapter.worn(loaded, data):
        assert torch.equal(say(loaded), wanted)


def test_strength_nought_is_the_bare_base(bases: dict[str, LoadedBase]) -> None:
    loaded = bases["sd15"]
    bare, made = say(loaded), trained(loaded)
    full, data = say(loaded), adapter.export(made, loaded.known_digest)
    adapter.detach(loaded)
    with adapter.worn(loaded, data) as strength:
        strength(0.0)
        torch.testing.assert_close(say(loaded), bare)
        strength(1.0)
        assert torch.equal(say(loaded), full)


def test_the_base_is_bare_after_an_error_while_it_is_worn(bases: dict[str, LoadedBase]) -> None:
    loaded = bases["sd15"]
    data = adapter.export(trained(loaded), loaded.known_digest)
    adapter.detach(loaded)
    before = say(loaded)
    with pytest.raises(RuntimeError, match="half way"), adapter.worn(loaded, data):
        raise RuntimeError("half way")
    assert torch.equal(say(loaded), before)


def test_overwriting_zeroes_the_tensors_in_place(bases: dict[str, LoadedBase]) -> None:
    made = trained(bases["sd15"])
    kept = list(made.tensors.values())
    adapter.overwrite(made)
    adapter.detach(bases["sd15"])
    assert not any(part.any() for part in kept)


def test_two_adapters_at_once_are_refused(bases: dict[str, LoadedBase]) -> None:
    adapter.attach(bases["sd15"], 2, 2.0, TARGETS)
    with pytest.raises(RuntimeError, match="already"):
        adapter.attach(bases["sd15"], 2, 2.0, TARGETS)
    adapter.detach(bases["sd15"])


def test_an_adapter_of_another_base_is_refused(bases: dict[str, LoadedBase]) -> None:
    data = adapter.export(trained(bases["sd15"]), "another base")
    adapter.detach(bases["sd15"])
    with pytest.raises(WeightsRefused), adapter.worn(bases["sd15"], data):
        pass


def test_the_manifest_names_versions_base_and_rank(bases: dict[str, LoadedBase]) -> None:
    data = adapter.export(trained(bases["sd15"]), bases["sd15"].known_digest)
    adapter.detach(bases["sd15"])
    manifest = adapter.read_manifest(data)
    assert manifest["base"] == bases["sd15"].known_digest
    assert manifest["rank"] == 4
    assert manifest["within"] == ""
    assert set(manifest["libraries"]) == {"torch", "diffusers", "peft", "transformers"}


def test_bytes_that_are_no_adapter_are_refused_before_a_library_reads_them(bases: dict[str, LoadedBase]) -> None:
    loaded = bases["sd15"]
    good = adapter.export(trained(loaded), loaded.known_digest)
    adapter.detach(loaded)
    parts, manifest = read_tensors(good), adapter.read_manifest(good)

    def written(tensors: dict[str, torch.Tensor], **change: object) -> bytes:
        return bytes(write_tensors(tensors, {"manifest": json.dumps(manifest | change)}))

    nan = {name: torch.full_like(part, float("nan")) for name, part in parts.items()}
    for bad in (
        b"", b"\x80\x04pickle", good[:100], (2**40).to_bytes(8, "little") + good[8:],
        bytes(write_tensors(parts)),
        written({name.replace("unet", "../unet"): part for name, part in parts.items()}),
        written({name: part.half() for name, part in parts.items()}),
        written(dict(list(parts.items())[1:])),
        written(nan),
        written(parts, rank=10**6), written(parts, rank=True),
        written(parts, targets=["(a+)+$"]), written(parts, format=9),
        written(parts, within="(a+)+$"), written(parts, within=None), written(parts, within="up_blocks"),
        written(parts, within="nowhere"), written(parts, targets=["nothing"]), good[:-10],
    ):  # fmt: skip
        with pytest.raises(Spoiled), adapter.worn(loaded, bad):
            pass


def test_an_adapter_may_be_kept_to_one_part_of_the_network(bases: dict[str, LoadedBase]) -> None:
    loaded = bases["sd15"]
    made = adapter.attach(loaded, 2, 2.0, TARGETS, within="up_blocks")
    names = set(made.tensors)
    assert names
    assert all(name.startswith("unet.up_blocks.") for name in names)
    data = adapter.export(made, loaded.known_digest)
    adapter.detach(loaded)
    everywhere = set(adapter.attach(loaded, 2, 2.0, TARGETS).tensors)
    adapter.detach(loaded)
    assert names == {name for name in everywhere if name.startswith("unet.up_blocks.")}
    assert adapter.read_manifest(data)["within"] == "up_blocks"
    with adapter.worn(loaded, data):
        pass
