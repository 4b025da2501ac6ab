"""The loop of a training: steps until the minutes are spent, checkpoints, and a bar with the time left."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from avatar.errors import Spoiled
from avatar.pocket.pair import agree, in_turn, rank
from avatar.pocket.plainly import write_whole

if TYPE_CHECKING:
    from avatar.pocket.train import Order


class Trainee(Protocol):
    """What the loop moves: a training with a count of steps, a smoothed loss, and a state to carry over a stop."""

    steps: int
    loss: float

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


def packed(state: dict[str, Any]) -> bytes:
    """A checkpoint's bytes; torch writing to a file would not say that the disk is full."""
    out = io.BytesIO()
    torch.save(state, out)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the training, as the loop needs it."""

    name: str
    minutes: float
    trainee: Trainee
    step: Callable[[float], float]  # given the progress in [0, 1]
    pause: Callable[[], None] = lambda: None  # every few minutes and at the end


def reopen(path: Path, trainee: Trainee) -> float:
    """Put a checkpoint back; gives the seconds spent so far. Spoiled where it is broken, or of another plan."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        trainee.restore(kept["state"])
        return float(kept["spent"])
    except Exception as fault:  # of zip, pickle, shapes and keys, they are many; to the caller they are one
        remedy = "Move it away to begin this part anew; nothing else is lost."
        raise Spoiled(f"The checkpoint {path} is broken, or of another plan.", remedy=remedy) from fault


def loop(order: Order, part: Part) -> None:
    """Step until the minutes are spent, with a checkpoint and a pause every few minutes and at the end.

    The minutes already spent before a stop are in the checkpoint and count; pauses do not.
    """
    path, trainee = order.out / f"{part.name}.pt", part.trainee
    spent = 0.0
    if path.exists():
        spent = reopen(path, trainee)

    def rest() -> None:
        if rank() == 0:
            data = packed({"state": trainee.state(), "spent": spent})
            write_whole(path, lambda part: part.write_bytes(data))
        in_turn(part.pause)

    with bar(part.name) as show:
        saved = before = time.monotonic()
        while True:
            now = time.monotonic()
            spent, before = spent + now - before, now
            far = trainee.steps / order.steps if order.steps else spent / max(60 * part.minutes, 1e-9)
            progress, due = agree(far, now - saved > order.save_every)
            show(progress, f"step {trainee.steps}  loss {trainee.loss:.4f}")
            if progress >= 1:
                break
            part.step(progress)
            if due:
                rest()
                saved = before = time.monotonic()
    rest()


@contextmanager
def bar(name: str) -> Iterator[Callable[[float, str], None]]:
    """A progress bar with the time left and a note; drawn on a terminal only."""
    words = TextColumn("{task.description}"), TextColumn("{task.fields[note]}")
    with Progress(SpinnerColumn(), words[0], BarColumn(), TimeRemainingColumn(), words[1]) as progress:
        task = progress.add_task(name, total=1.0, note="")
        yield lambda done, note: progress.update(task, completed=done, note=note)


def decoder_notes(out: Path) -> tuple[int, float]:
    """Steps and loss of the finished autoencoder, for the card; Spoiled before hours are spent on the other part."""
    try:
        state = torch.load(out / "vae.pt", weights_only=True)["state"]
        return int(state["steps"]), float(state["loss"])
    except Exception as fault:  # as in `reopen`
        remedy = f"Move {out / 'vae'} away as well to train the autoencoder anew."
        raise Spoiled(f"The checkpoint {out / 'vae.pt'} is broken or gone.", remedy=remedy) from fault
