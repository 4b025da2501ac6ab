"""The database's clock, so that many machines agree on what is late, whatever their own clocks say.

Times in the ledger are seconds since 1970 as floats: no time zone can be lost on the way in or out.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Float, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 (a function of SQL)
    """Seconds since 1970 when the statement runs; not when its transaction began."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _sqlite(element: now, compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _postgresql(element: now, compiler: Any, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())::double precision"


def read(session: Session) -> float:
    """The database's time, as a number."""
    return session.scalars(select(now())).one()
