"""The bucket, against a stand-in (moto) that keeps versions and open uploads as S3 does.

Does not cover: signatures, which the stand-in does not check.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from avatar.errors import Unsafe
from avatar.vault.s3 import PART, S3Store

BUCKET = "sealed"


@pytest.fixture(params=["plain", "versioned"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = boto3.client("s3", region_name="us-east-1")
        made.create_bucket(Bucket=BUCKET)
        if request.param == "versioned":
            made.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield made


@pytest.fixture
def store(client: Any) -> S3Store:
    return S3Store(client, BUCKET)


def test_what_was_put_is_there_and_nowhere_else(store: S3Store) -> None:
    store.put("job_1/photo/a", [b"one", b"two"])
    store.put("job_10/photo/b", [])
    assert b"".join(store.get("job_1/photo/a")) == b"onetwo"
    assert b"".join(store.get("job_10/photo/b")) == b""
    assert store.names("job_1/photo/") == ["a"]
    with pytest.raises(KeyError):
        list(store.get("job_1/photo/c"))


def test_a_bucket_that_is_not_there_is_made_once(client: Any) -> None:
    for _ in range(2):
        S3Store(client, "new").ensure().put("job_1/photo/a", [b"x"])
    assert S3Store(client, "new").names("job_1/photo/") == ["a"]


def test_a_large_object_goes_in_parts_and_comes_back_whole(store: S3Store) -> None:
    parts = [bytes([at]) * (1 << 20) for at in range(PART // (1 << 20) * 2 + 3)]
    store.put("job_1/photo/a", parts)
    assert b"".join(store.get("job_1/photo/a")) == b"".join(parts)
    assert len(store.remains("job_1/")) == 1


def test_an_upload_that_breaks_off_leaves_nothing(store: S3Store) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(PART)
        yield bytes(PART)
        raise ConnectionError("the phone went away")

    with pytest.raises(ConnectionError):
        store.put("job_1/photo/a", broken())
    assert store.remains("job_1/") == []


def test_removing_takes_every_version_marker_and_open_upload(store: S3Store, client: Any) -> None:
    for text in (b"first", b"second"):
        store.put("job_1/photo/a", [text])
    client.delete_object(Bucket=BUCKET, Key="job_1/photo/a")  # what a careless delete leaves
    store.put("job_1/crop/b", [b"x"])
    store.put("job_2/photo/a", [b"another's"])
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="job_1/photo/open")["UploadId"]
    client.upload_part(Bucket=BUCKET, Key="job_1/photo/open", UploadId=upload, PartNumber=1, Body=b"part")
    assert store.remains("job_1/")
    store.remove("job_1/")
    assert store.remains("job_1/") == []
    assert store.remove("job_1/") == []
    assert len(store.remains("job_2/")) == 1


def test_more_than_a_page_of_objects_goes_as_well(store: S3Store) -> None:
    for at in range(1100):
        store.put(f"job_1/candidate/{at:04}", [b"x"])
    assert len(store.remove("job_1/")) == 1100
    assert store.remains("job_1/") == []


def test_a_bulk_delete_that_fails_inside_its_200_is_an_error(store: S3Store, client: Any) -> None:
    store.put("job_1/photo/a", [b"x"])
    versions = client.list_object_versions(Bucket=BUCKET)
    with Stubber(client) as stub:
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "job_1/photo/a"}], "IsTruncated": False})
        stub.add_response("list_multipart_uploads", {"IsTruncated": False})
        stub.add_response("list_object_versions", {"Versions": versions["Versions"], "IsTruncated": False})
        stub.add_response("delete_objects", {"Errors": [{"Key": "job_1/photo/a", "Code": "AccessDenied"}]})
        with pytest.raises(Unsafe, match="AccessDenied"):
            store.remove("job_1/")
