"""Sealed bytes in an S3 bucket. The bucket sees ciphertext and opaque names; what is removed there is removed for good.

A delete can lie in three ways: a versioned bucket hides the object behind a marker, an unfinished multipart upload is
in no listing of objects, and a bulk delete answers "200" with errors inside. So removing takes every version, marker
and open upload under a prefix, reads each answer, and lists again until nothing is left.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from avatar.errors import Away, Unsafe

PART = 8 << 20  # bytes of one part of a multipart upload; S3 asks for 5 MiB at least
CHUNK = 1 << 20  # bytes read at a time
SWEEPS = 5  # a part in flight may land after its upload was aborted; then the next sweep takes it
LEAST_WAIT = 1.0  # seconds, whatever the pace: a machine under load takes as long to answer itself
SETTINGS: dict[str, Any] = {
    "connect_timeout": 5,  # seconds; a bucket that hangs must not hold a lease
    "read_timeout": 10,  # between two pieces of an answer; a part of 8 MB is answered in far less
    "retries": {"mode": "standard", "total_max_attempts": 3},
    "max_pool_connections": 16,
}


def connect(endpoint: str | None = None, region: str | None = None, pace: float = 1.0) -> Any:
    """A client with short waits; credentials come from where boto3 always looks, never from our settings."""
    import boto3
    from botocore.config import Config

    waits = {name: max(LEAST_WAIT, pace * SETTINGS[name]) for name in ("connect_timeout", "read_timeout")}
    return boto3.client("s3", endpoint_url=endpoint, region_name=region, config=Config(**{**SETTINGS, **waits}))


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Away where the bucket does not answer or is out of order; what we asked wrongly is raised as it is."""
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError

    try:
        yield
    except (HTTPClientError, IncompleteReadError) as error:
        raise Away("The bucket does not answer.", code="bucket_away") from error
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
            raise
        raise Away("The bucket is out of order.", code="bucket_away") from error


class S3Store:
    """Objects under their paths in one bucket; Away while it can not be reached."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def __repr__(self) -> str:
        return f"S3Store({self._bucket})"

    @reached()
    def ensure(self) -> S3Store:
        """Make the bucket if there is none; itself."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            with contextlib.suppress(self._client.exceptions.BucketAlreadyOwnedByYou):  # another part was quicker
                self._client.create_bucket(Bucket=self._bucket)
        return self

    @reached()
    def put(self, path: str, parts: Iterable[bytes]) -> None:
        """Store or replace one object, whole or not at all; it holds two parts at most."""
        flow = _joined(parts, PART)
        head = deque(itertools.islice(flow, 2))
        if len(head) < 2:
            self._client.put_object(Bucket=self._bucket, Key=path, Body=head.pop() if head else b"")
            return
        where = {"Bucket": self._bucket, "Key": path}
        upload = self._client.create_multipart_upload(**where)["UploadId"]
        try:
            done = []
            for number, body in enumerate(_drained(head, flow), 1):
                told = self._client.upload_part(**where, UploadId=upload, PartNumber=number, Body=body)
                done.append({"PartNumber": number, "ETag": told["ETag"]})
            self._client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})
        except BaseException:
            self._abort({"Key": path, "UploadId": upload})
            raise

    def get(self, path: str) -> Iterator[bytes]:
        """The object in pieces; KeyError if absent."""
        with reached():
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=path)["Body"]
            except self._client.exceptions.NoSuchKey:
                raise KeyError(path) from None
            with body:
                yield from body.iter_chunks(CHUNK)

    @reached()
    def size(self, path: str) -> int:
        """Its bytes; KeyError if absent."""
        try:
            return int(self._client.head_object(Bucket=self._bucket, Key=path)["ContentLength"])
        except self._client.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            raise KeyError(path) from None

    def drop(self, path: str) -> None:
        """Take one object away with all its versions, if it is there. No name of ours begins another."""
        self.remove(path)

    @reached()
    def names(self, prefix: str) -> list[str]:
        """What follows `prefix` in the paths of all objects under it, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return sorted(item["Key"][len(prefix) :] for page in pages for item in page.get("Contents", ()))

    @reached()
    def remove(self, prefix: str) -> list[str]:
        """Take away everything under `prefix`; what `names` gave before. Unsafe if something will not go."""
        names: list[str] | None = None
        for _ in range(SWEEPS):
            uploads = self._uploads(prefix)
            for upload in uploads:
                self._abort(upload)
            versions = self._versions(prefix)  # after the uploads: one that was completed in between is here
            if names is None:
                if not uploads and not versions:
                    return []
                names = self.names(prefix)
            for at in range(0, len(versions), 1000):  # the most that one call takes
                told = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": versions[at : at + 1000], "Quiet": False}
                )
                if told.get("Errors"):
                    codes = {error.get("Code", "?") for error in told["Errors"]}
                    raise Unsafe(f"The bucket refuses to delete: {', '.join(sorted(codes))}.", code="delete_refused")
            if not self.remains(prefix):
                return names
        raise Unsafe("Objects come back after they were deleted.", code="delete_undone")

    @reached()
    def remains(self, prefix: str) -> list[str]:
        """Every object, version, delete marker and open upload under `prefix`; the proof reads this list."""
        kept = [f"{one['Key']}@{one['VersionId']}" for one in self._versions(prefix)]
        return kept + [f"{one['Key']}+{one['UploadId']}" for one in self._uploads(prefix)]

    def _abort(self, upload: dict[str, str]) -> None:
        """End an open upload; one that a purge or its own writer ended first is ended all the same."""
        with contextlib.suppress(self._client.exceptions.NoSuchUpload):
            self._client.abort_multipart_upload(Bucket=self._bucket, **upload)

    def _versions(self, prefix: str) -> list[dict[str, str]]:
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        found = (item for page in pages for name in ("Versions", "DeleteMarkers") for item in page.get(name, ()))
        return [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]

    def _uploads(self, prefix: str) -> list[dict[str, str]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket, Prefix=prefix)
        found = (item for page in pages for item in page.get("Uploads", ()))
        return [{"Key": item["Key"], "UploadId": item["UploadId"]} for item in found]


def _joined(parts: Iterable[bytes], size: int) -> Iterator[bytearray]:
    """Parts joined to pieces of at least `size` bytes; only the last may be smaller."""
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= size:
            whole, held = held, bytearray()  # handed on and not copied
            yield whole
            del whole  # else it would stay while the next one grows
    if held:
        yield held


def _drained(head: deque[bytearray], rest: Iterator[bytearray]) -> Iterator[bytearray]:
    """`head`, given up piece by piece, then the rest."""
    while head:
        yield head.popleft()
    yield from rest
