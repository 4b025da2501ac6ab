"""Every conversion of pixels that needs no torch: luma, Lab, crops, sizes, encoded files.

Pictures are uint8 HWC sRGB [0, 255]; planes are float32 HW; boxes are XYXY in pixels.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from avatar.ports import Picture

Plane = npt.NDArray[np.float32]  # (height, width)
Box = tuple[float, float, float, float]  # x0, y0, x1, y1

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as JPEG has it
# Linear sRGB to XYZ (IEC 61966-2-1), each row divided by the D65 white point.
_XYZ = np.array(
    [
        [0.412456 / 0.95047, 0.357576 / 0.95047, 0.180438 / 0.95047],
        [0.212673, 0.715152, 0.072175],
        [0.019334 / 1.08883, 0.119192 / 1.08883, 0.950304 / 1.08883],
    ],
    np.float32,
)


def luma(picture: Picture) -> Plane:
    """Brightness as seen, (H, W) float32 in [0, 255]."""
    return picture.astype(np.float32) @ LUMA


def lab(picture: Picture) -> npt.NDArray[np.float32]:
    """CIE L*a*b* under D65, (H, W, 3) float32: L in [0, 100], a and b about [-128, 128]."""
    s = picture.astype(np.float32) / 255
    linear = np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _XYZ.T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def crop(picture: Picture, box: Box) -> Picture:
    """The pixels of `box`, rounded to whole pixels; what lies outside the picture mirrors its edge."""
    x0, y0, x1, y1 = (round(edge) for edge in box)
    columns = mirrored(np.arange(x0, max(x1, x0 + 1)), picture.shape[1])
    rows = mirrored(np.arange(y0, max(y1, y0 + 1)), picture.shape[0])
    return picture[rows[:, None], columns[None, :]]


def mirrored(places: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Places along one axis folded back into [0, size), as between two mirrors."""
    folded = np.mod(places, 2 * size)
    return np.where(folded < size, folded, 2 * size - 1 - folded)


def inside(picture: Picture, box: Box) -> Picture:
    """The part of `box` that lies in the picture; may be empty."""
    height, width = picture.shape[:2]
    x0, x1 = (min(max(round(edge), 0), width) for edge in (box[0], box[2]))
    y0, y1 = (min(max(round(edge), 0), height) for edge in (box[1], box[3]))
    return picture[y0:y1, x0:x1]


def resize(picture: Picture, width: int, height: int) -> Picture:
    """Another size, by Lanczos with antialias."""
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def resize_plane(plane: Plane, width: int, height: int) -> Plane:
    """As `resize`, for one plane of floats, without rounding."""
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.LANCZOS), np.float32)


def at_most(picture: Picture, long_side: int) -> tuple[Picture, float]:
    """The picture shrunk to `long_side` where it is longer, and the factor by which it shrank (1 or less)."""
    factor = long_side / max(picture.shape[:2])
    if factor >= 1:
        return picture, 1.0
    height, width = (max(1, round(edge * factor)) for edge in picture.shape[:2])
    return resize(picture, width, height), factor


def png(picture: Picture) -> bytes:
    """A PNG file that holds pixels and nothing else; it will not be kept, so it is written fast, not small."""
    return _file(picture, "PNG", {"compress_level": 1})


def jpeg(picture: Picture, quality: int = 92) -> bytes:
    """A JPEG file that holds pixels and nothing else, without chroma subsampling."""
    return _file(picture, "JPEG", {"quality": quality, "subsampling": 0})


def _file(picture: Picture, form: str, options: dict[str, int]) -> bytes:
    """Encoded from an image made here, so that there is no metadata to carry."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, form, **options)
    return out.getvalue()
