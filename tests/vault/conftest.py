"""Buckets: of a stand-in (moto) always, of a real S3 server as well where one is at hand; plain and versioned.

The stand-in is quick, keeps versions and open uploads, and checks no signature.
"""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tests.buckets import Bucket, real_bucket

KINDS = ("plain", "versioned")


@pytest.fixture(params=[f"{server} {kind}" for server in ("stand-in", "real") for kind in KINDS])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, taken away after the test."""
    server, kind = request.param.split()
    if server == "real":
        with real_bucket(monkeypatch) as made:
            yield made.versioned() if kind == "versioned" else made
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = Bucket(boto3.client("s3", region_name="us-east-1"), "sealed")
        made.client.create_bucket(Bucket=made.name)
        yield made.versioned() if kind == "versioned" else made


@pytest.fixture(params=KINDS)
def real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """The same on a real server only."""
    with real_bucket(monkeypatch) as made:
        yield made.versioned() if request.param == "versioned" else made
