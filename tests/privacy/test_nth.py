"""Whatever operation fails, before it is done or after, once or for a while: in the end nothing is left."""

from __future__ import annotations

import pytest

from tests.privacy.nth import sweep

STRIDE = {"job": 61, "purge": 67}  # python -m tests.privacy.nth takes every single one


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", ["job", "purge"])
def test_whichever_operation_fails_all_of_it_is_erased_in_the_end(step: str, after: bool, lasting: bool) -> None:
    runs = list(sweep(step, after, lasting, STRIDE[step]))
    assert [run for run in runs if run[2]] == []
    assert len(runs) > 3
    assert runs[-1][1] == "", "the last run is clean"
