"""A debt of deletion is paid whole or stays owed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from avatar.erasure.receipt import check
from avatar.erasure.settle import INPUTS, settle
from avatar.erasure.signing import Signer
from avatar.errors import Spoiled, Stale, Unsafe
from avatar.job import ClassWord, JobId, Kind, new_id
from avatar.ledger import deletions, orders, uploads
from avatar.ledger.clients import Quota, Scope, make_client
from avatar.ledger.deletions import Debt, What, demand
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow, PhotoRow
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring
from avatar.vault.sealed import SealedVault
from tests.ordering import photographed

SIGNER = Signer(bytes(32))
WANTED = orders.Wanted(ClassWord.PERSON, ("photo",), 4, "pocket", 1, "These are photos of me.")


@pytest.fixture
def vault(tmp_path: Path) -> SealedVault:
    return SealedVault(DiskStore(tmp_path / "vault"), Keyring(tmp_path / "keys", bytes(range(32))))


@pytest.fixture
def job(engine: Engine, vault: SealedVault) -> JobId:
    """A job with something of every kind, and a photo the ledger knows of."""
    client, _ = make_client(engine, "app", Scope.CLIENT, Quota())
    made = orders.make(engine, client, new_id(), WANTED).id
    photographed(engine, client, made)
    uploads.judge(engine, made, "p01", "no_face", "We see no face here.", "")
    vault.open(made)
    for kind in Kind:
        vault.put(made, kind, "a", b"x")
    return made


def owed(engine: Engine, job: JobId, what: What) -> Debt:
    with transaction(engine) as session:
        deletion = demand(session, job, what, "test")
    debt = deletions.take(engine, deletion, 60)
    assert debt is not None
    return debt


def test_the_end_of_a_job_takes_everything_but_the_pack(engine: Engine, vault: SealedVault, job: JobId) -> None:
    told = settle(engine, vault, owed(engine, job, What.INPUTS), SIGNER)
    assert vault.remains(job) == ["pack/a"]
    assert vault.get(job, Kind.PACK, "a") == b"x"
    assert {line["kind"] for line in told["erased"]} == set(INPUTS)
    assert told["complete"]
    assert check(told)


def test_deleting_everything_takes_pack_keys_and_what_the_ledger_knew(
    engine: Engine, vault: SealedVault, job: JobId, tmp_path: Path
) -> None:
    debt = owed(engine, job, What.EVERYTHING)
    told = settle(engine, vault, debt, SIGNER)
    assert vault.remains(job) == []
    assert list((tmp_path / "keys").iterdir()) == []
    with pytest.raises(Spoiled):
        vault.get(job, Kind.PACK, "a")
    with transaction(engine) as session:
        assert session.scalars(select(PhotoRow)).all() == []
        assert session.get_one(DeletionRow, debt.id).receipt == told
    assert all(b"no_face" not in path.read_bytes() for path in (tmp_path / "ledger").iterdir())


def test_what_will_not_go_stays_owed(
    engine: Engine, vault: SealedVault, job: JobId, monkeypatch: pytest.MonkeyPatch
) -> None:
    debt = owed(engine, job, What.EVERYTHING)
    monkeypatch.setattr(SealedVault, "erase", lambda *_: [])
    with pytest.raises(Unsafe, match="still there"):
        settle(engine, vault, debt, SIGNER)
    with transaction(engine) as session:
        assert session.get_one(DeletionRow, debt.id).done_at is None
    with pytest.raises(Spoiled):  # and yet nobody can read it any more
        vault.get(job, Kind.PHOTO, "a")


def test_cut_off_anywhere_and_repeated_it_ends_paid(engine: Engine, vault: SealedVault, job: JobId) -> None:
    with transaction(engine) as session:
        deletion = demand(session, job, What.EVERYTHING, "test")
    calls = 0
    for kill_at in range(40):
        debt = deletions.take(engine, deletion, -1)
        assert debt is not None
        calls = 0

        class Dying(SealedVault):
            def _count(self) -> None:
                nonlocal calls
                calls += 1
                if calls > kill_at:  # noqa: B023 (called in this round only)
                    raise ConnectionError("killed")

            def forget_key(self, job: JobId, kind: Kind = Kind.PHOTO) -> bool:
                self._count()
                return super().forget_key(job, kind)

            def erase(self, job: JobId, kind: Kind) -> list[str]:
                self._count()
                return super().erase(job, kind)

        try:
            settle(engine, Dying(vault._store, vault._keys), debt, SIGNER)
            break
        except ConnectionError:
            continue
    assert calls == kill_at == 2 + len(Kind)
    assert vault.remains(job) == []
    assert deletions.take(engine, deletion, 60) is None


def test_a_worker_that_was_overtaken_can_not_say_it_is_paid(engine: Engine, vault: SealedVault, job: JobId) -> None:
    with transaction(engine) as session:
        deletion = demand(session, job, What.EVERYTHING, "test")
    late = deletions.take(engine, deletion, -1)
    assert late is not None
    assert deletions.take(engine, deletion, 60) is not None
    with pytest.raises(Stale):
        settle(engine, vault, late, SIGNER)
