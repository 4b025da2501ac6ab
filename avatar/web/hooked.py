"""What the calls about webhooks take and tell."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from avatar.ledger.outbox import Tried
from avatar.ledger.tables import EndpointRow, OutboxRow, TryRow
from avatar.web.schemas import Wire
from avatar.web.told import time

URL = Annotated[str, Field(max_length=500, description="https, a public name", examples=["https://app.example/hook"])]


class NewWebhook(Wire):
    url: URL


class Webhook(Wire):
    id: str
    url: str
    made_at: str


class Secret(Wire):
    secret: str = Field(description="whsec_ and base64; signs every message; shown this once")


class MadeWebhook(Webhook, Secret):
    """A webhook and what signs its messages."""


class Trial(Wire):
    arrived: bool
    code: str = Field(description="ok, refused, redirect, timeout, tls, no_connection, no_answer, bad_answer, ...")
    status: int | None = Field(description="of the answer, if one came")
    seconds: float


class Try(Trial):
    at: str


class Message(Wire):
    id: str = Field(description="the webhook-id of each of its tries")
    event: str
    job: str
    state: Literal["pending", "sent", "given_up"]
    tries: int = Field(description="since it was made or replayed")
    made_at: str
    due_at: str | None = Field(description="when it is tried next")
    sent_at: str | None


class MessagePage(Wire):
    messages: list[Message]
    next: str | None


def webhook(row: EndpointRow) -> Webhook:
    """An endpoint, without its secret."""
    return Webhook(id=row.id, url=row.url, made_at=time(row.made_at))


def trial(tried: Tried) -> Trial:
    """What came of a test."""
    arrived = tried.code == "ok"
    return Trial(arrived=arrived, code=tried.code, status=tried.status, seconds=round(tried.seconds, 3))


def try_(row: TryRow) -> Try:
    """A line of the log."""
    arrived = row.code == "ok"
    return Try(arrived=arrived, code=row.code, status=row.status, seconds=round(row.seconds, 3), at=time(row.at))


def message(row: OutboxRow) -> Message:
    """A message and how far it is."""
    state: Literal["pending", "sent", "given_up"] = "pending"
    if row.sent_at is not None:
        state = "sent"
    elif row.gave_up_at is not None:
        state = "given_up"
    return Message(
        id=row.id,
        event=row.event,
        job=row.job,
        state=state,
        tries=row.tries,
        made_at=time(row.made_at),
        due_at=time(row.due_at) if state == "pending" else None,
        sent_at=None if row.sent_at is None else time(row.sent_at),
    )
