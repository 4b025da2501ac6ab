"""Tune: learn one face as a small adapter beside the frozen base.

reads          crops (picture, soft mask, caption)
writes         checkpoints, and the best of them as the adapter `best`
covers         encode once, train, score each checkpoint by likeness, keep the best, leave the base as it was;
               latents, captions and descriptors live in memory only and are gone when this returns
does not cover time limits (progress may raise), loading the base (it is kept warm by the caller), erasing (pipeline)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from avatar.errors import AvatarError
from avatar.job import Done, Job, Kind, Outcome, Refused
from avatar.lora import adapter, dataset, likeness, prior
from avatar.lora.loop import Checkpoint, tune
from avatar.lora.recipes import Recipe
from avatar.photos.crops import Crop, unpack_crop
from avatar.ports import Faces, Picture, Progress, Vault
from avatar.weights.load import LoadedBase

BEST = "best"
SHOTS = (
    "a photo of {subject}, facing the camera",
    "a photo of {subject}, smiling, white backdrop",
    "a photo of {subject}, turned left",
    "a photo of {subject}, green backdrop",
)

Sample = Callable[[LoadedBase, Sequence[str], int], list[Picture]]  # base, prompts, seed


@dataclass(frozen=True, slots=True)
class TunePorts:
    """What tune asks of the world.

    `base` gives the same loaded base for job after job; `sample` draws with whatever adapter that base wears.
    """

    vault: Vault
    faces: Faces
    base: Callable[[str], LoadedBase]
    recipe: Recipe
    token: str  # the word that comes to mean this person
    sample: Sample
    progress: Progress
    prior_cache: Path | None = None  # where class pictures are kept for a base that brings none; None: tune without


def run(job: Job, ports: TunePorts) -> Outcome:
    """Tune on the job's crops and store the adapter that draws the person best."""
    loaded = ports.base(job.base)
    recipe = replace(ports.recipe, seed=job.seed)
    names = ports.vault.names(job.id, Kind.CROP)
    crops = [unpack_crop(ports.vault.get(job.id, Kind.CROP, name)) for name in names]
    if not crops:
        return Refused("no_crops", "None of the photos could be used.")
    checkpoints = _train(job, ports, loaded, recipe, crops)
    scores = _score(job, ports, loaded, checkpoints, recipe.shots, crops)
    kept = likeness.best(scores)
    if loaded.digest() != loaded.known_digest:
        raise AvatarError("The base is not as it was loaded; this process must not go on.", code="base_changed")
    ports.vault.put(job.id, Kind.ADAPTER, BEST, checkpoints[kept].data)
    return Done(_facts(loaded, checkpoints, scores, kept, len(crops)))


def _train(job: Job, ports: TunePorts, loaded: LoadedBase, recipe: Recipe, crops: Sequence[Crop]) -> list[Checkpoint]:
    """Encode, train, store each checkpoint as it comes."""
    count = recipe.prior_count if recipe.priors() else 0
    others = prior.provide(loaded, job.class_word, ports.prior_cache, count, ports.progress)
    data = dataset.build(loaded, crops, recipe, others)
    checkpoints = []
    try:
        with closing(tune(loaded, data, recipe, ports.progress)) as run_of:
            for checkpoint in run_of:
                ports.vault.put(job.id, Kind.CHECKPOINT, f"step-{checkpoint.step:05d}", checkpoint.data)
                checkpoints.append(checkpoint)
    finally:
        data.overwrite()
    return checkpoints


def _score(
    job: Job, ports: TunePorts, loaded: LoadedBase, checkpoints: list[Checkpoint], shots: int, crops: Sequence[Crop]
) -> list[likeness.Likeness]:
    """Draw the same few pictures with each checkpoint and measure them against the crops."""
    references = likeness.descriptors([crop.picture for crop in crops], ports.faces)
    subject = f"{ports.token} {job.class_word}"
    prompts = [SHOTS[at % len(SHOTS)].format(subject=subject) for at in range(shots)]
    scores = []
    for done, checkpoint in enumerate(checkpoints):
        ports.progress(done, len(checkpoints), "likeness")
        with adapter.worn(loaded, checkpoint.data):
            pictures = ports.sample(loaded, prompts, job.seed)
        scores.append(likeness.score(pictures, references, ports.faces))
    return scores


def _facts(
    loaded: LoadedBase, checkpoints: list[Checkpoint], scores: list[likeness.Likeness], kept: int, photos: int
) -> dict[str, Any]:
    last = checkpoints[-1]
    return {
        "photos": photos,
        "steps": last.step,
        "device": loaded.device.type,
        "seconds_per_step": round(last.seconds / last.step, 4),
        "loss": {"start": round(last.first_loss, 5), "end": round(last.loss, 5)},
        "checkpoints": [
            {"step": one.step, "loss": round(one.loss, 5), **asdict(score)}
            for one, score in zip(checkpoints, scores, strict=True)
        ],
        "kept": checkpoints[kept].step,
        "base": {"name": loaded.base.name, "digest": loaded.known_digest},
    }
