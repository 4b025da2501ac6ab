"""What the commands of this shelf say where something is wrong that a person can put right."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from avatar.errors import AvatarError

FULL = "The disk is full. What was finished is kept: free some space and run the same command again."


@contextmanager
def plainly() -> Iterator[None]:
    """End the command with a sentence and 1 in the place of a traceback; other faults stay faults."""
    try:
        yield
    except AvatarError as fault:
        raise SystemExit(f"{fault.sentence} {fault.remedy}".strip()) from fault
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        raise SystemExit(FULL if full else f"A file or folder can not be used: {fault}") from fault
