"""A square, upright crop of head and shoulders with its soft face mask, and the two packed with a caption."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from avatar.errors import Spoiled
from avatar.photos.geometry import centre, face_size, roll
from avatar.photos.pixels import Plane, crop
from avatar.photos.policy import IntakePolicy
from avatar.ports import Face, Picture

LIFT = 0.06  # of the face's size: the crop's middle lies this far above the box's, so that hair is in
SHIFT_MOST = 0.22  # of the crop's side: how far the crop may move to avoid mirrored edge; the head stays in
SMALLEST = 1.5  # of the face's size: a crop is never cut closer than this
HEAD_WIDE, HEAD_HIGH = 0.72, 0.95  # half axes of the head with hair, in sizes of the face's box
HEAD_UP = 0.18  # of the face's size: the head's middle lies this far above the box's, because hair is not in the box
SOFT = 0.35  # of the ellipse's radius over which the mask falls from 1 to 0


@dataclass(frozen=True, slots=True)
class Crop:
    """One training picture. `mask` is float32 (H, W) in [0, 1], 1 on the head; `picture` is square."""

    picture: Picture
    mask: Plane
    caption: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a crop lies in its picture: middle, side in px, and the angle by which it is turned, in radians."""

    x: float
    y: float
    side: float
    angle: float


def align(picture: Picture, face: Face, policy: IntakePolicy) -> tuple[Picture, Plane]:
    """The crop at `policy.resolution` and the mask of the head in it."""
    frame = frame_of(picture, face, policy)
    return cut(picture, frame, policy.resolution), head_mask(face, frame, policy.resolution)


def frame_of(picture: Picture, face: Face, policy: IntakePolicy) -> Frame:
    """The crop's place: by the face, moved and shrunk so that little of it lies outside the picture."""
    height, width = picture.shape[:2]
    size = face_size(face)
    most = math.radians(policy.max_roll)
    angle = min(max(roll(face), -most), most)
    side = min(policy.crop_factor * size, min(width, height) * (1 + 2 * policy.max_padding))
    side = max(side, SMALLEST * size)
    x, y = centre(face)
    x, y = x + LIFT * size * math.sin(angle), y - LIFT * size * math.cos(angle)
    return Frame(_moved(x, side, width), _moved(y, side, height), side, angle)


def _moved(middle: float, side: float, length: int) -> float:
    """The middle moved towards the picture, by a bounded part of the side, as far as it helps."""
    low, high = side / 2, length - side / 2
    wanted = length / 2 if low > high else min(max(middle, low), high)
    reach = SHIFT_MOST * side
    return min(max(wanted, middle - reach), middle + reach)


def cut(picture: Picture, frame: Frame, size: int) -> Picture:
    """The frame's pixels as (size, size, 3): turned at the picture's own resolution, then resized with antialias."""
    reach = frame.side * (abs(math.cos(frame.angle)) + abs(math.sin(frame.angle))) / 2 + 2
    left, top = math.floor(frame.x - reach), math.floor(frame.y - reach)
    around = crop(picture, (left, top, math.ceil(frame.x + reach), math.ceil(frame.y + reach)))
    own = max(round(frame.side), 1)
    scale = frame.side / own
    cos, sin = math.cos(frame.angle) * scale, math.sin(frame.angle) * scale
    x0 = frame.x - left - (cos - sin) * own / 2
    y0 = frame.y - top - (sin + cos) * own / 2
    turned = Image.fromarray(around).transform(
        (own, own), Image.Transform.AFFINE, (cos, -sin, x0, sin, cos, y0), Image.Resampling.BICUBIC
    )
    return np.asarray(turned.resize((size, size), Image.Resampling.LANCZOS))


def head_mask(face: Face, frame: Frame, size: int) -> Plane:
    """Float32 (size, size) in [0, 1]: 1 inside an ellipse over face and hair, falling smoothly to 0 outside."""
    scale = size / frame.side
    x, y = centre(face)
    across, down = x - frame.x, y - frame.y
    cos, sin = math.cos(frame.angle), math.sin(frame.angle)
    face_px = face_size(face) * scale
    middle_x = (across * cos + down * sin) * scale + size / 2
    middle_y = (-across * sin + down * cos) * scale + size / 2 - HEAD_UP * face_px
    ys, xs = np.mgrid[0:size, 0:size].astype(np.float32) + 0.5
    radius = np.hypot((xs - middle_x) / (HEAD_WIDE * face_px), (ys - middle_y) / (HEAD_HIGH * face_px))
    inner = np.clip((1 + SOFT / 2 - radius) / SOFT, 0, 1)
    return np.asarray(inner * inner * (3 - 2 * inner), np.float32)


def pack_crop(one: Crop) -> bytes:
    """One object of picture, mask (256 steps) and caption; the same crop always gives the same bytes."""
    out = io.BytesIO()
    mask = np.rint(one.mask * 255).astype(np.uint8)
    caption = np.frombuffer(one.caption.encode(), np.uint8)
    np.savez_compressed(out, picture=one.picture, mask=mask, caption=caption)
    return out.getvalue()


def unpack_crop(data: bytes) -> Crop:
    """The crop from `pack_crop`; Spoiled where the bytes are something else. Nothing in them is ever executed."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            picture, mask, caption = held["picture"], held["mask"], held["caption"]
            text = caption.tobytes().decode()
    except Exception as fault:  # zip, header and text errors are many; to the caller they are one
        raise Spoiled("A stored crop does not open.") from fault
    if picture.dtype != np.uint8 or picture.ndim != 3 or mask.shape != picture.shape[:2]:
        raise Spoiled("A stored crop has the wrong shape.")
    return Crop(picture, mask.astype(np.float32) / 255, text)
