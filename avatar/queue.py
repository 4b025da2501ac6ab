"""Ring the workers for a job's id, after the commit; the only producer of messages.

A message is a bell: an id and nothing else. It may be lost, doubled, late or out of order; the ledger decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError as Unreachable

from avatar.job import Job, JobId, Stage

__all__ = ["LONGEST", "ROUTE", "SETTINGS", "Bell", "Queue", "Unreachable", "celery", "stages_of"]


class Queue(StrEnum):
    """Who listens: `heavy` once per GPU, `purge` never behind one."""

    LIGHT = "light"
    HEAVY = "heavy"
    PURGE = "purge"


ROUTE: Mapping[Stage, Queue] = MappingProxyType(
    {
        Stage.INTAKE: Queue.LIGHT,
        Stage.TUNE: Queue.HEAVY,
        Stage.RENDER: Queue.HEAVY,
        Stage.FINISH: Queue.LIGHT,
        Stage.DELIVER: Queue.LIGHT,
        Stage.PURGE: Queue.PURGE,
    }
)

LONGEST = 3600  # seconds a stage may take before its process is stopped; a pack takes minutes


def stages_of(queue: Queue) -> tuple[Stage, ...]:
    """The stages that the listeners of a queue know."""
    return tuple(stage for stage, its in ROUTE.items() if its is queue)


def celery(broker: str) -> Celery:
    """The one Celery application; producers and workers share its settings."""
    app = Celery("avatar", broker=broker)
    app.conf.update(SETTINGS)
    return app


SETTINGS: dict[str, Any] = {
    "task_serializer": "json",
    "accept_content": ["json"],  # no pickle, whoever writes into the broker
    "task_ignore_result": True,  # results live in the ledger
    "result_backend": None,
    "task_acks_late": True,  # a bell is answered when the work is done; the ledger makes a second ringing harmless
    "task_reject_on_worker_lost": False,  # a job that kills its worker would ring for ever; the ledger counts to three
    "worker_pool_start_method": "spawn",  # a forked child would inherit a half-used torch, and the broker's connection
    "worker_disable_prefetch": True,  # a bell waits for a free worker, not behind a busy one
    "worker_prefetch_multiplier": 4,  # more than one: a worker with a bell it could not answer must go on listening, or
    # it never hears that the broker was away (the answer's error is swallowed, and with one bell held it does not ask)
    "worker_cancel_long_running_tasks_on_connection_loss": False,  # the claim holds without the broker
    "broker_connection_retry_on_startup": True,
    "broker_transport_options": {"visibility_timeout": LONGEST + 120},  # longer than any task: else it runs twice
    "task_time_limit": LONGEST,
    "task_soft_time_limit": LONGEST - 60,
    "task_default_queue": Queue.LIGHT.value,
    "task_create_missing_queues": True,
    "worker_hijack_root_logger": False,
    "worker_send_task_events": False,  # ids only, and nobody listens
    "worker_proc_alive_timeout": 120.0,  # seconds a child may take to import torch
    "worker_enable_remote_control": False,  # cancelling goes through the ledger
}


BRIEF = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.0, "interval_max": 0.0}  # a bell is not worth six
# seconds of a caller's time, which is how long the library tries; the schedule rings again


class Bell:
    """Rings for a job, for a photo to be looked at, or for a deletion."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        app.conf.broker_transport_options = {**app.conf.broker_transport_options, **BRIEF}

    def ring(self, job: Job) -> None:
        queue = Queue.LIGHT if job.test else ROUTE[job.stage]
        self._app.send_task(f"avatar.{queue}", args=[job.id], queue=queue.value, retry=False)

    def ring_photo(self, job: JobId, name: str) -> None:
        self._app.send_task("avatar.look", args=[job, name], queue=Queue.LIGHT.value, retry=False)

    def reach(self) -> None:
        """Unreachable, or what the socket says, where the broker does not answer."""
        with self._app.connection_for_write() as line:
            line.ensure_connection(max_retries=1, interval_start=0, timeout=1.0)  # seconds

    def ring_deletion(self, deletion: str) -> None:
        self._app.send_task("avatar.purge", args=[deletion], queue=Queue.PURGE.value, retry=False)
