"""Whole unit-months: which are kept, which are refused, and the rows of the kept ones as Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from etl.intake.result import UNKNOWN

# The business columns of a row. DuckDB's hash of them is four times as fast as md5; a test holds the
# hash of a known row, so that a new DuckDB that hashes otherwise is noticed before it is used.
CONTENT = (
    "direction", "mode", "commodity", "origin", "destination", "counterparty", "corridor", "distance_km", "tonnes",
    "is_drayage", "transfer_station", "loading", "boxes", "vehicles", "weighing_basis", "note",
)  # fmt: skip


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
    return [
        Group(*row)
        for row in con.execute(
            """
            SELECT unit_code, shown, month,
                count(*) FILTER (NOT is_zero),
                coalesce(sum(tonnes) FILTER (NOT is_zero), 0),
                coalesce(sum(content) FILTER (NOT is_zero), 0)::VARCHAR,
                bool_or(is_blocking)
            FROM typed WHERE is_data GROUP BY ALL ORDER BY ALL
            """
        ).fetchall()
    ]


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
    con: duckdb.DuckDBPyConnection,
    sheet: str | None,
    target: Path,
    blocked: set[tuple[str | None, date | None]],
) -> None:
    """The rows of all unit-months that are not blocked, typed, as one Parquet file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    con.execute("CREATE OR REPLACE TABLE blocked (unit_code VARCHAR, month DATE)")
    pairs = [pair for pair in blocked if None not in pair]
    if pairs:
        con.execute(
            "INSERT INTO blocked SELECT unnest(?), unnest(?)",
            [[unit for unit, _ in pairs], [m for _, m in pairs]],
        )
    keep = (
        "AND NOT EXISTS (FROM blocked AS b WHERE b.unit_code = stg_row.unit_code AND b.month = stg_row.month)"
    )
    # Written beside and moved: a reader never meets half a file.
    part = target.with_suffix(".part")
    con.execute(
        f"""
        COPY (
            SELECT unit_code, month, $sheet::VARCHAR AS sheet, row_no, {", ".join(CONTENT)}
            FROM stg_row
            WHERE is_data AND NOT is_zero AND unit_code IS NOT NULL AND month IS NOT NULL {keep if pairs else ""}
        ) TO '{str(part).replace("'", "''")}' (FORMAT parquet)
        """,
        {"sheet": sheet},
    ).fetchall()
    part.replace(target)
