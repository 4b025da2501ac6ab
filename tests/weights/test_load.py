from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from avatar.errors import WeightsMissing, WeightsRefused
from avatar.weights.load import LoadedBase, Prompts, load
from avatar.weights.registry import find


@pytest.fixture(scope="module")
def bases(folders: dict[str, Path]) -> dict[str, LoadedBase]:
    return {name: load(find(folder), "cpu", torch.float32) for name, folder in folders.items()}


@pytest.mark.parametrize("name", ["sd15", "sdxl", "v"])
def test_every_family_encodes_denoises_and_decodes_in_one_convention(bases: dict[str, LoadedBase], name: str) -> None:
    loaded = bases[name]
    pictures = torch.linspace(-1, 1, 2 * 3 * 32 * 32).view(2, 3, 32, 32)
    latents = loaded.encode(pictures)
    prompts = loaded.embed(["a photo", "a man, left"])
    assert latents.shape == (2, *loaded.latent_shape)
    assert loaded.denoise(latents, torch.tensor([10, 900]), prompts).shape == latents.shape
    decoded = loaded.decode(latents)
    assert decoded.shape == pictures.shape
    assert decoded.abs().max() <= 1


def test_the_prediction_is_read_from_the_scheduler(bases: dict[str, LoadedBase]) -> None:
    assert (bases["sd15"].prediction, bases["v"].prediction) == ("epsilon", "v_prediction")


def test_the_prompts_are_those_of_the_real_pipeline(bases: dict[str, LoadedBase], folders: dict[str, Path]) -> None:
    from diffusers import StableDiffusionXLPipeline

    pipe = StableDiffusionXLPipeline.from_pretrained(folders["sdxl"], add_watermarker=False, local_files_only=True)
    hidden, _, pooled, _ = pipe.encode_prompt("a photo", device="cpu", do_classifier_free_guidance=False)
    ours = bases["sdxl"].embed(["a photo", ""])
    torch.testing.assert_close(ours.hidden[:1], hidden)
    assert ours.pooled is not None
    torch.testing.assert_close(ours.pooled[:1], pooled)
    assert not ours.hidden[1].any()  # zeros stand for the empty prompt, as this base's index says
    assert not ours.pooled[1].any()


def test_a_drawn_latent_is_its_mean_and_some_of_its_deviation(bases: dict[str, LoadedBase]) -> None:
    loaded, pictures = bases["sd15"], torch.zeros(1, 3, 32, 32)
    mean, deviation = loaded.moments(pictures)
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(3))
    drawn = loaded.encode(pictures, torch.Generator().manual_seed(3))
    torch.testing.assert_close(drawn, mean + deviation * noise)
    torch.testing.assert_close(loaded.encode(pictures), mean)


def test_prompts_can_be_picked_repeated_and_joined() -> None:
    prompts = Prompts(torch.arange(6.0).view(3, 2, 1), torch.arange(3.0).view(3, 1))
    assert len(prompts[1]) == 1
    assert prompts[[2, 0]].hidden[0, 0, 0] == 4
    again = Prompts.concat([prompts[0], prompts[1:]])
    assert torch.equal(again.hidden, prompts.hidden)
    pooled = prompts.repeat(2).pooled
    assert pooled is not None
    assert pooled.flatten().tolist() == [0, 0, 1, 1, 2, 2]


def test_the_digest_is_the_same_for_the_same_files_and_another_for_other_weights(
    bases: dict[str, LoadedBase], folders: dict[str, Path]
) -> None:
    again = load(find(folders["sd15"]), "cpu", torch.float32)
    assert again.known_digest == bases["sd15"].known_digest == again.digest()
    with torch.no_grad():
        next(again.unet.parameters()).view(-1)[0] += 1e-3
    assert again.digest() != again.known_digest


def test_dropped_encoders_are_gone_but_drawing_goes_on(folders: dict[str, Path]) -> None:
    loaded = load(find(folders["sd15"]), "cpu", torch.float32)
    prompts = loaded.embed(["a"])
    loaded.drop_encoders()
    with pytest.raises(RuntimeError, match="dropped"):
        loaded.embed(["a"])
    latents = torch.zeros(1, *loaded.latent_shape)
    assert loaded.decode(loaded.denoise(latents, torch.tensor([5]), prompts)).shape == (1, 3, 32, 32)


def test_half_precision_variant_files_are_read(folders: dict[str, Path], tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(
        folders["sd15"], local_files_only=True, safety_checker=None, dtype=torch.float16
    )
    pipe.save_pretrained(tmp_path / "half", variant="fp16")
    assert not list((tmp_path / "half" / "unet").glob("*model.safetensors"))
    assert load(find(tmp_path / "half"), "cpu", torch.float32).dtype == torch.float32


def test_weights_that_could_run_code_are_not_read(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["sd15"], tmp_path / "old")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(WeightsMissing):
        load(find(folder), "cpu", torch.float32)


def test_a_prediction_nobody_knows_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["sd15"], tmp_path / "flow")
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"prediction_type": "flow"}))
    with pytest.raises(WeightsRefused):
        load(find(folder), "cpu", torch.float32)
