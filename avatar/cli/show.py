"""What a person sees while a job runs: one line a stage with a bar and the time left, then the result in a few lines.

On a terminal the lines move; elsewhere (a log, a pipe) a stage is told at its begin, every ten seconds, and at its end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from avatar.errors import AvatarError
from avatar.job import Stage

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

QUIET_SECONDS = 10.0  # between two lines about the same stage where lines can not move

SAYS = {
    Stage.INTAKE: "looking at the photos",
    Stage.TUNE: "learning the face",
    Stage.RENDER: "drawing and choosing",
    Stage.FINISH: "marking as AI-generated",
    Stage.DELIVER: "handing the pack over",
    Stage.PURGE: "erasing what was used",
}


class Lines:
    """Progress of a job's stages, shown. `stage(name)` gives the callable that the stage's port wants."""

    def __init__(self, live: Progress) -> None:
        self._live = live
        self._tasks: dict[Stage, TaskID] = {}
        self._begun: dict[Stage, float] = {}
        self._told = 0.0

    def begin(self, stage: Stage) -> None:
        """Show that the stage has begun; until it first reports, its bar pulses."""
        self._begun[stage] = self._told = time.monotonic()
        self._tasks[stage] = self._live.add_task(SAYS[stage], total=None, stage=stage, note="")
        if not console.is_terminal:
            console.print(f"{stage:<8} {SAYS[stage]} ...")

    def report(self, stage: Stage, done: int, total: int, note: str = "") -> None:
        """The stage has done so many of so many steps."""
        self._live.update(self._tasks[stage], completed=done, total=total, note=note)
        now = time.monotonic()
        if not console.is_terminal and done and now - self._told > QUIET_SECONDS:
            self._told = now
            left = (now - self._begun[stage]) / done * (total - done)
            console.print(f"{stage:<8} {done}/{total}, about {left:.0f} s left")

    def end(self, stage: Stage) -> None:
        """The stage is recorded."""
        task = self._live.tasks[self._tasks[stage]]
        total = task.total or 1
        self._live.update(task.id, completed=total, total=total)
        if not console.is_terminal:
            console.print(f"{stage:<8} done in {time.monotonic() - self._begun[stage]:.1f} s")


@contextmanager
def lines() -> Iterator[Lines]:
    """The lines, moving while the block runs."""
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("[bold]{task.fields[stage]:<8}[/]"),
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        TextColumn("[dim]{task.fields[note]}[/]"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as live:
        yield Lines(live)


def verdicts(rows: list[Mapping[str, Any]], names: Mapping[str, str]) -> None:
    """One line a photo: whether it is used, and if not, why and what to do. `names` are shown, never stored."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for row in rows:
        mark = "[green]✓[/]" if row["usable"] else "[red]✗[/]"
        said = "" if row["usable"] else f"{row['sentence']} {row.get('remedy', '')}".strip()
        table.add_row(mark, names.get(row["photo_id"], row["photo_id"]), f"[dim]{row['code']}[/]", said)
    console.print(table)


def problem(error: AvatarError) -> None:
    """An error as a person should meet it: what happened, the stable code, what to do."""
    errors.print(f"[bold red]{error.sentence}[/] [dim]({error.code})[/]")
    if error.remedy:
        errors.print(f"  → {error.remedy}")
