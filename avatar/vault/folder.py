"""Hand a pack over to a folder of the person's, whole or not at all.

Everything is written to a hidden sibling first and moved into place by one rename.
Covers: a kill at any point leaves either no pack or the whole one; the sibling's name lets `clean` find and remove it.
Does not cover: a target on a file system without atomic rename.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from avatar.errors import JobRefused
from avatar.job import JobId

PARTIAL = re.compile(r"\..*\.job_[0-9a-f]{32}\.partial")
PAPERS = {"report.json", "receipt.json"}  # what a job that ended without a pack leaves; a new one may replace it


def usable(target: Path) -> Path:
    """`target`, if a pack may be put there; JobRefused if it holds anything of somebody's."""
    target = target.absolute()
    if target.exists() and (not target.is_dir() or {path.name for path in target.iterdir()} - PAPERS):
        raise JobRefused(
            f"{target} is not empty, and nothing of yours is overwritten.",
            code="out_not_empty",
            remedy="give --out a new folder",
        )
    parent = next(folder for folder in target.parents if folder.exists())
    if not os.access(parent, os.W_OK):
        raise JobRefused(
            f"{parent} can not be written to.", code="out_not_writable", remedy="give --out another folder"
        )
    return target


class Folder:
    """One delivery to one folder."""

    def __init__(self, target: Path, job: JobId) -> None:
        self.target = target.absolute()
        self.partial = self.target.with_name(f".{self.target.name}.{job}.partial")

    def note(self) -> dict[str, str]:
        """What `finish_or_undo` needs to know later."""
        return {"target": str(self.target), "partial": str(self.partial)}

    def deliver(self, files: Mapping[str, bytes], spares: Mapping[str, bytes] | None = None) -> None:
        """Write `files` and show them all at once. Repeating replaces what this same job delivered.

        Spares are not written: nobody will put one in a picture's place here, and it would be one more thing kept.
        """
        shutil.rmtree(self.partial, ignore_errors=True)
        self.partial.mkdir(parents=True)
        for name, data in files.items():
            (self.partial / name).write_bytes(data)
        if self.target.exists():
            usable(self.target)
            shutil.rmtree(self.target)
        self.partial.rename(self.target)

    def add(self, name: str, data: bytes) -> None:
        """Put one paper beside the pack, or into a fresh folder if there is no pack."""
        self.target.mkdir(parents=True, exist_ok=True)
        half = self.target / f".{name}.half"
        half.write_bytes(data)
        half.replace(self.target / name)


def undo(note: Mapping[str, str]) -> Path | None:
    """Remove a delivery that was cut off; the folder of the pack if it had been delivered, else None."""
    partial, target = Path(note.get("partial", "")), Path(note.get("target", ""))
    if not PARTIAL.fullmatch(partial.name):
        return None
    delivered = not partial.exists() and target.is_dir() and bool({p.name for p in target.iterdir()} - PAPERS)
    shutil.rmtree(partial, ignore_errors=True)
    for paper in PAPERS if target.is_dir() else ():
        (target / f".{paper}.half").unlink(missing_ok=True)
    return target if delivered else None
