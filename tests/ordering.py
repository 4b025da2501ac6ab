"""What a client does before a job can start, straight in the ledger."""

from __future__ import annotations

from sqlalchemy import Engine

from avatar.job import ClassWord, JobId, new_id
from avatar.ledger import orders, uploads
from avatar.ledger.clients import Client
from avatar.ledger.clock import read
from avatar.ledger.engine import transaction
from avatar.ledger.tables import EndpointRow

WANTED = orders.Wanted(ClassWord.PERSON, ("photo", "oil"), 8, "pocket", 1, "These are photos of me.")


def photographed(engine: Engine, client: Client, job: JobId, name: str = "p01") -> None:
    """One photo arrives."""
    uploads.expect(engine, client, job, name)
    uploads.arrived(engine, job, name, 1000, "")


def ordered(engine: Engine, client: Client, wanted: orders.Wanted = WANTED) -> JobId:
    """An order with one photo."""
    job = orders.make(engine, client, new_id(), wanted).id
    photographed(engine, client, job)
    return job


def told_at(engine: Engine, client: Client, name: str = "end_1") -> None:
    """The client wants to be told of its jobs."""
    with transaction(engine) as session:
        at = read(session)
        session.add(EndpointRow(id=name, client=client.id, url="https://app.example/hook", secret="", made_at=at))
