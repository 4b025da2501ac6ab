"""What an operator watches over HTTP: /metrics, and a line and a count for each call.

Calls are told by their route's template, never by their path, which holds ids. The figures of calls are this process's
own; those of jobs come from the ledger and are the same everywhere.
"""

from __future__ import annotations

import hmac
import logging
import time

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avatar.errors import Unauthorised
from avatar.logs import say
from avatar.watch.figures import LedgerFigures
from avatar.watch.readiness import Readiness
from avatar.web.guard import Given, Here, client, operator

router = APIRouter(include_in_schema=False)
BOUNDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds; a photo's verdict may take ten
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds; counted, and not logged
ELSEWHERE = "elsewhere"  # the one word for all paths that are no route
GONE = 499  # nginx's word for a caller who went away


@router.get("/metrics")
def metrics(request: Request, service: Here, given: Given) -> Response:
    """All figures, for the operator's own token or an admin's key."""
    token = service.settings.metrics_token.get_secret_value()
    if given is None:
        raise Unauthorised("The figures need a key.")
    if not token or not hmac.compare_digest(given.credentials.encode(), token.encode()):
        operator(client(request, service, given))
    registry: CollectorRegistry = request.app.state.figures
    return Response(generate_latest(registry), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)


def install(app: FastAPI) -> None:
    """Give the application its figures and its middleware. One registry each: two in a process do not mix."""
    registry = CollectorRegistry()
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    registry.register(LedgerFigures(app.state.service.engine))
    app.state.figures = registry
    app.state.readiness = Readiness(app.state.service)
    app.add_middleware(Watched, registry=registry)


class Watched:
    """Counts each call and writes its line."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._calls = Counter(
            "avatar_http_requests", "Calls to this process.", ["route", "method", "status"], registry=registry
        )
        self._seconds = Histogram(
            "avatar_http_seconds",
            "Seconds until the last byte of an answer; event streams last as long as they are watched.",
            ["route", "method"],
            buckets=BOUNDS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, error = time.monotonic(), 500, None
        scope.setdefault("state", {})

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            status = GONE
            raise
        except Exception as fault:
            error = fault
            raise
        finally:
            self._tell(scope, status, time.monotonic() - begun, error)

    def _tell(self, scope: Scope, status: int, seconds: float, error: Exception | None) -> None:
        route = getattr(scope.get("route"), "path", ELSEWHERE)
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._calls.labels(route, method, status).inc()
        self._seconds.labels(route, method).observe(seconds)
        level = logging.ERROR if error or status >= 500 else logging.DEBUG if route in QUIET else logging.INFO
        say(
            "request",
            level,
            error=error,
            route=route,
            method=method,
            status=status,
            milliseconds=1000 * seconds,
            client=scope["state"].get("client"),
        )
