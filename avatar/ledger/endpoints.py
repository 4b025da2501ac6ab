"""Where a client wants to be told, what it was told, and when; every query of a client's carries the owner.

Removing an endpoint forgets its address and its secret, and gives up what was still to be sent there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, Select, func, select, tuple_, update
from sqlalchemy.orm import Session

from avatar.errors import JobRefused, NotFound, NotNow
from avatar.ledger.clients import Client
from avatar.ledger.clock import now, read
from avatar.ledger.engine import reading, transaction
from avatar.ledger.orders import alone
from avatar.ledger.tables import AuditRow, EndpointRow, OutboxRow, TryRow

MOST = 5  # endpoints of one client; each gets every message


@dataclass(frozen=True, slots=True)
class Named:
    """A new endpoint; its id is given, so that a call that was cut off and is repeated makes no second."""

    id: str
    url: str
    secret: str  # sealed


def make(engine: Engine, client: Client, wanted: Named) -> EndpointRow:
    """A new endpoint, or the one of this id that is there already. JobRefused where the client has enough."""
    with transaction(engine) as session:
        alone(session, client)
        row = session.scalars(_mine(client).where(EndpointRow.id == wanted.id)).one_or_none()
        if row is not None:
            return row
        count = session.scalar(select(func.count()).select_from(_mine(client).subquery())) or 0
        if count >= MOST:
            raise JobRefused(
                f"A key has {MOST} webhooks at most.", code="too_many_webhooks", remedy="Remove one that is not used."
            )
        row = EndpointRow(id=wanted.id, client=client.id, url=wanted.url, secret=wanted.secret, made_at=read(session))
        session.add(row)
        _note(session, client, "webhook_made", row.id)
        return row


def listed(engine: Engine, client: Client) -> Sequence[EndpointRow]:
    """The client's endpoints, the oldest first."""
    with reading(engine) as session:
        return session.scalars(_mine(client).order_by(EndpointRow.made_at, EndpointRow.id)).all()


def look(engine: Engine, client: Client, endpoint: str) -> tuple[EndpointRow, float]:
    """An own endpoint, and the time. NotFound for an absent and for a foreign one."""
    with reading(engine) as session:
        return _own(session, client, endpoint), read(session)


def change(engine: Engine, client: Client, old: EndpointRow, secret: str) -> None:
    """Put another sealed secret in the place of the one that `old` was seen with. NotNow if somebody was quicker."""
    mine = (EndpointRow.id == old.id) & (EndpointRow.client == client.id) & (EndpointRow.secret == old.secret)
    with transaction(engine) as session:
        changed = update(EndpointRow).where(mine, EndpointRow.removed_at.is_(None)).values(secret=secret)
        if session.scalars(changed.returning(EndpointRow.id)).one_or_none() is None:
            raise NotNow("The secret was changed by another call at this moment.", code="webhook_changed")
        _note(session, client, "webhook_secret_changed", old.id)


def remove(engine: Engine, client: Client, endpoint: str) -> None:
    """Take an own endpoint away."""
    with transaction(engine) as session:
        _end(session, _own(session, client, endpoint, change=True))
        _note(session, client, "webhook_removed", endpoint)


def gone(engine: Engine, endpoint: str) -> None:
    """The receiver said that this endpoint is no more (410): as if its owner had removed it."""
    with transaction(engine) as session:
        row = session.get(EndpointRow, endpoint, with_for_update=True)
        if row is not None and row.removed_at is None:
            _end(session, row)
            session.add(AuditRow(at=read(session), who="relay", code="webhook_removed", target=endpoint))


def messages(
    engine: Engine, client: Client, endpoint: str, most: int, after: tuple[float, str] | None = None
) -> Sequence[OutboxRow]:
    """Messages to an own endpoint, newest first, from behind the one made at `after` (time, id)."""
    with reading(engine) as session:
        _own(session, client, endpoint)
        found = select(OutboxRow).where(OutboxRow.endpoint == endpoint)
        if after is not None:
            found = found.where(tuple_(OutboxRow.made_at, OutboxRow.id) < after)
        return session.scalars(found.order_by(OutboxRow.made_at.desc(), OutboxRow.id.desc()).limit(most)).all()


def tries(engine: Engine, client: Client, endpoint: str, message: str) -> Sequence[TryRow]:
    """What was tried to send an own message, the first try first."""
    with reading(engine) as session:
        _message(session, client, endpoint, message)
        return session.scalars(select(TryRow).where(TryRow.message == message).order_by(TryRow.number)).all()


def replay(engine: Engine, client: Client, endpoint: str, message: str) -> OutboxRow:
    """Send a message again that arrived or was given up, with all its tries anew; NotNow while it is still on its way.

    The log of tries goes on, and the audit counts the replays.
    """
    with transaction(engine) as session:
        row = _message(session, client, endpoint, message, change=True)
        if row.sent_at is None and row.gave_up_at is None:
            raise NotNow("The message is still to be sent; wait for it to arrive.", code="message_pending")
        row.sent_at = row.gave_up_at = row.lease_until = None
        row.tries, row.due_at = 0, read(session)
        _note(session, client, "message_replayed", message)
        return row


def _mine(client: Client) -> Select[EndpointRow]:
    return select(EndpointRow).where(EndpointRow.client == client.id, EndpointRow.removed_at.is_(None))


def _own(session: Session, client: Client, endpoint: str, *, change: bool = False) -> EndpointRow:
    mine = _mine(client).where(EndpointRow.id == endpoint)
    row = session.scalars(mine.with_for_update() if change else mine).one_or_none()
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


def _message(session: Session, client: Client, endpoint: str, message: str, *, change: bool = False) -> OutboxRow:
    mine = (
        select(OutboxRow)
        .join(EndpointRow, EndpointRow.id == OutboxRow.endpoint)
        .where(EndpointRow.client == client.id, EndpointRow.removed_at.is_(None))
        .where(OutboxRow.id == message, OutboxRow.endpoint == endpoint)
    )
    row = session.scalars(mine.with_for_update(of=OutboxRow) if change else mine).one_or_none()
    if row is None:
        raise NotFound("There is no such message.")
    return row


def _end(session: Session, row: EndpointRow) -> None:
    row.removed_at, row.url, row.secret = read(session), "", ""
    left = (OutboxRow.endpoint == row.id) & OutboxRow.sent_at.is_(None) & OutboxRow.gave_up_at.is_(None)
    session.execute(update(OutboxRow).where(left).values(gave_up_at=now()))


def _note(session: Session, client: Client, code: str, target: str) -> None:
    session.add(AuditRow(at=read(session), who=client.id, code=code, target=target))
