"""Where the service keeps its things, for a test to look into: its own parts on this machine, or real servers."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from tests.buckets import Bucket, environment, real_bucket

POSTGRES = os.environ.get("AVATAR_TEST_POSTGRES", "")
REDIS = os.environ.get("AVATAR_TEST_REDIS", "")


class Parts(Protocol):
    """What a test asks of a place."""

    def settings(self) -> dict[str, str]:
        """The environment that leads the service there."""
        ...

    def objects(self, state: Path) -> list[str]:
        """Every object, version, marker and open upload of anybody's."""
        ...

    def used(self, state: Path) -> bool:
        """True if the service really kept its things there, and nowhere else."""
        ...


class Embedded:
    """Its own parts, in its state folder."""

    def settings(self) -> dict[str, str]:
        return {}

    def objects(self, state: Path) -> list[str]:
        return [str(file) for file in (state / "service" / "vault").rglob("*") if file.is_file()]

    def used(self, state: Path) -> bool:
        service = state / "service"
        return all(path.exists() for path in (service / "ledger" / "ledger.db", service / "broker", service / "vault"))


@dataclass(frozen=True, slots=True)
class Servers:
    """PostgreSQL, Redis and an S3 server."""

    ledger: str
    bucket: Bucket

    def settings(self) -> dict[str, str]:
        real = {"AVATAR_LEDGER": self.ledger, "AVATAR_BROKER": REDIS, "AVATAR_BUCKET": self.bucket.name}
        return {**environment(), **real}

    def objects(self, state: Path) -> list[str]:
        return self.bucket.store().remains("")

    def used(self, state: Path) -> bool:
        with psycopg.connect(_plain(self.ledger)) as connection:
            jobs = connection.execute("SELECT count(*) FROM jobs WHERE ending IS NOT NULL").fetchone()
        with closing(redis.Redis.from_url(REDIS)) as client:
            rang = client.exists("_kombu.binding.light")
        embedded = [name for name in ("ledger", "broker", "vault") if (state / "service" / name).exists()]
        return bool(jobs and jobs[0] and rang and not embedded)


@contextlib.contextmanager
def servers(monkeypatch: pytest.MonkeyPatch, *, versioned: bool = True) -> Iterator[Servers]:
    """A database and a bucket of its own on the real servers, and all of the Redis. Skips where one is missing."""
    if not (POSTGRES and REDIS):
        pytest.skip("no PostgreSQL or no Redis: set AVATAR_TEST_POSTGRES and AVATAR_TEST_REDIS")
    name = f"river_{secrets.token_hex(4)}"
    with (
        real_bucket(monkeypatch) as bucket,
        psycopg.connect(_plain(POSTGRES), autocommit=True) as connection,
        closing(redis.Redis.from_url(REDIS)) as client,
    ):
        connection.execute(f"CREATE DATABASE {name}")
        try:
            made = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
            yield Servers(made, bucket.versioned() if versioned else bucket)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            client.flushdb()


def _plain(ledger: str) -> str:
    return make_url(ledger).set(drivername="postgresql").render_as_string(hide_password=False)
