"""The training of the pocket base, in the small, and the base that ships."""

import errno
import json
import resource
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file
from transformers import CLIPTokenizer

from avatar.errors import Spoiled, UnknownBase
from avatar.pocket import train as training
from avatar.pocket.album import Album
from avatar.pocket.autoencoder import AutoencoderPlan, encode, psnr, solved
from avatar.pocket.captions import VOCABULARY
from avatar.pocket.diffusion import Bank, DiffusionPlan, DiffusionTraining, tokens
from avatar.pocket.loop import Part, decoder_notes, loop, packed
from avatar.pocket.plainly import plainly, write_whole
from avatar.pocket.textures import textures
from avatar.pocket.tokenizer import RARE, build

BASE = Path(training.__file__).parent / "base"
SMALL_VAE = AutoencoderPlan(widths=(8, 8, 8, 8, 12), channels=4, groups=1, batch=2, crop=64, texture_count=3)
SMALL_NET = DiffusionPlan(
    widths=(16, 16), attentive=(True, False), head=8, groups=8, text_width=16, text_layers=1, batch=4
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shard of twelve pictures; what is on them does not matter here."""
    folder = tmp_path_factory.mktemp("data")
    entry = {"theme": "photo", "captions": ["a photo of a woman, short black hair", "a photo of a person"]}
    np.save(folder / "0000.npy", textures(12, 256, 1))
    (folder / "0000.json").write_text(json.dumps([entry] * 12))
    return folder


def order(data: Path, out: Path, steps: int) -> training.Order:
    return training.Order(data, out, 0, 0, judged=4, steps=steps, autoencoder=SMALL_VAE, diffusion=SMALL_NET)


def test_every_known_word_is_one_token_also_after_reloading(tmp_path: Path) -> None:
    built = build(VOCABULARY, 64)
    built.save_pretrained(tmp_path)
    loaded = CLIPTokenizer.from_pretrained(tmp_path)
    for word in (*(word for word in VOCABULARY if word.isalpha()), RARE):
        assert len(built(word).input_ids) == 3, word  # the word between the two end marks
        assert loaded(word).input_ids == built(word).input_ids
    assert loaded.model_max_length == 64


def test_unknown_text_falls_into_letters() -> None:
    built = build(VOCABULARY, 64)
    assert len(built("qqzx").input_ids) == 6
    assert built.decode(built("a photo of qqzx").input_ids, skip_special_tokens=True) == "a photo of qqzx"


def test_textures_depend_on_the_seed_alone() -> None:
    assert np.array_equal(textures(4, 64, 7), textures(4, 64, 7))
    assert not np.array_equal(textures(4, 64, 7), textures(4, 64, 8))


def test_the_solved_encoder_gives_scaled_latents_that_keep_the_large_shapes() -> None:
    pictures = list(textures(9, 256, 0))
    vae = solved(SMALL_VAE, pictures, seed=0)
    latents = encode(vae, pictures)
    spread = latents.std(dim=(0, 2, 3))
    assert spread[0] == spread.max()
    assert spread.square().mean() == pytest.approx(1, abs=0.05)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 1e-2
    mean = F.avg_pool2d(encode_in(pictures), 16).flatten(2).transpose(1, 2).flatten(0, 1)  # (cells, 3)
    known = torch.cat([latents.flatten(2).transpose(1, 2).flatten(0, 1), torch.ones(len(mean), 1)], dim=1)
    left = mean - known @ torch.linalg.lstsq(known, mean).solution
    assert left.var() < 0.1 * mean.var()  # the mean colour of every cell can be read off, linearly


def encode_in(pictures: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_a_training_that_was_stopped_ends_in_the_same_state(data: Path, tmp_path: Path) -> None:
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    ends = []
    for out, stops in ((whole, (4,)), (halved, (2, 4))):
        out.mkdir()
        for steps in stops:  # one loop, or two with a checkpoint between; the rate is that of four steps in both
            ends.append(run(order(data, out, 4), steps))
    straight, resumed = ends[0], ends[-1]
    for part in ("decoder", "net", "mean"):
        for name, tensor in straight[part].items():
            assert torch.equal(tensor, resumed[part][name]), f"{part} {name}"
    assert straight["decoder"].keys()


def run(asked: training.Order, until: int) -> dict[str, dict[str, torch.Tensor]]:
    """Train both parts to so many steps of the order's, and give their weights."""
    album = training.Album(asked.data, asked.judged)
    begun = training.solved(asked.autoencoder, album.pictures, asked.seed)
    first = training.AutoencoderTraining(asked.autoencoder, begun, asked.seed)
    second = training.DiffusionTraining(asked.diffusion, build(VOCABULARY, 64), 4, asked.seed)
    bank = training.Bank(second.tokenizer)
    bank.add("0000", torch.randn(8, 4, 16, 16, generator=torch.Generator().manual_seed(3)), [["a photo"]] * 8)
    cut = replace(asked, steps=until)
    pictures = album.pictures
    loop(cut, Part("vae", 0, first, lambda at: first.step(pictures, at * until / 4)))
    loop(cut, Part("unet", 0, second, lambda at: second.step(bank, at * until / 4)))
    return {"decoder": first.decoder.state_dict(), "net": second.net.state_dict(), "mean": second.mean.state_dict()}


def test_words_are_bound_to_those_before_them() -> None:
    tokenizer = build(VOCABULARY, 12)
    plan = replace(SMALL_NET, text_length=12, text_width=32, behind=1, batch=9, bound=1.0, rate=1e-2, warm_up=5)
    training_ = DiffusionTraining(plan, tokenizer, 4, 0)
    bank = Bank(tokenizer)
    texts = [f"a {one} shirt, {other} hair" for one in ("red", "blue", "green") for other in ("black", "grey", "pink")]
    bank.add("0", torch.randn(9, 4, 16, 16), [[text] for text in texts])
    words = tokens(tokenizer, texts)

    def loose() -> float:
        with torch.no_grad():
            said = training_.net["text"](words).last_hidden_state
            return float(training_.net["binding"](said, words, tokenizer.eos_token_id))

    before = loose()
    for _ in range(60):
        training_.step(bank, 0.0)
    assert before > 5  # of some thousand words any may have been there
    assert loose() < 0.5


def test_the_command_makes_a_folder_that_the_pipeline_reads(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatar.pocket.release.PHOTOS", 2)
    monkeypatch.setattr(training, "GRID", training.GRID[:2])
    asked = order(data, tmp_path / "out", 2)
    folder = training.train(asked)
    made = generate(folder, 2)
    assert made.shape == (1, 256, 256, 3)
    assert np.isfinite(made).all()
    assert "Apache-2.0" in (folder / "README.md").read_text()
    assert (folder / "unet" / "diffusion_pytorch_model.safetensors").exists()
    assert not [path for path in folder.rglob("*.json") if str(tmp_path) in path.read_text()]


def test_a_broken_checkpoint_is_told_and_left_as_it_is(data: Path, tmp_path: Path) -> None:
    asked = order(data, tmp_path, 1)
    run(asked, 1)
    whole = (tmp_path / "unet.pt").read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"no checkpoint"):
        (tmp_path / "unet.pt").write_bytes(broken)
        with pytest.raises(Spoiled, match=r"unet\.pt is broken"):
            run(asked, 1)
        assert (tmp_path / "unet.pt").read_bytes() == broken
    other = replace(asked, diffusion=replace(SMALL_NET, text_width=24))
    (tmp_path / "unet.pt").write_bytes(whole)
    with pytest.raises(Spoiled, match="of another plan"):
        run(other, 1)


def test_what_a_person_can_put_right_is_a_sentence_and_no_traceback() -> None:
    with pytest.raises(SystemExit, match="The disk is full"), plainly():
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(SystemExit, match=r"no-folder"), plainly():
        (Path("no-folder") / "file").read_bytes()
    with pytest.raises(SystemExit, match=r"It does not open\. Move it\. \(spoiled\)"), plainly():
        raise Spoiled("It does not open.", remedy="Move it.")
    with pytest.raises(ZeroDivisionError), plainly():
        1 / 0  # noqa: B018 - a fault of ours stays one


@pytest.mark.parametrize("tool", ["torch", "safetensors", "a folder of diffusers"])
def test_a_disk_that_refuses_is_told_and_what_was_there_stays(tool: str, tmp_path: Path) -> None:
    """A real refusal by the system: files of this process may have 2,000 bytes, and each of these has more."""
    weights = {"a": torch.zeros(5000)}
    writers: dict[str, Callable[[Path], object]] = {
        "torch": lambda path: path.write_bytes(packed(weights)),
        "safetensors": lambda path: save_file(weights, path),
        "a folder of diffusers": solved(SMALL_VAE, list(textures(2, 256, 0)), seed=0).save_pretrained,
    }
    path = tmp_path / "kept"
    path.write_bytes(b"what was there")
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, most[1]))
    try:
        with pytest.raises(SystemExit, match="File too large"), plainly():
            write_whole(path, writers[tool])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("kept", b"what was there")]


def test_what_a_training_needs_is_looked_at_before_it_begins(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownBase):
        training.train(replace(order(data, tmp_path, 1), former=tmp_path / "nowhere"))
    with pytest.raises(Spoiled, match=r"vae\.pt is broken or gone"):
        decoder_notes(tmp_path)
    shutil.copytree(data, tmp_path / "data")
    for text in ("[", "[]"):
        (tmp_path / "data" / "0000.json").write_text(text)
        with pytest.raises(Spoiled, match="0000"):
            Album(tmp_path / "data")


def generate(folder: Path, steps: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about themselves
        pipe = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, safety_checker=None)
        pipe.set_progress_bar_config(disable=True)
        dice = torch.Generator().manual_seed(0)
        return pipe("a photo of a person", num_inference_steps=steps, generator=dice, output_type="np").images


@pytest.mark.skipif(not BASE.exists(), reason="the base has not been trained yet")
class TestShippedBase:
    def test_it_is_small_enough_to_ship(self) -> None:
        assert sum(path.stat().st_size for path in BASE.rglob("*") if path.is_file()) <= 64_000_000

    def test_it_draws_a_picture_that_is_not_flat(self) -> None:
        assert generate(BASE, 4).std() > 0.05

    def test_its_rare_token_is_one_token(self) -> None:
        assert len(CLIPTokenizer.from_pretrained(BASE / "tokenizer")(RARE).input_ids) == 3


def test_psnr_of_a_known_error() -> None:
    flat = np.zeros((4, 4, 3), np.uint8)
    assert psnr([flat], [flat + 1]) == pytest.approx(48.13, abs=0.01)
