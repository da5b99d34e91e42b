"""The 台账 as tables: read under a Scope, filled in row by row, exported as CSV that imports again equal."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from etl import builds, listing, mirror
from etl.intake.contracts import CONTRACTS, Column
from etl.intake.finding import MUST, Finding
from etl.intake.imports import read_rows
from etl.ledger import jobs, tables
from etl.ledger.schema import reading
from etl.ledger.tables import TABLES, Row
from etl.pipeline import Imported, Workplace
from etl.roles import Actor
from etl.warehouse.scope import Scope

TITLES = {name: entry.title for name, entry in TABLES.items()}
ENTERED = "页面录入"
DEMO_LABEL = "# 演示数据：虚构，仅供演示，不得引用"


@dataclass(frozen=True)
class Bulk:
    """新改扩建项目 that move bulk goods: how many, and how many of them without road (措施（五）)."""

    projects: int
    without_road: int


def columns_of(name: str) -> tuple[Column, ...]:
    """Header, field and whether it must be filled, in the order of a file. Errors: KeyError."""
    return CONTRACTS[name].columns


def choices_of(work: Workplace, name: str, header: str) -> str:
    """What may stand in a column, in words; '' = anything of its kind. Errors: StopIteration, KeyError."""
    kind = next(column.kind for column in columns_of(name) if column.header == header)
    return "" if isinstance(kind, Mapping) else kind.known(work.declared)


def rows_of(work: Workplace, name: str, scope: Scope, day: date | None = None) -> list[Row]:
    """The rows that the scope may see as known on `day` (today), field → text as a file has it.

    Empty: also where the role does not see the table. Errors: KeyError for an unknown table.
    """
    day = day or work.today
    with reading(work.ledger) as connection:
        rows = tables.rows_as_of(connection, name, day)
        return tables.visible(connection, name, rows, scope.role, scope.counties, scope.units, day)


def enter(
    work: Workplace, name: str, rows: Sequence[Mapping[str, str]], actor: Actor, *, on: date | None = None
) -> Imported:
    """Check typed rows (header → text) as a file's and record all or none; other rows stay as they are.

    Where the published figures rest on the table, they are built again without waiting.
    Errors: NotAllowed, KeyError for an unknown table.
    """
    found, findings = read_rows(rows, name, work.declared)
    if _is_refused(findings):
        return Imported(0, tuple(findings), accepted=False)
    with work.ledger.begin() as connection:
        count = tables.enter(connection, name, found, on or work.today, ENTERED, actor)
        if TABLES[name].is_built:
            jobs.request_build(connection, f"录入{TITLES[name]}", actor.name)
    if TABLES[name].is_built:
        builds.answer_later(work)
    if name == "station_list":
        mirror.refresh(work)
    return Imported(count, tuple(findings), accepted=True)


def export(work: Workplace, name: str, out: Path, day: date | None = None) -> int:
    """Write a table as known on `day` (today) as CSV that `import` takes again; returns how many rows.

    Errors: KeyError for an unknown table, OSError.
    """
    columns = columns_of(name)
    with reading(work.ledger) as connection:
        rows = tables.rows_as_of(connection, name, day or work.today)
    # The mark at the beginning tells Excel the encoding.
    with out.open("w", encoding="utf-8-sig", newline="") as target:
        if work.declared.is_demo:
            target.write(f"{DEMO_LABEL}\n")
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow([column.header for column in columns])
        writer.writerows([listing.csv_cell(row[column.field]) for column in columns] for row in rows)
    return len(rows)


def bulk_projects(rows: Sequence[Row]) -> Bulk:
    """Of these projects, those that move bulk goods, and those without road by what is (else was approved)."""
    bulk = [row for row in rows if row["bulk_volume"].strip("0.")]
    without = [
        row for row in bulk if (modes := row["actual_modes"] or row["approved_modes"]) and "公路" not in modes
    ]
    return Bulk(len(bulk), len(without))


def _is_refused(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == MUST for finding in findings)
