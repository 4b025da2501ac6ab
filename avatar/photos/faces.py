"""Which face back end to use: the better one at hand, with a sentence that says which and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avatar.errors import WeightsMissing
from avatar.photos import dlib_faces, insight_faces
from avatar.photos.aura_faces import AuraFaces, recogniser_file
from avatar.ports import Ages, Faces

NAMES = ("auto", "dlib", "insightface")
DEFAULT_PACK = "auraface"  # the one pack that everybody may use


@dataclass(frozen=True, slots=True)
class Choice:
    """A face back end, what it can say about age, and why it was chosen."""

    faces: Faces
    ages: Ages | None  # None: age is attested, not measured
    why: str


def choose(name: str, root: Path | None = None, commercial: bool = True) -> Choice:
    """`auto`, `dlib`, `insightface` or `insightface/<pack>`; packs lie in `root/models/<pack>`.

    WeightsMissing where it is not at hand, WeightsRefused where its licence forbids it, ValueError on another name.
    """
    kind, _, pack = name.partition("/")
    if kind not in NAMES or (pack and kind != "insightface"):
        raise ValueError(f"a face back end is one of {', '.join(NAMES)} or insightface/<pack>, not {name!r}")
    if kind == "dlib":
        return _dlib("dlib was asked for")
    at_hand = insight_faces.packs_at_hand(root, commercial)
    if kind == "insightface" and recogniser_file(root) and not at_hand and pack in ("", DEFAULT_PACK):
        return _aura(root)
    if kind == "insightface":
        return _insight(root, pack or (at_hand[0] if at_hand else DEFAULT_PACK), commercial, "it was asked for")
    if at_hand:
        return _insight(root, at_hand[0], commercial, "it recognises people better than dlib and its pack is at hand")
    if recogniser_file(root) and insight_faces.installed():
        return _aura(root)
    return _dlib("no insightface pack that may be used is at hand")


def _dlib(reason: str) -> Choice:
    sentence = f"dlib, because {reason}; age is attested, not measured."
    return Choice(dlib_faces.DlibFaces(), None, sentence)


def _aura(root: Path | None) -> Choice:
    sentence = "dlib finds and AuraFace (Apache-2.0) recognises, because it is at hand; age is attested, not measured."
    return Choice(AuraFaces(root or Path()), None, sentence)


def _insight(root: Path | None, pack: str, commercial: bool, reason: str) -> Choice:
    if root is None:
        raise WeightsMissing("No folder of face model packs is set.", remedy="Set it, or use dlib.")
    faces = insight_faces.InsightFaces(root, pack, commercial=commercial)
    ages = faces.ages()
    said = "apparent age is measured" if ages else "age is attested, not measured"
    terms = insight_faces.licence(pack).name
    return Choice(faces, ages, f"insightface with {pack} ({terms}), because {reason}; {said}.")
