"""An order to the exact list of pictures to draw: which style, which words, which seed.

The plan is a pure function of the job and the packs, so a stage that is repeated after a crash draws the same pictures.
A style's pictures depend on that style alone: adding another style to the order changes none of them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from avatar.job import Job
from avatar.packs.manner import NEVER
from avatar.packs.prompts import compose
from avatar.packs.style import Style, pick
from avatar.weights.registry import Base


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to draw. `guidance` is the scale; it acts where low < sigma <= high.

    `identity` is the share of the person's adapter that is applied; while sigma > settled it is `early`, and from there
    on, where `around` is not None, it is `around` everywhere but on the face.
    """

    index: int
    style: str
    prompt: str
    negative: str
    seed: int
    width: int  # pixels
    height: int
    guidance: float
    low: float
    high: float
    steps: int
    identity: float
    early: float = 1.0
    settled: float = NEVER  # sigma
    around: float | None = None
    blocks: int = 0  # squares of one colour along a side; 0: as the base draws
    levels: int = 0  # of each channel, where it is of squares
    ink_steps: int = 0  # of lightness, where it is gone over in inks; 0: it is not
    ink_line: float = 0.0  # how strong its lines are
    ink_shade: float = 0.0  # L* below which dots are printed


def split(count: int, names: Sequence[str]) -> dict[str, int]:
    """`count` pictures over the styles as evenly as whole numbers go; the first named get what is left over."""
    each, rest = divmod(count, len(names))
    return {name: each + (place < rest) for place, name in enumerate(names)}


def plan(
    job: Job, styles: Mapping[str, Style], base: Base, oversample: float = 1.5, traits: str = ""
) -> tuple[Shot, ...]:
    """All pictures of the first round: each style's share of the order times `oversample`, rounded up.

    Choosing the best of a few draws gains more than the same time spent on longer drawing (arXiv 2501.09732).
    """
    asked = {name: math.ceil(number * oversample) for name, number in quotas(job).items()}
    return more(job, styles, base, asked, (), traits)


def more(
    job: Job, styles: Mapping[str, Style], base: Base, asked: Mapping[str, int], drawn: Sequence[Shot], traits: str = ""
) -> tuple[Shot, ...]:
    """`asked[style]` further shots of each style, with seeds and words that `drawn` has not used; indices count on."""
    made: list[Shot] = []
    for style in pick(styles, asked):
        first = sum(shot.style == style.name for shot in drawn)
        for turn in range(first, first + asked[style.name]):
            made.append(_shot(job, style, base, traits, turn, len(drawn) + len(made)))
    return tuple(made)


def quotas(job: Job) -> dict[str, int]:
    """How many pictures each ordered style owes. A style named twice counts once."""
    return {name: number for name, number in split(job.count, tuple(dict.fromkeys(job.styles))).items() if number}


def to_json(made: Iterable[Shot]) -> bytes:
    return json.dumps([asdict(shot) for shot in made], sort_keys=True).encode()


def from_json(data: bytes) -> tuple[Shot, ...]:
    """The inverse of `to_json`; TypeError where a key is missing or unknown."""
    return tuple(Shot(**one) for one in json.loads(data))


def _shot(job: Job, style: Style, base: Base, traits: str, turn: int, index: int) -> Shot:
    pieces, (drawing, identity, inks) = style.pieces(base.name, base.family), style.manner(base.name, base.family)
    subject = f"{base.native_token} {job.class_word}"
    return Shot(
        index=index,
        style=style.name,
        prompt=compose(pieces, subject, traits, f"{job.seed}/{style.name}", turn),
        negative=pieces.negative,
        seed=_seed(job.seed, style.name, turn),
        width=base.resolution,
        height=base.resolution,
        guidance=round(max(1.0, base.guidance * drawing.guidance), 3),
        low=drawing.low,
        high=drawing.high,
        steps=max(1, round(base.steps * drawing.effort)),
        identity=identity.scale,
        early=identity.early,
        settled=identity.settled,
        around=identity.around,
        blocks=style.blocks.side if style.blocks else 0,
        levels=style.blocks.levels if style.blocks else 0,
        ink_steps=inks.steps if inks else 0,
        ink_line=inks.line if inks else 0.0,
        ink_shade=inks.shade if inks else 0.0,
    )


def _seed(seed: int, style: str, turn: int) -> int:
    """A 48-bit seed: exact in JSON everywhere, and no two shots of an order share one but by a chance of 2^-48."""
    digest = hashlib.sha256(f"{seed}/{style}/{turn}".encode()).digest()
    return int.from_bytes(digest[:6], "big")
