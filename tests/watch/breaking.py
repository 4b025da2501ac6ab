"""The workers and the API of the product in which everything breaks, with all that must not be told in each error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NoReturn

from fastapi import FastAPI

import workers.heavy
import workers.light
from avatar.ledger import orders
from avatar.web import main
from workers.app import app

__all__ = ["app"]
app.conf.imports = (*app.conf.imports, "tests.watch.breaking")


def break_down(*_: Any, **__: Any) -> NoReturn:
    """Stands where a stage's work or a query would be."""
    secret = os.environ["CANARY"]
    try:
        Path(secret).read_bytes()
    except OSError as error:
        raise RuntimeError(f"can not read {secret}") from error


workers.light.work = break_down  # type: ignore[attr-defined]


def made() -> FastAPI:
    """The API whose every look at a job breaks; with NO_START its making breaks already."""
    if os.environ.get("NO_START"):
        main.open_service = break_down  # type: ignore[attr-defined]
    orders.look = break_down
    return main.made()
