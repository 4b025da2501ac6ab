"""The `avatar` command. Light to start: nothing that needs torch is imported before a job is run.

Exit codes: 0 done; 1 a fault; 2 wrong use; 3 refused, with the reason; 4 delivered short; 130 stopped on request.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from avatar.cli import operator, receipts, show
from avatar.errors import AvatarError, Cancelled, JobRefused
from avatar.job import ClassWord
from avatar.settings import Settings, hush

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Selfies in, a themed pack of avatars that look like the person out, and nothing left behind.",
)
weights = typer.Typer(no_args_is_help=True, help="Base models and face models: what there is, and fetching it.")
app.add_typer(weights, name="weights")
app.add_typer(receipts.app, name="receipt")
operator.add_to(app)

Photos = Annotated[list[Path], typer.Argument(help="5 to 20 photos of one adult, or folders of them", exists=True)]
Styles = Annotated[str, typer.Option("--styles", "-s", help="names of style packs, separated by commas")]
Count = Annotated[int, typer.Option("--count", "-n", min=1, max=400, help="pictures to deliver, over all styles")]
Class = Annotated[ClassWord, typer.Option("--class", help="the word for the person")]
Base = Annotated[str, typer.Option("--base", help="a base model by name, or a folder of weights")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="folder for the pack; new or empty")]
Seed = Annotated[int | None, typer.Option("--seed", help="the same seed gives the same pack on the same machine")]


@app.command()
def make(
    photos: Photos,
    styles: Styles = "photo,watercolour,oil",
    count: Count = 12,
    class_word: Class = ClassWord.PERSON,
    base: Base = "pocket",
    out: Out = None,
    seed: Seed = None,
) -> None:
    """Make a pack from photos of one adult, then erase everything but the pack.

    By running this you say: these are photos of me, or of an adult who asked me to do this.
    """
    from avatar.cli.local import Order, make_pack

    order = Order(_files(photos), _names(styles), count, class_word, base, out or _free("avatars"), seed)
    raise typer.Exit(make_pack(order, Settings()))


@app.command()
def demo(
    styles: Styles = "photo,watercolour,oil,astronaut",
    count: Count = 12,
    out: Out = None,
    seed: Seed = 7,
) -> None:
    """Make a pack of the drawn sample person: no photo of yours, no download."""
    from avatar.cli.local import Order, make_pack, sample_selfies

    order = Order(
        sample_selfies(), _names(styles), count, ClassWord.PERSON, "pocket", out or _free("avatar-demo"), seed
    )
    raise typer.Exit(make_pack(order, Settings()))


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen on; others than this machine need a proxy with TLS")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
) -> None:
    """Run the whole service on this machine: API, workers, schedule and broker, until Ctrl-C."""
    from avatar.cli.serve import serve as run_service

    run_service(Settings(), host, port)


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="print a document")] = False) -> None:
    """The service on one screen: who waits, what breaks, what is late to be erased."""
    from avatar.cli.status import status as show_status

    raise typer.Exit(show_status(Settings(), as_json=as_json))


@app.command()
def clean(
    as_json: Annotated[bool, typer.Option("--json", help="print a document instead of sentences")] = False,
) -> None:
    """Remove what killed jobs left behind, and write the receipts that they owe."""
    from avatar.cli.tidy import sweep

    done = sweep(Settings())
    if as_json:
        typer.echo(json.dumps({"cleaned": done}, indent=2))
    else:
        show.console.print(
            f"{len(done)} interrupted job{'s' * (len(done) != 1)} erased." if done else "Nothing was left."
        )


@app.command()
def retention(as_json: Annotated[bool, typer.Option("--json", help="print a document")] = False) -> None:
    """What the service keeps, until which event, and for how long at most."""
    from avatar.cli.papers import show_retention

    show_retention(Settings(), as_json=as_json)


@app.command()
def styles() -> None:
    """The style packs on the shelf, with their credits."""
    from avatar.cli.shelf import show_styles

    show_styles(Settings())


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json")] = False,
    production: Annotated[bool, typer.Option("--production", help="look at a service's safety instead")] = False,
) -> None:
    """What this machine can run, what is missing, and the command that mends it. Exit code 1 where something is bad."""
    from avatar.cli.doctor import examine

    raise typer.Exit(examine(Settings(), as_json=as_json, production=production))


@weights.command("list")
def list_weights() -> None:
    """The table of weights: what they are, under which licence, and whether they are here."""
    from avatar.cli.shelf import show_weights

    show_weights(Settings())


@weights.command("fetch")
def fetch_weights(
    name: str,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="I have read the licence and accept it")
    ] = False,
) -> None:
    """Download weights at a pinned revision. The only command that talks to the network."""
    from avatar.cli.shelf import fetch

    hush(offline=False)
    fetch(name, Settings(), accept_licence=accept_licence)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise JobRefused("No style was named.", code="no_style", remedy="`avatar styles` lists them")
    return names


def _files(paths: list[Path]) -> tuple[Path, ...]:
    files: list[Path] = []
    for path in paths:
        files += sorted(p for p in path.iterdir() if p.is_file() and p.name[0] != ".") if path.is_dir() else [path]
    return tuple(files)


def _free(stem: str) -> Path:
    """A folder name that is not taken: `stem`, then `stem-2`, `stem-3` ..."""
    number, path = 1, Path(stem)
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}")
    return path


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Cancelled("Stopped on request.")


def run() -> None:
    """The console entry: quiet dependencies first, then the command, then one kind of ending for every error."""
    hush(offline="fetch" not in sys.argv[1:3])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app()
    except (Cancelled, KeyboardInterrupt):
        show.errors.print("Stopped.")
        sys.exit(130)
    except AvatarError as error:
        show.problem(error)
        sys.exit(3 if error.status == 422 else 1)
    except Exception as fault:  # a defect of ours: said in one line, as a traceback could tell more than it should
        if "AVATAR_TRACEBACK" in os.environ:
            raise
        words = "" if sys.argv[1:2] == ["serve"] else f": {fault}"  # a service's terminal is a log, which holds no text
        show.errors.print(f"[bold red]A fault of this program: {type(fault).__name__}{words}[/] [dim](fault)[/]")
        show.errors.print("  → AVATAR_TRACEBACK=1 shows where; nothing of the job was left behind")
        sys.exit(1)
