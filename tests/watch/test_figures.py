"""The figures: each is asserted against rows made by hand, and no label grows with what others send."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, insert, text, update

from avatar import errors
from avatar.errors import AvatarError
from avatar.job import ORDER, Done, JobId, Stage, new_id
from avatar.ledger import claims, deletions
from avatar.ledger.claims import Times
from avatar.ledger.clients import Client
from avatar.ledger.deletions import What, demand
from avatar.ledger.engine import transaction
from avatar.ledger.tables import DeletionRow, JobRow, OutboxRow, PhotoRow
from avatar.watch.figures import LedgerFigures
from avatar.watch.tally import CODES, Tally
from tests.ordering import ordered, told_at
from tests.watch.rows import clock, job, over, put

Start = Callable[[], JobId]
SECONDS = {"intake": {"seconds": 2.0}, "tune": {"seconds": 100.0, "device": "cuda"}, "render": {"seconds": 50.0}}


def told(engine: Engine) -> Callable[..., float | None]:
    """Asks one figure by name and labels."""
    registry = CollectorRegistry()
    registry.register(LedgerFigures(engine))

    def ask(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"avatar_{name}", labels)

    return ask


def test_an_empty_ledger_has_nothing_waiting_and_nothing_owed(engine: Engine) -> None:
    ask = told(engine)
    assert ask("ledger_up") == 1
    assert ask("queue_jobs", queue="heavy") == ask("queue_oldest_seconds", queue="heavy") == 0
    assert ask("deletions_overdue", what="everything") == ask("deletions_oldest_seconds", what="inputs") == 0
    assert ask("photos_unseen") == ask("messages_unsent") == ask("messages_given_up") == ask("leases_lost") == 0


def test_jobs_are_counted_by_stage_and_state(engine: Engine, client: Client, started: Start) -> None:
    ordered(engine, client)
    running, lost = started(), started()
    claims.claim(engine, running, ORDER, "w", Times())
    claims.claim(engine, lost, ORDER, "w", Times(lease=-1))
    at = clock(engine)
    put(engine, job(client, at, not_before=at + 900), job(client, at, stage="tune"), over(client, at))
    ask = told(engine)
    for state in ("waiting_for_photos", "running", "lost", "put_off"):
        assert ask("jobs", stage="intake", state=state) == 1, state
    assert ask("jobs", stage="tune", state="queued") == 1
    assert ask("jobs", stage="purge", state="queued") is None
    assert ask("leases_lost") == 1


def test_a_queue_tells_how_many_wait_and_how_long_the_oldest_does(engine: Engine, client: Client) -> None:
    at = clock(engine)
    put(
        engine,
        job(client, at - 500, stage="tune"),
        job(client, at - 20, stage="render"),
        job(client, at - 900, stage="render", lease_until=at + 60),  # at work
        job(client, at - 40, stage="tune", lease_until=at - 1),  # its worker died
        job(client, at - 70, stage="finish"),
        job(client, at - 30, stage="tune", test=True),  # a rehearsal waits in the light queue
    )
    ask = told(engine)
    assert (ask("queue_jobs", queue="heavy"), ask("queue_jobs", queue="light")) == (3, 2)
    assert ask("queue_oldest_seconds", queue="heavy") == pytest.approx(500, abs=5)
    assert ask("queue_oldest_seconds", queue="light") == pytest.approx(70, abs=5)


def test_stage_seconds_and_endings_come_from_what_was_recorded(engine: Engine, client: Client) -> None:
    at = clock(engine)
    put(
        engine,
        over(client, at - 5, facts=SECONDS),
        over(client, at - 5000, facts={**SECONDS, "tune": {"seconds": 700.0, "device": "cuda"}}),
        over(client, at - 50, "refused", "too_few_photos", facts={"intake": {"seconds": 4.0}}),
        over(client, at - 50, "done", test=True, facts=SECONDS),
    )
    ask = told(engine)
    assert ask("jobs_ended_total", ending="done", code="ok") == 2
    assert ask("jobs_ended_total", ending="refused", code="too_few_photos") == 1
    assert ask("stage_seconds_count", stage="intake") == 3
    assert ask("stage_seconds_sum", stage="intake") == 8
    assert ask("stage_seconds_bucket", stage="tune", le="120.0") == 1
    assert ask("stage_seconds_bucket", stage="tune", le="+Inf") == 2
    assert ask("delivery_heavy_seconds_sum", base="pocket", device="cuda") == 900
    assert ask("delivery_heavy_seconds_count", base="pocket", device="cuda") == 2


def test_what_a_worker_really_records_is_what_is_counted(engine: Engine, started: Start) -> None:
    one = started()
    for _ in ORDER:
        held = claims.claim(engine, one, ORDER, "w", Times())
        assert held is not None
        claims.record(engine, held, Done({"seconds": 1.5}))
    ask = told(engine)
    assert [ask("stage_seconds_sum", stage=stage.value) for stage in ORDER] == [1.5] * len(ORDER)
    assert ask("jobs_ended_total", ending="done", code="ok") == 1


def test_a_tally_counts_each_job_once_however_often_it_looks(engine: Engine, client: Client) -> None:
    at = clock(engine)
    put(engine, over(client, at - 5000, facts=SECONDS), over(client, at - 1, facts=SECONDS))
    tally = Tally(engine)
    assert tally.look().endings["done", ""] == tally.look().endings["done", ""] == 2
    put(engine, over(client, at - 30, "failed", "gave_up"))  # of a writer that was slow
    put(engine, over(client, clock(engine)))
    assert tally.look().endings == Tally(engine).look().endings == {("done", ""): 3, ("failed", "gave_up"): 1}
    assert tally.look().stages[Stage.TUNE].seconds == 200


def test_what_is_erased_stays_counted(engine: Engine, client: Client) -> None:
    from avatar.erasure.settle import _scrub_rows

    row = over(client, clock(engine) - 500, facts={**SECONDS, "finish": {"seconds": 1.0, "pictures": 8}})
    put(engine, row)
    before = Tally(engine).look()
    _scrub_rows(engine, JobId(row["id"]))
    assert Tally(engine).look() == before
    with transaction(engine) as session:
        kept = session.get_one(JobRow, row["id"]).facts
    assert kept == {**SECONDS, "finish": {"seconds": 1.0}}


def test_deletions_tell_what_is_owed_what_is_due_and_what_is_late(engine: Engine, client: Client) -> None:
    at = clock(engine)
    rows = [over(client, at) for _ in range(4)]
    put(engine, *rows)
    with transaction(engine) as session:
        for row, after in zip(rows, (86400.0, -5.0, -100.0, -300.0), strict=True):
            demand(session, row["id"], What.EVERYTHING, "test", after=after)
        paid = demand(session, rows[0]["id"], What.INPUTS, "test", after=-900.0)
        session.execute(update(DeletionRow).where(DeletionRow.id == paid).values(done_at=at))
        session.execute(update(DeletionRow).where(DeletionRow.job == rows[3]["id"]).values(tries=7))
    ask = told(engine)
    seen = {name: ask(f"deletions_{name}", what="everything") for name in ("owed", "due", "overdue", "tries")}
    assert seen == {"owed": 4, "due": 3, "overdue": 2, "tries": 7}
    assert ask("deletions_oldest_seconds", what="everything") == pytest.approx(300, abs=5)
    assert ask("deletions_owed", what="inputs") == 0


def test_the_end_of_a_job_owes_a_deletion_that_is_seen(engine: Engine, started: Start) -> None:
    held = claims.claim(engine, started(), ORDER, "w", Times())
    assert held is not None
    for _ in range(claims.ATTEMPTS - 1):
        claims.give_back(engine, held, "fault")
        held = claims.claim(engine, held.job.id, ORDER, "w", Times())
        assert held is not None
    claims.give_back(engine, held, "fault")
    ask = told(engine)
    assert ask("jobs_ended_total", ending="failed", code="fault") == 1
    assert ask("deletions_due", what="everything") == 1
    (owed,) = deletions.due(engine, 30)
    assert deletions.take(engine, owed, 60) is not None
    assert told(engine)("deletions_tries", what="everything") == 1


def test_photos_that_wait_too_long_for_their_verdict_are_seen(engine: Engine, client: Client) -> None:
    at, order = clock(engine), ordered(engine, client)
    assert told(engine)("photos_unseen") == 0
    with transaction(engine) as session:
        session.execute(update(PhotoRow).values(stored_at=at - 30))
    ask = told(engine)
    assert ask("photos_unseen") == 1
    assert ask("photos_unseen_seconds") == pytest.approx(30, abs=5)
    with transaction(engine) as session:
        session.execute(update(PhotoRow).where(PhotoRow.job == order).values(code="ok"))
    assert told(engine)("photos_unseen") == 0


def test_messages_that_do_not_arrive_are_seen(engine: Engine, client: Client) -> None:
    at, row = clock(engine), over(client, clock(engine))
    put(engine, row)
    told_at(engine, client)
    states: tuple[dict[str, Any], ...] = ({}, {"sent_at": at}, {"gave_up_at": at})
    with transaction(engine) as session:
        for number, state in enumerate(states):
            plain = {"job": row["id"], "endpoint": "end_1", "event": "job.done", "made_at": at - 40, "due_at": at}
            session.execute(insert(OutboxRow).values(id=f"msg_{number:032x}", **plain, **state))
    ask = told(engine)
    assert (ask("messages_unsent"), ask("messages_given_up")) == (1, 1)
    assert ask("messages_unsent_seconds") == pytest.approx(40, abs=5)


def test_labels_come_from_closed_lists_whatever_the_rows_say(engine: Engine, client: Client) -> None:
    at = clock(engine)
    odd = {"tune": {"seconds": 1.0, "device": "somebody's machine"}}
    put(engine, *(over(client, at, "failed", f"strange_{n}", base=f"/a/path/{n}", facts=odd) for n in range(50)))
    registry = CollectorRegistry()
    registry.register(LedgerFigures(engine))
    series = [sample for family in registry.collect() for sample in family.samples]
    assert registry.get_sample_value("avatar_jobs_ended_total", {"ending": "failed", "code": "other"}) == 50
    assert len(series) < 60
    words = " ".join(value for sample in series for value in sample.labels.values())
    assert not any(word in words for word in ("strange", "path", "somebody", "job_", "cli_"))
    put(engine, over(client, at, base="/a/path", facts=odd))
    assert told(engine)("delivery_heavy_seconds_count", base="other", device="other") == 1


def test_every_code_that_a_stage_can_end_with_is_on_the_list() -> None:
    root = Path(errors.__file__).parent
    sources = [*root.glob("stages/*.py"), *root.glob("lora/*.py"), *root.glob("vault/s[3e]*.py"), root / "shift.py"]
    sources += [root / "ledger" / "claims.py", root / "ledger" / "expiry.py", root / "vault" / "disk.py"]
    kinds = [kind for kind in (AvatarError, *AvatarError.__subclasses__()) if kind.__module__ == errors.__name__]
    found = {kind.code for kind in kinds if kind.status not in (401, 403, 409, 429)}
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                found |= {word.value.value for word in node.keywords if word.arg == "code" and _text(word.value)}
                name = getattr(node.func, "id", "")
                places = {"Refused": 0, "end": 3, "_give_back": 2}
                if name in places and len(node.args) > places[name] and _text(node.args[places[name]]):
                    found.add(node.args[places[name]].value)  # type: ignore[attr-defined]
    assert {"looks_under_18", "nothing_passed", "gave_up", "expired", "fault", "tune_diverged"} <= found
    assert found <= CODES


def _text(node: Any) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_a_ledger_that_does_not_answer_is_a_figure_and_no_fault(engine: Engine) -> None:
    ask = told(engine)
    with transaction(engine) as session:
        session.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))
    try:
        assert ask("ledger_up") == 0
        assert ask("queue_jobs", queue="heavy") is None
    finally:
        with transaction(engine) as session:
            session.execute(text("ALTER TABLE elsewhere RENAME TO outbox"))


def test_twenty_thousand_jobs_are_read_in_time(engine: Engine, client: Client) -> None:
    at, facts = clock(engine), {**SECONDS, "finish": {"seconds": 1.0, "chosen": [{"style": "photo"}] * 30}}
    rows = [over(client, at - 120 - n, facts=facts) for n in range(19_000)]
    rows += [job(client, at - n, stage="tune") for n in range(1000)]
    with transaction(engine) as session:
        for begin in range(0, len(rows), 1000):
            session.execute(insert(JobRow), [{"ending": None, "ended_at": None, "code": "", **r, "id": new_id()}
                                             for r in rows[begin : begin + 1000]])  # fmt: skip
    figures = LedgerFigures(engine)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        list(figures._asked())
        seconds.append(time.perf_counter() - begun)
    print(engine.dialect.name, "seconds of the first looks:", [round(one, 3) for one in seconds])
    assert min(seconds) < 0.3
    assert seconds[0] < 3.0  # reads everything once; a loaded machine takes longer than the 0.2 s seen on a quiet one
