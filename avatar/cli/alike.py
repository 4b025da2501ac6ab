"""What the likeness command measures of one drawn person, and what it sums up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from avatar.errors import AvatarError
from avatar.photos.skin import cheeks, ciede2000
from avatar.ports import Descriptor, Face, Faces, Picture

KNOWN = 3  # pictures by which each of the cast is known
APART = 5  # pictures of a person that the job never sees; the first KNOWN that show a face are the gallery
NOBODY = -1  # in the place of a name: not exactly one face


@dataclass(slots=True)
class Row:
    """What came of one person. Distances are the recogniser's, None without a face; names are places in the cast."""

    seed: int
    group: str  # of skin
    ending: str
    seconds: float
    kept_step: int = 0
    tuned: dict[str, list[int]] = field(default_factory=dict)  # names, by style
    themed: dict[str, list[bool]] = field(default_factory=dict)  # whether the theme is recognised, by style
    untuned: list[int] = field(default_factory=list)
    missing: int = 0  # pictures ordered that were not good enough to be delivered
    distance: float | None = None  # mean, delivered photos to the selfies the job never saw
    spread: float | None = None  # mean, the person's own selfies to those
    nearest_given: float | None = None  # mean, from a delivered photo to the nearest of APART selfies the job saw
    nearest_apart: float | None = None  # and to the nearest of APART that it did not see; much more: copies
    skin: list[float] = field(default_factory=list)  # CIEDE2000 of each delivered photo's cheeks to the selfies'
    lighter: list[float] = field(default_factory=list)  # and by how much L* is above the selfies'


@dataclass(frozen=True, slots=True)
class Known:
    """The cast as the recogniser knows it, (people, KNOWN, D), and all that was seen of each."""

    gallery: npt.NDArray[np.floating]
    seen: list[list[Descriptor]]

    def name(self, found: Sequence[Face]) -> int:
        """The place in the cast of the one nearest on average; NOBODY unless there is exactly one face."""
        if len(found) != 1:
            return NOBODY
        return int(np.argmin(np.linalg.norm(self.gallery - found[0].descriptor, axis=-1).mean(1)))


def known(drawn: Iterable[Sequence[Picture]], faces: Faces) -> Known:
    """From pictures of each of the cast; a missed face repeats one that was found. AvatarError where none was."""
    seen = [descriptors(pictures, faces) for pictures in drawn]
    for at, own in enumerate(seen):
        if not own:
            raise AvatarError(f"No face was found in any picture of person {at + 1} of the cast.", code="no_face")
    return Known(np.array([[own[at % len(own)] for at in range(KNOWN)] for own in seen]), seen)


def descriptors(pictures: Iterable[Picture], faces: Faces) -> list[Descriptor]:
    """Of each picture that shows a face, the largest one's."""
    return [found[0].descriptor for found in map(faces.find, pictures) if found]


def measure(row: Row, at: int, photos: Sequence[Picture], drawn: Sequence[Picture], cast: Known, faces: Faces) -> None:
    """Fill in distances, copying and skin, from the selfies given and the photos delivered."""
    own, made = [faces.find(photo) for photo in photos], [faces.find(picture) for picture in drawn]
    if not any(own):
        return
    given = np.array([found[0].descriptor for found in own if found])
    apart = np.array(cast.seen[at])
    row.spread = _mean(np.linalg.norm(cast.gallery[at][None] - given[:, None], axis=-1))
    faced = [found[0].descriptor for found in made if found]
    if faced:
        told = np.array(faced)[:, None]
        row.distance = _mean(np.linalg.norm(cast.gallery[at][None] - told, axis=-1))
        count = min(len(given), len(apart), APART)
        row.nearest_given = _mean(np.linalg.norm(given[None, :count] - told, axis=-1).min(1))
        row.nearest_apart = _mean(np.linalg.norm(apart[None, :count] - told, axis=-1).min(1))
    skins = [cheeks(photo, found[0]) for photo, found in zip(photos, own, strict=True) if found]
    seen = [skin for skin in skins if skin is not None]
    usual = np.median(seen, axis=0) if seen else None
    for picture, found in zip(drawn, made, strict=True):
        skin = cheeks(picture, found[0]) if found else None
        if skin is not None and usual is not None:
            row.skin.append(round(ciede2000(usual, skin), 2))
            row.lighter.append(round(float(skin[0] - usual[0]), 2))


def _mean(values: npt.NDArray[np.floating]) -> float:
    return round(float(np.mean(values)), 4)


def rank_one(names: Iterable[tuple[int, Sequence[int]]]) -> float:
    """The share of pictures that are named rightly, from (place, names) of people; no face counts as wrong."""
    hits = [name == at for at, given in names for name in given]
    return round(float(np.mean(hits)), 3) if hits else 0.0


def summary(rows: Sequence[Row], people: int) -> dict[str, Any]:
    """Rank-1 over all pictures, by style; distances against the selfies' own; copying; skin, by group."""
    styles = sorted({style for row in rows for style in row.tuned})
    groups = sorted({row.group for row in rows})
    return {
        "people": len(rows),
        "among": people,
        "pictures": sum(len(names) for row in rows for names in row.tuned.values()),
        "missing": sum(row.missing for row in rows),
        "endings": dict(Counter(row.ending for row in rows)),
        "rank1_tuned": {s: rank_one((at, row.tuned.get(s, ())) for at, row in enumerate(rows)) for s in styles},
        "theme_recognised": {s: _share(hit for row in rows for hit in row.themed.get(s, ())) for s in styles},
        "rank1_untuned": rank_one((at, row.untuned) for at, row in enumerate(rows)),
        "chance": round(1 / people, 4),
        **{name: _over(rows, name) for name in ("distance", "spread", "nearest_given", "nearest_apart", "seconds")},
        "skin_difference_median": _median(value for row in rows for value in row.skin),
        "skin_lighter_by_group": {
            group: _median(value for row in rows if row.group == group for value in row.lighter) for group in groups
        },
    }


def _over(rows: Sequence[Row], name: str) -> float | None:
    values = [value for row in rows if (value := getattr(row, name)) is not None]
    return round(float(np.mean(values)), 3) if values else None


def _share(hits: Iterable[bool]) -> float | None:
    found = list(hits)
    return round(float(np.mean(found)), 3) if found else None


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(float(np.median(found)), 2) if found else None


def told(rows: Sequence[Row], people: int) -> Mapping[str, Any]:
    """The summary with every row, JSON-ready."""
    return summary(rows, people) | {"rows": [{name: getattr(row, name) for name in Row.__slots__} for row in rows]}
