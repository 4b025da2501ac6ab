"""Shared by all tests: quiet dependencies before they are imported, no network, and no silent skip where CI runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from avatar.settings import Settings, hush

hush()

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from avatar.service import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service of its own, in a folder of its own."""
    from avatar.service import open_service

    opened = open_service(Settings(state=tmp_path / "s", weights=tmp_path / "w"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A ledger of its own, in SQLite; tests/ledger runs on PostgreSQL as well."""
    from avatar.ledger.engine import open_ledger
    from avatar.ledger.history import upgrade

    opened = open_ledger(f"sqlite:///{tmp_path}/ledger/ledger.db")
    upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Any attempt to resolve a name or to leave this machine fails the test, even where the code would swallow it."""
    tried: list[str] = []

    def watched(real: Callable[..., Any], host: Callable[[Any], Any]) -> Callable[..., Any]:
        def ask(*args: Any, **named: Any) -> Any:
            if args and host(args[0]) == "127.0.0.1":  # an address, not a name: a server of the tests' own
                return real(*args, **named)
            tried.append(repr(args[:1]))
            raise OSError("no network while tests run")

        return ask

    monkeypatch.setattr(socket, "getaddrinfo", watched(socket.getaddrinfo, lambda host: host))
    monkeypatch.setattr(socket, "create_connection", watched(socket.create_connection, lambda address: address[0]))
    yield tried
    assert not tried, f"something asked for the network: {tried}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report
