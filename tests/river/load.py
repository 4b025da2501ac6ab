"""The service under load: python -m tests.river.load --clients 200 --jobs 1000

Starts `avatar serve` on its own parts and lets clients order, upload, start, poll and fetch; rehearsals stand in for
tuning, so that what is measured is the service. Prints requests a second, the latency of each call and the memory of
each process over time. Client and service share the machine, so the figures are a floor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.engine import open_ledger
from tests.river.serving import serving

PLENTY = Quota(10**9, 10**9, 10**9)
CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
WANTED = {"styles": ["photo", "oil"], "count": 4, "consent": CONSENT, "test": True}
PHOTO = bytes(60_000)  # a selfie of a phone's messenger
PHOTOS = 5
PARTS = ("uvicorn", "light@", "heavy@", "purge@", "beat", "spawn", "valkey")  # words of the command lines
POLL = 2.0  # seconds between two looks of one client


@dataclass
class Figures:
    """What was measured: milliseconds by call, memory by process, endings."""

    calls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    waits: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left: int = 0


@dataclass
class Line:
    """One client's connection, kept open."""

    port: int
    key: str
    figures: Figures
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def call(self, name: str, method: str, path: str, body: bytes = b"", kind: str = "") -> Any:
        begun = time.perf_counter()
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {self.key}"]
        head += [f"Content-Length: {len(body)}", *([f"Content-Type: {kind}"] if kind else []), "", ""]
        self.writer.write("\r\n".join(head).encode() + body)
        await self.writer.drain()
        status, answer = await self._read()
        self.figures.calls[name].append(1000 * (time.perf_counter() - begun))
        if status >= 400:
            self.figures.wrong.append(f"{name} {status} {answer[:120]!r}")
        return json.loads(answer) if answer[:1] in (b"{", b"[") else answer

    async def _read(self) -> tuple[int, bytes]:
        assert self.reader is not None
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        status = int(head.split(" ", 2)[1])
        if "transfer-encoding: chunked" not in head:
            size = int(head.split("content-length:")[1].split("\r\n")[0]) if "content-length:" in head else 0
            return status, await self.reader.readexactly(size)
        parts = []
        while size := int((await self.reader.readline()).strip(), 16):
            parts.append(await self.reader.readexactly(size))
            await self.reader.readline()
        await self.reader.readline()
        return status, b"".join(parts)


async def person(line: Line) -> None:
    """Order after order until there are enough."""
    figures = line.figures
    while figures.left > 0:
        figures.left -= 1
        job = (await line.call("order", "POST", "/v1/jobs", json.dumps(WANTED).encode(), "application/json"))["id"]
        for _ in range(PHOTOS):
            await line.call("upload", "POST", f"/v1/jobs/{job}/photos", PHOTO, "image/jpeg")
        await line.call("start", "POST", f"/v1/jobs/{job}/start")
        begun = time.monotonic()
        while (state := await line.call("poll", "GET", f"/v1/jobs/{job}"))["state"] in ("queued", "running"):
            await asyncio.sleep(POLL)
        figures.waits.append(time.monotonic() - begun)
        if state["state"] != "done":
            figures.wrong.append(f"a job ended as {state['state']} {state['code']}")
            continue
        await line.call("fetch", "GET", f"/v1/jobs/{job}/pictures/01-photo.png")


async def weigh(root: int, figures: Figures, done: asyncio.Event) -> None:
    """The resident memory of every process below `root`, MB, every few seconds."""
    while not done.is_set():
        for pid, name in family(root).items():
            pages = Path(f"/proc/{pid}/statm")
            if pages.exists():
                figures.memory[name].append(int(pages.read_text().split()[1]) * 4096 / 1e6)
        await asyncio.sleep(5)


def family(root: int) -> dict[int, str]:
    """The processes that the service started, by what they are."""
    parents: dict[int, list[int]] = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.read_text().rsplit(")", 1)[1].split()[1])].append(int(stat.parent.name))
        except OSError:
            continue
    found, todo = {}, [root]
    while todo:
        for child in parents[todo.pop()]:
            todo.append(child)
            try:
                words = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            name = next(
                (
                    part
                    for part in ("uvicorn", "light@", "heavy@", "purge@", "beat", "spawn", "valkey")
                    if part in words
                ),
                "",
            )
            if name:
                found[child] = f"{name.strip('@')} {child}"
    return found


async def load(port: int, key: str, clients: int, figures: Figures) -> float:
    """All clients at once; the seconds it took."""
    done = asyncio.Event()
    scales = asyncio.create_task(weigh(os.getpid(), figures, done))
    begun = time.monotonic()
    await asyncio.gather(*(person(Line(port, key, figures)) for _ in range(clients)))
    took = time.monotonic() - begun
    done.set()
    await scales
    return took


def show(figures: Figures, took: float) -> None:
    """The tables."""
    console = Console()
    table = Table("call", "count", "p50 ms", "p99 ms", "most ms")
    for name, values in figures.calls.items():
        cuts = statistics.quantiles(values, n=100)
        table.add_row(name, str(len(values)), f"{cuts[49]:.0f}", f"{cuts[98]:.0f}", f"{max(values):.0f}")
    console.print(table)
    memory = Table("process", "first MB", "middle MB", "last MB")
    for name, sizes in sorted(figures.memory.items()):
        if len(sizes) > 3:
            memory.add_row(name, f"{sizes[1]:.0f}", f"{sizes[len(sizes) // 2]:.0f}", f"{sizes[-1]:.0f}")
    console.print(memory)
    total = sum(len(values) for values in figures.calls.values())
    waits = statistics.quantiles(figures.waits, n=100)
    console.print(f"{len(figures.waits)} jobs in {took:.0f} s, {total / took:.0f} requests a second")
    console.print(
        f"from start to end: p50 {waits[49]:.1f} s, p99 {waits[98]:.1f} s; {len(figures.wrong)} wrong answers"
    )
    for line in sorted(set(figures.wrong))[:10]:
        console.print(line, markup=False)


def main() -> int:
    """Read the command line, serve, load, and print."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--clients", type=int, default=200)
    ask.add_argument("--jobs", type=int, default=1000)
    told = ask.parse_args()
    figures = Figures(left=told.jobs)
    with tempfile.TemporaryDirectory() as short, serving(Path(short) / "s", {"AVATAR_PACE": "1"}) as running:
        engine = open_ledger(f"sqlite:///{running.state}/service/ledger/ledger.db")
        _, key = make_client(engine, "load", Scope.CLIENT, PLENTY)
        engine.dispose()
        took = asyncio.run(load(running.port, key, told.clients, figures))
    show(figures, took)
    return 1 if figures.wrong or len(figures.waits) != told.jobs else 0


if __name__ == "__main__":
    sys.exit(main())
