"""Every error of the product, as one tree; each has a code, an HTTP status, a retry rule and a sentence for a person.

AvatarError
├── PhotoRefused        one photo is not usable; the job goes on without it            422
├── JobRefused          the job can not be done as asked; the person can change it     422
│   ├── TooFewPhotos    fewer usable photos than the policy demands
│   ├── UnknownStyle    a style that is not on the shelf
│   └── UnknownBase     a base model that is not in the table
├── BrokenPack          a style pack that breaks the schema or the linter              500
├── WeightsMissing      a base or face model that is not on this machine               503
├── WeightsRefused      weights whose licence or digest forbids their use              503
├── Unsafe              this machine would not keep the promises; nothing is started   503
├── Cancelled           somebody asked for the job to stop                             409
├── Unauthorised        no key, an unknown one, or a revoked one                       401
├── Forbidden           a key that does not open this                                  403
├── NotFound            no such job, or not the caller's: the same answer for both      404
├── NotNow              it can not be done in the state the job is in                  409
├── OverQuota           the key has spent what it may                                  429
├── Away                what the service needs (bucket) does not answer; later it may    503
├── Stale               another worker has the job by now; this one's word is refused  409
└── Spoiled             stored bytes that do not open: wrong key, or changed           500
"""

from __future__ import annotations


class AvatarError(Exception):
    """An expected ending, fit to be shown: `code` is stable, `sentence` is for a person, `remedy` says what to do."""

    code = "error"
    status = 500
    retryable = False

    def __init__(self, sentence: str, *, code: str | None = None, remedy: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy
        if code is not None:
            self.code = code


class PhotoRefused(AvatarError):
    code = "photo_refused"
    status = 422


class JobRefused(AvatarError):
    code = "job_refused"
    status = 422


class TooFewPhotos(JobRefused):
    code = "too_few_photos"


class UnknownStyle(JobRefused):
    code = "unknown_style"


class UnknownBase(JobRefused):
    code = "unknown_base"


class BrokenPack(AvatarError):
    code = "broken_pack"


class WeightsMissing(AvatarError):
    code = "weights_missing"
    status = 503


class WeightsRefused(AvatarError):
    code = "weights_refused"
    status = 503


class Unsafe(AvatarError):
    code = "unsafe"
    status = 503


class Cancelled(AvatarError):
    code = "cancelled"
    status = 409


class Unauthorised(AvatarError):
    code = "unauthorised"
    status = 401


class Forbidden(AvatarError):
    code = "forbidden"
    status = 403


class NotFound(AvatarError):
    code = "not_found"
    status = 404


class NotNow(AvatarError):
    code = "not_now"
    status = 409


class OverQuota(AvatarError):
    """`after`: seconds until it may be tried again."""

    code = "over_quota"
    status = 429
    retryable = True

    def __init__(self, sentence: str, *, code: str | None = None, remedy: str = "", after: float = 60.0) -> None:
        super().__init__(sentence, code=code, remedy=remedy)
        self.after = after


class Away(AvatarError):
    code = "away"
    status = 503
    retryable = True


class Stale(AvatarError):
    code = "stale"
    status = 409


class Spoiled(AvatarError):
    code = "spoiled"
