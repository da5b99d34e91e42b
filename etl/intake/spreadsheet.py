"""Workbooks (.xlsx, .xls) → sheets of text cells, with what a plain reader does not tell.

calamine gives the cells; it knows neither hidden rows and columns nor error cells (`#DIV/0!` comes out
empty). Of an .xls `biff` tells these; of an .xlsx `sheet_xml` does, and besides which formulas were never
calculated and which numbers are only shown as 万. Both look first: calamine lays a sheet out as large as
its farthest cell is, whatever memory that takes.
"""

from __future__ import annotations

import struct
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from xml.parsers.expat import ExpatError

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    XmlError,
    ZipError,
)

from etl.intake import biff, sheet_xml
from etl.intake.rules import refusal
from etl.intake.sheet_xml import Oddities

MAX_PACKED = 100 * 2**20
MAX_UNPACKED = 600 * 2**20
MAX_COLUMNS = 500
# Of one sheet, empty ones within its reach counted.
MAX_CELLS = 30_000_000
BLOCK = 2**20
DAMAGED = (
    CalamineError, ZipError, XmlError, ExpatError, biff.ContainerError, zipfile.BadZipFile, zlib.error,
    struct.error, EOFError, LookupError, OSError, ValueError, TypeError, NotImplementedError,
)  # fmt: skip

Cell = str | None


@dataclass(frozen=True)
class Sheet:
    """One visible sheet: its cells as text (None = empty) from row 1 on, and what is odd about them."""

    name: str
    rows: list[tuple[Cell, ...]]
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    # Cells that got their content from a merge: (row number, column index).
    merged: frozenset[tuple[int, int]] = frozenset()
    # Merges as (top, left), (bottom, right), indices from 0.
    merges: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


@dataclass(frozen=True)
class Workbook:
    sheets: list[Sheet] = field(default_factory=list)
    hidden_sheets: tuple[str, ...] = ()
    is_unexamined: bool = False


def read_workbook(path: Path, is_zip: bool) -> Workbook:
    """All visible sheets of a workbook. Hidden sheets are named and never read.

    Errors: Refusal for an encrypted, damaged or oversized workbook.
    """
    if path.stat().st_size > MAX_PACKED:
        raise refusal("S002", value=_megabytes(path.stat().st_size), known=_megabytes(MAX_PACKED))
    try:
        return _read(path, is_zip)
    except PasswordError as error:
        raise refusal("S004") from error
    except DAMAGED as error:
        raise refusal("S005") from error
    except BaseException as error:
        # An assertion of calamine that fails: it has no class of its own to be caught by.
        if type(error).__name__ != "PanicException":
            raise
        raise refusal("S005") from error


def _read(path: Path, is_zip: bool) -> Workbook:
    sheets, hidden = [], []
    looked = _look(path) if is_zip else _look_at_old(path)
    with _opened(path, is_zip) as workbook:
        names = workbook.sheet_names
        # What calamine reads and we do not is read all the same, and said.
        is_unexamined = looked is None or len(looked) != len(names)
        oddities = {} if looked is None or is_unexamined else dict(zip(names, looked, strict=True))
        for meta in workbook.sheets_metadata:
            if meta.typ is not SheetTypeEnum.WorkSheet:
                continue
            if meta.visible is not SheetVisibleEnum.Visible:
                hidden.append(meta.name)
                continue
            odd = oddities.get(meta.name, Oddities())
            if is_zip:
                _hold_size(meta.name, odd)
            sheet = workbook.get_sheet_by_name(meta.name)
            if sheet.end is None:
                sheets.append(Sheet(meta.name, []))
                continue
            if sheet.end[1] >= MAX_COLUMNS:
                raise refusal("S008", sheet=meta.name, value=str(sheet.end[1] + 1), known=str(MAX_COLUMNS))
            rows = [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            for (row, column), text in odd.instead.items():
                if row <= len(rows) and column < len(rows[row - 1]):
                    rows[row - 1][column] = text
            for row, column in odd.ten_thousand:
                if row <= len(rows) and column < len(rows[row - 1]) and rows[row - 1][column] is not None:
                    rows[row - 1][column] = f"{rows[row - 1][column]}万"
            merges = sheet.merged_cell_ranges or []
            merged = _fill_merges(rows, merges)
            sheets.append(
                Sheet(
                    meta.name, [tuple(row) for row in rows], frozenset(odd.hidden_rows),
                    frozenset(odd.hidden_columns), merged, tuple(merges),
                )
            )  # fmt: skip
    return Workbook(sheets, tuple(hidden), is_unexamined)


def _look(path: Path) -> list[Oddities]:
    _hold_unpacked_size(path)
    with zipfile.ZipFile(path) as package:
        return sheet_xml.oddities(package, MAX_COLUMNS)


def _look_at_old(path: Path) -> list[Oddities] | None:
    try:
        looked = biff.oddities(path)
    except ValueError:
        return None
    for odd in looked:
        # calamine lays out all sheets as it opens an .xls.
        _hold_size(None, odd)
    return looked


def _hold_size(sheet: str | None, odd: Oddities) -> None:
    """Errors: Refusal for a sheet of more columns or cells than are read."""
    if odd.width > MAX_COLUMNS:
        raise refusal("S008", sheet=sheet, value=str(odd.width), known=str(MAX_COLUMNS))
    if odd.height * odd.width > MAX_CELLS:
        size, most = f"{odd.height}行{odd.width}列", f"{MAX_CELLS // 10_000}万个单元格"
        raise refusal("S002", sheet=sheet, value=size, known=most)


@contextmanager
def _opened(path: Path, is_zip: bool) -> Generator[CalamineWorkbook]:
    """The workbook, by a name that says what it is: calamine goes by that, and ours tells nothing."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / ("book.xlsx" if is_zip else "book.xls")
        link.symlink_to(path.resolve())
        with CalamineWorkbook.from_path(link) as workbook:
            yield workbook


def cell_text(cell: object) -> Cell:
    """A cell as text: numbers at Excel's 15 significant digits, dates as YYYY-MM-DD, empty = None."""
    if isinstance(cell, str):
        return cell or None
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        text = format(Decimal(format(cell, ".15g")), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)


def _fill_merges(
    rows: list[list[Cell]], ranges: list[tuple[tuple[int, int], tuple[int, int]]]
) -> frozenset[tuple[int, int]]:
    """Give each cell of a merge the content of its first cell, inside the merge only."""
    filled = set()
    for (top, left), (bottom, right) in ranges:
        if top >= len(rows) or left >= len(rows[top]) or rows[top][left] is None:
            continue
        for row in range(top, min(bottom, len(rows) - 1) + 1):
            for column in range(left, min(right, len(rows[row]) - 1) + 1):
                if rows[row][column] is None:
                    rows[row][column] = rows[top][left]
                    filled.add((row + 1, column))
    return frozenset(filled)


def _hold_unpacked_size(path: Path) -> None:
    """Errors: Refusal for an encrypted archive, or one that unpacks to more than MAX_UNPACKED."""
    with zipfile.ZipFile(path) as package:
        if any(part.flag_bits & 1 for part in package.infolist()):
            raise refusal("S004")
        left = MAX_UNPACKED
        for part in package.infolist():
            # The declared size can lie: the bytes are counted to the end of what is packed, as calamine
            # reads them, and a part that is not as long as it says is damaged.
            declared, part.file_size = part.file_size, MAX_UNPACKED + BLOCK
            with package.open(part) as stream:
                unpacked = 0
                while block := stream.read(BLOCK):
                    unpacked += len(block)
                    if unpacked > left:
                        most = _megabytes(MAX_UNPACKED)
                        raise refusal("S002", value=f"解压后超过{most}", known=most)
            if unpacked != declared:
                raise zipfile.BadZipFile(part.filename)
            left -= unpacked


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f}MB"
