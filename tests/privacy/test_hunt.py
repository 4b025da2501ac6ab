"""After a purge nobody finds anything, not even with the keys; before it the scan finds the person in every store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from avatar.cli.serve import WIPING
from avatar.job import Kind
from tests.privacy.canaries import Canaries
from tests.privacy.mutants import MUTANTS, Mutant
from tests.privacy.scan import Thief, in_bytes, regions
from tests.privacy.staging import Stage, staged

EVERYWHERE = {"folder": {"vault", "keys", "keys, held open", "ledger"},
              "bucket": {"bucket", "bucket's uploads", "keys", "keys, held open", "ledger"}}  # fmt: skip


@pytest.fixture(params=["folder", "bucket"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with staged(tmp_path, request.param, monkeypatch) as made:
        yield made


def test_before_a_purge_the_scan_finds_the_person_in_every_store_and_after_it_in_none(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    thief = stage.job(monkeypatch)
    before = stage.scan(thief)
    assert {find.store for find in before} == EVERYWHERE["bucket" if stage.bucket else "folder"]
    store = "bucket" if stage.bucket else "vault"
    assert {find.what.split(" opens")[0] for find in before if find.store == store and "opens" in find.what} == set(
        Kind
    )
    stage.erase(thief.job)
    assert stage.scan(thief) == []
    thief.close()


@pytest.mark.parametrize("place", ["log", "temp", "caches"])
def test_a_canary_planted_anywhere_else_is_found_and_the_place_named(tmp_path: Path, place: str) -> None:
    canaries = Canaries()
    thief = Thief("job_x", canaries, {}, {}, {})  # type: ignore[arg-type]
    for mark in canaries.marks().values():
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "file").write_bytes(b"before " + mark + b" behind")
        found = [what for path in (tmp_path / place).iterdir() for what in in_bytes(path.read_bytes(), thief)]
        assert found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_deletion_with_one_step_left_out_is_caught_and_the_store_named(
    mutant: Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with staged(tmp_path, mutant.on, monkeypatch) as stage:
        thief = stage.job(monkeypatch)
        with monkeypatch.context() as patch:
            mutant.breaks(patch, stage)
            mutant.carried_out(stage, thief.job)
        found = {find.store for find in stage.scan(thief)}
        assert mutant.store in found, found
        thief.close()


def test_there_are_at_least_twenty_mutants_over_every_store() -> None:
    assert len(MUTANTS) >= 20
    assert {mutant.store for mutant in MUTANTS} == EVERYWHERE["folder"] | EVERYWHERE["bucket"]


FREED = """
import sys
held = [b"canary-" + bytes([65 + n % 26]) * size for n, size in enumerate((9, 40, 400, 900, 5000, 90000))]
if sys.argv[1] == "freed":
    del held
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("holds", "found"), [("held", True), ("freed", False)])
def test_what_a_part_of_the_service_frees_is_overwritten_in_its_memory(holds: str, found: bool) -> None:
    command = [sys.executable, "-c", FREED, holds]
    with subprocess.Popen(
        command, env={**os.environ, **WIPING}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        sizes = ((0, 9), (1, 40), (2, 400), (3, 900), (4, 5000), (5, 90000))
        marks = [b"canary-" + bytes([65 + n]) * size for n, size in sizes]
        held = b"".join(regions(process.pid))
        process.stdin.close()
    assert [mark in held for mark in marks] == [found] * len(marks)
