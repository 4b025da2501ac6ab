"""Class pictures of a base: what it already thinks a person, a woman, a man looks like, as latents.

They keep the base from forgetting everybody else while it learns one face (arXiv 2208.12242). They depend on the base
alone, so they are made once, lie with the base, and are shared by all people; nothing of a person is ever in them.

Covers: finding, reading and making them. Does not cover: judging them; a base draws what it draws.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from avatar.errors import WeightsRefused
from avatar.job import ClassWord
from avatar.ports import Progress
from avatar.weights.load import LoadedBase

STEPS = 30  # sampler steps of one class picture
_BATCH = 8
_LOOKS = (
    "a photo of a {word}, portrait, soft light",
    "a photo of a {word}, close-up of the face, daylight",
    "a photo of a {word} outdoors, head and shoulders",
    "a photo of a {word} in a city street, upper body",
    "a photo of a {word}, smiling, plain backdrop",
    "a photo of a {word} in profile, window light",
    "a photo of an elderly {word}, portrait",
    "a photo of a young adult {word}, portrait, evening light",
)


@dataclass(frozen=True, slots=True)
class Prior:
    """Class pictures: scaled `latents` (N, C, h, w) float16 and one caption each."""

    latents: Tensor
    captions: tuple[str, ...]


def captions(word: ClassWord, count: int) -> list[str]:
    """So many captions of the class, each look as often as any other."""
    return [_LOOKS[at % len(_LOOKS)].format(word=word.value) for at in range(count)]


def provide(loaded: LoadedBase, word: ClassWord, cache: Path | None, count: int, progress: Progress) -> Prior | None:
    """The base's class pictures, made now if there is a place to keep them; None for a count of 0."""
    path = find(loaded, word, cache) if count else None
    if path is None and cache is not None and count:
        path = make(loaded, word, cache, count, progress)
    return read(loaded, path) if path else None


def find(loaded: LoadedBase, word: ClassWord, cache: Path | None) -> Path | None:
    """Where the base's class pictures lie: beside its weights, or in `cache` under its digest; None if nowhere."""
    beside = loaded.folder / "prior" / f"{word.value}.safetensors"
    for path in (beside, *([_cached(loaded, word, cache)] if cache else [])):
        if path.is_file():
            return path
    return None


def read(loaded: LoadedBase, path: Path) -> Prior:
    """Read class pictures; WeightsRefused where they do not fit the base."""
    try:
        with safe_open(str(path), framework="pt") as file:
            latents = file.get_tensor("latents")
            words = json.loads((file.metadata() or {}).get("captions", "[]"))
    except (SafetensorError, ValueError) as error:
        raise WeightsRefused(f"The class pictures {path.name!r} are broken.", remedy="Remove that file.") from error
    if latents.shape[1:] != loaded.latent_shape or len(words) != len(latents):
        raise WeightsRefused(f"The class pictures {path.name!r} do not fit this base.")
    return Prior(latents, tuple(str(text) for text in words))


def make(loaded: LoadedBase, word: ClassWord, cache: Path, count: int, progress: Progress) -> Path:
    """Render class pictures once into `cache`; the file appears whole or not at all."""
    path = _cached(loaded, word, cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    texts, latents = captions(word, count), []
    for done, part in enumerate(_drawn(loaded, texts)):
        latents.append(part.half().cpu())
        progress(min(count, (done + 1) * _BATCH), count, "class pictures")
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        save_file({"latents": torch.cat(latents).contiguous()}, scratch, {"captions": json.dumps(texts)})
        Path(scratch).replace(path)
    finally:
        Path(scratch).unlink(missing_ok=True)
    return path


def _drawn(loaded: LoadedBase, texts: Sequence[str]) -> Iterator[Tensor]:
    """Latents of the texts, batch by batch, by DDIM (arXiv 2010.02502) with classifier-free guidance."""
    solver = DDIMScheduler.from_config(loaded.scheduler_config, timestep_spacing="trailing", clip_sample=False)
    solver.set_timesteps(STEPS, device=loaded.device)
    generator = torch.Generator().manual_seed(0)
    scale = loaded.base.guidance
    for at in range(0, len(texts), _BATCH):
        words = list(texts[at : at + _BATCH])
        prompts = loaded.embed([*words, *([""] * len(words))])
        latents = torch.randn(len(words), *loaded.latent_shape, generator=generator).to(loaded.device)
        for step in solver.timesteps:
            with torch.no_grad():
                said = loaded.denoise(latents.repeat(2, 1, 1, 1), step.expand(2 * len(words)), prompts)
            wanted, empty = said.chunk(2)
            latents = solver.step(empty + scale * (wanted - empty), step, latents, return_dict=False)[0]
        yield latents


def _cached(loaded: LoadedBase, word: ClassWord, cache: Path) -> Path:
    return cache / loaded.known_digest / f"{word.value}.safetensors"
