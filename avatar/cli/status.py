"""The service on one screen, from the same figures that Prometheus reads: who waits, what breaks, what is late."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.table import Table

from avatar.cli import show
from avatar.errors import NotNow
from avatar.job import ORDER
from avatar.ledger.watch import WAITING, Alive, Standing, standing
from avatar.service import open_service
from avatar.settings import Settings
from avatar.watch.readiness import Readiness, failing
from avatar.watch.tally import Histogram, Sums, Tally

RED, FINE = "bold red", "green"


def status(settings: Settings, *, as_json: bool = False) -> int:
    """Show it; 0 where claims work and no deletion is late, else 1. NotNow where no service was ever started."""
    file = settings.service / "ledger" / "ledger.db"
    if not settings.ledger.get_secret_value() and not file.exists():
        raise NotNow("No service was started here yet.", code="not_started", remedy="avatar serve")
    service = open_service(settings)
    try:
        ready, now, sums = Readiness(service).look(), standing(service.engine), Tally(service.engine).look()
    finally:
        service.engine.dispose()
    if as_json:
        show.console.print_json(data=document(ready, now, sums))
    else:
        _show(ready, now, sums)
    late = sum(group.overdue for group in now.owed)
    return 1 if late or failing(ready) else 0


def document(ready: Any, now: Standing, sums: Sums) -> dict[str, Any]:
    """All of it, for programs."""
    endings = [{"ending": ending, "code": code, "jobs": count} for (ending, code), count in sums.endings.items()]
    stages = {stage: {"jobs": sum(one.counts), "mean": mean(one)} for stage, one in sums.stages.items()}
    return {"ready": dict(ready), "now": asdict(now), "ended": endings, "stage_seconds": stages}


def mean(spent: Histogram) -> float | None:
    """Seconds on average; None where there were none."""
    count = sum(spent.counts)
    return round(spent.seconds / count, 1) if count else None


def _show(ready: Any, now: Standing, sums: Sums) -> None:
    failed = failing(ready)
    parts = "  ".join(f"[{FINE if said == 'ok' else RED}]{name} {said}[/]" for name, said in ready.items())
    show.console.print(f"[{RED if failed else FINE}]{'not ready' if failed else 'ready'}[/]   {parts}\n")
    show.console.print(_stages(now.alive, sums))
    table = Table("ended", "why", "jobs", box=None, header_style="dim")
    for (ending, code), count in sums.endings.most_common():
        table.add_row(ending, code, str(count))
    show.console.print(table)
    table = Table("to be erased", "due", "late", "longest", "tries", box=None, header_style="dim")
    for group in now.owed:
        late = f"[{RED if group.overdue else FINE}]{group.overdue}[/]"
        table.add_row(group.what, str(group.due), late, f"{group.oldest:.0f} s", str(group.tries))
    show.console.print(table)
    show.console.print(
        f"photos without a verdict {now.unseen}   messages waiting {now.unsent}   given up {now.given_up}", style="dim"
    )


def _stages(alive: tuple[Alive, ...], sums: Sums) -> Table:
    table = Table("stage", "waiting", "longest", "at work", "lost", "usually", box=None, header_style="dim")
    for stage in ORDER:
        here = [group for group in alive if group.stage is stage]
        waiting = [group for group in here if group.state in WAITING]
        count = {word: sum(group.count for group in here if group.state == word) for word in ("running", "lost")}
        usual = mean(sums.stages[stage]) if stage in sums.stages else None
        table.add_row(
            stage,
            str(sum(group.count for group in waiting)),
            f"{max((group.oldest for group in waiting), default=0.0):.0f} s",
            str(count["running"]),
            f"[{RED if count['lost'] else FINE}]{count['lost']}[/]",
            "" if usual is None else f"{usual:g} s",
        )
    return table
