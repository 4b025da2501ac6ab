"""What one photo must be: one clear face of an adult, large, sharp and lit enough; and no copy of another photo.

Covers: content, faces, apparent age where an estimator is at hand, size, sharpness, light, copies.
Does not cover: masks, filters, pictures of pictures, and whose face it is (`identity` compares, nobody is looked up).

Background faces smaller than `policy.background` of the main face are passers-by: they do not make a photo unusable.
Age is measured on the main face and on every other face that is not a passer-by, in unusable photos as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from avatar.errors import PhotoRefused
from avatar.photos.geometry import face_size
from avatar.photos.pixels import Plane, crop, inside, luma, resize_plane
from avatar.photos.policy import IntakePolicy
from avatar.ports import Ages, Face, Faces, Picture, Safety

LOOK_AT = 112  # px, side to which a face is brought before it is measured
FLAT = 200.0  # luma squared; below this variance there is nothing to be sharp about

SENTENCES = {
    "ok": ("The photo is good.", ""),
    "no_face": ("We found no face in this photo.", "Please send a photo that shows your whole face from the front."),
    "several_faces": ("This photo shows more than one person.", "Please send a photo of you alone."),
    "face_too_small": ("The face is too small.", "Please send a photo taken from closer."),
    "blurred": ("The face is blurred.", "Please hold the camera still, and clean its lens."),
    "too_dark": ("The face is too dark.", "Please take the photo facing a window or a lamp."),
    "too_bright": ("The face is too bright.", "Please take the photo out of direct sun or flash."),
    "duplicate": ("This is a copy of another photo you sent.", "Please send a different photo."),
    "another_person": ("This photo seems to show somebody else.", "Please send photos of yourself only."),
    "disallowed_content": ("We can not use this photo.", "Please send a photo in which you are dressed."),
    "looks_under_18": (
        "Somebody in this photo may be under 18.",
        "This service is for adults and takes only photos in which that is clear.",
    ),
    "over_the_limit": ("You sent more photos than we use.", "Nothing to do: the first ones were taken."),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one photo, in a stable code and in words for the person."""

    photo_id: str
    code: str
    sentence: str
    remedy: str
    usable: bool


@dataclass(frozen=True, slots=True)
class Backs:
    """The back ends that a look needs."""

    faces: Faces
    safety: Safety
    ages: Ages | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One photo looked at. `face` is set where the verdict is ok; `hashes` tell copies, and are not stored."""

    verdict: Verdict
    face: Face | None = field(default=None, repr=False)
    hashes: Hashes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Hashes:
    """What tells copies: a hash of the exact pixels, and 64 bits that survive re-saving and resizing."""

    exact: bytes
    rough: int

    def copies(self, other: Hashes, bits: int) -> bool:
        """Whether the other is a copy, up to `bits` different bits of the rough hash."""
        return self.exact == other.exact or (self.rough ^ other.rough).bit_count() <= bits


def verdict(photo_id: str, code: str) -> Verdict:
    """The verdict for a code of `SENTENCES`."""
    sentence, remedy = SENTENCES[code]
    return Verdict(photo_id, code, sentence, remedy, usable=code == "ok")


def refused(photo_id: str, why: PhotoRefused) -> Verdict:
    """The verdict for a photo that did not open."""
    return Verdict(photo_id, why.code, why.sentence, why.remedy, usable=False)


def look(photo_id: str, picture: Picture, backs: Backs, policy: IntakePolicy) -> Look:
    """Everything that can be said of a photo by itself; the gravest code wins."""
    faces = backs.faces.find(picture)
    near = [face for face in faces if face_size(face) >= policy.background * face_size(faces[0])]
    code = _grave(picture, faces, near, backs, policy) or _poor(picture, near, policy)
    if code:
        return Look(verdict(photo_id, code))
    return Look(verdict(photo_id, "ok"), near[0], hashes_of(picture))


def _grave(
    picture: Picture, faces: Sequence[Face], near: Sequence[Face], backs: Backs, policy: IntakePolicy
) -> str | None:
    """What may end the whole job."""
    if backs.ages is not None:
        years = [backs.ages.estimate(picture, face) for face in near]
        if any(age is not None and age < policy.adult_years for age in years):
            return "looks_under_18"
    return "disallowed_content" if backs.safety.judge(picture, faces) else None


def _poor(picture: Picture, near: Sequence[Face], policy: IntakePolicy) -> str | None:
    """What makes only this photo unusable."""
    if len(near) != 1:
        return "several_faces" if near else "no_face"
    face = near[0]
    if face_size(face) < policy.min_face:
        return "face_too_small"
    return _light(picture, face, policy) or ("blurred" if sharpness(picture, face) < policy.min_sharpness else None)


def _light(picture: Picture, face: Face, policy: IntakePolicy) -> str | None:
    tones = luma(inside(picture, face.box))
    if not tones.size or float(np.percentile(tones, 75)) < policy.min_light:
        return "too_dark"
    burnt = float((tones > 250).mean())
    return "too_bright" if burnt > policy.max_burnt or float(np.percentile(tones, 25)) > policy.max_light else None


def sharpness(picture: Picture, face: Face) -> float:
    """Variance of the Laplacian over variance of luma, of the face at 112 px: no unit, and no matter how it is lit.

    Eleven faces in focus measured 0.16 to 0.6; blurred by 1.5 px of those 112, 0.010 to 0.024; by 2 px, 0.004 to
    0.010. The Laplacian is the four-neighbour one (Pech-Pacheco et al., "Diatom autofocusing in brightfield
    microscopy", ICPR 2000).
    """
    tones = resize_plane(luma(crop(picture, face.box)), LOOK_AT, LOOK_AT)  # rounded tones would look like grain
    return float(laplacian(tones).var() / max(float(tones.var()), FLAT))


def laplacian(plane: Plane) -> Plane:
    """Four neighbours less four times the middle; (H, W) to (H - 2, W - 2)."""
    around = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:]
    return np.asarray(around - 4 * plane[1:-1, 1:-1], np.float32)


def hashes_of(picture: Picture) -> Hashes:
    """SHA-256 of size and pixels, and the difference hash: is each of 9 x 8 grey cells brighter than its left one.

    Brighter by a step or more: an even wall would otherwise be a coin toss in every cell.
    """
    exact = hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).digest()
    cells = np.asarray(Image.fromarray(picture).convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    bits = (cells[:, 1:] > cells[:, :-1] + 1).ravel()
    return Hashes(exact, int("".join("1" if bit else "0" for bit in bits), 2))


def without_copies(looks: Sequence[Look], bits: int) -> list[Look]:
    """The looks in the same order; the second and later of a set of copies become `duplicate`."""
    kept: list[Hashes] = []
    result = []
    for one in looks:
        if one.hashes is not None and any(one.hashes.copies(other, bits) for other in kept):
            one = Look(verdict(one.verdict.photo_id, "duplicate"))
        elif one.hashes is not None:
            kept.append(one.hashes)
        result.append(one)
    return result
