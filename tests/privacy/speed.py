"""How soon nothing of a job can be read, and how soon its erasure is proven, with a store full of other jobs.

    python -m tests.privacy.speed --jobs 200 [--at-once 20] [--postgres] [--s3]

True processes: the one command's API, workers, schedule and broker, at full pace; calls by HTTP over the loopback. The
jobs are delivered before, by the product's own stages' machinery and stand-in pictures, in this process.
`--postgres`, `--s3`: on the servers that AVATAR_TEST_POSTGRES and AVATAR_TEST_S3 name; the bucket keeps versions.

Unreadable: the pack answers 404 and both keys are gone from the key store; counted from before the request is sent.
Proven: the deletion is done, its receipt is whole, signed and complete, and a listing of all stores shows nothing.
Exit code 1 where a p99 is above what is promised: 60 s and 15 min.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from avatar.erasure.signing import faults
from avatar.job import JobId, Kind
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.service import ARCHIVE, Service, open_service
from avatar.settings import Settings
from tests.buckets import environment, real_bucket
from tests.privacy.canaries import Canaries
from tests.privacy.subject import run
from tests.river.serving import Running, serving, until

UNREADABLE, PROVEN = 60.0, 900.0  # seconds, p99
LOOKS = 0.02  # seconds between two looks
BYTES = 3_000_000  # of a pack's archive, as twelve pictures have


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds from the request on."""

    unreadable: float
    proven: float


def erased(service: Service, running: Running, job: JobId) -> Took:
    """Erase one job by a call, and watch."""
    begun = time.monotonic()
    status, told = running.call("DELETE", f"/v1/jobs/{job}")
    assert status == 202, told
    keys = [service.settings.service / "keys" / name for name in (job, job.replace("job_", "pack_"))]
    _wait(lambda: not any(key.exists() for key in keys) and running.call("GET", f"/v1/jobs/{job}/pack.zip")[0] == 404)
    unreadable = time.monotonic() - begun
    paper = _wait(lambda: running.call("GET", f"/v1/deletions/{told['id']}")[1]["receipt"])
    assert faults(paper, service.signer.public) == []
    assert paper["complete"] is True
    assert sum(line["objects"] for line in paper["erased"]) > 10, "all that the stages erased, and the pack"
    assert service.vault.remains(job) == []
    return Took(unreadable, time.monotonic() - begun)


def _wait(true: object) -> dict[str, object]:
    end = time.monotonic() + 2 * PROVEN
    while time.monotonic() < end:
        if found := true():  # type: ignore[operator]
            return found  # type: ignore[no-any-return]
        time.sleep(LOOKS)
    raise AssertionError("it never came")


def filled(service: Service, client: Client, count: int) -> list[JobId]:
    """Delivered jobs, each with an archive; and their inputs erased, as long ago as they were delivered."""
    jobs = []
    for _ in range(count):
        job = run(service, client, Canaries())
        service.vault.put(job, Kind.PACK, ARCHIVE, secrets.token_bytes(BYTES))
        jobs.append(job)
    return jobs


@contextlib.contextmanager
def _database(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """One of its own, for the service."""
    base, name = make_url(os.environ["AVATAR_TEST_POSTGRES"]), f"speed_{secrets.token_hex(4)}"
    plain = base.set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg.connect(plain, autocommit=True)) as line:
        line.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        patch.setenv("AVATAR_LEDGER", base.set(database=name).render_as_string(hide_password=False))
        try:
            yield
        finally:
            line.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def told(name: str, seconds: list[float], most: float) -> bool:
    """A line of the table; whether the promise is kept."""
    ordered = sorted(seconds)
    p50, p99 = (ordered[min(len(ordered) - 1, int(part * len(ordered)))] for part in (0.5, 0.99))
    print(f"{name:<12} p50 {p50:8.3f} s   p99 {p99:8.3f} s   most {ordered[-1]:8.3f} s   promised {most:.0f} s")
    return p99 <= most


def measured(jobs: int, at_once: int, *, postgres: bool, s3: bool) -> list[Took]:
    """Fill a service and erase all of it."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        patch.setenv("AVATAR_STATE", str(folder / "s"))
        patch.setenv("AVATAR_WEIGHTS", str(folder / "w"))
        patch.setenv("AVATAR_PACE", "1.0")
        if s3:
            bucket = stack.enter_context(real_bucket(patch)).versioned()
            for name, value in {**environment(), "AVATAR_BUCKET": bucket.name}.items():
                patch.setenv(name, value)
        if postgres:
            stack.enter_context(_database(patch))
        service = open_service(Settings())
        stack.callback(service.engine.dispose)
        client, key = make_client(service.engine, "app", Scope.CLIENT, Quota(10**6, 10**6, 10**6))
        begun = time.monotonic()
        made = filled(service, client, jobs)
        print(f"{jobs} jobs delivered in {time.monotonic() - begun:.0f} s", flush=True)
        shown = stack.enter_context(serving(folder / "s", {"AVATAR_PACE": "1.0"}))
        running = Running(shown.port, key, shown.state)
        until(lambda: running.call("GET", "/healthz")[0] == 200)
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda job: erased(service, running, job), made))


def main() -> int:
    """The table, and 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=20, help="requests under way at a time")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--s3", action="store_true")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the service is ended with us
    took = measured(asked.jobs, asked.at_once, postgres=asked.postgres, s3=asked.s3)
    print(f"{len(took)} erased on request, {asked.at_once} at a time; each receipt signed and complete, nothing listed")
    kept = [told("unreadable", [one.unreadable for one in took], UNREADABLE),
            told("proven", [one.proven for one in took], PROVEN)]  # fmt: skip
    return int(not all(kept))


if __name__ == "__main__":
    sys.exit(main())
