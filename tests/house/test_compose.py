"""The compose file and the image: what of them can be checked without a container engine."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from avatar.queue import Queue
from avatar.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
WORKERS = [SERVICES[name]["command"] for name in OURS if "worker" in SERVICES[name].get("command", ())]
SECRET = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|AUTH|LEDGER|BROKER")  # variables that hold one, or a URL with one


def _exists(program: str) -> bool:
    return Path(sys.executable).with_name(program).exists()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_tells_whether_it_is_well(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout"} <= set(check)


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(OURS)))
def test_every_image_of_others_is_pinned_to_a_version(name: str) -> None:
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", SERVICES[name]["image"])


def test_the_image_of_ours_is_pinned_and_runs_as_its_own_user() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)
    assert bases
    assert all(re.fullmatch(r"python:3\.11-slim-bookworm", base) for base in bases)
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.M) == ["avatar"]


@pytest.mark.parametrize("name", OURS)
def test_ours_can_write_nothing_of_the_image_and_gain_nothing(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ulimits"] == {"core": 0}
    mounted = {place.split(":")[0] for place in service["tmpfs"]} | {one.split(":")[1] for one in service["volumes"]}
    kept = re.findall(r"AVATAR_(?:STATE|KEYS|SEALING_KEY|WEIGHTS)=(/\w+)", DOCKERFILE)
    assert len(kept) == 4
    assert {"/tmp", *kept} <= mounted


@pytest.mark.parametrize("name", OURS)
def test_every_command_of_ours_begins_with_a_program_of_the_environment(name: str) -> None:
    default = re.search(r'^CMD \["(\S+?)"', DOCKERFILE, re.M)
    assert default
    assert _exists(SERVICES[name].get("command", [default[1]])[0])
    assert _exists(SERVICES[name]["healthcheck"]["test"][1])


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_clear_and_none_may_be_missing(name: str) -> None:
    variables = {key: value for key, value in SERVICES[name].get("environment", {}).items() if SECRET.search(key)}
    for value in [*variables.values(), *SERVICES[name].get("command", ())]:
        assert "$" not in value or re.search(r"\$\{\w+:\?\}", value), value  # `:?` refuses to start without it
    assert all("${" in value for value in variables.values()), variables


def test_every_queue_has_a_listener_and_the_clock_is_there() -> None:
    heard = {command[command.index("--queues") + 1] for command in WORKERS}
    assert heard == {queue.value for queue in Queue}
    assert [name for name in OURS if "beat" in SERVICES[name].get("command", ())] == ["schedule"]


def test_every_setting_that_is_given_exists() -> None:
    given = {name for service in SERVICES.values() for name in service.get("environment", {})}
    given |= set(re.findall(r"(AVATAR_\w+)=", DOCKERFILE))
    known = {f"AVATAR_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in given if name.startswith("AVATAR_")} <= known


@pytest.mark.parametrize("name", SERVICES)
def test_everything_that_is_named_is_there(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", ())) <= set(SERVICES)
    assert {volume.split(":")[0] for volume in service.get("volumes", ())} <= set(COMPOSE["volumes"])
    if name in OURS:
        hosts = re.findall(r"(?:@|http://)(\w+)[:/]", " ".join(service["environment"].values()))
        assert sorted(hosts) == sorted(service["depends_on"])


def test_ours_is_reachable_from_this_machine_only_and_the_others_not_at_all() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports == {"api": ["127.0.0.1:8000:8000"]}
