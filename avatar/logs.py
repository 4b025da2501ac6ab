"""Log lines: one JSON object a line on stderr, saying when, how bad, what, and to which id; never what was in it.

Our own lines are events with fields from a closed list, each of a known form: ids of the ledger (128 random bits, which
say nothing of a person and are what a client asks about), stages, codes and numbers. A value of another form is told
as "?". Errors are told by type, code and the lines of our own code they passed. What dependencies say is told only as
far as it stands written in their own code: their words without the values put in.

Covers: messages, arguments, tracebacks, faults of threads and of the interpreter; exceptions whose text holds a path.
Does not cover: what a C library writes to stderr by itself.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Literal

from avatar.errors import AvatarError

How = Literal["auto", "json", "words"]
HERE = Path(__file__).resolve().parents[1]
OURS = tuple(f"{HERE / name}/" for name in ("avatar", "workers"))
CHAIN = 5  # errors that led to an error
UNSAID = "?"

_WORD = re.compile(r"[a-z][a-z_]{0,39}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?")
_HEX = "[0-9a-f]"
FIELDS: Mapping[str, re.Pattern[str]] = {
    **{name: re.compile(f"{start}_{_HEX}{{32}}") for name, start in (("job", "job"), ("deletion", "del"))},
    **{name: re.compile(f"{start}_{_HEX}{{32}}") for name, start in (("client", "cli"), ("message", "msg"))},
    "photo": re.compile(f"p{_HEX}{{16}}"),
    **dict.fromkeys(("stage", "code", "part", "outcome"), _WORD),
    **dict.fromkeys(("status", "milliseconds", "seconds", "attempt", "count"), _NUMBER),
    "task": re.compile(r"avatar\.[a-z_]{1,20}"),
    "method": re.compile("[A-Z]{3,7}|other"),
    "route": re.compile(r"[a-z0-9/{}._-]{1,100}"),
}
_LOGGER = re.compile(r"[\w.]{1,80}")
_SAFE = re.compile(r"[\w.]{1,120}")

_log = logging.getLogger("avatar")


def say(event: str, level: int = logging.INFO, *, error: BaseException | None = None, **fields: object) -> None:
    """Tell one event. KeyError for a field that is not on the list: a defect of ours, seen by the first test."""
    told = {name: _formed(FIELDS[name], value) for name, value in fields.items() if value is not None}
    what = event if _WORD.fullmatch(event) else UNSAID
    _log.log(level, what, exc_info=error, extra={"told": told})


def named(*values: object) -> dict[str, str]:
    """The ids among these values, under the name of what they are ids of."""
    ids = ("job", "deletion", "photo", "message")
    return {name: str(value) for value in values for name in ids if FIELDS[name].fullmatch(str(value))}


def setup(how: How = "auto") -> None:
    """From here on this process logs in this one form, whatever a server or a dependency had set up."""
    handler = _Stderr()
    handler.setFormatter(Words() if how == "words" or (how == "auto" and sys.stderr.isatty()) else Lines())
    logging.raiseExceptions = False  # a line that can not be formed must not be printed with its arguments
    logging.captureWarnings(True)
    root = logging.getLogger()
    for name in [None, *logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    _log.setLevel(logging.INFO)
    for name in ("uvicorn.access", "celery.app.trace"):  # paths with ids, arguments: we tell of both ourselves
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    sys.excepthook = lambda kind, error, trace: say("fault", logging.CRITICAL, error=error.with_traceback(trace))
    threading.excepthook = lambda given: say("fault", logging.ERROR, error=given.exc_value)
    sys.unraisablehook = lambda given: say("fault", logging.ERROR, error=given.exc_value)


class _Stderr(logging.Handler):
    """Writes each line at once to what is stderr now."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # as every handler does
            self.handleError(record)


class Lines(logging.Formatter):
    """A record as a JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(seen(record))


class Words(logging.Formatter):
    """The same for people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        told = seen(record)
        head = f"{time.strftime('%H:%M:%S')} {told.pop('level'):<8} {told.pop('event'):<14}"
        told.pop("time")
        return " ".join([head, *(f"{name}={value}" for name, value in told.items())])


def seen(record: logging.LogRecord) -> dict[str, Any]:
    """What may be told of a record."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    told: dict[str, Any] = {"time": f"{at}.{int(record.msecs):03}Z", "level": record.levelname.lower()}
    ours = getattr(record, "told", None) if record.name == _log.name else None
    if ours is not None:
        told |= {"event": record.msg, **ours}
    else:
        text = _written(record)
        name = record.name if _LOGGER.fullmatch(record.name) else UNSAID
        told |= {"event": "said", "by": name, "at": f"{record.module}:{record.lineno}"}
        told |= {"text": text} if text else {}
    error = record.exc_info[1] if record.exc_info else None
    return told | ({"errors": [_error(one) for one in _chain(error)]} if error else {})


def _formed(form: re.Pattern[str], value: object) -> object:
    if isinstance(value, float):
        value = round(value, 3)
    if not form.fullmatch(str(value)):
        return UNSAID
    return value if type(value) in (int, float) else str(value)


def _written(record: logging.LogRecord) -> str | None:
    """The message without its values, if it stands as it is in the code that logs it: then it is nobody's secret."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code: CodeType = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return record.msg if isinstance(record.msg, str) and record.msg in code.co_consts else None
        frame = frame.f_back
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _error(error: BaseException) -> dict[str, Any]:
    """Its type, its code where it is one of ours, and our own lines that it passed, the innermost last."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    told: dict[str, Any] = {"type": kind if _SAFE.fullmatch(kind) else UNSAID}
    if isinstance(error, AvatarError):
        told["code"] = _formed(_WORD, error.code)
    return told | {"at": list(_lines(error.__traceback__))}


def _lines(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename.startswith(OURS):
            yield f"{code.co_filename.removeprefix(f'{HERE}/')}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
