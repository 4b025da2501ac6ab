"""Send one message by one POST, to an address that was looked at, within bounds of time and size.

Covers: a name that changes its meaning (see `address`); a redirect, which is an answer like any other and is not
        followed; a receiver that is slow, endless, or sends a byte at a time; proxies of the environment, which are
        not asked; a certificate that does not belong to the name.
Does not cover: a receiver that says it has the message and loses it.
"""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from avatar.errors import AvatarError
from avatar.ledger.outbox import Tried
from avatar.webhooks.address import Place, Policy, Resolve, pinned, place, resolved

CONNECT, READ = 5.0, 10.0  # seconds for a connection with its handshake, and between two bytes of the answer
TOTAL = 20.0  # seconds for all of it, so that a byte at a time gets nobody further
BODY = 4096  # bytes of the answer's body that are read; nobody looks at them, but a polite caller lets one finish
ANSWER = 16384 + BODY  # bytes of the whole answer
LONGEST_WAIT = 86400.0  # seconds; who asks for more is asked again after a day
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Door:
    """The way out of the service: what may be called, who resolves names, and which certificates hold."""

    policy: Policy = field(default_factory=Policy)
    resolve: Resolve = resolved
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)


def post(door: Door, url: str, headers: Mapping[str, str], body: bytes) -> Tried:
    """One try. What goes wrong is a code of the result and no error; the answer's body is told to nobody."""
    began = time.monotonic()
    status, after, code = None, 0.0, "ok"
    try:
        where = place(url, door.policy)
        addresses = pinned(where, door.policy, door.resolve)
        status, after = _exchange(door, where, addresses, _request(where, headers, body), began + TOTAL)
        code = "ok" if 200 <= status < 300 else "redirect" if 300 <= status < 400 else "refused"
    except AvatarError as error:
        code = error.code
    except ssl.SSLError:
        code = "tls"
    except TimeoutError:
        code = "timeout"
    except http.client.RemoteDisconnected:
        code = "no_answer"
    except http.client.HTTPException:
        code = "bad_answer"
    except OSError:
        code = "no_connection"
    return Tried(code, status, time.monotonic() - began, after)


def _request(where: Place, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "Host": where.authority,
        "User-Agent": "avatar-webhooks/1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {where.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


def _exchange(door: Door, where: Place, addresses: list[str], request: bytes, until: float) -> tuple[int, float]:
    """Ask and be answered: the status, and for how many seconds the receiver wants to be left alone."""
    with contextlib.ExitStack() as stack:
        line = stack.enter_context(_connected(addresses, where.port, until))
        if where.tls:
            line = stack.enter_context(door.trust.wrap_socket(line, server_hostname=where.host))
        line.settimeout(_left(until, READ))
        line.sendall(request)
        answer = http.client.HTTPResponse(_Line(line, until), method="POST")  # type: ignore[arg-type]
        with contextlib.closing(answer):
            answer.begin()
            with contextlib.suppress(OSError, http.client.HTTPException):
                answer.read(BODY)
        return answer.status, _wish(answer.headers["Retry-After"]) if answer.status in BUSY else 0.0


def _connected(addresses: list[str], port: int, until: float) -> socket.socket:
    """A connection to the first of the addresses that takes one. Nothing is resolved here: they are numbers."""
    fault: OSError = TimeoutError()
    for address in addresses:
        try:
            line = socket.create_connection((address, port), _left(until, CONNECT))
        except OSError as error:
            fault = error
        else:
            line.settimeout(_left(until, CONNECT))
            return line
    raise fault


def _wish(header: str | None) -> float:
    """Seconds that a Retry-After asks for, as a number or as a date; at most a day."""
    if header is None:
        return 0.0
    try:
        if header.isdecimal():
            wished = float(header)
        else:
            wished = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, wished), LONGEST_WAIT)


def _left(until: float, most: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return min(left, most)


class _Line(io.RawIOBase):
    """The answer as it comes in, until the time is over or there is too much of it."""

    def __init__(self, line: socket.socket, until: float) -> None:
        self._line, self._until, self._room = line, until, ANSWER

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._room <= 0:
            raise http.client.LineTooLong("answer")
        self._line.settimeout(_left(self._until, READ))
        got = self._line.recv_into(memoryview(buffer)[: self._room])
        self._room -= got
        return got
