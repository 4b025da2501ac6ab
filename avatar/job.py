"""A job: what was asked, the states it passes, the only moves between them, and when each kind of thing dies.

This file is the single place that says what follows what. Stages, pipeline and erasure read its tables.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NewType

JobId = NewType("JobId", str)


class Stage(StrEnum):
    """The one word of each stage: module, state, queue route, vault prefix, metric label."""

    INTAKE = "intake"
    TUNE = "tune"
    RENDER = "render"
    FINISH = "finish"
    DELIVER = "deliver"
    PURGE = "purge"


class ClassWord(StrEnum):
    """The noun the base already knows. There is no word for a child, on purpose."""

    PERSON = "person"
    WOMAN = "woman"
    MAN = "man"


class Kind(StrEnum):
    """The kinds of thing that a job may store. Latents and embeddings are missing: they live in memory only."""

    PHOTO = "photo"  # the bytes as given
    CROP = "crop"  # aligned pixels, soft face mask, caption
    CHECKPOINT = "checkpoint"  # adapters not yet chosen
    ADAPTER = "adapter"  # the chosen one
    CANDIDATE = "candidate"  # rendered, not yet chosen
    PICTURE = "picture"  # chosen, marked, the person's own
    PACK = "pack"  # what was delivered, where a service keeps it for the person; no stage erases it


class Ending(StrEnum):
    """How a job can end. Each ending leads to purge."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


ORDER = (Stage.INTAKE, Stage.TUNE, Stage.RENDER, Stage.FINISH, Stage.DELIVER)

# Law 4: an input is erased once the stage that last needs it is recorded, and not before.
DIES_AFTER: Mapping[Kind, Stage] = MappingProxyType(
    {
        Kind.PHOTO: Stage.INTAKE,
        Kind.CHECKPOINT: Stage.TUNE,
        Kind.CROP: Stage.RENDER,  # choosing measures likeness against the crops
        Kind.ADAPTER: Stage.RENDER,
        Kind.CANDIDATE: Stage.FINISH,
        Kind.PICTURE: Stage.DELIVER,
    }
)


def following(stage: Stage) -> Stage:
    """The stage after `stage` when it went well; after deliver comes purge, and purge is the last."""
    if stage is Stage.PURGE:
        return Stage.PURGE
    place = ORDER.index(stage) + 1
    return ORDER[place] if place < len(ORDER) else Stage.PURGE


def dying_after(stage: Stage) -> tuple[Kind, ...]:
    """The kinds that nobody needs once `stage` is recorded."""
    return tuple(kind for kind, last in DIES_AFTER.items() if last is stage)


def new_id() -> JobId:
    """A random 128-bit id; it says nothing about the person, the time or the number of jobs."""
    return JobId("job_" + secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person attested, in the words they were shown: adult, own face, purpose, retention."""

    text: str
    given_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked. `facts` holds what each recorded stage found: ids, codes and numbers, never names or pixels."""

    id: JobId
    class_word: ClassWord
    styles: tuple[str, ...]
    count: int  # pictures to deliver, over all styles
    base: str
    seed: int
    consent: Consent
    test: bool = False  # a rehearsal for developers of apps: drawn results, no photo is looked at
    stage: Stage = Stage.INTAKE
    ending: Ending | None = None
    facts: Mapping[Stage, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """The stage did its work; `facts` is JSON-ready and holds nothing personal."""

    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """The stage will never succeed on this input; the person may change it."""

    code: str
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """Not now: try the same stage once more after so many seconds."""

    after: float


Outcome = Done | Refused | Again
