"""One-click mends: what was read otherwise than written, as the text that says it plainly.

Nothing is mended by itself. A mend is offered; whoever takes it hands it to `workbook.returned` or to
the grid, and to the log.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from etl.intake import words as w
from etl.intake.fields import (
    FIELD_BY_NAME,
    HEADER_TO_FIELD,
    RETURN_HEADERS,
    TEN_THOUSAND_TONNES,
    plain,
)
from etl.intake.mapping import Mapping
from etl.intake.receive import open_table
from etl.intake.registry_view import RegistryView
from etl.intake.rules import BY_CODE
from etl.intake.stage import Stage, stage
from etl.reference import Declared

HEADER_ALIAS = "S110"
TEN_THOUSAND = "S112"
# Cells read otherwise than written: full width and blanks, date forms, aliases, separators, units.
CELL_CODES = ("V021", "V022", "V023", "V024", "V025")
OFFERED = (HEADER_ALIAS, *CELL_CODES)

DATABASE_MEMORY = "3GB"
# 万吨 with as many decimals as make whole kilograms.
_TEN_THOUSAND_TONNES = w.number_reader(15, 7)


@dataclass(frozen=True)
class Mend:
    """One cell put plainly. Row and column as Excel counts them; `column` is its header in the file.

    `old` and `new` are the value; in a head block the cell may hold the label before it, too.
    `field` is our name of the column.
    """

    code: str
    sheet: str | None
    row: int
    column_number: int
    column: str
    field: str
    old: str
    new: str


def find_mends(
    path: Path,
    declared: Declared,
    registry: pa.Table,
    *,
    mapping: Mapping | None = None,
    answers: Collection[str] = (),
) -> tuple[Mend, ...]:
    """All mends of a file, by rule and then row: every cell, not only those that a report lists.

    `answers`: codes to which the clerk has said yes. With S112 in it a column in 万吨 becomes one in
    tonnes (×10⁴, 合计 rows too); without, it is never touched. A column that `mapping` translates is
    left as it is. Errors: Refusal when the file cannot be read.
    """
    view = RegistryView.of(registry, declared.plan.unit_key)
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as con:
        con.execute(f"SET memory_limit = '{DATABASE_MEMORY}'")
        con.execute("SET temp_directory = ?", [scratch])
        staged = stage(con, open_table(path, Path(scratch), mapping, RETURN_HEADERS), declared, view, mapping)
        found: list[Mend] = []
        if mapping is None:
            found += _headers(staged)
            if TEN_THOUSAND in answers:
                found += _ten_thousand(staged)
        return (*found, *_cells(staged, w.readers(declared, view.parks, None), mapping))


def _headers(staged: Stage) -> Iterator[Mend]:
    """Headers that are known under another name, as ours."""
    source = staged.source
    seen = set()
    for number, header in enumerate(source.header, start=1):
        name = HEADER_TO_FIELD.get(plain(header))
        if name is None or name in seen:
            continue
        seen.add(name)
        ours = FIELD_BY_NAME[name].header
        if plain(header) != ours:
            yield Mend(HEADER_ALIAS, source.sheet, source.header_row, number, header, name, header, ours)


def _ten_thousand(staged: Stage) -> Iterator[Mend]:
    """The column in 万吨 as one in tonnes; nothing where the file has tonnes besides, or two of it."""
    source = staged.source
    places = [index for index, name in enumerate(source.header) if plain(name) in TEN_THOUSAND_TONNES]
    if len(places) != 1 or any(HEADER_TO_FIELD.get(plain(name)) == "tonnes" for name in source.header):
        return
    (index,) = places
    header, ours = source.header[index], FIELD_BY_NAME["tonnes"].header
    yield Mend(TEN_THOUSAND, source.sheet, source.header_row, index + 1, header, "tonnes", header, ours)
    for row, cells in source.rows():
        written = cells[index] if index < len(cells) else None
        value = _TEN_THOUSAND_TONNES(written or "").value
        if written is not None and value is not None:
            tonnes = format(Decimal(value).scaleb(4), "f")
            tonnes = tonnes.rstrip("0").rstrip(".") if "." in tonnes else tonnes
            yield Mend(TEN_THOUSAND, source.sheet, row, index + 1, header, "tonnes", written, tonnes)


def _cells(staged: Stage, readers: dict[str, w.Reader], mapping: Mapping | None) -> Iterator[Mend]:
    """Cells of data rows and of the head block that the rules of `CELL_CODES` name, as they were read."""
    source = staged.source
    done = set()
    for code in CELL_CODES:
        rule = BY_CODE[code]
        for field in rule.fields:
            if field in staged.missing or rule.reading not in staged.readings.get(field, ()):
                continue
            header = staged.headers[field]
            if mapping is not None and _is_translated(FIELD_BY_NAME[field].header, mapping):
                continue
            head = source.head.get(FIELD_BY_NAME[field].header)
            found = staged.con.view("stg_row").filter(f"is_data AND {rule.predicate(field)}").order("row_no")
            for row, written in found.project(f"row_no, written.{field}").fetchall():
                # Told from the head block as the check tells it: by its words.
                if head is not None and written == head[0]:
                    place = (head[1], source.head_columns[FIELD_BY_NAME[field].header] + 1)
                else:
                    place = (row, source.header.index(header) + 1)
                new = readers[field](written).value
                if place in done or new is None or new == written:
                    continue
                done.add(place)
                yield Mend(code, source.sheet, *place, header, field, written, new)


def _is_translated(header: str, mapping: Mapping) -> bool:
    """The mapping gives this column its words, or makes its numbers or months of theirs."""
    is_number = header in {FIELD_BY_NAME[name].header for name in w.NUMBERS}
    return (
        header not in mapping.columns
        or header in mapping.values
        or header in mapping.derived
        or (is_number and bool(mapping.thousands or mapping.decimal != "." or header in mapping.factors))
        or (header == FIELD_BY_NAME["month"].header and mapping.date_form is not None)
    )
