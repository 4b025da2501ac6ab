"""Open a ledger: SQLite in one file for one machine, PostgreSQL for many; the same statements run on both.

SQLite: a write-ahead log, so that readers do not wait for a writer; every transaction takes the writer's place at its
beginning, so that two claims never meet half-way; `secure_delete` overwrites what is removed. The writers of one
process take turns before they ask the file for its one place: a crowd that asks at once lets nobody else in, and holds
every connection while it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

WAIT = 30  # seconds a SQLite writer waits for others; they take no turns, so that in a crowd one may wait long
IDLE = 10  # seconds that PostgreSQL lets a transaction stand still; ours take milliseconds
READS = "avatar_reads"  # the execution option that marks a transaction without writes
_TURNS: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()  # of each SQLite ledger's writers in here


def open_ledger(url: str) -> Engine:
    """`sqlite:///path` or `postgresql+psycopg://...`; a folder of a SQLite file is made, owner-only."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        engine = create_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=10)  # a cut connection is replaced
        event.listen(engine, "connect", _impatient)
        return engine
    if parsed.database:
        Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": WAIT})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    _TURNS[engine] = threading.Lock()
    return engine


def _impatient(connection: Any, _: Any) -> None:
    """A worker that freezes inside a transaction must not hold its rows: rescue, and so all jobs, would wait."""
    connection.execute(f"SET idle_in_transaction_session_timeout = {1000 * IDLE}")
    connection.commit()


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin` does
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "secure_delete=ON", f"busy_timeout={1000 * WAIT}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """All of it is recorded, or nothing."""
    with _turn(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """This process's next writer; whoever waited as long as the file would let it wait is told the same."""
    lock = _TURNS.get(engine)
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=WAIT):
        raise OperationalError("BEGIN IMMEDIATE", None, TimeoutError("the ledger has other writers"))
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """One look at the ledger that changes nothing; in SQLite it waits for no writer, and no writer for it."""
    with Session(engine.execution_options(**{READS: True}), expire_on_commit=False) as session, session.begin():
        yield session


def scrub(engine: Engine) -> bool:
    """Fold SQLite's write-ahead log into the file and empty it, so that no erased row is left in it.

    False while somebody still reads from the log; ask again. PostgreSQL keeps no log of ours to empty: True.
    """
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()  # not in a transaction, which would lock the table against itself
    try:
        busy, *_ = connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[union-attr]
        return not busy
    finally:
        connection.close()
