"""From rows to the domain's own values."""

from __future__ import annotations

from datetime import UTC, datetime

from avatar.job import ClassWord, Consent, Ending, Job, JobId, Stage
from avatar.ledger.tables import JobRow


def moment(seconds: float) -> datetime:
    """An aware time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def job_of(row: JobRow) -> Job:
    """The job of a row."""
    return Job(
        id=JobId(row.id),
        class_word=ClassWord(row.class_word),
        styles=tuple(row.styles),
        count=row.count,
        base=row.base,
        seed=row.seed,
        consent=Consent(row.consent, moment(row.consent_at)),
        test=row.test,
        stage=Stage(row.stage),
        ending=Ending(row.ending) if row.ending else None,
        facts={Stage(stage): facts for stage, facts in row.facts.items()},
    )
