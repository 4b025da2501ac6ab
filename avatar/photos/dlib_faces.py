"""Faces by dlib: its HOG detector, its MMOD network for what that missed, five landmarks and a 128-d descriptor.

Covers: frontal to half-turned faces from about 40 px up, on a processor, without a network connection.
Does not cover: profiles and masks, heads that lie on their side, apparent age; its recogniser is of 2017 and
was trained on few darker-skinned faces, so "another person" is a question to the person, never a verdict on them.

Weights: dlib_face_recognition_resnet_model_v1, mmod_human_face_detector, shape_predictor_5_face_landmarks (CC0),
D. E. King, "Dlib-ml: A Machine Learning Toolkit", JMLR 2009. The 68-point file beside them is for research only
and is never opened.
"""

from __future__ import annotations

import importlib.util
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from avatar.errors import WeightsMissing
from avatar.photos.geometry import merged, yaw_from
from avatar.photos.pixels import Box, at_most
from avatar.ports import Descriptor, Face, Picture

FIND_AT = 640  # px on the long side for HOG: faces of a selfie are then far above its 80 px
UPSAMPLE_BELOW = 500  # px; a smaller picture is doubled once, which finds faces from 40 px and is still cheap
MMOD_AT = 400  # px on the long side for MMOD: 2 s on one core, at 640 px it would be 5 s
HOG_SCORE = 0.0  # dlib's own threshold; below it hands and patterns appear
MMOD_SCORE = 0.6  # confidence; real and drawn faces scored above 0.8
NOSE_SHIFT = 0.5  # eye distances per radian for the point under the nose, fitted on 28 drawn heads from -0.45 to 0.45
FILES = (
    "shape_predictor_5_face_landmarks.dat",
    "dlib_face_recognition_resnet_model_v1.dat",
    "mmod_human_face_detector.dat",
)


def weights_folder() -> Path | None:
    """Where the installed weight files lie; found without importing their package, which needs pkg_resources."""
    spec = importlib.util.find_spec("face_recognition_models")
    places = list(spec.submodule_search_locations or ()) if spec else []
    folders = [Path(place) / "models" for place in places]
    return next((folder for folder in folders if all((folder / name).is_file() for name in FILES)), None)


def at_hand() -> bool:
    """Whether dlib and its weight files are installed."""
    return importlib.util.find_spec("dlib") is not None and weights_folder() is not None


class DlibFaces:
    """`ports.Faces` by dlib; everything is loaded when it is first needed. Not for several threads at once."""

    name = "dlib"
    same_person = 0.6  # Euclidean; the recogniser's authors' own threshold, 99.38 % on Labeled Faces in the Wild

    def __init__(self, folder: Path | None = None) -> None:
        found = folder or weights_folder()
        if found is None or not at_hand():
            raise WeightsMissing(
                "The face weights are not on this machine.", remedy="Install dlib-bin and face_recognition_models."
            )
        self._folder = found

    def find(self, picture: Picture) -> list[Face]:
        """All faces, largest first; MMOD is asked only where HOG saw nobody."""
        whole = np.ascontiguousarray(picture)
        found = self._hog(whole) or self._mmod(whole)
        return [self._face(whole, box, score) for box, score in merged(found)]

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        """Euclidean, 0 to about 1.4."""
        return float(np.linalg.norm(one - other))

    def _hog(self, picture: Picture) -> list[tuple[Box, float]]:
        small, factor = at_most(picture, FIND_AT)
        doubled = int(max(small.shape[:2]) < UPSAMPLE_BELOW)
        boxes, scores, _ = self._hog_detector.run(small, doubled, HOG_SCORE)
        return [(_box(box, factor), float(score)) for box, score in zip(boxes, scores, strict=True)]

    def _mmod(self, picture: Picture) -> list[tuple[Box, float]]:
        small, factor = at_most(picture, MMOD_AT)
        found = self._mmod_detector(np.ascontiguousarray(small), 0)
        return [(_box(one.rect, factor), float(one.confidence)) for one in found if one.confidence >= MMOD_SCORE]

    def _face(self, picture: Picture, box: Box, score: float) -> Face:
        """Landmarks and descriptor from the full picture."""
        shape = self._landmarks(picture, self._dlib.rectangle(*(round(edge) for edge in box)))
        points = [(float(point.x), float(point.y)) for point in shape.parts()]
        corners, nose = sorted(points[:4]), points[4]
        left, right = _middle(corners[:2]), _middle(corners[2:])
        descriptor = np.asarray(self._recogniser.compute_face_descriptor(picture, shape, 0), np.float32)
        return Face(box, (left, right), yaw_from(left, right, nose, NOSE_SHIFT), score, descriptor)

    @cached_property
    def _dlib(self) -> Any:
        import dlib

        return dlib

    @cached_property
    def _hog_detector(self) -> Any:
        return self._dlib.get_frontal_face_detector()

    @cached_property
    def _mmod_detector(self) -> Any:
        return self._dlib.cnn_face_detection_model_v1(str(self._folder / FILES[2]))

    @cached_property
    def _landmarks(self) -> Any:
        return self._dlib.shape_predictor(str(self._folder / FILES[0]))

    @cached_property
    def _recogniser(self) -> Any:
        return self._dlib.face_recognition_model_v1(str(self._folder / FILES[1]))


def _box(rectangle: Any, factor: float) -> Box:
    """A dlib rectangle in the pixels of the picture before it was shrunk."""
    edges = (rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1)
    x0, y0, x1, y1 = (float(edge / factor) for edge in edges)
    return x0, y0, x1, y1


def _middle(points: list[tuple[float, float]]) -> tuple[float, float]:
    return (points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2
