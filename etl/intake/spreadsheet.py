"""Workbooks (.xlsx, .xls) → sheets of text cells, with what a plain reader does not tell.

calamine gives the cells; it knows neither hidden rows nor error cells (`#DIV/0!` comes out empty)
nor formulas that were never calculated, so for .xlsx the sheet's own XML is scanned for these three.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

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


@dataclass(frozen=True)
class Workbook:
    sheets: list[Sheet] = field(default_factory=list)
    hidden_sheets: tuple[str, ...] = ()


def read_workbook(path: Path, is_zip: bool) -> Workbook:
    """All visible sheets of a workbook. Hidden sheets are named and never read.

    Errors: Refusal for an encrypted, damaged or oversized workbook.
    """
    if path.stat().st_size > MAX_PACKED:
        raise refusal("S002", value=_megabytes(path.stat().st_size), known=_megabytes(MAX_PACKED))
    try:
        oddities = _scan_package(path) if is_zip else {}
        return _read(path, oddities)
    except PasswordError as error:
        raise refusal("S004") from error
    except (
        CalamineError, ZipError, XmlError, zipfile.BadZipFile, ElementTree.ParseError,
        KeyError, OSError, ValueError, NotImplementedError,
    ) as error:  # fmt: skip
        raise refusal("S005") from error


@dataclass
class _Oddities:
    hidden_rows: set[int] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)


def _read(path: Path, oddities: dict[str, _Oddities]) -> Workbook:
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
            merged = _fill_merges(rows, sheet.merged_cell_ranges or [])
            sheets.append(Sheet(meta.name, [tuple(row) for row in rows], frozenset(odd.hidden_rows), merged))
    return Workbook(sheets, tuple(hidden))


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


_ROW = re.compile(rb"<(?:\w+:)?row\b([^>]*)>")
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_ROW_NUMBER = re.compile(rb'\br="(\d{1,7})"')
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]+)</")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_ERROR = re.compile(rb'\bt="e"')


def _scan_package(path: Path) -> dict[str, _Oddities]:
    """Sheet name → hidden rows, error cells and uncalculated formulas, from the package's XML.

    Errors: Refusal when the parts unpack to more than MAX_UNPACKED, whatever the archive declares.
    """
    with zipfile.ZipFile(path) as package:
        if any(part.flag_bits & 1 for part in package.infolist()):
            raise refusal("S004")
        left = MAX_UNPACKED
        sizes = {}
        for part in package.infolist():
            # The declared size can lie, so the bytes are counted as they come out.
            with package.open(part) as stream:
                while block := stream.read(BLOCK):
                    left -= len(block)
                    sizes[part.filename] = sizes.get(part.filename, 0) + len(block)
                    if left < 0:
                        raise refusal(
                            "S002",
                            value=f"解压后超过{_megabytes(MAX_UNPACKED)}",
                            known=_megabytes(MAX_UNPACKED),
                        )
        return {
            name: _scan_sheet(package.read(part)) for name, part in _sheet_parts(package) if part in sizes
        }


def _sheet_parts(package: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    targets = {}
    for relation in ElementTree.fromstring(package.read("xl/_rels/workbook.xml.rels")):
        target = relation.get("Target", "")
        targets[relation.get("Id")] = target[1:] if target.startswith("/") else f"xl/{target}"
    for element in ElementTree.fromstring(package.read("xl/workbook.xml")).iter():
        if element.tag.rpartition("}")[2] == "sheet":
            link = next((v for k, v in element.attrib.items() if k.endswith("}id")), None)
            yield element.get("name", ""), targets.get(link, "")


def _scan_sheet(xml: bytes) -> _Oddities:
    odd = _Oddities()
    if b"hidden=" in xml:
        number = 0
        for tag in _ROW.finditer(xml):
            named = _ROW_NUMBER.search(tag[1])
            number = int(named[1]) if named else number + 1
            if _HIDDEN.search(tag[1]):
                odd.hidden_rows.add(number)
    if b't="e"' in xml or _FORMULA.search(xml):
        for cell in _CELL.finditer(xml):
            content = cell[2] or b""
            where, stored = _REFERENCE.search(cell[1]), _VALUE.search(content)
            if not where:
                continue
            at = (int(where[2]), _column_index(where[1]))
            if _ERROR.search(cell[1]):
                odd.errors[at] = stored[1].decode("utf-8", "replace") if stored else "#ERROR!"
            elif not stored and _FORMULA.search(content):
                odd.errors[at] = UNCALCULATED
    return odd


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f}MB"
