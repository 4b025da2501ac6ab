"""Judges of content: our own rough one, which runs everywhere, and an adapter for a network that an operator adds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from avatar.errors import WeightsMissing
from avatar.photos.geometry import centre, face_size
from avatar.photos.pixels import Box, at_most, inside, lab
from avatar.ports import Face, Picture

DISALLOWED = "disallowed_content"


class SkinExposure:
    """A bare upper body, told by how much of the torso has the colour of the same picture's own face.

    Covers: an uncovered torso below a face, in even light, for every skin colour alike, because the face sets it.
    Does not cover: pictures without a face, bodies from the waist down or from behind, what is seen beside the torso,
    drawn or discoloured scenes, violence, symbols, text; nor does it know swimwear on a beach from nudity.
    Errs on clothes of the skin's own colour without folds. It is a net with wide meshes: add a real judge in service.
    """

    name = "skin exposure"

    def __init__(
        self,
        most: float = 0.62,  # share of the torso; V-necks and straps measured 0.05 to 0.35, bare torsos 0.75 up
        near: float = 16.0,  # Lab units from the face's median, lightness at half weight: shadow is not another colour
        least_seen: float = 0.45,  # share of the torso that must be in the picture; else nothing can be said
    ) -> None:
        self.most, self.near, self.least_seen = most, near, least_seen

    def judge(self, picture: Picture, faces: Sequence[Face]) -> str | None:
        """`disallowed_content` where the torso below the largest face is mostly bare."""
        if not faces:
            return None
        share = self.exposed(picture, max(faces, key=face_size))
        return DISALLOWED if share is not None and share > self.most else None

    def exposed(self, picture: Picture, face: Face) -> float | None:
        """Share of the visible torso that has the face's colour, in [0, 1]; None where too little is in the picture."""
        small, factor = at_most(picture, 384)  # px; enough for shares of an area
        box = torso(face)
        torso_seen = inside(small, _times(box, factor))
        whole = (box[2] - box[0]) * (box[3] - box[1]) * factor**2
        skin = inside(small, _times(cheeks(face), factor))
        if not skin.size or torso_seen.shape[0] * torso_seen.shape[1] < self.least_seen * whole:
            return None
        weights = np.array([0.5, 1, 1], np.float32)
        own = np.median((lab(skin) * weights).reshape(-1, 3), axis=0)
        return float((_distance(lab(torso_seen) * weights, own) < self.near).mean())


def cheeks(face: Face) -> Box:
    """The middle of the face, between the eyes and the mouth."""
    x, y = centre(face)
    size = face_size(face)
    return x - 0.3 * size, y - 0.1 * size, x + 0.3 * size, y + 0.2 * size


def torso(face: Face) -> Box:
    """From below the collar to the lower ribs, as wide as the shoulders' inner two thirds."""
    x, _ = centre(face)
    size, chin = face_size(face), face.box[3]
    return x - 0.9 * size, chin + 0.55 * size, x + 0.9 * size, chin + 1.75 * size


def _distance(colours: npt.NDArray[np.float32], one: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(np.sqrt(((colours - one) ** 2).sum(-1)), np.float32)


def _times(box: Box, factor: float) -> Box:
    return box[0] * factor, box[1] * factor, box[2] * factor, box[3] * factor


class NudeNetSafety:
    """The NudeNet detector, where an operator installed it. Opt-in, never required: its author says AGPL-3.0.

    Covers: exposed breasts, genitals, buttocks and anus in photographs, with or without a face.
    Does not cover: other content; its training data are not explained, so expect uneven errors.
    """

    name = "nudenet"
    CLASSES = frozenset(
        {
            "FEMALE_BREAST_EXPOSED",
            "FEMALE_GENITALIA_EXPOSED",
            "MALE_GENITALIA_EXPOSED",
            "BUTTOCKS_EXPOSED",
            "ANUS_EXPOSED",
        }
    )

    def __init__(self, at_least: float = 0.45) -> None:  # score; the package's own examples lie above 0.5
        self.at_least = at_least

    def judge(self, picture: Picture, faces: Sequence[Face]) -> str | None:
        """`disallowed_content` where one of the classes is found; faces are not needed."""
        found = self._detector.detect(np.ascontiguousarray(picture[..., ::-1]))  # it takes BGR
        sure = {one["class"] for one in found if one["score"] >= self.at_least}
        return DISALLOWED if sure & self.CLASSES else None

    @cached_property
    def _detector(self) -> Any:
        try:
            from nudenet import NudeDetector
        except ImportError:
            raise WeightsMissing("The nudenet package is not installed.", remedy="Install nudenet.") from None
        return NudeDetector()


class All:
    """Several judges in a row; the first objection counts."""

    def __init__(self, *judges: Any) -> None:
        self._judges = judges
        self.name = " + ".join(judge.name for judge in judges)

    def judge(self, picture: Picture, faces: Sequence[Face]) -> str | None:
        """The first judge's code, or None."""
        return next((code for one in self._judges if (code := one.judge(picture, faces))), None)
