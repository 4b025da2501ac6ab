"""Whatever operation fails, before it is done or after, once or for a while: in the end nothing is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.privacy.failing import Saboteur
from tests.privacy.nth import KINDS, PACE, one, sweep
from tests.privacy.staging import staged

STRIDE = {"job": 61, "purge": 67}  # python -m tests.privacy.nth takes every single one


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["job", "purge"])
def test_whichever_operation_fails_all_of_it_is_erased_in_the_end(step: str, after: bool, lasting: bool) -> None:
    runs = list(sweep(step, after, lasting, STRIDE[step]))
    assert [run for run in runs if run[2]] == []
    assert len(runs) > 3
    assert runs[-1][1] == "", "the last run is clean"


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whichever_ring_is_lost_all_of_it_is_erased_in_the_end(after: bool, lasting: bool) -> None:
    runs = list(sweep("job", after, lasting, only="broker"))
    assert [run for run in runs if run[2]] == []
    assert len(runs) > 7, "five stages and two looks are rung for"
    assert {run[1] for run in runs[:-1]} == {"broker"}


def test_a_run_without_a_fault_does_all_by_ringing_and_uses_every_kind_of_operation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saboteur = Saboteur(10**9)
    with staged(tmp_path, "folder", monkeypatch, PACE) as stage:
        assert one(stage, monkeypatch, saboteur, "job") == []
    assert set(saboteur.kinds) == set(KINDS)
