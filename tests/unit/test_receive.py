"""From bytes to text: encodings, delimiters, row numbers, workbooks, and what real sheets do."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt
from returns import HEADERS, good, text_of

from etl.intake.receive import Refusal, read_text_table
from etl.intake.spreadsheet import cell_text

REAL_SHEETS = Path(__file__).resolve().parents[3] / "shared" / "realdata" / "sheets"
TABLE = "月份,企业名称,运量吨\n2025-03,甲,1\n2025-04,乙,2\n"


def read(folder: Path, content: bytes | str, name: str = "表"):
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return read_text_table(path)


@pytest.mark.parametrize(
    "encoding, named",
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("gb18030", "GB18030"),
        ("gbk", "GB18030"),
        ("utf-16", "UTF-16"),
    ],
)
def test_encodings(tmp_path, encoding, named):
    table = read(tmp_path, TABLE.encode(encoding))
    assert table.encoding == named
    assert table.header == ("月份", "企业名称", "运量吨")
    assert table.rows == [("2025-03", "甲", "1"), ("2025-04", "乙", "2")]


def test_chinese_that_begins_late_is_still_found(tmp_path):
    """The sample is plain ASCII; the first Chinese byte comes far behind it."""
    content = "month,tonnes,note\n" + "2025-03,1,x\n" * 30_000 + "2025-03,1,忻州\n"
    assert read(tmp_path, content.encode("gb18030")).rows[-1] == ("2025-03", "1", "忻州")
    assert read(tmp_path, content.encode("utf-8")).rows[-1] == ("2025-03", "1", "忻州")


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiters(tmp_path, delimiter):
    assert read(tmp_path, TABLE.replace(",", delimiter)).rows[1] == ("2025-04", "乙", "2")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends(tmp_path, line_end):
    assert read(tmp_path, TABLE.replace("\n", line_end)).row_numbers == [2, 3]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_bad_byte_is_named_with_its_row_and_column(tmp_path, encoding):
    rows = TABLE.encode(encoding) + "2025-05,".encode(encoding) + b"\xff\xff" + ",3\n".encode(encoding)
    with pytest.raises(Refusal) as refused:
        read(tmp_path, rows)
    found = refused.value.finding
    assert (found.code, found.row, found.column, found.value) == ("S006", 4, "企业名称", "0xFF")
    assert "第4行“企业名称”列" in found.remedy


def test_a_bad_byte_behind_blank_lines_and_quoted_breaks(tmp_path):
    content = '月份,企业名称,运量吨\n\n2025-03,"甲\n乙",1\n2025-04,'.encode() + b"\xff,2\n"
    with pytest.raises(Refusal) as refused:
        read(tmp_path, content)
    assert (refused.value.finding.row, refused.value.finding.column) == (4, "企业名称")


def test_rows_are_numbered_as_excel_shows_them(tmp_path):
    """A blank line is a row; a line break in quotes is none; a row of blanks is passed over."""
    table = read(tmp_path, '月份,企业名称,运量吨\n2025-03,"甲\n乙",1\n\n , ,\n2025-04,丙,2\n')
    assert table.row_numbers == [2, 5]
    assert table.rows[0][1] == "甲\n乙"


def test_labels_titles_and_the_head_block_stand_above(tmp_path):
    content = (
        "# 演示数据\n忻州市月报,,\n月份：,2025-03,\n企业名称：甲,,\n统一社会信用代码：,填报单位编码：,\n"
        "货类,方向,运量吨\n煤炭,发运,1\n"
    )
    table = read(tmp_path, content)
    assert (table.header, table.header_row) == (("货类", "方向", "运量吨"), 6)
    assert table.row_numbers == [7]
    assert table.head == {"月份": ("2025-03", 3), "企业名称": ("甲", 4)}


def test_rows_shorter_than_the_header_are_filled(tmp_path):
    assert read(tmp_path, "月份,企业名称,运量吨\n2025-03\n").rows == [("2025-03", None, None)]


@pytest.mark.parametrize(
    "cell, text",
    [
        (0.1 + 0.2, "0.3"),
        (1200.0, "1200"),
        (123456789012345678.0, "123456789012346000"),
        (1e-7, "0.0000001"),
        (499.95, "499.95"),
        (datetime(2025, 3, 1, 8, 30), "2025-03-01"),  # noqa: DTZ001 - a sheet has no zone
        (date(2025, 3, 1), "2025-03-01"),
        (True, "是"),
        ("", None),
        ("0012", "0012"),
    ],
)
def test_cells_as_text(cell, text):
    assert cell_text(cell) == text


def test_a_workbook_is_read_with_what_is_odd_about_it(tmp_path):
    """Dates, errors, uncalculated formulas, merges, hidden rows: none is lost, each has its row."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "月报"
    sheet.append(["忻州月报"])
    sheet.append(["月份", "企业名称", "运量吨", "备注"])
    sheet.append([date(2025, 3, 1), "甲", 1200.5, "x"])
    sheet.append([None, "乙", "=1/0", None])
    sheet.append([None, None, None, None])
    sheet.append([date(2025, 4, 1), "丙", 3, "=A1"])
    sheet["C4"].data_type, sheet["C4"].value = "e", "#DIV/0!"
    sheet.merge_cells("A3:A4")
    sheet.row_dimensions[6].hidden = True
    path = tmp_path / "无扩展名"
    book.save(path)
    table = read_text_table(path)
    assert table.header_row == 2
    assert table.row_numbers == [3, 4, 6]
    assert table.rows == [
        ("2025-03-01", "甲", "1200.5", "x"),
        ("2025-03-01", "乙", "#DIV/0!", None),
        ("2025-04-01", "丙", "3", "#公式未计算"),
    ]
    assert table.merged == {(4, 0)}
    assert [(note.code, note.row) for note in table.notes] == [("S102", 6)]


def test_a_formula_with_its_result_is_a_number(tmp_path):
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["月份", "运量吨"])
        sheet.write_row(1, 0, ["2025-03"])
        sheet.write_formula(1, 1, "=1+1", None, 2)
    assert read(tmp_path, target.getvalue()).rows == [("2025-03", "2")]


def test_the_sheet_whose_header_fits_is_read(tmp_path):
    book = xlwt.Workbook()
    for title, rows in (("说明", [["怎样填报"]]), ("月报", [HEADERS, list(good().values())]), ("空", [])):
        sheet = book.add_sheet(title)
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write(number, place, cell)
    hidden = book.add_sheet("旧")
    hidden.visibility = 1
    book.save(str(tmp_path / "x.xls"))
    table = read_text_table(tmp_path / "x.xls")
    assert table.sheet == "月报"
    assert [(note.code, note.value) for note in table.notes] == [("S103", "旧"), ("S104", "说明")]


@pytest.mark.skipif(not REAL_SHEETS.is_dir(), reason="the public sheets are not beside the project")
@pytest.mark.parametrize(
    "name, header, rows",
    [
        ("05_日期格式_中文.xls", "date", 27),
        ("06_1904日期系统.xls", "姓名", 10),
        ("07_隐藏工作表.xls", "title01", 1),
        ("09_合并单元格.xlsx", "姓名", 3),
        ("10_office_bom.csv", "姓名", 10),
        ("12_国家统计局_铁路主要干线_货运量_GBK.csv", "", 37),
        ("13_铁路发站编码库.csv", "code", 85),
    ],
)
def test_sheets_of_others_are_read(name, header, rows):
    table = read_text_table(REAL_SHEETS / name)
    assert (table.header[0], len(table.rows)) == (header, rows)


@pytest.mark.skipif(not REAL_SHEETS.is_dir(), reason="the public sheets are not beside the project")
def test_what_the_sheets_of_others_say():
    by_name = {path.name[:2]: path for path in REAL_SHEETS.iterdir()}
    assert {row[1] for row in read_text_table(by_name["06"]).rows} == {"2025-07-28"}
    assert [row[2] for row in read_text_table(by_name["09"]).rows] == ["11", "11", "13"]
    hidden = [note.value for note in read_text_table(by_name["07"]).notes if note.code == "S103"]
    assert hidden == ["Sheet2", "Sheet4", "Sheet5"]
    assert read_text_table(by_name["12"]).rows[0][0] == "1978年"
    assert "原平" in {row[1] for row in read_text_table(by_name["13"]).rows}
    with pytest.raises(Refusal, match="密码"):
        read_text_table(by_name["08"])


def test_a_return_with_a_bom_and_one_without_are_the_same(tmp_path):
    plain, marked = (read(tmp_path, text_of(good()).encode(e)) for e in ("utf-8", "utf-8-sig"))
    assert (plain.header, plain.rows) == (marked.header, marked.rows)
