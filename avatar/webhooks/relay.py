"""Carry what is due from the outbox to its receivers, a handful at once.

Covers: two relays at once, which share the work; a relay that is killed, whose messages are sent again by the next
        under the same id (at least once: a receiver tells a repeat by `webhook-id`); a receiver that hangs, which
        holds up its own client's messages and nobody else's.
Does not cover: order. A message that had to wait arrives after later ones; each tells how things stand when it is sent.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from avatar import logs
from avatar.errors import AvatarError
from avatar.ledger import endpoints, outbox
from avatar.ledger.outbox import Letter, Tried
from avatar.ledger.rows import moment
from avatar.ledger.tables import EndpointRow, OutboxRow
from avatar.webhooks.secret import Safe, signing
from avatar.webhooks.send import TOTAL, Door, post
from avatar.webhooks.sign import headers

HANDS = 8  # messages under way at once, in one process
LEASE = TOTAL + 20.0  # seconds; longer than any try with its name look-up, whatever the pace
GONE = 410


@dataclass(frozen=True, slots=True)
class Relay:
    """One process's part in the sending. `pace` shrinks the waits between tries, for tests that must see days pass."""

    engine: Engine
    safe: Safe
    door: Door
    pace: float = 1.0
    lease: float = LEASE
    _idle: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(HANDS))

    def start(self) -> bool:
        """Put one more hand to work, beside the caller, whom a slow receiver must not hold up. False if none is idle.

        A hand that finds a message calls the next one, so that an empty outbox is looked at once.
        """
        if not self._idle.acquire(blocking=False):
            return False
        threading.Thread(target=self._beside, name="relay", daemon=True).start()  # a worker that must go need not wait
        return True

    def work(self, call: Callable[[], object] = lambda: None) -> int:
        """One hand: send a message at a time until none is due; how many tries that took. `call`: at each message."""
        count = 0
        while taken := outbox.take(self.engine, 1, self.lease):
            call()
            for message in taken:
                self._carry(message)
                count += 1
        return count

    def ping(self, endpoint: EndpointRow, now: float) -> Tried:
        """One message that tells of nothing, at once, to see whether an endpoint hears."""
        body = _told("ping", now, {"webhook": endpoint.id})
        return self._signed(endpoint.id, endpoint.url, endpoint.secret, "msg_" + secrets.token_hex(16), now, body)

    def _beside(self) -> None:
        try:
            self.work(self.start)
        except Exception as error:  # the ledger is away; the schedule begins again
            logs.say("relay_stopped", logging.ERROR, error=error)
        finally:
            self._idle.release()

    def _carry(self, message: OutboxRow) -> None:
        letter = outbox.letter(self.engine, message)
        tried = self._sent(message.id, letter)
        outbox.settle(self.engine, message, tried, self.pace)
        if tried.status == GONE:
            endpoints.gone(self.engine, message.endpoint)

    def _sent(self, message: str, letter: Letter) -> Tried:
        body = _told(letter.event, letter.made_at, letter.data)
        return self._signed(letter.endpoint, letter.url, letter.secret, message, letter.now, body)

    def _signed(self, endpoint: str, url: str, sealed: str, message: str, now: float, body: bytes) -> Tried:
        try:
            keys = signing(self.safe, endpoint, sealed, now)
            return post(self.door, url, headers(keys, message, int(now), body), body)
        except AvatarError as error:  # the operator's key was changed, or the endpoint was removed a moment ago
            return Tried(error.code)
        except Exception:  # a message that breaks us counts its tries like any other, or it would come back for ever
            return Tried("fault")


def _told(event: str, at: float, data: dict[str, Any]) -> bytes:
    """The body: what happened, when, and the ids and codes that say more; never a picture, a name or a sentence."""
    when = moment(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": event, "timestamp": when, "data": data}, separators=(",", ":")).encode()
