"""Importing this hushes dependencies: the first import of a command that imports them at its top.

Several read their settings once, when they are imported; a call at the start of `main` would come too late for them.
"""

from __future__ import annotations

from avatar.settings import hush

hush()
