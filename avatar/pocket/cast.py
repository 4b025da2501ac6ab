"""People kept for tests and demonstrations, never drawn for training, and their selfies.

The selfies are written as a phone writes them, metadata and all, so that what strips metadata has something to strip.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from avatar.pocket.draw import draw
from avatar.pocket.people import Person, person
from avatar.pocket.view import View, view

SAMPLE_SEED = 36  # the demonstration's person
SELFIES = Path(__file__).parent / "selfies"
TURNS = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270, 3: Image.Transpose.ROTATE_180}


def cast(count: int = 60) -> list[Person]:
    """People of seeds 0 to count - 1; training seeds start at dataset.FIRST_SEED."""
    return [person(seed) for seed in range(count)]


def sights(who: Person, count: int, seed: int = 0) -> list[View]:
    """Different sights of one person for a set of selfies: mostly calm, eyes open."""
    seen = [view(9_000_000 + who.seed * 1000 + seed * 100 + k, calm=k % 3 != 2) for k in range(count)]
    return [
        replace(
            v,
            blink=min(v.blink, 0.25),
            jpeg=0,
            noise=min(v.noise, 0.008),
            span=min(v.span, 3.2),
            smile=max(v.smile, 0.35) if k % 5 else 0.0,
        )
        for k, v in enumerate(seen)
    ]


def selfies(who: Person, count: int = 12, seed: int = 0, size: int = 256) -> list[np.ndarray]:
    """Varied photos of one person, uint8 (size, size, 3) each."""
    return [draw(who, sight, size) for sight in sights(who, count, seed)]


def write_selfies(who: Person, folder: Path, count: int = 10, size: int = 512, seed: int = 0) -> list[Path]:
    """Write selfies as JPEG files of 768 to 1024 pixels with a phone's metadata; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([who.seed, 31])
    paths = []
    for k, sight in enumerate(sights(who, count, seed)):
        side = int(rng.choice([896, 1024]))
        photo = Image.fromarray(draw(who, sight, size)).resize((side, side), Image.Resampling.BICUBIC)
        if k % 2:  # portrait format: the sides go, the height stays
            photo = photo.crop((side // 14, 0, side - side // 14, side))
        orientation = (1, 6, 1, 8, 1, 3)[k % 6]
        stored = photo if orientation == 1 else photo.transpose(TURNS[orientation])
        paths.append(folder / f"selfie-{k + 1:02d}.jpg")
        stored.save(paths[-1], quality=86, exif=metadata(k, orientation, rng), optimize=True)
    return paths


def metadata(number: int, orientation: int, rng: np.random.Generator) -> Image.Exif:
    """A phone's EXIF block: make, time, orientation and the place: an island that does not exist, off 0 N 0 E."""
    exif = Image.Exif()
    moment = datetime(2031, 5, 4, 9, 30) + timedelta(days=3 * number, minutes=int(rng.integers(600)))
    taken = moment.strftime("%Y:%m:%d %H:%M:%S")
    north, east = (float(rng.uniform(0, 59)) for _ in range(2))
    exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0132] = "Drawn", "Raymarch One", orientation, taken
    exif[0x0131] = "avatar pocket"
    exif.get_ifd(0x8769).update({0x9003: taken, 0x9004: taken, 0xA434: "Signed Distance 26 mm"})
    exif.get_ifd(0x8825).update({1: "N", 2: (0.0, 2.0, north), 3: "E", 4: (0.0, 3.0, east)})
    return exif


def main() -> None:
    """Write the demonstration's selfies."""
    torch.set_num_threads(1)
    for path in write_selfies(person(SAMPLE_SEED), SELFIES):
        print(path.name, path.stat().st_size // 1024, "kB")


if __name__ == "__main__":
    main()
