"""Whether a bucket would keep what it is told to delete: found by asking it, and by deleting one object of our own.

Covers: versions that we may not delete, object lock, replication, a delete that is answered and not done.
Does not cover: backups and logs that the provider makes by itself and tells nobody of.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import Any


def lies(client: Any, bucket: str) -> dict[str, str]:
    """What is wrong, by code, in a sentence each; empty where what is deleted is gone."""
    found = {}
    if _asked(client.get_object_lock_configuration, bucket, "ObjectLockConfiguration"):
        found["object_lock"] = "has object lock: what is stored can not be deleted before its time"
    if (_asked(client.get_bucket_replication, bucket, "ReplicationConfiguration") or {}).get("Rules"):  # Ceph: no rules
        found["replication"] = "is replicated: a delete here leaves the copy there"
    if reason := _undeleted(client, bucket):
        found["deletes"] = reason
    return found


def versioned(client: Any, bucket: str) -> bool:
    """Whether the bucket keeps versions."""
    return bool(_asked(client.get_bucket_versioning, bucket, "Status") == "Enabled")


def _undeleted(client: Any, bucket: str) -> str:
    """Write, delete with all versions, and look again; why that does not do, or nothing."""
    from botocore.exceptions import ClientError

    from avatar.errors import AvatarError
    from avatar.vault.s3 import S3Store

    store, path = S3Store(client, bucket), f"probe-{secrets.token_hex(8)}/x"
    try:
        store.put(path, [b"probe"])
        store.remove(path)
        return "shows what it was told to delete" if store.remains(path) else ""
    except AvatarError as error:
        return error.sentence
    except ClientError as error:
        return f"does not let us write, list and delete versions ({error.response['Error'].get('Code', '?')})"


def _asked(question: Any, bucket: str, key: str) -> Any:
    """A setting of the bucket; None where it has none, or where the server does not know the question."""
    from botocore.exceptions import ClientError

    with contextlib.suppress(ClientError):
        return question(Bucket=bucket).get(key)
    return None
