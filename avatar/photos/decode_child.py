"""The child process that turns one untrusted file into raw pixels; it is run as a script and imports only Pillow.

In: the file on standard input; the limits as `name=number` arguments. Out, on standard output: one line
`ok WIDTH HEIGHT` and then width x height x 3 bytes of sRGB, or one line `no CODE` with a code of `decode.REASONS`.
Only pixels cross the pipe, so whatever metadata the file carried ends here.

Covers: JPEG, PNG, WebP and HEIC; size taken from the header before a pixel is allocated; memory, processor time,
file writing and opening any further file or socket are limited before the first untrusted byte is looked at.
Does not cover: a kernel flaw reached by memory calls alone, or a side channel; there is no seccomp filter here.
"""

from __future__ import annotations

import contextlib
import ctypes
import encodings.ascii
import encodings.latin_1
import encodings.utf_16
import io
import resource
import sys
import warnings
from collections.abc import Callable

from PIL import Image, ImageCms, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

FORMATS: dict[str, Callable[[io.BytesIO], Image.Image]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,  # not Image.open: that would take phone pictures with a depth map for MPO
    "png": PngImagePlugin.PngImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
}
# Pillow and Python import these when they first meet EXIF or its text; after `lock` no file opens, a module's neither.
EARLY = (TiffImagePlugin, encodings.ascii, encodings.latin_1, encodings.utf_16)
PR_SET_DUMPABLE = 4  # from linux/prctl.h; a process that can not be dumped leaves no photo in a core file


class No(Exception):
    """The file is refused; the argument is the code."""


def lock(memory: int, cpu: int) -> None:
    """Give up what decoding does not need. Whatever this system does not know is left as it was."""
    wanted = [
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),  # standard input, output and error are open already; nothing else ever is
    ]
    for what, most in wanted:
        hard = (
            most + 1 if what == resource.RLIMIT_CPU else most
        )  # the soft limit says why the child ended, the hard not
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def opened(kind: str, data: bytes) -> Image.Image:
    """The picture with its header read and no pixel decoded."""
    if kind != "heic":
        return FORMATS[kind](io.BytesIO(data))
    from pi_heif import HeifImageFile  # imported already by `main`; bound here so that others stay light

    picture: Image.Image = HeifImageFile(io.BytesIO(data))
    return picture


def check(picture: Image.Image, pixels: int, side: int) -> None:
    """Refuse what is too large or moves, by the header alone."""
    width, height = picture.size
    if max(width, height) > side or width * height > pixels:
        raise No("too_many_pixels")
    if getattr(picture, "n_frames", 1) > 1:
        raise No("animated")


def shrunk(picture: Image.Image, long_side: int) -> Image.Image:
    """At most `long_side` pixels on the long side, antialiased; never larger than it was."""
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode in ("1", "LA", "PA", "La"):
        picture = picture.convert("RGBA" if picture.mode != "1" else "L")
    elif picture.mode.startswith("I") or picture.mode == "F":
        picture = sixteen_to_eight(picture)
    if max(picture.size) > long_side:
        picture.thumbnail((long_side, long_side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return picture


def sixteen_to_eight(picture: Image.Image) -> Image.Image:
    """The upper eight bits of a 16-bit grey picture (convert alone would clip and not scale)."""
    wide = picture.convert("I").point(lambda value: value * (1 / 256) + 0)
    return wide.convert("L")


def srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """sRGB: by the embedded profile where it is sound, else as if it had none; transparent parts become white."""
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    base = picture.convert("RGB") if alpha else picture
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
            base = ImageCms.profileToProfile(base, source, target, outputMode="RGB") or base
    base = base.convert("RGB")
    if alpha is None:
        return base
    white = Image.new("RGB", base.size, (255, 255, 255))
    white.paste(base, mask=alpha)
    return white


def decoded(kind: str, data: bytes, limits: dict[str, int]) -> Image.Image:
    """The upright sRGB picture, or `No`."""
    picture = opened(kind, data)
    check(picture, limits["pixels"], limits["side"])
    profile = picture.info.get("icc_profile")
    if kind == "jpeg":
        picture.draft(None, (limits["long_side"], limits["long_side"]))  # lets the decoder skip what is thrown away
    picture.load()
    small = shrunk(picture, limits["long_side"])
    if kind != "heic":  # HEIC comes upright from the library
        ImageOps.exif_transpose(small, in_place=True)
    return srgb(small, profile)


def answer(kind: str, data: bytes, limits: dict[str, int]) -> tuple[bytes, bytes]:
    """The line and the pixels to write."""
    try:
        picture = decoded(kind, data, limits)
    except No as no:
        return f"no {no}\n".encode(), b""
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        return b"no too_many_pixels\n", b""
    except Exception:  # whatever a decoder says of a damaged file, its words may quote the file: drop them
        return b"no damaged\n", b""
    return b"ok %d %d\n" % picture.size, picture.tobytes()


def main(arguments: list[str]) -> None:
    """Read, answer, leave."""
    kind = arguments[0]
    limits = {name: int(value) for name, value in (pair.split("=") for pair in arguments[1:])}
    if kind == "heic":
        import pi_heif

        pi_heif.options.DECODE_THREADS = 1  # each thread would reserve address space
        pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    warnings.simplefilter("error")
    Image.MAX_IMAGE_PIXELS = limits["pixels"]
    lock(limits["memory"], limits["cpu"])
    for part in answer(kind, sys.stdin.buffer.read(), limits):
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
