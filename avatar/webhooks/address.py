"""Look at where a message would go before anything goes there: a client names the place, our machine does the calling.

Covers: another scheme, port or user in the address; names that stand for this machine, for a neighbour or for a
        cloud's metadata, in every notation; a name that means one thing when it is looked at and another when it is
        called (it is asked once, and the answer is what is called).
Does not cover: a public server of the client's that passes the message on to somebody else.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avatar.errors import JobRefused

LONGEST = 500  # letters of an address; the ledger keeps no more
PATIENCE = 5.0  # seconds for the name service; it has no time-out of its own that one could rely on
MOST = 4  # addresses of one name that are tried

Resolve = Callable[[str, int], Sequence[str]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Letters, digits and hyphens in labels; the rest is what RFC 3986 allows in path and query, and no fragment. Nothing
# that two parsers could read in two ways gets as far as a parser.
LABEL, LETTERS = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", r"A-Za-z0-9._~!$&'()*+,;=:@%/-"
URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{LABEL}(?:\.{LABEL})*)(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    rf"(?P<path>(?:/[{LETTERS}]*)?(?:\?[?{LETTERS}]*)?)"
)
PUBLIC_6 = ipaddress.ip_network("2000::/3")  # all that was ever given out; the rest is local, or maps something else
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address behind it, as networks without IPv4 have it
REFUSED = tuple(
    ipaddress.ip_network(net)
    for net in (
        "168.63.129.16/32",  # a public address by which Azure's machines reach their host
        "192.0.0.0/24",  # protocols' own; Python 3.11 knows the first eight only
        "192.88.99.0/24",  # relays of 6to4
        "2001::/23",  # Teredo and other protocols' own
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be called. `local` also opens this very machine, without TLS as well: for an app's developer only."""

    ports: tuple[int, ...] = (443,)
    local: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """An address that was read and allowed; what its name stands for is not known yet."""

    tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The name as the Host header has it, with the port where it is not the usual one."""
        return self.host if self.port == (443 if self.tls else 80) else f"{self.host}:{self.port}"


def place(url: str, policy: Policy) -> Place:
    """Read an address; JobRefused where it is not allowed. No name is resolved."""
    found = URL.fullmatch(url) if len(url) <= LONGEST else None
    if found is None:
        raise _refused("The address must be plain, such as https://app.example/hook; other letters in it as %XX.")
    tls = found["scheme"] == "https"
    port = int(found["port"] or (443 if tls else 80))
    host = found["host"]
    here = policy.local and host in ("localhost", "127.0.0.1")
    if not (tls or here):
        raise _refused("The address must begin with https://.")
    if port > 65535 or not (port in policy.ports or here):
        raise _refused(f"The address may name the ports {', '.join(map(str, policy.ports))} only.")
    if not here and ("." not in host or not host.rsplit(".", 1)[-1][0].isalpha()):
        raise _refused("The address must have a full name in it, not a number and not a name of your network.")
    return Place(tls, host, port, found["path"] if found["path"].startswith("/") else f"/{found['path']}")


def pinned(where: Place, policy: Policy, resolve: Resolve) -> list[str]:
    """The addresses to call, from one look at the name service. JobRefused where one of them is not public.

    One bad address among good ones refuses them all. An unknown name gets the same answer, so that nobody can learn
    from us which names our network knows.
    """
    try:
        found = [ipaddress.ip_address(one) for one in resolve(where.host, where.port)]
    except (OSError, ValueError):
        found = []
    if not found or not all(public(one) or (policy.local and one.is_loopback) for one in found):
        raise JobRefused("The name does not stand for a public address.", code="webhook_address")
    return [str(one) for one in found[:MOST]]


def public(address: Address) -> bool:
    """Whether an address is somebody's in the public internet, in whatever form it is written."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return public(inner)
        if address not in PUBLIC_6:
            return False
    return address.is_global and not address.is_multicast and not any(address in net for net in REFUSED)


def resolved(host: str, port: int) -> list[str]:
    """What the name service says, each address once; OSError where it says nothing in time."""
    said: list[str] = []

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        said.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    asking = threading.Thread(target=ask, name="resolve", daemon=True)  # one that hangs is left behind
    asking.start()
    asking.join(PATIENCE)
    if asking.is_alive() or not said:
        raise OSError("no answer")
    return list(said)


def _refused(sentence: str) -> JobRefused:
    return JobRefused(sentence, code="webhook_url", remedy="Name an https address that the internet can reach.")
