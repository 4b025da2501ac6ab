"""The history of the tables ends in the tables, and may be applied by several at once."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text

from avatar.ledger.engine import open_ledger, scrub, transaction
from avatar.ledger.history import upgrade
from avatar.ledger.tables import JobRow, Table


def test_the_migrations_make_exactly_the_tables(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Table.metadata) == []


def test_several_that_upgrade_one_ledger_at_once_do_no_harm(tmp_path: Path) -> None:
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    failed: list[BaseException] = []

    def act() -> None:
        try:
            upgrade(engine)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_what_is_deleted_is_overwritten_in_the_file_and_its_log(tmp_path: Path) -> None:
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    upgrade(engine)
    with transaction(engine) as session:
        session.execute(text("INSERT INTO audit (at, who, code, target) VALUES (0, 'x', 'x', 'canary-4711')"))
    assert scrub(engine)
    with transaction(engine) as session:
        session.execute(text("DELETE FROM audit"))
    assert scrub(engine)
    assert JobRow.__tablename__.encode() in (tmp_path / "ledger.db").read_bytes()
    assert all(b"canary-4711" not in path.read_bytes() for path in tmp_path.iterdir())
