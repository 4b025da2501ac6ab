"""Mutants of the deletion: the product with one step left out each, and the store in which the scan must find it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import event

import avatar.erasure.settle as settling
import avatar.service
from avatar.errors import AvatarError
from avatar.job import JobId, Kind
from avatar.ledger.deletions import What
from avatar.vault.disk import DiskStore
from avatar.vault.keyring import Keyring
from avatar.vault.s3 import S3Store
from avatar.vault.sealed import SealedVault
from tests.privacy.staging import Stage

Break = Callable[[pytest.MonkeyPatch, Stage], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One step left out."""

    name: str
    store: str  # where the scan must find it
    breaks: Break
    on: str = "folder"

    def carried_out(self, stage: Stage, job: JobId) -> None:
        """The product may notice by itself and refuse to call it done; what is left is found all the same."""
        with contextlib.suppress(AvatarError):
            stage.erase(job)


def _forgets_not(which: Kind, patch: pytest.MonkeyPatch, _: Stage) -> None:
    real = SealedVault.forget_key

    def forget(vault: SealedVault, job: JobId, kind: Kind = Kind.PHOTO) -> bool:
        return True if (kind is Kind.PACK) == (which is Kind.PACK) else real(vault, job, kind)

    patch.setattr(SealedVault, "forget_key", forget)


def _keeps_the_file(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(Keyring, "destroy", lambda *_: True)


def _moves_the_file(patch: pytest.MonkeyPatch, _: Stage) -> None:
    """Removed and not overwritten: whoever holds it open still reads it."""
    patch.setattr(Keyring, "destroy", lambda ring, job: ring._path(job).unlink(missing_ok=True))


def _leaves_an_empty_file(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(Keyring, "destroy", lambda ring, job: ring._path(job).write_bytes(b""))


def _spares(which: Kind, blind: bool, patch: pytest.MonkeyPatch, _: Stage) -> None:
    """One kind is not erased; `blind`: and the listing afterwards does not look there either."""
    erase, remains = SealedVault.erase, SealedVault.remains

    def spared(vault: SealedVault, job: JobId, kind: Kind) -> list[str]:
        return [] if kind is which else erase(vault, job, kind)

    def unseen(vault: SealedVault, job: JobId, kinds: Any = tuple(Kind)) -> list[str]:
        return remains(vault, job, [kind for kind in kinds if kind is not which])

    patch.setattr(SealedVault, "erase", spared)
    if blind:
        patch.setattr(SealedVault, "remains", unseen)


def _forgets_nothing_in_rows(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(settling, "_scrub_rows", lambda *_: None)


def _keeps_photos_rows(patch: pytest.MonkeyPatch, _: Stage) -> None:
    class Nothing:
        def where(self, *_: object) -> Any:
            from sqlalchemy import text

            return text("SELECT 1")

    patch.setattr(settling, "delete", lambda _: Nothing())


def _keeps_facts(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(settling, "_times", lambda facts: facts)


def _keeps_the_log(patch: pytest.MonkeyPatch, _: Stage) -> None:
    """The write-ahead log is not emptied."""
    patch.setattr(settling, "scrub", lambda _: True)


def _keeps_old_pages(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    """SQLite does not overwrite what it frees."""
    event.listen(stage.service.engine, "checkout", lambda line, *_: line.execute("PRAGMA secure_delete=OFF"))


def _takes_inputs_only(patch: pytest.MonkeyPatch, _: Stage) -> None:
    real = settling.settle
    patch.setattr(
        avatar.service, "settle", lambda a, b, debt, *more: real(a, b, replace(debt, what=What.INPUTS), *more)
    )


def _says_done_at_once(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(SealedVault, "erase", lambda *_: [])
    patch.setattr(SealedVault, "remains", lambda *_: [])


def _looks_once(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    patch.setattr(Stage, "later", lambda _: None)


def _second_look_only_looks(patch: pytest.MonkeyPatch, _: Stage) -> None:
    erase, remains = SealedVault.erase, SealedVault.remains
    done: set[tuple[str, str]] = set()

    def once(vault: SealedVault, job: JobId, kind: Kind) -> list[str]:
        if (job, kind) in done:
            return []
        done.add((job, kind))
        return erase(vault, job, kind)

    patch.setattr(SealedVault, "erase", once)
    patch.setattr(SealedVault, "remains", lambda vault, job, kinds=(): remains(vault, job, kinds) and [])


def _keeps_half_files(patch: pytest.MonkeyPatch, _: Stage) -> None:
    def remove(store: DiskStore, prefix: str) -> list[str]:
        names = store.names(prefix)
        for name in names:
            store.drop(prefix + name)
        return names

    listed = DiskStore.remains
    patch.setattr(DiskStore, "remove", remove)
    patch.setattr(DiskStore, "remains", lambda *words: [name for name in listed(*words) if name[0] != "."])


def _keeps_empty_folders(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(DiskStore, "_prune", lambda *_: None)


def _keeps_versions(patch: pytest.MonkeyPatch, _: Stage) -> None:
    """A plain delete, which a bucket with versions answers with a marker."""

    def remove(store: S3Store, prefix: str) -> list[str]:
        names = store.names(prefix)
        for name in names:
            store._client.delete_object(Bucket=store._bucket, Key=prefix + name)
        return names

    patch.setattr(S3Store, "remove", remove)
    patch.setattr(S3Store, "remains", S3Store.names)


def _keeps_old_versions(patch: pytest.MonkeyPatch, _: Stage) -> None:
    """The newest version only."""
    real = S3Store._versions
    patch.setattr(S3Store, "_versions", lambda store, prefix: real(store, prefix)[:1])
    patch.setattr(S3Store, "remains", lambda *_: [])


def _keeps_uploads(patch: pytest.MonkeyPatch, _: Stage) -> None:
    patch.setattr(S3Store, "_uploads", lambda *_: [])


def _reads_no_second_page(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    """A listing's first page is taken for all of it."""
    real = S3Store._versions
    patch.setattr(S3Store, "_versions", lambda store, prefix: [] if "photo" in prefix else real(store, prefix))


def _overlooks_errors(patch: pytest.MonkeyPatch, stage: Stage) -> None:
    """The bucket refuses inside an answer of 200, and nobody reads it."""

    def remove(store: S3Store, prefix: str) -> list[str]:
        return store.names(prefix)

    patch.setattr(S3Store, "remove", remove)
    patch.setattr(S3Store, "remains", lambda *_: [])


MUTANTS = (
    Mutant("the inputs' key is not destroyed", "keys", functools.partial(_forgets_not, Kind.PHOTO)),
    Mutant("the pack's key is not destroyed", "keys", functools.partial(_forgets_not, Kind.PACK)),
    Mutant("the keys' files are left", "keys", _keeps_the_file),
    Mutant("the keys' files are removed and not overwritten", "keys, held open", _moves_the_file),
    Mutant("the keys' files are emptied and not removed", "keys", _leaves_an_empty_file),
    *(Mutant(f"{kind} is not erased", "vault", functools.partial(_spares, kind, False)) for kind in Kind),
    *(Mutant(f"{kind} is neither erased nor listed", "vault", functools.partial(_spares, kind, True)) for kind in Kind),
    Mutant("no row is touched", "ledger", _forgets_nothing_in_rows),
    Mutant("rows of photos stay", "ledger", _keeps_photos_rows),
    Mutant("what stages found stays", "ledger", _keeps_facts),
    Mutant("the write-ahead log is not emptied", "ledger", _keeps_the_log),
    Mutant("freed pages are not overwritten", "ledger", _keeps_old_pages),
    Mutant("the pack is spared", "vault", _takes_inputs_only),
    Mutant("it is called done at once", "vault", _says_done_at_once),
    Mutant("there is no second look", "vault", _looks_once),
    Mutant("the second look only looks", "vault", _second_look_only_looks),
    Mutant("half-written files stay", "vault", _keeps_half_files),
    Mutant("empty folders of the job stay", "vault", _keeps_empty_folders),
    Mutant("a delete leaves a marker", "bucket", _keeps_versions, "bucket"),
    Mutant("old versions stay", "bucket", _keeps_old_versions, "bucket"),
    Mutant("open uploads stay", "bucket's uploads", _keeps_uploads, "bucket"),
    Mutant("a page of the listing is not read", "bucket", _reads_no_second_page, "bucket"),
    Mutant("errors inside an answer are not read", "bucket", _overlooks_errors, "bucket"),
    Mutant(
        "the inputs' key is not destroyed, on a bucket", "keys", functools.partial(_forgets_not, Kind.PHOTO), "bucket"
    ),
)
