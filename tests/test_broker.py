"""The embedded broker: private, found again, and no loss if it is lost."""

from __future__ import annotations

import base64
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from avatar.broker import EmbeddedBroker, reap
from avatar.job import ClassWord, Consent, Job, Stage, new_id
from avatar.queue import ROUTE, Bell, Queue, celery, stages_of


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as short:  # a socket's path has little room
        yield Path(short) / "broker"


def connected(broker: EmbeddedBroker) -> redis.Redis:
    return redis.Redis(unix_socket_path=broker.url.removeprefix("redis+socket://"))


def test_only_its_owner_can_reach_it_and_nothing_listens_on_the_network(folder: Path) -> None:
    with EmbeddedBroker(folder) as broker:
        client = connected(broker)
        assert client.config_get("port") == {"port": "0"}
        assert (folder / "broker.sock").stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0
        client.close()
    assert not (folder / "broker.sock").exists()


def test_a_bell_outlives_a_broker_that_was_killed(folder: Path) -> None:
    job = Job(new_id(), ClassWord.PERSON, ("photo",), 1, "pocket", 1, Consent("", datetime.now(UTC)), stage=Stage.TUNE)
    with EmbeddedBroker(folder) as broker:
        app = celery(broker.url)
        Bell(app).ring(job)
        app.close()
        client = connected(broker)
        client.execute_command("WAITAOF", 1, 0, 2000)
        client.close()
        os.kill(int((folder / "broker.pid").read_text()), signal.SIGKILL)
    with EmbeddedBroker(folder) as broker:
        client = connected(broker)
        assert client.llen("heavy") == 1
        message = client.lindex("heavy", 0)
        client.close()
    body = json.loads(base64.b64decode(json.loads(message)["body"]))
    assert body[:2] == [[job.id], {}]  # an id and nothing else


def test_a_broker_that_died_is_started_again_even_if_its_file_is_spoiled(folder: Path) -> None:
    with EmbeddedBroker(folder) as broker:
        assert not broker.keep()
        for spoil in (False, True):
            os.kill(int((folder / "broker.pid").read_text()), signal.SIGKILL)
            until(lambda: not alive(broker))
            if spoil:
                for file in (folder / "appendonlydir").iterdir():
                    file.write_bytes(b"nonsense")
            assert broker.keep()
            client = connected(broker)
            assert client.ping()
            client.close()


def alive(broker: EmbeddedBroker) -> bool:
    assert broker._process is not None
    return broker._process.poll() is None


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_that_outlived_its_service_is_stopped_before_a_new_one_starts(folder: Path) -> None:
    left = EmbeddedBroker(folder).__enter__()
    first = int((folder / "broker.pid").read_text())
    with EmbeddedBroker(folder):
        assert int((folder / "broker.pid").read_text()) != first
        assert left._process is not None
        assert left._process.wait(5) == 0


def test_a_pid_that_belongs_to_another_program_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "broker.pid").write_text(str(os.getpid()))
    assert not reap(folder / "broker.pid")
    (folder / "broker.pid").write_text("not a number")
    assert not reap(folder / "broker.pid")


def test_every_stage_has_its_listeners_and_purge_is_never_behind_a_gpu() -> None:
    assert set(ROUTE) == set(Stage)
    assert Stage.PURGE not in stages_of(Queue.HEAVY)
    assert stages_of(Queue.PURGE) == (Stage.PURGE,)
