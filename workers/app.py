"""The Celery application of the workers: celery -A workers.app worker --queues light --concurrency 1

`heavy` once per GPU, `light` and `purge` as often as there is work; `celery -A workers.app beat` anywhere, even twice.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from typing import Any

from celery import signals

from avatar import logs
from avatar.queue import celery
from avatar.service import Service, broker_url, open_service
from avatar.settings import Settings, hush

hush()
app = celery(broker_url(Settings()))
app.conf.imports = ("workers.light", "workers.heavy", "workers.purge", "workers.schedule")


@functools.cache
def service() -> Service:
    """This process's service, opened by its first task."""
    return open_service(Settings())


@signals.celeryd_init.connect  # type: ignore[untyped-decorator]
@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _logs(**_: object) -> None:
    """Ours instead of Celery's, in the worker, its children and the schedule."""
    logs.setup(Settings().logs)


@signals.task_failure.connect  # type: ignore[untyped-decorator]
@signals.task_internal_error.connect  # type: ignore[untyped-decorator]
def _failed(sender: Any, exception: BaseException, args: Sequence[object] = (), **_: object) -> None:
    """A task that broke off, by its ids; Celery's own line would tell arguments and the error's text."""
    logs.say("task_failed", logging.ERROR, error=exception, task=sender.name, **logs.named(*args))
