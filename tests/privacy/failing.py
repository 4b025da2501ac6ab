"""Let the Nth operation on store, keys, ledger, disk or broker fail, for N = 1, 2, 3 ..., until a run is clean.

An operation fails before it was carried out or after (the answer is lost): odd and even N of the same sweep do both.
Modelled on how SQLite is tested: every single allocation and every single write fails once.
"""

from __future__ import annotations

import errno
import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from avatar.errors import Away, Unsafe
from avatar.queue import Unreachable
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring

STORE = ("put", "get", "size", "drop", "names", "remove", "remains")
KEYS = ("make", "key", "destroy")
Message = tuple[str, tuple[str, ...]]  # which task, for which ids


@dataclass(slots=True)
class Saboteur:
    """Counts operations and fails one of them, once; `lasting`: and all of its kind that follow, until `relent`."""

    at: int
    after: bool = False
    lasting: bool = False
    only: str = ""  # the one kind that is counted; empty: all of them
    seen: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    struck: str = ""
    over: bool = False

    def strikes(self, kind: str) -> bool:
        """Whether this operation fails."""
        if self.over:
            return False
        self.kinds[kind] += 1
        if self.only not in ("", kind):
            return False
        self.seen += 1
        if self.seen == self.at:
            self.struck = kind
            return True
        return self.lasting and self.struck == kind

    def relent(self) -> None:
        self.over = True

    def around(self, kind: str, real: Callable[..., Any], error: Callable[[], Exception]) -> Callable[..., Any]:
        """The operation, failing when it is its turn."""

        def act(*words: Any, **named: Any) -> Any:
            fails = self.strikes(kind)
            if fails and not self.after:
                raise error()
            done = real(*words, **named)
            if fails:
                raise error()
            return done

        return act


class Line:
    """A broker's queue in memory: what was rung and no worker has answered."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.held: deque[Message] = deque()

        def send(_: Celery, task: str, args: Sequence[str], **__: object) -> None:
            self.held.append((task, tuple(args)))

        patch.setattr(Celery, "send_task", send)


def sabotaged(patch: pytest.MonkeyPatch, engine: Engine, saboteur: Saboteur) -> None:
    """Put the saboteur between the product and everything it stands on; where a `Line` was laid, on it as well."""
    silent = saboteur.around("broker", Celery.send_task, lambda: Unreachable("The broker is away."))
    patch.setattr(Celery, "send_task", silent)
    for name in STORE:
        away = saboteur.around("store", getattr(DiskStore, name), lambda: Away("The store is away.", code="x"))
        patch.setattr(DiskStore, name, away)
    for name in KEYS:
        lost = saboteur.around("keys", getattr(Keyring, name), lambda: Unsafe("The keys are away.", code="x"))
        patch.setattr(Keyring, name, lost)
    full = saboteur.around("disk", os.fsync, lambda: OSError(errno.ENOSPC, "no space left"))
    patch.setattr(os, "fsync", full)

    def ledger(*_: Any) -> None:
        if saboteur.strikes("ledger"):
            raise OperationalError("the ledger is away", None, Exception())

    event.listen(engine, "before_cursor_execute", ledger)
    event.listen(engine, "commit", ledger)


def healed(engine: Engine) -> None:
    """The ledger's own listeners stay; they count no more once the saboteur relents."""
    engine.dispose()
