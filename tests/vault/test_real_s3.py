"""What only a real S3 server shows: signatures, deletes that are refused or final, and 100 MB that pass through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from avatar.errors import Unsafe
from avatar.vault.probe import lies
from avatar.vault.s3 import PART
from tests.buckets import Bucket, client, environment

PATH = "job_1/photo/a"
GONE = {"NoSuchKey", "NoSuchVersion", "NoSuchUpload"}  # the server's word depends on what it looks up first
STREAM = Path(__file__).with_name("stream.py")
FLAT = PART // 1000  # kB by which the peak may grow from 48 MB to 100 MB: less than one part; 4,000 were seen
ROOM = 60_000  # kB that streaming may take beside the imports; 40,000 were seen, most of it copies of the client's


def refused(call: Callable[..., Any], **asked: Any) -> str:
    """The server's own word for why not."""
    with pytest.raises(ClientError) as error:
        call(**asked)
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    ("instead", "word"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "InvalidAccessKeyId"),
    ],
)
def test_a_wrong_key_is_refused_and_stores_nothing(
    real: Bucket, monkeypatch: pytest.MonkeyPatch, instead: dict[str, str], word: str
) -> None:
    with closing(client(monkeypatch, **instead)) as wrong:
        assert refused(wrong.put_object, Bucket=real.name, Key=PATH, Body=b"x") == word
        assert refused(wrong.list_object_versions, Bucket=real.name) == word
    assert real.store().remains("") == []


def test_a_version_that_was_removed_can_not_be_asked_for_by_its_number(real: Bucket) -> None:
    store = real.store()
    for text in (b"first", b"second"):
        store.put(PATH, [text])
    real.client.delete_object(Bucket=real.name, Key=PATH)  # in a versioned bucket this hides it and no more
    listed = real.client.list_object_versions(Bucket=real.name)
    kept = [item["VersionId"] for name in ("Versions", "DeleteMarkers") for item in listed.get(name, ())]
    assert len(kept) == (3 if "Status" in real.client.get_bucket_versioning(Bucket=real.name) else 0)
    store.remove("job_1/")
    for number in kept:
        assert refused(real.client.get_object, Bucket=real.name, Key=PATH, VersionId=number) in GONE
    listed = real.client.list_object_versions(Bucket=real.name)
    assert [listed.get(name, []) for name in ("Versions", "DeleteMarkers")] == [[], []]


def test_an_open_upload_is_aborted_and_takes_no_more_parts(real: Bucket) -> None:
    where = {"Bucket": real.name, "Key": PATH}
    upload = real.client.create_multipart_upload(**where)["UploadId"]
    part = real.client.upload_part(**where, UploadId=upload, PartNumber=1, Body=bytes(PART))
    assert len(real.store().remains("job_1/")) == 1
    real.store().remove("job_1/")
    assert refused(real.client.list_parts, **where, UploadId=upload) in GONE
    assert refused(real.client.upload_part, **where, UploadId=upload, PartNumber=2, Body=b"late") in GONE
    whole = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert refused(real.client.complete_multipart_upload, **where, UploadId=upload, MultipartUpload=whole)
    assert real.store().remains("job_1/") == []


def test_an_upload_that_a_purge_overtakes_is_refused_and_leaves_nothing(real: Bucket) -> None:
    store = real.store()

    def overtaken() -> Iterator[bytes]:
        yield from (bytes(PART) for _ in range(3))
        store.remove("job_1/")
        yield bytes(PART)

    with pytest.raises(ClientError, match=r"NoSuchUpload.* UploadPart "):
        store.put(PATH, overtaken())
    assert store.remains("job_1/") == []


def test_a_bucket_that_refuses_to_delete_is_unsafe_and_the_object_still_listed(real: Bucket) -> None:
    store = real.store()
    store.put(PATH, [b"x"])
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": f"arn:aws:s3:::{real.name}/*",
    }
    real.client.put_bucket_policy(Bucket=real.name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    with pytest.raises(Unsafe, match="AccessDenied"):
        store.remove("job_1/")
    assert len(store.remains("job_1/")) == 1
    real.client.delete_bucket_policy(Bucket=real.name)
    assert store.remove("job_1/") == ["photo/a"]


@pytest.mark.parametrize("real", ["plain"], indirect=True)
def test_a_hundred_megabytes_pass_sealed_and_whole_while_memory_stays_flat(real: Bucket, tmp_path: Path) -> None:
    command = (sys.executable, str(STREAM), real.name, str(tmp_path))
    ran = subprocess.run(command, env={**os.environ, **environment()}, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["small"], told
    assert told["large"], told
    assert told["large_kb"] - told["small_kb"] < FLAT, told
    assert told["large_kb"] - told["before_kb"] < ROOM, told
    assert len(real.store().remains("")) == 2


def test_the_probe_finds_nothing_wrong_with_a_bucket_that_deletes(bucket: Bucket) -> None:
    assert lies(bucket.client, bucket.name) == {}
