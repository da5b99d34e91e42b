"""From bytes to rows of text: what a file is, is told by its content and never by its name.

Nothing is judged here. A cell stays as it was written, rows are numbered as Excel shows them, and
what cannot be read at all is a `Refusal` that says where and what to do.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import re
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
from etl.intake.header import (
    Header,
    find_header,
    head_block,
    is_bare_tonnes,
    is_own_sheet,
    unit_corner,
    with_unit,
    without_own,
)
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

# What to do with a file that is no table of ours.
_SAVE_AS = "在 Excel 或 WPS 中打开它，另存为 .xlsx"
_FILL_IN = "把数据填到月报模板（.xlsx）里"
_UNPACK = "先解压，选出其中的表格"
_CHOOSE = "另选月报的 Excel 或 CSV 文件"
# First bytes → what the file is, and what to do. Two letters alone may begin a text.
FOREIGN = (
    (b"%PDF", "PDF 文件", _FILL_IN),
    (b"\x89PNG", "图片", _FILL_IN),
    (b"\xff\xd8\xff", "图片", _FILL_IN),
    (b"GIF8", "图片", _FILL_IN),
    (b"BM", "图片", _FILL_IN),
    (b"II*\0", "图片", _FILL_IN),
    (b"MM\0*", "图片", _FILL_IN),
    (b"Rar!", "压缩包", _UNPACK),
    (b"7z\xbc\xaf", "压缩包", _UNPACK),
    (b"{\\rtf", "Word 文档", _FILL_IN),
    (b"PAR1", "Parquet 数据文件", _CHOOSE),
    (b"SQLite format 3", "数据库文件", _CHOOSE),
    (b"MZ", "程序文件", _CHOOSE),
    (b"\x7fELF", "程序文件", _CHOOSE),
)
# What a package holds that is no workbook, by a part's name or the kind that it declares.
PACKAGES = (
    (b"xl/workbook.bin", "Excel 二进制工作簿（.xlsb）", _SAVE_AS),
    (b"word/", "Word 文档", _FILL_IN),
    (b"ppt/", "演示文稿", _FILL_IN),
    (b"opendocument", "ODF 文档（.ods、.odt）", _SAVE_AS),
    (b"OFD.xml", "OFD 版式文件", _FILL_IN),
)
# Streams of an OLE container.
CONTAINERS = (
    ("WordDocument", "Word 文档", _FILL_IN),
    ("PowerPoint Document", "演示文稿", _FILL_IN),
    ("__substg1.0_", "邮件", "保存邮件的附件，选其中的表格"),
)
# Text that is a page or a document and no table of ours, whatever its file is called.
PAGES = (
    (b"mime-version", "网页（单文件 .mht）", _SAVE_AS),
    (b"urn:schemas-microsoft-com:office:spreadsheet", "XML 表格（Excel 2003）", _SAVE_AS),
    (b"<uof:", "UOF 文档", _SAVE_AS),
    (b"", "网页格式的文件", _SAVE_AS),
)
OWNER_FILE = ("打开表格时产生的临时文件（名称以 ~$ 开头）", "关闭这张表格，选名称不带 ~$ 的那个文件")
BINARY_FILE = ("二进制文件", _CHOOSE)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PAGE = re.compile(rb"<(!doctype|html|head|body|meta|table|style|script|div|\?xml|!--)")
_OWNER_FILE_SIZE = 165


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
    # The header's rows as they stand, and the rows above them.
    header_rows: tuple[tuple[str, ...], ...] = ()
    above: tuple[Sequence[Cell], ...] = ()

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
    row nearly as wide as any. `mapping` gives encoding, delimiter and whether there is a header: applying it
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
    # A mapping by position names no column: the header is known by our own words then.
    named = mapping.columns_by_name() if mapping else ()
    words = frozenset(plain(word) for word in named or known)
    # A name made of a group and its part stands in two cells.
    words |= {part for name in named for part in re.split(r"[()、]", plain(name)) if part}
    kind = _workbook_kind(start, path)
    if kind is None:
        return _open_text(path, start, scratch, mapping, words)
    return _open_sheet(path, kind == "xlsx", mapping, words)


def _workbook_kind(start: bytes, path: Path) -> str | None:
    """xlsx, xls, or None for text. Errors: Refusal for any other kind of file."""
    if (foreign := _foreign_kind(start, path)) is not None:
        name, remedy = foreign
        raise refusal("S003", value=name, known=remedy)
    if start.startswith(b"PK"):
        return "xlsx"
    return "xls" if start.startswith(_OLE) else None


def _foreign_kind(start: bytes, path: Path) -> tuple[str, str] | None:
    """What a file is that is neither text nor a workbook, and what to do; None = it is one of these.

    Errors: Refusal for an encrypted workbook.
    """
    for magic, *known in FOREIGN:
        if start.startswith(magic) and (len(magic) > 2 or b"\0" in start):
            return known[0], known[1]
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1") or start[:4] + start[8:12] == b"RIFFWEBP":
        return "图片", _FILL_IN
    if start[4:8] == b"ftyp":
        return "视频", _FILL_IN
    if start.startswith(b"PK"):
        names = path.read_bytes() if path.stat().st_size < SAMPLE else start
        found = next(((name, do) for mark, name, do in PACKAGES if mark in names), None)
        is_workbook = b"xl/" in names or b"[Content_Types].xml" in names
        return found or (None if is_workbook else ("压缩包", _UNPACK))
    if start.startswith(_OLE):
        directory = path.read_bytes() if path.stat().st_size <= 100 * 2**20 else start
        if "EncryptedPackage".encode("utf-16-le") in directory:
            raise refusal("S004")
        return next(
            ((name, do) for mark, name, do in CONTAINERS if mark.encode("utf-16-le") in directory), None
        )
    return _foreign_text(start)


def _foreign_text(start: bytes) -> tuple[str, str] | None:
    is_wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = start[:4096].decode("utf-16", "ignore").encode() if is_wide else start[:4096]
    head = text.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if head.startswith(b"mime-version") or _PAGE.match(head):
        return next((name, do) for mark, name, do in PAGES if mark in head)
    if b"\0" not in start or is_wide:
        return None
    # Beside an open workbook Excel keeps such a file, in which only a name stands.
    if len(start) == _OWNER_FILE_SIZE and start[0] < _OWNER_FILE_SIZE // 3:
        return OWNER_FILE
    line, _, _ = start.partition(b"\0")
    return BINARY_FILE if not line.strip() or any(byte < 9 for byte in line) else None


# ---------------------------------------------------------------------------------------- workbooks


def _open_sheet(path: Path, is_zip: bool, mapping: Mapping | None, words: frozenset[str]) -> TextSource:
    workbook = read_workbook(path, is_zip)
    notes = [finding("S103", value=name) for name in workbook.hidden_sheets if name != OPTIONS_SHEET]
    if workbook.is_unexamined:
        notes.append(finding("S011"))
    filled = [sheet for sheet in workbook.sheets if any(any(row) for row in sheet.rows)]
    filled = [sheet for sheet in filled if not is_own_sheet(sheet)]
    if not filled:
        raise refusal("S001")
    found = [(find_header(sheet.rows[:HEADER_WITHIN], words, mapping), sheet) for sheet in filled]
    # The sheet whose header fits best; of equals one that has rows, of these the first.
    header, chosen = max(found, key=lambda entry: (entry[0].score, _has_rows(*entry)))
    for other, sheet in found:
        if sheet is not chosen:
            is_alike = other.score == header.score >= 2 and _has_rows(other, sheet)
            notes.append(finding("S105" if is_alike else "S104", sheet=sheet.name, value=sheet.name))
    if hidden := sorted(number for number in chosen.hidden_rows if header.row < number <= len(chosen.rows)):
        notes.append(finding("S102", sheet=chosen.name, row=hidden[0], value=str(len(hidden))))
    names, own, above = _parts_of(header, chosen.rows)
    for index in sorted(chosen.hidden_columns):
        if index < len(names) and names[index]:
            notes.append(finding("S122", sheet=chosen.name, column=names[index]))
    head, head_columns = head_block(above)
    return TextSource(
        chosen.name, names, header.row, None, notes, head, path, "xlsx" if is_zip else "xls",
        merged=chosen.merged, cells=chosen, head_columns=head_columns, own=own,
        header_rows=header.rows, above=above,
    )  # fmt: skip


def _has_rows(header: Header, sheet: Sheet) -> bool:
    return any(any(cell and not cell.isspace() for cell in row) for row in sheet.rows[header.row :])


def _parts_of(
    header: Header, rows: Sequence[Sequence[Cell]]
) -> tuple[tuple[str, ...], frozenset[int], tuple[Sequence[Cell], ...]]:
    """The columns' names, the indices of our own columns, and the rows above the header.

    A corner that says 万吨 or 公斤 above a column that says no unit is part of that column's name.
    """
    above = tuple(rows[: max(header.top - 1, 0)])
    names, own = without_own(header.names)
    if (corner := unit_corner(above)) is not None:
        names = tuple(with_unit(name, corner.unit) if is_bare_tonnes(name) else name for name in names)
    return names, own, above


# --------------------------------------------------------------------------------------------- text


def _open_text(
    path: Path, start: bytes, scratch: Path, mapping: Mapping | None, words: frozenset[str]
) -> TextSource:
    encoding = mapping.encoding if mapping and mapping.encoding else _encoding(path, start, words)
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
    header, delimiter, top = max(readings, key=lambda entry: (entry[0].score, len(entry[0].names)))
    try:
        # A header must not lose a bad byte; a character cut by the sample's end is no fault of the file.
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError as error:
        raise bad_byte_refusal(text, "utf-8", error.start, delimiter) from error
    if len(header.names) > MAX_COLUMNS:
        raise refusal("S008", value=str(len(header.names)), known=str(MAX_COLUMNS))
    notes = [] if encoding == "UTF-8" else [finding("S010", value=encoding)]
    names, own, above = _parts_of(header, top)
    head, head_columns = head_block(above)
    return TextSource(
        None, names, header.row, encoding, notes, head, path, "text",
        text=text, delimiter=delimiter, head_columns=head_columns, own=own,
        header_rows=header.rows, above=above,
    )  # fmt: skip


def _encoding(path: Path, start: bytes, words: frozenset[str]) -> str:
    """UTF-8 (with or without BOM), UTF-16 or GB18030.

    Judged by the sample; a file whose sample is plain ASCII and that turns out not to be UTF-8
    further on is judged as a whole. A file that is not UTF-8 throughout is what more of the known
    `words` are readable in, or else UTF-8 with a bad byte if there is Chinese before that byte.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    if start.startswith(codecs.BOM_UTF8):
        return "UTF-8"
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) < SAMPLE)
    except UnicodeDecodeError as error:
        in_utf8, in_gb18030 = (_known_in(start, encoding, words) for encoding in ("utf-8", "gb18030"))
        if in_utf8 != in_gb18030:
            return "UTF-8" if in_utf8 > in_gb18030 else "GB18030"
        return "UTF-8" if _has_chinese(start[: error.start].decode("utf-8", "ignore")) else "GB18030"
    if start.isascii():
        if (bad := first_bad_byte(path, "utf-8")) is None:
            return "UTF-8"
        with path.open("rb") as stream:
            before = stream.read(bad)
        return "UTF-8" if _has_chinese(before.decode("utf-8", "ignore")) else "GB18030"
    return "GB18030" if _is_chinese_in_disguise(text) else "UTF-8"


def _known_in(start: bytes, encoding: str, words: frozenset[str]) -> int:
    text = start.decode(encoding, "ignore")
    return sum(not word.isascii() and word in text for word in words)


_FOREIGN_RUN = re.compile(r"[^\x00-\x7f]+")
_LATIN_BESIDE = re.compile(r"[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")


def _is_chinese_in_disguise(text: str) -> bool:
    """Text that is UTF-8 by chance: a word such as 原平 in GB18030 reads as two letters of other scripts.

    So it is where no Chinese is readable, nothing joins Latin letters, and each run of such letters is a
    word of two or more common Chinese characters in GB 2312.
    """
    if _has_chinese(text) or _LATIN_BESIDE.search(text):
        return False
    for run in set(_FOREIGN_RUN.findall(text)):
        try:
            word = run.encode().decode("gb2312")
        except UnicodeDecodeError:
            return False
        if len(word) < 2 or not _has_chinese(word) or not all(_has_chinese(letter) for letter in word):
            return False
    return True


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
        raise refusal("S003", value="损坏的压缩包", known="重新打包或解压，选出其中的表格") from error
    if written == 0:
        raise refusal("S001")
    return target
