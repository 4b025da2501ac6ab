"""One job through its stages, with hands that only pretend: order, erasing, endings."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avatar.errors import Cancelled
from avatar.job import (
    DIES_AFTER,
    ORDER,
    Again,
    ClassWord,
    Consent,
    Done,
    Ending,
    Job,
    Kind,
    Outcome,
    Refused,
    Stage,
    dying_after,
    following,
    new_id,
)
from avatar.pipeline import ATTEMPTS, Record, carry, move
from avatar.vault.keys import MemoryKeys
from avatar.vault.local import LocalVault

WRITES = {
    Stage.INTAKE: (Kind.CROP,),
    Stage.TUNE: (Kind.CHECKPOINT, Kind.ADAPTER),
    Stage.RENDER: (Kind.CANDIDATE,),
    Stage.FINISH: (Kind.PICTURE,),
    Stage.DELIVER: (),
}
NEEDS = {
    Stage.INTAKE: (Kind.PHOTO,),
    Stage.TUNE: (Kind.CROP,),
    Stage.RENDER: (Kind.CROP, Kind.ADAPTER),
    Stage.FINISH: (Kind.CANDIDATE,),
    Stage.DELIVER: (Kind.PICTURE,),
}


def a_job() -> Job:
    return Job(new_id(), ClassWord.PERSON, ("photo",), 4, "pocket", 1, Consent("mine", datetime.now(UTC)))


@pytest.fixture
def vault(tmp_path: Path) -> LocalVault:
    return LocalVault(tmp_path / "jobs", MemoryKeys())


def hands(vault: LocalVault, **special: Callable[[Job], Outcome]) -> dict[Stage, Callable[[Job], Outcome]]:
    """Stages that check that what they need is there, and write what they should."""

    def hand(stage: Stage) -> Callable[[Job], Outcome]:
        def run(job: Job) -> Outcome:
            assert all(vault.names(job.id, kind) for kind in NEEDS[stage]), stage
            for kind in WRITES[stage]:
                vault.put(job.id, kind, "x", b"x")
            return Done({"did": stage})

        return run

    return {stage: special.get(stage, hand(stage)) for stage in ORDER}


def start(vault: LocalVault) -> Record:
    record = Record(a_job())
    vault.open(record.job.id)
    vault.put(record.job.id, Kind.PHOTO, "p01", b"x")
    return record


def test_stages_run_in_order_and_nothing_is_left_that_the_last_one_needed(vault: LocalVault) -> None:
    record = start(vault)
    carry(record, hands(vault), vault)
    assert record.job.ending is Ending.DONE
    assert list(record.job.facts) == list(ORDER)
    assert [vault.names(record.job.id, kind) for kind in Kind] == [[]] * len(Kind)
    assert {(line.kind, line.after) for line in record.sweeps} == {(str(k), str(s)) for k, s in DIES_AFTER.items()}


def test_every_kind_of_thing_dies_after_some_stage_but_the_pack_which_is_the_persons() -> None:
    mortal = set(Kind) - {Kind.PACK}
    assert set(DIES_AFTER) == mortal
    assert sorted(kind for stage in ORDER for kind in dying_after(stage)) == sorted(mortal)


def test_after_the_last_stage_comes_purge_and_after_purge_nothing() -> None:
    assert following(Stage.DELIVER) is Stage.PURGE
    assert following(Stage.PURGE) is Stage.PURGE


def test_a_refusal_ends_the_job_and_later_stages_do_not_run(vault: LocalVault) -> None:
    record = start(vault)
    carry(record, hands(vault, tune=lambda _: Refused("why", "Because.", {"n": 1})), vault)
    assert (record.job.ending, record.code, record.sentence) == (Ending.REFUSED, "why", "Because.")
    assert list(record.job.facts) == [Stage.INTAKE, Stage.TUNE]


def test_a_fault_is_recorded_as_a_failure_and_raised(vault: LocalVault) -> None:
    def broken(_: Job) -> Outcome:
        raise RuntimeError("disk on fire")

    record = start(vault)
    with pytest.raises(RuntimeError, match="on fire"):
        carry(record, hands(vault, render=broken), vault)
    assert record.job.ending is Ending.FAILED
    assert vault.names(record.job.id, Kind.ADAPTER) == ["x"]  # what the repeat would need is still there


@pytest.mark.parametrize("error", [Cancelled("stop"), KeyboardInterrupt()])
def test_a_stop_is_recorded_as_cancelled(vault: LocalVault, error: BaseException) -> None:
    def stopped(_: Job) -> Outcome:
        raise error

    record = start(vault)
    with pytest.raises(type(error)):
        carry(record, hands(vault, tune=stopped), vault)
    assert record.job.ending is Ending.CANCELLED


def test_a_stage_that_asks_again_is_tried_so_often_and_then_refused(vault: LocalVault) -> None:
    waited: list[float] = []
    calls = []

    def again(job: Job) -> Outcome:
        calls.append(job.id)
        return Again(5)

    record = start(vault)
    move(record, again, vault, waited.append)
    assert len(calls) == ATTEMPTS
    assert waited == [5] * (ATTEMPTS - 1)
    assert record.code == "gave_up"
