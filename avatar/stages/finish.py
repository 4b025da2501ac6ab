"""Finish: the chosen candidates become the person's own pictures, labelled as made by a machine.

Reads: Kind.CANDIDATE "plan-N.json" and the chosen "NNNN.png"; what render recorded.
Writes: Kind.PICTURE "NN-style.png", "contact-sheet.png", "report.json".
Covers: the label in every file's metadata, fresh files of pixels and label only, credits counted per style.
Does not cover: an invisible mark in the pixels, signed credentials; handing the files over (deliver).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from avatar.job import Done, Job, Kind, Outcome, Stage
from avatar.marks.label import mark
from avatar.packs.bundle import Delivered, Tile, contact_sheet, report
from avatar.packs.plan import Shot, from_json
from avatar.packs.style import Style
from avatar.ports import Picture, Progress, Vault
from avatar.weights.registry import find

SHEET = "contact-sheet.png"
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class FinishPorts:
    vault: Vault
    styles: Mapping[str, Style]
    progress: Progress


def run(job: Job, ports: FinishPorts) -> Outcome:
    chosen = job.facts[Stage.RENDER]["chosen"]
    shots = _plans(job, ports)
    tiles: list[Tile] = []
    delivered: list[Delivered] = []
    for place, figures in enumerate(chosen, 1):
        ports.progress(place - 1, len(chosen))
        shot = shots[figures["index"]]
        style = ports.styles[shot.style]
        picture = _picture(ports.vault.get(job.id, Kind.CANDIDATE, f"{shot.index:04d}.png"))
        name = f"{place:02d}-{shot.style}.png"
        ports.vault.put(job.id, Kind.PICTURE, name, mark(picture, f"Style {style.title} by {style.author}"))
        tiles.append(Tile(picture, style.title, figures["share"]))
        delivered.append(Delivered(name, shot, figures))
    ports.vault.put(job.id, Kind.PICTURE, SHEET, mark(contact_sheet(tiles)))
    ports.vault.put(job.id, Kind.PICTURE, REPORT, report(job, find(job.base), ports.styles, delivered))
    ports.progress(len(chosen), len(chosen))
    return Done({"pictures": len(delivered)})


def _plans(job: Job, ports: FinishPorts) -> dict[int, Shot]:
    """Every shot of every round by index."""
    names = [name for name in ports.vault.names(job.id, Kind.CANDIDATE) if name.startswith("plan-")]
    return {shot.index: shot for name in names for shot in from_json(ports.vault.get(job.id, Kind.CANDIDATE, name))}


def _picture(data: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(data), formats=("PNG",)).convert("RGB"))
