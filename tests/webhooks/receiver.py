"""A back end as it may be: it takes messages, or answers as a test tells it to, down to single bytes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = bytes | Callable[[socket.socket], None]


@dataclass(frozen=True, slots=True)
class Got:
    """One request, as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Listens on a port of this machine; one thread a connection. `answers` are given in turn, the last for ever."""

    tls: ssl.SSLContext | None
    answers: list[Answer] = field(default_factory=lambda: [OK])
    got: list[Got] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Receiver:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(64)
        self.port: int = self._socket.getsockname()[1]
        self._lock = threading.Lock()
        self.over = threading.Event()  # slow answers end with the test
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    @property
    def url(self) -> str:
        return f"https://hook.example:{self.port}/in?from=avatar"

    def _listen(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line:
            if self.tls is None:
                self._answer(line)
                return
            with self.tls.wrap_socket(line, server_side=True) as wrapped:
                self._answer(wrapped)

    def _answer(self, line: socket.socket) -> None:
        said = b""
        while b"\r\n\r\n" not in said:
            said += line.recv(4096) or b"\r\n\r\n"
        head, _, body = said.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in rest)}
        while len(body) < int(headers.get("content-length", "0")):
            body += line.recv(4096)
        with self._lock:
            self.got.append(Got(first, headers, body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer(line)
        else:
            line.sendall(answer)
