"""The bucket, plain and versioned, on a stand-in (moto) and on a real S3 server where one is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.stub import Stubber

from avatar.errors import Unsafe
from avatar.vault.s3 import PART, S3Store
from tests.buckets import Bucket


@pytest.fixture
def store(bucket: Bucket) -> S3Store:
    return bucket.store()


def test_what_was_put_is_there_and_nowhere_else(store: S3Store) -> None:
    store.put("job_1/photo/a", [b"one", b"two"])
    store.put("job_10/photo/b", [])
    assert b"".join(store.get("job_1/photo/a")) == b"onetwo"
    assert b"".join(store.get("job_10/photo/b")) == b""
    assert store.names("job_1/photo/") == ["a"]
    with pytest.raises(KeyError):
        list(store.get("job_1/photo/c"))


def test_a_bucket_that_is_not_there_is_made_once(bucket: Bucket) -> None:
    new = S3Store(bucket.client, f"{bucket.name}-new")
    for _ in range(2):
        new.ensure().put("job_1/photo/a", [b"x"])
    assert new.names("job_1/photo/") == ["a"]
    new.remove("")
    bucket.client.delete_bucket(Bucket=f"{bucket.name}-new")


def test_a_bucket_that_another_part_made_first_is_taken(bucket: Bucket) -> None:
    with Stubber(bucket.client) as stub:
        stub.add_client_error("head_bucket", "404", http_status_code=404)
        stub.add_client_error("create_bucket", "BucketAlreadyOwnedByYou", http_status_code=409)
        bucket.store().ensure()
        stub.assert_no_pending_responses()


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


def test_an_upload_that_breaks_off_after_a_purge_says_what_broke_it(store: S3Store) -> None:
    def broken() -> Iterator[bytes]:
        yield from (bytes(PART) for _ in range(3))
        store.remove("job_1/")
        raise ConnectionError("the phone went away")

    with pytest.raises(ConnectionError):
        store.put("job_1/photo/a", broken())
    assert store.remains("job_1/") == []


def test_removing_takes_every_version_marker_and_open_upload(store: S3Store, bucket: Bucket) -> None:
    for text in (b"first", b"second"):
        store.put("job_1/photo/a", [text])
    bucket.client.delete_object(Bucket=bucket.name, Key="job_1/photo/a")  # what a careless delete leaves
    store.put("job_1/crop/b", [b"x"])
    store.put("job_2/photo/a", [b"another's"])
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key="job_1/photo/open")["UploadId"]
    bucket.client.upload_part(Bucket=bucket.name, Key="job_1/photo/open", UploadId=upload, PartNumber=1, Body=b"part")
    assert store.remains("job_1/")
    store.remove("job_1/")
    assert store.remains("job_1/") == []
    assert store.remove("job_1/") == []
    assert len(store.remains("job_2/")) == 1


@pytest.mark.parametrize("bucket", ["stand-in plain", "stand-in versioned", "real versioned"], indirect=True)
def test_more_than_a_page_of_objects_goes_as_well(store: S3Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda at: store.put(f"job_1/candidate/{at:04}", [b"x"]), range(1001)))
    assert len(store.remove("job_1/")) == 1001
    assert store.remains("job_1/") == []


def test_a_bulk_delete_that_fails_inside_its_200_is_an_error(store: S3Store, bucket: Bucket) -> None:
    store.put("job_1/photo/a", [b"x"])
    versions = bucket.client.list_object_versions(Bucket=bucket.name)
    with Stubber(bucket.client) as stub:
        stub.add_response("list_multipart_uploads", {"IsTruncated": False})
        stub.add_response("list_object_versions", {"Versions": versions["Versions"], "IsTruncated": False})
        stub.add_response("list_objects_v2", {"Contents": [{"Key": "job_1/photo/a"}], "IsTruncated": False})
        stub.add_response("delete_objects", {"Errors": [{"Key": "job_1/photo/a", "Code": "AccessDenied"}]})
        with pytest.raises(Unsafe, match="AccessDenied"):
            store.remove("job_1/")
