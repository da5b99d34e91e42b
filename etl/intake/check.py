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
from etl.intake.stage import Stage, stage
from etl.intake.unit_months import CONTENT, refused_of, unit_months_of, write_rows
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
    parameters: dict[str, object] = {
        "this_month": today.replace(day=1),
        "drayage_limit_km": Decimal(str(declared.plan.switch("drayage_limit_km"))),
        "belt_limit_km": Decimal(rules.BELT_LIMIT_KM),
        "expected_month": expected_month,
    }
    asked = _asked(staged, parameters)
    _run_rules(staged, asked, parameters)
    con = staged.con
    totals = Tally()
    for note in staged.notes:
        totals.add(note)
    _list_asked(staged, asked, parameters, totals)
    _list_total_rows(staged, totals)
    _list_repeated_rows(staged, totals)
    _list_zero_beside_flows(staged, totals)
    history = past.of(_units_in(con)) if past is not None else None
    list_unlikely(staged, history, frozenset(mode.name for mode in declared.modes if mode.rail), totals)
    for row, code, name, value, known in staged.hits:
        column = staged.headers[name] if name else None
        totals.add(finding(code, sheet=staged.source.sheet, row=row, column=column, value=value, known=known))
    rows, tonnes = con.execute(
        "SELECT count(*), coalesce(sum(tonnes), 0) FROM typed WHERE is_data"
    ).fetchall()[0]
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
        write_rows(con, staged.source.sheet, rows_folder / name, blocked)
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


# ------------------------------------------------------------------------------------- rules as SQL


@dataclass(frozen=True)
class _Asked:
    """One rule asked of one column: its condition and its place among the flags."""

    rule: Rule
    field: str
    condition: str
    column: str
    bit: int


def _asked(staged: Stage, parameters: dict[str, object]) -> list[_Asked]:
    """The rules that this file can break: a reading that no cell has is not asked for."""
    asked: list[_Asked] = []
    for rule in RULES:
        for field in rule.fields:
            condition = rule.predicate(field)
            if condition is None or field in staged.missing:
                continue
            is_read = (
                rule.reading is None or rule.reading == "blank" or rule.reading in staged.readings[field]
            )
            if is_read and all(parameters[name] is not None for name in _parameters_in(condition)):
                asked.append(
                    _Asked(rule, field, condition, f"flags{len(asked) // BITS}", 1 << len(asked) % BITS)
                )
    return asked


def _parameters_in(sql: str) -> list[str]:
    return sorted(set(re.findall(r"\$(\w+)", sql)))


def _execute(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, object]) -> list[tuple]:
    # DuckDB refuses a parameter too few and one too many alike.
    return con.execute(sql, {name: parameters[name] for name in _parameters_in(sql)}).fetchall()


def _run_rules(staged: Stage, asked: list[_Asked], parameters: dict[str, object]) -> None:
    """The table `typed`: every line read, with a flag for each rule that it breaks."""
    flags: dict[str, list[str]] = {"flags0": []}
    for item in asked:
        flags.setdefault(item.column, []).append(f"CASE WHEN {item.condition} THEN {item.bit} ELSE 0 END")
    columns = ", ".join(
        f"CASE WHEN is_data THEN {' + '.join(parts) or '0'} ELSE 0 END::BIGINT AS {name}"
        for name, parts in flags.items()
    )
    must = " OR ".join(
        f"{name} & {sum(a.bit for a in asked if a.column == name and a.rule.severity == MUST)} <> 0"
        for name in flags
    )
    blocking = [(row, code) for row, code, *_ in staged.hits if BY_CODE[code].severity == MUST]
    con = staged.con
    con.execute("CREATE OR REPLACE TABLE blocking_row (row_no INTEGER)")
    if blocking:
        con.execute("INSERT INTO blocking_row SELECT unnest(?)", [sorted({row for row, _ in blocking})])
    _execute(
        con,
        f"""
        CREATE OR REPLACE TABLE typed AS
        WITH judged AS (
            SELECT
                row_no, unit_code, shown, month, tonnes, is_data, is_total, is_footer, is_zero,
                hash({", ".join(CONTENT)}) AS content, {columns}
            FROM stg_row
        )
        SELECT *, ({must}) OR row_no IN (SELECT row_no FROM blocking_row) AS is_blocking
        FROM judged
        """,
        parameters,
    )


def _list_asked(staged: Stage, asked: list[_Asked], parameters: dict[str, object], totals: Tally) -> None:
    if not asked:
        return
    names = sorted({item.column for item in asked})
    hit = " OR ".join(f"{name} <> 0" for name in names)
    counts = ", ".join(f"count(*) FILTER ({item.column} & {item.bit} <> 0)" for item in asked)
    numbers = staged.con.execute(f"SELECT {counts} FROM typed WHERE {hit}").fetchall()[0]
    for item, number in zip(asked, numbers, strict=True):
        if number == 0:
            continue
        is_one_cell = item.field in staged.head_only
        totals.count(item.rule.code, 1 if is_one_cell else number)
        staged.con.execute(
            f"CREATE OR REPLACE TABLE listed AS SELECT row_no FROM typed WHERE {item.column} & {item.bit} <> 0"
            f" ORDER BY row_no LIMIT {1 if is_one_cell else LISTED_PER_CODE}"
        )
        known = item.rule.known.replace("{f}", item.field) if item.rule.known else "NULL"
        rows = _execute(
            staged.con,
            f"WITH cell AS (SELECT row_no, {item.field} AS written FROM line"
            " WHERE row_no IN (SELECT row_no FROM listed))"
            f" SELECT row_no, written, {known} FROM stg_row JOIN cell USING (row_no) ORDER BY row_no",
            parameters,
        )
        for row, value, shown in rows:
            totals.show(_placed(staged, item.rule.code, row, item.field, value, shown))


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


def _list_total_rows(staged: Stage, totals: Tally) -> None:
    """合计 rows: left out, and their printed number held against the rows above them.

    A 小计 must equal the rows since the total row before it, a 合计 these or all rows above.
    """
    con = staged.con
    (number,) = con.execute("SELECT count(*) FROM typed WHERE is_total OR is_footer").fetchall()[0]
    if number == 0:
        return
    found = con.execute(
        """
        WITH summed AS (
            SELECT row_no, is_total, is_footer, tonnes,
                sum(tonnes) FILTER (is_data) OVER (ORDER BY row_no) AS above
            FROM typed
        )
        SELECT row_no, is_total, tonnes, coalesce(above, 0)
        FROM summed WHERE is_total OR is_footer ORDER BY row_no
        """
    ).fetchall()
    marks = [Decimal(0)]
    for row, is_total, printed, above in found:
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
    """Rows alike in every column. What could not be read is not there to be compared."""
    con = staged.con
    con.execute(
        """
        CREATE OR REPLACE TABLE alike AS
        WITH twice AS (
            SELECT content FROM typed WHERE is_data AND NOT is_zero AND NOT is_blocking
            GROUP BY content HAVING count(*) > 1
        )
        SELECT row_no FROM typed
        WHERE is_data AND NOT is_zero AND NOT is_blocking AND content IN (SELECT content FROM twice)
        """
    )
    same = ", ".join(("coalesce(unit_code, shown)", "month", *CONTENT))
    found = con.execute(
        f"""
        SELECT row_no, first_row, count(*) OVER ()
        FROM (
            SELECT row_no, min(row_no) OVER (PARTITION BY {same}) AS first_row
            FROM stg_row WHERE row_no IN (SELECT row_no FROM alike)
        )
        WHERE row_no > first_row ORDER BY row_no LIMIT {LISTED_PER_CODE}
        """
    ).fetchall()
    if found:
        totals.count("C005", found[0][2])
    for row, first, _ in found:
        totals.show(finding("C005", sheet=staged.source.sheet, row=row, known=str(first)))


def _list_zero_beside_flows(staged: Stage, totals: Tally) -> None:
    found = staged.con.execute(
        """
        SELECT zero.row_no FROM typed AS zero
        WHERE is_zero AND is_data AND EXISTS (
            SELECT 1 FROM typed AS flow
            WHERE flow.is_data AND NOT flow.is_zero
                AND flow.unit_code = zero.unit_code AND flow.month = zero.month
        )
        ORDER BY zero.row_no
        """
    ).fetchall()
    for (row,) in found:
        totals.add(finding("C009", sheet=staged.source.sheet, row=row, column=staged.headers["note"]))


def _units_in(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    found = con.execute("SELECT DISTINCT unit_code FROM word_key WHERE unit_code IS NOT NULL").fetchall()
    return frozenset(unit for (unit,) in found)


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
