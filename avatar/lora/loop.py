"""The fine-tune itself: a seeded loop that moves the adapter and nothing else.

All random choices (which picture, which timestep, which noise) come from one generator on the CPU, so the same seed
gives the same adapter. No step waits for the device: losses stay there and are read at the marks.

Covers: fresh adapter on, trained, checkpoints as bytes, adapter overwritten and off, also after an error or a cancel.
Does not cover: which checkpoint is best (likeness), how long it may take (the caller's `progress` may raise).
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from avatar.errors import AvatarError
from avatar.lora import adapter as adapters
from avatar.lora import objective
from avatar.lora.adapter import Adapter
from avatar.lora.dataset import Dataset
from avatar.lora.draws import Draw, Draws
from avatar.lora.recipes import Recipe
from avatar.ports import Progress
from avatar.weights.cores import fast_halves
from avatar.weights.load import LoadedBase, Prompts

_LOOK = 50  # steps between two looks for numbers that are not finite; each look waits for the device


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An adapter as it was after `step` steps. `loss` is on draws that are the same for every checkpoint."""

    step: int
    data: bytes = field(repr=False)
    loss: float = 0.0
    first_loss: float = 0.0  # of the bare base, on the same draws
    seconds: float = 0.0  # since the first step


@lru_cache(maxsize=1)
def accelerator(device: str, mixed: str) -> Any:
    """The process's one Accelerator: a second one of another precision raises, as its state is process-wide."""
    from accelerate import Accelerator

    return Accelerator(cpu=device == "cpu", mixed_precision=mixed)


def tune(loaded: LoadedBase, dataset: Dataset, recipe: Recipe, progress: Progress) -> Generator[Checkpoint, None, None]:
    """Train a fresh adapter; yield it at the recipe's marks. Exhaust or close it, and the base is bare again."""
    steps = recipe.steps(len(dataset))
    marks = {max(1, round(steps * mark)) for mark in recipe.marks}
    a = objective.signal_share(loaded.scheduler_config).to(loaded.device)
    draws = Draws(dataset, recipe, steps, a, loaded.device)
    with _training(loaded, recipe) as (adapter, hand, optimiser):
        parts = list(adapter.tensors.values())
        first = _held_out(loaded, dataset, recipe, draws, a)
        losses, began = torch.zeros(steps, device=loaded.device), time.monotonic()
        for step in range(steps):
            progress(step, steps, "tune")
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * pace(step, steps, recipe.warm_up)
            with hand.autocast():
                loss = _loss(loaded, dataset, recipe, draws.next(), a)
            hand.backward(loss)
            hand.clip_grad_norm_(parts, recipe.clip)  # it knows by how much half precision scaled the gradients
            optimiser.step()
            optimiser.zero_grad(set_to_none=False)
            losses[step] = loss.detach()
            if step + 1 in marks or (step + 1) % _LOOK == 0:
                _demand_finite(losses[: step + 1])
            if step + 1 in marks:
                seconds = time.monotonic() - began
                data = adapters.export(adapter, loaded.known_digest)
                yield Checkpoint(step + 1, data, _held_out(loaded, dataset, recipe, draws, a), first, seconds)
        progress(steps, steps, "tune")


def pace(step: int, steps: int, warm_up: float) -> float:
    """Share of the top learning rate at `step`: a straight rise, then half a cosine down towards zero."""
    rise = max(1, round(steps * warm_up))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _precision(loaded: LoadedBase) -> str:
    """Accelerate's word for the products: on a graphics card as the base is, on cores bfloat16 where it is faster."""
    if loaded.device.type == "cuda":
        return {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(loaded.dtype, "no")
    return "bf16" if fast_halves(loaded.device) else "no"


@contextmanager
def _training(loaded: LoadedBase, recipe: Recipe) -> Iterator[tuple[Adapter, Any, Any]]:
    """Adapter, accelerator and optimiser; afterwards all of it is overwritten and the base is bare."""
    unet: Any = loaded.unet
    hand = accelerator(loaded.device.type, _precision(loaded))
    adapter = adapters.attach(loaded, recipe.rank, recipe.alpha, recipe.targets, recipe.seed, recipe.within)
    optimiser: Any = None
    try:
        if recipe.checkpointing:
            unet.enable_gradient_checkpointing()
        parts = list(adapter.tensors.values())
        # the scheduler of the learning rate is `pace`; the base is not prepared, so that its forward stays its own
        optimiser = torch.optim.AdamW(parts, recipe.learning_rate, recipe.betas, weight_decay=recipe.decay, fused=True)
        yield adapter, hand, hand.prepare(optimiser)
    finally:
        if recipe.checkpointing:
            unet.disable_gradient_checkpointing()
        for state in optimiser.state.values() if optimiser else ():
            for value in state.values():
                if isinstance(value, Tensor):
                    value.zero_()
        hand.free_memory()  # it keeps the optimiser, and with it the adapter, for the whole process otherwise
        adapters.overwrite(adapter)
        adapters.detach(loaded)


def _loss(loaded: LoadedBase, dataset: Dataset, recipe: Recipe, draw: Draw, a: Tensor) -> Tensor:
    """The whole objective of one batch: the person's rows first, class pictures last."""
    mean, deviation = dataset.mean[draw.person], dataset.deviation[draw.person]
    clean, mask = mean + deviation * draw.spread, dataset.mask[draw.person]
    prompts = dataset.prompts[draw.caption]
    priors = 0
    if dataset.prior is not None and draw.prior is not None:
        priors = len(draw.prior)
        clean = torch.cat([clean, dataset.prior.latents[draw.prior]])
        mask = torch.cat([mask, torch.ones_like(mask[:1]).expand(priors, -1, -1, -1)])
        prompts = Prompts.concat([prompts, dataset.prior.prompts[dataset.prior.caption[draw.prior]]])
    share = a[draw.timestep]
    said = loaded.denoise(objective.noised(clean, draw.noise, share), draw.timestep, prompts)
    wanted = objective.target(loaded.prediction, clean, draw.noise, share)
    errors = objective.masked_error(said, wanted, mask)
    if recipe.focus is None:
        errors = errors * objective.min_snr_weight(loaded.prediction, share, recipe.gamma)
    return objective.with_prior(errors, priors, recipe.prior_weight)


@torch.no_grad()
def _held_out(loaded: LoadedBase, dataset: Dataset, recipe: Recipe, draws: Draws, a: Tensor) -> float:
    """The loss on the held-out draws: the same pictures, timesteps and noise every time, the person's rows only."""
    return float(torch.stack([_loss(loaded, dataset, recipe, draw, a) for draw in draws.held_out]).mean())


def _demand_finite(losses: Tensor) -> None:
    if not bool(torch.isfinite(losses).all()):
        raise AvatarError("The fine-tune ran into numbers that are not finite.", code="tune_diverged")
