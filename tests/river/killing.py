"""Kill a job with SIGKILL at every boundary and at random moments; then clean, or run again, and look at what is left.

    python tests/river/killing.py --tries 60 --seed 0 [--part 1/2]

Each try runs the real command in a process of its own, on a tiny network so that it is over in seconds, and prints one
line of JSON; `--part 1/2` and `--part 2/2` share the tries between two calls. A try is good if afterwards the scratch
folder is gone and the pack is either absent or whole with its receipt; where the command was run again, it must be
whole.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from avatar import pipeline
from avatar.cli import local, tidy
from avatar.erasure import erase
from avatar.job import ORDER, ClassWord
from avatar.lora import recipes
from avatar.settings import Settings, hush
from avatar.vault.folder import Folder
from avatar.vault.local import LocalVault
from tests.tiny import tiny_sd15

COUNT = 3
PURGING = ("key destroyed", "objects erased", "folder removed", "receipt written")
POINTS = [f"{when} {stage}" for stage in ORDER for when in ("before", "inside", "ran", "recorded")] + list(PURGING)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def arm(point: str, rng: random.Random) -> None:
    """Make this process kill itself when it gets to `point`."""
    move, forget, remove, add = pipeline.move, LocalVault.forget_key, LocalVault.remove, Folder.add
    erase_kind = LocalVault.erase

    def moved(record: pipeline.Record, hand: pipeline.Hand, vault: Any) -> None:
        stage = record.job.stage

        def ran(job: Any) -> Any:
            if point == f"inside {stage}":
                threading.Timer(rng.uniform(0, 1.5), die).start()
            outcome = hand(job)
            _at(point, f"ran {stage}")
            return outcome

        _at(point, f"before {stage}")
        move(record, ran, vault)
        _at(point, f"recorded {stage}")

    pipeline.move = moved
    _after(LocalVault, "forget_key", forget, point, "key destroyed")
    _after(LocalVault, "remove", remove, point, "folder removed")
    _after(Folder, "add", add, point, "receipt written")
    if point == "objects erased":
        purging = erase.erase_job

        def erasing(*arguments: Any, **named: Any) -> Any:
            _after(LocalVault, "erase", erase_kind, point, point)
            return purging(*arguments, **named)

        sys.modules["avatar.stages.purge"].erase_job = erasing  # type: ignore[attr-defined]


def _at(point: str, here: str) -> None:
    if point == here:
        die()


def _after(owner: type, name: str, real: Callable[..., Any], point: str, here: str) -> None:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        _at(point, here)
        return result

    setattr(owner, name, wrapped)


def child(work: Callable[[], int]) -> int:
    """Run `work` in a fork, quietly; its exit code, or minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        code = 70
        with Path(os.devnull).open("w") as sink, contextlib.suppress(BaseException):
            os.dup2(sink.fileno(), 1)
            code = work()
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def one(root: Path, base: Path, point: str, again: bool, seed: int) -> dict[str, Any]:
    """One try; what happened and whether what is left is right."""
    root.mkdir()
    settings = Settings(state=root / "state", weights=root / "weights", threads=1)
    photos = local.sample_selfies()[:6]
    order = local.Order(photos, ("bronze",), COUNT, ClassWord.PERSON, str(base), root / "out", seed)

    def killed() -> int:
        arm(point, random.Random(seed))
        return local.make_pack(order, settings)

    died = child(killed)
    plain = _plain(root / "state", [path.read_bytes()[:4096] for path in photos])
    mended = child(lambda: local.make_pack(order, settings) if again and not (root / "out").exists() else 0)
    mended = mended or child(lambda: 0 * len(tidy.sweep(settings)))
    left = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and path.name != "signing.key"]
    pack = _whole(root / "out")
    good = (died, mended, plain) == (-signal.SIGKILL, 0, 0) or (point.startswith("inside") and died == 0)
    good = good and not (root / "state").exists() and all(name.startswith("out/") for name in left)
    good = good and (pack or (not again and not left))
    return {"point": point, "again": again, "died": died, "mended": mended, "pack": pack, "left": left, "good": good}


def _plain(state: Path, canaries: list[bytes]) -> int:
    """How many stored files hold the beginning of a photo as it was given."""
    stored = [path.read_bytes() for path in state.rglob("*") if path.is_file()] if state.exists() else []
    return sum(canary in data for data in stored for canary in canaries)


def _whole(out: Path) -> bool:
    names = {path.name for path in out.iterdir()} if out.is_dir() else set()
    pictures = {name for name in names if name[0].isdigit()}
    papers = {"contact-sheet.png", "report.json", "receipt.json"}
    return len(pictures) == COUNT and names == pictures | papers


def run(tries: int, seed: int, part: int = 1, parts: int = 1) -> Iterator[dict[str, Any]]:
    """Every `parts`-th of so many tries over all points, from the `part`-th on; every second try is mended by running
    again, the others by cleaning."""
    short = {"least_steps": 4, "most_steps": 4, "steps_per_photo": 1, "shots": 1, "prior_weight": 0.0}
    recipes.RECIPES["pocket"] = replace(recipes.RECIPES["pocket"], **short)  # what a small base by path is tuned by
    with tempfile.TemporaryDirectory() as folder:
        base = tiny_sd15(Path(folder) / "tiny")
        points = list(itertools.islice(itertools.cycle(POINTS), tries))
        for number in range(part - 1, tries, parts):
            again = (number + number // len(POINTS)) % 2 == 0
            yield one(Path(folder) / f"try-{number}", base, points[number], again, seed + number)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="1/1")
    asked = parser.parse_args()
    hush()
    results = []
    part, parts = map(int, asked.part.split("/"))
    for result in run(asked.tries, asked.seed, part, parts):
        results.append(result)
        print(json.dumps(result), flush=True)
    good = sum(result["good"] for result in results)
    print(f"{good} of {len(results)} good")
    return int(good != len(results))


if __name__ == "__main__":
    sys.exit(main())
