"""What is logged says what happened and to which id, and nothing of what a person gave, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from avatar import logs
from avatar.errors import Unsafe
from avatar.job import ORDER, Job, JobId, Kind, Outcome, new_id
from avatar.ledger import orders
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ports import Progress
from avatar.service import Service, open_service
from avatar.settings import Settings
from avatar.shift import Bench
from avatar.web.app import application
from tests.ordering import WANTED, photographed

CANARIES = {
    "file name": "IMG_annas_birthday.jpg",
    "prompt": "a portrait of anna in golden armour",
    "path": "/srv/pictures/of/anna",
    "name": "Anna Musterfrau",
    "key": "avk_Zm9yIHlvdXIgZXllcyBvbmx5",
}
ALL = " ".join(CANARIES.values())
Told = Callable[[], list[dict[str, Any]]]


def leaks(text: str) -> list[str]:
    """Which canaries are in the text."""
    return [what for what, canary in CANARIES.items() if canary in text or repr(canary)[1:-1] in text]


@pytest.fixture
def kept() -> Iterator[None]:
    """Puts back whatever `setup` changes of this process."""
    root = logging.getLogger()
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    before = [(one, one.handlers[:], one.propagate, one.level) for one in loggers]
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.raiseExceptions = True
    logging.captureWarnings(False)
    for one, handlers, propagate, level in before:
        one.handlers[:], one.propagate = handlers, propagate
        one.setLevel(level)


@pytest.fixture
def lines(kept: None, capsys: pytest.CaptureFixture[str]) -> Told:
    """Logs as a service does; gives what was logged since it was last asked, each line a document."""
    logs.setup("json")
    return lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    opened = open_service(Settings(state=tmp_path / "s", weights=tmp_path / "w"))
    yield opened
    opened.engine.dispose()


def broken(*_: object, **__: object) -> Any:
    """What goes wrong in the worst way: everything that must not be told is in the error and in what caused it."""
    person = CANARIES["name"]  # a local that a traceback with values would tell
    try:
        Path(CANARIES["path"], CANARIES["file name"]).read_bytes()
    except OSError as error:
        raise ValueError(f"{person}: {ALL}") from error


def drive_api(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that go well, that are refused and that break, with something secret in each of their parts."""
    _, key = make_client(service.engine, "app", Scope.CLIENT, Quota(100, 100, 100))
    client = TestClient(application(service), raise_server_exceptions=False)
    mine = {"Authorization": f"Bearer {key}"}
    consent = {"adult": True, "own_face": True, "text": f"I am {CANARIES['name']}, and an adult."}
    made = client.post("/v1/jobs", json={"styles": ["photo"], "count": 2, "consent": consent}, headers=mine)
    assert made.status_code == 201, made.text
    job = made.json()["id"]
    named = {**mine, "Content-Disposition": CANARIES["file name"], "User-Agent": CANARIES["name"]}
    assert client.post(f"/v1/jobs/{job}/photos", content=ALL.encode(), headers=named).status_code == 201
    assert client.get("/v1/jobs", headers={"Authorization": f"Bearer {CANARIES['key']}"}).status_code == 401
    assert client.get(f"/v1/jobs/{CANARIES['file name']}?q={CANARIES['name']}", headers=mine).status_code == 404
    assert client.get(f"/pictures{CANARIES['path']}", headers=mine).status_code == 404
    assert client.post("/v1/jobs", json={"styles": [CANARIES["prompt"]]}, headers=mine).status_code == 422
    assert client.request("ANNA", "/v1/jobs", headers=mine).status_code == 405
    with monkeypatch.context() as patched:
        patched.setattr(orders, "look", broken)
        assert client.get(f"/v1/jobs/{job}", headers=mine).status_code == 500


def drive_worker(service: Service, monkeypatch: pytest.MonkeyPatch, job: JobId) -> None:
    """Stages that break with what they read; the task as Celery runs it, and one that Celery does not know."""
    from workers import light

    def stage(held: Job, _: Progress) -> Outcome:
        raise ValueError(service.vault.get(held.id, Kind.PHOTO, "p01").decode()) from Unsafe(ALL, code="unsafe")

    bench = Bench(service.engine, service.vault, dict.fromkeys(ORDER, stage), "worker")
    monkeypatch.setattr(light, "bench", lambda: bench)
    light.light.apply(args=[job])
    monkeypatch.setattr(light, "bench", broken)
    light.light.apply(args=[ALL], kwargs={})


def waiting(service: Service) -> JobId:
    client, _ = make_client(service.engine, "app", Scope.CLIENT, Quota(100, 100, 100))
    job = orders.make(service.engine, client, new_id(), WANTED).id
    service.vault.open(job)
    service.vault.put(job, Kind.PHOTO, "p01", ALL.encode())
    photographed(service.engine, client, job)
    orders.start(service.engine, client, job)
    return job


def test_nothing_that_a_person_gave_is_in_a_line_of_the_api(
    service: Service, lines: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive_api(service, monkeypatch)
    told = lines()
    assert leaks(json.dumps(told)) == []
    calls = [(one["method"], one["route"], one["status"]) for one in told if one["event"] == "request"]
    assert calls == [
        ("POST", "/v1/jobs", 201),
        ("POST", "/v1/jobs/{job}/photos", 201),
        ("GET", "/v1/jobs", 401),
        ("GET", "/v1/jobs/{job}", 404),
        ("GET", "elsewhere", 404),
        ("POST", "/v1/jobs", 422),
        ("other", "/v1/jobs", 405),
        ("GET", "/v1/jobs/{job}", 500),
    ]
    assert told[0]["client"].startswith("cli_")
    assert "client" not in told[2]
    fault = next(one for one in told if one.get("status") == 500)
    assert [one["type"] for one in fault["errors"]] == ["builtins.ValueError", "builtins.FileNotFoundError"]
    assert any(line.startswith("avatar/web/jobs.py:") for line in fault["errors"][0]["at"])


def test_nothing_that_a_person_gave_is_in_a_line_of_a_worker(
    service: Service, lines: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = waiting(service)
    drive_worker(service, monkeypatch, job)
    told = lines()
    assert leaks(json.dumps(told)) == []
    back, failed, unknown = told
    assert (back["event"], back["job"], back["stage"], back["code"]) == ("given_back", job, "intake", "fault")
    assert (failed["event"], failed["job"], failed["task"]) == ("task_failed", job, "avatar.light")
    assert [one["type"] for one in failed["errors"]] == ["builtins.ValueError", "avatar.errors.Unsafe"]
    assert failed["errors"][1]["code"] == "unsafe"
    assert any(line.startswith("avatar/shift.py:") and line.endswith(" work") for line in failed["errors"][0]["at"])
    assert (unknown["event"], "job" in unknown) == ("task_failed", False)


@pytest.mark.parametrize("mutant", ["text of errors", "text of messages", "unchecked fields"])
def test_a_formatter_that_told_more_would_be_caught(
    service: Service, lines: Told, monkeypatch: pytest.MonkeyPatch, mutant: str
) -> None:
    if mutant == "text of errors":
        monkeypatch.setattr(logs, "_error", lambda error: {"type": type(error).__name__, "text": str(error)})
    elif mutant == "text of messages":
        monkeypatch.setattr(logs, "_written", lambda record: record.getMessage())
        logging.getLogger("kombu").error("can not reach %s", ALL)
    else:
        monkeypatch.setattr(logs, "_formed", lambda _, value: str(value))
        logs.say("request", route=f"/v1/{ALL}")
    drive_api(service, monkeypatch)
    drive_worker(service, monkeypatch, waiting(service))
    assert leaks(json.dumps(lines()))


def test_a_dependency_is_told_by_what_stands_in_its_code_and_no_value(lines: Told) -> None:
    foreign = logging.getLogger("kombu.connection")
    foreign.error("can not reach %s", ALL)
    foreign.error(f"can not reach {ALL}")
    foreign.warning(ALL, exc_info=ValueError(ALL), stack_info=True)
    foreign.error("wrong number of values %s %s", ALL)
    foreign.info("not loud enough")
    first, second, third, fourth = lines()
    assert (first["event"], first["by"], first["text"]) == ("said", "kombu.connection", "can not reach %s")
    assert first["at"].startswith("test_logs:")
    assert "text" not in second
    assert "text" not in third
    assert third["errors"] == [{"type": "builtins.ValueError", "at": []}]
    assert fourth["text"] == "wrong number of values %s %s"


def test_a_field_of_another_form_is_not_told_and_an_unknown_one_is_a_defect(lines: Told) -> None:
    job = new_id()
    logs.say("recorded", job=job, stage="tune", seconds=1.23456, code=ALL, client=CANARIES["key"])
    (told,) = lines()
    assert {key: told[key] for key in ("event", "job", "stage", "seconds", "code", "client")} == {
        "event": "recorded",
        "job": job,
        "stage": "tune",
        "seconds": 1.235,
        "code": "?",
        "client": "?",
    }
    with pytest.raises(KeyError):
        logs.say("recorded", prompt="x")


def test_faults_that_nobody_caught_are_told_the_same_way(lines: Told) -> None:
    try:
        broken()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    told = lines()
    assert [one["event"] for one in told] == ["fault", "fault"]
    assert leaks(json.dumps(told)) == []


def test_what_servers_set_up_before_is_replaced(kept: None, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("uvicorn", "uvicorn.access"):
        logging.getLogger(name).addHandler(logging.StreamHandler(sys.stderr))
        logging.getLogger(name).propagate = False
    logs.setup("json")
    logging.getLogger("uvicorn.access").info('%s - "%s %s"', ALL, "GET", CANARIES["path"])
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=ValueError(ALL))
    told = capsys.readouterr().err
    assert leaks(told) == []
    assert told.count("\n") == 1


def test_words_say_the_same_to_a_person_at_a_terminal(kept: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.setup("words")
    logs.say("part_ended", logging.WARNING, part="api", status=-9)
    logging.getLogger("kombu").error(f"can not reach {ALL}")
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("warning  part_ended     part=api status=-9")
    assert leaks(second) == []
