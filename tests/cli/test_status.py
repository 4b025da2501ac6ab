"""`avatar status`: the operator's screen tells what the ledger holds, and its exit code what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from avatar.cli import show
from avatar.cli.status import status
from avatar.errors import NotNow
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import transaction
from avatar.service import open_service
from avatar.settings import Settings
from tests.watch.rows import clock, job, over, put


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "s", weights=tmp_path / "w")


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    service = open_service(settings)
    client, _ = make_client(service.engine, "app", Scope.CLIENT, Quota())
    at = clock(service.engine)
    put(
        service.engine,
        job(client, at - 90, stage="tune"),
        job(client, at - 5, stage="tune", lease_until=at + 60),
        over(client, at - 70, facts={"tune": {"seconds": 120.0}}, id="job_" + "1" * 32),
        over(client, at - 70, "refused", "too_few_photos"),
    )
    yield service.engine
    service.engine.dispose()


def test_it_shows_who_waits_what_ended_and_why(
    settings: Settings, engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show.console, "_width", 120)
    assert status(settings) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (tune,) = (line for line in lines if line[:1] == ["tune"])
    assert tune[1:3] in (["1", "90"], ["1", "91"], ["1", "92"])
    assert tune[4:] == ["1", "0", "120", "s"]
    assert ["refused", "too_few_photos", "1"] in lines


def test_a_deletion_that_is_late_is_an_exit_code(
    settings: Settings, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    with transaction(engine) as session:
        demand(session, "job_" + "1" * 32, What.EVERYTHING, "test", after=-100)
    assert status(settings, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["now"]["owed"][0]["overdue"], told["ready"]["ledger"]) == (1, "ok")
    assert "job_" not in json.dumps(told)


def test_where_nothing_was_started_nothing_is_made(settings: Settings) -> None:
    with pytest.raises(NotNow, match="No service"):
        status(settings)
    assert not settings.state.exists()
