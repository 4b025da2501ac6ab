"""Draw the preview of every style pack: python -m avatar.cli.previews

The drawn sample person goes through the stages that everybody goes through, and the best picture of each style becomes
its `preview.png`: nothing is touched up, and nobody real is shown. A style that delivers nothing keeps what it had.
"""

from __future__ import annotations

import avatar.hushed  # noqa: F401

# isort: split
import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from avatar.cli import show
from avatar.cli.local import Order, make_pack, sample_selfies
from avatar.job import ClassWord
from avatar.marks.label import mark
from avatar.packs.style import load_styles
from avatar.pocket.plainly import plainly
from avatar.settings import Settings
from avatar.wiring import styles_folder

DELIVERED, DELIVERED_SHORT = 0, 4  # exit codes
SIDE = 192  # pixels; a gallery of all packs shall load at once


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m avatar.cli.previews", description=__doc__)
    parser.add_argument("--each", type=int, default=2, help="pictures to choose the best of, per style")
    parser.add_argument("--seed", type=int, default=7)
    told = parser.parse_args()
    with plainly():
        sys.exit(_draw(told.each, told.seed, Settings()))


def _draw(each: int, seed: int, settings: Settings) -> int:
    """`each` pictures of every style, the best kept as its preview; the exit code of the job."""
    folder = styles_folder(settings)
    names = tuple(load_styles(folder))
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "pack"
        order = Order(sample_selfies(), names, each * len(names), ClassWord.PERSON, "pocket", out, seed)
        code = make_pack(order, settings)
        if code not in (DELIVERED, DELIVERED_SHORT):
            return code
        report = json.loads((out / "report.json").read_text())
        best = {picture["style"]: out / picture["file"] for picture in reversed(report["pictures"])}
        for name, path in best.items():
            small = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            (folder / name / "preview.png").write_bytes(mark(np.asarray(small)))
    missing = ", ".join(name for name in names if name not in best)
    show.console.print(f"{len(best)} previews drawn" + (f"; none for {missing}" if missing else ""))
    return code


if __name__ == "__main__":
    main()
