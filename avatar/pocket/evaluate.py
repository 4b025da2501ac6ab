"""Evaluate the pocket base: python -m avatar.pocket.evaluate --data DIR [--base FOLDER] [--out DIR] [--quick]

Prints a table, and writes it as evaluation.json beside evaluation.png, a grid with a row for each theme, and
judge.safetensors, which the likeness command can ask as well. Ends with 1 where a bar is not met. DIR holds drawn
pictures that no base was trained on (python -m avatar.pocket.dataset --seed 400000); the last shard is kept from the
judge's training and measures it. Of 16,000 it learns enough, of 3,000 it does not (of drawn pictures that it never saw
it names 97 and 85 % of themes).
Covers: drawn people before real face tools; the autoencoder; whether captions are followed; faces; speed.
Does not cover: likeness after tuning, which takes the whole path: python -m avatar.cli.likeness --people 20
"""

from __future__ import annotations

import avatar.hushed  # noqa: F401

# isort: split
import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from avatar.pocket import judge
from avatar.pocket.autoencoder import decode, encode, psnr
from avatar.pocket.captions import CLASS_WORDS, LEADS
from avatar.pocket.draw import draw
from avatar.pocket.judge import HEADS, NO, SKINS, YES, Judge
from avatar.pocket.looks import THEMES
from avatar.pocket.measure import Tools, by_theme, measure, rank_one
from avatar.pocket.people import HairColour, person
from avatar.pocket.plainly import plainly
from avatar.pocket.train import grid
from avatar.pocket.view import view
from avatar.weights.load import pipeline
from avatar.weights.registry import find, place

Pixels = NDArray[np.uint8]
SAID_SKIN = {"pale": "pale", "light": "light", "tan": "tan", "brown": "brown", "deep": "very dark"}  # caption words
STEPS, GUIDANCE, BATCH = 20, 3.0, 8


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `bar` is the least that is wanted, or the most where `below`; None: told only."""

    what: str
    value: float
    bar: float | None = None
    unit: str = "%"
    below: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value <= self.bar if self.below else self.value >= self.bar


def drawn(count: int, people: int) -> Iterator[Line]:
    """Drawn people before dlib: one face found, and the right person named."""
    tools = Tools.load()
    looks = [tools.look(draw(person(500_000 + at), view(500_000 + at)))[0] for at in range(count)]
    yield Line("drawn: exactly one face, HOG then MMOD", 100 * (1 - looks.count("none") / count), 98, note=f"{count}")
    _, vectors = measure([person(seed) for seed in range(people)], 4)
    yield Line("drawn: rank-1, three others as gallery", 100 * rank_one(vectors), 95, note=f"among {people}")
    gallery = {seed: seen[1:] for seed, seen in vectors.items() if len(seen) > 1}
    for theme, (faced, named) in by_theme([person(seed) for seed in gallery], gallery).items():
        yield Line(f"  {theme}: rank-1 from photos", 100 * named, note=f"one face in {faced:.0%} of {len(gallery)}")


def autoencoder(pipe: StableDiffusionPipeline, held: Sequence[Pixels]) -> Iterator[Line]:
    """What is left of a picture that went through the autoencoder."""
    yield Line("autoencoder: drawn, kept apart", psnr(held, decode(pipe.vae, encode(pipe.vae, held))), 30, "dB")
    try:
        from skimage import data
    except ModuleNotFoundError:
        return
    face = [np.ascontiguousarray(data.astronaut()[0:256, 96:352])]
    yield Line("autoencoder: a photograph (astronaut)", psnr(face, decode(pipe.vae, encode(pipe.vae, face))), 24, "dB")


def generated(pipe: StableDiffusionPipeline, captions: Sequence[str], seed: int) -> list[Pixels]:
    """A picture for each caption, uint8 (256, 256, 3)."""
    made: list[Pixels] = []
    for at in range(0, len(captions), BATCH):
        dice = torch.Generator().manual_seed(seed + at)
        with warnings.catch_warnings():  # the solver turns a tensor into an array in a way that numpy means to forbid
            warnings.simplefilter("ignore", DeprecationWarning)
            asked = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "generator": dice, "output_type": "np"}
            images = pipe(list(captions[at : at + BATCH]), **asked).images
        made += list((images * 255).round().astype(np.uint8))
    return made


def themed(pipe: StableDiffusionPipeline, seen: Judge, each: int, sure: float, out: Path) -> Iterator[Line]:
    """Whether the theme of the caption is the theme that is recognised."""
    rows, right = [], {}
    for turn, theme in enumerate(THEMES):
        before, after = LEADS[theme]
        captions = [f"{before} a {CLASS_WORDS[k % 3]} {after}".strip() for k in range(each)]
        pictures = generated(pipe, captions, 10_000 * (turn + 1))
        rows += pictures[:8]
        right[theme] = float(np.mean([said["theme"] == theme for said in seen.say(pictures)]))
    grid(out / "evaluation.png", rows, 8)
    note = f"{each} each; {sure:.1%} of drawn ones"
    yield Line("theme of the caption recognised", 100 * float(np.mean(list(right.values()))), 90, note=note)
    for theme, share in right.items():
        yield Line(f"  {theme}", 100 * share)


def asked(each: int) -> list[tuple[str, str, dict[str, str]]]:
    """Captions of photos that state looks: the group of skin, the caption, what the judge should say."""
    made = []
    for group in SKINS:
        for at in range(each):
            colour = str(list(HairColour)[(at + at // 4) % len(HairColour)])
            worn, grown = at % 2 == 0, at // 2 % 2 == 0
            said = [f"{SAID_SKIN[group]} skin", f"short {colour} hair"]
            said += ["round glasses"] * worn + ["full beard"] * grown
            caption = f"a photo of a {CLASS_WORDS[at % 3]}, {', '.join(said)}"
            looks = {"hair colour": colour, "glasses": YES if worn else NO, "beard": YES if grown else NO}
            made.append((group, caption, {**looks, "skin group": group}))
    return made


def stated(pipe: StableDiffusionPipeline, seen: Judge, each: int, sure: dict[str, float]) -> Iterator[Line]:
    """Whether hair colour, glasses, beard and skin are as the caption says, and equally so for every skin."""
    wanted = asked(each)
    found = seen.say(generated(pipe, [caption for _, caption, _ in wanted], 77))
    for head in list(HEADS)[1:]:
        hits: dict[str, list[bool]] = {group: [] for group in SKINS}
        for (group, _, looks), said in zip(wanted, found, strict=True):
            hits[group].append(_as_stated(head, looks[head], said[head]))
        shares = {group: float(np.mean(own)) for group, own in hits.items()}
        note = ", ".join(f"{group} {share:.0%}" for group, share in shares.items())
        whole = float(np.mean([hit for own in hits.values() for hit in own]))
        yield Line(f"{head} as stated", 100 * whole, 85, note=f"{sure[head]:.0%} of drawn ones; {note}")
        apart = 100 * (max(shares.values()) - min(shares.values()))
        yield Line("  between skin groups", apart, 10, "points", below=True)


def _as_stated(head: str, wanted: str, said: str) -> bool:
    """A neighbouring group of skin counts as right: the words of the captions are finer than the groups."""
    if head != "skin group":
        return wanted == said
    return abs(SKINS.index(wanted) - SKINS.index(said)) <= 1


def faces(pipe: StableDiffusionPipeline, count: int) -> Iterator[Line]:
    """Generated photos with exactly one face, and the time that a picture takes."""
    tools = Tools.load()
    captions = [f"a photo of a {CLASS_WORDS[k % 3]}" + ", facing the camera" * (k % 4 == 3) for k in range(count)]
    begun = time.perf_counter()
    pictures = generated(pipe, captions, 1000)
    took = (time.perf_counter() - begun) / count
    looks = [tools.look(picture)[0] for picture in pictures]
    alone = 100 * looks.count("hog") / count
    yield Line(
        "generated photos with exactly one face", 100 * (1 - looks.count("none") / count), 95, note=f"HOG {alone:.0f} %"
    )
    yield Line(f"{STEPS} guided steps, batch {BATCH}, a picture", took, 1.0, "s", below=True)


def evaluate(order: argparse.Namespace) -> list[Line]:
    """All rows."""
    shards = sorted(order.data.glob("[0-9]*.npy"))
    if len(shards) < 2:
        raise SystemExit(f"{order.data} holds fewer than two shards: draw some with python -m avatar.pocket.dataset")
    order.out.mkdir(parents=True, exist_ok=True)
    base = find(order.base)
    pipe = pipeline(base, place(base), torch.float32)
    pipe.set_progress_bar_config(disable=True)
    say = Console(stderr=True).print
    seen = judge.load(order.judge) if order.judge else _taught(shards[:-1][:: 4 if order.quick else 1], say)
    sure = judge.rightness(seen, judge.read(shards[-1:]))
    judge.keep(seen, order.out / "judge.safetensors")
    held = list(np.load(shards[-1], mmap_mode="r")[::2])
    few = 8 if order.quick else 24
    lines: list[Line] = []
    for part in (
        autoencoder(pipe, held),
        faces(pipe, 8 * few),
        stated(pipe, seen, 2 * few, sure),
        themed(pipe, seen, few, sure["theme"], order.out),
        drawn(100 if order.quick else 1000, 60),
    ):
        for line in part:
            lines.append(line)
            say(f"{line.what}: {line.value:.1f} {line.unit}")
    return lines


def _taught(lessons: Sequence[Path], say: Callable[[str], None]) -> Judge:
    say(f"the judge learns from {len(lessons)} shards")
    return judge.train(judge.read(lessons))


def show(lines: Sequence[Line]) -> None:
    """The table."""
    table = Table("what", "figure", "bar", "", "of")
    for line in lines:
        sign = "" if line.bar is None else f"{'at most' if line.below else 'at least'} {line.bar:g}"
        met = {None: "", True: "met", False: "short"}[line.met]
        table.add_row(line.what, f"{line.value:.2f} {line.unit}", sign, met, line.note)
    Console().print(table)


def main() -> int:
    """Read the command line, evaluate, print and write."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", type=Path, required=True, help="folder of shards")
    ask.add_argument("--base", default="pocket", help="a base by name, or a folder of weights")
    ask.add_argument("--out", type=Path, default=Path("evaluation"))
    ask.add_argument("--judge", type=Path, help="one that an evaluation wrote, in the place of a new one")
    ask.add_argument("--quick", action="store_true", help="a third of the pictures, a quarter of the judge's training")
    order = ask.parse_args()
    with plainly():
        lines = evaluate(order)
    show(lines)
    told: list[dict[str, Any]] = [{name: getattr(line, name) for name in (*Line.__slots__, "met")} for line in lines]
    (order.out / "evaluation.json").write_text(json.dumps(told, indent=1))
    return int(any(line.met is False for line in lines))


if __name__ == "__main__":
    sys.exit(main())
