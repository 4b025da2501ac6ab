"""The workers' application with stages that carry canaries: celery --app tests.privacy.app worker --queues light"""

from __future__ import annotations

from workers.app import app

__all__ = ["app"]

app.conf.imports = ("tests.privacy.carrying", *app.conf.imports)
