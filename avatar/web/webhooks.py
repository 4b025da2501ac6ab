"""Webhooks over HTTP: name a place, see what was sent there, send it again."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from avatar.errors import Forbidden, OverQuota
from avatar.ledger import endpoints
from avatar.ledger.clients import Client, Scope
from avatar.web import cursors, hooked
from avatar.web.guard import Caller, Here
from avatar.web.hooked import MadeWebhook, Message, MessagePage, NewWebhook, Secret, Trial, Try, Webhook
from avatar.web.once import Once, nonce
from avatar.web.problems import RESPONSES
from avatar.webhooks.address import place
from avatar.webhooks.secret import changed, made, signing
from avatar.webhooks.sign import shown

TESTS = 4  # at once in this process: each holds a thread for as long as the receiver takes, and there are forty


def _owner(caller: Caller) -> Client:
    """A caller with a key of its own; a link opens one job and no webhook."""
    if caller.scope is Scope.LINK:
        raise Forbidden("A link opens one job; it sees no webhook.")
    return caller


Owner = Annotated[Client, Depends(_owner)]
router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=Once, responses=RESPONSES)


@router.post("", status_code=status.HTTP_201_CREATED)
def make(wanted: NewWebhook, caller: Owner, service: Here, request: Request, response: Response) -> MadeWebhook:
    """Name a place that is told of the key's jobs when they end and when they are erased; five at most."""
    place(wanted.url, service.policy)
    name = f"end_{nonce(request) or secrets.token_hex(16)}"
    row = endpoints.make(service.engine, caller, endpoints.Named(name, wanted.url, made(service.safe, name)))
    key = signing(service.safe, row.id, row.secret, row.made_at)[0]
    response.headers["Location"] = f"/v1/webhooks/{row.id}"
    return MadeWebhook(**hooked.webhook(row).model_dump(), secret=shown(key))


@router.get("")
def every(caller: Owner, service: Here) -> list[Webhook]:
    """The key's webhooks."""
    return [hooked.webhook(row) for row in endpoints.listed(service.engine, caller)]


@router.get("/{webhook}")
def look(webhook: str, caller: Owner, service: Here) -> Webhook:
    """One of them."""
    return hooked.webhook(endpoints.look(service.engine, caller, webhook)[0])


@router.delete("/{webhook}", status_code=status.HTTP_204_NO_CONTENT)
def remove(webhook: str, caller: Owner, service: Here) -> None:
    """Tell it nothing more; its address and its secret are forgotten."""
    endpoints.remove(service.engine, caller, webhook)


@router.post("/{webhook}/secret")
def secret(webhook: str, caller: Owner, service: Here) -> Secret:
    """A new secret. For a day the one before signs as well, so that nothing is lost while it is brought in."""
    row, now = endpoints.look(service.engine, caller, webhook)
    sealed = changed(service.safe, row.id, row.secret, now)
    endpoints.change(service.engine, caller, row, sealed)
    return Secret(secret=shown(signing(service.safe, row.id, sealed, now)[0]))


@router.post("/{webhook}/test")
def test(webhook: str, caller: Owner, service: Here) -> Trial:
    """Send a `ping` now and tell what came of it; 20 seconds at most. It is in no log and is not tried again."""
    row, now = endpoints.look(service.engine, caller, webhook)
    with _tests.one(caller.id):
        return hooked.trial(service.relay().ping(row, now))


@router.get("/{webhook}/messages")
def messages(
    webhook: str,
    caller: Owner,
    service: Here,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> MessagePage:
    """What was sent there or still is to be, newest first; kept for 30 days."""
    rows = endpoints.messages(service.engine, caller, webhook, limit + 1, cursors.read(cursor))
    shown = rows[:limit]
    more = cursors.written(shown[-1].made_at, shown[-1].id) if len(rows) > limit else None
    return MessagePage(messages=[hooked.message(row) for row in shown], next=more)


@router.get("/{webhook}/messages/{message}/tries")
def tries(webhook: str, message: str, caller: Owner, service: Here) -> list[Try]:
    """Every try to send this message, the first one first."""
    return [hooked.try_(row) for row in endpoints.tries(service.engine, caller, webhook, message)]


@router.post("/{webhook}/messages/{message}/replay", status_code=status.HTTP_202_ACCEPTED)
def replay(webhook: str, message: str, caller: Owner, service: Here) -> Message:
    """Send it again, under the same webhook-id; only what arrived or was given up."""
    return hooked.message(endpoints.replay(service.engine, caller, webhook, message))


class _Tests:
    """Lets one test of a key run at a time, and a few of all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: set[str] = set()

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        with self._lock:
            if client in self._under_way or len(self._under_way) >= TESTS:
                raise OverQuota("A test is under way; wait for its answer.", code="webhook_test_running", after=5.0)
            self._under_way.add(client)
        try:
            yield
        finally:
            with self._lock:
                self._under_way.discard(client)


_tests = _Tests()
