"""`avatar doctor`: what this machine can run, what is missing, and the command that mends it.

Covers: Python, packages, memory, disk, scratch folder, face models, bases, swap, misspelt settings, jobs cut off.
Does not cover: whether a GPU's driver is sound; a job says so when it begins.
Exit code 0 if the default job can run here, else 1.
"""

from __future__ import annotations

import difflib
import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from rich.table import Table

from avatar.cli import show
from avatar.cli.shelf import is_here
from avatar.errors import AvatarError
from avatar.packs.style import load_styles
from avatar.settings import Settings
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault, private_folder
from avatar.weights.registry import TABLE, Family
from avatar.wiring import styles_folder

PINNED = {"torch": "2.13.0", "diffusers": "0.42.1", "peft": "0.21.2", "accelerate": "1.15.0", "transformers": "5.23.0"}
INSTALL = "pip install -e '.[worker]'"
INSIGHT = "pip install --no-deps insightface==2.1 onnx onnxruntime"  # its own list brings a second OpenCV
MEMORY_GB = 3.0  # the peak of the demo on two cores, with room
DISK_GB = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `level` is ok, note (works, but know this) or bad (the default job can not run)."""

    what: str
    level: str
    says: str
    remedy: str = ""


def examine(settings: Settings, *, as_json: bool, production: bool = False) -> int:
    """Look at everything, tell it, and return the exit code. `production`: at a service's safety instead."""
    if production:
        from avatar.cli.production import look as at_safety

        findings = list(at_safety(settings))
    else:
        findings = list(look(settings))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _tell(findings)
    return int(any(finding.level == "bad" for finding in findings))


def look(settings: Settings) -> Iterator[Finding]:
    """Every finding, in the order a person would mend them."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "bad", version, "install Python 3.11 or newer")
    yield from _packages()
    yield from _settings()
    yield from _webhooks(settings)
    yield from _room(settings)
    yield from _faces(settings)
    yield from _bases(settings)
    yield from _styles(settings)
    yield from _leftovers(settings)


def _packages() -> Iterator[Finding]:
    for name, wanted in PINNED.items():
        try:
            found = metadata.version(name).split("+")[0]
        except metadata.PackageNotFoundError:
            yield Finding(name, "bad", "is not installed", INSTALL)
            continue
        level = "ok" if found == wanted else "note"
        yield Finding(name, level, found if level == "ok" else f"{found}; tested with {wanted}", INSTALL)


def _settings() -> Iterator[Finding]:
    known = {f"AVATAR_{name.upper()}" for name in Settings.model_fields} | {"AVATAR_TRACEBACK"}
    for name in sorted(os.environ):
        if name.startswith("AVATAR_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            yield Finding(name, "note", "is not a setting", f"did you mean {near[0]}?" if near else "unset it")


def _webhooks(settings: Settings) -> Iterator[Finding]:
    if settings.webhooks_local:
        says = "is on: whoever has a key can have this machine call itself"
        yield Finding("AVATAR_WEBHOOKS_LOCAL", "note", says, "unset it, unless you write an app here")


def _room(settings: Settings) -> Iterator[Finding]:
    memory = _meminfo("MemAvailable")
    if memory is not None:
        level = "ok" if memory >= MEMORY_GB else "bad"
        yield Finding("memory", level, f"{memory:.1f} GB free", f"the pocket base wants {MEMORY_GB:g} GB")
    if _meminfo("SwapTotal"):
        yield Finding("swap", "note", "is on: a job's memory could reach the disk in clear", "swapoff -a")
    standing = next(folder for folder in (settings.state, *settings.state.parents) if folder.exists())
    free = shutil.disk_usage(standing).free / 1e9
    level = "ok" if free >= DISK_GB else "bad"
    yield Finding("disk", level, f"{free:.0f} GB free for scratch", f"free at least {DISK_GB:g} GB")
    if settings.state.exists():
        try:
            private_folder(settings.state)
        except AvatarError as error:
            yield Finding("scratch", "bad", error.sentence, error.remedy)
            return
    yield Finding("scratch", "ok", f"{settings.state}, private; empty between jobs")


def _meminfo(key: str) -> float | None:
    """A line of /proc/meminfo in GB; None where there is no such file."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return None
    rows = dict(line.split(":") for line in path.read_text().splitlines() if ":" in line)
    return int(rows[key].split()[0]) / 1e6 if key in rows else None


def _faces(settings: Settings) -> Iterator[Finding]:
    dlib = all(importlib.util.find_spec(name) for name in ("_dlib_pybind11", "face_recognition_models"))
    level = "ok" if dlib else "bad"
    yield Finding("faces: dlib", level, "detector and recogniser, offline" if dlib else "is not installed", INSTALL)
    insight = importlib.util.find_spec("insightface") is not None
    here = is_here(TABLE["auraface"], settings)
    if insight and here:
        yield Finding("faces: insightface", "ok", "recognises with AuraFace; dlib finds")
    else:
        remedy = INSIGHT if not insight else "avatar weights fetch auraface"
        yield Finding("faces: insightface", "note", "is not set up; dlib is used", remedy)


def _bases(settings: Settings) -> Iterator[Finding]:
    memory = _accelerator() or _meminfo("MemTotal") or 0.0
    for base in TABLE.values():
        if base.family is Family.FACES:
            continue
        name = f"base: {base.name}"
        if not is_here(base, settings):
            level = "bad" if base.name == "pocket" else "note"
            yield Finding(name, level, "is not on this machine", f"avatar weights fetch {base.name}")
        elif base.memory_tune_gb > memory:
            yield Finding(name, "note", f"tuning wants {base.memory_tune_gb:g} GB of {memory:.0f}", "a larger GPU")
        else:
            yield Finding(name, "ok", f"{base.licence}; tunes in {base.memory_tune_gb:g} GB")


def _accelerator() -> float | None:
    """Memory of the first GPU in GB, if there is one that torch can use."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    return torch.cuda.get_device_properties(0).total_memory / 1e9 if torch.cuda.is_available() else None


def _styles(settings: Settings) -> Iterator[Finding]:
    try:
        count = len(load_styles(styles_folder(settings)))
    except AvatarError as error:
        yield Finding("styles", "bad", error.sentence, error.remedy)
    else:
        yield Finding("styles", "ok", f"{count} packs, all pass the linter")


def _leftovers(settings: Settings) -> Iterator[Finding]:
    dead = LocalVault(settings.state / "jobs", MemoryKeys()).dead_jobs()
    if dead:
        yield Finding("jobs", "note", f"{len(dead)} cut off; sealed, and their keys are gone", "avatar clean")


def _tell(findings: list[Finding]) -> None:
    marks = {"ok": "[green]✓[/]", "note": "[yellow]•[/]", "bad": "[red]✗[/]"}
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        remedy = f"[dim]→ {finding.remedy}[/]" if finding.level != "ok" and finding.remedy else ""
        table.add_row(marks[finding.level], finding.what, f"{finding.says}  {remedy}".rstrip())
    show.console.print(table)
