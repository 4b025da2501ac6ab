"""Render: draw more pictures of the person than were ordered, and choose the best.

Reads: Kind.ADAPTER "best"; Kind.CROP, all, to measure likeness against.
Writes: Kind.CANDIDATE "plan-N.json" (what round N draws) and "NNNN.png" (what was drawn), each the moment it exists.
Covers: repeating after a crash, which draws only what is missing; choosing by likeness, sharpness and variety; one more
    round with new seeds where too few passed; a shortfall that is counted, never padded with rejected pictures.
Does not cover: marking and naming the files (finish); likeness in looks that hide the face (choose.py).
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from avatar.job import Done, Job, Kind, Outcome, Refused
from avatar.lora.adapter import worn
from avatar.packs.choose import Choice, Judge, Score, Selfies, Taste, choose
from avatar.packs.plan import Shot, from_json, more, plan, quotas, to_json
from avatar.packs.sampler import sample
from avatar.packs.style import Style
from avatar.photos.crops import unpack_crop
from avatar.photos.pixels import png
from avatar.ports import Faces, Picture, Progress, Safety, Vault
from avatar.weights.load import LoadedBase

Attach = Callable[[LoadedBase, bytes], AbstractContextManager[Callable[[float], None]]]


@dataclass(frozen=True, slots=True)
class RenderPolicy:
    """How much is drawn for what is delivered; `wiring` makes it."""

    oversample: float = 1.5  # drawn per ordered picture; best of a few gains most of what best of many does
    rounds: int = 2
    batch: int = 8  # pictures at once; memory decides
    taste: Taste = field(default_factory=Taste)


@dataclass(frozen=True, slots=True)
class RenderPorts:
    """`attach` puts an adapter on the base for the length of a `with` and gives the function that sets its strength; on
    leaving, whatever happened, it overwrites the adapter's tensors and leaves the base as it was."""

    vault: Vault
    faces: Faces
    safety: Safety
    base: Callable[[str], LoadedBase]
    styles: Mapping[str, Style]
    progress: Progress
    attach: Attach = worn
    policy: RenderPolicy = field(default_factory=RenderPolicy)


def run(job: Job, ports: RenderPorts) -> Outcome:
    loaded = ports.base(job.base)
    crops = [unpack_crop(ports.vault.get(job.id, Kind.CROP, name)) for name in ports.vault.names(job.id, Kind.CROP)]
    selfies = Selfies([crop.picture for crop in crops], ports.faces)
    judge = Judge(ports.faces, ports.safety, selfies, ports.policy.taste)
    try:
        shots, scores, choice = _rounds(job, ports, loaded, judge)
    finally:
        selfies.forget()
    facts = _facts(job, ports, shots, scores, choice)
    if not choice.chosen:
        sentence = "No picture we drew was good enough to give you. Other selfies, sharper and nearer, may help."
        return Refused("nothing_passed", sentence, facts)
    return Done(facts)


def _rounds(
    job: Job, ports: RenderPorts, loaded: LoadedBase, judge: Judge
) -> tuple[list[Shot], list[Score], Choice]:
    """Plan, draw, measure and choose; once more for the styles that are short, with new seeds and twice the surplus."""
    shots: list[Shot] = []
    scores: list[Score] = []
    choice = choose(scores, quotas(job), ports.policy.taste)
    for number in range(1, ports.policy.rounds + 1):
        last = number == ports.policy.rounds
        fresh = _planned(job, ports, loaded, number, choice, shots)
        _draw(job, ports, loaded, fresh)
        shots += fresh
        scores += _measure(job, ports, judge, fresh)
        choice = choose(scores, quotas(job), ports.policy.taste, spill=last)
        if not choice.short:
            break
    return shots, scores, choice


def _planned(
    job: Job, ports: RenderPorts, loaded: LoadedBase, number: int, choice: Choice, drawn: list[Shot]
) -> tuple[Shot, ...]:
    """The plan of one round, as stored by an earlier attempt if there was one: packs may have changed since."""
    name = f"plan-{number}.json"
    if name in ports.vault.names(job.id, Kind.CANDIDATE):
        return from_json(ports.vault.get(job.id, Kind.CANDIDATE, name))
    surplus = ports.policy.oversample
    if drawn:
        asked = {style: math.ceil(owed * 2 * surplus) for style, owed in choice.short.items()}
        fresh = more(job, ports.styles, loaded.base, asked, drawn)
    else:
        fresh = plan(job, ports.styles, loaded.base, surplus)
    ports.vault.put(job.id, Kind.CANDIDATE, name, to_json(fresh))
    return fresh


def _draw(job: Job, ports: RenderPorts, loaded: LoadedBase, shots: tuple[Shot, ...]) -> None:
    """Draw what is not in the vault yet. The adapter is on the base only while this runs."""
    there = set(ports.vault.names(job.id, Kind.CANDIDATE))
    missing = [shot for shot in shots if _name(shot.index) not in there]
    if not missing:
        return
    with ports.attach(loaded, ports.vault.get(job.id, Kind.ADAPTER, "best")) as strength:
        for index, picture in sample(loaded, missing, ports.progress, ports.policy.batch, strength):
            if picture is not None:
                ports.vault.put(job.id, Kind.CANDIDATE, _name(index), png(picture))


def _measure(job: Job, ports: RenderPorts, judge: Judge, shots: tuple[Shot, ...]) -> list[Score]:
    there = set(ports.vault.names(job.id, Kind.CANDIDATE))
    return [
        judge.measure(shot.index, shot.style, _open(job, ports, shot.index), ports.styles[shot.style].face_visible)
        for shot in shots
        if _name(shot.index) in there
    ]


def _open(job: Job, ports: RenderPorts, index: int) -> Picture:
    data = ports.vault.get(job.id, Kind.CANDIDATE, _name(index))
    return np.asarray(Image.open(io.BytesIO(data), formats=("PNG",)).convert("RGB"))


def _name(index: int) -> str:
    return f"{index:04d}.png"


def _facts(job: Job, ports: RenderPorts, shots: list[Shot], scores: list[Score], choice: Choice) -> dict[str, Any]:
    """Numbers and codes only: words of prompts stay in the sealed plan."""
    hidden = {score.style for score in scores if not ports.styles[score.style].face_visible}
    return {
        "chosen": [score.figures() for score in choice.chosen],
        "shortfall": job.count - len(choice.chosen),
        "short": dict(choice.short),
        "rejected": dict(choice.rejected),
        "not_finite": len(shots) - len(scores),
        "drawn": len(shots),
        "face_hidden": sorted(hidden),
    }
