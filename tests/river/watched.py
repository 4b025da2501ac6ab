"""Run the `avatar` command while writing down every path it opens for writing and every address it asks for.

    python tests/river/watched.py LOG demo --out DIR

LOG gets one JSON document: {"written": [...], "network": [...], "peak_gb": ...}. It is opened before the watching.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
MAKING = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1}  # event: which argument is the new path
NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.sendto"}


def watch(log: Path) -> None:
    """Install the hook; what it saw is written when the process ends."""
    written: set[str] = set()
    network: list[str] = []
    owner = os.getpid()
    target = log.open("w")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes) and (arguments[2] or 0) & WRITING:
            written.add(str(Path(os.fsdecode(arguments[0])).absolute()))
        elif event in MAKING:
            written.add(str(Path(os.fsdecode(arguments[MAKING[event]])).absolute()))
        elif event in NETWORK:
            network.append(f"{event} {arguments[1:]!r}")

    def tell() -> None:
        if os.getpid() == owner:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            json.dump({"written": sorted(written), "network": network, "peak_gb": peak}, target)
            target.close()

    sys.addaudithook(hook)
    atexit.register(tell)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
    sys.argv = ["avatar", *sys.argv[2:]]
    from avatar.cli.main import run

    run()
