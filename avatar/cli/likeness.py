"""How much delivered pictures look like the person, measured on drawn people whose identity is known.

    python -m avatar.cli.likeness --people 10 --out DIR

Each of the first people of the cast gives ten selfies; the real stages take them in, tune, render and choose. Every
delivered picture is then named by the recogniser among all people of the cast, each known by three pictures that the
job never saw. The same prompts and seeds are drawn by the untuned base, as the figure to beat.

Writes `likeness.json` and `likeness.png` (two selfies, then pictures of the tuned base, a row each).
Covers: identity as dlib sees it, in one style. Does not cover: real people; taste.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from avatar.cli import show
from avatar.job import ClassWord, Consent, Job, Kind, Stage, new_id
from avatar.packs.plan import plan
from avatar.packs.sampler import sample
from avatar.pipeline import Record, move
from avatar.pocket.cast import cast, selfies
from avatar.pocket.people import Person
from avatar.ports import Descriptor, Faces, Picture
from avatar.settings import Settings, hush
from avatar.vault.folder import Folder
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
from avatar.wiring import Bench, build

KNOWN = 3  # pictures by which each of the cast is known
GIVEN = 10  # selfies given to a job


@dataclass(slots=True)
class Row:
    """What came of one person. Distances are the recogniser's; `named` are places in the cast."""

    seed: int
    ending: str
    seconds: float
    kept_step: int = 0
    tuned: list[int] = field(default_factory=list)
    untuned: list[int] = field(default_factory=list)
    distance: float = float("nan")  # mean, delivered pictures to the selfies the job never saw
    spread: float = float("nan")  # mean, the person's own selfies to those


def named(picture: Picture, gallery: np.ndarray, faces: Faces) -> int | None:
    """The place in the cast of the one nearest on average; None unless the picture has exactly one face."""
    found = faces.find(picture)
    if len(found) != 1:
        return None
    return int(np.argmin(np.linalg.norm(gallery - found[0].descriptor, axis=-1).mean(1)))


def descriptors(pictures: Sequence[Picture], faces: Faces) -> list[Descriptor]:
    """Of each picture that shows a face, the largest one's."""
    return [found[0].descriptor for found in map(faces.find, pictures) if found]


def gallery_of(people: Sequence[Person], faces: Faces) -> np.ndarray:
    """(people, KNOWN, D) descriptors of pictures that no job sees; a missed face repeats one that was found."""
    rows = []
    for at, who in enumerate(people):
        show.console.print(f"\rdrawing the cast {at + 1}/{len(people)}", end="")
        known = descriptors(selfies(who, KNOWN + 2, seed=7), faces)
        rows.append([known[place % len(known)] for place in range(KNOWN)])
    show.console.print()
    return np.array(rows)


def one_person(at: int, who: Person, gallery: np.ndarray, order: argparse.Namespace, folder: Path) -> tuple[Row, Any]:
    """The real stages for one person; the row, and the pictures for the sheet."""
    vault = LocalVault(folder / "jobs", MemoryKeys())
    consent = Consent("drawn", datetime.now(UTC))
    job = Job(new_id(), ClassWord.PERSON, (order.style,), order.pictures, order.base, at, consent)
    bench = build(Settings(), job, vault, Folder(folder / "out", job.id))
    photos = selfies(who, GIVEN)
    vault.open(job.id)
    for number, photo in enumerate(photos):
        vault.put(job.id, Kind.PHOTO, f"p{number:02}", _jpeg(photo))
    record, begun = Record(job), time.monotonic()
    hands = bench.hands(lambda _: None, lambda *_: None, lambda _: None)
    for stage in (Stage.INTAKE, Stage.TUNE, Stage.RENDER):
        if record.job.stage is stage:
            move(record, hands[stage], vault)
    row = Row(who.seed, record.code or "done", round(time.monotonic() - begun, 1))
    chosen = record.job.facts.get(Stage.RENDER, {}).get("chosen", [])
    drawn = [_open(vault.get(job.id, Kind.CANDIDATE, f"{one['index']:04d}.png")) for one in chosen]
    bare = _untuned(bench, job, len(drawn) or order.pictures)
    _fill(row, drawn, bare, photos, gallery, at, bench.backs.faces)
    row.kept_step = record.job.facts.get(Stage.TUNE, {}).get("kept", 0)
    vault.remove(job.id)
    return row, (photos[:2], drawn)


def _fill(
    row: Row,
    drawn: list[Picture],
    bare: list[Picture],
    photos: list[Picture],
    gallery: np.ndarray,
    at: int,
    faces: Faces,
) -> None:
    row.tuned = [-1 if (name := named(one, gallery, faces)) is None else name for one in drawn]
    row.untuned = [-1 if (name := named(one, gallery, faces)) is None else name for one in bare]
    made, own = descriptors(drawn, faces), descriptors(photos, faces)
    if made:
        row.distance = float(np.mean([np.linalg.norm(gallery[at] - one, axis=-1) for one in made]))
    row.spread = float(np.mean([np.linalg.norm(gallery[at] - one, axis=-1) for one in own]))


def _untuned(bench: Bench, job: Job, count: int) -> list[Picture]:
    shots = plan(job, bench.styles, bench.base)[:count]
    return [picture for _, picture in sample(bench.loaded(), shots, lambda *_: None) if picture is not None]


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).resize((768, 768), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def _open(data: bytes) -> Picture:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def summary(rows: Sequence[Row], people: int) -> dict[str, Any]:
    """Rank-1 over all pictures (one without a face counts as wrong), and distances against the selfies' own."""

    def rank_one(names: list[list[int]]) -> float:
        hits = [name == at for at, given in enumerate(names) for name in given]
        return round(float(np.mean(hits)), 3) if hits else 0.0

    return {
        "people": len(rows),
        "among": people,
        "pictures": sum(len(row.tuned) for row in rows),
        "rank1_tuned": rank_one([row.tuned for row in rows]),
        "rank1_untuned": rank_one([row.untuned for row in rows]),
        "chance": round(1 / people, 4),
        "distance_to_own": round(float(np.nanmean([row.distance for row in rows])), 3),
        "own_spread": round(float(np.nanmean([row.spread for row in rows])), 3),
        "seconds_a_person": round(float(np.mean([row.seconds for row in rows])), 1),
    }


def sheet(pairs: Sequence[tuple[list[Picture], list[Picture]]], columns: int = 6) -> Image.Image:
    """A row a person: two selfies, a gap, then what was delivered."""
    image = Image.new("RGB", ((2 + columns) * 256 + 24, len(pairs) * 256), (250, 248, 244))
    for row, (given, drawn) in enumerate(pairs):
        for column, picture in enumerate(given):
            image.paste(Image.fromarray(picture), (column * 256, row * 256))
        for column, picture in enumerate(drawn[:columns]):
            image.paste(Image.fromarray(picture), (536 + column * 256, row * 256))
    return image


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m avatar.cli.likeness", description=__doc__)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--among", type=int, default=60)
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--style", default="photo")
    parser.add_argument("--base", default="pocket")
    parser.add_argument("--out", type=Path, default=Path("likeness"))
    order = parser.parse_args()
    hush()
    torch.set_grad_enabled(True)
    people = cast(order.among)
    order.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        empty = LocalVault(folder / "x", MemoryKeys())
        faces = build(Settings(), _any_job(order), empty, Folder(folder / "o", new_id())).backs.faces
        gallery = gallery_of(people, faces)
        rows, pairs = [], []
        for at, who in enumerate(people[: order.people]):
            row, pair = one_person(at, who, gallery, order, folder)
            rows.append(row)
            pairs.append(pair)
            hits = sum(name == at for name in row.tuned)
            right = f"{hits}/{len(row.tuned)} right"
            show.console.print(f"{at + 1:3}/{order.people} {row.ending:<8} {right}, {row.seconds:.0f} s")
            told = summary(rows, order.among) | {"rows": [{k: getattr(r, k) for k in Row.__slots__} for r in rows]}
            (order.out / "likeness.json").write_text(json.dumps(told, indent=1))
            sheet(pairs).save(order.out / "likeness.png")
    show.console.print_json(json.dumps(summary(rows, order.among)))


def _any_job(order: argparse.Namespace) -> Job:
    return Job(new_id(), ClassWord.PERSON, (order.style,), 1, order.base, 0, Consent("drawn", datetime.now(UTC)))


if __name__ == "__main__":
    main()
