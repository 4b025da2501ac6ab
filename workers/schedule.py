"""What happens by the clock: rescue, expiry, ringing again. Two beats do no harm: the ledger gives each id once."""

from __future__ import annotations

from avatar.ledger.claims import Times
from avatar.queue import Queue
from avatar.settings import Settings
from workers.app import app, service

EVERY = Times().at(Settings().pace).rescue

app.conf.beat_schedule = {
    "ring": {
        "task": "avatar.ring",
        "schedule": EVERY,
        "options": {"queue": Queue.PURGE.value, "expires": 2 * EVERY},  # a heap of old bells helps nobody
    },
    "relay": {
        "task": "avatar.relay",
        "schedule": EVERY,
        "options": {"queue": Queue.LIGHT.value, "expires": 2 * EVERY},
    },
}


@app.task(name="avatar.ring")  # type: ignore[untyped-decorator]
def ring() -> None:
    """Ring for what waits."""
    service().ring_what_waits()
