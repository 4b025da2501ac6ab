"""The operator's purge: chosen jobs erased here and now, whether or not a worker runs.

Exit codes: 0 all that was chosen is erased, or would be; 1 a fault; 2 wrong use, or not confirmed; 3 refused: a job or
a key that is not known; 4 something is left: held, or it would not go now; 130 stopped by a signal. What was begun
or left stays owed: a worker, or the same command again, goes on with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from avatar.cli import show
from avatar.erasure.purging import Came, Planned, Purged, carry_out, plan
from avatar.errors import Cancelled, NotFound
from avatar.ledger.audit import CONSOLE
from avatar.ledger.chosen import Which
from avatar.service import Service, open_service
from avatar.settings import Settings

MANY = 10  # jobs; more are erased only when somebody says so
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
WRONG_USE, REFUSED, LEFT = 2, 3, 4
BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
LINES = 20  # jobs shown of a long list
GRACE = 15.0  # seconds beyond a lease


def age(text: str) -> float:
    """Seconds of an age such as 30d, 12h, 90min."""
    found = re.fullmatch(r"(\d{1,9})\s*(s|min|h|d)", text)
    if found is None:
        raise typer.BadParameter("an age is a number and s, min, h or d, such as 30d")
    return int(found[1]) * UNITS[found[2]]


def purge(which: Which, settings: Settings, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show what would go, ask where it is much, and erase it; the exit code."""
    if which.empty:
        raise typer.BadParameter("name jobs, or give --client, --older-than or --everything")
    service = open_service(settings)
    try:
        planned = plan(service.engine, service.vault, which)
        if dry_run:
            _show_plan(planned, as_json)
            return 0
        if len(planned) > MANY and not yes and not _confirmed(planned, as_json):
            show.errors.print("Nothing was erased.")
            return WRONG_USE
        done = _carry_out(service, planned, quiet=as_json)
    except NotFound as error:
        show.problem(error)
        return REFUSED
    finally:
        service.engine.dispose()
    _tell(planned, done, as_json)
    return 0 if all(one.came is Came.ERASED for one in done) else LEFT


def _confirmed(planned: Sequence[Planned], as_json: bool) -> bool:
    """Whether somebody says so. Where nobody can be asked, the answer is no."""
    if as_json:
        show.errors.print(f"{len(planned)} jobs would be erased; say --yes if you mean all of them.")
        return False
    _show_plan(planned, as_json)
    try:
        return typer.confirm(f"Erase all of these {len(planned)} jobs for good?")
    except typer.Abort:  # no terminal, or its end
        show.errors.print("\nNobody answered; --yes means all of them.")
        return False


def _carry_out(service: Service, planned: Sequence[Planned], *, quiet: bool) -> list[Purged]:
    jobs, patience = [one.job for one in planned], service.times.lease + GRACE * service.settings.pace
    done: list[Purged] = []
    with Progress(*BAR, console=show.console, disable=quiet or not show.console.is_terminal) as live:
        task = live.add_task("erasing", total=len(jobs))
        try:
            for one in carry_out(service.engine, service.purge, jobs, CONSOLE, patience):
                done.append(one)
                live.advance(task)
        except (Cancelled, KeyboardInterrupt):
            live.stop()
            gone = sum(one.came is Came.ERASED for one in done)
            show.errors.print(f"{gone} of {_jobs(len(jobs))} erased; the same command goes on with the others.")
            raise
    return done


def _jobs(count: int) -> str:
    return f"{count} job" if count == 1 else f"{count} jobs"


def _show_plan(planned: Sequence[Planned], as_json: bool) -> None:
    objects, size = sum(one.objects for one in planned), sum(one.bytes for one in planned)
    if as_json:
        told = {"jobs": [asdict(one) for one in planned], "objects": objects, "bytes": size, "dry_run": True}
        typer.echo(json.dumps(told, indent=2))
        return
    table = Table("job", "state", "objects", "bytes", "", box=None, header_style="dim", show_header=bool(planned))
    for one in planned[:LINES]:
        table.add_row(one.job, one.state, str(one.objects), str(one.bytes), "[yellow]held[/]" if one.held else "")
    show.console.print(table)
    if len(planned) > LINES:
        show.console.print(f"[dim]and {len(planned) - LINES} more[/]")
    held = sum(one.held for one in planned)
    if not planned:
        show.console.print("There is nothing to erase.")
        return
    said = f"{_jobs(len(planned))}, {objects} objects, {decimal(size)}"
    show.console.print(said + (f"; {held} of them held, which stay" if held else ""))


def _tell(planned: Sequence[Planned], done: Sequence[Purged], as_json: bool) -> None:
    counts = {came.value: sum(one.came is came for one in done) for came in Came}
    if as_json:
        told: dict[str, Any] = {"jobs": [asdict(one) for one in done], **counts, "dry_run": False}
        typer.echo(json.dumps(told, indent=2))
        return
    if not done:
        show.console.print("There is nothing to erase.")
        return
    gone = f"{counts['erased']} of {_jobs(len(planned))}"
    show.console.print(f"{gone} erased, keys first, each with a signed receipt.")
    for one in done:
        if one.came is not Came.ERASED:
            show.errors.print(f"[yellow]•[/] {one.job} is {one.came}{f' ({one.code})' if one.code else ''}")
