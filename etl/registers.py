"""The 台账 as tables: read under a Scope, filled in row by row, exported as CSV that imports again equal."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from etl import builds, listing, mirror, pipeline
from etl.intake.contracts import CONTRACTS, Column
from etl.intake.finding import MUST, Finding
from etl.intake.imports import read_rows
from etl.ledger import jobs, tables
from etl.ledger.schema import reading
from etl.ledger.tables import TABLES, Entered, Row
from etl.pipeline import Imported, Workplace
from etl.roles import Actor, Role
from etl.warehouse.scope import EVERYTHING, Scope

TITLES = {name: entry.title for name, entry in TABLES.items()}
ENTERED = "页面录入"
DEMO_LABEL = "# 演示数据：虚构，仅供演示，不得引用"


@dataclass(frozen=True)
class Bulk:
    """新改扩建项目 that move bulk goods: how many, and how many of them without road (措施（五）)."""

    projects: int
    without_road: int


def may_read(name: str, role: Role) -> bool:
    """Whether a role sees rows of the table at all. Errors: KeyError for an unknown table."""
    return role in TABLES[name].readers


def may_write(name: str, role: Role) -> bool:
    """Whether a role keeps rows of the table; of some roles only its own. Errors: as `may_read`."""
    return TABLES[name].is_written_by(role)


def is_masked(name: str, role: Role) -> bool:
    """Whether a role reads parts of some cells only: then its export could not be imported."""
    return tables.is_masked(name, role)


def key_of(name: str) -> tuple[Column, ...]:
    """What no two rows share: a row replaces the earlier one of its key."""
    return _columns(name, TABLES[name].key)


def group_of(name: str) -> tuple[Column, ...]:
    """What a file replaces as a whole, not row by row. Empty: row by row."""
    return _columns(name, TABLES[name].group)


def _columns(name: str, fields: Sequence[str]) -> tuple[Column, ...]:
    found = {column.field: column for column in columns_of(name)}
    return tuple(found[field] for field in fields)


def columns_of(name: str) -> tuple[Column, ...]:
    """Header, field and whether it must be filled, in the order of a file. Errors: KeyError."""
    return CONTRACTS[name].columns


def choices_of(work: Workplace, name: str, header: str) -> str:
    """What may stand in a column, in words; '' = anything of its kind. Errors: StopIteration, KeyError."""
    kind = next(column.kind for column in columns_of(name) if column.header == header)
    return "" if isinstance(kind, Mapping) else kind.known(work.declared)


def listed_of(work: Workplace, name: str, header: str) -> tuple[str, ...]:
    """The words one of which stands in a column, in order. Empty: it is no closed list, or one by 对象类型."""
    kind = next(column.kind for column in columns_of(name) if column.header == header)
    return () if isinstance(kind, Mapping) else tuple(kind.listed(work.declared))


def rows_of(work: Workplace, name: str, scope: Scope, day: date | None = None) -> list[Row]:
    """The rows that the scope may see as known on `day` (today), field → text as a file has it.

    Empty: also where the role does not see the table. Errors: KeyError for an unknown table.
    """
    day = day or work.today
    with reading(work.ledger) as connection:
        rows = tables.rows_as_of(connection, name, day)
        return tables.visible(connection, name, rows, scope.role, scope.counties, scope.units, day)


def own_of(work: Workplace, name: str, rows: Sequence[Row], actor: Actor) -> list[Row]:
    """Of these rows those that the actor may replace. Empty: also where the role keeps no rows here."""
    with reading(work.ledger) as connection:
        return tables.own(connection, name, rows, actor, work.today)


def enter(
    work: Workplace, name: str, rows: Sequence[Mapping[str, str]], actor: Actor, *, on: date | None = None
) -> Imported:
    """Check typed rows (header → text) as a file's and record all or none; other rows stay as they are.

    Where the published figures rest on the table, they are built again without waiting.
    Errors: NotAllowed, KeyError for an unknown table.
    """
    found, findings = read_rows(rows, name, work.declared)
    # A file's row of totals is passed over; a row that somebody typed was meant.
    if _is_refused(findings) or len(found) < len(rows):
        return Imported(0, tuple(findings), accepted=False)
    with work.ledger.begin() as connection:
        count = tables.enter(connection, name, found, on or work.today, ENTERED, actor)
        _ask(connection, name, "录入", actor)
    _follow(work, name)
    return Imported(count, tuple(findings), accepted=True)


def bring(work: Workplace, name: str, path: Path, actor: Actor) -> Imported:
    """Record a table's file, all of it or nothing, with what follows from it as in `enter`.

    Errors: NotAllowed (then the file is not kept either), Fault, KeyError for an unknown table.
    """
    TABLES[name].check_role(actor.role)
    done = pipeline.import_table(
        work, name, path, actor=actor, within=lambda connection: _ask(connection, name, "导入", actor)
    )
    if done.accepted:
        _follow(work, name)
    return done


def _ask(connection: sa.Connection, name: str, how: str, actor: Actor) -> None:
    """In the transaction of the rows: the published figures rest on them."""
    if TABLES[name].is_built:
        jobs.request_build(connection, f"{how}{TITLES[name]}", actor.name)


def _follow(work: Workplace, name: str) -> None:
    if TABLES[name].is_built:
        builds.answer_later(work)
    if name == "station_list":
        mirror.refresh(work)


def history_of(work: Workplace, name: str, row: Row, scope: Scope) -> list[Entered]:
    """What was recorded under the key of a row, newest first: the row itself and those that it replaced.

    Empty: nothing, or nothing that the scope may see in full. Errors: KeyError for an unknown table.
    """
    if is_masked(name, scope.role):
        return []
    with reading(work.ledger) as connection:
        key = [row[field] for field in TABLES[name].key]
        found = tables.history(connection, name, key, work.today)
        seen = tables.visible(
            connection, name, [one.row for one in found], scope.role, scope.counties, scope.units, work.today
        )
    return [one for one in found if one.row in seen]


def export(work: Workplace, name: str, out: Path, day: date | None = None, scope: Scope = EVERYTHING) -> int:
    """Write what the scope may see of a table as known on `day` (today) as CSV; returns how many rows.

    `import` takes it again, but for a table that the scope reads masked.
    Errors: KeyError for an unknown table, OSError.
    """
    columns = columns_of(name)
    rows = rows_of(work, name, scope, day)
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
