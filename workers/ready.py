"""Whether work could be claimed on this machine: python -m workers.ready; 0 if so, else 1 and what fails, by code.

For health checks of workers. It asks what a claim needs (ledger, its version, keys, store), in a process of its own;
that the worker itself runs is for whoever started it to see.
"""

from __future__ import annotations

import os
import sys

from avatar import logs
from avatar.service import open_service
from avatar.settings import Settings, hush
from avatar.watch.readiness import Readiness, failing


def main() -> int:
    """The exit code; one line says the rest."""
    hush()
    settings = Settings()
    logs.setup(settings.logs)
    try:
        told = Readiness(open_service(settings)).look()
    except Exception as error:  # whatever it is, a worker could not start either
        logs.say("not_ready", error=error)
        return 1
    failed = failing(told)
    print("not ready: " + ", ".join(f"{name} {told[name]}" for name in failed) if failed else "ready")
    return 1 if failed else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a check that hangs, and its connection, must not hold the answer back
