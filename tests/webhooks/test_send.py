"""One try against a true receiver behind TLS: what arrives, what is not followed, and what is not waited for."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest

from avatar.webhooks import send
from avatar.webhooks.address import Policy
from avatar.webhooks.send import Door, post
from tests.webhooks.conftest import Doors
from tests.webhooks.receiver import OK, Receiver

HEAD = b"HTTP/1.1 200 OK\r\n"


def test_a_message_arrives_whole_with_its_headers_under_the_receivers_name(receiver: Receiver, doors: Doors) -> None:
    tried = post(doors(), receiver.url, {"webhook-id": "msg_1"}, b'{"type":"ping"}')
    assert (tried.code, tried.status) == ("ok", 200)
    [got] = receiver.got
    assert (got.line, got.body) == ("POST /in?from=avatar HTTP/1.1", b'{"type":"ping"}')
    assert got.headers["host"] == f"hook.example:{receiver.port}"
    assert (got.headers["webhook-id"], got.headers["content-type"]) == ("msg_1", "application/json")


def test_a_name_is_asked_once_and_what_was_looked_at_is_what_is_called(
    receiver: Receiver, doors: Doors, no_network: list[str]
) -> None:
    """DNS rebinding: public when it is looked at, this machine a moment later."""
    said = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return said[len(asked) - 1]

    tried = post(doors(rebinding, local=False), receiver.url, {}, b"{}")
    assert (tried.code, asked) == ("no_connection", ["hook.example"])
    assert no_network == [f"(('93.184.216.34', {receiver.port}),)"]  # the one call that was tried, to no name
    no_network.clear()
    assert (receiver.connections, receiver.got) == (0, [])


def test_this_machine_is_not_called_unless_an_operator_opens_it(receiver: Receiver, doors: Doors) -> None:
    assert post(doors(local=False), receiver.url, {}, b"{}").code == "webhook_address"
    assert receiver.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_a_way(receiver: Receiver, doors: Doors, status: int) -> None:
    place = f"Location: https://hook.example:{receiver.port}/other\r\n"
    receiver.answers = [f"HTTP/1.1 {status} Moved\r\n{place}Content-Length: 0\r\n\r\n".encode(), OK]
    tried = post(doors(), receiver.url, {}, b"{}")
    assert (tried.code, tried.status, receiver.connections) == ("redirect", status, 1)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
def test_any_other_answer_has_not_taken_the_message(receiver: Receiver, doors: Doors, status: int) -> None:
    receiver.answers = [f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()]
    tried = post(doors(), receiver.url, {}, b"{}")
    assert (tried.code, tried.status) == ("refused", status)


def test_a_certificate_of_another_name_or_of_nobody_is_not_believed(receiver: Receiver, doors: Doors) -> None:
    other = receiver.url.replace("hook.example", "other.example")
    assert post(doors(), other, {}, b"{}").code == "tls"
    stranger = Door(Policy((443, receiver.port), local=True), lambda *_: ["127.0.0.1"])  # knows the usual authorities
    assert post(stranger, receiver.url, {}, b"{}").code == "tls"
    assert receiver.got == []


def test_proxies_of_the_environment_are_not_asked(
    receiver: Receiver, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert post(doors(), receiver.url, {}, b"{}").code == "ok"


def test_the_second_address_is_called_where_the_first_does_not_listen(receiver: Receiver, doors: Doors) -> None:
    real, called = socket.create_connection, list[str]()

    def dial(address: tuple[str, int], timeout: float) -> socket.socket:
        called.append(address[0])
        if address[0] == "127.0.0.2":
            raise ConnectionRefusedError
        return real(address, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", dial)
        assert post(doors(lambda *_: ["127.0.0.2", "127.0.0.1"]), receiver.url, {}, b"{}").code == "ok"
    assert called == ["127.0.0.2", "127.0.0.1"]


def endless(line: socket.socket) -> None:
    line.sendall(HEAD + b"Content-Length: 1000000000\r\n\r\n")
    while True:
        line.sendall(b"x" * 65536)


def headers_without_end(line: socket.socket) -> None:
    line.sendall(HEAD)
    while True:
        line.sendall(b"x: " + b"y" * 1000 + b"\r\n")


def one_line_without_end(line: socket.socket) -> None:
    while True:
        line.sendall(b"HTTP/1.1 200 " + b"y" * 1000)


@pytest.mark.parametrize(
    ("answer", "code"), [(endless, "ok"), (headers_without_end, "bad_answer"), (one_line_without_end, "bad_answer")]
)
def test_an_answer_without_end_is_cut_off(
    receiver: Receiver, doors: Doors, answer: Callable[[socket.socket], None], code: str
) -> None:
    read: list[int] = []
    real = ssl.SSLSocket.recv_into

    def counted(self: ssl.SSLSocket, *args: object, **named: object) -> int:
        read.append(real(self, *args, **named))  # type: ignore[arg-type]
        return read[-1]

    receiver.answers = [answer]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLSocket, "recv_into", counted)
        tried = post(doors(), receiver.url, {}, b"{}")
    assert tried.code == code
    assert 0 < sum(read) <= send.ANSWER
    assert tried.seconds < 5


@pytest.mark.parametrize("said", [b"", b"H", HEAD, HEAD + b"Content-Length: 2\r\n"])
def test_a_receiver_that_does_not_answer_is_not_waited_for(
    receiver: Receiver, doors: Doors, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(send, "READ", 0.2)

    def silent(line: socket.socket) -> None:
        line.sendall(said)
        receiver.over.wait(10)

    receiver.answers = [silent]
    tried = post(doors(), receiver.url, {}, b"{}")
    assert (tried.code, tried.status) == ("timeout", None)
    assert tried.seconds < 2


def test_a_byte_at_a_time_gets_nobody_past_the_end(
    receiver: Receiver, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "TOTAL", 0.6)

    def dripping(line: socket.socket) -> None:
        for byte in HEAD * 100:
            line.sendall(bytes([byte]))
            time.sleep(0.05)

    receiver.answers = [dripping]
    tried = post(doors(), receiver.url, {}, b"{}")
    assert tried.code == "timeout"
    assert 0.5 < tried.seconds < 2


def test_a_silence_does_not_outlast_the_end_of_the_whole(
    receiver: Receiver, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "TOTAL", 0.4)
    receiver.answers = [lambda line: receiver.over.wait(10) and None]
    tried = post(doors(), receiver.url, {}, b"{}")
    assert tried.code == "timeout"
    assert tried.seconds < 2


def test_a_body_that_does_not_come_takes_nothing_from_the_answer(
    receiver: Receiver, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "READ", 0.2)

    def half(line: socket.socket) -> None:
        line.sendall(HEAD + b"Content-Length: 100\r\n\r\nhalf")
        receiver.over.wait(10)

    receiver.answers = [half]
    assert post(doors(), receiver.url, {}, b"{}").code == "ok"


def test_no_handshake_no_answer_and_no_http_each_have_their_code(
    receiver: Receiver, doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "CONNECT", 0.3)
    receiver.answers = [lambda line: None, b"220 mail.example ESMTP\r\n\r\n"]
    assert post(doors(), receiver.url, {}, b"{}").code == "no_answer"
    assert post(doors(), receiver.url, {}, b"{}").code == "bad_answer"
    with Receiver(None) as plain:  # waits for a request, and is sent a handshake
        door = Door(Policy((plain.port,), local=True), lambda *_: ["127.0.0.1"])
        assert post(door, plain.url, {}, b"{}").code == "timeout"


def test_nobody_there_is_no_connection(doors: Doors, receiver: Receiver) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))  # bound, and nobody listens
        port = free.getsockname()[1]
        door = Door(Policy((port,), local=True), lambda *_: ["127.0.0.1"])
        assert post(door, f"https://hook.example:{port}/", {}, b"{}").code == "no_connection"


@pytest.mark.parametrize(
    ("status", "wish", "after"),
    [
        (429, "120", 120.0),
        (503, "7", 7.0),
        (503, "9999999", 86400.0),
        (503, "-5", 0.0),
        (503, "soon", 0.0),
        (500, "120", 0.0),
        (503, None, 0.0),
    ],
)
def test_a_busy_receivers_wish_is_heard_within_bounds(
    receiver: Receiver, doors: Doors, status: int, wish: str | None, after: float
) -> None:
    line = f"Retry-After: {wish}\r\n" if wish else ""
    receiver.answers = [f"HTTP/1.1 {status} Busy\r\n{line}Content-Length: 0\r\n\r\n".encode()]
    tried = post(doors(), receiver.url, {}, b"{}")
    assert tried.after == after


def test_a_wish_may_be_a_date(receiver: Receiver, doors: Doors) -> None:
    date = formatdate(time.time() + 300, usegmt=True)
    receiver.answers = [f"HTTP/1.1 503 Busy\r\nRetry-After: {date}\r\nContent-Length: 0\r\n\r\n".encode()]
    assert 290 < post(doors(), receiver.url, {}, b"{}").after <= 300


def test_an_apps_developer_is_told_on_the_own_machine_without_tls() -> None:
    with Receiver(None) as plain:
        door = Door(Policy(local=True), lambda *_: ["127.0.0.1"])
        assert post(door, f"http://localhost:{plain.port}/in", {}, b"{}").code == "ok"
        assert post(Door(Policy()), f"http://localhost:{plain.port}/in", {}, b"{}").code == "webhook_url"
        assert len(plain.got) == 1
