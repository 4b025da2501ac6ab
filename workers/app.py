"""The Celery application of the workers: celery -A workers.app worker --queues light --concurrency 1

`heavy` once per GPU, `light` and `purge` as often as there is work; `celery -A workers.app beat` anywhere, even twice.
"""

from __future__ import annotations

import functools

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
