"""What is promised and what was proven, shown: the table of what is kept."""

from __future__ import annotations

import json
from dataclasses import asdict

import typer
from rich.table import Column, Table

from avatar.cli import show
from avatar.erasure.retention import POLICY, table
from avatar.service import times_of
from avatar.settings import Settings

UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def show_retention(settings: Settings, *, as_json: bool) -> None:
    """The table, for people or for programs."""
    lines = table(times_of(settings), settings.pace)
    if as_json:
        typer.echo(json.dumps({"policy": POLICY, "kept": [asdict(line) for line in lines]}, indent=2))
        return
    shown = Table("what", "where", "until", Column("at most", no_wrap=True), box=None, header_style="dim")
    for line in lines:
        most = f"{span(line.most)} after {line.since}" if line.most is not None else "for good"
        shown.add_row(line.holds, line.where, line.until, most)
    show.console.print(shown)
    show.console.print(f"[dim]policy {POLICY}[/]")


def span(seconds: float) -> str:
    """A time as a person says it: 23 h, 30 d."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
