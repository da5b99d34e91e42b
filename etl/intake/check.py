"""A file checked: rules joined into one pass, whole unit-months accepted or refused.

`check_files` does it in one child process with limits of memory, CPU and time; `check_in_process`
is the same without the child, for tests and for the preview of a few rows.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.intake import rules
from etl.intake.fields import FIELD_BY_NAME, RETURN_HEADERS
from etl.intake.finding import MUST, Finding, Refusal
from etl.intake.history import Past
from etl.intake.mapping import Mapping
from etl.intake.plausible import list_unlikely
from etl.intake.receive import open_table
from etl.intake.registry_view import RegistryView
from etl.intake.result import LISTED_PER_CODE, CheckResult, Tally, UnitMonth, refused_result
from etl.intake.rules import BY_CODE, RULES, Rule, finding
from etl.intake.stage import KILOMETRES, Stage, stage
from etl.intake.statements import statement
from etl.intake.unit_months import refused_of, unit_months_of, write_rows
from etl.intake.worker import Fault, Worker
from etl.reference import Declared

__all__ = ["CheckResult", "Fault", "Finding", "UnitMonth", "check_files", "check_in_process"]

DATABASE_MEMORY = "3GB"
# A flag column holds one bit a rule and column; the sign bit stays free.
BITS = 62


# ------------------------------------------------------------------------------------- one file, here


def check_in_process(
    path: Path,
    declared: Declared,
    registry: pa.Table,
    *,
    mapping: Mapping | None = None,
    today: date,
    rows_folder: Path | None = None,
    expected_month: date | None = None,
    own_units: frozenset[str] | None = None,
    past: Past | None = None,
) -> CheckResult:
    """Check one file in this process.

    `expected_month` and `own_units`, where given, are the only month and units that may be reported.
    `past` gives the history that the plausibility rules need; without it they are not asked.
    A file that cannot be read gives a result with one 强制 finding. Errors: OSError when `path` is
    missing or `rows_folder` cannot be written.
    """
    view = RegistryView.of(registry, declared.plan.unit_key)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            source = open_table(path, Path(scratch), mapping, RETURN_HEADERS)
            with duckdb.connect() as con:
                con.execute(f"SET memory_limit = '{DATABASE_MEMORY}'")
                con.execute("SET temp_directory = ?", [scratch])
                staged = stage(con, source, declared, view, mapping, own_units)
                return _judge(path, staged, declared, today, mapping, rows_folder, expected_month, past)
        except Refusal as refusal:
            return refused_result(path, refusal.finding)
        except (MemoryError, duckdb.OutOfMemoryException):
            return refused_result(path, finding("S009"))


def _judge(
    path: Path,
    staged: Stage,
    declared: Declared,
    today: date,
    mapping: Mapping | None,
    rows_folder: Path | None,
    expected_month: date | None,
    past: Past | None,
) -> CheckResult:
    con = staged.con
    con.from_arrow(_given(staged, declared, today, expected_month)).create("given")
    con.execute(statement("40_asked"))
    asked = _asked(staged)
    _run_rules(staged, asked)
    rows, tonnes, other_rows = con.execute(statement("read/sums")).fetchall()[0]
    totals = Tally()
    for note in staged.notes:
        totals.add(note)
    _list_asked(staged, asked, totals)
    if other_rows:
        _list_other_rows(staged, totals)
    _list_repeated_rows(staged, totals)
    _list_zero_beside_flows(staged, totals)
    history = past.of(_units_in(con)) if past is not None else None
    list_unlikely(staged, history, frozenset(mode.name for mode in declared.modes if mode.rail), totals)
    for row, code, name, value, known in staged.hits:
        column = staged.headers[name] if name else None
        totals.add(finding(code, sheet=staged.source.sheet, row=row, column=column, value=value, known=known))
    if rows == 0:
        totals.add(finding("S111", sheet=staged.source.sheet))
    groups = unit_months_of(con)
    # A 强制 finding without a row, such as a missing column, is about every row.
    all_blocked = staged.is_ten_thousand or any(
        found.severity == MUST and found.row in (None, staged.source.header_row) for found in totals.findings
    )
    blocked, refused = refused_of(groups, all_blocked)
    kept = [group for group in groups if (group.unit_code, group.month) not in blocked]
    rows_file = ""
    if rows_folder is not None and kept:
        # The content is in the name: another reading of the same file never overwrites accepted rows.
        kept_rows = "".join(f"{group.unit_code}|{group.month}|{group.content}\n" for group in kept)
        content = hashlib.sha256(kept_rows.encode()).hexdigest()[:16]
        name = f"{_sha256(path)}-{mapping.digest[:16] if mapping else '0'}-{content}.parquet"
        write_rows(con, rows_folder / name, blocked)
        rows_file = f"{rows_folder.name}/{name}"
    unit_months = tuple(
        UnitMonth(
            group.unit_code, group.month, group.rows, group.tonnes, group.rows == 0,
            f"{group.rows}:{group.content}", rows_file,
        )
        for group in kept
        if group.unit_code is not None and group.month is not None
    )  # fmt: skip
    months = sorted({f"{group.month:%Y-%m}" for group in groups if group.month is not None})
    findings = totals.in_reading_order()
    return CheckResult(
        path, path.name, not any(found.severity == MUST for found in findings), rows, tonnes, tuple(months),
        findings, totals.totals, unit_months, refused, staged.source.encoding, rules.VERSION,
    )  # fmt: skip


def _given(staged: Stage, declared: Declared, today: date, expected_month: date | None) -> pa.Table:
    """The one row that the rules compare with."""
    limits = {
        "drayage_limit_km": Decimal(str(declared.plan.switch("drayage_limit_km"))),
        "belt_limit_km": Decimal(rules.BELT_LIMIT_KM),
    }
    return pa.table(
        {
            "sheet": pa.array([staged.source.sheet], pa.string()),
            "this_month": pa.array([today.replace(day=1)], pa.date32()),
            "expected_month": pa.array([expected_month], pa.date32()),
        }
        | {name: pa.array([limit], KILOMETRES) for name, limit in limits.items()}
    )


# ------------------------------------------------------------------------------------- rules as SQL


@dataclass(frozen=True)
class _Asked:
    """One rule asked of one column: its condition and its place among the flags."""

    rule: Rule
    field: str
    condition: str
    column: str
    bit: int

    @property
    def is_broken(self) -> str:
        """Whether a line of `typed` breaks it, as SQL."""
        return f"{self.column} & {self.bit} <> 0"


def _asked(staged: Stage) -> list[_Asked]:
    """The rules that this file can break: a reading that no cell has is not asked for."""
    asked: list[_Asked] = []
    for rule in RULES:
        for field in rule.fields:
            condition = rule.predicate(field)
            if condition is None or field in staged.missing:
                continue
            if rule.reading is None or rule.reading == "blank" or rule.reading in staged.readings[field]:
                asked.append(
                    _Asked(rule, field, condition, f"flags{len(asked) // BITS}", 1 << len(asked) % BITS)
                )
    return asked


def _run_rules(staged: Stage, asked: list[_Asked]) -> None:
    """The table `typed`: every line read, with a flag for each rule that it breaks."""
    flags: dict[str, list[str]] = {"flags0": ["0"]}
    for item in asked:
        flags.setdefault(item.column, []).append(f"CASE WHEN {item.condition} THEN {item.bit} ELSE 0 END")
    columns = ", ".join(
        f"CASE WHEN is_data THEN {' + '.join(parts)} ELSE 0 END::BIGINT AS {name}"
        for name, parts in flags.items()
    )
    must = " OR ".join(
        f"{name} & {sum(a.bit for a in asked if a.column == name and a.rule.severity == MUST)} <> 0"
        for name in flags
    )
    con = staged.con
    con.view("asked").project(f"*, {columns}").project(f"*, {must} AS is_must").create_view("flagged")
    blocking = sorted({row for row, code, *_ in staged.hits if BY_CODE[code].severity == MUST})
    con.from_arrow(pa.table({"row_no": pa.array(blocking, pa.int32())})).create("blocking_row")
    con.execute(statement("50_typed")).fetchall()


def _list_asked(staged: Stage, asked: list[_Asked], totals: Tally) -> None:
    """What the rules found: counted and placed in one look at `typed`, the cells fetched in a second."""
    if not asked:
        return
    hit = " OR ".join(f"{name} <> 0" for name in sorted({item.column for item in asked}))
    sums = ", ".join(
        f"count(*) FILTER ({item.is_broken}), min(row_no, {_most(staged, item)}) FILTER ({item.is_broken})"
        for item in asked
    )
    found = staged.con.table("typed").filter(hit).aggregate(sums).fetchall()[0]
    broken = [
        (item, number, rows)
        for item, number, rows in zip(asked, found[::2], found[1::2], strict=True)
        if number
    ]
    if not broken:
        return
    wanted = sorted({row for _, _, rows in broken for row in rows})
    staged.con.from_arrow(pa.table({"row_no": pa.array(wanted, pa.int32())})).create("listed_row")
    columns = ", ".join(
        f"written.{item.field}, {item.rule.known.replace('{f}', item.field) if item.rule.known else 'NULL'}"
        for item, _, _ in broken
    )
    listed = staged.con.view("asked").filter("row_no IN (SELECT row_no FROM listed_row)")
    cells = {row: values for row, *values in listed.project(f"row_no, {columns}").fetchall()}
    for place, (item, number, rows) in enumerate(broken):
        # Of a head block one cell is named, however many rows it speaks for.
        totals.count(item.rule.code, 1 if item.field in staged.head_only else number)
        for row in rows:
            value, shown = cells[row][2 * place : 2 * place + 2]
            totals.show(_placed(staged, item.rule.code, row, item.field, value, shown))


def _most(staged: Stage, item: _Asked) -> int:
    return 1 if item.field in staged.head_only else LISTED_PER_CODE


def _placed(staged: Stage, code: str, row: int, field: str, value: str | None, known: object) -> Finding:
    """A finding at a cell; a value from the head block is placed where it stands."""
    head = staged.source.head.get(FIELD_BY_NAME[field].header)
    if head is not None and value == head[0]:
        row = head[1]
    return finding(
        code, sheet=staged.source.sheet, row=row, column=staged.headers[field], value=value,
        known=_as_written(known),
    )  # fmt: skip


def _as_written(known: object) -> str | None:
    if known is None:
        return None
    text = str(known)
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", text) else text


# ---------------------------------------------------------------------------- what no single row shows


def _list_other_rows(staged: Stage, totals: Tally) -> None:
    """合计 rows: left out, and their printed number held against the rows above them. Remarks: left out.

    A 小计 must equal the rows since the total row before it, a 合计 these or all rows above.
    """
    marks = [Decimal(0)]
    for row, is_total, printed, above in staged.con.execute(statement("read/other_rows")).fetchall():
        if not is_total:
            totals.add(finding("S113", sheet=staged.source.sheet, row=row))
            continue
        totals.add(finding("C006", sheet=staged.source.sheet, row=row))
        # Subtotals of subtotals: any earlier total row may be where this one starts to count.
        if printed is not None and all(printed != above - mark for mark in marks):
            totals.add(
                finding(
                    "C007", sheet=staged.source.sheet, row=row, column=staged.headers["tonnes"],
                    value=_as_written(printed), known=_as_written(above - marks[-1]),
                )
            )  # fmt: skip
        marks.append(above)


def _list_repeated_rows(staged: Stage, totals: Tally) -> None:
    staged.con.execute(statement("60_alike")).fetchall()
    found = staged.con.execute(statement("read/repeated"), {"most": LISTED_PER_CODE}).fetchall()
    if found:
        totals.count("C005", found[0][2])
    for row, first, _ in found:
        totals.show(finding("C005", sheet=staged.source.sheet, row=row, known=str(first)))


def _list_zero_beside_flows(staged: Stage, totals: Tally) -> None:
    for (row,) in staged.con.execute(statement("read/zero_beside_flows")).fetchall():
        totals.add(finding("C009", sheet=staged.source.sheet, row=row, column=staged.headers["note"]))


def _units_in(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return frozenset(unit for (unit,) in con.execute(statement("read/units")).fetchall())


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ---------------------------------------------------------------------------------- the child process


def check_files(
    paths: Sequence[Path],
    declared: Declared,
    registry: pa.Table,
    *,
    mapping: Mapping | None,
    today: date,
    rows_folder: Path | None,
    progress: Callable[[Path, int, int], None] | None = None,
    expected_month: date | None = None,
    own_units: frozenset[str] | None = None,
    past: Past | None = None,
) -> Iterator[CheckResult]:
    """Each file's result, in order, from one child process with limits of memory, CPU and time.

    A file that exhausts the child gets a finding and a new child takes the files after it.
    `progress(path, number, of)` is called before each file.
    Errors: Fault when the check itself fails.
    """
    answer = partial(
        check_in_process,
        declared=declared, registry=registry, mapping=mapping, today=today, rows_folder=rows_folder,
        expected_month=expected_month, own_units=own_units, past=past,
    )  # fmt: skip
    worker: Worker | None = None
    try:
        for number, path in enumerate(paths, start=1):
            if progress is not None:
                progress(path, number, len(paths))
            worker = worker or Worker(answer)
            result = worker.ask(path)
            if not isinstance(result, CheckResult):
                worker.stop()
                worker = None
                result = refused_result(path, finding("S009"))
            yield result
    finally:
        if worker is not None:
            worker.stop()
