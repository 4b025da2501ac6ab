"""A bucket on the loopback that can be told to fail: it answers 500, or takes a call and never answers.

Enough of S3 for `S3Store` with objects below one part: put, get, three listings, bulk delete. No signature is checked;
that is tested against a real server. A call that fails or hangs was carried out in half of the cases, as in real life.
"""

from __future__ import annotations

import random
import threading
import xml.etree.ElementTree as ElementTree
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class Mood(StrEnum):
    """How the bucket answers."""

    WELL = "well"
    BROKEN = "broken"  # 500
    HANGING = "hanging"  # no answer at all


class Bucket(ThreadingHTTPServer):
    """Serves until closed; `objects` is what it holds, by path."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, seed: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.objects: dict[str, bytes] = {}
        self.mood = Mood.WELL
        self.calls = 0
        self.dice = random.Random(seed)
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="bucket", daemon=True)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # the base class would look up a name for the address
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that was killed in the middle of a call is what this bucket is for."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Bucket:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class Call(BaseHTTPRequestHandler):
    """One connection's calls."""

    server: Bucket
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # an answer leaves in one piece
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Nothing: thousands of calls."""

    def handle_expect_100(self) -> bool:
        allowed = super().handle_expect_100()
        self.wfile.flush()
        return allowed

    def do_GET(self) -> None:
        self._meet(b"")

    def do_HEAD(self) -> None:
        self._meet(b"")

    def do_PUT(self) -> None:
        self._meet(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def do_POST(self) -> None:
        self.do_PUT()

    def _meet(self, body: bytes) -> None:
        """Answer in the mood of the moment."""
        self.server.calls += 1
        mood = self.server.mood
        if mood is Mood.WELL:
            self._say(*self._answer(body))
            return
        if self.server.dice.random() < 0.5:
            self._answer(body)
        if mood is Mood.BROKEN:
            self._say(500, b"<Error><Code>InternalError</Code><Message>commanded</Message></Error>")
            return
        while self.server.mood is Mood.HANGING and not self.server.closing.wait(0.02):
            pass
        self.server.closing.wait(120)  # a call that hung is never answered: its caller has to give up by itself
        self.close_connection = True

    def _say(self, status: int, body: bytes = b"", kind: str = "application/xml") -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"0"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        address = urlsplit(self.path)
        path = unquote(address.path).split("/", 2)[2:]
        asked = parse_qs(address.query, keep_blank_values=True)
        if not path or not path[0]:
            return self._of_the_bucket(asked, body)
        held = self.server.objects
        if self.command == "PUT":
            if "chunked" in self.headers.get("Content-Encoding", ""):
                raise ValueError("this bucket does not take chunks")
            held[path[0]] = body
            return 200, b""
        if path[0] not in held:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 200, held[path[0]]

    def _of_the_bucket(self, asked: dict[str, list[str]], body: bytes) -> tuple[int, bytes]:
        if self.command in ("PUT", "HEAD"):
            return 200, b""
        if self.command == "POST" and "delete" in asked:
            for one in ElementTree.fromstring(body).iter(f"{{{NAMESPACE}}}Key"):  # noqa: S314 (from our own client)
                self.server.objects.pop(one.text or "", None)
            return 200, _document("DeleteResult", "")
        names = sorted(name for name in list(self.server.objects) if name.startswith(asked["prefix"][0]))
        if "uploads" in asked:
            return 200, _document("ListMultipartUploadsResult", "<IsTruncated>false</IsTruncated>")
        tag, more = ("Version", "<VersionId>null</VersionId>") if "versions" in asked else ("Contents", "")
        rows = "".join(f"<{tag}><Key>{escape(name)}</Key><Size>1</Size>{more}</{tag}>" for name in names)
        outer = "ListVersionsResult" if "versions" in asked else "ListBucketResult"
        return 200, _document(outer, f"<IsTruncated>false</IsTruncated>{rows}")


def _document(tag: str, inside: str) -> bytes:
    return f'<?xml version="1.0"?><{tag} xmlns="{NAMESPACE}">{inside}</{tag}>'.encode()
