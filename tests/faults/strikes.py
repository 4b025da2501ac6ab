"""The faults, each aimed at a job that is at a certain stage."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from avatar.job import ORDER, Stage
from avatar.ledger.engine import open_ledger
from tests.faults.bucket import Mood
from tests.faults.ear import Heard
from tests.faults.trial import Trial

STAGES = (*ORDER, Stage.PURGE)
FROZEN = 90.0  # seconds at pace 1: half as long again as a lease


class Fault(StrEnum):
    """What is done."""

    CHILD = "kill child"
    TREE = "kill worker tree"
    API = "kill API"
    FROZEN = "freeze worker"
    BROKER = "kill and flush broker"
    LEDGER = "cut ledger"
    BROKEN = "bucket says 500"
    HANGING = "bucket hangs"


DEAR = (Fault.CHILD, Fault.TREE, Fault.API)  # a process has to start again: seconds of processor time each
TURN = {fault: threading.Semaphore(1) for fault in Fault}  # of a kind at a time
TURN[Fault.BROKEN] = TURN[Fault.HANGING]  # the bucket has one mood


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that was done: to whom it was aimed, when, and what else was at work in the meantime."""

    fault: Fault
    stage: str
    job: str
    at: float  # seconds since 1970
    over: float  # when the cause was gone
    others: tuple[tuple[str, str], ...]  # (job, stage) of all that were at work


def strike(trial: Trial, fault: Fault, aim: Heard, dice: random.Random) -> Strike:
    """Do it now; returns when its cause is over."""
    deeds: dict[Fault, Callable[[], None]] = {
        Fault.CHILD: lambda: _kill(aim.pid),
        Fault.TREE: lambda: _signal_tree(aim.boss, signal.SIGKILL),
        Fault.API: lambda: _signal_tree(trial.api(), signal.SIGKILL),
        Fault.FROZEN: lambda: _freeze(aim.boss, FROZEN * trial.shape.pace),
        Fault.BROKER: lambda: _flush(trial),
        Fault.LEDGER: lambda: _cut(trial, dice),
        Fault.BROKEN: lambda: _mood(trial, Mood.BROKEN, dice),
        Fault.HANGING: lambda: _mood(trial, Mood.HANGING, dice),
    }
    at, before = time.time(), trial.ear.at_work()
    deeds[fault]()
    struck = _hit(fault, aim, before, trial.ear.at_work())
    return Strike(fault, aim.stage, aim.job, at, time.time(), tuple(sorted(struck)))


def outage(trial: Trial, dice: random.Random) -> float:
    """Seconds that the bucket or the ledger is away: at pace 1 up to half a minute."""
    return max(0.05, dice.uniform(2, 30) * trial.shape.pace)


def _hit(fault: Fault, aim: Heard, before: list[Heard], after: list[Heard]) -> set[tuple[str, str]]:
    """The jobs, each with its stage, that a fault may have cost an attempt."""
    if fault in (Fault.API, Fault.BROKER):
        return set()
    reached = [aim, *before, *after] if fault in (Fault.LEDGER, Fault.BROKEN, Fault.HANGING) else [aim]
    if fault in (Fault.TREE, Fault.FROZEN):
        reached += [heard for heard in before if heard.boss == aim.boss]
    return {(heard.job, heard.stage) for heard in reached}


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _signal_tree(leader: int | None, what: signal.Signals) -> None:
    """All processes of a part: each part leads a group of its own."""
    if leader is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, what)


def _freeze(leader: int, seconds: float) -> None:
    _signal_tree(leader, signal.SIGSTOP)
    time.sleep(seconds)
    _signal_tree(leader, signal.SIGCONT)


def _flush(trial: Trial) -> None:
    """All bells are lost. The trial starts the server again."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
        pid = trial.broker_pid()
        files = trial.folder / "s" / "service" / "broker" / "appendonlydir"
        shutil.rmtree(files, ignore_errors=True)
        os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def _in(mood: Mood, trial: Trial) -> Iterator[None]:
    trial.bucket.mood = mood
    try:
        yield
    finally:
        trial.bucket.mood = Mood.WELL


def _mood(trial: Trial, mood: Mood, dice: random.Random) -> None:
    with _in(mood, trial):
        time.sleep(outage(trial, dice))


def _cut(trial: Trial, dice: random.Random) -> None:
    """PostgreSQL: every connection is ended, three times within a moment. SQLite: the one writer's place is held."""
    engine = open_ledger(trial.shape.ledger or str(trial.service.engine.url))
    with contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        if engine.dialect.name == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
            time.sleep(min(5.0, outage(trial, dice)))
            cursor.execute("ROLLBACK")
        else:
            for _ in range(3):
                cursor.execute(END_ALL)
                connection.commit()
                time.sleep(dice.uniform(0.0, 0.05))
    engine.dispose()


END_ALL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
