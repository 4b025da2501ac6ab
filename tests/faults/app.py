"""The workers' application with stages of stub: celery --app tests.faults.app worker --queues light"""

from __future__ import annotations

from workers.app import app

__all__ = ["app"]

app.conf.imports = ("tests.faults.stubbed", *app.conf.imports)
