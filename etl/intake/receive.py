"""From bytes to rows of text: what a file is, is told by its content and never by its name.

Nothing is judged here. A cell stays as it was written, rows are numbered as Excel shows them, and
what cannot be read at all is a `Refusal` that says where and what to do.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import tempfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from etl.intake.fields import ALL_HEADERS, OPTIONS_SHEET, plain
from etl.intake.finding import Finding, Refusal
from etl.intake.header import find_header, head_block, is_own_sheet, without_own
from etl.intake.rules import finding, refusal
from etl.intake.spreadsheet import MAX_COLUMNS, Cell, Sheet, read_workbook

if TYPE_CHECKING:
    from etl.intake.mapping import Mapping

__all__ = ["Refusal", "TextSource", "TextTable", "open_table", "read_text_table"]

MAX_TEXT = 4 * 2**30
MAX_CELL = 100_000
SAMPLE = 256 * 2**10
BLOCK = 4 * 2**20
# A header stands within the first rows; a title, a head block and a label may stand above it.
HEADER_WITHIN = 60
DELIMITERS = (",", "\t", ";")

FOREIGN = (
    (b"%PDF", "PDF 文件"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"GIF8", "图片"),
    (b"Rar!", "压缩包"),
    (b"7z\xbc\xaf", "压缩包"),
    (b"{\\rtf", "Word 文档"),
    (b"PAR1", "Parquet 数据文件"),
    (b"SQLite format 3", "数据库文件"),
    (b"MZ", "程序文件"),
    (b"\x7fELF", "程序文件"),
)


@dataclass(frozen=True)
class TextTable:
    """A table as text. Cells are as written, None = empty; `row_numbers` are those that Excel shows.

    `head` holds what a head block above the table says (our header → value and row);
    `merged` the (row, column index) of cells that were filled from a merge.
    """

    sheet: str | None
    header: tuple[str, ...]
    header_row: int
    rows: list[tuple[Cell, ...]]
    row_numbers: list[int]
    encoding: str | None
    notes: list[Finding]
    head: dict[str, tuple[str, int]] = field(default_factory=dict)
    merged: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class TextSource:
    """A table that was found and not yet read through: a CSV on disk, or the rows of a sheet.

    `file` is the file itself or, of a packed one, its unpacked copy; `kind` is text, xlsx or xls.
    `text` is the CSV as UTF-8 (the file itself, or its transcoded copy in the scratch folder).
    `head_columns`: the column index of what `head` says. `own`: the indices of the columns that our
    report added to the file; they are not read.
    """

    sheet: str | None
    header: tuple[str, ...]
    header_row: int
    encoding: str | None
    notes: list[Finding]
    head: dict[str, tuple[str, int]]
    file: Path
    kind: str
    merged: frozenset[tuple[int, int]] = frozenset()
    text: Path | None = None
    delimiter: str = ","
    cells: Sheet | None = None
    head_columns: dict[str, int] = field(default_factory=dict)
    own: frozenset[int] = frozenset()

    def rows(self) -> Iterator[tuple[int, tuple[Cell, ...]]]:
        """Each row below the header with its number; empty rows are passed over, and counted.

        Errors: Refusal at a bad byte or a cell beyond MAX_CELL.
        """
        for number, record in enumerate(self.records(), start=1):
            if number <= self.header_row:
                continue
            row = tuple(None if index in self.own else cell or None for index, cell in enumerate(record))
            while self.own and len(row) > len(self.header) and row[-1] is None:
                row = row[:-1]
            if any(cell and not cell.isspace() for cell in row):
                yield number, row

    def records(self) -> Iterator[Sequence[Cell]]:
        """Every row of the sheet or file from the first on, as written. Errors: as `rows`."""
        if self.cells is not None:
            return iter(self.cells.rows)
        assert self.text is not None
        return _records(self.text, self.delimiter)


def read_text_table(
    path: Path,
    mapping: Mapping | None = None,
    today: date | None = None,
    known: Collection[str] = ALL_HEADERS,
) -> TextTable:
    """The table of a small file (.csv, .xlsx, .xls, by content), whole, its header as in the file.

    The header is the row with the most words of `known` (or of the mapping); without any, the first
    row of two cells. `mapping` gives encoding, delimiter and whether there is a header: applying it
    is `mapping.apply`. `today` is unused here: nothing is judged.
    Errors: Refusal, with place and remedy, for a file that cannot be read.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source = open_table(path, Path(scratch), mapping, known)
        width = len(source.header)
        numbers, rows = [], []
        for number, row in source.rows():
            numbers.append(number)
            rows.append((*row, *[None] * (width - len(row))))
    return TextTable(
        source.sheet, source.header, source.header_row, rows, numbers,
        source.encoding, source.notes, source.head, source.merged,
    )  # fmt: skip


def open_table(
    path: Path, scratch: Path, mapping: Mapping | None = None, known: Collection[str] = ALL_HEADERS
) -> TextSource:
    """Find the table in a file: kind, encoding, sheet, header, head block. Copies go to `scratch`.

    Errors: Refusal for a file that is empty, too large, of another kind, encrypted or damaged.
    """
    size = path.stat().st_size
    if size == 0:
        raise refusal("S001")
    if size > MAX_TEXT:
        raise refusal("S002", value=f"{size / 2**30:.1f}GB", known=f"{MAX_TEXT / 2**30:.0f}GB")
    with path.open("rb") as stream:
        start = stream.read(SAMPLE)
    if start.startswith(b"\x1f\x8b"):
        path = _unzip(path, scratch)
        with path.open("rb") as stream:
            start = stream.read(SAMPLE)
    words = frozenset(plain(word) for word in (mapping.columns_by_name() if mapping else known))
    kind = _workbook_kind(start, path)
    if kind is None:
        return _open_text(path, start, scratch, mapping, words)
    return _open_sheet(path, kind == "xlsx", mapping, words)


def _workbook_kind(start: bytes, path: Path) -> str | None:
    """xlsx, xls, or None for text. Errors: Refusal for any other kind of file."""
    for magic, name in FOREIGN:
        if start.startswith(magic):
            raise refusal("S003", value=name)
    if start.startswith(b"PK"):
        names = path.read_bytes() if path.stat().st_size < SAMPLE else start
        for mark, name in (
            (b"xl/workbook.bin", "Excel 二进制工作簿（.xlsb）"),
            (b"word/", "Word 文档"),
            (b"ppt/", "演示文稿"),
            (b"opendocument", "ODF 文档"),
        ):
            if mark in names:
                raise refusal("S003", value=name)
        if b"xl/" not in names and b"[Content_Types].xml" not in names:
            raise refusal("S003", value="压缩包")
        return "xlsx"
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        directory = path.read_bytes() if path.stat().st_size <= 100 * 2**20 else start
        if "EncryptedPackage".encode("utf-16-le") in directory:
            raise refusal("S004")
        if "WordDocument".encode("utf-16-le") in directory:
            raise refusal("S003", value="Word 文档")
        return "xls"
    head = start[:2048].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith((b"<html", b"<!doctype", b"<?xml", b"<table", b"<head", b"<meta", b"mime-version")):
        raise refusal("S003", value="网页格式的文件")
    if b"\0" in start and not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        line, _, _ = start.partition(b"\0")
        if not line.strip() or any(byte < 9 for byte in line):
            raise refusal("S003", value="二进制文件")
    return None


# ---------------------------------------------------------------------------------------- workbooks


def _open_sheet(path: Path, is_zip: bool, mapping: Mapping | None, words: frozenset[str]) -> TextSource:
    workbook = read_workbook(path, is_zip)
    notes = [finding("S103", value=name) for name in workbook.hidden_sheets if name != OPTIONS_SHEET]
    if workbook.is_too_large:
        notes.append(finding("S011"))
    filled = [sheet for sheet in workbook.sheets if any(any(row) for row in sheet.rows)]
    filled = [sheet for sheet in filled if not is_own_sheet(sheet)]
    if not filled:
        raise refusal("S001")
    found = [(find_header(sheet.rows[:HEADER_WITHIN], words, mapping), sheet) for sheet in filled]
    # The sheet whose header fits best; of equals the first one.
    (score, row, header), chosen = max(found, key=lambda entry: entry[0][0])
    for (other_score, _, _), sheet in found:
        if sheet is not chosen:
            is_alike = other_score == score and score >= 2
            notes.append(finding("S105" if is_alike else "S104", sheet=sheet.name, value=sheet.name))
    if hidden := sorted(number for number in chosen.hidden_rows if row < number <= len(chosen.rows)):
        notes.append(finding("S102", sheet=chosen.name, row=hidden[0], value=str(len(hidden))))
    head, head_columns = head_block(chosen.rows[: max(row - 1, 0)])
    header, own = without_own(header)
    return TextSource(
        chosen.name, header, row, None, notes, head, path, "xlsx" if is_zip else "xls",
        merged=chosen.merged, cells=chosen, head_columns=head_columns, own=own,
    )  # fmt: skip


# --------------------------------------------------------------------------------------------- text


def _open_text(
    path: Path, start: bytes, scratch: Path, mapping: Mapping | None, words: frozenset[str]
) -> TextSource:
    encoding = mapping.encoding if mapping and mapping.encoding else _encoding(path, start)
    text = path if encoding == "UTF-8" else _transcode(path, encoding, scratch)
    with text.open("rb") as stream:
        start = stream.read(SAMPLE)
    sample = start.decode("utf-8-sig", "ignore")
    csv.field_size_limit(MAX_CELL)
    readings = []
    for mark in (mapping.delimiter,) if mapping and mapping.delimiter else DELIMITERS:
        try:
            rows = list(islice(csv.reader(sample.splitlines(keepends=True), delimiter=mark), HEADER_WITHIN))
        except csv.Error:
            # With the wrong delimiter a whole line is one cell, which may be too long for one.
            continue
        readings.append((find_header(rows, words, mapping), mark, rows))
    if not readings:
        raise refusal("S007", row=1, known=str(MAX_CELL))
    # The delimiter that finds most known words, then the one that makes most columns.
    (_, row, header), delimiter, top = max(readings, key=lambda entry: (entry[0][0], len(entry[0][2])))
    try:
        # A header must not lose a bad byte; a character cut by the sample's end is no fault of the file.
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError as error:
        raise bad_byte_refusal(text, "utf-8", error.start, delimiter) from error
    if len(header) > MAX_COLUMNS:
        raise refusal("S008", value=str(len(header)), known=str(MAX_COLUMNS))
    notes = [] if encoding == "UTF-8" else [finding("S010", value=encoding)]
    head, head_columns = head_block(top[: max(row - 1, 0)])
    header, own = without_own(header)
    return TextSource(
        None, header, row, encoding, notes, head, path, "text",
        text=text, delimiter=delimiter, head_columns=head_columns, own=own,
    )  # fmt: skip


def _encoding(path: Path, start: bytes) -> str:
    """UTF-8 (with or without BOM), UTF-16 or GB18030.

    Judged by the sample; a file whose sample is plain ASCII and that turns out not to be UTF-8
    further on is judged as a whole. A file is UTF-8 with a bad byte, not GB18030, when the part
    before the bad byte holds Chinese that reads as UTF-8.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) < SAMPLE)
    except UnicodeDecodeError as error:
        return "UTF-8" if _has_chinese(start[: error.start].decode("utf-8", "ignore")) else "GB18030"
    if start.isascii() and (bad := first_bad_byte(path, "utf-8")) is not None:
        with path.open("rb") as stream:
            before = stream.read(bad)
        return "UTF-8" if _has_chinese(before.decode("utf-8", "ignore")) else "GB18030"
    return "UTF-8"


def _has_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def first_bad_byte(path: Path, encoding: str) -> int | None:
    """The offset of the first byte that the encoding does not know; None when all is readable."""
    decoder = codecs.getincrementaldecoder(encoding)()
    fed = 0
    with path.open("rb") as stream:
        while True:
            block = stream.read(BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return fed - pending + error.start
            if not block:
                return None
            fed += len(block)


def bad_byte_refusal(path: Path, encoding: str, offset: int, delimiter: str = ",") -> Refusal:
    """Row and column of the byte at `offset`, in words, with the header's name for the column."""
    with path.open("rb") as stream:
        before = stream.read(offset)
        value = stream.read(1)
    # Blank lines and line breaks in quotes count as Excel counts them, hence the csv reader.
    csv.field_size_limit(MAX_CELL)
    text = before.decode("utf-8-sig" if encoding == "utf-8" else encoding, "replace")
    try:
        # The mark keeps the bad cell present when it is the first of its line.
        records = list(csv.reader((text + "?").splitlines(keepends=True), delimiter=delimiter))
    except csv.Error:
        records = [[""]] * (text.count("\n") + 1)
    index = len(records[-1]) - 1
    header = max(records[:HEADER_WITHIN], key=lambda row: sum(plain(c) in ALL_HEADERS for c in row))
    known = len(records) > 1 and index < len(header) and header[index].strip()
    return refusal(
        "S006",
        row=len(records),
        column=header[index].strip() if known else f"第{index + 1}列",
        value="0x" + value.hex().upper(),
    )


def _transcode(path: Path, encoding: str, scratch: Path) -> Path:
    """The file as UTF-8, decoded strictly. Errors: Refusal that names the bad byte's row and column."""
    target = scratch / "transcoded.csv"
    decoder = codecs.getincrementaldecoder(encoding)()
    fed = 0
    with path.open("rb") as source, target.open("wb") as sink:
        while True:
            block = source.read(BLOCK)
            pending = len(decoder.getstate()[0])
            try:
                sink.write(decoder.decode(block, final=not block).encode("utf-8"))
            except UnicodeDecodeError as error:
                with path.open("rb") as again:
                    delimiter = _likely_delimiter(again.readline())
                raise bad_byte_refusal(path, encoding, fed - pending + error.start, delimiter) from error
            if not block:
                return target
            fed += len(block)


def _likely_delimiter(line: bytes) -> str:
    return max(DELIMITERS, key=lambda mark: line.count(mark.encode()))


def _records(text: Path, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    with text.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter=delimiter)
        number = 0
        try:
            for record in reader:
                number += 1
                if len(record) > MAX_COLUMNS:
                    raise refusal("S008", row=number, value=str(len(record)), known=str(MAX_COLUMNS))
                yield record
        except csv.Error as error:
            raise refusal("S007", row=number + 1, known=str(MAX_CELL)) from error
        except UnicodeDecodeError as error:
            offset = first_bad_byte(text, "utf-8")
            assert offset is not None
            raise bad_byte_refusal(text, "utf-8", offset, delimiter) from error


def _unzip(path: Path, scratch: Path) -> Path:
    """A gzip file unpacked, up to MAX_TEXT. Errors: Refusal when larger or damaged."""
    target = scratch / "unpacked"
    written = 0
    try:
        with gzip.open(path) as source, target.open("wb") as sink:
            while block := source.read(BLOCK):
                written += len(block)
                if written > MAX_TEXT:
                    raise refusal("S002", value="解压后太大", known=f"{MAX_TEXT / 2**30:.0f}GB")
                sink.write(block)
    except (OSError, EOFError, zlib.error) as error:
        raise refusal("S003", value="损坏的压缩包") from error
    if written == 0:
        raise refusal("S001")
    return target
