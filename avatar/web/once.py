"""Answer a call once: a repeat with the same Idempotency-Key gets the first answer, and another request an error."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from avatar.errors import JobRefused
from avatar.ledger import answers
from avatar.ledger.answers import Answer, Turn
from avatar.service import Service
from avatar.web.guard import known

HEADER = "Idempotency-Key"
CHANGING = {"POST", "DELETE"}
SHORTEST, LONGEST = 8, 200  # letters of a key
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Once(APIRoute):
    """A route whose changing calls honour the header. Bodies are small JSON here; photos have a way of their own."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        if not CHANGING & (self.methods or set()):
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            return await handle(request) if key is None else await _once(handle, request, key)

        return once


def nonce(request: Request) -> str | None:
    """What the thing that this call makes shall be named by; None where the caller gave no key."""
    turn: Turn | None = getattr(request.state, "turn", None)
    return turn.nonce if turn else None


async def _once(handle: Handler, request: Request, key: str) -> Response:
    if not SHORTEST <= len(key) <= LONGEST:
        raise JobRefused(f"An Idempotency-Key has {SHORTEST} to {LONGEST} letters.", code="bad_idempotency_key")
    service: Service = request.app.state.service
    client = await run_in_threadpool(known, service, request.headers.get("authorization"))
    request.state.client = client.id
    asked = f"{request.method} {request.url.path}\n".encode() + await request.body()
    turn = await run_in_threadpool(answers.take, service.engine, client, key, hashlib.sha256(asked).hexdigest())
    purpose = f"answer {client.id} {key}"
    if isinstance(turn, Answer):
        return _replayed(turn, service.safe.open(turn.body, purpose))
    request.state.turn = turn
    try:
        response = await handle(request)
    except BaseException:
        await run_in_threadpool(answers.forget, service.engine, turn)
        raise
    sealed = service.safe.seal(bytes(response.body), purpose)  # an answer may tell a secret, once
    answer = Answer(response.status_code, sealed, response.headers.get("location"))
    await run_in_threadpool(answers.give, service.engine, turn, answer)
    return response


def _replayed(answer: Answer, body: bytes) -> Response:
    headers = {"Idempotency-Replayed": "true"} | ({"Location": answer.place} if answer.place else {})
    return Response(body, answer.status, headers, "application/json")
