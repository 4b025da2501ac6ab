"""The kill matrix: each fault at each stage once, or as many as AVATAR_TEST_FAULTS says (.ci/run).

And that its books can fail to balance.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
from collections import Counter

import pytest

from avatar.job import ORDER
from tests.faults.figures import p95
from tests.faults.matrix import plan
from tests.faults.moves import wrong_moves
from tests.faults.strikes import DEAR, STAGES, Fault
from tests.faults.trial import ROOT

WHOLE = [(was.value, stage, None) for was, stage in itertools.pairwise(ORDER)] + [("deliver", "purge", "done")]


@pytest.mark.timeout(2400)
def test_every_fault_at_every_stage_loses_nothing_doubles_nothing_and_leaves_nothing() -> None:
    cells = os.environ.get("AVATAR_TEST_FAULTS") or str(len(Fault) * len(STAGES))
    command = [sys.executable, "-m", "tests.faults.matrix", "--faults", cells, "--pace", "0.02"]
    postgres = os.environ.get("AVATAR_TEST_POSTGRES", "")
    done = subprocess.run([*command, "--postgres", postgres], cwd=ROOT, capture_output=True, text=True)
    print(done.stdout)  # the table, for whoever asks pytest to show it
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert f"{cells} faults" in done.stdout


def test_a_plan_holds_every_cell_and_the_dear_faults_less_often() -> None:
    cells = Counter(plan(1000, random.Random(1)))
    assert (sum(cells.values()), set(cells)) == (1000, set(itertools.product(Fault, STAGES)))
    assert max(cells[fault, stage] for fault in DEAR for stage in STAGES) < cells[Fault.FROZEN, ORDER[0]]


def test_a_whole_journey_is_in_order_and_a_cancelled_one_as_well() -> None:
    assert wrong_moves(WHOLE) == []
    assert wrong_moves([*WHOLE[:2], ("render", "purge", "cancelled")]) == []


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ([*WHOLE, WHOLE[-1]], "it left deliver 2 times"),
        (WHOLE[:-1], "it ended 0 times"),
        ([*WHOLE[:3], ("finish", "purge", "done")], "it was delivered, and left only"),
        ([*WHOLE, ("purge", "purge", "failed")], "it moved after its end"),
        ([*WHOLE[:2], *WHOLE[1:]], "it left tune 2 times"),
    ],
)
def test_a_journey_that_is_not_in_order_is_seen(made: list[tuple[str, str, str | None]], said: str) -> None:
    assert any(wrong.startswith(said) for wrong in wrong_moves(made))


def test_of_a_hundred_waits_the_95th_counts() -> None:
    assert (p95([float(wait) for wait in range(1, 101)]), p95([3.0]), p95([])) == (95.0, 3.0, 0.0)
