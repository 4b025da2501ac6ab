"""A job's candidates in its vault: what each round plans, and the pictures, one object each the moment it is drawn.

Prompts and pictures of a person are sealed like everything else of theirs; only their indices are told outside.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from avatar.job import JobId, Kind
from avatar.packs.plan import Shot, from_json, to_json
from avatar.photos.pixels import png
from avatar.ports import Picture, Vault

SHOWN = 12  # small pictures at most while a job is at work: a strip, not a gallery
PREVIEW = re.compile(r"preview-(\d{4,})-([a-z0-9-]+)\.jpg")


class Listed(Protocol):
    """What looking for small pictures asks of a vault."""

    def names(self, job: JobId, kind: Kind) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Candidates:
    """Kind.CANDIDATE of one job: "plan-N.json" of round N, from 1, "NNNN.png" by the index of the shot, and
    "preview-NNNN-style.jpg", small ones to be looked at while the rest is drawn."""

    vault: Vault
    job: JobId

    def plan(self, number: int) -> tuple[Shot, ...] | None:
        """What round `number` draws, or None where it was not planned yet."""
        name = f"plan-{number}.json"
        if name not in self.vault.names(self.job, Kind.CANDIDATE):
            return None
        return from_json(self.vault.get(self.job, Kind.CANDIDATE, name))

    def keep_plan(self, number: int, shots: Iterable[Shot]) -> None:
        self.vault.put(self.job, Kind.CANDIDATE, f"plan-{number}.json", to_json(shots))

    def shots(self) -> dict[int, Shot]:
        """Every planned shot of every round, by index."""
        found: dict[int, Shot] = {}
        number = 1
        while (planned := self.plan(number)) is not None:
            found |= {shot.index: shot for shot in planned}
            number += 1
        return found

    def drawn(self) -> set[int]:
        """The indices of the pictures there are."""
        names = self.vault.names(self.job, Kind.CANDIDATE)
        return {int(name.removesuffix(".png")) for name in names if name.endswith(".png")}

    def keep(self, index: int, picture: Picture) -> None:
        self.vault.put(self.job, Kind.CANDIDATE, f"{index:04d}.png", png(picture))

    def keep_preview(self, index: int, style: str, small: Callable[[], bytes]) -> None:
        """Show one that passed, unless it or enough others are shown; `small` makes the file."""
        shown = previews(self.vault, self.job)
        if len(shown) < SHOWN and index not in shown:
            self.vault.put(self.job, Kind.CANDIDATE, f"preview-{index:04d}-{style}.jpg", small())

    def picture(self, index: int) -> Picture:
        """One picture; KeyError where it was not drawn."""
        data = self.vault.get(self.job, Kind.CANDIDATE, f"{index:04d}.png")
        return np.asarray(Image.open(io.BytesIO(data), formats=("PNG",)).convert("RGB"))


def previews(vault: Listed, job: JobId) -> dict[int, tuple[str, str]]:
    """The small pictures there are: the index of each, with its style and the name it is stored under."""
    found = (PREVIEW.fullmatch(name) for name in vault.names(job, Kind.CANDIDATE))
    return {int(one[1]): (one[2], one[0]) for one in found if one}
