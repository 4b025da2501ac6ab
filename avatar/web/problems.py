"""Every failure as a problem document (RFC 9457): a stable code, whose fault it is, and what to do."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from avatar.errors import AvatarError, OverQuota

MEDIA = "application/problem+json"
OURS = "This is our fault, not yours; nothing of yours is lost."


class Problem(BaseModel):
    """What every failure is told as (RFC 9457)."""

    type: str = Field(default="about:blank", description="always about:blank; `code` says which")
    title: str
    status: int
    detail: str = Field(description="a sentence fit for a person")
    code: str = Field(description="stable; programs decide by it")
    fault: Literal["client", "service"]
    retryable: bool = Field(description="whether the same call may succeed later")
    remedy: str | None = Field(default=None, description="what to do")


RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "The caller's to mend", "content": {MEDIA: {"schema": Problem.model_json_schema()}}},
    "5XX": {"description": "Ours", "content": {MEDIA: {"schema": Problem.model_json_schema()}}},
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    remedy: str = "",
    retryable: bool = False,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """One document. `fault` is "client" or "service"; `retryable` says whether the same call may succeed later."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "fault": "client" if status < 500 else "service",
        "retryable": retryable,
    }
    if remedy:
        body["remedy"] = remedy
    return JSONResponse(body, status, headers, MEDIA)


def install(app: FastAPI) -> None:
    """Answer every kind of failure this way, the framework's own included."""

    @app.exception_handler(AvatarError)
    def _expected(_: Request, error: AvatarError) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        if isinstance(error, OverQuota):
            headers["Retry-After"] = str(max(1, math.ceil(error.after)))
        elif error.retryable:
            headers["Retry-After"] = "60"
        return problem(
            error.status, error.code, error.sentence, remedy=error.remedy, retryable=error.retryable, headers=headers
        )

    @app.exception_handler(HTTPException)
    def _framework(_: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "_")
        return problem(error.status_code, code, f"{phrase}.", headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def _malformed(_: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, "invalid_request", said(error.errors()))

    @app.exception_handler(DataError)
    def _unstorable(_: Request, __: DataError) -> JSONResponse:
        return problem(422, "invalid_request", "A text in the request can not be stored; it may hold no NUL.")

    @app.exception_handler(Exception)
    def _fault(_: Request, __: Exception) -> JSONResponse:
        return problem(500, "fault", OURS, retryable=True)


def said(errors: Any) -> str:
    """What is wrong and where, without repeating what was sent."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    return f"{place}: {first['msg']}." if place else f"{first['msg']}."
