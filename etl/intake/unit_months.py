"""Whole unit-months: which are kept, which are refused, and the rows of the kept ones as Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.intake.result import UNKNOWN
from etl.intake.statements import statement


@dataclass(frozen=True)
class Group:
    unit_code: str | None
    shown: str | None
    month: date | None
    rows: int
    tonnes: Decimal
    content: str
    is_blocking: bool


def unit_months_of(con: duckdb.DuckDBPyConnection) -> list[Group]:
    return [Group(*row) for row in con.execute(statement("read/unit_months")).fetchall()]


def refused_of(
    groups: list[Group], all_blocked: bool
) -> tuple[set[tuple[str | None, date | None]], tuple[tuple[str, str], ...]]:
    """Unit-months that are blocked, and what is listed as refused.

    A row whose month cannot be read blocks every month of its unit in this file; one whose unit
    cannot be told blocks its month (or all) where the file is of a single unit, and is listed under
    ? where it is of several.
    """
    units = {group.unit_code for group in groups if group.unit_code is not None}
    blocked: set[tuple[str | None, date | None]] = set()
    refused: set[tuple[str, str]] = set()
    for group in groups:
        if not (all_blocked or group.is_blocking or group.unit_code is None or group.month is None):
            continue
        month = f"{group.month:%Y-%m}" if group.month else UNKNOWN
        refused.add((group.unit_code or group.shown or UNKNOWN, month))
        blocked.add((group.unit_code, group.month))
        for other in groups:
            is_unit = group.unit_code is None and len(units) == 1 and group.shown is None
            if (other.unit_code == group.unit_code or is_unit) and (
                group.month is None or other.month == group.month
            ):
                blocked.add((other.unit_code, other.month))
                if other.unit_code is not None:
                    refused.add((other.unit_code, f"{other.month:%Y-%m}" if other.month else UNKNOWN))
    return blocked, tuple(sorted(refused))


def write_rows(
    con: duckdb.DuckDBPyConnection, target: Path, blocked: set[tuple[str | None, date | None]]
) -> None:
    """The rows of all unit-months that are not blocked, typed, as one Parquet file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    pairs = [pair for pair in blocked if None not in pair]
    con.from_arrow(
        pa.table(
            {
                "unit_code": pa.array([unit for unit, _ in pairs], pa.string()),
                "month": pa.array([month for _, month in pairs], pa.date32()),
            }
        )
    ).create("blocked")
    con.execute(statement("70_kept_row"))
    # Written beside and moved: a reader never meets half a file.
    part = target.with_suffix(".part")
    con.view("kept_row").write_parquet(str(part))
    part.replace(target)
