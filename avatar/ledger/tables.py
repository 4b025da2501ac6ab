"""The tables. Nothing here is a picture, a name, a prompt or a path: ids, codes, numbers, times and digests only.

`fence` counts the claims of a row: every later write of a worker carries the fence it was given, and a stale one is
refused. The one free text is what a person attested, in our own words, and a sentence of ours about a photo.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import UniqueConstraint
from sqlalchemy.types import Double

Moment = Mapped[float]  # seconds since 1970 by the database's clock
Maybe = Mapped[float | None]


class Table(DeclarativeBase):
    """What all tables share: how Python's types are stored."""

    type_annotation_map = {float: Double, dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012 (read once)


class ClientRow(Table):
    """Somebody with an API key. The key itself is nowhere: only its digest."""

    __tablename__ = "clients"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    label: Mapped[str] = mapped_column(String(80))  # the operator's own word for it
    scope: Mapped[str] = mapped_column(String(10))
    digest: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the key
    jobs_a_day: Mapped[int]
    running: Mapped[int]
    uploads_an_hour: Mapped[int]
    made_at: Moment
    revoked_at: Maybe


class JobRow(Table):
    """One order, from creation to the end of its purge; what is left after the purge says nothing of a person."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("jobs_of_client", "client", "made_at"),
        Index("jobs_alive", "stage", "started_at"),
        Index("jobs_ended", "ended_at"),  # figures are counted from where the last look came to
        CheckConstraint("fence >= 0 AND attempt >= 0", name="counts"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    client: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    class_word: Mapped[str] = mapped_column(String(10))
    styles: Mapped[list[str]]
    count: Mapped[int]
    base: Mapped[str] = mapped_column(String(40))
    seed: Mapped[int] = mapped_column(BigInteger)
    consent: Mapped[str] = mapped_column(String(600))
    consent_at: Moment
    test: Mapped[bool] = mapped_column(Boolean)  # drawn results at once, for developers of apps
    made_at: Moment
    started_at: Maybe  # None while photos are still being added
    stage: Mapped[str] = mapped_column(String(10))
    ending: Mapped[str | None] = mapped_column(String(10))
    ended_at: Maybe
    code: Mapped[str] = mapped_column(String(60), default="")
    sentence: Mapped[str] = mapped_column(String(400), default="")
    facts: Mapped[dict[str, Any]]  # what each recorded stage found
    progress: Mapped[dict[str, Any]]  # of the stage at work: done, total, seconds left
    fence: Mapped[int] = mapped_column(Integer, default=0)
    attempt: Mapped[int] = mapped_column(Integer, default=0)  # claims of this stage that ended in no record
    owner: Mapped[str | None] = mapped_column(String(80))
    lease_until: Maybe
    not_before: Maybe  # a stage asked to be tried again later
    cancel: Mapped[bool] = mapped_column(Boolean, default=False)
    rung_at: Maybe  # when a worker was last rung for this stage
    erased_at: Maybe  # when everything of it was gone, the pack as well
    held: Mapped[bool] = mapped_column(Boolean, default=False, server_default="0")  # a legal hold: nothing erases it


class PhotoRow(Table):
    """A photo as far as it may be remembered: an id and a verdict."""

    __tablename__ = "photos"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    size: Mapped[int]  # bytes
    added_at: Moment
    stored_at: Maybe  # None while its bytes come in; a photo that never arrived does not count
    digest: Mapped[str] = mapped_column(String(64), default="")  # under the job's key, which dies with it
    code: Mapped[str | None] = mapped_column(String(60))  # None: not looked at yet; "ok": usable
    sentence: Mapped[str] = mapped_column(String(400), default="")
    remedy: Mapped[str] = mapped_column(String(400), default="")
    rung_at: Maybe  # when a worker was last rung to look at it


class SentRow(Table):
    """That a photo was sent, for the hour's quota; it stays when the photo is taken back, and goes after the hour."""

    __tablename__ = "sent"
    __table_args__ = (Index("sent_of_client", "client", "at"),)

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    client: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    at: Moment


class LinkRow(Table):
    """A link that opens one job to its holder; it outlives an erased job by a day, to show the receipt."""

    __tablename__ = "links"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the secret
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    made_at: Moment


class ReplacementRow(Table):
    """A delivered picture that its owner sent back, and the spare that took its place; `number` counts from 1 a job."""

    __tablename__ = "replacements"
    __table_args__ = (
        UniqueConstraint("job", "number"),
        UniqueConstraint("job", "spare"),
        Index("replacements_due", "settled_at", "second_at"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    number: Mapped[int]
    picture: Mapped[str] = mapped_column(String(100))  # names of files: a number and a style
    spare: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(30))  # of a closed list
    made_at: Moment
    settled_at: Maybe  # when the picture was erased and the pack's papers told of the new one
    second_at: Maybe  # when that is looked at again, since a write may have been under way


class AnswerRow(Table):
    """The first answer to a call that carried an Idempotency-Key, for a day, so that a repeat gets the same."""

    __tablename__ = "answers"

    client: Mapped[str] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the client's word
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of method, path and body
    nonce: Mapped[str] = mapped_column(String(32))  # what the call makes is named by it: a second try makes no second
    made_at: Moment
    lease_until: Maybe  # somebody is answering
    status: Mapped[int | None]
    body: Mapped[str | None] = mapped_column(Text)
    place: Mapped[str | None] = mapped_column(String(200))  # the Location header


class DeletionRow(Table):
    """Something that must go, by when, and how far that is. Written in the transaction that makes it due."""

    __tablename__ = "deletions"
    __table_args__ = (UniqueConstraint("job", "what"), Index("deletions_due", "done_at", "due_at"))

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    what: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(20))
    asked_at: Moment
    due_at: Moment  # not before this
    done_at: Maybe
    second_at: Maybe  # when the second look is due; None before the first, and after the second
    tries: Mapped[int] = mapped_column(default=0)  # without a limit
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Maybe
    rung_at: Maybe
    receipt: Mapped[dict[str, Any] | None]


class SweptRow(Table):
    """What was erased of a job, of one kind and after one event: names that say nothing, until the last receipt."""

    __tablename__ = "swept"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    after: Mapped[str] = mapped_column(String(12), primary_key=True)  # a stage, or what else made it needless
    at: Moment
    names: Mapped[list[str]]


class ReceiptRow(Table):
    """One link of the chain of receipts. Anybody may read it: digests and signatures, and no id of a job."""

    __tablename__ = "receipts"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # from 1, without a gap
    at: Moment
    digest: Mapped[str] = mapped_column(String(64))  # of the receipt's body
    link: Mapped[str] = mapped_column(String(64))  # of sequence, the link before, and digest
    signature: Mapped[str] = mapped_column(String(128))  # Ed25519, hex
    key: Mapped[str] = mapped_column(String(16))  # which key signed


class HoldRow(Table):
    """A legal hold on a job: while one is not lifted, nothing of the job is erased."""

    __tablename__ = "holds"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    code: Mapped[str] = mapped_column(String(40))  # the operator's reason, of a closed list
    who: Mapped[str] = mapped_column(String(40))
    made_at: Moment
    lifted_at: Maybe


class EndpointRow(Table):
    """Where a client wants to be told of its jobs. The secret is sealed under the sealing key."""

    __tablename__ = "endpoints"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    client: Mapped[str] = mapped_column(ForeignKey("clients.id"), index=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(200))  # sealed, base64
    made_at: Moment
    removed_at: Maybe


class TryRow(Table):
    """One try to send one message: when, how long, and what came of it; never the body."""

    __tablename__ = "tries"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    message: Mapped[str] = mapped_column(ForeignKey("outbox.id"), index=True)
    at: Moment
    seconds: Mapped[float]
    status: Mapped[int | None]  # of the answer; None where none came
    code: Mapped[str] = mapped_column(String(40))  # "ok", or what went wrong


class OutboxRow(Table):
    """A message to somebody outside, written with what it tells of and sent after the commit."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_due", "sent_at", "due_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    job: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    endpoint: Mapped[str] = mapped_column(ForeignKey("endpoints.id"), index=True)
    event: Mapped[str] = mapped_column(String(40))
    made_at: Moment
    due_at: Moment
    tries: Mapped[int] = mapped_column(default=0)
    lease_until: Maybe
    sent_at: Maybe
    gave_up_at: Maybe


class AuditRow(Table):
    """Who did what to which id. Never changed, never erased; holds nothing of a person."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Moment
    who: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40))
    target: Mapped[str] = mapped_column(String(40))
