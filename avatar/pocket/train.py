"""Train the pocket base: python -m avatar.pocket.train --data DIR --out DIR --minutes-vae M --minutes-unet N --seed S

First the autoencoder, then the latents of all pictures, then the diffusion network with its text encoder, then the
release with its card. The folder `out` holds the checkpoints (written whole, then renamed), the latents, a picture
grid of every few minutes and the release. Started again with the same folder, the command goes on where it stopped;
pictures that were drawn in the meantime join in. On two cores that others use as well,
`torchrun --nproc-per-node 2 -m avatar.pocket.train ...` is faster (see pair.py).
"""

from __future__ import annotations

import avatar.hushed  # noqa: F401

# isort: split
import argparse
import time
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from avatar.errors import Spoiled
from avatar.pocket.album import Album, Pixels
from avatar.pocket.autoencoder import AutoencoderPlan, AutoencoderTraining, decode, encode, psnr, solved
from avatar.pocket.captions import VOCABULARY, mirrored
from avatar.pocket.diffusion import Bank, DiffusionPlan, DiffusionTraining, sample, tokens
from avatar.pocket.former import LOCAL, begin_autoencoder, begin_diffusion
from avatar.pocket.loop import Part, decoder_notes, loop
from avatar.pocket.pair import agree, in_turn, join, rank
from avatar.pocket.plainly import plainly, write_whole
from avatar.pocket.release import release
from avatar.pocket.tokenizer import build
from avatar.weights.cores import keep_memory
from avatar.weights.registry import find, place

GRID = (
    "a photo of a person, facing the camera",
    "a photo of a woman, long blond hair, smiling",
    "a photo of a man, short black hair, full beard, brown skin",
    "a photo of a person, curly red hair, pale skin, freckles, turned left",
    "a photo of a woman, dark brown skin, black afro, round glasses",
    "an oil painting of a person",
    "a comic drawing of a man",
    "a photo of a woman as an astronaut",
    "a photo of a man as a knight",
    "a marble statue of a person",
    "stained glass of a woman",
    "a pencil drawing of a man",
)


@dataclass(frozen=True, slots=True)
class Order:
    """What one call of the command is asked to do."""

    data: Path
    out: Path
    minutes_vae: float
    minutes_unet: float
    seed: int = 0
    former: Path | None = None  # folder of a base whose weights are begun with
    device: str = "cpu"
    save_every: float = 180.0  # seconds between checkpoints, grids and looks for new pictures
    judged: int = 32  # pictures of the first shard that are kept apart for measuring
    steps: int | None = None  # stop each part after so many steps instead; for tests
    autoencoder: AutoencoderPlan = field(default_factory=AutoencoderPlan)
    diffusion: DiffusionPlan = field(default_factory=DiffusionPlan)


def train_autoencoder(order: Order, album: Album) -> AutoencoderKL:
    """The autoencoder with its decoder trained; read from `out` if it was finished before."""
    begun, folder = order.out / "vae-begun", order.out / "vae"
    if not folder.exists():
        if rank() == 0 and not begun.exists():
            first = solved(order.autoencoder, album.pictures, order.seed)
            if order.former:
                first = begin_autoencoder(first, order.former, album.pictures)
            write_whole(begun, first.save_pretrained)
        agree()  # wait until it is written
        training = AutoencoderTraining(
            order.autoencoder, AutoencoderKL.from_pretrained(begun, **LOCAL).to(order.device), order.seed
        )
        pictures = album.pictures

        def pause() -> None:
            album.refresh()
            pictures[:] = album.pictures
            if rank() == 0:
                vae = training.finished()
                shown = decode(vae, encode(vae, album.judged))
                tell(order, f"vae {training.steps} loss {training.loss:.4f} psnr {psnr(album.judged, shown):.2f} dB")
                grid(order.out / "vae.png", [*album.judged[:8], *shown[:8]], 8)

        loop(order, Part("vae", order.minutes_vae, training, lambda at: training.step(pictures, at), pause))
        if rank() == 0:
            write_whole(folder, training.finished().save_pretrained)
        agree()
    vae: AutoencoderKL = AutoencoderKL.from_pretrained(folder, **LOCAL).eval().requires_grad_(False)
    return vae.to(order.device)


def fill(order: Order, vae: AutoencoderKL, album: Album, bank: Bank, most: int) -> None:
    """Add the latents of shards to the bank, as drawn and mirrored: all that are in `out`, and up to `most` others.

    Those are then kept in `out`, since encoding a shard takes half a minute.
    """
    folder = order.out / "latents"
    folder.mkdir(exist_ok=True)
    album.refresh()
    for name in [name for name in album.shards if name not in bank.names]:
        path, shard = folder / f"{name}.safetensors", album.shards[name]
        if not path.exists():
            if most == 0:
                continue
            most -= 1
            turned = [picture[:, ::-1] for picture in shard.pictures]
            latents = [encode(vae, pictures).half().contiguous() for pictures in (shard.pictures, turned)]
            write_whole(path, partial(save_file, dict(zip(("latents", "mirrored"), latents, strict=True))))
        kept = _latents(path)
        bank.add(name, kept["latents"], shard.captions)
        bank.add(name, kept["mirrored"], [[mirrored(text) for text in texts] for texts in shard.captions])


def _latents(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except SafetensorError as fault:
        raise Spoiled(f"The latents {path} are broken.", remedy="Remove that file; they are made again.") from fault


def train_diffusion(order: Order, vae: AutoencoderKL, album: Album) -> DiffusionTraining:
    """The trained diffusion network and text encoder."""
    tokenizer = build(VOCABULARY, order.diffusion.text_length)
    bank = Bank(tokenizer)
    training = DiffusionTraining(order.diffusion, tokenizer, vae.config.latent_channels, order.seed, order.device)
    if order.former and not (order.out / "unet.pt").exists():
        begin_diffusion(training.net, order.former, vae, album.pictures)
        training.mean.load_state_dict(training.net.state_dict())
    in_turn(lambda: fill(order, vae, album, bank, most=8))

    def pause() -> None:
        fill(order, vae, album, bank, most=4)
        if rank() == 0:
            tell(order, f"unet {training.steps} seen {training.seen} of {len(bank)} loss {training.loss:.4f}")
            latents = sample(training.mean, tokens(tokenizer, GRID), training.empty, seed=1)
            grid(order.out / f"grid-{training.steps:06d}.png", decode(vae, latents), 6)

    loop(order, Part("unet", order.minutes_unet, training, lambda at: training.step(bank, at), pause))
    return training


def tell(order: Order, line: str) -> None:
    """Add a line to the log of the run."""
    with (order.out / "log.txt").open("a") as file:
        file.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def grid(path: Path, pictures: list[Pixels], columns: int) -> None:
    """Write pictures side by side, `columns` to a row."""
    rows = [np.concatenate(pictures[at : at + columns], axis=1) for at in range(0, len(pictures), columns)]
    Image.fromarray(np.concatenate(rows)).save(path)


def train(order: Order) -> Path:
    """Carry out the order; gives the folder of the release. UnknownBase where `former` is no base's folder."""
    if order.former:
        place(find(order.former))
    order.out.mkdir(parents=True, exist_ok=True)
    album = Album(order.data, order.judged)
    if not album.shards:
        raise FileNotFoundError(f"no pictures in {order.data}: draw some with python -m avatar.pocket.dataset")
    vae = train_autoencoder(order, album)
    notes = decoder_notes(order.out)
    trained = train_diffusion(order, vae, album)
    if rank() == 0:
        figures = release(order.out / "base", vae, trained, album, notes, order.former)
        tell(order, str(figures))
    return order.out / "base"


def main() -> None:
    """Read the command line and train."""
    ask = argparse.ArgumentParser(description="Train the pocket base on drawn people.")
    ask.add_argument("--data", type=Path, required=True, help="folder of shards, may still be growing")
    ask.add_argument("--out", type=Path, required=True, help="folder of checkpoints, grids and the release")
    ask.add_argument("--minutes-vae", type=float, default=25.0)
    ask.add_argument("--minutes-unet", type=float, default=70.0)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--device", default="cpu", help="cpu or cuda")
    ask.add_argument("--batch", type=int, default=DiffusionPlan().batch, help="pictures a step and process")
    ask.add_argument(
        "--from", dest="former", type=Path, help="folder of a base to go on from, such as avatar/pocket/base"
    )
    told = ask.parse_args()
    keep_memory()
    join()
    asked = Order(told.data, told.out, told.minutes_vae, told.minutes_unet, told.seed, told.former, told.device)
    with plainly():
        train(replace(asked, diffusion=replace(asked.diffusion, batch=told.batch)))


if __name__ == "__main__":
    main()
