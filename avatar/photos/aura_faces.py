"""Faces found by dlib and recognised by AuraFace: the accurate pair that a commercial service may use.

AuraFace's recogniser (glintr100.onnx, Apache-2.0) is the file that `avatar weights fetch auraface` brings. The
detectors published beside it are reported to be those of a non-commercial pack, so dlib finds the faces and
insightface's own class runs the recogniser.

Covers: what dlib finds. Does not cover: apparent age; alignment by more than the two eyes.
ArcFace: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from avatar.errors import WeightsMissing
from avatar.photos.dlib_faces import DlibFaces
from avatar.photos.insight_faces import cosine_distance, installed
from avatar.photos.pixels import at_most
from avatar.ports import Descriptor, Face, Picture

SIDE = 112  # px, the recogniser's input
EYES = (complex(38.2946, 51.6963), complex(73.5318, 51.5014))  # px, where ArcFace networks expect the eyes
SHARP = 224.0  # px between the eyes above which a picture is shrunk first, as warping does not smooth


def recogniser_file(root: Path | None) -> Path | None:
    """The recogniser under `root/models/auraface`, if it was fetched."""
    file = root / "models" / "auraface" / "glintr100.onnx" if root else None
    return file if file is not None and file.is_file() and file.stat().st_size > 0 else None


class AuraFaces:
    """`ports.Faces` by dlib's detectors and AuraFace's recogniser."""

    name = "dlib+auraface"
    same_person = 0.65  # cosine distance, 0 to 2; ArcFace networks part people at a cosine of 0.3 to 0.4

    def __init__(self, root: Path) -> None:
        file = recogniser_file(root)
        if file is None or not installed():
            raise WeightsMissing(
                "AuraFace or the insightface package is not on this machine.",
                remedy="avatar weights fetch auraface; pip install --no-deps insightface==2.1 onnxruntime onnx",
            )
        self._file = file
        self._finder = DlibFaces()

    def find(self, picture: Picture) -> list[Face]:
        """All faces, largest first."""
        return [replace(face, descriptor=self._describe(picture, face)) for face in self._finder.find(picture)]

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        """Cosine distance: 0 the same direction, 1 unrelated, 2 opposite."""
        return cosine_distance(one, other)

    def _describe(self, picture: Picture, face: Face) -> Descriptor:
        bgr = np.ascontiguousarray(aligned(picture, face)[..., ::-1])
        return np.asarray(self._recogniser.get_feat(bgr)[0], np.float32)

    @cached_property
    def _recogniser(self) -> Any:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reads it once, when it is first imported
        import onnxruntime
        from insightface.model_zoo import get_model

        cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        providers = ["CUDAExecutionProvider"] * cuda + ["CPUExecutionProvider"]
        network = get_model(str(self._file), providers=providers)
        network.prepare(ctx_id=0 if cuda else -1)
        return network


def aligned(picture: Picture, face: Face) -> Picture:
    """(SIDE, SIDE, 3): the face turned, moved and scaled so that its eyes lie at EYES."""
    left, right = (complex(*eye) for eye in face.eyes)
    small, factor = picture, 1.0
    if abs(right - left) > SHARP:
        small, factor = at_most(picture, max(SIDE, round(max(picture.shape[:2]) * SHARP / abs(right - left))))
    turn = (right - left) * factor / (EYES[1] - EYES[0])
    shift = left * factor - turn * EYES[0]
    affine = (turn.real, -turn.imag, shift.real, turn.imag, turn.real, shift.imag)
    image = Image.fromarray(np.ascontiguousarray(small))
    return np.asarray(image.transform((SIDE, SIDE), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC))
