"""The enterprise's own workbook back, with what was found: coloured cells, comments, two columns, one sheet.

Whatever is added here is known to the reader (fields.py) and is not read when the workbook comes back.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink

from etl.intake.fields import OWN_SHEET_MARK, PROBLEM, REMEDY, RETURN_HEADERS
from etl.intake.finding import EXPLAIN, MUST, NOTE, Finding
from etl.intake.mapping import Mapping
from etl.intake.mends import Mend
from etl.intake.receive import TextSource, open_table
from etl.intake.result import LISTED_PER_CODE, CheckResult
from etl.intake.rules import BY_CODE, Rule, place_of
from etl.intake.words import NUMBERS
from etl.intake.workbook import EXCEL_DIGITS, Carried, carried, printable, put_text, saved, set_width

REPORT_SHEET = "校验结果"
AUTHOR = "公转铁月报校验"
# Where our part of a comment begins; what stands before it is the clerk's own.
COMMENT_MARK = "【校验】"
MENDED = "已改"
# Never the only sign: the word stands in the comment and in the column 问题.
FILLS = {MUST: "FFF9C9BD", EXPLAIN: "FFFDE8A8", NOTE: "FFD6E5F4", MENDED: "FFDCEFD8"}
RANK = {severity: rank for rank, severity in enumerate(FILLS)}
TITLE_FILL = PatternFill("solid", fgColor="FFEDEDED")
# Of mends; Excel slows down under many thousands. All are coloured, and all are in the log.
MAX_COMMENTS = 2_000
WRAPPED = Alignment(wrap_text=True, vertical="top")

Place = tuple[int, int]
Said = tuple[str, str]


def returned(
    path: Path, result: CheckResult, *, mapping: Mapping | None = None, mends: Sequence[Mend] = ()
) -> bytes:
    """The checked file as .xlsx with its findings in it; `mends` are written in, and said in comments.

    An .xlsx stays as it was: other sheets, formulas and their last values, hidden rows, protection
    (macros are left out). What an earlier report added is replaced. A table too large to carry comes
    back as the list of findings alone, which says so. Errors: Refusal when the file cannot be read.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source = open_table(path, Path(scratch), mapping, RETURN_HEADERS)
        file = carried(source)
        if file is None:
            book = Workbook()
            book.remove(book.worksheets[0])
            _add_report(book, None, result, mends)
            return saved(book)
        _clear(file, source)
        _mend(file, mends)
        _annotate(file, source, result, mends)
        _add_report(file.book, file.sheet.title, result, mends)
        return saved(file.book, file.values)


def mended(path: Path, mends: Sequence[Mend], *, mapping: Mapping | None = None) -> bytes | None:
    """The file as .xlsx with `mends` written in and nothing else added; what an earlier report added is gone.

    Empty: None for a table too large to carry. Errors: Refusal when the file cannot be read.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source = open_table(path, Path(scratch), mapping, RETURN_HEADERS)
        file = carried(source)
        if file is None:
            return None
        _clear(file, source)
        _mend(file, mends)
        return saved(file.book, file.values)


# ------------------------------------------------------------------------------- what a report added before


def _clear(file: Carried, source: TextSource) -> None:
    """Take out what an earlier report added: its sheet, columns, colours and parts of comments."""
    for sheet in file.book.worksheets:
        if sheet.title.startswith(REPORT_SHEET) and sheet["A1"].value == OWN_SHEET_MARK:
            file.book.remove(sheet)
    own_fills = set(FILLS.values())
    for row, column, cell in file.cells():
        if column - 1 in source.own and row >= source.header_row:
            cell.value = None
            cell.style = "Normal"
        elif cell.fill.fgColor.rgb in own_fills:
            cell.fill = PatternFill()
        if cell.comment is not None and COMMENT_MARK in cell.comment.text:
            _comment(cell, cell.comment.text.partition(COMMENT_MARK)[0].rstrip())


def _comment(cell: Cell, text: str) -> None:
    cell.comment = None
    if text:
        lines = sum(1 + len(line) // 22 for line in text.splitlines())
        cell.comment = Comment(printable(text), AUTHOR, height=30 + 20 * lines, width=320)


# ------------------------------------------------------------------------------------------------- mends


def _mend(file: Carried, mends: Sequence[Mend]) -> None:
    for mend in mends:
        cell = file.cell(mend.row, mend.column_number)
        text = str(cell.value)
        # In a head block the label may stand in the same cell.
        new = text.replace(mend.old, mend.new) if mend.old in text else mend.new
        if not file.is_converted and mend.field in NUMBERS and _fits_number(new):
            cell.value = Decimal(new)
            if cell.number_format == "@":
                cell.number_format = "General"
        else:
            put_text(cell, new)


def _fits_number(text: str) -> bool:
    """A number that Excel holds exactly."""
    return text.replace(".", "", 1).isdigit() and len(text.replace(".", "").strip("0")) <= EXCEL_DIGITS


# ------------------------------------------------------------------------------------------- in the table


def _annotate(file: Carried, source: TextSource, result: CheckResult, mends: Sequence[Mend]) -> None:
    at_cells: dict[Place, list[Said]] = {}
    at_rows: dict[int, list[tuple[Finding, str]]] = {}
    for found in _open(result, mends):
        if found.row is None or found.sheet != source.sheet:
            continue
        columns = _columns_of(found, source)
        for column in columns:
            at_cells.setdefault((found.row, column), []).append((found.severity, _said(found, "此处")))
        if found.row > source.header_row:
            at_rows.setdefault(found.row, []).append(
                (found, f"“{found.column}”列" if found.column else "本行")
            )
    for mend in mends[:MAX_COMMENTS]:
        said = (MENDED, f"【{MENDED}】原为“{mend.old}”，已改为“{mend.new}”。")
        at_cells.setdefault((mend.row, mend.column_number), []).append(said)
    for mend in mends[MAX_COMMENTS:]:
        _colour(file.cell(mend.row, mend.column_number), [(MENDED, "")])
    for (row, column), said in at_cells.items():
        cell = file.cell(row, column)
        _colour(cell, said)
        before = f"{cell.comment.text}\n" if cell.comment is not None else ""
        _comment(cell, before + COMMENT_MARK + "\n" + "\n".join(text for _, text in said))
    # Without a header of ours there is no table to stand beside.
    if source.header_row > 0 and "S116" not in result.totals:
        _add_columns(file, source, at_rows)


def _open(result: CheckResult, mends: Sequence[Mend]) -> list[Finding]:
    """The findings that no mend has answered."""
    answered = {(mend.code, mend.row, mend.column) for mend in mends}
    return [found for found in result.findings if (found.code, found.row, found.column) not in answered]


def _columns_of(found: Finding, source: TextSource) -> list[int]:
    """The columns, counted from 1, of the cells that a finding is about; none where it is about the row."""
    assert found.row is not None
    if found.row < source.header_row:
        names = [name for name, said in source.head.items() if said == (found.value, found.row)]
        return [source.head_columns[name] + 1 for name in names]
    columns = [number for number, name in enumerate(source.header, start=1) if name == found.column]
    # A repeated header is marked wherever it stands; below it, the first of its columns was read.
    return columns if found.row == source.header_row else columns[:1]


def _said(found: Finding, place: str) -> str:
    long_place = place_of(found.sheet, found.row, found.column)
    text = f"【{found.severity}】{found.message}{found.remedy}"
    return text.replace(long_place, place)


def _colour(cell: Cell, said: Sequence[Said]) -> None:
    worst = min((severity for severity, _ in said), key=RANK.__getitem__)
    cell.fill = PatternFill("solid", fgColor=FILLS[worst])


def _add_columns(
    file: Carried, source: TextSource, at_rows: Dictionary[int, list[tuple[Finding, str]]]
) -> None:
    """问题 and 怎样改, right of all that stands in the table's rows."""
    filled = [
        column for row, column, cell in file.cells() if row >= source.header_row and cell.value is not None
    ]
    first = max(len(source.header), *filled, 0) + 1
    for column, title in ((first, PROBLEM), (first + 1, REMEDY)):
        _title(file.sheet.cell(source.header_row, column), title)
        set_width(file.sheet, column, 46)
    for row, said in at_rows.items():
        problems, remedies = file.sheet.cell(row, first), file.sheet.cell(row, first + 1)
        lines = []
        for found, place in said:
            long_place = place_of(found.sheet, found.row, found.column)
            lines.append(
                (f"【{found.severity}】{found.message}".replace(long_place, place),
                 found.remedy.replace(long_place, place))
            )  # fmt: skip
        for cell, text in zip((problems, remedies), zip(*lines, strict=True), strict=True):
            put_text(cell, "\n".join(dict.fromkeys(text)))
            cell.alignment = WRAPPED
        _colour(problems, [(found.severity, "") for found, _ in said])


def _title(cell: Cell, text: str) -> None:
    put_text(cell, text)
    cell.font = Font(bold=True)
    cell.fill = TITLE_FILL
    cell.alignment = WRAPPED


# ------------------------------------------------------------------------------------------- the report


def in_general(rule: Rule, place: str, known: str = "…") -> tuple[str, str]:
    """What a rule finds and what to do, said of any cell called `place`."""
    names = _Unsaid(place=place, known=known)
    return (rule.general or rule.what).format_map(names), (rule.general_do or rule.do).format_map(names)


class _Unsaid(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"


class _Report:
    """The sheet 校验结果, written from top to bottom."""

    def __init__(self, book: Workbook) -> None:
        self.sheet = book.create_sheet(REPORT_SHEET)
        self.row = 1
        put_text(self.sheet.cell(1, 1), OWN_SHEET_MARK)
        for column, width in zip("ABCDEFGH", (10, 8, 14, 8, 14, 22, 60, 60), strict=True):
            self.sheet.column_dimensions[column].width = width

    def line(self, *texts: str) -> list[Cell]:
        """One line of texts; gives its cells."""
        self.row += 1
        cells = [self.sheet.cell(self.row, column) for column in range(1, len(texts) + 1)]
        for cell, text in zip(cells, texts, strict=True):
            if text:
                put_text(cell, text)
            cell.alignment = WRAPPED
        return cells

    def heading(self, *texts: str) -> None:
        """A line of titles, one line below what stands there."""
        self.row += 1
        for cell, text in zip(self.line(*texts), texts, strict=True):
            _title(cell, text)


def _add_report(book: Workbook, table: str | None, result: CheckResult, mends: Sequence[Mend]) -> None:
    """The sheet 校验结果. `table`: the sheet that its lines lead to; None where it is not in the book."""
    report = _Report(book)
    report.line("文件", result.file_name)
    report.line("结论", _verdict(result, mends))
    report.line("月份", "、".join(result.months))
    report.line("数据行", str(result.rows))
    report.line("运量吨", str(result.tonnes))
    report.line("规则版本", result.rule_version)
    if table is None:
        report.line("说明", "原表过大，未附在本工作簿内；请按所列的行和列在原文件中改正。")
    _rules(report, result, mends)
    _list(report, table, _open(result, mends))
    _mended(report, mends)


def _verdict(result: CheckResult, mends: Sequence[Mend]) -> str:
    severities = {found.severity for found in _open(result, mends)}
    if MUST in severities:
        return "有“强制”问题，改正后才能上报。"
    if EXPLAIN in severities:
        return "可以上报，“核实”问题须逐项说明。"
    return "可以上报。"


def _rules(report: _Report, result: CheckResult, mends: Sequence[Mend]) -> None:
    """One line a rule: how often in all, how often mended, how often listed."""
    if not result.totals:
        return
    answered = Counter(mend.code for mend in mends)
    listed = Counter(found.code for found in result.findings)
    report.heading("编码", "级别", "共几处", "已改", "列出", "说明", PROBLEM, REMEDY)
    for code, total in sorted(result.totals.items(), key=lambda entry: RANK[BY_CODE[entry[0]].severity]):
        rule = BY_CODE[code]
        note = f"只列出前{listed[code]}处，其余照此处理。" if listed[code] < total else ""
        counts = (str(total), str(answered[code] or ""), str(listed[code]))
        cells = report.line(code, rule.severity, *counts, note, *in_general(rule, "相关单元格"))
        _colour(cells[1], [(rule.severity, "")])


def _list(report: _Report, table: str | None, findings: Sequence[Finding]) -> None:
    """Every listed finding; its row leads to the row in the table."""
    if not findings:
        return
    report.heading("编码", "级别", "工作表", "行", "列", "内容", PROBLEM, REMEDY)
    for found in findings:
        row = str(found.row or "")
        place = (found.sheet or "", row, found.column or "", found.value or "")
        cells = report.line(found.code, found.severity, *place, found.message, found.remedy)
        _colour(cells[1], [(found.severity, "")])
        if table is not None and found.row is not None and found.sheet in (None, table):
            target = f"{quote_sheetname(table)}!A{found.row}"
            cells[3].hyperlink = Hyperlink(ref=cells[3].coordinate, location=target)


def _mended(report: _Report, mends: Sequence[Mend]) -> None:
    if not mends:
        return
    report.heading("编码", "级别", "工作表", "行", "列", "原为", "已改为")
    shown: Counter[str] = Counter()
    for mend in mends:
        shown[mend.code] += 1
        if shown[mend.code] <= LISTED_PER_CODE:
            place = (mend.sheet or "", str(mend.row), mend.column)
            _colour(report.line(mend.code, MENDED, *place, mend.old, mend.new)[1], [(MENDED, "")])
    for code, total in shown.items():
        if total > LISTED_PER_CODE:
            report.line(code, MENDED, "", "", "", f"共{total}处，只列出{LISTED_PER_CODE}处。")
