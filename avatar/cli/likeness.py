"""How much delivered pictures look like the person, measured on drawn people whose identity is known.

    python -m avatar.cli.likeness --people 20 --style all --judge evaluation/judge.safetensors --out DIR

Each of the first people of the cast gives ten selfies; the real stages take them in, tune, render and choose. Every
delivered picture is then named by the recogniser among all people of the cast, each known by three pictures that the
job never saw. The photo prompts and seeds are drawn by the untuned base as well, as the figure to beat. Skin is
compared with the selfies', and each photo's nearest selfie of those given with the nearest of those kept apart. With a
judge (python -m avatar.pocket.evaluate writes one) it is told how often the theme is recognised, too.

Writes `likeness.json` and `likeness.png` (two selfies, then pictures of the tuned base, a row each).
Covers: identity as dlib sees it. Does not cover: real people; taste.
"""

from __future__ import annotations

import avatar.hushed  # noqa: F401

# isort: split
import argparse
import io
import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image

from avatar.cli import show
from avatar.cli.alike import APART, Known, Row, known, measure, summary, told
from avatar.job import ClassWord, Consent, Done, Job, Kind, Stage, new_id
from avatar.packs.candidates import Candidates
from avatar.packs.plan import plan
from avatar.packs.sampler import sample
from avatar.packs.style import load_styles
from avatar.pipeline import Hand, Record, move
from avatar.pocket import judge
from avatar.pocket.cast import cast, selfies
from avatar.pocket.colours import skin_group
from avatar.pocket.looks import THEMES
from avatar.pocket.people import Person
from avatar.pocket.plainly import plainly
from avatar.ports import Picture
from avatar.settings import Settings
from avatar.vault.folder import Folder
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
from avatar.wiring import Bench, build, styles_folder

GIVEN = 10  # selfies given to a job
PHOTO = "photo"
ALL = "all"  # in the place of a style: every one that shows a face


def one_person(at: int, who: Person, everybody: Known, order: argparse.Namespace, folder: Path) -> tuple[Row, Any]:
    """The real stages for one person; the row, and the pictures for the sheet."""
    vault = LocalVault(folder / "jobs", MemoryKeys())
    job = _job(order, at)
    bench = build(Settings(), job, vault, Folder(folder / "out", job.id))
    photos = selfies(who, GIVEN)
    vault.open(job.id)
    for number, photo in enumerate(photos):
        vault.put(job.id, Kind.PHOTO, f"p{number:02}", _jpeg(photo))
    record, begun = Record(job), time.monotonic()
    hands = bench.hands(lambda _: None, lambda *_: None, lambda _: None)
    for stage in (Stage.INTAKE, Stage.TUNE):
        if record.job.stage is stage:
            move(record, hands[stage], vault)
    orders = [] if record.code else [replace(record.job, styles=(s,), count=_count(order, s)) for s in job.styles]
    drawn = {one.styles[0]: _rendered(one, hands[Stage.RENDER], vault) for one in orders}
    row = Row(who.seed, skin_group(who), record.code or "done", round(time.monotonic() - begun, 1))
    row.kept_step = record.job.facts.get(Stage.TUNE, {}).get("kept", 0)
    faces = bench.backs.faces
    row.tuned = {style: [everybody.name(faces.find(one)) for one in own] for style, own in drawn.items()}
    if order.judge:
        seen = order.judge
        row.themed = {
            s: [one["theme"] == s for one in seen.say(own)] for s, own in drawn.items() if own and s in THEMES
        }
    row.missing = job.count - sum(map(len, drawn.values()))
    row.untuned = [everybody.name(faces.find(one)) for one in _untuned(bench, job, _count(order, PHOTO))]
    measure(row, at, photos, drawn.get(PHOTO, []), everybody, faces)
    vault.remove(job.id)
    return row, (photos[:2], [picture for own in drawn.values() for picture in own])


def _count(order: argparse.Namespace, style: str) -> int:
    return int((order.photos or order.pictures) if style == PHOTO else order.pictures)


def _rendered(job: Job, hand: Hand, vault: LocalVault) -> list[Picture]:
    """What is chosen of an order of one style; pictures of a style do not depend on the others."""
    outcome = hand(job)
    held = Candidates(vault, job.id)
    chosen = outcome.facts["chosen"] if isinstance(outcome, Done) else []
    found = [held.picture(one["index"]) for one in chosen]
    vault.erase(job.id, Kind.CANDIDATE)
    return found


def _untuned(bench: Bench, job: Job, count: int) -> list[Picture]:
    """The job's photos as the bare base draws them; none where no photos were ordered."""
    if PHOTO not in job.styles:
        return []
    shots = plan(replace(job, styles=(PHOTO,), count=count), bench.styles, bench.base, oversample=1.0)
    return [picture for _, picture in sample(bench.loaded(), shots, lambda *_: None) if picture is not None]


def _jpeg(picture: Picture) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).resize((768, 768), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def sheet(pairs: Sequence[tuple[list[Picture], list[Picture]]], columns: int = 6) -> Image.Image:
    """A row a person: two selfies, a gap, then what was delivered."""
    image = Image.new("RGB", ((2 + columns) * 256 + 24, len(pairs) * 256), (250, 248, 244))
    for row, (given, drawn) in enumerate(pairs):
        for column, picture in enumerate(given):
            image.paste(_small(picture), (column * 256, row * 256))
        for column, picture in enumerate(drawn[:columns]):
            image.paste(_small(picture), (536 + column * 256, row * 256))
    return image


def _small(picture: Picture) -> Image.Image:
    return Image.fromarray(picture).resize((256, 256), Image.Resampling.BICUBIC)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m avatar.cli.likeness", description=__doc__)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--among", type=int, default=60)
    parser.add_argument("--pictures", type=int, default=6, help="of each style")
    parser.add_argument("--photos", type=int, help="of the style photo, where it is not as many")
    parser.add_argument(
        "--style",
        dest="styles",
        action="append",
        help="may be given again; all: each that shows a face; photo where none is",
    )
    parser.add_argument("--base", default="pocket")
    parser.add_argument("--out", type=Path, default=Path("likeness"))
    parser.add_argument("--workers", type=int, default=1, help="people at once, a process and a core each")
    parser.add_argument("--judge", type=Path, help="judge.safetensors of an evaluation")
    order = parser.parse_args()
    order.styles = order.styles or [PHOTO]
    if min(order.workers, order.pictures, order.people, order.photos or 1) < 1:
        parser.error("workers, people and pictures are counted from 1")
    if order.people > order.among:
        parser.error(f"{order.people} people are not among {order.among}")
    with plainly():
        _run(order)


def _run(order: argparse.Namespace) -> None:
    order.judge = order.judge and judge.load(order.judge)
    if ALL in order.styles:
        packs = load_styles(styles_folder(Settings())).values()
        order.styles = [pack.name for pack in packs if pack.face_visible]
    order.out.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory() as scratch,
        ProcessPoolExecutor(order.workers, get_context("spawn"), torch.set_num_threads, (1,)) as pool,
    ):
        _measure_all(order, Path(scratch), map if order.workers == 1 else pool.map)


def _measure_all(order: argparse.Namespace, folder: Path, each: Callable[..., Iterable[tuple[Row, Any]]]) -> None:
    """One person after another, or some at once; what is known so far is written after each."""
    people = cast(order.among)
    empty = LocalVault(folder / "x", MemoryKeys())
    faces = build(Settings(), _job(order, 0), empty, Folder(folder / "o", new_id())).backs.faces
    show.console.print(f"looking at {len(people)} people of the cast")
    everybody = known((selfies(who, APART, seed=7) for who in people), faces)
    rows, pairs = [], []
    asked = people[: order.people]
    shared = repeat(everybody), repeat(order), repeat(folder)
    for at, (row, pair) in enumerate(each(one_person, range(len(asked)), asked, *shared)):
        rows.append(row)
        pairs.append(pair)
        names = [name for own in row.tuned.values() for name in own]
        right = f"{sum(name == at for name in names)}/{len(names)} right"
        show.console.print(f"{at + 1:3}/{order.people} {row.ending:<8} {right}, {row.seconds:.0f} s")
        (order.out / "likeness.json").write_text(json.dumps(told(rows, order.among), indent=1))
        sheet(pairs, max(6, _job(order, 0).count)).save(order.out / "likeness.png")
    show.console.print_json(json.dumps(summary(rows, order.among)))


def _job(order: argparse.Namespace, seed: int) -> Job:
    count = sum(_count(order, style) for style in order.styles)
    return Job(
        new_id(), ClassWord.PERSON, tuple(order.styles), count, order.base, seed, Consent("drawn", datetime.now(UTC))
    )


if __name__ == "__main__":
    main()
