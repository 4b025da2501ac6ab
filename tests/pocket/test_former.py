"""Going on from a former base, also where its latents were others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL

from avatar.pocket.autoencoder import AutoencoderPlan, decode, encode, make, psnr, solved
from avatar.pocket.captions import VOCABULARY
from avatar.pocket.diffusion import DiffusionPlan, DiffusionTraining, tokens
from avatar.pocket.former import begin_autoencoder, begin_diffusion, bridge
from avatar.pocket.release import HISTORY, history
from avatar.pocket.textures import textures
from avatar.pocket.tokenizer import build

OLD = AutoencoderPlan(widths=(8, 8, 8, 8, 24), channels=4, solved_on=6, crop=64)
NEW = replace(OLD, channels=6)
NET = DiffusionPlan(widths=(16, 16), attentive=(True, False), head=8, groups=8, text_width=16, text_layers=1)
PICTURES = list(textures(9, 256, 0))


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DiffusionTraining]:
    """A base of four latent channels, with something learned."""
    folder = tmp_path_factory.mktemp("former")
    old = training(4, seed=5)
    solved(OLD, PICTURES, 0).save_pretrained(folder / "vae")
    old.net["unet"].save_pretrained(folder / "unet")
    old.net["text"].save_pretrained(folder / "text_encoder")
    return folder, old


def training(channels: int, seed: int) -> DiffusionTraining:
    return DiffusionTraining(NET, build(VOCABULARY, 64), channels, seed)


def test_a_bridge_finds_old_latents_from_new_ones() -> None:
    dice = torch.Generator().manual_seed(0)
    new, matrix = torch.randn(3, 6, 5, 5, generator=dice), torch.randn(4, 6, generator=dice)
    old = torch.einsum("on,pnhw->pohw", matrix, new) + 0.5
    found = bridge(old, new)
    assert torch.allclose(found.matrix, matrix, atol=1e-4)
    assert torch.allclose(found.offset, torch.full((4,), 0.5), atol=1e-4)


def test_the_same_latents_keep_the_whole_autoencoder(former: tuple[Path, DiffusionTraining]) -> None:
    folder, _ = former
    kept = begin_autoencoder(make(OLD), folder, PICTURES)
    known = AutoencoderKL.from_pretrained(folder / "vae").state_dict()
    assert all(torch.equal(weight, known[name]) for name, weight in kept.state_dict().items())


def test_a_decoder_goes_on_with_more_latents_about_where_it_was(former: tuple[Path, DiffusionTraining]) -> None:
    folder, _ = former
    old = AutoencoderKL.from_pretrained(folder / "vae").eval()
    new = begin_autoencoder(solved(NEW, PICTURES, 0), folder, PICTURES)
    before, after = decode(old, encode(old, PICTURES)), decode(new, encode(new, PICTURES))
    assert psnr(before, after) > 25
    untaught = solved(NEW, PICTURES, 7)
    assert psnr(before, after) > psnr(before, decode(untaught, encode(untaught, PICTURES))) + 5


def test_the_network_goes_on_whole_where_nothing_changed(former: tuple[Path, DiffusionTraining]) -> None:
    folder, old = former
    young = training(4, seed=6)
    begin_diffusion(young.net, folder, solved(OLD, PICTURES, 0), PICTURES)
    for part in ("unet", "text"):  # what binds words is not shipped, and begins anew
        for name, weight in old.net[part].state_dict().items():
            assert torch.equal(weight, young.net[part].state_dict()[name]), f"{part} {name}"


@torch.no_grad()
def test_the_network_says_the_same_of_more_latents(former: tuple[Path, DiffusionTraining]) -> None:
    folder, old = former
    young, vae = training(6, seed=6), solved(NEW, PICTURES, 0)
    begin_diffusion(young.net, folder, vae, PICTURES)
    before = AutoencoderKL.from_pretrained(folder / "vae").eval()
    across = bridge(encode(before, PICTURES), encode(vae, PICTURES))
    seen, at = torch.randn(2, 6, 16, 16, generator=torch.Generator().manual_seed(1)), torch.tensor([100, 700])
    told = young.net["text"](tokens(young.tokenizer, ["a photo of a man", "a photo"])).last_hidden_state
    mapped = torch.einsum("on,pnhw->pohw", across.matrix, seen)
    wanted = old.net["unet"](mapped, at, told).sample
    given = torch.einsum("on,pnhw->pohw", across.matrix, young.net["unet"](seen, at, told).sample)
    assert torch.allclose(given, wanted, atol=1e-3)


def test_the_history_of_a_base_is_read_and_may_be_missing(tmp_path: Path) -> None:
    assert history(None) == history(tmp_path) == {"seen": 0, "steps": 0}
    (tmp_path / HISTORY).write_text('{"base": "pocket", "seen": 20, "steps": 2}')
    assert history(tmp_path)["seen"] == 20
