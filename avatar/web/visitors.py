"""Orders of people without a key, who come by the page: few a day, few an hour from one address, each with a link.

Covers: somebody who orders again and again; a page elsewhere that sends its visitors' browsers here.
Does not cover: many addresses in one hand; the day's quota of the whole page ends that.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import logging
import secrets
import threading
import time
from collections import OrderedDict, deque
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request, status

from avatar import logs
from avatar.errors import Forbidden, OverQuota
from avatar.ledger import orders
from avatar.ledger.clients import Client, Quota, make_link, page_client
from avatar.ledger.uploads import MOST_PHOTOS
from avatar.photos.policy import IntakePolicy
from avatar.service import Service
from avatar.web import page, told
from avatar.web.guard import Future, Here
from avatar.web.jobs import order
from avatar.web.photos import MOST_BYTES
from avatar.web.problems import RESPONSES
from avatar.web.schemas import NewJob, Opened, PageTerms

router = APIRouter(prefix="/v1/page", tags=["page"], responses=RESPONSES)
HOUR = 3600.0  # seconds
MOST_ADDRESSES = 10_000  # remembered at once; the oldest is forgotten first
REPORTS_A_MINUTE = 10
LONGEST_REPORT = 8_000  # bytes
CLOSED = "This page takes no orders; it opens links that were given to you."


def install(app: FastAPI, service: Service) -> None:
    """The page, unless the operator turned it off."""
    if service.settings.page == "off":
        return
    app.state.addresses = Recent(service.settings.page_jobs_an_hour, HOUR * service.settings.pace)
    app.state.reports = Recent(REPORTS_A_MINUTE, 60.0)
    page.files()  # read now, so that the first visitor does not wait for it
    app.include_router(router)
    app.include_router(page.router)


class Recent:
    """How often each address came within a span of time. Kept in memory, as a hash under a key of this process."""

    def __init__(self, most: int, span: float) -> None:
        self._most, self._span = most, span
        self._salt, self._lock = secrets.token_bytes(16), threading.Lock()
        self._seen: OrderedDict[bytes, deque[float]] = OrderedDict()

    def wait(self, address: str, *, count: bool = True) -> float:
        """Count one visit and answer 0, or where there were too many, the seconds until the next."""
        now, name = time.monotonic(), hashlib.blake2b(_network(address).encode(), key=self._salt).digest()
        with self._lock:
            times = self._seen.get(name, deque())
            while times and times[0] <= now - self._span:
                times.popleft()
            if len(times) >= self._most:
                return times[0] + self._span - now
            if count:
                times.append(now)
                self._seen[name] = times
                self._seen.move_to_end(name)
                while len(self._seen) > MOST_ADDRESSES:
                    self._seen.popitem(last=False)
        return 0.0


def opened(request: Request, service: Here) -> Client:
    """The page's own client; Forbidden where the page takes no orders, or where another site sent the browser."""
    if service.settings.page != "open":
        raise Forbidden(CLOSED, code="page_closed")
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("Orders come from the page itself.")
    daily = service.settings.page_jobs_a_day
    return page_client(service.engine, Quota(daily, daily, daily * MOST_PHOTOS))


@router.get("")
def terms(service: Here) -> PageTerms:
    """What the page may promise and must ask for."""
    policy = IntakePolicy()
    return PageTerms(
        open=service.settings.page == "open",
        keep_days=service.settings.keep_days,
        least_photos=policy.min_usable,
        most_photos=policy.max_photos,
        most_bytes=MOST_BYTES,
    )


@router.post("/jobs", status_code=status.HTTP_201_CREATED)
def make(
    wanted: NewJob, caller: Annotated[Client, Depends(opened)], service: Here, future: Future, request: Request
) -> Opened:
    """A new job without a key; the link that opens it is told this once."""
    addresses: Recent = request.app.state.addresses
    address = request.client.host if request.client else ""
    if after := addresses.wait(address, count=False):
        raise OverQuota("From here, enough was ordered for this hour.", code="quota_jobs_an_hour", after=after)
    job = order(service, caller, wanted)
    addresses.wait(address)
    link = make_link(service.engine, caller, job)
    return Opened(job=told.state(service, future, orders.look(service.engine, caller, job)), key=link)


@router.post("/reports", status_code=status.HTTP_204_NO_CONTENT, include_in_schema=False)
async def report(request: Request) -> None:
    """What a browser refused to load on our page: one line with the rule that was broken, and no address."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST_REPORT:
            return
    reports: Recent = request.app.state.reports
    try:
        rule = json.loads(body)["csp-report"]["effective-directive"]
    except (ValueError, KeyError, TypeError):
        return
    known = [part.split()[0] for part in page.POLICY.split("; ")]
    if str(rule).removesuffix("-elem").removesuffix("-attr") in known and not reports.wait(""):
        logs.say("page_rule_broken", logging.WARNING, code=str(rule).replace("-", "_"))


def _network(address: str) -> str:
    """The address; of version 6 the network of 64 bits, which is one household's."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
