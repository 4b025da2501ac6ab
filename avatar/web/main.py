"""The application as a server process makes it: uvicorn --factory avatar.web.main:made"""

from __future__ import annotations

from fastapi import FastAPI

from avatar import logs
from avatar.service import open_service
from avatar.settings import Settings, hush
from avatar.web.app import application


def made() -> FastAPI:
    """The application on this machine's service."""
    hush()
    settings = Settings()
    logs.setup(settings.logs)
    return application(open_service(settings))
