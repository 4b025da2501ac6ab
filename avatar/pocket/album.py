"""Training pictures as they lie in a folder of shards, read while more are still being drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.errors import Spoiled

Pixels = NDArray[np.uint8]
REMEDY = "Remove it and its .json; python -m avatar.pocket.dataset draws it again."


@dataclass(frozen=True, slots=True)
class Shard:
    """Pictures, uint8 (256, 256, 3) each and read from disk when used, with the captions and the theme of each."""

    pictures: list[Pixels]
    captions: list[list[str]]
    themes: list[str]


def _read(path: Path, words: Path) -> tuple[list[Pixels], list[Any]]:
    """A shard's pictures and entries; Spoiled where they can not be read, or are not as many."""
    try:
        pictures, entries = list(np.load(path, mmap_mode="r")), json.loads(words.read_text())
    except (ValueError, EOFError) as fault:
        raise Spoiled(f"The shard {path} is broken.", remedy=REMEDY) from fault
    if len(pictures) != len(entries):
        told = f"The shard {path} has {len(pictures)} pictures and {len(entries)} captions."
        raise Spoiled(told, remedy=REMEDY)
    return pictures, entries


class Album:
    """The shards of one folder: NAME.npy, uint8 (N, 256, 256, 3), with NAME.json beside it.

    The first `kept` pictures of the first shard are never given for training: `judged` is for measuring.
    """

    def __init__(self, folder: Path, kept: int = 32) -> None:
        self.folder, self.kept = folder, kept
        self.shards: dict[str, Shard] = {}
        self.judged: list[Pixels] = []
        self.refresh()

    def refresh(self) -> None:
        """Read the shards that have come since the last time."""
        for path in sorted(self.folder.glob("[0-9]*.npy")):
            words = path.with_suffix(".json")
            if path.stem in self.shards or not words.exists():
                continue
            pictures, entries = _read(path, words)
            if not self.shards:
                self.judged, pictures, entries = pictures[: self.kept], pictures[self.kept :], entries[self.kept :]
            captions, themes = [entry["captions"] for entry in entries], [entry["theme"] for entry in entries]
            self.shards[path.stem] = Shard(pictures, captions, themes)

    @property
    def pictures(self) -> list[Pixels]:
        """All pictures to train on."""
        return [picture for shard in self.shards.values() for picture in shard.pictures]
