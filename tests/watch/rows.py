"""Rows made by hand: jobs as the ledger would hold them after many days."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, insert

from avatar.job import new_id
from avatar.ledger.clients import Client
from avatar.ledger.clock import read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import JobRow


def job(client: Client, at: float, **values: Any) -> dict[str, Any]:
    """One row of a job that was started at this moment."""
    plain: dict[str, Any] = {
        "id": new_id(),
        "client": client.id,
        "class_word": "person",
        "styles": ["photo"],
        "count": 8,
        "base": "pocket",
        "seed": 1,
        "consent": "These are photos of me.",
        "consent_at": at,
        "test": False,
        "made_at": at,
        "started_at": at,
        "stage": "intake",
        "facts": {},
        "progress": {},
    }
    return plain | values


def over(client: Client, at: float, ending: str = "done", code: str = "", **values: Any) -> dict[str, Any]:
    """One row of a job that ended at this moment."""
    started = {"started_at": at - 300, "made_at": at - 300}
    return job(client, at, **{"stage": "purge", "ending": ending, "code": code, "ended_at": at, **started, **values})


def put(engine: Engine, *rows: dict[str, Any]) -> None:
    with transaction(engine) as session:
        for row in rows:
            session.execute(insert(JobRow).values(**row))


def clock(engine: Engine) -> float:
    """What the ledger's clock says."""
    with reading(engine) as session:
        return read(session)
