"""From a text table to `stg_row`: one row a line of the file, read, with how each cell was read.

Here is only what depends on the file: which of its cells feeds which column, and what its words mean;
all else is in sql/. Each different word of a column is read once, in Python (words.py). What does not
read as written comes back by a join, and so do numbers that are not plain: a clean file needs neither.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.intake import words as w
from etl.intake.fields import (
    FIELD_BY_NAME,
    HEADER_TO_FIELD,
    MONTH_HEADERS,
    RETURN_FIELDS,
    TEN_THOUSAND_TONNES,
    YEAR_HEADERS,
    plain,
)
from etl.intake.finding import Finding
from etl.intake.header import is_in_tonnes, unit_corner, written_month
from etl.intake.mapping import Mapping as Layout
from etl.intake.mapping import field_sql, literal, translate, where_sql
from etl.intake.receive import TextSource
from etl.intake.registry_view import RegistryView, Unit
from etl.intake.rules import KEYS, finding, refusal
from etl.intake.statements import statement
from etl.periods import last_day
from etl.reference import Declared

BATCH = 20_000
OPTIONAL_WHEN_ANY_KEY = frozenset({"uscc", "unit_code"})
# A line without any of these has no flow.
FLOW = ("commodity", "direction", "mode")
# Without all of these a table is none of flows, whatever else it has.
_FLOW_COLUMNS = {field.name for field in RETURN_FIELDS if field.required and not field.in_head_block}
KILOMETRES = pa.decimal128(18, 9)


@dataclass
class Stage:
    """What is in DuckDB: `raw` (cells of the file), `line` (our columns as text) and `stg_row` (read).

    `headers`: our column → its header in the file. `hits`: what reading found by row (row, code,
    column, value, known). `readings`: column → the ways in which its cells were read.
    """

    con: duckdb.DuckDBPyConnection
    source: TextSource
    headers: dict[str, str] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)
    hits: list[tuple[int, str, str | None, str | None, str | None]] = field(default_factory=list)
    readings: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
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
    _find_merged_tonnes(staged)
    return staged


# ------------------------------------------------------------------------------------------- loading


def _load(staged: Stage) -> str:
    """Fill `raw`; gives the SQL of a line's number as Excel shows it."""
    source, con = staged.source, staged.con
    # Columns of our own report are left out row by row.
    if source.text is not None and not source.own and _load_fast(con, source, source.text):
        return f"(rowid + {source.header_row + 1})::INTEGER"
    width = max(len(source.header), 1)
    names = [f"c{index}" for index in range(width)]
    schema = pa.schema([("row_no", pa.int32()), *((name, pa.string()) for name in names)])
    _create(con, "raw", schema.empty_table())
    rows = source.rows()
    while batch := list(islice(rows, BATCH)):
        numbers, cells = [], []
        for number, row in batch:
            if len(row) > width and any(cell and not cell.isspace() for cell in row[width:]):
                staged.hits.append((number, "S107", None, next(c for c in row[width:] if c), None))
            numbers.append(number)
            cells.append((*row, *[None] * (width - len(row)))[:width])
        columns = dict(zip(names, zip(*cells, strict=True), strict=True))
        con.from_arrow(pa.table({"row_no": numbers} | columns, schema=schema)).insert_into("raw")
    return "row_no"


def _load_fast(con: duckdb.DuckDBPyConnection, source: TextSource, text: Path) -> bool:
    """Let DuckDB read the CSV in parallel; False when its rows are not the file's lines one by one.

    Each row takes at least one line, so equal counts prove that no blank line and no line break in
    quotes stands between, and that the n-th row is the n-th line: a row's id gives its number.
    """
    try:
        con.execute(
            statement("load/raw"),
            {
                "file": str(text),
                "skip": source.header_row,
                "columns": {f"c{index}": "VARCHAR" for index in range(len(source.header))},
                "delimiter": source.delimiter,
            },
        ).fetchall()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        # Too many cells in a row, a bad byte, a stray quote: the counted path says which and where.
        return False
    if len(con.table("raw")) == _count_lines(text) - source.header_row:
        return True
    con.execute("DROP TABLE raw")
    return False


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
    source = staged.source
    for name in ("00_is_total_word", "05_is_signature"):
        staged.con.execute(statement(name))
    again = _headers_again(staged, row_number)
    columns = _mapped(staged, layout) if layout else _by_header(staged)
    # A footer is told by its lack of a month and code of its own; a head block would lend it both.
    # So would a mapping's constant.
    fixed = layout.constants if layout else {}
    own_keys = [
        columns[name]
        for name in ("month", "uscc", "unit_code")
        if name in columns and FIELD_BY_NAME[name].header not in fixed
    ]
    _add_head_block(staged, columns)
    _note_missing(staged, columns, declared)
    taken = where_sql(layout, source.header) if layout else "true"
    in_line = staged.con.table("raw").project(
        ", ".join((
            f"{row_number} AS row_no",
            *(f"{columns.get(field.name, 'NULL::VARCHAR')} AS {field.name}" for field in RETURN_FIELDS),
            f"{_any_filled(own_keys)} AS has_own_key",
            f"{_any_filled([f'c{index}' for index in range(len(source.header))])} AS is_filled",
            f"({taken}) AS is_taken",
            f"{row_number} IN ({', '.join(map(str, again))}) AS is_header_again" if again
            else "false AS is_header_again",
            f"{_other_word(source.header, columns)} AS other_word",
            *(f"{FIELD_BY_NAME[name].header in fixed} AS {name}_is_fixed" for name in FLOW),
        ))
    )  # fmt: skip
    in_line.create_view("in_line")
    staged.con.execute(statement("10_line"))
    if layout and layout.where and (left_out := len(in_line.filter("NOT is_taken"))):
        staged.notes.append(finding("S114", value=str(left_out)))


def _find_merged_tonnes(staged: Stage) -> None:
    """A number that is merged over several flows; a remark merged over the whole table is none."""
    source = staged.source
    if not source.merged or staged.headers["tonnes"] not in source.header:
        return
    column = source.header.index(staged.headers["tonnes"])
    rows = sorted(row for row, index in source.merged if index == column and row > source.header_row)
    if rows:
        data = staged.con.view("stg_row").filter(f"is_data AND row_no IN ({', '.join(map(str, rows))})")
        staged.hits += [
            (row, "S106", "tonnes", None, None)
            for (row,) in data.project("row_no").order("row_no").fetchall()
        ]


def _any_filled(columns: list[str]) -> str:
    return f"({' OR '.join(f'{column} IS NOT NULL' for column in columns) or 'false'})"


def _headers_again(staged: Stage, row_number: str) -> list[int]:
    """Rows of the header that are printed again on the next page: alike in each cell, and no data."""
    source, raw = staged.source, staged.con.table("raw")
    rows: list[int] = []
    for texts in source.header_rows:
        filled = [
            f"trim(c{index}) = {literal(text)}"
            for index, text in enumerate(texts[: len(source.header)])
            if text and index not in source.own
        ]
        if len(filled) > 1:
            rows += [row for (row,) in raw.filter(" AND ".join(filled)).project(row_number).fetchall()]
    staged.notes += [finding("S119", sheet=source.sheet, row=row) for row in sorted(rows)]
    return rows


def _other_word(header: tuple[str, ...], columns: dict[str, str]) -> str:
    """合计 or 填表人： where a column that is not ours says it, such as 序号; NULL where none does."""
    used = set(re.findall(r"\bc\d+\b", " ".join(columns.values())))
    others = [f"c{index}" for index in range(len(header)) if f"c{index}" not in used]
    found = [f"if(is_total_word({cell}) OR is_signature({cell}), {cell}, NULL)" for cell in others]
    return f"coalesce({', '.join(('NULL::VARCHAR', *found))})" if found else "NULL::VARCHAR"


def _add_head_block(staged: Stage, columns: dict[str, str]) -> None:
    """What stands once above the table speaks for each row that does not say it itself."""
    for header, (value, _) in staged.source.head.items():
        name = HEADER_TO_FIELD[header]
        column = columns.get(name)
        if column is None:
            staged.head_only.add(name)
        columns[name] = (
            f"coalesce(nullif(trim({column}), ''), {literal(value)})" if column else literal(value)
        )
        staged.headers.setdefault(name, FIELD_BY_NAME[name].header)


def _note_missing(staged: Stage, columns: dict[str, str], declared: Declared) -> None:
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
    if not columns.keys() & _FLOW_COLUMNS and not staged.is_ten_thousand:
        names = "、".join(list(dict.fromkeys(filter(None, staged.source.header)))[:6]) or "空白"
        raise refusal("S116", sheet=sheet, row=max(staged.source.header_row, 1), value=names)
    _join_year(staged, columns)
    _note_what_stands_above(staged, columns)
    return columns


def _join_year(staged: Stage, columns: dict[str, str]) -> None:
    """年 and 月 in two columns are one month; a cell that has its year already stays as it is."""
    header = staged.source.header
    years = [index for index, name in enumerate(header) if plain(name) in YEAR_HEADERS]
    months = [index for index, name in enumerate(header) if plain(name) in MONTH_HEADERS]
    if len(years) != 1 or len(months) != 1:
        return
    year, month = f"trim(c{years[0]})", f"trim(c{months[0]})"
    columns["month"] = (
        f"CASE WHEN regexp_full_match({month}, '\\d{{1,2}}月?') AND regexp_full_match({year}, '\\d{{4}}年?')"
        f" THEN rtrim({year}, '年') || '年' || rtrim({month}, '月') || '月' ELSE c{months[0]} END"
    )
    staged.headers["month"] = header[months[0]]
    read = {header[years[0]], header[months[0]]}
    staged.notes = [
        note for note in staged.notes if not (note.code in ("S108", "S110") and note.column in read)
    ]


def _note_what_stands_above(staged: Stage, columns: dict[str, str]) -> None:
    """A title that names the month, or another unit above a column that says 吨, is said and not acted upon."""
    source = staged.source
    if "month" not in columns and "月份" not in source.head:
        found = written_month(source.above, source.sheet)
        if found is not None:
            row, text = found
            known = w.read_month(text).value or "2025-03"
            staged.notes.append(finding("S117", sheet=source.sheet, row=row, value=text, known=known))
    in_tonnes = next((name for name in source.header if is_in_tonnes(name)), None)
    corner = unit_corner(source.above)
    if in_tonnes is not None and corner is not None:
        staged.notes.append(
            finding("S118", sheet=source.sheet, row=corner.row, value=corner.text, known=in_tonnes)
        )


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
    """The tables `word`, `word_key` and `od`, and with them `stg_row`."""
    readers = w.readers(declared, registry.parks, layout.date_form if layout else None)
    odd = [
        word
        for name, read in readers.items()
        if name not in KEYS
        for word in _odd_words(staged, name, _translated(name, read, layout))
    ]
    columns = ("field", "cell", *w.Word._fields)
    _create(staged.con, "word", _rows(pa.schema([(name, pa.string()) for name in columns]), odd))
    keys = {name: _translated(name, readers[name], layout) for name in KEYS}
    _create(staged.con, "word_key", _rows(_WORD_KEY, _read_keys(staged, keys, registry, own_units)))
    _create(staged.con, "od", _rows(_OD, _od_distances(declared)))
    staged.con.execute(statement("20_stg_word"))
    staged.con.execute(statement("30_stg_row"))


_WORD_KEY = pa.schema([
    *((f"{name}_cell", pa.string()) for name in KEYS),
    ("month", pa.date32()),
    *((f"{name}_reading", pa.string()) for name in KEYS),
    *((name, pa.string()) for name in ("uscc", "enterprise_name", *Unit._fields)),
    *((name, pa.bool_()) for name in ("is_foreign_unit", "is_key", "is_total")),
])  # fmt: skip
_OD = pa.schema([
    ("origin", pa.string()), ("destination", pa.string()), ("distance_km", KILOMETRES), ("corridor", pa.string()),
])  # fmt: skip


def _translated(name: str, read: w.Reader, layout: Layout | None) -> w.Reader:
    """The reader of a column that knows the words of the layout, too."""
    if layout is None or name in w.NUMBERS:
        return read
    return lambda text: read(translate(FIELD_BY_NAME[name].header, text, layout))


def _odd_words(staged: Stage, name: str, read: w.Reader) -> Iterator[tuple]:
    """The cells of a column that do not read as written, each once; the readings of all are noted."""
    asked = f"{name} IS NOT NULL"
    if name in w.NUMBERS:
        whole, places, _ = w.NUMBERS[name]
        pattern = rf"\d{{1,{whole}}}" + (rf"(\.\d{{1,{places}}})?" if places else "")
        asked = f"NOT regexp_full_match({name}, '{pattern}')"
    for (text,) in staged.con.view("line").filter(asked).project(name).distinct().fetchall():
        word = read(text)
        staged.readings[name].add(word.reading)
        if name == "drayage" and word.value == "是":
            staged.has_drayage = True
        if word != w.Word(text):
            yield name, text, *word


def _read_keys(
    staged: Stage, readers: Mapping[str, w.Reader], registry: RegistryView, own_units: frozenset[str] | None
) -> Iterator[tuple]:
    """Month, code and name together: whose month a line is. One row (_WORD_KEY) a combination as written."""
    readers = {name: cache(read) for name, read in readers.items()}
    for texts in staged.con.view("line").project(", ".join(KEYS)).distinct().fetchall():
        words = tuple(
            w.Word(None, w.BLANK) if text is None else readers[name](text)
            for name, text in zip(KEYS, texts, strict=True)
        )
        for name, word in zip(KEYS, words, strict=True):
            staged.readings[name].add(word.reading)
        month, code, unit_code, name = words
        first = date.fromisoformat(f"{month.value}-01") if month.value else None
        unit = registry.resolve(code, unit_code, name, last_day(first) if first else None)
        is_foreign = own_units is not None and unit.unit_code is not None and unit.unit_code not in own_units
        has_code = code.reading != w.BLANK or unit_code.reading != w.BLANK
        is_key = unit.unit_code is not None or (first is not None and has_code)
        yield (
            *texts, first, *(word.reading for word in words), code.value, name.value, *unit,
            is_foreign, is_key, any(word.reading == w.TOTAL for word in words),
        )  # fmt: skip


def _od_distances(declared: Declared) -> list[tuple]:
    """认定里程 of each pair of places in either order."""
    names = declared.station_names
    pairs: dict[tuple[str, str], tuple[Decimal, str | None]] = {}
    for od in declared.od_distances:
        ends = names.get(od.origin, od.origin), names.get(od.destination, od.destination)
        for pair in (ends, ends[::-1]):
            pairs.setdefault(pair, (od.distance_km, od.corridor or None))
    return [(*pair, *entry) for pair, entry in pairs.items()]


def _rows(schema: pa.Schema, rows: Iterable[tuple]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema)


def _create(con: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    con.from_arrow(table).create(name)
