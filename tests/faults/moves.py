"""Every move of a job, counted by the database itself in the transaction that makes it: what was truly accepted."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Engine, text

from avatar.job import ORDER, Ending, Stage
from avatar.ledger.engine import transaction

TABLE = "CREATE TABLE moves (job TEXT NOT NULL, was TEXT NOT NULL, stage TEXT NOT NULL, ending TEXT)"
CHANGED = "OLD.stage <> NEW.stage OR COALESCE(OLD.ending, '') <> COALESCE(NEW.ending, '')"
NOTE = "INSERT INTO moves VALUES (NEW.id, OLD.stage, NEW.stage, NEW.ending);"
SQLITE = (TABLE, f"CREATE TRIGGER count_moves AFTER UPDATE ON jobs WHEN {CHANGED} BEGIN {NOTE} END")
POSTGRES = (
    TABLE,
    f"CREATE FUNCTION note_move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {NOTE} RETURN NULL; END $$",
    f"CREATE TRIGGER count_moves AFTER UPDATE ON jobs FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION note_move()",
)
Moves = dict[str, list[tuple[str, str, str | None]]]  # job: (from, to, ending), in no order


def count_moves(engine: Engine) -> None:
    """From here on every move is noted."""
    with transaction(engine) as session:
        for statement in SQLITE if engine.dialect.name == "sqlite" else POSTGRES:
            session.execute(text(statement))


def moves(engine: Engine) -> Moves:
    """The moves so far."""
    found: Moves = defaultdict(list)
    with transaction(engine) as session:
        for job, was, stage, ending in session.execute(text("SELECT job, was, stage, ending FROM moves")):
            found[job].append((was, stage, ending))
    return found


def wrong_moves(made: list[tuple[str, str, str | None]]) -> list[str]:
    """What is not as it must be: each stage left at most once, one ending, and all stages behind what was delivered."""
    left = sorted(was for was, _, _ in made)
    endings = [ending for _, _, ending in made if ending]
    wrong = [f"it left {stage} {left.count(stage)} times" for stage in set(left) if left.count(stage) > 1]
    if len(endings) != 1:
        wrong.append(f"it ended {len(endings)} times")
    if Ending.DONE in endings and left != sorted(stage.value for stage in ORDER):
        wrong.append(f"it was delivered, and left only {left}")
    if any(was == Stage.PURGE for was, _, _ in made):
        wrong.append("it moved after its end")
    return wrong
