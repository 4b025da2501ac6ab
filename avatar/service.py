"""Build the service of one machine from the settings: ledger, keys, vault, bell, and what a worker has at hand."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from avatar.broker import EmbeddedBroker
from avatar.erasure.settle import settle
from avatar.erasure.signing import Signer, signer_at
from avatar.errors import AvatarError, Away, NotFound, Spoiled
from avatar.heartbeat import Heartbeat, HeldVault
from avatar.job import ORDER, Job, JobId, Kind, Outcome
from avatar.ledger import deletions, holds, replaced, uploads
from avatar.ledger.claims import Times, rescue
from avatar.ledger.clients import Client
from avatar.ledger.engine import open_ledger
from avatar.ledger.expiry import expire
from avatar.ledger.history import upgrade
from avatar.ledger.replaced import Asked
from avatar.ledger.tables import ReplacementRow
from avatar.packs.archive import ARCHIVE as ARCHIVE
from avatar.packs.archive import archive
from avatar.photos.checks import verdict
from avatar.ports import Progress
from avatar.queue import Bell, Queue, Unreachable, celery, stages_of
from avatar.replacing import settle as settle_pack
from avatar.settings import Settings
from avatar.shift import Bench
from avatar.stages.deliver import NONE
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring, Safe, master_key
from avatar.vault.local import private_folder
from avatar.vault.s3 import S3Store, connect
from avatar.vault.sealed import SealedVault, Store
from avatar.webhooks.address import Policy
from avatar.webhooks.relay import Relay
from avatar.webhooks.send import Door
from avatar.wiring import Bases, build, rehearsal
from avatar.wiring import Bench as Made


@dataclass(frozen=True, slots=True)
class Pack:
    """A delivery into the vault, under the pack's own key."""

    vault: SealedVault | HeldVault
    job: JobId

    def deliver(self, files: Mapping[str, bytes], spares: Mapping[str, bytes] = NONE) -> None:
        """Each file in its place and all in one archive; repeating replaces. The stage's record makes them visible.

        Spares lie beside them under the same key and die with them; no list shows them (see `replacing`).
        """
        for name, data in {**files, **spares}.items():
            self.vault.put(self.job, Kind.PACK, name, data)
        self.vault.put_parts(self.job, Kind.PACK, ARCHIVE, archive(files.items()))


@dataclass(frozen=True, slots=True)
class Service:
    """What API, workers and schedule share on one machine."""

    settings: Settings
    engine: Engine
    vault: SealedVault
    bell: Bell
    times: Times
    safe: Safe  # of webhooks' secrets
    policy: Policy  # which webhooks may be called
    signer: Signer  # of receipts

    def bench(self, queue: Queue) -> Bench:
        """What a worker of this queue has at hand; its base stays in memory from job to job."""
        bases = Bases(self.settings)

        def act(job: Job, progress: Heartbeat) -> Outcome:
            vault = HeldVault(self.vault, progress)
            return self._made(job, bases, vault).works()[job.stage](job, progress)

        def rehearse(job: Job, _: Progress) -> Outcome:
            return rehearsal(self.settings, self.vault, Pack(self.vault, job.id))[job.stage](job)

        known = dict.fromkeys(stages_of(queue), act)
        tests = dict.fromkeys(ORDER, rehearse) if queue is Queue.LIGHT else {}
        owner = f"{queue}@{socket.gethostname()}:{os.getpid()}"
        return Bench(self.engine, self.vault, known, owner, self.times, self.ring, tests)

    def eye(self) -> Callable[[JobId, str], None]:
        """Looks at one photo of a job that has not started, and writes the verdict; what it needs stays in memory."""
        bases = Bases(self.settings)

        def look(job: JobId, name: str) -> None:
            asked = uploads.waiting(self.engine, job, name)
            if asked is None:
                return
            if asked.test:
                said = verdict(name, "ok")
            else:
                try:
                    said = self._made(asked, bases).glance(asked, name)
                except (KeyError, Spoiled):  # removed or erased meanwhile
                    return
            uploads.judge(self.engine, job, name, said.code, said.sentence, said.remedy)

        return look

    def _made(self, job: Job, bases: Bases, vault: HeldVault | None = None) -> Made:
        held = vault or self.vault
        return build(self.settings, job, held, Pack(held, job.id), bases)

    def ring(self, job: Job) -> None:
        """Ring now; a broker that is away is no fault, since the schedule rings again."""
        with contextlib.suppress(Unreachable):
            self.bell.ring(job)

    def ring_photo(self, job: JobId, name: str) -> None:
        with contextlib.suppress(Unreachable):
            self.bell.ring_photo(job, name)

    def ring_deletion(self, deletion: str) -> None:
        with contextlib.suppress(Unreachable):
            self.bell.ring_deletion(deletion)

    def relay(self) -> Relay:
        """Sends what the outbox holds."""
        return Relay(self.engine, self.safe, Door(self.policy), self.settings.pace)

    def purge(self, deletion: str) -> None:
        """Carry out one deletion, if it is due and nobody else is at it."""
        debt = deletions.take(self.engine, deletion, self.times.lease)
        if debt is not None:
            settle(self.engine, self.vault, debt, self.signer, self.settings.pace * deletions.SECOND_LOOK)

    def forget(self, job: JobId) -> bool:
        """Destroy both keys of a job, now; False where a legal hold is on it, and nothing is done."""

        def act() -> None:
            for kind in (Kind.PHOTO, Kind.PACK):
                self.vault.forget_key(job, kind)

        return holds.unless_held(self.engine, job, act)

    def replace(self, client: Client, job: JobId, asked: Asked) -> tuple[ReplacementRow, bool]:
        """Put a spare in a picture's place; True where the picture is erased already, and not by the schedule soon."""
        row = replaced.take(self.engine, client, job, asked)
        try:
            return row, self.settle_pack(job)
        except Away:
            return row, False

    def settle_pack(self, job: JobId) -> bool:
        """Erase what was replaced in a pack and bring its papers up to date; NotFound where it is being erased."""
        try:
            return settle_pack(self.engine, self.vault, job, self.settings.pace * deletions.SECOND_LOOK)
        except Spoiled:
            raise NotFound("There are no pictures of this job.") from None

    def settle_packs(self) -> None:
        """Go on with replacements that were cut off, and look at the others a second time."""
        for job in replaced.due(self.engine, self.settings.pace * replaced.PATIENCE):
            with contextlib.suppress(AvatarError, KeyError):  # the others must not wait for this one
                self.settle_pack(job)

    def ring_what_waits(self) -> int:
        """Rescue what died, end what is too old, and ring for all that waits and was not rung of late."""
        expire(self.engine, self.times, self.settings.pace)
        self.settle_packs()
        jobs = rescue(self.engine, self.times)
        for job in jobs:
            self.ring(job)
        for photo in uploads.unseen(self.engine, self.times.ring_again):
            self.ring_photo(*photo)
        owed = deletions.due(self.engine, self.times.ring_again)
        for deletion in owed:
            self.ring_deletion(deletion)
        return len(jobs) + len(owed)


def open_service(settings: Settings) -> Service:
    """The service as the settings say; the ledger is brought up to date, keys are made where there are none."""
    private_folder(settings.service)  # whichever command is the first: a later `avatar serve` insists on it
    engine = open_ledger(settings.ledger.get_secret_value() or f"sqlite:///{settings.service / 'ledger' / 'ledger.db'}")
    upgrade(engine)
    master = master_key(settings.sealing)
    keys = Keyring(settings.keys or settings.service / "keys", master)
    return Service(
        settings=settings,
        engine=engine,
        vault=SealedVault(_store(settings), keys),
        bell=Bell(celery(broker_url(settings))),
        times=times_of(settings),
        safe=Safe(master),
        policy=Policy(settings.webhooks_ports, settings.webhooks_local),
        signer=signer_at(settings.signing),
    )


def times_of(settings: Settings) -> Times:
    """Every wait of the service, as the settings have it."""
    return Times(keep=86400.0 * settings.keep_days).at(settings.pace)


def broker_url(settings: Settings) -> str:
    """The broker that was named, or the one of our own on this machine."""
    return settings.broker.get_secret_value() or EmbeddedBroker(settings.service / "broker").url


def _store(settings: Settings) -> Store:
    if settings.bucket:
        return S3Store(connect(settings.s3_endpoint, settings.s3_region, settings.pace), settings.bucket).ensure()
    return DiskStore(settings.service / "vault")
