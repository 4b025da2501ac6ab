"""A job of a person who does not exist, run through the service's own code with stages that carry the canaries.

The stages take the place of `avatar.wiring.build`; claim, heartbeat, record, erasure, deletion are the product's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from avatar.job import ORDER, ClassWord, Done, Job, JobId, Kind, Outcome, Stage, new_id
from avatar.ledger import orders, uploads
from avatar.ledger.clients import Client
from avatar.ports import Progress, Vault
from avatar.service import Service
from avatar.shift import Bench, work
from tests.privacy.canaries import Canaries

WANTED = orders.Wanted(ClassWord.PERSON, ("photo",), 4, "pocket", 1, "These are photos of me, and I am an adult.")
READS = {
    Stage.INTAKE: (Kind.PHOTO,),
    Stage.TUNE: (Kind.CROP,),
    Stage.RENDER: (Kind.CROP, Kind.ADAPTER),
    Stage.FINISH: (Kind.CANDIDATE,),
    Stage.DELIVER: (Kind.PICTURE,),
}
WRITES = {
    Stage.INTAKE: (Kind.CROP,),
    Stage.TUNE: (Kind.CHECKPOINT, Kind.ADAPTER),
    Stage.RENDER: (Kind.CANDIDATE,),
    Stage.FINISH: (Kind.PICTURE,),
    Stage.DELIVER: (Kind.PACK,),
}
OBJECTS = ("a", "b")
PHOTOS = ("p01", "p02")
Moment = Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Carrying:
    """Works that read what the stage before wrote and write what the next one reads."""

    vault: Vault
    canaries: Canaries
    midway: Moment = lambda stage: None  # called when a stage has read and not yet written

    def works(self) -> Mapping[Stage, Callable[[Job, Progress], Outcome]]:
        return dict.fromkeys(ORDER, self.work)

    def work(self, job: Job, progress: Progress) -> Outcome:
        for kind in READS[job.stage]:
            names = self.vault.names(job.id, kind)
            assert names, f"{job.stage} finds no {kind}"
            assert all(self.vault.get(job.id, kind, name) == self.canaries.content(kind, name) for name in names)
        self.midway(job.stage)
        progress(1, 2)
        for kind in WRITES[job.stage]:
            for name in OBJECTS:
                self.vault.put(job.id, kind, name, self.canaries.content(kind, name))
        progress(2, 2)
        return Done({"pictures": 2, "seen": self.canaries.words} if job.stage is Stage.FINISH else {})


def ordered(service: Service, client: Client, canaries: Canaries) -> JobId:
    """An order with photos, not started; a verdict that tells something of the person, as verdicts may."""
    job = orders.make(service.engine, client, new_id(), WANTED).id
    service.vault.open(job)
    for name in PHOTOS:
        uploads.expect(service.engine, client, job, name)
        held = canaries.content(Kind.PHOTO, name)
        digest = service.vault.digest(job)
        digest.update(held)
        service.vault.put(job, Kind.PHOTO, name, held)
        uploads.arrived(service.engine, job, name, len(held), digest.hexdigest())
        uploads.judge(service.engine, job, name, "ok", canaries.words, "")
    return job


def bench(
    service: Service,
    canaries: Canaries,
    midway: Moment = lambda stage: None,
    ring: Callable[[Job], None] = lambda job: None,
) -> Bench:
    """A worker that knows all stages."""
    carrying = Carrying(service.vault, canaries, midway)
    return Bench(service.engine, service.vault, dict(carrying.works()), "worker", service.times, ring)


def run(service: Service, client: Client, canaries: Canaries, stages: int = len(ORDER), **more: Any) -> JobId:
    """A job taken through so many stages."""
    job = ordered(service, client, canaries)
    orders.start(service.engine, client, job)
    hands = bench(service, canaries, **more)
    for _ in range(stages):
        assert work(hands, job) is not None
    return job


def stored(service: Service, job: JobId) -> set[Kind]:
    """The kinds of which anything is there."""
    return {kind for kind in Kind if service.vault.remains(job, (kind,))}
