"""The operator's purge: exactly what was shown goes, twice is once, and cut off anywhere it completes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from avatar.cli.main import app
from avatar.erasure import purging
from avatar.erasure.purging import Came, carry_out, plan
from avatar.erasure.signing import faults
from avatar.errors import Cancelled, NotFound
from avatar.job import JobId
from avatar.ledger import audit, holds
from avatar.ledger.chosen import Which
from avatar.ledger.clients import Client, Quota, Scope, make_client
from avatar.ledger.engine import reading, transaction
from avatar.ledger.tables import DeletionRow, JobRow
from avatar.service import Service
from tests.privacy.canaries import Canaries
from tests.privacy.subject import ordered, run, stored


@pytest.fixture
def command(service: Service, monkeypatch: pytest.MonkeyPatch) -> object:
    """Runs `avatar WORDS` on this service; code and what it printed."""
    monkeypatch.setenv("AVATAR_STATE", str(service.settings.state))
    monkeypatch.setenv("AVATAR_WEIGHTS", str(service.settings.weights))
    monkeypatch.setenv("AVATAR_PACE", "0.02")

    def call(*words: str, said: str | None = None) -> tuple[int, str]:
        done = CliRunner().invoke(app, words, input=said)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    return call


def purged(service: Service, which: Which) -> list[purging.Purged]:
    jobs = [one.job for one in plan(service.engine, service.vault, which)]
    return list(carry_out(service.engine, service.purge, jobs, "console", 5.0))


def test_a_dry_run_shows_exactly_what_a_purge_then_takes_and_changes_nothing(
    service: Service, client: Client, command: object
) -> None:
    jobs = [run(service, client, Canaries(), stages) for stages in (1, 3, 5)]
    code, said = command("purge", "--everything", "--dry-run", "--json")  # type: ignore[operator]
    told = json.loads(said)
    assert code == 0
    assert [one["job"] for one in told["jobs"]] == jobs
    folder = service.settings.service / "vault"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert (told["objects"], told["bytes"]) == (len(files), sum(path.stat().st_size for path in files))
    assert all(stored(service, job) for job in jobs)
    code, said = command("purge", "--everything", "--json")  # type: ignore[operator]
    assert (code, json.loads(said)["erased"]) == (0, 3)
    assert not [path for path in folder.rglob("*") if path.is_file()]
    with reading(service.engine) as session:
        receipts = session.scalars(select(DeletionRow.receipt).where(DeletionRow.what == "everything")).all()
    assert [faults(paper, service.signer.public) for paper in receipts if paper] == [[], [], []]
    lines = [line for paper in receipts if paper for line in paper["erased"] if line["after"] == "purge"]
    removed = sum(line["objects"] for line in lines)
    assert removed == told["objects"]


def test_jobs_are_chosen_by_id_by_key_by_age_or_all_and_never_by_naming_nothing(
    service: Service, client: Client, command: object
) -> None:
    other, _ = make_client(service.engine, "other", Scope.CLIENT, Quota(10, 10, 10))
    mine, foreign = ordered(service, client, Canaries()), ordered(service, other, Canaries())
    with transaction(service.engine) as session:
        session.get_one(JobRow, mine).made_at -= 7200

    def chosen(**which: object) -> list[str]:
        return [one.job for one in plan(service.engine, service.vault, Which(**which))]  # type: ignore[arg-type]

    assert chosen() == []
    assert chosen(jobs=(foreign,)) == [foreign]
    assert chosen(client=other.id) == [foreign]
    assert chosen(older_than=3600.0) == [mine]
    assert chosen(everything=True) == [mine, foreign]
    assert chosen(client=other.id, older_than=3600.0) == []
    for which in (Which(jobs=("job_nobody",)), Which(client="cli_nobody")):
        with pytest.raises(NotFound):
            plan(service.engine, service.vault, which)
    assert command("purge")[0] == 2  # type: ignore[operator]
    assert command("purge", "--older-than", "soon")[0] == 2  # type: ignore[operator]
    code, said = command("purge", "--older-than", "1h", "--json")  # type: ignore[operator]
    assert (code, [one["job"] for one in json.loads(said)["jobs"]]) == (0, [mine])
    assert stored(service, foreign)


def test_purging_twice_is_the_same_as_once(service: Service, client: Client, command: object) -> None:
    job = run(service, client, Canaries(), 2)
    first = command("purge", job, "--json")  # type: ignore[operator]
    with reading(service.engine) as session:
        receipt = session.scalars(select(DeletionRow.receipt)).one()
    assert first[0] == 0
    code, said = command("purge", job)  # type: ignore[operator]
    assert (code, "nothing to erase" in said) == (0, True)
    with reading(service.engine) as session:
        assert session.scalars(select(DeletionRow.receipt)).one() == receipt


def test_more_than_ten_jobs_are_asked_about(service: Service, client: Client, command: object) -> None:
    jobs = [ordered(service, client, Canaries()) for _ in range(11)]
    assert command("purge", "--everything", said="n\n")[0] == 2  # type: ignore[operator]
    assert command("purge", "--everything", "--json")[0] == 2  # type: ignore[operator]
    assert all(stored(service, job) for job in jobs)
    assert command("purge", "--everything", "--yes")[0] == 0  # type: ignore[operator]
    assert not any(stored(service, job) for job in jobs)


def test_where_nobody_answers_nothing_is_erased_and_it_is_said(
    service: Service, client: Client, command: object
) -> None:
    jobs = [ordered(service, client, Canaries()) for _ in range(11)]
    code, said = command("purge", "--everything", said="")  # type: ignore[operator]
    assert (code, "Nothing was erased" in said, "--yes" in said) == (2, True, True)
    assert all(stored(service, job) for job in jobs)


@pytest.mark.parametrize("words", [("job_nobody",), ("--client", "cli_nobody")])
def test_a_job_or_key_that_is_not_known_is_refused_with_3(command: object, words: tuple[str, ...]) -> None:
    code, said = command("purge", *words)  # type: ignore[operator]
    assert (code, words[-1] in said) == (3, True)


def test_stopped_half_way_it_stops_says_how_far_and_the_same_command_completes(
    service: Service, client: Client, command: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [run(service, client, Canaries(), 2) for _ in range(3)]
    real, turns = Service.purge, iter(range(9))

    def stopping(here: Service, deletion: str) -> None:
        if next(turns) == 1:
            raise Cancelled("Stopped on request.")
        real(here, deletion)

    with monkeypatch.context() as patch:
        patch.setattr(Service, "purge", stopping)
        with pytest.raises(Cancelled):
            command("purge", "--everything")  # type: ignore[operator]
    assert [bool(stored(service, job)) for job in jobs] == [False, True, True]
    code, said = command("purge", "--everything")  # type: ignore[operator]
    assert (code, "2 of 2 jobs erased" in said) == (0, True)
    assert not any(stored(service, job) for job in jobs)


@pytest.mark.parametrize("dies_at", range(0, 9))
def test_killed_half_way_and_run_again_it_completes(
    service: Service, client: Client, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    jobs = [run(service, client, Canaries(), 2) for _ in range(3)]
    calls, vault = 0, type(service.vault)
    real = vault.forget_key

    def dying(*words: object) -> bool:
        nonlocal calls
        calls += 1
        if calls > dies_at:
            raise KeyboardInterrupt
        return real(*words)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(vault, "forget_key", dying)
        if dies_at < 2 * len(jobs):
            with pytest.raises(KeyboardInterrupt):
                purged(service, Which(everything=True))
        else:
            purged(service, Which(everything=True))
    with transaction(service.engine) as session:  # a minute later
        for row in session.scalars(select(DeletionRow)):
            row.lease_until = None
    again = purged(service, Which(everything=True))
    assert {one.came for one in again} <= {Came.ERASED}
    assert not any(stored(service, job) for job in jobs)


def test_what_will_not_go_is_told_and_stays_owed(
    service: Service, client: Client, command: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = run(service, client, Canaries(), 2)
    with monkeypatch.context() as patch:
        patch.setattr(type(service.vault), "erase", lambda *_: [])
        code, said = command("purge", job, "--json")  # type: ignore[operator]
    assert (code, json.loads(said)["jobs"][0]["code"]) == (4, "not_erased")
    with reading(service.engine) as session:
        assert session.scalars(select(DeletionRow.done_at)).all() == [None]


def test_a_held_job_is_out_of_reach_and_its_erasure_stays_owed(
    service: Service, client: Client, command: object
) -> None:
    held, free = (run(service, client, Canaries(), 2) for _ in range(2))
    assert command("hold", "add", held, "--reason", "court_order")[0] == 0  # type: ignore[operator]
    before = stored(service, held)
    code, said = command("purge", "--everything", "--json")  # type: ignore[operator]
    assert code == 4
    assert {one["job"]: one["came"] for one in json.loads(said)["jobs"]} == {held: "held", free: "erased"}
    assert (stored(service, held), stored(service, free)) == (before, set())
    assert held in command("hold", "list")[1]  # type: ignore[operator]
    assert command("hold", "lift", held)[0] == 0  # type: ignore[operator]
    assert command("purge", held)[0] == 0  # type: ignore[operator]
    assert stored(service, held) == set()
    codes = [line.code for line in audit.page(service.engine, 0, 100)]
    assert codes == ["hold_added:court_order", "purge", "purge", "holds_listed", "hold_lifted", "purge"]


def test_keys_are_made_listed_and_revoked_by_command(service: Service, command: object) -> None:
    code, said = command("key", "make", "ours", "--admin", "--json")  # type: ignore[operator]
    made = json.loads(said)
    assert (code, made["scope"]) == (0, "admin")
    assert made["key"] not in command("key", "list", "--json")[1]  # type: ignore[operator]
    assert command("key", "revoke", made["id"])[1].strip() == "revoked"  # type: ignore[operator]
    listed = json.loads(command("key", "list", "--json")[1])  # type: ignore[operator]
    assert [(one["label"], one["revoked"]) for one in listed if one["id"] == made["id"]] == [("ours", True)]


def test_a_hold_that_was_put_while_a_purge_is_under_way_is_refused(service: Service, client: Client) -> None:
    from avatar.errors import NotNow
    from avatar.ledger import deletions, orders

    job = JobId(run(service, client, Canaries(), 1))
    debt = deletions.take(service.engine, orders.erase(service.engine, client, job), 60)
    assert debt is not None
    with pytest.raises(NotNow):
        holds.add(service.engine, job, holds.Reason.DISPUTE, "console")


def test_a_held_job_keeps_what_its_stages_would_erase_until_the_hold_is_lifted(
    service: Service, client: Client, tmp_path: Path
) -> None:
    from avatar.job import Kind
    from avatar.ledger import orders
    from avatar.shift import work
    from tests.privacy.subject import bench

    canaries = Canaries()
    job = ordered(service, client, canaries)
    orders.start(service.engine, client, job)
    holds.add(service.engine, job, holds.Reason.REPORTED, "console")
    assert work(bench(service, canaries), job) is not None
    assert stored(service, job) == {Kind.PHOTO, Kind.CROP}
    deletion = orders.erase(service.engine, client, job)
    assert service.forget(job) is False
    service.purge(deletion)
    assert stored(service, job) == {Kind.PHOTO, Kind.CROP}
    assert service.vault.get(job, Kind.PHOTO, "p01") == canaries.content(Kind.PHOTO, "p01")
    holds.lift(service.engine, job, "console")
    service.purge(deletion)
    assert stored(service, job) == set()
