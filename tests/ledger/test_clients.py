"""Keys: shown once, kept as a digest, ended at once."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Engine

from avatar.ledger.clients import PAGE, Client, Quota, Scope, everybody, make_client, page_client, revoke, whose
from avatar.ledger.engine import open_ledger, scrub
from avatar.ledger.history import upgrade


def test_a_key_opens_its_own_client_and_a_changed_one_opens_nothing(engine: Engine) -> None:
    client, key = make_client(engine, "app", Scope.ADMIN, Quota(1, 2, 3))
    assert whose(engine, key) == client
    assert whose(engine, key[:-1] + ("A" if key[-1] != "A" else "B")) is None
    assert whose(engine, "") is None


def test_a_revoked_key_is_refused_and_revoking_twice_is_the_same_as_once(engine: Engine) -> None:
    client, key = make_client(engine, "app", Scope.CLIENT, Quota())
    assert revoke(engine, client.id)
    assert not revoke(engine, client.id)
    assert whose(engine, key) is None


def test_the_key_itself_is_nowhere_in_the_files(tmp_path: Path) -> None:
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    upgrade(engine)
    _, key = make_client(engine, "findable", Scope.CLIENT, Quota())
    assert scrub(engine)
    engine.dispose()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"findable" in stored
    assert key.encode() not in stored
    assert key[4:].encode() not in stored


def test_many_first_visitors_at_once_make_one_client_of_the_page(engine: Engine) -> None:
    ready, found, faults = threading.Barrier(8), list[Client](), list[Exception]()

    def come() -> None:
        ready.wait()
        try:
            found.append(page_client(engine, Quota(5, 5, 200)))
        except Exception as fault:
            faults.append(fault)

    visitors = [threading.Thread(target=come) for _ in range(8)]
    for one in visitors:
        one.start()
    for one in visitors:
        one.join()
    assert faults == []
    assert {(client.id, client.quota) for client in found} == {(PAGE, Quota(5, 5, 200))}
    assert [row["id"] for row in everybody(engine)] == [PAGE]
