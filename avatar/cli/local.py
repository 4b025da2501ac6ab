"""One job on this machine, from files to a folder: consent, stages with their progress, purge, and what came of it."""

from __future__ import annotations

import json
import secrets
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from avatar.cli import show
from avatar.cli.tidy import sweep
from avatar.erasure.signing import signer_at
from avatar.errors import JobRefused
from avatar.job import ClassWord, Consent, Ending, Job, Kind, Stage, new_id
from avatar.pipeline import Record, carry
from avatar.settings import Settings
from avatar.vault.folder import Folder, usable
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault
from avatar.wiring import build, erase_local

CONSENT = (
    "These are photos of me, or of an adult who asked me to do this. They are used for this one pack "
    "and nothing else, and everything made from them but the pack is erased when it ends."
)
MAX_FILES = 40  # more than intake would look at is a mistake in the command, not an order
MAX_BYTES = 64_000_000  # a file above this is not even read; intake's own limit is lower and gives its reason


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asked for."""

    photos: tuple[Path, ...]
    styles: tuple[str, ...]
    count: int
    class_word: ClassWord
    base: str
    out: Path
    seed: int | None


def sample_selfies() -> tuple[Path, ...]:
    """The drawn sample person's selfies, as a phone would have written them."""
    folder = Path(str(resources.files("avatar") / "pocket" / "selfies"))
    return tuple(sorted(folder.glob("*.jpg")))


def make_pack(order: Order, settings: Settings) -> int:
    """Run the whole job; the exit code. Whatever happens, purge is the last thing that happens."""
    target = usable(order.out)
    signer = signer_at(settings.signing_here)  # first: who can not sign what was erased takes nothing in
    sweep(settings)
    vault = LocalVault(settings.state / "jobs", MemoryKeys())
    job = _job(order)
    delivery = Folder(target, job.id)
    bench = build(settings, job, vault, delivery)
    record = Record(job)
    begun = time.monotonic()
    vault.open(job.id)
    try:
        names = _take_in(order, job, vault)
        vault.note(job.id, delivery.note())
        with show.lines() as lines:
            carry(record, bench.hands(lines.begin, lines.report, lines.end), vault)
    finally:
        with undisturbed():
            erased = erase_local(signer, vault, delivery, record)
    if record.job.ending is Ending.REFUSED:
        delivery.add("report.json", _refusal(record))
    return _tell(record, names, target, erased, time.monotonic() - begun)


@contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C, or a polite kill, does not stop the erasing."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refusal(record: Record) -> bytes:
    """The report of a job that was refused: why, and what was said of each photo, by number."""
    verdicts = record.job.facts.get(Stage.INTAKE, {}).get("verdicts", [])
    said = {"schema": "avatar.refusal/1", "code": record.code, "sentence": record.sentence, "photos": verdicts}
    return json.dumps(said, indent=2, ensure_ascii=False).encode()


def _job(order: Order) -> Job:
    return Job(
        id=new_id(),
        class_word=order.class_word,
        styles=order.styles,
        count=order.count,
        base=order.base,
        seed=secrets.randbelow(2**31) if order.seed is None else order.seed,
        consent=Consent(CONSENT, datetime.now(UTC)),
    )


def _take_in(order: Order, job: Job, vault: LocalVault) -> dict[str, str]:
    """Seal the files under names that say nothing; what they were called stays in memory, for the table."""
    if len(order.photos) > MAX_FILES:
        raise JobRefused(f"{len(order.photos)} files were given; {MAX_FILES} is the most.", code="too_many_photos")
    names = {}
    for number, path in enumerate(order.photos, 1):
        name = f"p{number:02}"
        with path.open("rb") as file:
            vault.put(job.id, Kind.PHOTO, name, file.read(MAX_BYTES))
        names[name] = path.name
    return names


def _tell(record: Record, names: Mapping[str, str], target: Path, erased: Mapping[str, Any], seconds: float) -> int:
    """Say what came of it."""
    intake = record.job.facts.get(Stage.INTAKE, {})
    show.verdicts(list(intake.get("verdicts", [])), names)
    if record.job.ending is Ending.REFUSED:
        show.errors.print(f"[bold red]{record.sentence}[/] [dim]({record.code})[/]")
        code = 3
    else:
        facts = record.job.facts[Stage.RENDER]
        short = int(facts.get("shortfall", 0))
        wanted = f" of {record.job.count} asked for" if short else ""
        show.console.print(f"\n[bold green]{record.job.count - short} pictures[/]{wanted} in {seconds:.0f} s")
        show.console.print(f"  look at   {target / 'contact-sheet.png'}")
        code = 4 if short else 0
    show.console.print(
        f"  erased    {erased['objects']} objects, {erased['remains']} left, key destroyed; {target / 'receipt.json'}"
    )
    return code
