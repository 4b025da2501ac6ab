from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import tiny_sd15, tiny_sdxl, tiny_v


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One tiny base of each kind, by the name of what it is."""
    shelf = tmp_path_factory.mktemp("bases")
    return {"sd15": tiny_sd15(shelf / "a"), "sdxl": tiny_sdxl(shelf / "b"), "v": tiny_v(shelf / "c")}
