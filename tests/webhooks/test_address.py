"""Where a message may go: the public internet, by a name, on its usual port; nothing nearer, however it is written."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import Any

import pytest

from avatar.errors import JobRefused
from avatar.webhooks import address
from avatar.webhooks.address import Place, Policy, pinned, place, public, resolved

NEAR = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.1.2.3 127.255.255.254
168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1
192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255
:: ::1 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe ::ffff:0:0
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1
2001::1 2001:0:7f00:1::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1::
2002:a00:1:: 2002:a9fe:a9fe::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::1%eth0
febf::1 fec0::1 ff02::1 ff0e::1
"""
FAR = """
1.1.1.1 8.8.8.8 93.184.216.34 172.15.0.1 172.32.0.1 192.167.0.1 11.0.0.1 100.128.0.1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8
2606:4700:4700::1111 2a00:1450:4001::1 2620:fe::fe
"""
BAD = """
http://app.example/ http://app.example:443/ ftp://app.example/ https:app.example https:///hook //app.example/
https://app.example:8443/ https://app.example:80/ https://app.example:0443/ https://app.example:99999/
https://app.example:/ https://user@app.example/ https://user:pass@app.example/ https://app.example@127.0.0.1/
https://localhost/ https://intranet/ https://127.0.0.1/ https://127.1/ https://2130706433/ https://0x7f000001/
https://0x7f.0.0.1/ https://0177.0.0.1/ https://017700000001/ https://127.0.0.1.:443/ https://[::1]/
https://[::ffff:7f00:1]/ https://[fd00::1]/ https://10.0.0.1/ https://169.254.169.254/ https://8.8.8.8/
https://app.example./ https://.app.example/ https://app..example/ https://-app.example/ https://app_1.example/
https://ⓛocalhost.example/ https://аpp.example/ https://app.example\\@127.0.0.1/ https://app.example/#part
https://app.example/a|b https://app.example/"x" HTTPS://app.example/ https://app.example%2f@127.0.0.1/
https://127.0.0.1%00.example/ https://app。example/
"""


@pytest.mark.parametrize("near", NEAR.split())
def test_an_address_of_this_machine_or_network_is_not_public(near: str) -> None:
    assert not public(ipaddress.ip_address(near))


@pytest.mark.parametrize("far", FAR.split())
def test_an_address_of_the_internet_is_public(far: str) -> None:
    assert public(ipaddress.ip_address(far))


@pytest.mark.parametrize(
    "url",
    [
        *BAD.split(),
        "",
        "https://",
        "https://app.example/\n",
        " https://app.example/",
        "https://app.example/\tx",
        "https://app.example/\r\nHost: x",
        "https://app.example/" + "a" * 500,
    ],
)
def test_an_address_that_is_not_plain_is_refused_before_any_name_is_resolved(url: str) -> None:
    with pytest.raises(JobRefused) as refused:
        place(url, Policy())
    assert refused.value.code == "webhook_url"


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://app.example", Place(True, "app.example", 443, "/")),
        ("https://app.example:443/hook", Place(True, "app.example", 443, "/hook")),
        ("https://app.example?a=b", Place(True, "app.example", 443, "/?a=b")),
        (
            "https://a-1.xn--bcher-kva.example/a/%20b?x=1&y=/?z",
            Place(True, "a-1.xn--bcher-kva.example", 443, "/a/%20b?x=1&y=/?z"),
        ),
        ("https://1and1.example/", Place(True, "1and1.example", 443, "/")),
    ],
)
def test_a_plain_address_is_read(url: str, read: Place) -> None:
    assert place(url, Policy()) == read


def test_other_ports_are_for_the_operator_to_open() -> None:
    assert place("https://app.example:8443/", Policy(ports=(443, 8443))).authority == "app.example:8443"
    assert place("https://app.example/", Policy(ports=(443, 8443))).authority == "app.example"


@pytest.mark.parametrize("near", NEAR.split())
def test_one_near_address_among_good_ones_refuses_the_name(near: str) -> None:
    with pytest.raises(JobRefused, match="public address"):
        pinned(place("https://app.example", Policy()), Policy(), lambda host, port: ["93.184.216.34", near])


@pytest.mark.parametrize("said", [[], ["not an address"], OSError("no such name")])
def test_an_unknown_name_gets_the_same_answer_as_one_of_our_network(said: Any) -> None:
    def resolve(host: str, port: int) -> list[str]:
        if isinstance(said, OSError):
            raise said
        return list(said)

    with pytest.raises(JobRefused) as refused:
        pinned(place("https://app.example", Policy()), Policy(), resolve)
    with pytest.raises(JobRefused) as near:
        pinned(place("https://app.example", Policy()), Policy(), lambda host, port: ["10.0.0.1"])
    assert (refused.value.code, refused.value.sentence) == (near.value.code, near.value.sentence)


def test_this_machine_is_open_to_an_apps_developer_and_the_network_behind_it_is_not() -> None:
    local = Policy(local=True)
    assert place("http://localhost:5000/hook", local) == Place(False, "localhost", 5000, "/hook")
    assert pinned(place("http://127.0.0.1:5000/", local), local, lambda *_: ["127.0.0.1", "::1"]) == [
        "127.0.0.1",
        "::1",
    ]
    for url in ("http://app.example/", "http://10.0.0.1/", "https://10.0.0.1/", "http://192.168.1.1:80/"):
        with pytest.raises(JobRefused):
            place(url, local)
    for near in ("10.0.0.1", "169.254.169.254", "192.168.1.1", "0.1.2.3"):
        with pytest.raises(JobRefused):
            pinned(place("https://app.example/", local), local, lambda *_, near=near: [near])


def test_what_the_name_service_says_is_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    said = [
        (0, 0, 0, "", ("2606:4700::1", 443, 0, 0)),
        (0, 0, 0, "", ("1.1.1.1", 443)),
        (0, 0, 0, "", ("1.1.1.1", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: said)
    assert resolved("app.example", 443) == ["2606:4700::1", "1.1.1.1"]


def test_a_name_service_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(address, "PATIENCE", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(5) and [])
    with pytest.raises(OSError, match="no answer"):
        resolved("app.example", 443)
    over.set()
