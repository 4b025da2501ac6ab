"""What goes over the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from avatar.job import ClassWord
from avatar.ledger.replaced import Reason


class Wire(BaseModel):
    """Whatever goes over the wire: an unknown key is an error, so that a misspelt one is no silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Consent(Wire):
    """What the person agreed to, before any photo is sent."""

    adult: Literal[True] = Field(description="everybody in the photos is 18 or older")
    own_face: Literal[True] = Field(description="it is the person's own face, or they were asked by that person")
    text: str = Field(min_length=20, max_length=600, description="the words they were shown")


class NewJob(Wire):
    class_word: ClassWord = ClassWord.PERSON
    styles: Annotated[list[str], Field(min_length=1, max_length=17)]
    count: int = Field(default=12, ge=1, le=100)
    base: str = Field(default="pocket", max_length=40)
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    consent: Consent
    test: bool = Field(default=False, description="drawn results at once; for developers of apps")


class Progress(Wire):
    done: int
    total: int
    seconds_left: float | None


class JobState(Wire):
    id: str
    state: Literal["waiting_for_photos", "queued", "running", "done", "refused", "failed", "cancelled"]
    stage: str
    ahead: int | None = Field(description="jobs in line before this one; null unless it is queued")
    progress: Progress | None = Field(description="of the stage at work")
    seconds_left: float | None = Field(description="until delivery, by what is usual; null where nothing is known yet")
    code: str | None
    sentence: str | None
    class_word: ClassWord
    styles: list[str]
    count: int
    test: bool
    delivered: int | None
    spares: dict[str, int] = Field(
        description="how many pictures of each style may still be replaced, once delivered; a style without is left out"
    )
    erased: bool = Field(description="nothing of it is left, the pack as well")
    made_at: str
    started_at: str | None
    ended_at: str | None


class Photo(Wire):
    id: str
    bytes: int
    verdict: Literal["pending", "ok", "refused"]
    code: str | None
    sentence: str | None
    remedy: str | None = Field(description="what would make a better photo")


class Watched(Wire):
    job: JobState
    photos: list[Photo]


class JobPage(Wire):
    jobs: list[JobState]
    next: str | None


class Link(Wire):
    key: str = Field(description="to be sent as a bearer key; shown this once")


class Opened(Wire):
    job: JobState
    key: str = Field(description="opens this one job, to be sent as a bearer key; shown this once")


class PageTerms(Wire):
    open: bool = Field(description="whether anybody may order here without a key")
    keep_days: int = Field(description="of a delivered pack")
    least_photos: int
    most_photos: int
    most_bytes: int = Field(description="of one photo")


class Preview(Wire):
    number: int
    style: str


class Replace(Wire):
    reason: Reason


class Replaced(Wire):
    picture: str = Field(description="the file that has taken its place")
    replaces: str = Field(description="the file that is gone")
    reason: Reason
    erased: bool = Field(description="true: its bytes are gone; false: it is shown nowhere, and goes within a minute")
    spares_left: int = Field(description="of this style")


class Deletion(Wire):
    id: str
    job: str
    what: Literal["inputs", "everything"]
    reason: str
    state: Literal["owed", "held", "done"] = Field(description="held: owed, and waiting behind a legal hold")
    asked_at: str
    due_at: str
    done_at: str | None
    receipt: dict[str, object] | None


class Kept(Wire):
    what: str
    holds: str
    where: str
    until: str
    most: float | None = Field(description="seconds from `since` on; null: kept for good, says nothing of a person")
    since: str


class Retention(Wire):
    policy: str = Field(description="version of this table; each receipt names the one it was written under")
    kept: list[Kept]


class ReceiptKey(Wire):
    key: str = Field(description="its short name, as receipts give it")
    hex: str = Field(description="the 32 bytes of the Ed25519 public key")
    jwk: dict[str, str]


class ChainLink(Wire):
    sequence: int
    previous: str
    digest: str
    link: str
    signature: str
    key: str


class ReceiptChain(Wire):
    links: list[ChainLink]
    next: int | None = Field(description="what to ask for `after` to go on; null: this is the end for now")


class StyleCard(Wire):
    name: str
    title: str
    summary: str
    author: str
    licence: str
    version: str
    face_visible: bool
    preview: str | None
