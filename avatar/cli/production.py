"""What must be true before strangers' photos come in: keys, stores, memory, and nobody who listens.

`avatar doctor --production` tells all of it; `avatar serve` refuses to start on what is `HARD`.
Covers: keys that are missing, readable by others, or beside the ledger; a bucket that would keep what it is told to
        delete; folders, core dumps, swap; agents that send memory elsewhere; settings for tests; the first key.
Does not cover: backups that others make of these volumes.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from avatar.cli.doctor import Finding, _meminfo
from avatar.errors import AvatarError, Unsafe
from avatar.ledger.clients import everybody
from avatar.ledger.engine import open_ledger
from avatar.settings import Settings
from avatar.vault.local import private_folder

HARD = frozenset({"sealing key", "keys", "bucket", "scratch", "core dumps"})
AGENTS = ("SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT", "DD_API_KEY", "DD_AGENT_HOST", "NEW_RELIC_LICENSE_KEY",
          "ROLLBAR_ACCESS_TOKEN", "HONEYBADGER_API_KEY")  # fmt: skip
PATTERN = Path("/proc/sys/kernel/core_pattern")


def look(settings: Settings) -> Iterator[Finding]:
    """All of it. `bad`: do not serve strangers; `note`: know this."""
    yield from _sealing(settings)
    yield from _apart(settings)
    yield from _bucket(settings)
    yield from _scratch(settings)
    yield from _memory()
    yield from _listeners()
    yield from _for_tests(settings)
    yield from _quotas(settings)


def insist(settings: Settings) -> None:
    """Unsafe where what is hard is bad; for the start of a service, which makes keys where there are none."""
    for finding in look(settings):
        fresh = finding.what == "sealing key" and finding.says == MISSING
        if finding.level == "bad" and finding.what in HARD and not fresh:
            raise Unsafe(f"{finding.what}: {finding.says}.", code="not_safe_to_serve", remedy=finding.remedy)


MISSING = "is missing; the first start makes one"


def _sealing(settings: Settings) -> Iterator[Finding]:
    path, keys = settings.sealing, settings.keys or settings.service / "keys"
    if not path.exists():
        orphaned = keys.is_dir() and any(keys.iterdir())
        says = "is missing, and keys of jobs are wrapped under it" if orphaned else MISSING
        yield Finding("sealing key", "bad", says, "bring it back" if orphaned else "start the service once")
        return
    for name, file in (("sealing key", path), ("signing key", settings.signing)):
        if file.exists() and (file.stat().st_mode & 0o077 or file.stat().st_size != 32):
            yield Finding(name, "bad", "can be read by others, or has not 32 bytes", f"chmod 600 {file.name}")
        else:
            yield Finding(name, "ok", "private")


def _apart(settings: Settings) -> Iterator[Finding]:
    """Keys beside the ledger go into its backups, and then a backup opens what was erased."""
    url = settings.ledger.get_secret_value() or f"sqlite:///{settings.service / 'ledger' / 'ledger.db'}"
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        yield Finding("keys", "ok", "apart from the ledger")
        return
    ledger = Path(parsed.database).parent.resolve()
    places = [place.resolve() for place in (settings.sealing.parent, settings.keys or settings.service / "keys")]
    if any(place == ledger or ledger in place.parents for place in places):
        yield Finding("keys", "bad", "lie in the ledger's folder: its backup would hold them", "set AVATAR_KEYS")
        return
    yield Finding("keys", "ok", "not in the ledger's folder")
    if ledger.exists() and any(place.stat().st_dev == ledger.stat().st_dev for place in places if place.exists()):
        says = "share a volume with the ledger: back up the ledger's file, never the volume"
        yield Finding("keys' volume", "note", says, "set AVATAR_KEYS and AVATAR_SEALING_KEY to another volume")


def _bucket(settings: Settings) -> Iterator[Finding]:
    if not settings.bucket:
        return
    from botocore.exceptions import BotoCoreError

    from avatar.vault.probe import lies, versioned
    from avatar.vault.s3 import connect

    try:
        client = connect(settings.s3_endpoint, settings.s3_region, settings.pace)
        found = lies(client, settings.bucket)
        keeps = versioned(client, settings.bucket)
    except (AvatarError, BotoCoreError) as error:
        yield Finding("bucket", "bad", f"can not be asked ({type(error).__name__})", "see endpoint and credentials")
        return
    for says in found.values():
        yield Finding(
            "bucket", "bad", says, "use a bucket of its own, without lock, replication or policies on deletes"
        )
    if keeps:
        yield Finding(
            "bucket's versions", "note", "are kept; we delete each", "suspend versioning, it helps nobody here"
        )
    if not found:
        yield Finding("bucket", "ok", "what is deleted is gone")


def _scratch(settings: Settings) -> Iterator[Finding]:
    try:
        for folder in (settings.service, settings.state / "jobs"):
            if folder.exists():
                private_folder(folder)
    except AvatarError as error:
        yield Finding("scratch", "bad", error.sentence.rstrip("."), error.remedy)
    else:
        yield Finding("scratch", "ok", "private")


def _memory() -> Iterator[Finding]:
    if resource.getrlimit(resource.RLIMIT_CORE)[0]:
        yield Finding("core dumps", "bad", "are on: one would hold pixels and descriptors", "ulimit -c 0")
    elif PATTERN.exists() and PATTERN.read_text().startswith("|"):
        says = "are off here, but the system hands them to a program that may not ask"
        yield Finding("core dumps", "note", says, "sysctl kernel.core_pattern=core")
    else:
        yield Finding("core dumps", "ok", "off")
    if _meminfo("SwapTotal"):
        yield Finding("swap", "note", "is on: a job's memory could reach the disk in clear", "swapoff -a")


def _listeners() -> Iterator[Finding]:
    for name in AGENTS:
        if os.environ.get(name):
            yield Finding(name, "bad", "an agent could send what is in memory elsewhere", f"unset {name}")


def _for_tests(settings: Settings) -> Iterator[Finding]:
    if settings.pace != 1.0:
        yield Finding("AVATAR_PACE", "bad", "every time of the service is shortened", "unset AVATAR_PACE")
    if settings.webhooks_local:
        yield Finding("AVATAR_WEBHOOKS_LOCAL", "bad", "a client can have this machine call itself", "unset it")


def _quotas(settings: Settings) -> Iterator[Finding]:
    url = settings.ledger.get_secret_value()
    file = settings.service / "ledger" / "ledger.db"
    if not url and not file.exists():
        return
    engine = open_ledger(url or f"sqlite:///{file}")
    try:
        known = everybody(engine)
    finally:
        engine.dispose()
    for one in known:
        if one["label"] == "first" and not one["revoked"]:
            says = "has the quotas of a trial (100 jobs a day)"
            yield Finding("the first key", "note", says, f"avatar key make ..., then avatar key revoke {one['id']}")
