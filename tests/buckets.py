"""Buckets of a real S3 server, for the tests that need one: AVATAR_TEST_S3 names it, as `.ci/ceph` prints it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from avatar.vault.s3 import S3Store, connect

SERVER: dict[str, str] = json.loads(os.environ.get("AVATAR_TEST_S3") or "{}")
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket and a client that reaches it."""

    client: Any
    name: str

    def versioned(self) -> Bucket:
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        return self

    def store(self) -> S3Store:
        return S3Store(self.client, self.name)


def environment() -> dict[str, str]:
    """What a process needs to find the server and be let in. Skips where there is no server."""
    if not SERVER:
        pytest.skip("no S3 server: set AVATAR_TEST_S3 to what .ci/ceph prints")
    return {
        "AVATAR_S3_ENDPOINT": SERVER["endpoint"],
        "AVATAR_S3_REGION": REGION,
        "AWS_ACCESS_KEY_ID": SERVER["access_key"],
        "AWS_SECRET_ACCESS_KEY": SERVER["secret_key"],
    }


def client(monkeypatch: pytest.MonkeyPatch, **instead: str) -> Any:
    """A client of the server as the service makes one; `instead` replaces variables."""
    for name, value in {**environment(), **instead}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it would remember other credentials
    return connect(SERVER["endpoint"], REGION)


@contextlib.contextmanager
def real_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A fresh bucket of the server, emptied and taken away at the end."""
    with contextlib.closing(client(monkeypatch)) as made:
        bucket = Bucket(made, f"test-{secrets.token_hex(8)}")
        made.create_bucket(Bucket=bucket.name)
        yield bucket
        bucket.store().remove("")
        made.delete_bucket(Bucket=bucket.name)
