"""Many writers in one process: they take turns, keep no reader waiting, and none waits for ever."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, QueuePool, text
from sqlalchemy.exc import OperationalError

from avatar.ledger import engine as module
from avatar.ledger.engine import open_ledger, reading, transaction
from avatar.ledger.history import upgrade


@pytest.fixture
def ledger(tmp_path: Path) -> Engine:
    opened = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    upgrade(opened)
    return opened


def write(engine: Engine, faults: list[Exception]) -> None:
    try:
        with transaction(engine) as session:
            session.execute(text("UPDATE jobs SET seed = 1"))
    except Exception as fault:
        faults.append(fault)


def test_writers_that_wait_hold_no_connection_and_keep_no_reader_waiting(ledger: Engine) -> None:
    faults: list[Exception] = []
    crowd = [threading.Thread(target=write, args=(ledger, faults)) for _ in range(40)]
    with transaction(ledger) as session:
        session.execute(text("UPDATE jobs SET seed = 1"))
        for one in crowd:
            one.start()
        assert cast(QueuePool, ledger.pool).checkedout() == 1
        with reading(ledger) as other:
            assert other.execute(text("SELECT count(*) FROM jobs")).scalar() == 0
        assert all(one.is_alive() for one in crowd)
    for one in crowd:
        one.join()
    assert faults == []


def test_a_writer_that_waited_long_enough_is_told_so(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT", 0.05)
    faults: list[Exception] = []
    with transaction(ledger):
        late = threading.Thread(target=write, args=(ledger, faults))
        late.start()
        late.join()
    assert [type(fault) for fault in faults] == [OperationalError]
    write(ledger, faults)
    assert len(faults) == 1


def test_a_fault_inside_a_turn_gives_the_turn_back(ledger: Engine) -> None:
    faults: list[Exception] = []
    with pytest.raises(RuntimeError), transaction(ledger):
        raise RuntimeError("inside")
    write(ledger, faults)
    assert faults == []
