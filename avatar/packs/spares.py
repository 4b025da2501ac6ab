"""What is kept beside a pack so that a picture can be replaced: the spares' cards, and the papers written anew.

The adapter and the photos are gone by then, and must be: nothing can be drawn again. So the next best of what was
drawn are kept with the pack, under its key and no longer than it (decisions/0011). All of this is pure: bytes in, bytes
out; who is in which place comes from the ledger.

Does not cover: a shelf that lost a style meanwhile; the titles are kept with the spares.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from avatar.packs.bundle import Delivered, Tile, card, changed_sheet, squared
from avatar.packs.style import Style
from avatar.ports import Picture

SPARES = "spares.json"  # its name beside the pack


def kept(pictures: Sequence[Delivered], spares: Sequence[Delivered], styles: Mapping[str, Style]) -> bytes:
    """Of each spare what the report will say of it, and what the pack's styles are called on the sheet."""
    told = {
        "titles": {one.shot.style: styles[one.shot.style].title for one in (*pictures, *spares)},
        "cards": [card(spare, styles) for spare in spares],
    }
    return json.dumps(told, sort_keys=True, ensure_ascii=False).encode()


def reported(report: bytes, spares: bytes, order: Sequence[str], gone: Iterable[Mapping[str, str]]) -> bytes:
    """The report with these pictures in this order; `gone` are those that were replaced, by which, and why.

    From any earlier report of the same pack the same comes out. KeyError where neither knows a picture.
    """
    told: dict[str, Any] = json.loads(report)
    cards = {one["file"]: one for one in [*json.loads(spares)["cards"], *told["pictures"]]}
    told |= {"pictures": [cards[name] for name in order], "replaced": [dict(one) for one in gone]}
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False).encode()


def sheet(before: bytes, reports: tuple[bytes, bytes], spares: bytes, read: Callable[[str], bytes]) -> Picture:
    """The contact sheet with the new pictures in their places; `reports` are that of the sheet before and the new one.

    `read` gives a picture's file. Only what is new is read: a hundred large pictures take seconds to open.
    """
    titles = json.loads(spares)["titles"]
    old, new = (json.loads(report)["pictures"] for report in reports)
    fresh = {}
    for place, (was, one) in enumerate(zip(old, new, strict=True)):
        if was["file"] != one["file"]:
            tile = squared(_opened(read(one["file"])))
            fresh[place] = Tile(tile, titles.get(one["style"], one["style"]), one["likeness"]["share"])
    return changed_sheet(_opened(before), len(new), fresh)


def _opened(file: bytes) -> Picture:
    with Image.open(io.BytesIO(file), formats=("PNG",)) as image:
        return np.asarray(image.convert("RGB"))
