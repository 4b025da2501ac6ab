"""Stages that touch the vault where the true ones do, without a base and without a face; for the workers of a trial.

They take the place of `avatar.service.build`, so that claim, heartbeat, record, erasure and bell are the product's own.
Each stage tells the trial when it begins and when it is about to return: those are the boundaries that are aimed at.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import avatar.service
from avatar.job import Done, Job, JobId, Kind, Outcome, Refused, Stage
from avatar.photos.checks import Verdict, verdict
from avatar.ports import Progress, Vault
from avatar.stages.deliver import Delivery

EAR = "AVATAR_FAULTS_EAR"  # the socket of the trial
SECONDS = "AVATAR_FAULTS_SECONDS"  # how long a stage works, about
STEPS = 6
SHOTS = ("0001.png", "0002.png")
Work = Callable[[Job, Progress], Outcome]

_settle = avatar.service.settle  # the product's own, read before anything takes its place


def tell(job: str, stage: str, moment: str) -> None:
    """Say where this process is; a trial that does not listen is no fault."""
    said = {"job": job, "stage": stage, "moment": moment, "pid": os.getpid(), "boss": os.getppid(), "at": time.time()}
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(1)
        line.sendto(json.dumps(said).encode(), os.environ[EAR])


def settle(engine: Any, vault: Any, debt: Any, *more: Any) -> Any:
    """The product's own deletion, announced."""
    tell(debt.job, Stage.PURGE, "begin")
    done = _settle(engine, vault, debt, *more)
    tell(debt.job, Stage.PURGE, "end")
    return done


class Missing(Exception):
    """What an earlier stage recorded is not in the vault."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Stub:
    """What `build` gives: a work for each stage, and a glance at a photo."""

    vault: Vault
    delivery: Delivery

    def works(self) -> dict[Stage, Work]:
        made: Mapping[Stage, Callable[[Job], Mapping[str, Any]]] = {
            Stage.INTAKE: self._intake,
            Stage.TUNE: self._tune,
            Stage.RENDER: self._render,
            Stage.FINISH: self._finish,
            Stage.DELIVER: self._deliver,
        }
        return {stage: _told(part) for stage, part in made.items()}

    def glance(self, job: Job, name: str) -> Verdict:
        self._read(job.id, Kind.PHOTO, [name])
        return verdict(name, "ok")

    def _intake(self, job: Job) -> Mapping[str, Any]:
        photos = self._all(job.id, Kind.PHOTO)
        self._read(job.id, Kind.PHOTO, photos)
        self._write(job.id, Kind.CROP, photos)
        for name in set(self.vault.names(job.id, Kind.CROP)).difference(photos):
            self.vault.drop(job.id, Kind.CROP, name)
        return {"usable": len(photos)}

    def _tune(self, job: Job) -> Mapping[str, Any]:
        self._read(job.id, Kind.CROP, self._all(job.id, Kind.CROP))
        self._write(job.id, Kind.CHECKPOINT, ["step-00001", "step-00002"])
        self._write(job.id, Kind.ADAPTER, ["best"])
        return {"steps": 2}

    def _render(self, job: Job) -> Mapping[str, Any]:
        self._read(job.id, Kind.CROP, self._all(job.id, Kind.CROP))
        if "plan-1.json" not in self.vault.names(job.id, Kind.CANDIDATE):
            self._write(job.id, Kind.CANDIDATE, ["plan-1.json"])
        self._read(job.id, Kind.ADAPTER, ["best"])
        there = self.vault.names(job.id, Kind.CANDIDATE)
        self._write(job.id, Kind.CANDIDATE, [name for name in SHOTS if name not in there])
        return {"drawn": len(SHOTS)}

    def _finish(self, job: Job) -> Mapping[str, Any]:
        self._read(job.id, Kind.CANDIDATE, ["plan-1.json", *SHOTS])
        self._write(job.id, Kind.PICTURE, [*SHOTS, "report.json"])
        return {"pictures": len(SHOTS)}

    def _deliver(self, job: Job) -> Mapping[str, Any]:
        names = self._all(job.id, Kind.PICTURE)
        self._read(job.id, Kind.PICTURE, names)
        self.delivery.deliver({name: content(job.id, Kind.PACK, name) for name in names})
        return {"files": len(names)}

    def _all(self, job: JobId, kind: Kind) -> Sequence[str]:
        if names := self.vault.names(job, kind):
            return names
        raise Missing(kind)

    def _read(self, job: JobId, kind: Kind, names: Sequence[str]) -> None:
        """Read, and see that it is what was written there."""
        for name in names:
            try:
                held = self.vault.get(job, kind, name)
            except KeyError:
                raise Missing(kind) from None
            if kind is not Kind.PHOTO and held != content(job, kind, name):
                raise Missing(kind)

    def _write(self, job: JobId, kind: Kind, names: Sequence[str]) -> None:
        for name in names:
            self.vault.put(job, kind, name, content(job, kind, name))


def content(job: JobId, kind: Kind, name: str) -> bytes:
    """What stands in for an object: the same at every attempt, and like no other."""
    return f"{kind} {name} of {job}".encode()


def _told(part: Callable[[Job], Mapping[str, Any]]) -> Work:
    """A stage: it begins, works a while and reports on it, touches the vault, and returns."""

    def work(job: Job, progress: Progress) -> Outcome:
        tell(job.id, job.stage, "begin")
        pause = random.uniform(0.5, 1.5) * float(os.environ[SECONDS]) / STEPS
        try:
            for step in range(STEPS):
                if step == STEPS // 2:
                    facts = part(job)
                time.sleep(pause)
                progress(step + 1, STEPS)
        except Missing as lost:
            return Refused(f"missing_{lost.kind}", "What an earlier stage recorded is not in the vault.")
        tell(job.id, job.stage, "end")
        return Done(facts)

    return work


def build(settings: Any, job: Job, vault: Vault, delivery: Delivery, bases: Any = None) -> Stub:
    """In the place of `avatar.wiring.build`."""
    return Stub(vault, delivery)


def take_over() -> None:
    """From here on this process's service has stages of stub."""
    avatar.service.build = build  # type: ignore[assignment]
    avatar.service.settle = settle
