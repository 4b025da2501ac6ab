"""Bring a ledger to the tables of this version. Several processes may ask at once; one does it, the others wait."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine

LOCK = 7_021_983  # of PostgreSQL's advisory locks; SQLite's writer lock serves alike


def upgrade(engine: Engine) -> None:
    """Apply what was not applied yet; a ledger that is up to date is left alone."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        command.upgrade(config(connection), "head")


def config(connection: Connection) -> Config:
    """Alembic's settings for this connection; there is no file of them."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    made.attributes["connection"] = connection
    return made
