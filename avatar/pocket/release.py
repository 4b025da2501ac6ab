"""Put the trained parts together as a folder that `StableDiffusionPipeline.from_pretrained` reads, and judge it.

The folder holds the weights as float16, what they went through, and the model card.
"""

from __future__ import annotations

import json
import shutil
import time
import warnings
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import dlib
import numpy as np
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline
from numpy.typing import NDArray

from avatar.pocket.album import Album
from avatar.pocket.autoencoder import decode, encode, psnr
from avatar.pocket.card import card
from avatar.pocket.diffusion import SCHEDULE, DiffusionTraining
from avatar.pocket.former import LOCAL
from avatar.weights.registry import HISTORY

Pixels = NDArray[np.uint8]
PHOTOS = 32  # generated to count faces
LEADS = ("a photo of a person", "a photo of a woman", "a photo of a man", "a photo of a person, facing the camera")


@dataclass(frozen=True, slots=True)
class Figures:
    """What the card says about a release. Counts are of this training; `before` is of those that it went on from."""

    pictures: int  # drawn pictures the diffusion network was trained from
    vae_steps: int
    unet_steps: int
    seen: int  # pictures shown to the diffusion network, repeats counted
    before: int  # and those shown to the bases before
    vae_loss: float
    unet_loss: float
    judged: int  # drawn pictures that were kept apart
    psnr: float  # dB, of those
    channels: int  # of a latent
    photos: int  # generated
    one_face: float  # share of those in which the detector finds exactly one face
    seconds: float  # per picture
    parameters: dict[str, float]  # millions, by part


def release(
    folder: Path,
    vae: AutoencoderKL,
    trained: DiffusionTraining,
    album: Album,
    vae_notes: tuple[int, float],
    former: Path | None = None,
) -> Figures:
    """Write the release into `folder`, replacing what was there, read it back as anyone would, and judge that."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    assemble(vae, trained).save_pretrained(part)
    for path in part.glob("*/config.json"):  # where the weights once lay is nobody's business
        kept = {name: value for name, value in json.loads(path.read_text()).items() if name != "_name_or_path"}
        path.write_text(json.dumps(kept, indent=2) + "\n")
    pipe = StableDiffusionPipeline.from_pretrained(part, dtype=torch.float32, **LOCAL)
    pipe.set_progress_bar_config(disable=True)
    found, seconds = faces(pipe, PHOTOS)
    before = history(former)
    figures = Figures(
        pictures=len(album.pictures),
        vae_steps=vae_notes[0],
        unet_steps=trained.steps,
        seen=trained.seen,
        before=before["seen"],
        vae_loss=vae_notes[1],
        unet_loss=trained.loss,
        judged=len(album.judged),
        psnr=psnr(album.judged, decode(pipe.vae, encode(pipe.vae, album.judged))),
        channels=pipe.vae.config.latent_channels,
        photos=PHOTOS,
        one_face=found,
        seconds=seconds,
        parameters={
            name: sum(weight.numel() for weight in net.parameters()) / 1e6
            for name, net in (
                ("autoencoder", pipe.vae),
                ("diffusion network", pipe.unet),
                ("text encoder", pipe.text_encoder),
            )
        },
    )
    (part / "README.md").write_text(card(figures))
    own = {"seen": figures.seen, "steps": figures.unet_steps}
    told = {"base": "pocket", **{name: before[name] + own[name] for name in own}}
    (part / HISTORY).write_text(json.dumps(told) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return figures


def history(former: Path | None) -> dict[str, int]:
    """What the diffusion network of this folder went through: pictures seen, steps; zeros where there is none."""
    known = former / HISTORY if former else None
    told: dict[str, int] = json.loads(known.read_text()) if known and known.exists() else {}
    return {name: told.get(name, 0) for name in ("seen", "steps")}


def assemble(vae: AutoencoderKL, trained: DiffusionTraining) -> StableDiffusionPipeline:
    """A float16 pipeline of copies on the processor: what is being trained stays float32, and where it is."""

    def half(net: torch.nn.Module) -> torch.nn.Module:
        return deepcopy(net).half().cpu().eval()

    return StableDiffusionPipeline(
        vae=half(vae),
        text_encoder=half(trained.mean["text"]),
        tokenizer=trained.tokenizer,
        unet=half(trained.mean["unet"]),
        scheduler=DPMSolverMultistepScheduler(**SCHEDULE),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def faces(pipe: StableDiffusionPipeline, count: int, batch: int = 8) -> tuple[float, float]:
    """The share of generated photos with exactly one face for dlib's HOG detector, and the seconds one picture took."""
    detector = dlib.get_frontal_face_detector()
    found, took = 0, 0.0
    for at in range(0, count, batch):
        prompts = [LEADS[(at + k) % len(LEADS)] for k in range(min(batch, count - at))]
        dice = torch.Generator().manual_seed(1000 + at)
        start = time.monotonic()
        with warnings.catch_warnings():  # the solver turns a tensor into an array in a way that numpy means to forbid
            warnings.simplefilter("ignore", DeprecationWarning)
            made = pipe(prompts, num_inference_steps=20, guidance_scale=3.0, generator=dice, output_type="np").images
        took += time.monotonic() - start
        found += sum(len(detector((picture * 255).round().astype(np.uint8), 0)) == 1 for picture in made)
    return found / count, took / count
