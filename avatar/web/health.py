"""Alive and ready, for whoever sends calls here: open to all, so they tell codes and nothing else."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from avatar.watch.readiness import Readiness, failing
from avatar.web.problems import problem

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz")
def ready(request: Request) -> JSONResponse:
    """Work could be claimed: 503 with what fails otherwise, its first part in the code."""
    readiness: Readiness = request.app.state.readiness
    told = readiness.look()
    if failed := failing(told):
        parts = ", ".join(f"{name} {told[name]}" for name in failed)
        return problem(503, f"not_ready_{failed[0]}", f"Not ready: {parts}.", retryable=True)
    return JSONResponse({"status": "ready", **told}, headers={"Cache-Control": "no-store"})
