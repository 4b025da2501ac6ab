"""Rehearse: a test job for developers of apps. Nobody's photos are looked at, nothing is tuned, nothing is drawn.

Reads: the names of `photo`; the packs' previews. Writes: the same candidates that render writes, of those previews.
Covers: the same states, facts, files and endings as a true job, within a second, so that finish and deliver run as
they are. The seed chooses the ending: `REFUSED` is refused at intake, `BROKEN` fails in tune, any other delivers.
Does not cover: verdicts on photos; likeness, which is unknown in every picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from avatar.job import Done, Job, Kind, Outcome, Refused
from avatar.marks.label import mark_small
from avatar.packs.candidates import Candidates
from avatar.packs.plan import more, quotas
from avatar.packs.style import Style
from avatar.photos.checks import SENTENCES
from avatar.ports import Picture, Vault
from avatar.weights.registry import find

REFUSED, BROKEN = 1, 2  # seeds
GREY = 128  # where a pack has no preview yet
SPARES = 2  # a style: enough to see one come, and the end of them
PREVIEW = 160  # pixels a side, as render's
UNKNOWN = {"distance": None, "share": None, "sharpness": None, "nearest": None, "skin": None}


@dataclass(frozen=True, slots=True)
class RehearsalPorts:
    vault: Vault
    styles: Mapping[str, Style]


def intake(job: Job, ports: RehearsalPorts) -> Outcome:
    """Every photo is good, or there are too few."""
    names = ports.vault.names(job.id, Kind.PHOTO)
    if job.seed == REFUSED:
        return Refused("too_few_photos", "This is a rehearsal of a refused job: too few of the photos are usable.")
    sentence, remedy = SENTENCES["ok"]
    good = {"code": "ok", "sentence": sentence, "remedy": remedy, "usable": True}
    return Done({"verdicts": [{"photo_id": name, **good} for name in names], "usable": len(names), "refused": 0})


def tune(job: Job, ports: RehearsalPorts) -> Outcome:
    """Nothing, or a fault."""
    if job.seed == BROKEN:
        raise RuntimeError("a rehearsal of a fault")
    return Done({"rehearsal": True})


def render(job: Job, ports: RehearsalPorts) -> Outcome:
    """The packs' previews in the place of pictures of the person."""
    owed = quotas(job)
    shots = more(job, ports.styles, find(job.base), {name: number + SPARES for name, number in owed.items()}, ())
    held = Candidates(ports.vault, job.id)
    held.keep_plan(1, shots)
    for shot in shots:
        picture = preview(ports.styles[shot.style], shot.width)
        held.keep(shot.index, picture)
        held.keep_preview(shot.index, shot.style, partial(mark_small, picture, PREVIEW))
    chosen: list[dict[str, object]] = []
    spares: list[dict[str, object]] = []
    for shot in shots:
        owed[shot.style] -= 1
        (chosen if owed[shot.style] >= 0 else spares).append({"index": shot.index, "style": shot.style, **UNKNOWN})
    return Done({"chosen": chosen, "spares": spares, "drawn": len(shots), "rehearsal": True})


def preview(style: Style, side: int) -> Picture:
    """A pack's preview, uint8 (side, side, 3)."""
    if style.preview is None:
        return np.full((side, side, 3), GREY, np.uint8)
    with Image.open(style.preview) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))
