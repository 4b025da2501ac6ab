"""A job's candidates in its vault: what each round plans, and the pictures, one object each the moment it is drawn.

Prompts and pictures of a person are sealed like everything else of theirs; only their indices are told outside.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from avatar.job import JobId, Kind
from avatar.packs.plan import Shot, from_json, to_json
from avatar.photos.pixels import png
from avatar.ports import Picture, Vault


@dataclass(frozen=True, slots=True)
class Candidates:
    """Kind.CANDIDATE of one job: "plan-N.json" of round N, from 1, and "NNNN.png" by the index of the shot."""

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

    def picture(self, index: int) -> Picture:
        """One picture; KeyError where it was not drawn."""
        data = self.vault.get(self.job, Kind.CANDIDATE, f"{index:04d}.png")
        return np.asarray(Image.open(io.BytesIO(data), formats=("PNG",)).convert("RGB"))
