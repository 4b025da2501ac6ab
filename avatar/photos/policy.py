"""Every threshold of intake in one frozen object, each with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass

AGE_NOT_MEASURED = "age: attested, not measured"


@dataclass(frozen=True, slots=True)
class IntakePolicy:
    """What a usable set of photos is. Distances between people are the back end's own (`Faces.same_person`)."""

    min_usable: int = 5  # photos; below five the fine-tune learns the photos and not the person
    max_photos: int = 20  # photos; more brings no likeness and costs the person's privacy
    resolution: int = 512  # px, side of a crop: the base's own resolution
    min_face: float = 64.0  # px, side of a square as large as the face's box; half of what the recogniser looks at
    background: float = 1 / 3  # of the main face's size; faces smaller than this are passers-by and do not count
    min_sharpness: float = 0.006  # no unit: variance of the Laplacian over that of luma; see checks.sharpness
    min_light: float = 38.0  # luma [0, 255], 75th percentile of the face; a dark-skinned face in good light has 60 up
    max_light: float = 235.0  # luma [0, 255], 25th percentile of the face; above it most of the face is burnt out
    max_burnt: float = 0.35  # share of the face's pixels with luma above 250
    duplicate_bits: int = 4  # of 64; resized and re-saved copies differed by 0 or 1, different photos by 11 and more
    adult_years: float = 25.0  # apparent years; estimators miss by 5 to 8, so the rule of 18 needs a margin of 7
    disallowed_photos: int = 2  # photos; one may be the skin heuristic's error and costs that photo, two end the job
    crop_factor: float = 2.1  # side of the crop over the size of the face box: head, hair and shoulders
    max_roll: float = 20.0  # degrees by which a crop is turned upright; more would show too much mirrored edge
    max_padding: float = 0.03  # share of the side that may be mirrored edge; at 0.12 a second head of hair was seen
