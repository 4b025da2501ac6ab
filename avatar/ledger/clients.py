"""Who may call: keys, links, scopes and quotas.

A key is 256 random bits, shown once; the ledger holds its SHA-256. No slow hash is needed: nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from avatar.errors import Forbidden, NotFound
from avatar.job import JobId
from avatar.ledger.clock import now, read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import ClientRow, JobRow, LinkRow

PREFIX, LINK_PREFIX = "avk_", "avl_"
PAGE = "cli_" + 32 * "0"  # the built-in client that jobs of the page belong to
AFTERWARDS = 86400.0  # seconds that a link still tells how an erased job ended, and shows its receipts


class Scope(StrEnum):
    """What a key opens."""

    CLIENT = "client"  # the client's own jobs
    ADMIN = "admin"  # purge, holds, figures; no pictures
    LINK = "link"  # one job, to whoever holds its link


@dataclass(frozen=True, slots=True)
class Quota:
    """What one key may spend, so that a leaked one costs no more than this."""

    jobs_a_day: int = 3
    running: int = 1
    uploads_an_hour: int = 20


@dataclass(frozen=True, slots=True)
class Client:
    """A known caller."""

    id: str
    label: str
    scope: Scope
    quota: Quota
    only: str | None = None  # the one job that a link opens


def make_client(engine: Engine, label: str, scope: Scope, quota: Quota) -> tuple[Client, str]:
    """A new client and its key; the key is told here and never again."""
    key = PREFIX + secrets.token_urlsafe(32)
    client = Client("cli_" + secrets.token_hex(16), label, scope, quota)
    with transaction(engine) as session:
        session.add(
            ClientRow(
                id=client.id,
                label=label,
                scope=scope,
                digest=digest(key),
                jobs_a_day=quota.jobs_a_day,
                running=quota.running,
                uploads_an_hour=quota.uploads_an_hour,
                made_at=read(session),
            )
        )
    return client, key


def page_client(engine: Engine, quota: Quota) -> Client:
    """The client of the page, made on demand, with the quotas of today's settings. Forbidden once it was revoked.

    It has no key: its digest is no SHA-256 of anything, so its jobs open to their links alone.
    """
    with transaction(engine) as session:
        row = session.get(ClientRow, PAGE, with_for_update=True)
        if row is None:  # two first visitors may come at once: whoever is second finds the row of the first
            into = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
            fresh = {"id": PAGE, "label": "page", "scope": Scope.CLIENT.value, "digest": "no key", "made_at": now()}
            none = {"jobs_a_day": 0, "running": 0, "uploads_an_hour": 0}  # set below
            session.execute(into(ClientRow).values(**fresh, **none).on_conflict_do_nothing())
            row = session.get_one(ClientRow, PAGE, with_for_update=True)
        if row.revoked_at is not None:
            raise Forbidden("The operator closed this page.", code="page_closed")
        row.jobs_a_day, row.running, row.uploads_an_hour = quota.jobs_a_day, quota.running, quota.uploads_an_hour
        session.flush()
        return _client(row, Scope.CLIENT)


def whose(engine: Engine, key: str) -> Client | None:
    """The client of this key or link; None for an unknown or revoked one, and for a link some time after its job."""
    with reading(engine) as session:
        found = select(ClientRow).where(ClientRow.revoked_at.is_(None))
        if key.startswith(LINK_PREFIX):
            job = session.scalar(select(LinkRow.job).where(LinkRow.digest == digest(key)))
            told = or_(JobRow.erased_at.is_(None), JobRow.erased_at > now() - AFTERWARDS)
            row = session.scalars(
                found.join(JobRow, JobRow.client == ClientRow.id).where(JobRow.id == job, told)
            ).one_or_none()
            return _client(row, Scope.LINK, job) if row else None
        row = session.scalars(found.where(ClientRow.digest == digest(key))).one_or_none()
        return _client(row, Scope(row.scope)) if row else None


def make_link(engine: Engine, client: Client, job: JobId) -> str:
    """A secret that opens this one job, as its client; told here and never again. NotFound for a foreign job."""
    secret = LINK_PREFIX + secrets.token_urlsafe(32)
    with transaction(engine) as session:
        mine = select(JobRow.id).where(JobRow.id == job, JobRow.client == client.id, JobRow.erased_at.is_(None))
        if session.scalar(mine) is None:
            raise NotFound("There is no such job.")
        session.add(LinkRow(digest=digest(secret), job=job, made_at=read(session)))
    return secret


def revoke(engine: Engine, client: str) -> bool:
    """End a key; its waiting jobs are stopped by the next rescue. True if it was valid until now."""
    ended = update(ClientRow).where(ClientRow.id == client, ClientRow.revoked_at.is_(None)).values(revoked_at=now())
    with transaction(engine) as session:
        return session.scalars(ended.returning(ClientRow.id)).one_or_none() is not None


def everybody(engine: Engine) -> list[dict[str, object]]:
    """Every key there was, in order, as far as anybody may know it."""
    with reading(engine) as session:
        rows = session.scalars(select(ClientRow).order_by(ClientRow.made_at)).all()
    shown = ("id", "label", "scope", "jobs_a_day", "running", "uploads_an_hour")
    return [{**{name: getattr(row, name) for name in shown}, "revoked": row.revoked_at is not None} for row in rows]


def _client(row: ClientRow, scope: Scope, only: str | None = None) -> Client:
    return Client(row.id, row.label, scope, Quota(row.jobs_a_day, row.running, row.uploads_an_hour), only)


def digest(key: str) -> str:
    """What the ledger keeps of a secret."""
    return hashlib.sha256(key.encode()).hexdigest()
