"""Workbooks that go out: opened or made with every cell as it was, text that stays text, saved whole."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.utils import column_index_from_string, get_column_letter, range_boundaries
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet.dimensions import ColumnDimension
from openpyxl.worksheet.worksheet import Worksheet

from etl.intake.receive import TextSource
from etl.intake.spreadsheet import Sheet, read_workbook

# The sheet of a CSV, which has none.
CONVERTED_SHEET = "月报"
# A larger table is not carried through openpyxl, which holds every cell as an object.
MAX_CARRIED_ROWS = 60_000
# Of all sheets: openpyxl makes an object of every cell within a sheet's reach, also of those not there.
MAX_CARRIED_CELLS = 3_000_000
MAX_CARRIED_BYTES = 40 * 2**20
MAX_CELL_TEXT = 32_767
# Excel holds no more digits of a number.
EXCEL_DIGITS = 15

_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_UNDERSCORE, _UNDERSCORE_TWICE = b"x005F_", b"x005Fx005F__"
_ALL, _INLINE = re.compile(rb".+", re.DOTALL), re.compile(rb"<is>.*?</is>", re.DOTALL)
_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")


def put_text(cell: Cell, text: str) -> None:
    """Write text that stays text, whatever it looks like, and is read back unchanged."""
    cell.value = excel_text(text)
    # openpyxl takes "=…" for a formula and "#N/A" for an error.
    cell.data_type = "s"
    cell.number_format = "@"
    if text.startswith(_FORMULA_START):
        # Excel keeps it text after an edit, too.
        cell.quotePrefix = True


def excel_text(text: str) -> str:
    """Text as a workbook holds it: control characters, and what looks like their escape, as _xHHHH_."""
    text = _ESCAPE.sub("_x005F_", text)
    return _CONTROL.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


def printable(text: str) -> str:
    """Text for a comment, which has no escape for control characters."""
    return _CONTROL.sub("\ufffd", text)


def set_width(sheet: Worksheet, column: int, width: float) -> None:
    """The width of one column, counted from 1, also where one entry speaks for a span of columns."""
    spans = sheet.column_dimensions
    for letter, span in list(spans.items()):
        first = span.min or column_index_from_string(letter)
        last = span.max or first
        if first <= column <= last:
            del spans[letter]
            for low, high in ((first, column - 1), (column, column), (column + 1, last)):
                if low <= high:
                    index = get_column_letter(low)
                    part = ColumnDimension(
                        sheet, index=index, width=span.width, hidden=span.hidden, min=low, max=high
                    )
                    part._style = span._style
                    spans[index] = part
    spans[get_column_letter(column)].width = width
    spans[get_column_letter(column)].hidden = False


@dataclass
class Carried:
    """A file as a workbook, and the sheet of its table. `values`: the same with the formulas' last values."""

    book: Workbook
    sheet: Worksheet
    values: Workbook | None = None
    is_converted: bool = False

    def cells(self) -> Iterator[tuple[int, int, Cell]]:
        """Row, column and cell of the table's sheet; of a merge the first cell."""
        for number, row in enumerate(self.sheet.iter_rows(), start=1):
            for column, cell in enumerate(row, start=1):
                if isinstance(cell, Cell):
                    yield number, column, cell

    def cell(self, row: int, column: int) -> Cell:
        """The cell at a place of the table's sheet, or the first cell of the merge that covers it."""
        cell = self.sheet.cell(row, column)
        if isinstance(cell, Cell):
            return cell
        for span in str(self.sheet.merged_cells).split():
            left, top, right, bottom = range_boundaries(span)
            if top <= row <= bottom and left <= column <= right:
                return self.cell(top, left)
        raise LookupError(cell.coordinate)


def carried(source: TextSource) -> Carried | None:
    """The file as it was (.xlsx), or as a new workbook with the same cells as text (.csv, .xls).

    Empty: None for a table that is too large to carry, or has a cell longer than Excel's.
    """
    return _original(source) if source.kind == "xlsx" else _converted(source)


def _original(source: TextSource) -> Carried | None:
    assert source.sheet is not None
    with zipfile.ZipFile(source.file) as package:
        if sum(part.file_size for part in package.infolist()) > MAX_CARRIED_BYTES:
            return None
    try:
        book = _load(source.file, data_only=False)
        sheet = book[source.sheet]
        sizes = [each.max_row * each.max_column for each in book.worksheets]
        if sheet.max_row > MAX_CARRIED_ROWS or sum(sizes) > MAX_CARRIED_CELLS:
            return None
        has_formula = any(
            cell.data_type == "f" for each in book.worksheets for row in each.iter_rows() for cell in row
        )
        return Carried(book, sheet, _load(source.file, data_only=True) if has_formula else None)
    except Exception:  # noqa: BLE001 - what was checked and cannot be carried gets its findings all the same
        return None


def _load(path: Path, *, data_only: bool) -> Workbook:
    with warnings.catch_warnings():
        # Of drawings and newer kinds of validation openpyxl says that it leaves them out.
        warnings.simplefilter("ignore")
        # An open file: by a path openpyxl would judge the name, not the content.
        with path.open("rb") as stream:
            return load_workbook(_unstripped(stream), data_only=data_only, rich_text=not data_only)


def _unstripped(stream: BinaryIO) -> BinaryIO:
    """The package with each escaped underscore doubled, for openpyxl drops one when it reads text."""
    with zipfile.ZipFile(stream) as source:
        parts = [(part, source.read(part)) for part in source.infolist()]
    stream.seek(0)
    if not any(_UNDERSCORE in content for _, content in parts):
        return stream
    doubled = io.BytesIO()
    with zipfile.ZipFile(doubled, "w") as target:
        for part, content in parts:
            texts = _ALL if part.filename.endswith("sharedStrings.xml") else _INLINE
            target.writestr(
                part, texts.sub(lambda match: match[0].replace(_UNDERSCORE, _UNDERSCORE_TWICE), content)
            )
    return doubled


def _converted(source: TextSource) -> Carried | None:
    book = Workbook()
    book.remove(book.worksheets[0])
    is_text = source.kind == "text"
    sheets = [Sheet(CONVERTED_SHEET, [])] if is_text else read_workbook(source.file, False).sheets
    for sheet in sheets:
        target = book.create_sheet(sheet.name)
        for number, row in enumerate(source.records() if is_text else sheet.rows, start=1):
            if number > MAX_CARRIED_ROWS:
                return None
            for index, text in enumerate(row):
                # Of a merge only the first cell has content: copies would count as rows of their own.
                if not text or (number, index) in sheet.merged:
                    continue
                if len(text) > MAX_CELL_TEXT:
                    return None
                put_text(target.cell(number, index + 1), text)
        for (top, left), (bottom, right) in sheet.merges:
            if (bottom, right) != (top, left):
                target.merge_cells(None, top + 1, left + 1, bottom + 1, right + 1)
    chosen = book[source.sheet or CONVERTED_SHEET]
    book.active = book.worksheets.index(chosen)
    return Carried(book, chosen, is_converted=True)


# ------------------------------------------------------------------------------------------------ saving


def saved(book: Workbook, values: Workbook | None = None) -> bytes:
    """The workbook's bytes. `values` gives its formulas the values they had: openpyxl writes none.

    Without them a reader that does not calculate, such as ours, would find the cells empty.
    """
    written = io.BytesIO()
    book.save(written)
    if values is None:
        return written.getvalue()
    sheets = {sheet.path.lstrip("/"): sheet.title for sheet in book.worksheets}
    whole = io.BytesIO()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            content = source.read(part)
            title = sheets.get(part.filename)
            if title in values.sheetnames:
                content = _with_values(content, values[title], values.epoch)
            target.writestr(part, content)
    return whole.getvalue()


# A formula as openpyxl writes it: with an empty value.
_NO_VALUE = re.compile(rb'<c r="([A-Z]+[0-9]+)"([^>]*)>(<f\b(?:[^>]*/>|[^>]*>[^<]*</f>))<v ?(?:/>|></v>)</c>')


def _with_values(content: bytes, values: Worksheet, epoch: datetime) -> bytes:
    def put(match: re.Match[bytes]) -> bytes:
        cell = values[match[1].decode()]
        if cell.value is None:
            return match[0]
        kind, text = _stored(cell, epoch)
        style = re.sub(rb' t="[^"]*"', b"", match[2])
        return b'<c r="%b"%b t="%b">%b<v>%b</v></c>' % (
            match[1], style, kind.encode(), match[3], escape(text).encode(),
        )  # fmt: skip

    return _NO_VALUE.sub(put, content)


def _stored(cell: Cell | MergedCell, epoch: datetime) -> tuple[str, str]:
    """The type and text under which a workbook's XML holds a value."""
    value = cell.value
    if isinstance(value, bool):
        return "b", str(int(value))
    if isinstance(value, (date, time, timedelta)):
        return "n", str(to_excel(value, epoch))
    if isinstance(value, (int, float)):
        return "n", repr(value)
    return ("e" if cell.data_type == "e" else "str"), str(value)
