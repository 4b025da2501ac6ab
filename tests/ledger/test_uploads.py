"""Photos of an order: one that is there is not taken in again."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from avatar.errors import NotNow
from avatar.ledger import uploads
from avatar.ledger.clients import Client
from tests.ordering import ordered


def test_a_photo_that_arrived_is_told_to_be_here_and_is_no_fault_of_ours(engine: Engine, client: Client) -> None:
    job = ordered(engine, client)
    with pytest.raises(NotNow, match="here already"):
        uploads.expect(engine, client, job, "p01")
