"""Draw planned shots with a loaded base: many styles in one batch, each row with its own words, seed and guidance.

Solver: DPM-Solver++ of second order (arXiv 2211.01095). Guidance acts only inside an interval of noise levels
(arXiv 2404.07724): outside, the second evaluation is not made at all, which is both faster and better looking.
A row's noise comes from its own generator on the CPU, so a picture is the same in any batch and on any device,
up to rounding.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from diffusers import DPMSolverMultistepScheduler
from torch import Tensor

from avatar.packs.blocks import in_blocks
from avatar.packs.inks import inked
from avatar.packs.plan import Shot
from avatar.packs.region import Find, Region
from avatar.photos.tensors import to_pictures
from avatar.ports import Picture, Progress
from avatar.weights.load import LoadedBase, Prompts

Drawn = tuple[int, Picture | None]  # index of the shot; None where the base gave numbers that are not finite

SOLVER = {
    "algorithm_type": "dpmsolver++",
    "solver_order": 2,
    "lower_order_final": True,  # the last step is of first order; with few steps the second order overshoots there
    "final_sigmas_type": "zero",
    "timestep_spacing": "trailing",  # begins at the noisiest level, so that the noise we start from is what it expects
}


@torch.inference_mode()
def sample(
    loaded: LoadedBase,
    shots: Sequence[Shot],
    progress: Progress,
    batch: int = 8,  # rows; up to twice as many go through the base while guidance acts
    strength: Callable[[float], None] = lambda scale: None,
    find: Find | None = None,
) -> Iterator[Drawn]:
    """Each shot as (index, picture HWC uint8), batch by batch; `strength` sets the adapter's scale where it changes.

    `find` finds faces, for shots in which the adapter acts otherwise around the face; without it, it acts alike.
    `progress` is told before every step, so that a stop takes effect within one.
    """
    done = 0
    for rows in batches(shots, batch):
        tick = functools.partial(progress, done, len(shots))
        drawn = _draw(loaded, rows, tick, _Worn(strength), find)
        yield from zip((shot.index for shot in rows), drawn, strict=True)
        done += len(rows)
    progress(done, len(shots))


def batches(shots: Sequence[Shot], size: int) -> list[list[Shot]]:
    """Shots that may share a batch (same size, steps and adapter scales, any style), in lists of at most `size`."""
    alike: dict[tuple[float | None, ...], list[Shot]] = {}
    for shot in shots:
        scales = shot.identity, shot.early, shot.settled, shot.around
        alike.setdefault((shot.width, shot.height, shot.steps, *scales), []).append(shot)
    return [group[at : at + size] for group in alike.values() for at in range(0, len(group), size)]


class _Worn:
    """The adapter on the base; told of a scale only where it changes, as that touches every layer."""

    def __init__(self, strength: Callable[[float], None]) -> None:
        self._strength, self._scale = strength, float("nan")

    def at(self, scale: float) -> None:
        if scale != self._scale:
            self._scale = scale
            self._strength(scale)


def _draw(
    loaded: LoadedBase, rows: list[Shot], tick: Callable[[], None], worn: _Worn, find: Find | None
) -> list[Picture | None]:
    """One batch from noise to pictures."""
    solver = DPMSolverMultistepScheduler.from_config(loaded.scheduler_config, **SOLVER)
    with warnings.catch_warnings():  # it turns a tensor into an array in a way that numpy means to forbid
        warnings.simplefilter("ignore", DeprecationWarning)
        solver.set_timesteps(rows[0].steps, device=loaded.device)
    noise = torch.stack([_noise(loaded, shot) for shot in rows])
    latents = (noise * solver.init_noise_sigma).to(loaded.device, torch.float32)
    words, first = _batch(loaded, rows), rows[0]
    region = Region(loaded, find, latents) if find is not None and first.around is not None else None
    for step, timestep in enumerate(solver.timesteps):
        tick()
        sigma = float(solver.sigmas[step])
        guided = [row for row, shot in enumerate(rows) if acts(shot, sigma)]
        ask = functools.partial(_predict, loaded, latents, timestep, words, guided)
        if region is None or first.around is None or sigma > first.settled:
            worn.at(share(first, sigma))
            predicted = ask()
        else:
            worn.at(first.around)
            predicted = ask()
            mask = region.seen(latents, predicted, sigma)
            worn.at(first.identity)
            predicted = predicted.lerp(ask(), mask)
        latents = solver.step(predicted, timestep, latents, return_dict=False)[0]
    sound = torch.isfinite(latents).flatten(1).all(1)
    decoded = loaded.decode(torch.nan_to_num(latents))
    sound &= torch.isfinite(decoded).flatten(1).all(1)
    decoded = torch.nan_to_num(decoded)
    made = zip(rows, to_pictures(decoded), sound.tolist(), strict=True)
    return [_finished(shot, picture) if good else None for shot, picture, good in made]


def _finished(shot: Shot, picture: Picture) -> Picture:
    """What the style asks for that no base draws by itself."""
    if shot.ink_steps:
        picture = inked(picture, shot.ink_steps, shot.ink_line, shot.ink_shade)
    return in_blocks(picture, shot.blocks, shot.levels) if shot.blocks else picture


def acts(shot: Shot, sigma: float) -> bool:
    """Whether guidance acts on this shot at this noise level."""
    return shot.guidance > 1 and shot.low < sigma <= shot.high


def share(shot: Shot, sigma: float) -> float:
    """How much of the adapter is applied to this shot at this noise level."""
    return shot.early if sigma > shot.settled else shot.identity


@dataclass(frozen=True, slots=True)
class _Batch:
    """What the base is asked with for one batch: words per row, the words to stay away from, and how hard."""

    towards: Prompts
    away: Prompts
    scale: Tensor  # (B, 1, 1, 1)


def _batch(loaded: LoadedBase, rows: list[Shot]) -> _Batch:
    """Embed each text once, however many rows share it."""
    texts = list(dict.fromkeys(text for shot in rows for text in (shot.prompt, shot.negative)))
    words, place = loaded.embed(texts), {text: at for at, text in enumerate(texts)}
    scale = torch.tensor([shot.guidance for shot in rows], device=loaded.device).view(-1, 1, 1, 1)
    return _Batch(words[[place[shot.prompt] for shot in rows]], words[[place[shot.negative] for shot in rows]], scale)


def _predict(loaded: LoadedBase, latents: Tensor, timestep: Tensor, words: _Batch, guided: list[int]) -> Tensor:
    """The base's prediction BCHW; rows in `guided` are pushed from their negative words towards their own."""
    if not guided:
        return loaded.denoise(latents, timestep.expand(len(latents)), words.towards)
    both = torch.cat([latents, latents[guided]])
    prompts = Prompts.concat([words.towards, words.away[guided]])
    towards, away = loaded.denoise(both, timestep.expand(len(both)), prompts).tensor_split([len(latents)])
    pushed = towards.clone()
    pushed[guided] = away + words.scale[guided] * (towards[guided] - away)
    return pushed


def _noise(loaded: LoadedBase, shot: Shot) -> Tensor:
    """(C, h, w) standard normal of this shot alone, made on the CPU so that every device starts alike."""
    shape = (loaded.latent_shape[0], shot.height // loaded.shrink, shot.width // loaded.shrink)
    return torch.randn(shape, generator=torch.Generator().manual_seed(shot.seed))
