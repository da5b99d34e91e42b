"""A file checked: rules joined into one pass, whole unit-months accepted or refused.

`check_files` does it in one child process with limits of memory, CPU and time; `check_in_process`
is the same without the child, for tests and for the preview of a few rows.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import re
import resource
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.intake import rules
from etl.intake.fields import RETURN_HEADERS
from etl.intake.finding import MUST, Finding, Refusal
from etl.intake.mapping import Mapping
from etl.intake.receive import open_table
from etl.intake.registry_view import RegistryView
from etl.intake.rules import BY_CODE, RULES, Rule, finding
from etl.intake.stage import Stage, stage
from etl.reference import Declared

__all__ = ["CheckFault", "CheckResult", "Finding", "UnitMonth", "check_files", "check_in_process"]

LISTED_PER_CODE = 200
SHOWN_VALUE = 100
UNKNOWN = "?"
# One file of ten million rows stays below these; a file made to exhaust the machine does not.
MEMORY_BYTES = 12 * 2**30
DATABASE_MEMORY = "3GB"
CPU_SECONDS = 1800
WALL_SECONDS = 1200
# A flag column holds one bit a rule and column; the sign bit stays free.
BITS = 62


class CheckFault(Exception):
    """Our fault, not the file's: the check itself failed. The text is for the log."""


@dataclass(frozen=True)
class UnitMonth:
    """One unit's month without a 强制 finding. tonnes and rows without 零申报 rows, both 0 for one."""

    unit_code: str
    month: date
    rows: int
    tonnes: Decimal
    is_zero: bool
    content_hash: str
    rows_file: str


@dataclass(frozen=True)
class CheckResult:
    """What the check of one file says. `totals` are exact, `findings` capped per code."""

    path: Path
    file_name: str
    accepted: bool
    rows: int
    tonnes: Decimal
    months: tuple[str, ...]
    findings: tuple[Finding, ...]
    totals: dict[str, int]
    unit_months: tuple[UnitMonth, ...]
    refused: tuple[tuple[str, str], ...]
    encoding: str | None
    rule_version: str

    def to_json(self) -> dict[str, object]:
        """`check --json`: decimals as text; `capped` says which codes are listed in part."""
        listed: dict[str, int] = {}
        for found in self.findings:
            listed[found.code] = listed.get(found.code, 0) + 1
        return {
            "accepted": self.accepted,
            "rows": self.rows,
            "tonnes": str(self.tonnes),
            "months": list(self.months),
            "findings": [found.to_json() for found in self.findings],
            "totals": dict(self.totals),
            "capped": {code: listed[code] for code in listed if listed[code] < self.totals[code]},
        }


def refused_result(path: Path, found: Finding, encoding: str | None = None) -> CheckResult:
    """The result for a file that cannot be read: one finding, no row."""
    return CheckResult(
        path, path.name, False, 0, Decimal(0), (), (found,), {found.code: 1}, (),
        ((UNKNOWN, UNKNOWN),), encoding, rules.VERSION,
    )  # fmt: skip


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
) -> CheckResult:
    """Check one file in this process.

    `expected_month` and `own_units`, where given, are the only month and units that may be reported.
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
                return _judge(path, staged, declared, today, mapping, rows_folder, expected_month)
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
) -> CheckResult:
    parameters = {
        "this_month": today.replace(day=1),
        "drayage_limit_km": Decimal(str(declared.plan.switch("drayage_limit_km"))),
        "belt_limit_km": Decimal(rules.BELT_LIMIT_KM),
        "expected_month": expected_month,
    }
    asked = _asked(staged, parameters)
    _run_rules(staged, asked, parameters)
    con = staged.con
    totals = _Tally(staged)
    for note in staged.notes:
        totals.add(note)
    _list_asked(staged, asked, parameters, totals)
    _list_total_rows(staged, totals)
    _list_repeated_rows(staged, totals)
    _list_zero_beside_flows(staged, totals)
    for row, code, name, value, known in staged.hits:
        column = staged.headers[name] if name else None
        totals.add(finding(code, sheet=staged.source.sheet, row=row, column=column, value=value, known=known))
    rows, tonnes = con.execute(
        "SELECT count(*), coalesce(sum(tonnes), 0) FROM typed WHERE is_data"
    ).fetchall()[0]
    if rows == 0:
        totals.add(finding("S111", sheet=staged.source.sheet))
    groups = _unit_months(staged)
    # A 强制 finding without a row, such as a missing column, is about every row.
    all_blocked = staged.is_ten_thousand or any(
        found.severity == MUST and found.row in (None, staged.source.header_row) for found in totals.findings
    )
    blocked, refused = _refused(groups, all_blocked)
    kept = [group for group in groups if (group.unit_code, group.month) not in blocked]
    rows_file = ""
    if rows_folder is not None and kept:
        name = f"{_sha256(path)}-{mapping.digest[:16] if mapping else '0'}.parquet"
        _write_rows(staged, rows_folder / name, blocked)
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


class _Tally:
    """Findings as they come: exact totals, lists capped per code."""

    def __init__(self, staged: Stage) -> None:
        self.staged = staged
        self.totals: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.listed: dict[str, int] = {}

    def add(self, found: Finding) -> None:
        self.count(found.code, 1)
        self.show(found)

    def count(self, code: str, number: int) -> None:
        self.totals[code] = self.totals.get(code, 0) + number

    def show(self, found: Finding) -> None:
        """List a finding that is already counted, as far as the cap allows."""
        if self.listed.get(found.code, 0) < LISTED_PER_CODE:
            self.listed[found.code] = self.listed.get(found.code, 0) + 1
            value = found.value
            if value is not None and len(value) > SHOWN_VALUE:
                short = value[:SHOWN_VALUE] + "…"
                found = replace(
                    found, value=short,
                    message=found.message.replace(value, short), remedy=found.remedy.replace(value, short),
                )  # fmt: skip
            self.findings.append(found)

    def in_reading_order(self) -> tuple[Finding, ...]:
        """By rule, then row; the last one listed of a capped code says how many there are."""
        order = {rule.code: index for index, rule in enumerate(RULES)}
        ordered = sorted(self.findings, key=lambda found: (order[found.code], found.row or 0))
        for index, found in enumerate(ordered):
            is_last = index + 1 == len(ordered) or ordered[index + 1].code != found.code
            total, listed = self.totals[found.code], self.listed[found.code]
            if is_last and listed < total:
                note = f"（同类共{total}处，只列出{listed}处）"
                ordered[index] = replace(found, message=found.message + note)
        self.totals = {rule.code: self.totals[rule.code] for rule in RULES if rule.code in self.totals}
        return tuple(ordered)


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
            is_read = rule.reading is None or rule.reading == "blank" or rule.reading in staged.readings[field]
            if is_read and all(parameters[name] is not None for name in _parameters_in(condition)):
                asked.append(_Asked(rule, field, condition, f"flags{len(asked) // BITS}", 1 << len(asked) % BITS))
    return asked


def _parameters_in(sql: str) -> list[str]:
    return sorted(set(re.findall(r"\$(\w+)", sql)))


def _execute(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, object]) -> list[tuple]:
    # DuckDB refuses a parameter too few and one too many alike.
    return con.execute(sql, {name: parameters[name] for name in _parameters_in(sql)}).fetchall()


CONTENT = (
    "direction", "mode", "commodity", "origin", "destination", "counterparty", "corridor", "distance_km", "tonnes",
    "is_drayage", "transfer_station", "loading", "boxes", "vehicles", "weighing_basis", "note",
)  # fmt: skip


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
        f"{name} & {sum(a.bit for a in asked if a.column == name and a.rule.severity == MUST)} <> 0" for name in flags
    )
    blocking = [(row, code) for row, code, *_ in staged.hits if BY_CODE[code].severity == MUST]
    con = staged.con
    con.execute("CREATE OR REPLACE TABLE blocking_row (row_no INTEGER)")
    if blocking:
        con.execute("INSERT INTO blocking_row SELECT unnest(?)", [sorted({row for row, _ in blocking})])
    content = ", '|', ".join(f"coalesce({name}::VARCHAR, '')" for name in CONTENT)
    _execute(
        con,
        f"""
        CREATE OR REPLACE TABLE typed AS
        WITH judged AS (
            SELECT
                row_no, unit_code, shown, month, direction, mode, commodity, origin, destination,
                counterparty, corridor, distance_km, tonnes, is_drayage, transfer_station,
                coalesce(loading, '散装') AS loading, boxes, vehicles, weighing_basis, note,
                is_data, is_total, is_footer, is_zero, {columns}
            FROM stg_row
        )
        SELECT
            judged.*,
            md5_number_lower(concat({content})) AS content,
            ({must}) OR row_no IN (SELECT row_no FROM blocking_row) AS is_blocking
        FROM judged
        """,
        parameters,
    )


def _list_asked(staged: Stage, asked: list[_Asked], parameters: dict[str, object], totals: _Tally) -> None:
    if not asked:
        return
    names = sorted({item.column for item in asked})
    hit = " OR ".join(f"{name} <> 0" for name in names)
    counts = ", ".join(f"count(*) FILTER ({item.column} & {item.bit} <> 0)" for item in asked)
    numbers = staged.con.execute(f"SELECT {counts} FROM typed WHERE {hit}").fetchall()[0]
    for item, number in zip(asked, numbers, strict=True):
        if number == 0:
            continue
        totals.count(item.rule.code, number)
        staged.con.execute(
            f"CREATE OR REPLACE TABLE listed AS SELECT row_no FROM typed WHERE {item.column} & {item.bit} <> 0"
            f" ORDER BY row_no LIMIT {LISTED_PER_CODE}"
        )
        known = item.rule.known.replace("{f}", item.field) if item.rule.known else "NULL"
        rows = _execute(
            staged.con,
            f"SELECT stg_row.row_no, line.{item.field}, {known} FROM stg_row JOIN line USING (row_no)"
            " WHERE row_no IN (SELECT row_no FROM listed) ORDER BY row_no",
            parameters,
        )
        for row, value, shown in rows:
            totals.show(_placed(staged, item.rule.code, row, item.field, value, shown))


def _placed(staged: Stage, code: str, row: int, field: str, value: str | None, known: object) -> Finding:
    """A finding at a cell; a value from the head block is placed where it stands."""
    head = staged.source.head.get(rules_header(field))
    if head is not None and value == head[0]:
        row = head[1]
    return finding(
        code, sheet=staged.source.sheet, row=row, column=staged.headers[field], value=value,
        known=_as_written(known),
    )  # fmt: skip


def rules_header(field: str) -> str:
    """Our header of a column."""
    from etl.intake.fields import FIELD_BY_NAME

    return FIELD_BY_NAME[field].header


def _as_written(known: object) -> str | None:
    if known is None:
        return None
    text = str(known)
    return text.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", text) else text


# ---------------------------------------------------------------------------- what no single row shows


def _list_total_rows(staged: Stage, totals: _Tally) -> None:
    """合计 rows: left out, and their printed number held against the rows above them.

    A 小计 must equal the rows since the total row before it, a 合计 these or all rows above.
    """
    found = staged.con.execute(
        """
        WITH summed AS (
            SELECT row_no, is_total, is_footer, tonnes,
                sum(tonnes) FILTER (is_data) OVER (ORDER BY row_no) AS above,
            FROM typed
        )
        SELECT row_no, is_total, tonnes, coalesce(above, 0) FROM summed WHERE is_total OR is_footer ORDER BY row_no
        """
        if staged.con.execute("SELECT count(*) FROM typed WHERE is_total OR is_footer").fetchall()[0][0]
        else "SELECT 1, true, NULL, 0 WHERE false"
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


def _list_repeated_rows(staged: Stage, totals: _Tally) -> None:
    con = staged.con
    con.execute(
        "CREATE OR REPLACE TABLE twice AS SELECT content FROM typed WHERE is_data AND NOT is_zero"
        " GROUP BY content HAVING count(*) > 1"
    )
    same = ", ".join(("coalesce(unit_code, shown)", "month", *CONTENT))
    found = con.execute(
        f"""
        SELECT row_no, first_row, count(*) OVER ()
        FROM (
            SELECT row_no, min(row_no) OVER (PARTITION BY {same}) AS first_row
            FROM typed WHERE is_data AND NOT is_zero AND content IN (SELECT content FROM twice)
        )
        WHERE row_no > first_row ORDER BY row_no LIMIT {LISTED_PER_CODE}
        """
    ).fetchall()
    if found:
        totals.count("C005", found[0][2])
    for row, first, _ in found:
        totals.show(finding("C005", sheet=staged.source.sheet, row=row, known=str(first)))


def _list_zero_beside_flows(staged: Stage, totals: _Tally) -> None:
    found = staged.con.execute(
        """
        SELECT row_no, note FROM typed AS zero
        WHERE is_zero AND is_data AND EXISTS (
            SELECT 1 FROM typed AS flow
            WHERE flow.is_data AND NOT flow.is_zero
                AND flow.unit_code = zero.unit_code AND flow.month = zero.month
        )
        ORDER BY row_no
        """
    ).fetchall()
    for row, note in found:
        totals.add(
            finding("C009", sheet=staged.source.sheet, row=row, column=staged.headers["note"], value=note)
        )


# -------------------------------------------------------------------------------- whole unit-months


@dataclass(frozen=True)
class _Group:
    unit_code: str | None
    shown: str | None
    month: date | None
    rows: int
    tonnes: Decimal
    content: str
    is_blocking: bool


def _unit_months(staged: Stage) -> list[_Group]:
    return [
        _Group(*row)
        for row in staged.con.execute(
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


def _refused(
    groups: list[_Group], all_blocked: bool
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
            if (other.unit_code == group.unit_code or is_unit) and (group.month is None or other.month == group.month):
                blocked.add((other.unit_code, other.month))
                if other.unit_code is not None:
                    refused.add((other.unit_code, f"{other.month:%Y-%m}" if other.month else UNKNOWN))
    return blocked, tuple(sorted(refused))


def _write_rows(staged: Stage, target: Path, blocked: set[tuple[str | None, date | None]]) -> None:
    """The rows of all unit-months that are not blocked, typed, as one Parquet file."""
    con = staged.con
    target.parent.mkdir(parents=True, exist_ok=True)
    con.execute("CREATE OR REPLACE TABLE blocked (unit_code VARCHAR, month DATE)")
    pairs = [pair for pair in blocked if None not in pair]
    if pairs:
        con.execute(
            "INSERT INTO blocked SELECT unnest(?), unnest(?)", [[unit for unit, _ in pairs], [m for _, m in pairs]]
        )
    keep = "AND NOT EXISTS (SELECT 1 FROM blocked AS b WHERE b.unit_code = typed.unit_code AND b.month = typed.month)"
    columns = ", ".join(CONTENT)
    # Written beside and moved: a reader never meets half a file.
    part = target.with_suffix(".part")
    con.execute(
        f"""
        COPY (
            SELECT unit_code, month, $sheet::VARCHAR AS sheet, row_no, {columns}
            FROM typed
            WHERE is_data AND NOT is_zero AND unit_code IS NOT NULL AND month IS NOT NULL {keep if pairs else ""}
        ) TO '{str(part).replace("'", "''")}' (FORMAT parquet)
        """,
        {"sheet": staged.source.sheet},
    ).fetchall()
    part.replace(target)


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
) -> Iterator[CheckResult]:
    """Each file's result, in order, from one child process with limits of memory, CPU and time.

    A file that exhausts the child gets a finding and a new child takes the files after it.
    `progress(path, number, of)` is called before each file.
    Errors: CheckFault when the check itself fails.
    """
    options = {
        "mapping": mapping, "today": today, "rows_folder": rows_folder,
        "expected_month": expected_month, "own_units": own_units,
    }  # fmt: skip
    child: _Child | None = None
    try:
        for number, path in enumerate(paths, start=1):
            if progress is not None:
                progress(path, number, len(paths))
            child = child or _Child(declared, registry, options)
            result = child.check(path)
            if result is None:
                child.stop()
                child = None
                result = refused_result(path, finding("S009"))
            yield result
    finally:
        if child is not None:
            child.stop()


class _Child:
    def __init__(self, declared: Declared, registry: pa.Table, options: dict[str, object]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, declared, registry, options), daemon=True)
        self.process.start()
        theirs.close()

    def check(self, path: Path) -> CheckResult | None:
        """The result for a file; None when the child died or took too long. Errors: CheckFault."""
        try:
            self.pipe.send(path)
            if not self.pipe.poll(WALL_SECONDS):
                return None
            answer = self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return None
        if isinstance(answer, str):
            raise CheckFault(answer)
        return answer

    def stop(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.join()


def _serve(pipe: Connection, declared: Declared, registry: pa.Table, options: dict) -> None:
    _lower(resource.RLIMIT_AS, MEMORY_BYTES)
    _lower(resource.RLIMIT_CPU, CPU_SECONDS)
    _lower(resource.RLIMIT_CORE, 0)
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        try:
            answer: CheckResult | str = check_in_process(path, declared, registry, **options)
        except Exception:  # noqa: BLE001 - a fault of ours crosses as text and is raised over there
            answer = traceback.format_exc()
        pipe.send(answer)


def _lower(limit: int, wanted: int) -> None:
    _, hard = resource.getrlimit(limit)
    resource.setrlimit(limit, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
