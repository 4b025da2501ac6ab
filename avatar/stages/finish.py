"""Finish: the chosen candidates become the person's own pictures, labelled as made by a machine.

Reads: Kind.CANDIDATE "plan-N.json" and the chosen "NNNN.png"; what render recorded.
Writes: Kind.PICTURE "NN-style.png", "contact-sheet.png", "report.json".
Covers: the label in every file's metadata, fresh files of pixels and label only, credits counted per style.
Does not cover: an invisible mark in the pixels, signed credentials; handing the files over (deliver).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from avatar.job import Done, Job, Kind, Outcome, Stage
from avatar.marks.label import mark
from avatar.packs.bundle import Delivered, Tile, contact_sheet, report
from avatar.packs.candidates import Candidates
from avatar.packs.style import Style
from avatar.ports import Progress, Vault
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
    held = Candidates(ports.vault, job.id)
    shots = held.shots()
    tiles: list[Tile] = []
    delivered: list[Delivered] = []
    for place, figures in enumerate(chosen, 1):
        ports.progress(place - 1, len(chosen))
        shot = shots[figures["index"]]
        style = ports.styles[shot.style]
        picture = held.picture(shot.index)
        name = f"{place:02d}-{shot.style}.png"
        ports.vault.put(job.id, Kind.PICTURE, name, mark(picture, f"Style {style.title} by {style.author}"))
        tiles.append(Tile(picture, style.title, figures["share"]))
        delivered.append(Delivered(name, shot, figures))
    ports.vault.put(job.id, Kind.PICTURE, SHEET, mark(contact_sheet(tiles)))
    ports.vault.put(job.id, Kind.PICTURE, REPORT, report(job, find(job.base), ports.styles, delivered))
    ports.progress(len(chosen), len(chosen))
    return Done({"pictures": len(delivered)})
