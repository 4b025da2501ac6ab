"""Untrusted bytes to an upright sRGB picture, decoded in a child process that may die without harm.

Covers: the allow-list of formats by their first bytes; size, number of frames, memory, time; a crash or a hang of a
decoder costs that one photo. No metadata survives, because only pixels come back.
Does not cover: what the picture shows (`checks`, `safety`), nor a malicious file that takes over the child and paints
other pixels: it can say only what the person could have uploaded anyway.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from avatar.errors import PhotoRefused
from avatar.ports import Picture

CHILD = Path(__file__).with_name("decode_child.py")
AT_ONCE = 2  # children side by side: twice the memory limit is what a small worker can spare
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"hevc", b"hevx", b"msf1")

_SEND = "Please send a JPEG, PNG, WebP or HEIC photo."
REASONS = {
    "empty_file": ("The file is empty.", "Please send it again."),
    "too_many_bytes": ("The file is larger than we take.", "Please send a smaller copy of the photo."),
    "not_a_picture": ("The file is not a picture.", _SEND),
    "wrong_format": ("This kind of picture is not taken here.", _SEND),
    "too_many_pixels": ("The picture has more pixels than we take.", "Please send a smaller copy of the photo."),
    "animated": ("The picture moves.", "Please send a still photo."),
    "damaged": ("The picture is damaged or not complete.", "Please send it again, or another photo."),
    "decoder_died": ("The picture could not be opened.", "Please send another photo, or a copy saved as JPEG."),
    "decoder_timeout": ("The picture took too long to open.", "Please send another photo, or a copy saved as JPEG."),
    "too_small": ("The picture is too small.", "Please send the photo in its original size."),
}
OTHER_FORMATS = (b"GIF8", b"II*\0", b"MM\0*", b"BM", b"%PDF", b"<svg", b"<?xml", b"\0\0\1\0", b"8BPS", b"PK\3\4")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one uploaded file may be and may cost."""

    bytes: int = 20 * 2**20  # the largest photos of phones are about 15 MB
    pixels: int = 40_000_000  # above every front camera; below what 512 MiB can hold decoded
    side: int = 32_767  # px; a panorama this long is no portrait, and 65,535 is the header of an attack
    min_side: int = 160  # px on the short side; below it no face of 64 px has room for hair and shoulders
    long_side: int = 2048  # px kept: twice the largest base resolution, so later stages stay light
    seconds: float = 10.0  # wall clock for one file; twice the processor time, so that a busy machine refuses nobody
    cpu: int = 5  # seconds of processor time for one file
    memory: int = 512 * 2**20  # bytes of address space of the child


def refusal(code: str) -> PhotoRefused:
    """The refusal for a code of `REASONS`."""
    sentence, remedy = REASONS[code]
    return PhotoRefused(sentence, code=code, remedy=remedy)


def kind_of(data: bytes) -> str:
    """`jpeg`, `png`, `webp` or `heic`, by the first bytes alone; PhotoRefused for anything else."""
    if not data:
        raise refusal("empty_file")
    if data[:3] == b"\xff\xd8\xff":
        return "jpeg"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        if data[8:12] in HEIC_BRANDS and b"avif" not in data[8:64]:
            return "heic"
        raise refusal("wrong_format")
    raise refusal("wrong_format" if data.lstrip()[:5].lower().startswith(_LOWER) else "not_a_picture")


_LOWER = tuple(start.lower() for start in OTHER_FORMATS)


def decode(data: bytes, limits: Limits | None = None) -> Picture:
    """The picture, uint8 HWC sRGB, upright, at most `limits.long_side` long; PhotoRefused with a stable code."""
    limits = limits or Limits()
    if len(data) > limits.bytes:
        raise refusal("too_many_bytes")
    head, pixels = _ask_child(kind_of(data), data, limits)
    words = head.decode("ascii", "replace").split()
    if len(words) == 2 and words[0] == "no" and words[1] in REASONS:
        raise refusal(words[1])
    width, height = _size(words, limits)
    if len(pixels) != width * height * 3:
        raise refusal("decoder_died")
    if min(width, height) < limits.min_side:
        raise refusal("too_small")
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def decode_each(files: Iterable[bytes], limits: Limits | None = None) -> Iterator[Picture | PhotoRefused]:
    """Pictures and refusals in the order of `files`, decoded two at a time and no further ahead."""

    def one(data: bytes) -> Picture | PhotoRefused:
        try:
            return decode(data, limits)
        except PhotoRefused as refused:
            return refused

    waiting = iter(files)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while batch := list(islice(waiting, AT_ONCE)):
            yield from list(pool.map(one, batch))


def _size(words: list[str], limits: Limits) -> tuple[int, int]:
    """Width and height as the child said them, believed only within the limits."""
    if len(words) != 3 or words[0] != "ok" or not (words[1].isdigit() and words[2].isdigit()):
        raise refusal("decoder_died")
    width, height = int(words[1]), int(words[2])
    if not 0 < max(width, height) <= limits.long_side or min(width, height) < 1:
        raise refusal("decoder_died")
    return width, height


def _ask_child(kind: str, data: bytes, limits: Limits) -> tuple[bytes, bytes]:
    """The child's line and its pixels; it reads all before it writes, so plain pipes can not lock up."""
    most = limits.long_side**2 * 3
    child = subprocess.Popen(  # noqa: S603 - our own script, no shell, nothing of the file in the arguments
        [sys.executable, "-I", str(CHILD), kind, *_arguments(limits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    late = threading.Event()
    clock = threading.Timer(limits.seconds, _kill, (child, late))
    clock.start()
    try:
        head, pixels = _talk(child, data, most)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(1)  # so that a child which ended by itself can say how
    finally:
        clock.cancel()
        _kill(child, threading.Event())
        child.wait()
    if late.is_set():
        raise refusal("decoder_timeout")
    if not head:
        raise refusal("decoder_timeout" if child.returncode == -signal.SIGXCPU else "decoder_died")
    return head, pixels


def _talk(child: subprocess.Popen[bytes], data: bytes, most: int) -> tuple[bytes, bytes]:
    """Write the file, then read one line and at most `most` bytes."""
    to_child, from_child = _pipes(child)
    with from_child:
        with contextlib.suppress(BrokenPipeError), to_child:
            to_child.write(data)
        return from_child.readline(64), from_child.read(most + 1)


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    if child.stdin is None or child.stdout is None:
        raise refusal("decoder_died")
    return child.stdin, child.stdout


def _kill(child: subprocess.Popen[bytes], mark: threading.Event) -> None:
    """End the child and whatever it started."""
    if child.poll() is None:
        mark.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def _arguments(limits: Limits) -> list[str]:
    names = ("pixels", "side", "long_side", "memory", "cpu")
    return [f"{name}={getattr(limits, name)}" for name in names]
