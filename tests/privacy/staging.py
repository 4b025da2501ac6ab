"""A service on its own parts or on a bucket, and a job in it that has something of everything at the worst moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from sqlalchemy import select

import avatar.shift
from avatar.job import JobId, Kind
from avatar.ledger import orders
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow
from avatar.service import Service, open_service
from avatar.settings import Settings
from tests.privacy.canaries import Canaries
from tests.privacy.scan import Find, Thief, scan, steal
from tests.privacy.subject import run

BUCKET = "sealed"


@dataclass(frozen=True, slots=True)
class Stage:
    """A service, a client of it, and the bucket's own client where there is one."""

    service: Service
    client: Client
    bucket: Any = None

    def job(self, patch: pytest.MonkeyPatch) -> Thief:
        """A delivered job of which nothing was erased on the way: every kind is there, a half-written file, an open
        upload. As if each worker had been killed between its record and its erasing."""
        canaries = Canaries()
        with patch.context() as inner:
            inner.setattr(avatar.shift, "dying_after", lambda _: ())
            job = run(self.service, self.client, canaries)
        held = b"half " + canaries.pixels
        if self.bucket is None:
            folder = self.service.settings.service / "vault" / job / Kind.PHOTO
            (folder / ".p09.0011223344556677").write_bytes(held)
        else:
            self.bucket.create_multipart_upload(Bucket=BUCKET, Key=f"{job}/photo/p09")
        return steal(self.service, job, canaries)

    def erase(self, job: JobId) -> None:
        """On request, both looks; the second finds what landed between them."""
        deletion = orders.erase(self.service.engine, self.client, job)
        self.service.purge(deletion)
        self.late(job)
        self.later()
        self.service.purge(deletion)

    def late(self, job: JobId) -> None:
        """Sealed bytes that were under way when the job was erased."""
        self.service.vault._store.put(f"{job}/{Kind.CROP}/late", [b"sealed"])

    def later(self) -> None:
        """A quarter of an hour."""
        with transaction(self.service.engine) as session:
            for row in session.scalars(select(DeletionRow)):
                row.second_at = 0.0 if row.second_at is not None else None
                row.lease_until = None

    def scan(self, thief: Thief, *more: Path) -> list[Find]:
        return scan(self.service, thief, *more, client=self.bucket)


@contextlib.contextmanager
def staged(folder: Path, kind: str, patch: pytest.MonkeyPatch, pace: float = 1.0) -> Iterator[Stage]:
    """On a folder, or on a bucket that keeps versions."""
    with contextlib.ExitStack() as stack:
        bucket: Any = None
        more: dict[str, Any] = {"pace": pace}
        if kind == "bucket":
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, "testing")
            stack.enter_context(mock_aws())
            bucket = boto3.client("s3", region_name="us-east-1")
            bucket.create_bucket(Bucket=BUCKET)
            bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
            more |= {"bucket": BUCKET, "s3_region": "us-east-1"}
        service = open_service(Settings(state=folder / "s", weights=folder / "w", **more))
        stack.callback(service.engine.dispose)
        client, _ = make_client(service.engine, "app", Scope.CLIENT, Quota(10**6, 10**6, 10**6))
        yield Stage(service, client, bucket)
