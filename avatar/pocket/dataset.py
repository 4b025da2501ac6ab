"""Draw training pictures with their captions: python -m avatar.pocket.dataset --out DIR --count 16000

Shards: NNNN.npy, uint8 (up to 256, 256, 256, 3) as picture, row, column, sRGB; NNNN.json, a list with one entry per
picture: theme, seed, captions (several), traits. A shard is drawn whole and renamed into place, so the
command may be stopped and started again. Several pictures share one march: the same bones and pose,
other colours, skin marks, clothes, light, backdrop and theme. Each is cut around its face as intake cuts a selfie,
only wider than for this base, so that shoulders and hats are learned; where no face is found, the march is left out.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from avatar.photos.crops import cut, frame_of
from avatar.photos.dlib_faces import DlibFaces
from avatar.photos.policy import IntakePolicy
from avatar.pocket.captions import caption
from avatar.pocket.colours import skin_group
from avatar.pocket.draw import geometry
from avatar.pocket.looks import THEMES, themed
from avatar.pocket.people import Hair, Person, person, recolour
from avatar.pocket.plainly import plainly
from avatar.pocket.view import View, view
from avatar.ports import Faces

SHARD = 256  # pictures
SHARING = 8  # pictures of one march: the march costs as much as seven shadings
Made = tuple[np.ndarray, dict[str, object]]  # a picture and its entry
FIRST_SEED = 100_000  # people below are kept for testing and never drawn here
PHOTO_SHARE = 0.45
FEW = 2  # pictures of a march that are looked at for a face
CALM = 3  # one march in so many is turned as far as a head may be; the others are near to frontal, as selfies are
LIGHTS = 3  # directions of light per march; a shadow costs as much as the rest of a shading


def traits(who: Person) -> dict[str, object]:
    """What a classifier may be asked to see."""
    return {
        "hair": str(who.hair),
        "hair_colour": "none" if who.hair in (Hair.BALD, Hair.HEADSCARF) else str(who.hair_colour),
        "skin_group": skin_group(who),
        "tone": round(who.tone, 2),
        "age": round(who.age),
        "glasses": str(who.glasses),
        "beard": str(who.beard),
    }


def sights(first: View, seed: int) -> list[View]:
    """Views that share the pose of the first: other clothes, backdrops, colours of light, a few directions."""
    others = [view(seed * SHARING + k) for k in range(SHARING)]
    keep = (
        "yaw",
        "pitch",
        "roll",
        "smile",
        "mouth_open",
        "blink",
        "gaze_y",
        "brow_raise",
        "span",
        "camera",
        "shift_x",
        "shift_y",
    )
    posed = {name: getattr(first, name) for name in keep}
    return [
        replace(o, **posed, light_turn=others[k % LIGHTS].light_turn, light_height=others[k % LIGHTS].light_height)
        for k, o in enumerate(others)
    ]


def framed(made: list[Made], faces: Faces) -> list[Made]:
    """Pictures of one march, cut by the face that is found first; none of them where none is found in a few."""
    policy = IntakePolicy(resolution=made[0][0].shape[0])
    for picture, _ in sorted(made, key=lambda pair: pair[1]["theme"] != "photo")[:FEW]:
        found = faces.find(picture)
        if len(found) == 1:
            frame = frame_of(picture, found[0], policy)
            return [(cut(each, frame, policy.resolution), entry) for each, entry in made]
    return []


def family(seed: int) -> list[Made]:
    """All pictures of one march, with their entries."""
    rng = np.random.default_rng([seed, 29])
    bones = person(seed)
    views = sights(view(seed, calm=seed % CALM != 0), seed)
    with torch.inference_mode():
        buffer = geometry(bones, views[0])
    made = []
    for k, sight in enumerate(views):
        who = bones if k == 0 else recolour(bones, seed * SHARING + k)
        theme = "photo" if rng.random() < PHOTO_SHARE else str(rng.choice(THEMES[1:]))
        captions = [caption(who, sight, theme, identity=k < 3, rng=rng) for k in range(4)]
        made.append(
            (
                themed(buffer, who, sight, theme),
                {"theme": theme, "seed": who.seed, "captions": captions, "traits": traits(who)},
            )
        )
    return made


def shard(number: int, out: Path, seed: int) -> None:
    """Draw one shard, unless it is there."""
    torch.set_num_threads(1)
    target = out / f"{number:04d}.npy"
    if target.exists():
        return
    faces = DlibFaces()
    first = FIRST_SEED + seed + number * (SHARD // SHARING)
    made = [pair for k in range(SHARD // SHARING) for pair in framed(family(first + k), faces)]
    part = out / f".{number:04d}.{os.getpid()}.part"
    try:
        (out / f"{number:04d}.json").write_text(json.dumps([entry for _, entry in made]))
        with part.open("wb") as file:
            np.save(file, np.array([picture for picture, _ in made], np.uint8))
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def draw_all(out: Path, count: int, seed: int, workers: int) -> None:
    """Draw all shards with some processes, saying how far it is."""
    out.mkdir(parents=True, exist_ok=True)
    todo = [n for n in range(-(-count // SHARD)) if not (out / f"{n:04d}.npy").exists()]
    start = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        jobs = [pool.apply_async(shard, (n, out, seed)) for n in todo]
        for done, job in enumerate(jobs, 1):
            job.get()
            left = (time.monotonic() - start) / done * (len(jobs) - done)
            print(f"{done}/{len(jobs)} shards, {done * SHARD} pictures, {left / 60:.1f} min left", flush=True)


def main() -> None:
    """Read the command line and draw."""
    ask = argparse.ArgumentParser(description="Draw training pictures of drawn people.")
    ask.add_argument("--out", type=Path, required=True)
    ask.add_argument("--count", type=int, default=16_000)
    ask.add_argument("--seed", type=int, default=0, help="added to the first person's seed")
    ask.add_argument("--workers", type=int, default=2)
    told = ask.parse_args()
    with plainly():
        draw_all(told.out, told.count, told.seed, told.workers)


if __name__ == "__main__":
    main()
