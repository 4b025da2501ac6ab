"""What is on the shelves: style packs and weights, as tables; and fetching weights."""

from __future__ import annotations

from rich.table import Column, Table

from avatar.cli import show
from avatar.errors import WeightsMissing
from avatar.packs.style import load_styles
from avatar.settings import Settings
from avatar.weights.fetch import fetch as fetch_weights
from avatar.weights.registry import TABLE, Base, Family, entry, place
from avatar.wiring import styles_folder


def show_styles(settings: Settings) -> None:
    """One line a pack."""
    table = Table("name", "what it is", "author", "licence", box=None, header_style="dim")
    for name, style in load_styles(styles_folder(settings)).items():
        table.add_row(f"[bold]{name}[/]", style.summary, style.author, style.licence)
    show.console.print(table)


def show_weights(settings: Settings) -> None:
    """One line a base or face pack."""
    columns = ("name", Column("here", no_wrap=True), "licence", "commercial use", "memory to tune")
    table = Table(*columns, box=None, header_style="dim")
    for base in TABLE.values():
        memory = f"{base.memory_tune_gb:g} GB" if base.family is not Family.FACES else ""
        table.add_row(
            f"[bold]{base.name}[/]",
            "yes" if is_here(base, settings) else f"avatar weights fetch {base.name}",
            base.licence,
            "yes" if base.commercial else "no",
            memory,
        )
    show.console.print(table)


def is_here(base: Base, settings: Settings) -> bool:
    """True if the weights' files lie on this machine."""
    try:
        place(base, settings.weights)
    except WeightsMissing:
        return False
    return True


def fetch(name: str, settings: Settings, *, accept_licence: bool) -> None:
    """Bring weights to this machine and say where they are."""
    folder = fetch_weights(entry(name), settings.weights, accept_licence=accept_licence)
    show.console.print(f"[green]✓[/] {name} is in {folder}")
