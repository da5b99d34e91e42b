"""Workbooks (.xlsx, .xls) → sheets of text cells, with what a plain reader does not tell.

calamine gives the cells; it knows neither hidden rows nor error cells (`#DIV/0!` comes out empty)
nor formulas that were never calculated, so for .xlsx openpyxl tells these three.
"""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    XmlError,
    ZipError,
)

from etl.intake.rules import refusal

MAX_PACKED = 100 * 2**20
MAX_UNPACKED = 600 * 2**20
# openpyxl holds every cell as an object; a larger workbook is read by calamine alone, and says so.
MAX_EXAMINED = 40 * 2**20
MAX_COLUMNS = 500
BLOCK = 2**20
UNCALCULATED = "#公式未计算"

Cell = str | None


@dataclass(frozen=True)
class Sheet:
    """One visible sheet: its cells as text (None = empty) from row 1 on, and what is odd about them."""

    name: str
    rows: list[tuple[Cell, ...]]
    hidden_rows: frozenset[int] = frozenset()
    # Cells that got their content from a merge: (row number, column index).
    merged: frozenset[tuple[int, int]] = frozenset()
    # Merges as (top, left), (bottom, right), indices from 0.
    merges: tuple[tuple[tuple[int, int], tuple[int, int]], ...] = ()


@dataclass(frozen=True)
class Workbook:
    sheets: list[Sheet] = field(default_factory=list)
    hidden_sheets: tuple[str, ...] = ()
    is_too_large: bool = False


def read_workbook(path: Path, is_zip: bool) -> Workbook:
    """All visible sheets of a workbook. Hidden sheets are named and never read.

    Errors: Refusal for an encrypted, damaged or oversized workbook.
    """
    if path.stat().st_size > MAX_PACKED:
        raise refusal("S002", value=_megabytes(path.stat().st_size), known=_megabytes(MAX_PACKED))
    try:
        unpacked = _unpacked_size(path) if is_zip else 0
        is_examined = is_zip and unpacked <= MAX_EXAMINED
        return _read(path, _oddities(path) if is_examined else {}, is_too_large=unpacked > MAX_EXAMINED)
    except PasswordError as error:
        raise refusal("S004") from error
    except (
        CalamineError, ZipError, XmlError, zipfile.BadZipFile, ElementTree.ParseError,
        InvalidFileException, KeyError, OSError, ValueError, TypeError, IndexError, NotImplementedError,
    ) as error:  # fmt: skip
        raise refusal("S005") from error


@dataclass
class _Oddities:
    hidden_rows: set[int] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)


def _read(path: Path, oddities: dict[str, _Oddities], *, is_too_large: bool) -> Workbook:
    sheets, hidden = [], []
    with CalamineWorkbook.from_path(str(path)) as workbook:
        for meta in workbook.sheets_metadata:
            if meta.typ is not SheetTypeEnum.WorkSheet:
                continue
            if meta.visible is not SheetVisibleEnum.Visible:
                hidden.append(meta.name)
                continue
            sheet = workbook.get_sheet_by_name(meta.name)
            if sheet.end is None:
                sheets.append(Sheet(meta.name, []))
                continue
            if sheet.end[1] >= MAX_COLUMNS:
                raise refusal("S008", sheet=meta.name, value=str(sheet.end[1] + 1), known=str(MAX_COLUMNS))
            odd = oddities.get(meta.name, _Oddities())
            rows = [[cell_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
            for (row, column), text in odd.errors.items():
                if row <= len(rows) and column < len(rows[row - 1]):
                    rows[row - 1][column] = text
            merges = sheet.merged_cell_ranges or []
            merged = _fill_merges(rows, merges)
            cells = [tuple(row) for row in rows]
            sheets.append(Sheet(meta.name, cells, frozenset(odd.hidden_rows), merged, tuple(merges)))
    return Workbook(sheets, tuple(hidden), is_too_large)


def cell_text(cell: object) -> Cell:
    """A cell as text: numbers at Excel's 15 significant digits, dates as YYYY-MM-DD, empty = None."""
    if cell is None or cell == "":
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


def _unpacked_size(path: Path) -> int:
    """Bytes that an archive unpacks to, whatever it declares of itself.

    Errors: Refusal for an encrypted archive, or one that unpacks to more than MAX_UNPACKED.
    """
    with zipfile.ZipFile(path) as package:
        if any(part.flag_bits & 1 for part in package.infolist()):
            raise refusal("S004")
        left = MAX_UNPACKED
        for part in package.infolist():
            # The declared size can lie, so the bytes are counted as they come out.
            with package.open(part) as stream:
                while block := stream.read(BLOCK):
                    left -= len(block)
                    if left < 0:
                        most = _megabytes(MAX_UNPACKED)
                        raise refusal("S002", value=f"解压后超过{most}", known=most)
    return MAX_UNPACKED - left


def _oddities(path: Path) -> dict[str, _Oddities]:
    """Sheet name → hidden rows, error cells and formulas that were never calculated."""
    found: dict[str, _Oddities] = {}
    with warnings.catch_warnings():
        # What openpyxl leaves out (drawings, validations) is not read here anyway.
        warnings.simplefilter("ignore")
        # An open file: by a path openpyxl would judge the name, not the content.
        with path.open("rb") as stream:
            calculated = load_workbook(stream, data_only=True)
        with path.open("rb") as stream:
            written = load_workbook(stream, data_only=False)
    for sheet in calculated.worksheets:
        odd = found.setdefault(sheet.title, _Oddities())
        odd.hidden_rows |= {number for number, row in sheet.row_dimensions.items() if row.hidden}
        for cells in written[sheet.title].iter_rows():
            for cell in cells:
                value = sheet.cell(cell.row, cell.column)
                if value.data_type == "e":
                    odd.errors[cell.row, cell.column - 1] = str(value.value)
                elif cell.data_type == "f" and value.value is None:
                    odd.errors[cell.row, cell.column - 1] = UNCALCULATED
    return found


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f}MB"
