"""Pass 48 MB and then 100 MB through a sealed vault on a bucket, and tell this process's peak of memory around each.

python tests/vault/stream.py BUCKET FOLDER
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from avatar.job import Kind, new_id
from avatar.vault.keyring import Keyring
from avatar.vault.s3 import S3Store, connect
from avatar.vault.sealed import SealedVault

MB = 1 << 20


def noise(size: int) -> Iterator[bytes]:
    """That many MB, each different and none kept."""
    for at in range(size):
        yield hashlib.shake_256(at.to_bytes(4, "big")).digest(MB)


def peak() -> int:
    """This process's peak of resident memory, in kB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def passed(vault: SealedVault, size: int) -> bool:
    """Put and get that many MB; True if they came back the same."""
    job = new_id()
    vault.open(job)
    vault.put_parts(job, Kind.PHOTO, "p01", noise(size))
    given, got = hashlib.sha256(), hashlib.sha256()
    for piece in noise(size):
        given.update(piece)
    for piece in vault.get_parts(job, Kind.PHOTO, "p01"):
        got.update(piece)
    return given.digest() == got.digest()


if __name__ == "__main__":
    client = connect(os.environ["AVATAR_S3_ENDPOINT"], os.environ["AVATAR_S3_REGION"])
    vault = SealedVault(S3Store(client, sys.argv[1]), Keyring(Path(sys.argv[2]) / "keys", bytes(32)))
    told = {"before_kb": peak()}
    told |= {"small": passed(vault, 48), "small_kb": peak()}
    told |= {"large": passed(vault, 100), "large_kb": peak()}
    print(json.dumps(told))
