"""Calls made up from the published document, well-formed and not: python -m tests.web.fuzz --calls 20000

Schemathesis makes them; identifiers of real jobs, photos and deletions are mixed in, so that calls get past the first
door. Two clients call; each knows the other's identifiers and must never see or change anything of theirs. Prints a
table of what was answered, and exits with 1 on a server error, an answer that the document does not promise, or a
foreign read or write.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import hypothesis
import numpy as np
import schemathesis
from fastapi.testclient import TestClient
from rich.console import Console
from rich.table import Table
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from avatar.job import JobId, Kind
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.marks.label import mark
from avatar.packs.bundle import Tile, contact_sheet
from avatar.packs.spares import SPARES
from avatar.service import Pack, Service, open_service
from avatar.settings import Settings
from avatar.web.app import application
from tests.web.test_jobs import delivered

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
CONSENT = {"adult": True, "own_face": True, "text": "These are photos of me, and I am an adult."}
WANTED = {"styles": ["photo"], "count": 1, "consent": CONSENT}
OUTWARD = "POST /v1/webhooks/{webhook}/test"  # would call the addresses that are made up; it has tests of its own
GOOD = {"POST /v1/jobs": WANTED | {"test": True}, "POST /v1/webhooks": {"url": "https://app.example/hook"}}
GOOD["POST /v1/jobs/{job}/pictures/{name}/replace"] = {"reason": "other"}
SMALL = mark(np.full((8, 8, 3), 90, np.uint8))
CARD = {"style": "photo", "likeness": {"share": None}}
FILES = {
    "01-photo.png": SMALL,
    "contact-sheet.png": mark(contact_sheet([Tile(np.zeros((8, 8, 3), np.uint8), "Photo", None)])),
    "report.json": json.dumps({"pictures": [{**CARD, "file": "01-photo.png"}]}).encode(),
}
SPARE = {
    "02-photo.png": SMALL,
    SPARES: json.dumps({"titles": {}, "cards": [{**CARD, "file": "02-photo.png"}]}).encode(),
}
PLENTY = Quota(10**9, 10**9, 10**9)


@dataclass
class Crowd:
    """A client of the service with jobs in several states, and the identifiers that it knows."""

    key: str
    http: TestClient
    known: dict[str, list[str]] = field(default_factory=dict)


def crowd(app: Any, service: Service, scope: Scope = Scope.CLIENT) -> Crowd:
    """One client with jobs of every kind."""
    _, key = make_client(service.engine, "fuzz", scope, PLENTY)
    http = TestClient(app, headers={"Authorization": f"Bearer {key}"}, raise_server_exceptions=False)
    made = Crowd(key, http)
    replenish(service, made)
    return made


def replenish(service: Service, made: Crowd) -> None:
    """An unstarted, a started, a delivered and an erased job, in the place of those before."""
    http = made.http
    made.known = {"job": [], "photo": [], "deletion": [], "name": ["01-photo.png", "report.json", "oil"]}
    made.known["webhook"] = [http.post("/v1/webhooks", json=GOOD["POST /v1/webhooks"]).json().get("id", "none")]
    for state in ("new", "started", "done", "erased"):
        job = http.post("/v1/jobs", json=WANTED).json()["id"]
        made.known["job"].append(job)
        made.known["photo"].append(http.post(f"/v1/jobs/{job}/photos", content=b"x").json()["id"])
        if state != "new":
            http.post(f"/v1/jobs/{job}/start")
        if state in ("done", "erased"):
            delivered(service, job, names=["01-photo.png"], spares={"photo": ["02-photo.png"]})
            Pack(service.vault, JobId(job)).deliver(FILES, SPARE)
        if state == "erased":
            made.known["deletion"].append(http.delete(f"/v1/jobs/{job}").json()["id"])


def known(service: Service, owner: Crowd) -> str:
    """All that the owner can see of their jobs, as one text to compare."""
    seen = []
    for job in owner.known["job"]:
        for path in ("", "/photos", "/deletions"):
            seen.append(owner.http.get(f"/v1/jobs/{job}{path}").text)
        seen += [f"{kind}{service.vault.names(JobId(job), kind)}" for kind in Kind]
    return "\n".join(seen)


@contextmanager
def brisk() -> Iterator[None]:
    """Streams end at once and nobody is waited for."""
    with (
        mock.patch("avatar.web.events.LOOKS", 0.01),
        mock.patch("avatar.web.events.LONGEST", 0.02),
        mock.patch("avatar.web.photos.LONGEST", 0.01),
    ):
        yield


@dataclass
class Seen:
    """What came of the calls."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Round:
    """Calls of one client: how many of each operation, and where what came of them is written."""

    caller: Crowd
    each: int
    seed: int
    seen: Seen

    def call(self, case: Any, pick: Any, theirs: dict[str, list[str]]) -> None:
        """One made-up call, with real identifiers and a real order mixed in."""
        for name in case.path_parameters or {}:
            if theirs.get(name) and pick.random() < 0.7:
                case.path_parameters[name] = pick.choice(theirs[name])
        if case.operation.label in GOOD and pick.random() < 0.5:
            case.body = dict(GOOD[case.operation.label])
        answer = case.call(session=self.caller.http, headers={"Authorization": f"Bearer {self.caller.key}"})
        self.seen.answers[case.operation.label, answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as failure:  # told with all others at the end
            self.seen.wrong.append(f"{case.operation.label} {answer.status_code}: {str(failure)[:600]}")

    def of(self, operation: Any, theirs: dict[str, list[str]]) -> None:
        """So many calls of one operation."""

        @hypothesis.seed(self.seed)
        @hypothesis.settings(
            max_examples=self.each, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
        )
        @hypothesis.given(case=operation.as_strategy(), pick=hypothesis.strategies.randoms(use_true_random=False))
        def one(case: Any, pick: Any) -> None:
            self.call(case, pick, theirs)

        one()


def calls(app: Any, turn: Round, ids: Callable[[], dict[str, list[str]]], only: str = "/") -> None:
    """A round over every operation of the published document whose path holds `only`; `ids` are mixed in."""
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", app)
    for offered in schema.get_all_operations():
        operation = offered.ok()
        if operation.label != OUTWARD and only in operation.path:
            turn.of(operation, ids())


def run(total: int, seed: int, folder: Path, tell: Callable[[str], None] = print) -> Seen:
    """At least so many calls, about half of them by a stranger who knows the owner's identifiers."""
    service = open_service(Settings(state=folder / "s", weights=folder / "w"))
    app = application(service)
    seen = Seen()
    try:
        with brisk(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            owner, stranger = crowd(app, service), crowd(app, service)
            paths = app.openapi()["paths"]
            operations = sum(method in ("get", "post", "put", "delete") for path in paths.values() for method in path)
            each, before = math.ceil(total / 2 / (operations - 1)), known(service, owner)  # one is left out
            calls(app, Round(stranger, each, seed, seen), lambda: owner.known)
            if known(service, owner) != before:
                seen.wrong.append("a stranger changed or erased what is not theirs")
            tell(f"the owner's {len(owner.known['job'])} jobs stand as they stood")

            def fresh() -> dict[str, list[str]]:
                replenish(service, owner)
                return owner.known

            calls(app, Round(owner, each, seed + 1, seen), fresh)
            operator = crowd(app, service, Scope.ADMIN)
            calls(app, Round(operator, each, seed + 2, seen), lambda: owner.known, "/v1/admin/")
            for again in itertools.count(3):  # of some operations there are not so many calls to be made up
                missing = total - seen.answers.total()
                if missing <= 0:
                    break
                calls(app, Round(owner, math.ceil(2 * missing / operations), seed + again, seen), fresh)
    finally:
        service.engine.dispose()
    return seen


def main() -> int:
    """Read the command line, call, and print the table."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--calls", type=int, default=20_000)
    ask.add_argument("--seed", type=int, default=0)
    told = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = run(told.calls, told.seed, Path(folder))
    table = Table("operation", "answers")
    for operation in sorted({operation for operation, _ in seen.answers}):
        counts = {status: count for (name, status), count in sorted(seen.answers.items()) if name == operation}
        table.add_row(operation, "  ".join(f"{status}: {count}" for status, count in counts.items()))
    console = Console()
    console.print(table)
    for line, count in Counter(seen.wrong).most_common(20):
        console.print(f"{count} x {line}\n", markup=False)
    errors = sum(count for (_, status), count in seen.answers.items() if status >= 500)
    console.print(f"{seen.answers.total()} calls, {errors} server errors, {len(seen.wrong)} answers wrong")
    return 1 if seen.wrong or errors else 0


if __name__ == "__main__":
    sys.exit(main())
