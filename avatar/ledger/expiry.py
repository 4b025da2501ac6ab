"""What ends by the clock: orders that nobody started, jobs that took too long, and rows that have told their tale.

The promise is that no photo outlives a day, whatever happened; a job that is still at work so late is ended and owes
its deletion like any other. A pack's own time is owed from the moment it is delivered (see `claims.record`).
"""

from __future__ import annotations

from sqlalchemy import Engine, delete, select

from avatar.job import Ending
from avatar.ledger.claims import Times, end
from avatar.ledger.clients import AFTERWARDS
from avatar.ledger.clock import now
from avatar.ledger.engine import transaction
from avatar.ledger.tables import AnswerRow, JobRow, LinkRow, OutboxRow, SentRow, TryRow
from avatar.ledger.uploads import HOUR

UNSTARTED = "The order was not started within a day. Its photos are erased; please order again."
TOO_LONG = "The work took longer than a photo may stay with us. Nothing is kept; please order again."
TOLD = 30 * 86400.0  # seconds that sent messages are kept for the log
ANSWERS = 86400.0  # seconds that first answers are kept


def expire(engine: Engine, times: Times, pace: float = 1.0) -> int:
    """End what is too old; how many jobs that were."""
    with transaction(engine) as session:
        old = select(JobRow).where(JobRow.ending.is_(None), JobRow.made_at < now() - times.photos)
        rows = session.scalars(old.with_for_update(skip_locked=True)).all()
        for row in rows:
            if row.started_at is None:
                end(session, row, Ending.CANCELLED, "expired", UNSTARTED)
            else:
                end(session, row, Ending.FAILED, "took_too_long", TOO_LONG)
        session.execute(delete(SentRow).where(SentRow.at < now() - pace * HOUR))
        session.execute(delete(AnswerRow).where(AnswerRow.made_at < now() - pace * ANSWERS))
        gone = select(JobRow.id).where(JobRow.erased_at < now() - pace * AFTERWARDS)
        session.execute(delete(LinkRow).where(LinkRow.job.in_(gone)))
        told = select(OutboxRow.id).where(OutboxRow.made_at < now() - pace * TOLD)
        session.execute(delete(TryRow).where(TryRow.message.in_(told)))
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_(told)))
        return len(rows)
