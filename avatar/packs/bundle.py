"""What goes with the pictures: a contact sheet to look at, a report to check. Both are pure functions of their input.

Covers: how every picture was made, how alike it is, what was rejected, what is owed, who is credited how often.
Does not cover: the person; neither the sheet nor the report holds a name, a selfie or a job's id.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from avatar.job import Job, Stage
from avatar.packs.plan import Shot
from avatar.packs.style import Style
from avatar.ports import Picture
from avatar.weights.registry import Base

SCHEMA = "avatar.report/1"
SHEET, REPORT = "contact-sheet.png", "report.json"  # their names in a pack
NOT_COVERED = (
    "Likeness is measured by one recogniser; where it finds no face in a look, likeness is unknown and said to be.",
    "Skin is compared on the cheeks; light and the colours of a style change it as well as any whitening.",
    "Hands, jewellery and writing are not checked.",
    "The label lives in the file's metadata; whoever strips metadata strips it.",
)

PAPER, INK, QUIET, FAINT = (250, 248, 244), (32, 31, 30), (128, 123, 116), (222, 217, 209)  # sRGB
SEAL = (176, 84, 52)  # the one colour on the sheet, for likeness
FINE = 4  # drawn so many times larger and scaled down, for smooth edges
MARGIN, GAP, TILE, CAPTION, HEAD, FOOT, ROUND = 88, 36, 340, 64, 196, 92, 14  # pixels


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture on the sheet; `share` as in choose.Score, None where likeness is unknown."""

    picture: Picture
    title: str
    share: float | None


def contact_sheet(tiles: Sequence[Tile]) -> Picture:
    """All pictures in one, dark on light, with style and likeness under each."""
    columns = _columns(len(tiles))
    rows = max(1, -(-len(tiles) // columns))
    width = 2 * MARGIN + columns * TILE + (columns - 1) * GAP
    sheet = Image.new("RGB", (width, HEAD + rows * (TILE + CAPTION) + (rows - 1) * 16 + FOOT + 36), PAPER)
    _head(sheet, tiles)
    for place, tile in enumerate(tiles):
        _tile(sheet, tile, *_corner(place, columns))
    _foot(sheet)
    return np.asarray(sheet)


def changed_sheet(sheet: Picture, count: int, fresh: Mapping[int, Tile]) -> Picture:
    """A contact sheet of `count` pictures with other tiles in these places, counted from 0, and all else as it was."""
    whole = Image.fromarray(sheet)
    for place, tile in fresh.items():
        left, top = _corner(place, _columns(count))
        whole.paste(PAPER, (left - 2, top, left + TILE + 2, top + TILE + CAPTION))
        _tile(whole, tile, left, top)
    return np.asarray(whole)


def _corner(place: int, columns: int) -> tuple[int, int]:
    """Left and top of a tile, in pixels."""
    row, column = divmod(place, columns)
    return MARGIN + column * (TILE + GAP), HEAD + row * (TILE + CAPTION + 16)


def _columns(count: int) -> int:
    """Two to six, so that the sheet is a little wider than high and its last row as full as can be."""
    if count <= 3:
        return max(2, count)
    fit = range(3, 7) if count < 40 else range(6, 9)
    return min(fit, key=lambda columns: abs(columns / -(-count // columns) - 1.3) + (-count % columns) / columns)


def _head(sheet: Image.Image, tiles: Sequence[Tile]) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN - 3, 64), "Avatars", INK, _font(60))
    looks = len({tile.title for tile in tiles})
    told = f"{_number(len(tiles), 'picture')} in {_number(looks, 'style')}"
    draw.text((sheet.width - MARGIN, 121), told, QUIET, _font(22), anchor="rs")
    draw.line((MARGIN, 152, sheet.width - MARGIN, 152), INK, 2)


def _foot(sheet: Image.Image) -> None:
    draw, line = ImageDraw.Draw(sheet), sheet.height - FOOT
    draw.line((MARGIN, line, sheet.width - MARGIN, line), FAINT, 2)
    draw.text((MARGIN, line + 42), "AI-generated", QUIET, _font(19), anchor="ls")
    font, told = _font(19), "as alike as the selfies are to each other"
    right = sheet.width - MARGIN
    draw.text((right, line + 42), told, QUIET, font, anchor="rs")
    _dots(sheet, round(right - font.getlength(told)) - 16, line + 36, 1.0)


def _tile(sheet: Image.Image, tile: Tile, left: int, top: int) -> None:
    """The picture, cut to a rounded square, and its caption."""
    square = Image.fromarray(squared(tile.picture))
    mask, edge = _stencils()
    sheet.paste(square, (left, top), mask)
    sheet.paste(Image.new("RGB", square.size, FAINT), (left, top), edge)
    draw, base = ImageDraw.Draw(sheet), top + TILE + 33
    draw.text((left + 1, base), tile.title, INK, _font(21), anchor="ls")
    if tile.share is None:
        draw.text((left + TILE - 1, base), "likeness unknown", QUIET, _font(16), anchor="rs")
    else:
        _dots(sheet, left + TILE - 1, base - 6, tile.share)


def squared(picture: Picture) -> Picture:
    """The middle of a picture at the size of a tile; of one that has that size already, itself."""
    image = Image.fromarray(picture)
    side = min(image.size)
    x, y = (image.width - side) // 2, (image.height - side) // 2
    way = Image.Resampling.LANCZOS if side > TILE else Image.Resampling.BICUBIC
    return np.asarray(image.resize((TILE, TILE), way, (x, y, x + side, y + side)))


@cache
def _stencils() -> tuple[Image.Image, Image.Image]:
    """A tile's rounded square, and its outline, so that pale pictures have an end."""
    square, outline = (Image.new("L", (TILE * FINE, TILE * FINE)) for _ in range(2))
    whole = (0, 0, TILE * FINE - 1, TILE * FINE - 1)
    ImageDraw.Draw(square).rounded_rectangle(whole, ROUND * FINE, 255)
    ImageDraw.Draw(outline).rounded_rectangle(whole, ROUND * FINE, None, 255, FINE)
    small = [image.resize((TILE, TILE), Image.Resampling.BOX) for image in (square, outline)]
    return small[0], small[1]


def _dots(sheet: Image.Image, right: int, middle: int, share: float) -> None:
    """Five dots ending at `right`, filled by `share`: all five when as alike as the selfies are to each other."""
    full = filled(share)
    box = Image.new("RGB", (5 * 16 * FINE, 12 * FINE), PAPER)
    draw = ImageDraw.Draw(box)
    for dot in range(5):
        x = (dot * 16 + 5) * FINE
        draw.ellipse((x, FINE, x + 10 * FINE, 11 * FINE), SEAL if dot < full else FAINT)
    sheet.paste(box.resize((80, 12), Image.Resampling.BOX), (right - 79, middle - 6))


def filled(share: float) -> int:
    """Dots out of five. Half as alike is none of a stranger's: recognisers put strangers at a share near 0.5."""
    return max(1, min(5, round((share - 0.5) * 10)))


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivered file, how it was drawn, and its figures as render recorded them."""

    file: str
    shot: Shot
    figures: Mapping[str, Any]


def report(job: Job, base: Base, styles: Mapping[str, Style], delivered: Sequence[Delivered]) -> bytes:
    """The report as JSON, keys sorted."""
    render = job.facts.get(Stage.RENDER, {})
    told = {
        "schema": SCHEMA,
        "ordered": {"pictures": job.count, "styles": list(job.styles), "seed": job.seed},
        "delivered": len(delivered),
        "pictures": [card(item, styles) for item in delivered],
        "base": {"name": base.name, "licence": base.licence, "licence_url": base.licence_url},
        "adapter": dict(job.facts.get(Stage.TUNE, {})),
        "seconds": {stage: facts["seconds"] for stage, facts in job.facts.items() if "seconds" in facts},
        "drawn": render.get("drawn"),
        "rejected": render.get("rejected", {}),
        "owed": render.get("short", {}),
        "likeness_unknown_in": render.get("face_hidden", []),
        "credits": credits(styles, [item.shot.style for item in delivered]),
        "not_covered": list(NOT_COVERED),
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False).encode()


def card(item: Delivered, styles: Mapping[str, Style]) -> dict[str, Any]:
    """How one picture was made and how alike it is, as the report tells it."""
    shot, figures = item.shot, item.figures
    return {
        "file": item.file,
        "style": shot.style,
        "style_version": styles[shot.style].version,
        "prompt": shot.prompt,
        "negative_prompt": shot.negative,
        "seed": shot.seed,
        "size": [shot.width, shot.height],
        "steps": shot.steps,
        "guidance": {"scale": shot.guidance, "above_sigma": shot.low, "up_to_sigma": shot.high},
        "adapter_share": {
            "scale": shot.identity,
            "early": shot.early,
            "above_sigma": shot.settled,
            "around_the_face": shot.identity if shot.around is None else shot.around,
        },
        "blocks": {"side": shot.blocks, "levels": shot.levels} if shot.blocks else None,
        "inks": {"steps": shot.ink_steps, "line": shot.ink_line, "shade": shot.ink_shade} if shot.ink_steps else None,
        "likeness": {"distance": figures.get("distance"), "share": figures.get("share")},
        "skin": figures.get("skin"),
        "sharpness": figures.get("sharpness"),
        "bits_from_nearest_selfie": figures.get("nearest"),
    }


def credits(styles: Mapping[str, Style], used: Sequence[str]) -> list[dict[str, Any]]:
    """Per style and contributor how many delivered pictures used the work; what an author is to be paid by."""
    return [
        {"style": name, "version": styles[name].version, "licence": styles[name].licence,
         "name": credit.name, "part": credit.part, "pictures": count}
        for name, count in sorted(Counter(used).items())
        for credit in styles[name].credits
    ]  # fmt: skip
