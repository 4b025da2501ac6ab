"""Writing that leaves nothing half done, and what the commands say where a person can put something right."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from avatar.errors import AvatarError

FULL = "The disk is full. What was finished is kept: free some space and run the same command again."
NUMBER = re.compile(r"(?:os error|code:) (\d+)")  # of the system's error, in safetensors' own


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file or folder under another name and rename it, so that a half-written one is never read.

    OSError where the system refuses, whichever library wrote; then nothing is left, and what was at `path` stays.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    except SafetensorError as fault:
        number = NUMBER.search(str(fault))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from fault
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)


@contextmanager
def plainly() -> Iterator[None]:
    """End the command with a sentence and 1 in the place of a traceback; other faults stay faults."""
    try:
        yield
    except AvatarError as fault:
        raise SystemExit(" ".join(filter(None, (fault.sentence, fault.remedy, f"({fault.code})")))) from fault
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        raise SystemExit(FULL if full else f"A file or folder can not be used: {fault}") from fault
