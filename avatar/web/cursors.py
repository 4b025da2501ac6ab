"""The place in a list at which a page ended, as an opaque word for the next call."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re

from avatar.errors import JobRefused

ID = re.compile(r"[a-z]{3}_[0-9a-f]{32}")


def written(at: float, last: str) -> str:
    """The cursor behind the thing of this id, made at this time."""
    return base64.urlsafe_b64encode(json.dumps([at, last]).encode()).decode()


def read(cursor: str | None) -> tuple[float, str] | None:
    """Time and id; JobRefused for a word that is not ours."""
    if cursor is None:
        return None
    try:
        at, last = json.loads(base64.urlsafe_b64decode(cursor))
        if math.isfinite(at) and ID.fullmatch(last):
            return float(at), last
    except (binascii.Error, ValueError, TypeError, OverflowError):
        pass
    raise JobRefused("This cursor is not one of ours.", code="bad_cursor")
