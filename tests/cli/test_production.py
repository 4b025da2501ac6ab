"""What a service must not be started on is found, named and explained, each by itself."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from pydantic import SecretStr
from typer.testing import CliRunner

from avatar.cli import production
from avatar.cli.main import app
from avatar.cli.production import insist, look
from avatar.errors import Unsafe
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.service import open_service
from avatar.settings import Settings


@pytest.fixture(autouse=True)
def no_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in production.AGENTS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(state=tmp_path / "s", weights=tmp_path / "w")
    open_service(made).engine.dispose()
    return made


def bad(settings: Settings) -> dict[str, str]:
    return {one.what: one.says for one in look(settings) if one.level == "bad"}


def test_a_fresh_service_is_safe_and_each_finding_that_is_bad_tells_how_to_mend_it(settings: Settings) -> None:
    assert bad(settings) == {}
    insist(settings)


def test_a_sealing_key_that_is_missing_readable_or_beside_the_ledger_is_refused(settings: Settings) -> None:
    settings.sealing.chmod(0o640)
    assert "sealing key" in bad(settings)
    settings.sealing.unlink()
    assert bad(settings) == {"sealing key": production.MISSING}
    insist(settings)  # the start makes one
    (settings.service / "keys" / "job_1").write_bytes(b"wrapped")
    assert "wrapped under it" in bad(settings)["sealing key"]
    with pytest.raises(Unsafe):
        insist(settings)
    beside = settings.model_copy(update={"keys": settings.service / "ledger" / "keys"})
    assert "backup" in bad(beside)["keys"]
    elsewhere = settings.model_copy(update={"ledger": SecretStr("postgresql+psycopg://nobody@127.0.0.1/x")})
    assert [one.level for one in production._apart(elsewhere)] == ["ok"]


def test_a_folder_that_others_may_enter_is_refused(settings: Settings) -> None:
    settings.service.chmod(0o755)
    assert "not private" in bad(settings)["scratch"]
    with pytest.raises(Unsafe):
        insist(settings)


def test_core_dumps_agents_and_settings_for_tests_are_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_DSN", "https://x@example.test/1")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1 << 20, 1 << 20))
    hurried = settings.model_copy(update={"pace": 0.5, "webhooks_local": True})
    assert set(bad(hurried)) == {"core dumps", "SENTRY_DSN", "AVATAR_PACE", "AVATAR_WEBHOOKS_LOCAL"}


def test_the_first_key_is_pointed_at_until_it_is_revoked(settings: Settings) -> None:
    service = open_service(settings)
    make_client(service.engine, "first", Scope.CLIENT, Quota(100, 4, 400))
    service.engine.dispose()
    assert [one.level for one in look(settings) if one.what == "the first key"] == ["note"]


def test_the_command_ends_with_1_and_explains_each(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVATAR_STATE", str(settings.state))
    monkeypatch.setenv("AVATAR_WEIGHTS", str(settings.weights))
    assert CliRunner().invoke(app, ["doctor", "--production", "--json"]).exit_code == 0
    monkeypatch.setenv("AVATAR_PACE", "0.1")
    done = CliRunner().invoke(app, ["doctor", "--production", "--json"])
    assert done.exit_code == 1
    assert [one["remedy"] for one in json.loads(done.output) if one["level"] == "bad"] == ["unset AVATAR_PACE"]


@pytest.fixture
def buckets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1")


def _in(settings: Settings, name: str) -> Settings:
    return settings.model_copy(update={"bucket": name, "s3_region": "us-east-1"})


def test_a_bucket_that_would_keep_what_is_deleted_is_refused(
    settings: Settings, buckets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    buckets.create_bucket(Bucket="plain")
    assert bad(_in(settings, "plain")) == {}
    buckets.put_bucket_versioning(Bucket="plain", VersioningConfiguration={"Status": "Enabled"})
    assert bad(_in(settings, "plain")) == {}
    assert "bucket's versions" in {one.what for one in look(_in(settings, "plain")) if one.level == "note"}
    assert buckets.list_object_versions(Bucket="plain").get("Versions", []) == []  # the probe left nothing
    buckets.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    assert "object lock" in bad(_in(settings, "locked"))["bucket"]
    with pytest.raises(Unsafe):
        insist(_in(settings, "locked"))
    assert "bucket" in bad(_in(settings, "absent"))


def test_a_bucket_that_refuses_to_delete_versions_is_refused(settings: Settings, buckets: Any) -> None:
    from avatar.vault import probe

    class Refusing:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            if name == "delete_objects":
                return lambda **_: {"Errors": [{"Code": "AccessDenied", "Key": "x"}]}
            return getattr(self._client, name)

    buckets.create_bucket(Bucket="plain")
    assert "AccessDenied" in probe.lies(Refusing(buckets), "plain")["deletes"]
