"""What the doctor says of settings that open a door."""

from __future__ import annotations

from pathlib import Path

from avatar.cli.doctor import look
from avatar.settings import Settings


def test_webhooks_to_this_machine_are_pointed_at_and_are_off_by_themselves(tmp_path: Path) -> None:
    closed, opened = (Settings(state=tmp_path, weights=tmp_path, webhooks_local=local) for local in (False, True))
    assert Settings(state=tmp_path).webhooks_local is False
    for settings, level in ((closed, []), (opened, ["note"])):
        told = [finding for finding in look(settings) if finding.what == "AVATAR_WEBHOOKS_LOCAL"]
        assert [finding.level for finding in told] == level
