"""Bring a ledger to the tables of this version. Several processes may ask at once; one does it, the others wait."""

from __future__ import annotations

import functools
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).with_name("migrations")
LOCK = 7_021_983  # of PostgreSQL's advisory locks; SQLite's writer lock serves alike


def upgrade(engine: Engine) -> None:
    """Apply what was not applied yet; a ledger that is up to date is left alone."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        command.upgrade(config(connection), "head")


def version(engine: Engine) -> str:
    """The version of the ledger's tables, by writing it over itself: told only where a write is kept."""
    with engine.begin() as connection:
        told = "UPDATE alembic_version SET version_num = version_num RETURNING version_num"
        return str(connection.exec_driver_sql(told).scalar_one())


@functools.cache
def newest() -> str:
    """The version that this code was written for."""
    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def config(connection: Connection) -> Config:
    """Alembic's settings for this connection; there is no file of them."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made
