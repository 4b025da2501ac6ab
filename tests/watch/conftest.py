"""The ledgers of the ledger's own tests: SQLite always, PostgreSQL as well where one is at hand."""

from __future__ import annotations

from tests.ledger.conftest import client, engine, started

__all__ = ["client", "engine", "started"]
