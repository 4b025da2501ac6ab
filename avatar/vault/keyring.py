"""Keys of jobs for a service: a small file each, wrapped under the operator's key, in a folder that no backup takes.

Files and not rows: a row that is deleted lives on in a database's log and pages, a file can be overwritten where it
lies. Losing the folder loses the jobs under way and nothing else, so it needs no backup, and must have none.

Covers: a key is made once, whoever asks; destroyed for good, whoever still holds the folder open; useless without the
        operator's key.
Does not cover: copies that the file system or the disk makes by itself (snapshots, wear levelling): use a plain volume.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from avatar.errors import Spoiled, Unsafe
from avatar.job import JobId
from avatar.vault.local import private_folder

SIZE = 32  # bytes of a key: AES-256
NONCE = 12
GONE = "The key of this job is gone; nothing of it can be read or written any more."


class Keyring:
    """A key store in a folder. `master` (32 bytes) wraps what lies there; AES-256-GCM, bound to the job's id."""

    def __init__(self, folder: Path, master: bytes) -> None:
        if len(master) != SIZE:
            raise Unsafe(f"The sealing key has {len(master)} bytes; it must have {SIZE}.", code="sealing_key")
        self._folder = private_folder(folder)
        self._cipher = AESGCM(master)

    def __repr__(self) -> str:
        return f"Keyring({self._folder.name})"

    def make(self, job: JobId) -> None:
        """A fresh key for a new job. Asking twice, or from two processes at once, keeps the first."""
        nonce = os.urandom(NONCE)
        wrapped = nonce + self._cipher.encrypt(nonce, secrets.token_bytes(SIZE), job.encode())
        _write_once(self._path(job), wrapped)

    def key(self, job: JobId) -> bytes:
        """The job's key; Spoiled once it was destroyed, so that a late writer is refused."""
        try:
            wrapped = self._path(job).read_bytes()
        except FileNotFoundError:
            raise Spoiled(GONE) from None
        try:
            return self._cipher.decrypt(wrapped[:NONCE], wrapped[NONCE:], job.encode())
        except (InvalidTag, ValueError):  # overwritten this moment, or wrapped under another sealing key
            raise Spoiled("The key of this job does not open.") from None

    def destroy(self, job: JobId) -> bool:
        """Overwrite the key where it lies, then remove it; True if there was one. Twice is the same as once."""
        path = self._path(job)
        try:
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            self.reach()  # a key that lies in a folder that is away is not gone
            return False
        path.unlink(missing_ok=True)
        return True

    def reach(self) -> None:
        """Unsafe if the folder is away, or nothing can be written there."""
        if not (self._folder.is_dir() and os.access(self._folder, os.R_OK | os.W_OK | os.X_OK)):
            raise Unsafe("The folder of the jobs' keys is away.", code="keys_away")

    def jobs(self) -> list[JobId]:
        """The names that have a key, in order; what reconciling compares with the ledger."""
        return [JobId(path.name) for path in sorted(self._folder.iterdir()) if path.name[0] != "."]

    def _path(self, job: JobId) -> Path:
        return self._folder / job


class Safe:
    """Small secrets of the service itself, sealed for a table: AES-256-GCM under a key of their own.

    That key is made from the operator's (HKDF, RFC 5869), so that nothing sealed here opens as a job's key, nor the
    other way round. What is sealed for one purpose does not open for another.
    """

    def __init__(self, master: bytes) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), SIZE, salt=None, info=b"avatar: secrets of the service").derive(master))

    def __repr__(self) -> str:
        return "Safe()"

    def seal(self, secret: bytes, purpose: str) -> str:
        """The secret as a table may keep it."""
        nonce = os.urandom(NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret, purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> bytes:
        """The secret; Spoiled where it was changed, or sealed under another key or for another purpose."""
        try:
            kept = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(kept[:NONCE], kept[NONCE:], purpose.encode())
        except (InvalidTag, ValueError):
            raise Spoiled("A secret of the service does not open; was the sealing key changed?") from None


def master_key(path: Path) -> bytes:
    """The operator's sealing key from its file, made on the first call; Unsafe if others may read it."""
    private_folder(path.parent)
    _write_once(path, secrets.token_bytes(SIZE))
    if path.stat().st_mode & 0o077:
        raise Unsafe("The sealing key can be read by others.", code="sealing_key", remedy=f"chmod 600 {path.name}")
    return path.read_bytes()


def _write_once(path: Path, data: bytes) -> None:
    """The file, owner-only, whole or not at all, and never over one that is there."""
    if path.exists():
        return
    half = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(half, path)
    finally:
        half.unlink(missing_ok=True)
