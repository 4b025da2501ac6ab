"""Slow phones: photos that come drop by drop keep nobody else's call waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi.testclient import TestClient

from avatar.web.photos import SENDERS

PATIENCE = 20  # seconds; an answer takes milliseconds where nothing is in its way


def test_stalled_uploads_leave_other_calls_alone(caller: Callable[..., TestClient], wanted: dict[str, object]) -> None:
    client = caller()
    jobs = [client.post("/v1/jobs", json=wanted).json()["id"] for _ in range(2)]
    key = client.headers["Authorization"].encode()
    statuses: list[int] = []

    async def call(method: str, path: str, receive: Callable[[], Any]) -> None:
        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": method,
            "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
            "headers": [(b"authorization", key), (b"content-type", b"image/jpeg")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        await client.app(scope, receive, send)  # type: ignore[arg-type]

    async def crowd() -> None:
        more = asyncio.Event()

        async def stalled() -> dict[str, Any]:
            await more.wait()
            return await nothing()

        async def nothing() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        where = [f"/v1/jobs/{jobs[at % 2]}/photos" for at in range(SENDERS)]
        senders = [asyncio.create_task(call("POST", path, stalled)) for path in where]
        await asyncio.sleep(1)
        await asyncio.wait_for(call("GET", f"/v1/jobs/{jobs[0]}", nothing), PATIENCE)
        assert statuses == [200]
        more.set()
        await asyncio.gather(*senders)
        assert statuses[1:] == [422] * SENDERS  # empty, once they had come

    with ThreadPoolExecutor(1) as apart:  # this thread may hold a browser's loop
        apart.submit(asyncio.run, crowd()).result()
