"""Training pictures as they lie in a folder of shards, read while more are still being drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Shard:
    """Pictures, uint8 (256, 256, 3) each and read from disk when used, with the captions and the theme of each."""

    pictures: list[Pixels]
    captions: list[list[str]]
    themes: list[str]


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
            pictures, entries = list(np.load(path, mmap_mode="r")), json.loads(words.read_text())
            if len(pictures) != len(entries):
                raise ValueError(f"shard {path.stem} has {len(pictures)} pictures and {len(entries)} captions")
            if not self.shards:
                self.judged, pictures, entries = pictures[: self.kept], pictures[self.kept :], entries[self.kept :]
            captions, themes = [entry["captions"] for entry in entries], [entry["theme"] for entry in entries]
            self.shards[path.stem] = Shard(pictures, captions, themes)

    @property
    def pictures(self) -> list[Pixels]:
        """All pictures to train on."""
        return [picture for shard in self.shards.values() for picture in shard.pictures]
