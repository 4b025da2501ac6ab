"""From more candidates than were ordered to exactly the number ordered, or a shortfall that is counted.

Each candidate is measured once (`Judge.measure`) and then only its figures are kept: descriptors die in that call.
Gates first: exactly one face, near enough to the person, sharp enough, nothing unsafe, no copy of a selfie. Then, style
by style, the best by likeness and sharpness, each chosen to differ from those chosen before it.

Covers: styles whose look hides a face from a detector made for photographs (`face_visible` false): for these a missing
        face and an unmeasured likeness are no reason to reject, or nobody would ever get a bronze; more than one
        face, blur, copies and unsafe content still are.
Does not cover: taste; hands; likeness in styles without a visible face: what the recogniser says there helps to
        rank and is not told as a share, because in them it can hardly tell a person from a stranger.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from avatar.photos.pixels import lab, luma, resize
from avatar.photos.skin import cheeks, ciede2000
from avatar.ports import Descriptor, Face, Faces, Picture, Safety

SIDE = 16  # pixels; a picture's look at this size is what a contact sheet shows from afar
BITS = 64  # of the difference hash below
SPARES = 3  # a style; kept beside the pack, since nothing can be drawn again once the adapter is gone; decisions/0011


@dataclass(frozen=True, slots=True)
class Taste:
    """Where the gates stand and what is preferred. `wiring` makes it; the numbers here suit the pocket base."""

    margin: float = 0.0  # on the recogniser's own scale, subtracted from `same_person`
    sharpness: float = 0.02  # drawn pictures have 0.053 to 0.19; blurred by 1/40 of their width, 0.012 to 0.039
    copy_bits: int = 4  # of 64; a picture this near to a selfie is that selfie again
    variety: float = 0.5  # weight of being different from those chosen, against likeness at 1


@dataclass(frozen=True, slots=True)
class Skin:
    """The cheeks of a picture beside those of the selfies."""

    difference: float  # CIEDE2000
    lighter: float  # L*, 0 to 100: above 0 the picture whitens


@dataclass(frozen=True, slots=True)
class Score:
    """The figures of one candidate; nothing here says who the person is."""

    index: int
    style: str
    rejected: str | None  # the first gate that was not passed
    distance: float | None  # to the selfies, on the recogniser's scale; None where no face was found
    share: float | None  # the selfies' distance from each other over `distance`; None where a look hides the face
    sharpness: float
    nearest: int  # bits of 64 between this picture and the selfie most like it, as a copy would be
    look: npt.NDArray[np.float32] = field(repr=False, compare=False)  # (SIDE, SIDE, 3) L*a*b*
    skin: Skin | None = None  # None where no cheeks were seen, or the look is to have a colour of its own

    def figures(self) -> dict[str, Any]:
        """What is recorded of a chosen picture, JSON-ready."""
        return {
            "index": self.index,
            "style": self.style,
            "distance": None if self.distance is None else round(self.distance, 4),
            "share": None if self.share is None else round(self.share, 4),
            "sharpness": round(self.sharpness, 4),
            "nearest": self.nearest,
            "skin": None if self.skin is None else asdict(self.skin),
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """What is delivered, in order of style and rank, and what was missed and why."""

    chosen: tuple[Score, ...]
    short: Mapping[str, int]  # pictures still owed, per style; empty when all is well
    rejected: Mapping[str, int]  # how often each gate said no
    spares: tuple[Score, ...] = ()  # the next best of each style, in order of style and rank


class Selfies:
    """What candidates are held against. Descriptors are biometric: this object is never stored, logged or printed."""

    def __init__(self, crops: Sequence[Picture], faces: Faces) -> None:
        found = [faces.find(crop) for crop in crops]
        self._descriptors: list[Descriptor] = [those[0].descriptor for those in found if those]
        self._hashes = [bits for crop in crops for bits in (fingerprint(crop), fingerprint(crop[:, ::-1]))]
        self._faces = faces
        pairs = [
            faces.distance(one, other)
            for place, one in enumerate(self._descriptors)
            for other in self._descriptors[:place]
        ]
        self.spread = median(pairs) if pairs else None  # how unlike the selfies are to each other
        skins = [cheeks(crop, those[0]) for crop, those in zip(crops, found, strict=True) if those]
        seen = [skin for skin in skins if skin is not None]
        self._skin = np.median(seen, axis=0) if seen else None

    def __repr__(self) -> str:
        return f"Selfies({len(self._descriptors)} faces)"

    def distance(self, face: Descriptor) -> float | None:
        """The median distance to the person's own pictures; a single odd selfie does not move it."""
        if not self._descriptors:
            return None
        return median(self._faces.distance(face, own) for own in self._descriptors)

    def share(self, distance: float | None) -> float | None:
        """The selfies' distance from each other over `distance`: 1 is as alike as they are; None where unknown."""
        return self.spread / max(distance, 1e-6) if self.spread and distance is not None else None

    def nearest(self, picture: Picture) -> int:
        """Bits between the picture and the selfie most like it, mirrored ones included; 64 where there is none."""
        bits = fingerprint(picture)
        return min((int((bits != own).sum()) for own in self._hashes), default=BITS)

    def skin(self, picture: Picture, face: Face) -> Skin | None:
        """How the face's cheeks differ from the person's own; None where either was not seen."""
        found = cheeks(picture, face)
        if found is None or self._skin is None:
            return None
        return Skin(round(ciede2000(self._skin, found), 1), round(float(found[0] - self._skin[0]), 1))

    def forget(self) -> None:
        """Overwrite the descriptors and let them go."""
        for descriptor in self._descriptors:
            descriptor.fill(0)
        self._skin = None
        self._descriptors.clear()
        self._hashes.clear()


@dataclass(frozen=True, slots=True)
class Judge:
    """Measures candidates; the only place where a candidate's face is described."""

    faces: Faces
    safety: Safety
    selfies: Selfies
    taste: Taste

    def measure(self, index: int, style: str, picture: Picture, face_visible: bool) -> Score:
        """One candidate's figures and the first gate it fails; unsafe comes first, whatever else is wrong."""
        found = self.faces.find(picture)
        distance = self.selfies.distance(found[0].descriptor) if len(found) == 1 else None
        sharp = sharpness(picture)
        nearest = self.selfies.nearest(picture)
        reach = self.faces.same_person - self.taste.margin
        gates = {
            "unsafe": self.safety.judge(picture, found) is not None,
            "several_faces": len(found) > 1,
            "no_face": face_visible and not found,
            "unlike": face_visible and (distance is None or distance > reach),  # unknown is not good enough
            "blurred": sharp < self.taste.sharpness,
            "copy": nearest <= self.taste.copy_bits,
        }
        rejected = next((name for name, failed in gates.items() if failed), None)
        share = self.selfies.share(distance) if face_visible else None
        skin = self.selfies.skin(picture, found[0]) if face_visible and len(found) == 1 else None
        return Score(index, style, rejected, distance, share, sharp, nearest, look(picture), skin)


def choose(scores: Sequence[Score], quotas: Mapping[str, int], taste: Taste, spill: bool = False) -> Choice:
    """At most `quotas[style]` per style. With `spill`, what one style can not give is filled from the others' rest."""
    chosen: list[Score] = []
    left: list[Score] = []
    for style, quota in quotas.items():
        fit = [score for score in scores if score.style == style and score.rejected is None]
        best = _vary(fit, quota, chosen, taste)
        chosen += best
        left += [score for score in fit if score not in best]
    short = {style: quota - sum(s.style == style for s in chosen) for style, quota in quotas.items()}
    if spill:
        chosen += _vary(left, sum(short.values()), chosen, taste)
    spares = [spare for style in quotas for spare in _vary(_rest(scores, style, chosen), SPARES, chosen, taste)]
    order = {style: place for place, style in enumerate(quotas)}
    chosen.sort(key=lambda score: order[score.style])  # stable: within a style the best stays first
    counted = Counter(score.rejected for score in scores if score.rejected)
    owed = {style: number for style, number in short.items() if number}
    return Choice(tuple(chosen), owed, dict(sorted(counted.items())), tuple(spares))


def _rest(scores: Sequence[Score], style: str, chosen: Sequence[Score]) -> list[Score]:
    """What of a style is fit to be delivered and was not chosen."""
    taken = {score.index for score in chosen}
    return [score for score in scores if score.style == style and score.rejected is None and score.index not in taken]


def _vary(fit: Sequence[Score], quota: int, before: Sequence[Score], taste: Taste) -> list[Score]:
    """Greedy: again and again the one with the best sum of rank and difference from the nearest chosen (MMR)."""
    worth: dict[int, float] = {}
    for style in dict.fromkeys(score.style for score in fit):
        worth |= _worth([score for score in fit if score.style == style])
    taken: list[Score] = []
    rest = list(fit)
    while rest and len(taken) < quota:
        others = [*before, *taken]
        best = max(rest, key=lambda s: (worth[s.index] + taste.variety * min(1.0, _novelty(s, others)), -s.index))
        taken.append(best)
        rest.remove(best)
    return taken


def _worth(fit: Sequence[Score]) -> dict[int, float]:
    """Rank from 1 (best) to 0 among those of one style: likeness, then sharpness and the person's own tone of skin.

    Ranks and not sums of raw figures: distances have another scale with every recogniser, and in every style.
    A picture in which no face was found ranks behind all in which one was. What was seen in none counts for nothing:
    skin in a look that has a colour of its own, likeness in one that hides every face.
    """
    figures = (
        (0.55, [None if s.distance is None else -s.distance for s in fit]),
        (0.2, [s.sharpness for s in fit]),
        (0.25, [None if s.skin is None else -s.skin.difference for s in fit]),
    )
    known = [(weight, _ranks(values)) for weight, values in figures if any(value is not None for value in values)]
    whole = sum(weight for weight, _ in known)
    return {s.index: sum(weight * ranks[at] for weight, ranks in known) / whole for at, s in enumerate(fit)}


def _ranks(values: Sequence[float | None]) -> list[float]:
    """1 for the greatest to 0 for the least; equal values rank alike, and unknown ones behind all others."""
    plain = [-math.inf if value is None else value for value in values]
    return [1 - sum(other > own for other in plain) / max(1, len(plain) - 1) for own in plain]


def _novelty(score: Score, others: Sequence[Score]) -> float:
    """How far from the nearest of `others`, where 1 is a plainly different picture (30 in L*a*b* on average)."""
    return min((difference(score.look, other.look) / 30 for other in others), default=1.0)


def difference(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Mean colour difference of two looks in L*a*b*; 0 is the same picture, 2 is barely seen."""
    return float(np.sqrt(((one - other) ** 2).sum(-1)).mean())


def look(picture: Picture) -> npt.NDArray[np.float32]:
    """(SIDE, SIDE, 3) L*a*b* of the picture as seen from afar."""
    return lab(np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX)))


def sharpness(picture: Picture) -> float:
    """Mean of the steepest tenth of the slopes of brightness, per pixel at 256 pixels wide; 1 is black to white."""
    height = max(8, round(256 * picture.shape[0] / picture.shape[1]))
    down, across = np.gradient(luma(resize(picture, 256, height)) / 255)
    slopes = np.hypot(down, across).ravel()
    tenth = slopes.size // 10
    return float(np.partition(slopes, -tenth)[-tenth:].mean())


def fingerprint(picture: Picture) -> npt.NDArray[np.bool_]:
    """(64,) bits: whether each of 8 x 8 places is lighter than its right neighbour; scaling does not change it."""
    small = Image.fromarray(np.ascontiguousarray(picture)).convert("L").resize((9, 8), Image.Resampling.BOX)
    light = np.asarray(small, np.int16)
    return (light[:, :-1] > light[:, 1:]).ravel()
