"""From bytes to text: encodings, delimiters, row numbers, workbooks, and what real sheets do."""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt
from returns import HEADERS, good, text_of

from etl.intake import spreadsheet
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


def test_a_word_that_is_utf8_by_chance(tmp_path):
    """原平 in GB18030 is two letters of other scripts in UTF-8; São is Portuguese whatever GB18030 makes of it."""
    disguised = read(tmp_path, "month,from,to\n2025-03,原平,A\n".encode("gb18030"))
    assert (disguised.encoding, disguised.rows) == ("GB18030", [("2025-03", "原平", "A")])
    assert [note.code for note in disguised.notes] == ["S010"]
    for text in ("São Luís", "ação", "Москва", "Αθήνα", "原平", "é"):
        table = read(tmp_path, f"month,from,to\n2025-03,{text},A\n")
        assert (table.encoding, table.rows[0][1]) == ("UTF-8", text)


def test_a_bad_byte_before_all_chinese_is_named(tmp_path):
    """What is known of the header tells the encoding, not what stands before the bad byte."""
    for encoding in ("utf-8", "gb18030"):
        with pytest.raises(Refusal) as refused:
            read(tmp_path, b"\xff" + TABLE.encode(encoding))
        found = refused.value.finding
        assert (found.code, found.row, found.value) == ("S006", 1, "0xFF")


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


@pytest.mark.parametrize(
    "rows, names, last",
    [
        # Names over units, marks or the columns' numbers.
        (["月份,运距,运量吨", "(必填),公里,（吨）"], ("月份", "运距", "运量吨"), 2),
        (["月份,运距,运量", ",公里,万吨"], ("月份", "运距", "运量(万吨)"), 2),
        (["月份,运距,运量吨", ",米,万吨"], ("月份", "运距(米)", "运量(万吨)"), 2),
        (["月份,运距,运量", "甲,1,2"], ("月份", "运距", "运量"), 2),
        # Groups over their parts, in three rows at most with the units.
        (["月份,起讫点,,运量", ",起点,终点,", ",,,吨"], ("月份", "起点", "终点", "运量"), 3),
        (["月份,企业名称,运量吨,", ",,本月,累计"], ("月份", "企业名称", "运量吨", "累计"), 2),
        # A line of data below is none of it, and neither is a title or a head block above.
        (["月份,货类,运量吨", "2025-03,煤炭,5"], ("月份", "货类", "运量吨"), 1),
        (["标题,标题,标题", "月份,货类,运量吨"], ("月份", "货类", "运量吨"), 2),
        (["月份：,,企业名称：,", "货类,方向,运量吨,起点"], ("货类", "方向", "运量吨", "起点"), 2),
        # Labels with a colon are no names of columns below the header either.
        (["序号,月份,运量", "备注：,说明："], ("序号", "月份", "运量"), 1),
    ],
)
def test_headers_of_several_rows(tmp_path, rows, names, last):
    table = read(tmp_path, "\n".join([*rows, "2025-03,x,1,9"]) + "\n")
    assert (table.header, table.header_row) == (names, last)


def test_parts_of_a_merged_group_whatever_they_are_called(tmp_path):
    """A form of others: 收款人 over 全称 and 账号, beside 序号 merged over both rows."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ["申请单位：", None, "单位：元"],
        ["序号", "收款人", None],
        [None, "全称", "账号"],
        [1, "某公司", "62"],
    ):
        sheet.append(row)
    for span in ("A2:A3", "B2:C2"):
        sheet.merge_cells(span)
    book.save(tmp_path / "x.xlsx")
    table = read_text_table(tmp_path / "x.xlsx", known=["序号", "收款人"])
    assert (table.header, table.header_row) == (("序号", "收款人（全称）", "收款人（账号）"), 3)
    assert table.row_numbers == [4]


@pytest.mark.parametrize(
    "above, header, name",
    [
        ("单位：万吨", "运量", "运量(万吨)"),
        ("公转铁月报（万吨）", "货运量", "货运量(万吨)"),
        ("计量单位：公里、万吨", "运量", "运量(万吨)"),
        ("单位：公斤", "运量", "运量(公斤)"),
        ("过磅明细（KG）", "货运量", "货运量(公斤)"),
        ("计量单位：千克", "运量吨", "运量吨"),
        ("单位：吨", "运量", "运量"),
        ("单位：万元", "运量", "运量"),
        ("全年完成5万吨", "运量", "运量"),
    ],
)
def test_a_corner_in_another_unit_is_part_of_the_name(tmp_path, above, header, name):
    """运量 under 单位：万吨 or 公斤 is never read as tonnes."""
    table = read(tmp_path, f"{above},,\n月份,企业名称,{header}\n2025-03,甲,1\n")
    assert table.header[2] == name


def test_several_labels_of_the_head_block_in_one_cell(tmp_path):
    content = (
        "填报单位（公章）：甲  煤业公司    报告期：2025年3月　计量单位：吨,,\n货类,方向,运量吨\n煤炭,发运,1\n"
    )
    table = read(tmp_path, content)
    assert table.head == {"企业名称": ("甲  煤业公司", 1), "月份": ("2025年3月", 1)}


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


def old_book(folder: Path, rows: int) -> Path:
    """An .xls with a hidden row, a hidden column and two error cells; small ones lie in pieces of 64 bytes."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("月报")
    for number in range(rows):
        sheet.write(number, 0, "月份" if number == 0 else "2025-03")
        sheet.write(number, 1, "运量吨" if number == 0 else number)
        sheet.write(number, 2, "箱数" if number == 0 else number)
    sheet.row(2).hidden = True
    sheet.col(2).hidden = True
    sheet.row(3).set_cell_error(3, 0x2A)
    sheet.row(4).set_cell_error(3, 0x07)
    book.save(str(folder / "x.xls"))
    return folder / "x.xls"


@pytest.mark.parametrize("rows", [6, 20_000])
def test_an_old_workbook_is_read_with_what_is_odd_about_it(tmp_path, rows):
    """Error cells are not empty, hidden rows and columns are said, in a small file and in one of many sectors."""
    table = read_text_table(old_book(tmp_path, rows))
    assert [(note.code, note.row, note.column) for note in table.notes] == [
        ("S102", 3, None),
        ("S122", None, "箱数"),
    ]
    source = spreadsheet.read_workbook(tmp_path / "x.xls", False).sheets[0]
    assert [row[3] for row in source.rows[:6]] == [None, None, None, "#N/A", "#DIV/0!", None]


def test_an_old_workbook_whose_records_are_not_understood_says_so(tmp_path, monkeypatch):
    """S011: read all the same, by the reader that understands it."""

    def failing(_: Path):
        raise ValueError

    monkeypatch.setattr(spreadsheet.biff, "oddities", failing)
    table = read_text_table(old_book(tmp_path, 6))
    assert ([note.code for note in table.notes], len(table.rows)) == (["S011"], 5)


@pytest.mark.parametrize("cut", [0, 30, 76, 512, 1000, 5000])
def test_a_damaged_container_ends_with_a_message(tmp_path, cut):
    content = bytearray(old_book(tmp_path, 6).read_bytes())
    content[cut : cut + 40] = b"\xff" * 40
    (tmp_path / "y.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + content[8:])
    # Read or refused: anything else, such as a panic of the reader, is a crash.
    with suppress(Refusal):
        read_text_table(tmp_path / "y.xls")


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
