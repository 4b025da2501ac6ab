"""Render: draw more pictures of the person than were ordered, and choose the best.

Reads: Kind.ADAPTER "best"; Kind.CROP, all, to measure likeness against.
Writes: Kind.CANDIDATE "plan-N.json" (what round N draws), "NNNN.png" (what was drawn) and "preview-NNNN-style.jpg" (a
    small one of what passed, for whoever waits), each the moment it exists.
Covers: repeating after a crash, which draws only what is missing; choosing by likeness, sharpness and variety; one more
    round with new seeds where too few passed; a shortfall that is counted, never padded; the next best as spares.
Does not cover: marking and naming the files (finish); likeness in looks that hide the face (choose.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from avatar.job import Done, Job, Kind, Outcome, Refused
from avatar.lora.adapter import worn
from avatar.marks.label import mark_small
from avatar.packs.candidates import Candidates
from avatar.packs.choose import Choice, Judge, Score, Selfies, Taste, choose
from avatar.packs.plan import Shot, more, plan, quotas
from avatar.packs.sampler import sample
from avatar.packs.style import Style
from avatar.photos.crops import unpack_crop
from avatar.ports import Faces, Picture, Progress, Safety, Vault
from avatar.weights.load import LoadedBase

NOTHING = "No picture we drew was good enough to give you. Other selfies, sharper and nearer, may help."
PREVIEW = 160  # pixels a side: what a strip on a phone shows, and too small to be the picture
Attach = Callable[[LoadedBase, bytes], AbstractContextManager[Callable[[float], None]]]


@dataclass(frozen=True, slots=True)
class RenderPolicy:
    """How much is drawn for what is delivered; `wiring` makes it."""

    oversample: float = 1.5  # drawn per ordered picture; the base says how many are worth their time
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
    facts = {
        "chosen": [score.figures() for score in choice.chosen],
        "spares": [score.figures() for score in choice.spares],
        "shortfall": job.count - len(choice.chosen),
        "short": dict(choice.short),
        "rejected": dict(choice.rejected),
        "not_finite": len(shots) - len(scores),
        "drawn": len(shots),
        "face_hidden": sorted({shot.style for shot in shots if not ports.styles[shot.style].face_visible}),
    }
    return Done(facts) if choice.chosen else Refused("nothing_passed", NOTHING, facts)


def _rounds(job: Job, ports: RenderPorts, loaded: LoadedBase, judge: Judge) -> tuple[list[Shot], list[Score], Choice]:
    """Plan, draw, measure and choose; once more for the styles that are short, with new seeds and twice the surplus."""
    held = Candidates(ports.vault, job.id)
    shots: list[Shot] = []
    scores: dict[int, Score] = {}

    def seen(shot: Shot, picture: Picture) -> None:
        score = judge.measure(shot.index, shot.style, picture, ports.styles[shot.style].face_visible)
        scores[shot.index] = score
        if score.rejected is None:
            held.keep_preview(shot.index, shot.style, lambda: mark_small(picture, PREVIEW))

    choice = choose((), quotas(job), ports.policy.taste)
    for number in range(1, ports.policy.rounds + 1):
        fresh = held.plan(number)  # of an earlier attempt; packs may have changed since
        if fresh is None:
            fresh = _plan(job, ports, loaded, choice, shots)
            held.keep_plan(number, fresh)
        _draw(job, ports, loaded, fresh, seen)
        shots += fresh
        in_order = [scores[index] for index in sorted(scores)]
        choice = choose(in_order, quotas(job), ports.policy.taste, spill=number == ports.policy.rounds)
        if not choice.short:
            break
    return shots, list(scores.values()), choice


def _plan(job: Job, ports: RenderPorts, loaded: LoadedBase, choice: Choice, drawn: list[Shot]) -> tuple[Shot, ...]:
    if not drawn:
        return plan(job, ports.styles, loaded.base, ports.policy.oversample)
    asked = {style: math.ceil(owed * 2 * ports.policy.oversample) for style, owed in choice.short.items()}
    return more(job, ports.styles, loaded.base, asked, drawn)


def _draw(
    job: Job, ports: RenderPorts, loaded: LoadedBase, shots: tuple[Shot, ...], seen: Callable[[Shot, Picture], None]
) -> None:
    """Draw what is not in the vault yet; `seen` is told of every one. The adapter is on the base only while it runs."""
    held = Candidates(ports.vault, job.id)
    there, known = held.drawn(), {shot.index: shot for shot in shots}
    for shot in shots:
        if shot.index in there:
            seen(shot, held.picture(shot.index))
    missing = [shot for shot in shots if shot.index not in there]
    if not missing:
        return
    with ports.attach(loaded, ports.vault.get(job.id, Kind.ADAPTER, "best")) as strength:
        drawing = sample(loaded, missing, ports.progress, ports.policy.batch, strength, ports.faces.find)
        for index, picture in drawing:
            if picture is not None:
                held.keep(index, picture)
                seen(known[index], picture)
