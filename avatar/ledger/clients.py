"""Who may call: keys, scopes and quotas.

A key is 256 random bits, shown once; the ledger holds its SHA-256. No slow hash is needed: nobody guesses 256 bits.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Engine, select, update

from avatar.ledger.clock import now, read
from avatar.ledger.engine import transaction
from avatar.ledger.tables import ClientRow

PREFIX = "avk_"


class Scope(StrEnum):
    """What a key opens."""

    CLIENT = "client"  # the client's own jobs
    ADMIN = "admin"  # purge, holds, figures; no pictures


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
                digest=_digest(key),
                jobs_a_day=quota.jobs_a_day,
                running=quota.running,
                uploads_an_hour=quota.uploads_an_hour,
                made_at=read(session),
            )
        )
    return client, key


def whose(engine: Engine, key: str) -> Client | None:
    """The client of this key; None for an unknown or revoked one."""
    with transaction(engine) as session:
        found = select(ClientRow).where(ClientRow.digest == _digest(key), ClientRow.revoked_at.is_(None))
        row = session.scalars(found).one_or_none()
        if row is None:
            return None
        quota = Quota(row.jobs_a_day, row.running, row.uploads_an_hour)
        return Client(row.id, row.label, Scope(row.scope), quota)


def revoke(engine: Engine, client: str) -> bool:
    """End a key; its waiting jobs are stopped by the next rescue. True if it was valid until now."""
    ended = update(ClientRow).where(ClientRow.id == client, ClientRow.revoked_at.is_(None)).values(revoked_at=now())
    with transaction(engine) as session:
        return session.scalars(ended.returning(ClientRow.id)).one_or_none() is not None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
