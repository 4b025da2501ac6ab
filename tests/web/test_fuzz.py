"""Made-up calls break nothing, promise nothing that is not kept, and reach nobody else's things."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.fuzz import run


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_made_up_calls_are_answered_as_the_document_says(tmp_path: Path) -> None:
    seen = run(400, 3, tmp_path, lambda _: None)
    assert seen.wrong == []
    assert seen.answers.total() > 350
    assert {status for _, status in seen.answers} >= {200, 201, 202, 204, 404, 409, 422}
    assert max(status for _, status in seen.answers) < 500
