"""The table of what is kept is what the service does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select
from typer.testing import CliRunner

from avatar.cli.main import app
from avatar.erasure.retention import POLICY, table
from avatar.job import ORDER, JobId, Kind, Stage
from avatar.ledger import deletions, orders
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client
from avatar.ledger.deletions import What
from avatar.ledger.engine import reading, transaction
from avatar.ledger.expiry import expire
from avatar.ledger.tables import DeletionRow, PhotoRow, Table
from avatar.service import Service
from avatar.shift import work
from avatar.web.app import application
from tests.privacy.canaries import Canaries
from tests.privacy.subject import WRITES, bench, ordered, run, stored

TOLD = {"policy": "2026-11-22.3", "digest": "9fff39e01947f4bd"}


def _dies_after(kind: Kind) -> Stage | None:
    """The stage that the table names in its words."""
    until = next(line.until for line in table(Times()) if line.what == kind)
    return next((stage for stage in ORDER if until.startswith(f"{stage} is recorded")), None)


def _owed(service: Service, job: JobId, what: What) -> DeletionRow:
    with reading(service.engine) as session:
        return session.scalars(select(DeletionRow).where(DeletionRow.job == job, DeletionRow.what == what)).one()


def _keys(service: Service) -> set[str]:
    return {path.name.split("_")[0] for path in (service.settings.service / "keys").iterdir()}


def test_after_each_stage_there_is_what_the_table_keeps_and_nothing_else(service: Service, client: Client) -> None:
    canaries = Canaries()
    job = ordered(service, client, canaries)
    orders.start(service.engine, client, job)
    hands, expected = bench(service, canaries), {Kind.PHOTO}
    for stage in ORDER:
        assert work(hands, job) is not None
        expected = {kind for kind in expected | set(WRITES[stage]) if _dies_after(kind) is not stage}
        assert stored(service, job) == expected, stage
    assert expected == {Kind.PACK}


def test_the_end_takes_all_but_the_pack_and_its_time_takes_the_pack_and_the_rows(
    service: Service, client: Client
) -> None:
    job = run(service, client, Canaries())
    service.purge(_owed(service, job, What.INPUTS).id)
    assert stored(service, job) == {Kind.PACK}
    assert _keys(service) == {"pack"}
    kept = _owed(service, job, What.EVERYTHING)
    pack = next(line for line in table(service.times) if line.what == Kind.PACK)
    assert kept.due_at - kept.asked_at == pytest.approx(pack.most)
    with transaction(service.engine) as session:
        session.get_one(DeletionRow, kept.id).due_at = 0.0  # thirty days later
    service.purge(kept.id)
    assert stored(service, job) == set()
    assert _keys(service) == set()
    with reading(service.engine) as session:
        assert session.scalar(select(func.count()).select_from(PhotoRow)) == 0


@pytest.mark.parametrize("stages", range(len(ORDER)))
def test_a_job_that_is_too_old_ends_in_any_stage_and_all_of_it_goes(
    service: Service, client: Client, stages: int
) -> None:
    job = run(service, client, Canaries(), stages)
    with transaction(service.engine) as session:
        most = next(line.most for line in table(service.times) if line.what == Kind.PHOTO)
        assert most is not None
        assert most <= 86400
        session.execute(Table.metadata.tables["jobs"].update().values(made_at=0.0))
    assert expire(service.engine, service.times) == 1
    for deletion in deletions.due(service.engine, -1):
        service.purge(deletion)
    assert stored(service, job) == set()
    assert _keys(service) == set()


def test_every_kind_of_object_is_in_the_table_and_none_outlives_its_number() -> None:
    lines = {line.what: line for line in table(Times())}
    assert set(Kind) <= set(lines)
    assert all(lines[kind].most is not None for kind in Kind)
    assert all(lines[kind].most <= 86400 for kind in Kind if kind is not Kind.PACK)  # type: ignore[operator]
    assert [what for what, line in lines.items() if line.most is None] == ["books"]


def test_who_changes_the_table_changes_the_policy_with_it() -> None:
    told = json.dumps([asdict(line) for line in table(Times())], sort_keys=True)
    assert {"policy": POLICY, "digest": hashlib.sha256(told.encode()).hexdigest()[:16]} == TOLD


def test_command_and_api_tell_the_same_table(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_STATE", str(tmp_path / "s"))
    said = CliRunner().invoke(app, ["retention", "--json"], catch_exceptions=False)
    asked = TestClient(application(service)).get("/v1/retention")
    assert asked.status_code == 200
    assert asked.json() == json.loads(said.output)
    shown = CliRunner().invoke(app, ["retention"], catch_exceptions=False).output
    assert "23 h" in shown
    assert "30 d" in shown
