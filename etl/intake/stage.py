"""From a text table to `stg_row`: one row a line of the file, read, with how each cell was read.

The lines go into DuckDB as text. Each word of a column is read once in Python (words.py) and comes
back by a join; numbers that are plain are cast by DuckDB, the others are read like words. A column
in which every word reads as written needs no join at all, which is what makes clean files fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.intake import words as w
from etl.intake.fields import FIELD_BY_NAME, HEADER_TO_FIELD, RETURN_FIELDS, TEN_THOUSAND_TONNES, plain
from etl.intake.finding import Finding
from etl.intake.mapping import Mapping as Layout
from etl.intake.mapping import field_sql, literal, translate, where_sql
from etl.intake.receive import TextSource
from etl.intake.registry_view import RegistryView, Unit
from etl.intake.rules import KEYS, finding, refusal
from etl.periods import last_day
from etl.reference import Declared

BATCH = 20_000
OPTIONAL_WHEN_ANY_KEY = frozenset({"uscc", "unit_code"})


@dataclass
class Stage:
    """What is in DuckDB: `raw` (text), `line` (our columns as text) and `stg_row` (read).

    `headers`: our column → its header in the file. `hits`: what reading found by row (row, code,
    column, value, known). `readings`: column → the ways in which its cells were read.
    """

    con: duckdb.DuckDBPyConnection
    source: TextSource
    headers: dict[str, str] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)
    hits: list[tuple[int, str, str | None, str | None, str | None]] = field(default_factory=list)
    readings: dict[str, set[str]] = field(default_factory=dict)
    is_ten_thousand: bool = False
    missing: set[str] = field(default_factory=set)
    # Columns that only the head block fills: one cell, however many rows it speaks for.
    head_only: set[str] = field(default_factory=set)
    has_drayage: bool = False


def stage(
    con: duckdb.DuckDBPyConnection,
    source: TextSource,
    declared: Declared,
    registry: RegistryView,
    layout: Layout | None = None,
    own_units: frozenset[str] | None = None,
) -> Stage:
    """Fill `con` with the table and read it. Errors: Refusal where the table cannot be read."""
    staged = Stage(con, source, notes=list(source.notes))
    row_number = _load(staged)
    _make_lines(staged, row_number, declared, layout)
    _read_words(staged, declared, registry, layout, own_units)
    return staged


# ------------------------------------------------------------------------------------------- loading


def _load(staged: Stage) -> str:
    """Fill `raw`; gives the SQL of a line's number as Excel shows it."""
    source, con = staged.source, staged.con
    # Columns of our own report are left out row by row.
    if source.text is not None and not source.own and _load_fast(con, source, source.text):
        return f"(raw.rowid + {source.header_row + 1})::INTEGER"
    width = max(len(source.header), 1)
    names = ["row_no", *(f"c{index}" for index in range(width))]
    columns = ", ".join(f"{name} VARCHAR" for name in names[1:])
    con.execute(f"CREATE OR REPLACE TABLE raw (row_no INTEGER, {columns})")
    types = [pa.int32(), *[pa.string()] * width]
    schema = pa.schema(list(zip(names, types, strict=True)))
    rows = source.rows()
    while batch := list(islice(rows, BATCH)):
        numbers, cells = [], []
        for number, row in batch:
            if len(row) > width and any(cell and not cell.isspace() for cell in row[width:]):
                staged.hits.append((number, "S107", None, next(c for c in row[width:] if c), None))
            numbers.append(number)
            cells.append((*row, *[None] * (width - len(row)))[:width])
        arrays = [
            pa.array(numbers, types[0]),
            *(pa.array(column, pa.string()) for column in zip(*cells, strict=True)),
        ]
        con.register("batch", pa.table(arrays, schema=schema))
        con.execute("INSERT INTO raw SELECT * FROM batch")
        con.unregister("batch")
    return "raw.row_no"


def _load_fast(con: duckdb.DuckDBPyConnection, source: TextSource, text: Path) -> bool:
    """Let DuckDB read the CSV in parallel; False when its rows are not the file's lines one by one.

    Each row takes at least one line, so equal counts prove that no blank line and no line break in
    quotes stands between, and that the n-th row is the n-th line: a row's id gives its number.
    """
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(source.header)))
    try:
        con.execute(
            f"CREATE OR REPLACE TABLE raw AS FROM read_csv(?, skip = {source.header_row}, header = false,"
            f" columns = {{{columns}}}, auto_detect = false, delim = ?, quote = '\"', escape = '\"',"
            " null_padding = true, strict_mode = true)",
            [str(text), source.delimiter],
        ).fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        # Too many cells in a row, a bad byte, a stray quote: the counted path says which and where.
        return False
    (rows,) = con.execute("SELECT count(*) FROM raw").fetchall()[0]
    return rows == _count_lines(text) - source.header_row


def _count_lines(text: Path) -> int:
    """Lines of a text file, blank ones at its end not counted."""
    lines, tail = 0, b""
    with text.open("rb") as stream:
        while block := stream.read(4 * 2**20):
            lines += block.count(b"\n")
            tail = (tail + block)[-1024:]
    ending = tail[len(tail.rstrip(b"\r\n")) :]
    return lines - ending.count(b"\n") + 1


# --------------------------------------------------------------------------------- columns of the file


def _make_lines(staged: Stage, row_number: str, declared: Declared, layout: Layout | None) -> None:
    """The view `line`: number and our columns as text, by header, head block, constant or derivation."""
    columns = _mapped(staged, layout) if layout else _by_header(staged)
    # A footer is told by its lack of a month and code of its own; a head block would lend it both.
    # So would a mapping's constant.
    own_key = " OR ".join(
        f"{columns[name]} IS NOT NULL"
        for name in ("month", "uscc", "unit_code")
        if name in columns and not (layout and FIELD_BY_NAME[name].header in layout.constants)
    )
    head = {HEADER_TO_FIELD[name]: (value, row) for name, (value, row) in staged.source.head.items()}
    for name, (value, _) in head.items():
        column = columns.get(name)
        if column is None:
            staged.head_only.add(name)
        columns[name] = (
            f"coalesce(nullif(trim({column}), ''), {literal(value)})" if column else literal(value)
        )
        staged.headers.setdefault(name, FIELD_BY_NAME[name].header)
    required = {field.name for field in RETURN_FIELDS if field.required}
    if declared.plan.unit_key != "uscc" and columns.keys() & OPTIONAL_WHEN_ANY_KEY:
        required -= OPTIONAL_WHEN_ANY_KEY
    if staged.is_ten_thousand:
        required.discard("tonnes")
    staged.missing = required - columns.keys()
    for field_ in RETURN_FIELDS:
        staged.headers.setdefault(field_.name, field_.header)
        if field_.name in staged.missing:
            staged.notes.append(finding("S101", sheet=staged.source.sheet, column=field_.header))
    if staged.is_ten_thousand and "tonnes" not in columns:
        staged.missing.add("tonnes")
    taken = ", ".join(f"{columns.get(f.name, 'NULL::VARCHAR')} AS {f.name}" for f in RETURN_FIELDS)
    where = where_sql(layout, staged.source.header) if layout else "true"
    filled = " OR ".join(f"c{index} IS NOT NULL" for index in range(len(staged.source.header))) or "false"
    staged.con.execute(
        f"CREATE OR REPLACE VIEW line AS SELECT {row_number} AS row_no, {taken},"
        f" ({own_key or 'false'}) AS has_own_key FROM raw WHERE ({filled}) AND ({where})"
    )
    if layout and layout.where:
        (left_out,) = staged.con.execute(f"SELECT count(*) FROM raw WHERE NOT ({where})").fetchall()[0]
        if left_out:
            staged.notes.append(finding("S114", value=str(left_out)))
    for row, index in sorted(staged.source.merged):
        if row > staged.source.header_row and columns.get("tonnes") == f"c{index}":
            staged.hits.append((row, "S106", "tonnes", None, None))


def _by_header(staged: Stage) -> dict[str, str]:
    columns: dict[str, str] = {}
    sheet = staged.source.sheet
    for index, header in enumerate(staged.source.header):
        if not header:
            continue
        name = HEADER_TO_FIELD.get(plain(header))
        if plain(header) in TEN_THOUSAND_TONNES:
            staged.is_ten_thousand = True
            staged.notes.append(finding("S112", sheet=sheet, row=staged.source.header_row, column=header))
        elif name is None:
            staged.notes.append(finding("S108", sheet=sheet, row=staged.source.header_row, column=header))
        elif name in columns:
            staged.notes.append(finding("S109", sheet=sheet, row=staged.source.header_row, column=header))
        else:
            columns[name] = f"c{index}"
            staged.headers[name] = header
            if plain(header) != FIELD_BY_NAME[name].header:
                staged.notes.append(
                    finding("S110", sheet=sheet, row=staged.source.header_row, column=header,
                            known=FIELD_BY_NAME[name].header)
                )  # fmt: skip
    if not columns:
        raise refusal("S116", sheet=sheet)
    return columns


def _mapped(staged: Stage, layout: Layout) -> dict[str, str]:
    columns: dict[str, str] = {}
    header = staged.source.header
    for field_ in RETURN_FIELDS:
        if (sql := field_sql(field_.header, layout, header)) is not None:
            columns[field_.name] = sql
            their = layout.columns.get(field_.header)
            if their is not None:
                staged.headers[field_.name] = header[layout.position(their, header)]
    return columns


# ------------------------------------------------------------------------------------------- reading


def _read_words(
    staged: Stage,
    declared: Declared,
    registry: RegistryView,
    layout: Layout | None,
    own_units: frozenset[str] | None,
) -> None:
    readers = w.readers(declared, registry.parks, layout.date_form if layout else None)
    joins, taken = [], ["line.row_no"]
    for name, read in readers.items():
        if name in KEYS:
            continue
        if name in w.NUMBERS:
            taken += _read_numbers(staged, name, read, joins)
        else:
            taken += _read_column(staged, name, read, joins, layout)
    taken += _read_keys(staged, readers, registry, joins, layout, own_units)
    od = _od_distances(staged.con, declared)
    staged.con.execute(
        f"CREATE OR REPLACE VIEW stg_word AS SELECT {', '.join(taken)} FROM line {' '.join(joins)}"
    )
    staged.con.execute(_STG_ROW.format(
        od="LEFT JOIN od ON od.origin = stg_word.origin AND od.destination = stg_word.destination" if od else "",
        od_distance="od.distance_km" if od else "NULL::DECIMAL(18,9)",
        od_corridor="od.corridor" if od else "NULL::VARCHAR",
        totals=" OR ".join(f"{name}_reading = 'total'" for name in (*KEYS, "commodity", "direction", "mode",
                           "origin", "destination", "counterparty", "corridor")
                           if w.TOTAL in staged.readings.get(name, ())) or "false",
    ))  # fmt: skip


_STG_ROW = """
CREATE OR REPLACE VIEW stg_row AS
WITH word AS (
    SELECT
        stg_word.* REPLACE (coalesce(loading, '散装') AS loading),
        ({totals}) AS is_total,
        tonnes_reading = 'blank' AND distance_km_reading = 'blank' AND commodity IS NULL
            AND direction IS NULL AND mode IS NULL AS is_empty_flow,
        coalesce(note_extra = 'zero', false) AS is_zero_word,
        coalesce(stg_word.drayage = '是', false) AS is_drayage,
        transfer_station_extra IS NOT NULL AS is_known_transfer,
        {od_distance} AS od_distance_km,
        coalesce(
            stg_word.corridor,
            {od_corridor},
            CASE WHEN direction = '到达' THEN destination_extra ELSE origin_extra END,
            CASE WHEN direction = '到达' THEN origin_extra ELSE destination_extra END,
            '其他'
        ) AS derived_corridor
    FROM stg_word
    {od}
)
SELECT
    *,
    is_zero_word AND coalesce(tonnes, 0) = 0 AND tonnes_reading IN ('', 'blank', 'width') AS is_zero,
    -- A line without a flow and without a readable month of its own is a signature or a remark.
    NOT is_total AND is_empty_flow AND NOT is_zero_word AND NOT is_key_line AS is_footer,
    NOT is_total AND (NOT is_empty_flow OR is_zero_word OR is_key_line) AS is_data
FROM word
"""


def _read_column(
    staged: Stage, name: str, read: w.Reader, joins: list[str], layout: Layout | None
) -> list[str]:
    """The SQL of value, reading and extra of a column of words; a join only where it is needed."""
    found = staged.con.execute(f"SELECT DISTINCT {name} FROM line WHERE {name} IS NOT NULL").fetchall()
    header = FIELD_BY_NAME[name].header
    words = [(text, read(translate(header, text, layout) if layout else text)) for (text,) in found]
    staged.readings[name] = {word.reading for _, word in words}
    if name == "drayage":
        staged.has_drayage = any(word.value == "是" for _, word in words)
    if all(word == w.Word(text) for text, word in words):
        return [
            f"line.{name} AS {name}",
            f"CASE WHEN line.{name} IS NULL THEN 'blank' ELSE '' END AS {name}_reading",
            f"NULL::VARCHAR AS {name}_extra",
        ]
    _word_table(staged.con, f"word_{name}", words)
    joins.append(f"LEFT JOIN word_{name} ON word_{name}.raw = line.{name}")
    return [
        f"word_{name}.word AS {name}",
        f"coalesce(word_{name}.reading, 'blank') AS {name}_reading",
        f"word_{name}.extra AS {name}_extra",
    ]


def _read_numbers(staged: Stage, name: str, read: w.Reader, joins: list[str]) -> list[str]:
    whole, places, sql_type = w.NUMBERS[name]
    pattern = rf"\d{{1,{whole}}}" + (rf"(\.\d{{1,{places}}})?" if places else "")
    found = staged.con.execute(
        f"SELECT DISTINCT {name} FROM line WHERE NOT regexp_full_match({name}, '{pattern}')"
    ).fetchall()
    words = [(text, read(text)) for (text,) in found]
    staged.readings[name] = {word.reading for _, word in words}
    cast, blank = f"TRY_CAST(line.{name} AS {sql_type})", f"WHEN line.{name} IS NULL THEN 'blank'"
    if not words:
        return [f"{cast} AS {name}", f"CASE {blank} ELSE '' END AS {name}_reading"]
    _word_table(staged.con, f"word_{name}", words)
    joins.append(f"LEFT JOIN word_{name} ON word_{name}.raw = line.{name}")
    return [
        f"CASE WHEN word_{name}.raw IS NULL THEN {cast} ELSE word_{name}.word::{sql_type} END AS {name}",
        f"CASE {blank} ELSE coalesce(word_{name}.reading, '') END AS {name}_reading",
    ]


def _word_table(con: duckdb.DuckDBPyConnection, name: str, words: list[tuple[str, w.Word]]) -> None:
    _table(con, name, ("raw", "word", "reading", "extra"), ((text, *word) for text, word in words))


def _table(
    con: duckdb.DuckDBPyConnection, name: str, columns: tuple[str, ...], rows: Iterable[tuple]
) -> None:
    parts = list(zip(*rows, strict=True)) or [()] * len(columns)
    con.register(
        "words", pa.table({c: pa.array(p, pa.string()) for c, p in zip(columns, parts, strict=True)})
    )
    con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM words")
    con.unregister("words")


def _read_keys(
    staged: Stage,
    readers: Mapping[str, w.Reader],
    registry: RegistryView,
    joins: list[str],
    layout: Layout | None,
    own_units: frozenset[str] | None,
) -> list[str]:
    """Month, code and name together: whose month a line is. One row a combination as written."""
    found = staged.con.execute(f"SELECT DISTINCT {', '.join(KEYS)} FROM line").fetchall()
    cache: dict[tuple[str, str | None], w.Word] = {}
    for name in KEYS:
        staged.readings[name] = set()

    def read(name: str, text: str | None) -> w.Word:
        if text is None:
            return w.Word(None, w.BLANK)
        if (name, text) not in cache:
            ours = translate(FIELD_BY_NAME[name].header, text, layout) if layout else text
            cache[name, text] = readers[name](ours)
        return cache[name, text]

    def rows() -> Iterable[tuple]:
        for texts in found:
            month, code, unit_code, name = (read(*pair) for pair in zip(KEYS, texts, strict=True))
            day = last_day(date.fromisoformat(f"{month.value}-01")) if month.value else None
            unit = registry.resolve(code, unit_code, name, day)
            for field_name, word in zip(KEYS, (month, code, unit_code, name), strict=True):
                staged.readings[field_name].add(word.reading)
            is_foreign = (
                own_units is not None and unit.unit_code is not None and unit.unit_code not in own_units
            )
            has_code = code.reading != w.BLANK or unit_code.reading != w.BLANK
            is_key = unit.unit_code is not None or (month.value is not None and has_code)
            yield (
                *texts, f"{month.value}-01" if month.value else None, month.reading, code.value, code.reading,
                unit_code.reading, name.value, name.reading, *unit,
                "1" if is_foreign else None, "1" if is_key else None,
            )  # fmt: skip

    read_columns = (
        "month", "month_reading", "uscc", "uscc_reading", "unit_code_reading", "enterprise_name",
        "enterprise_name_reading", *Unit._fields,
    )  # fmt: skip
    raw_columns = tuple(f"{name}_raw" for name in KEYS)
    _table(staged.con, "word_key", (*raw_columns, *read_columns, "is_foreign", "is_key"), rows())
    match = " AND ".join(f"word_key.{name}_raw IS NOT DISTINCT FROM line.{name}" for name in KEYS)
    joins.append(f"LEFT JOIN word_key ON {match}")
    return [
        "word_key.month::DATE AS month",
        *(f"word_key.{name}" for name in read_columns[1:]),
        "word_key.is_foreign IS NOT NULL AS is_foreign_unit",
        "line.has_own_key AND word_key.is_key IS NOT NULL AS is_key_line",
    ]


def _od_distances(con: duckdb.DuckDBPyConnection, declared: Declared) -> bool:
    """The table `od`: 认定里程 of each pair of places in either order; False when none is declared."""
    names = declared.station_names
    pairs: dict[tuple[str, str], tuple[str, str | None]] = {}
    for od in declared.od_distances:
        ends = names.get(od.origin, od.origin), names.get(od.destination, od.destination)
        for pair in (ends, ends[::-1]):
            pairs.setdefault(pair, (str(od.distance_km), od.corridor or None))
    if not pairs:
        return False
    _table(con, "od_text", ("origin", "destination", "distance_km", "corridor"),
           ((*pair, *entry) for pair, entry in pairs.items()))  # fmt: skip
    con.execute(
        "CREATE OR REPLACE TABLE od AS SELECT origin, destination, distance_km::DECIMAL(18,9) AS distance_km,"
        " corridor FROM od_text"
    )
    return True
