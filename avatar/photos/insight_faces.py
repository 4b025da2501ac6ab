"""Faces and apparent age by insightface, from a model pack folder that the operator put there.

Covers: detection with five points, recognition, apparent age where the pack has it; processor or CUDA.
Does not cover: fetching a pack (it never downloads), nor the right to use one: the table below says what is known.

SCRFD: Guo et al., "Sample and Computation Redistribution for Efficient Face Detection", ICLR 2022.
ArcFace: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from avatar.errors import WeightsMissing, WeightsRefused
from avatar.photos.geometry import face_size, yaw_from
from avatar.ports import Descriptor, Face, Picture

DETECT_AT = (640, 640)  # px, width and height of the detector's input; the size the packs were trained for
DETECT_SCORE = 0.5  # the packs' own default
NOSE_SHIFT = 0.9  # eye distances per radian for the tip of the nose, which stands out further than its base
NEEDED = 2  # networks at least: one that finds, one that recognises


@dataclass(frozen=True, slots=True)
class Licence:
    """What is known about the right to use one pack."""

    name: str
    commercial: bool


PACKS = {
    "auraface": Licence("Apache-2.0", commercial=True),
    "buffalo_l": Licence("research only", commercial=False),
    "buffalo_s": Licence("research only", commercial=False),
    "buffalo_sc": Licence("research only", commercial=False),
    "antelopev2": Licence("research only", commercial=False),
}


def licence(pack: str) -> Licence:
    """The pack's licence; a pack that is not in the table counts as not for commercial use."""
    return PACKS.get(pack.lower(), Licence("unknown", commercial=False))


def pack_folder(root: Path, pack: str) -> Path | None:
    """`root/models/pack` where it holds enough networks, else None."""
    folder = root / "models" / pack
    files = [file for file in folder.glob("*.onnx") if file.stat().st_size > 0]
    return folder if len(files) >= NEEDED else None


def installed() -> bool:
    """Whether the insightface package can be imported."""
    return importlib.util.find_spec("insightface") is not None


def packs_at_hand(root: Path | None, commercial: bool) -> list[str]:
    """The packs of the table that lie under `root` and may be used, best licence first."""
    if root is None or not installed():
        return []
    allowed = [name for name, terms in PACKS.items() if terms.commercial or not commercial]
    return [name for name in allowed if pack_folder(root, name)]


class InsightFaces:
    """`ports.Faces` by one pack; networks are loaded when the first picture comes."""

    same_person = 0.65  # cosine distance, 0 to 2; ArcFace networks part people at a cosine of 0.3 to 0.4

    def __init__(self, root: Path, pack: str, *, commercial: bool) -> None:
        terms = licence(pack)
        if commercial and not terms.commercial:
            raise WeightsRefused(
                f"The face model pack {pack} is not licensed for commercial use ({terms.name}).",
                remedy="Use auraface, or dlib.",
            )
        folder = pack_folder(root, pack)
        if folder is None or not installed():
            raise WeightsMissing(
                f"The face model pack {pack} or the insightface package is not on this machine.",
                remedy="Put the pack's .onnx files into models/<pack> and install insightface.",
            )
        self._folder = folder
        self.name = f"insightface/{pack}"

    def find(self, picture: Picture) -> list[Face]:
        """All faces with a descriptor, largest first."""
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "`estimate` is deprecated", FutureWarning
            )  # insightface 2.1 on skimage 0.26
            seen = self._analysis.get(_bgr(picture))
        found = [_face(one) for one in seen if one.embedding is not None]
        return sorted(found, key=face_size, reverse=True)

    def distance(self, one: Descriptor, other: Descriptor) -> float:
        """Cosine distance: 0 the same direction, 1 unrelated, 2 opposite."""
        return cosine_distance(one, other)

    def ages(self) -> InsightAges | None:
        """The pack's estimator of age, or None where the pack has none."""
        network = self._analysis.models.get("genderage")
        return InsightAges(self.name, network) if network is not None else None

    @cached_property
    def _analysis(self) -> Any:
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime reads it once, when it is first imported
        import onnxruntime
        from insightface.app import FaceAnalysis

        cuda = "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        providers = ["CUDAExecutionProvider"] * cuda + ["CPUExecutionProvider"]
        wanted = ["detection", "recognition", "genderage"]
        # The folder itself as the name: a bare name that is not found would be downloaded.
        analysis = FaceAnalysis(name=str(self._folder), allowed_modules=wanted, providers=providers)
        analysis.prepare(ctx_id=0 if cuda else -1, det_thresh=DETECT_SCORE, det_size=DETECT_AT)
        return analysis


class InsightAges:
    """`ports.Ages` by the pack's network. Apparent age is off by 5 to 8 years on average: keep a wide margin."""

    def __init__(self, name: str, network: Any) -> None:
        self.name = name
        self._network = network

    def estimate(self, picture: Picture, face: Face) -> float | None:
        """Apparent age in years. The network's guess at gender is thrown away."""
        from insightface.app.common import Face as Found

        _, age = self._network.get(_bgr(picture), Found(bbox=np.asarray(face.box, np.float32)))
        return float(age)


def cosine_distance(one: Descriptor, other: Descriptor) -> float:
    """1 minus the cosine of the angle between two descriptors; a zero vector is unrelated to everything."""
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other)) or 1.0
    return 1.0 - float(np.dot(one, other)) / lengths


def _bgr(picture: Picture) -> Picture:
    """insightface takes BGR, as OpenCV has it."""
    return np.ascontiguousarray(picture[..., ::-1])


def _face(found: Any) -> Face:
    """Ours from theirs; their five points are the eyes, the tip of the nose and the corners of the mouth."""
    x0, y0, x1, y1 = (float(edge) for edge in found.bbox)
    points = [(float(x), float(y)) for x, y in found.kps]
    left, right = sorted(points[:2])
    yaw = yaw_from(left, right, points[2], NOSE_SHIFT)
    return Face((x0, y0, x1, y1), (left, right), yaw, float(found.det_score), np.asarray(found.embedding, np.float32))
