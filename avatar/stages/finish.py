"""Finish: the chosen candidates become the person's own pictures, labelled as made by a machine.

Reads: Kind.CANDIDATE "plan-N.json" and the chosen "NNNN.png"; what render recorded.
Writes: Kind.PICTURE "NN-style.png", "contact-sheet.png", "report.json"; the spares, whose numbers go on where those of
    the pictures end, and "spares.json", what the report will say of one that is put in a picture's place.
Covers: the label in every file's metadata, fresh files of pixels and label only, credits counted per style.
Does not cover: an invisible mark in the pixels, signed credentials; handing the files over (deliver).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from avatar.job import Done, Job, Kind, Outcome, Stage
from avatar.marks.label import mark
from avatar.packs.bundle import REPORT, SHEET, Delivered, Tile, contact_sheet, report, squared
from avatar.packs.candidates import Candidates
from avatar.packs.spares import SPARES, kept
from avatar.packs.style import Style
from avatar.ports import Progress, Vault
from avatar.weights.registry import find


@dataclass(frozen=True, slots=True)
class FinishPorts:
    vault: Vault
    styles: Mapping[str, Style]
    progress: Progress


def run(job: Job, ports: FinishPorts) -> Outcome:
    found = job.facts[Stage.RENDER]
    chosen, spares = found["chosen"], found.get("spares", [])
    held = Candidates(ports.vault, job.id)
    tiles: list[Tile] = []
    delivered = _written(job, ports, held, [*chosen, *spares], tiles)
    pictures, beside = delivered[: len(chosen)], delivered[len(chosen) :]
    ports.vault.put(job.id, Kind.PICTURE, SHEET, mark(contact_sheet(tiles[: len(chosen)])))
    ports.vault.put(job.id, Kind.PICTURE, REPORT, report(job, find(job.base), ports.styles, pictures))
    if beside:
        ports.vault.put(job.id, Kind.PICTURE, SPARES, kept(pictures, beside, ports.styles))
    by_style: dict[str, list[str]] = {}
    for one in beside:
        by_style.setdefault(one.shot.style, []).append(one.file)
    return Done({"pictures": len(pictures), "names": [one.file for one in pictures], "spares": by_style})


def _written(
    job: Job, ports: FinishPorts, held: Candidates, figures: Sequence[Mapping[str, Any]], tiles: list[Tile]
) -> list[Delivered]:
    """Each picture under its number and style, labelled; `tiles` is filled alongside."""
    shots, delivered = held.shots(), []
    for place, one in enumerate(figures, 1):
        ports.progress(place - 1, len(figures))
        shot = shots[one["index"]]
        style = ports.styles[shot.style]
        picture = held.picture(shot.index)
        name = f"{place:02d}-{shot.style}.png"
        ports.vault.put(job.id, Kind.PICTURE, name, mark(picture, f"Style {style.title} by {style.author}"))
        tiles.append(Tile(squared(picture), style.title, one["share"]))
        delivered.append(Delivered(name, shot, one))
    ports.progress(len(figures), len(figures))
    return delivered
