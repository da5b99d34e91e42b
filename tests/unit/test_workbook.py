"""The enterprise's own workbook back: what was found stands in it, and none of it is read again."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet
from returns import HEADERS, MINE, check, check_file, codes, declared, good, registry, text_of

from etl.intake import workbook
from etl.intake.check import CheckResult
from etl.intake.fields import OWN_SHEET_MARK, PROBLEM, REMEDY
from etl.intake.finding import EXPLAIN, MUST, NOTE, Refusal
from etl.intake.mapping import read_mapping
from etl.intake.mends import find_mends
from etl.intake.receive import read_text_table
from etl.intake.returned import COMMENT_MARK, FILLS, MENDED, REPORT_SHEET, returned
from etl.intake.template import ReportingUnit, template

WRONG = [
    good(运量吨="-5", 终点="甲"),
    good(通道="", 起点="甲地", 终点="乙地"),
    good(货类="原煤"),
    good(运量吨="x", 货类="石头"),
    good(备注="=HYPERLINK(1)"),
    good(终点="保定"),
]
FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "_x0041_", "_x005F_x0007_", "'甲", "=", "#N/A!",
    "a\r\nb", " =1",
]  # fmt: skip


def book_of(folder: Path, *rows: dict[str, str], name: str = "月报.xlsx", top: int = 1) -> Path:
    """An .xlsx of rows, numbers as numbers, the header in row `top`."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "三月"
    for column, header in enumerate(HEADERS, start=1):
        sheet.cell(top, column).value = header
    for number, row in enumerate(rows, start=top + 1):
        for column, header in enumerate(HEADERS, start=1):
            text = row.get(header, "")
            is_number = header in ("运量吨", "运距公里") and text.replace(".", "").isdigit()
            sheet.cell(number, column).value = float(text) if is_number else text or None
            if text.startswith("="):
                sheet.cell(number, column).data_type = "s"
    path = folder / name
    book.save(path)
    return path


def back(path: Path, result: CheckResult | None = None, **options) -> Path:
    """The returned workbook on disk."""
    target = path.parent / f"退回{len(list(path.parent.iterdir()))}.xlsx"
    target.write_bytes(returned(path, result or check_file(path), **options))
    return target


def table(path: Path) -> Worksheet:
    return openpyxl.load_workbook(path).worksheets[0]


def at(sheet: Worksheet, row: int, header: str, top: int = 1) -> Cell:
    titles = [cell.value for cell in sheet[top]]
    cell = sheet.cell(row, titles.index(header) + 1)
    assert isinstance(cell, Cell)
    return cell


def colour(cell: Cell) -> str:
    return cell.fill.fgColor.rgb


def said(cell: Cell) -> str:
    assert cell.comment is not None
    return cell.comment.text


def report(path: Path) -> list[tuple]:
    return list(openpyxl.load_workbook(path)[REPORT_SHEET].iter_rows(values_only=True))


# -------------------------------------------------------------------------------------- what stands in it


def test_cells_columns_and_sheet_of_a_small_file(tmp_path):
    """Six rows: colour by severity, a comment with the remedy, 问题 and 怎样改 at the right end."""
    path = book_of(tmp_path, *WRONG)
    result = check_file(path)
    sheet = table(back(path, result))
    assert [cell.value for cell in sheet[1]][-2:] == [PROBLEM, REMEDY]
    negative = at(sheet, 2, "运量吨")
    assert (colour(negative), negative.value) == (FILLS[MUST], "-5")
    assert (
        said(negative)
        == f"{COMMENT_MARK}\n【强制】此处是负数（-5）。请在此处填写不小于零的数；冲减以前月份请报更正。"
    )
    assert colour(at(sheet, 3, "通道")) == FILLS[EXPLAIN]
    assert colour(at(sheet, 4, "货类")) == FILLS[NOTE]
    assert at(sheet, 7, "运量吨").comment is None
    assert at(sheet, 7, PROBLEM).value is None
    problems, remedies = at(sheet, 5, PROBLEM), at(sheet, 5, REMEDY)
    assert problems.value.splitlines() == [
        "【强制】“运量吨”列的“x”不是数。", "【强制】“货类”列的“石头”不在可选的名称之内。"
    ]  # fmt: skip
    assert len(remedies.value.splitlines()) == 2
    assert colour(problems) == FILLS[MUST]


def test_the_sheet_of_findings(tmp_path):
    """Grouped by rule with exact totals, then each with its place."""
    path = book_of(tmp_path, *WRONG)
    result = check_file(path)
    rows = report(back(path, result))
    assert rows[0][0] == OWN_SHEET_MARK
    assert dict(row[:2] for row in rows[1:7])["结论"] == "有“强制”问题，改正后才能上报。"
    groups = {row[0]: int(row[2]) for row in rows[8 : 8 + len(result.totals) + 1] if row[0] in result.totals}
    assert groups == result.totals
    severities = [row[1] for row in rows[9 : 9 + len(groups)]]
    assert severities == sorted(severities, key=[MUST, EXPLAIN, NOTE].index)
    listed = [row for row in rows[9 + len(groups) :] if row[0] in result.totals]
    assert [(row[0], row[2], row[3], row[6], row[7]) for row in listed] == [
        (f.code, f.sheet, str(f.row), f.message, f.remedy) for f in result.findings
    ]
    sheet = openpyxl.load_workbook(back(path, result))[REPORT_SHEET]
    links = {cell.hyperlink.location for row in sheet.iter_rows() for cell in row if cell.hyperlink}
    assert links == {f"'三月'!A{f.row}" for f in result.findings}


@pytest.mark.parametrize(
    "row, verdict",
    [
        (good(), "可以上报。"),
        (good(货类="原煤"), "可以上报。"),
        (good(通道="", 起点="甲地", 终点="乙地"), "可以上报，“核实”问题须逐项说明。"),
        (good(运量吨="x"), "有“强制”问题，改正后才能上报。"),
    ],
)
def test_the_verdict(tmp_path, row, verdict):
    assert report(back(book_of(tmp_path, row)))[2][1] == verdict


def test_a_capped_list_says_so(tmp_path):
    """5 000 rows: the total is exact, 200 are listed and marked."""
    path = book_of(
        tmp_path, *(good(终点=f"地{n}", 运量吨="x" if n % 4 == 0 else str(n)) for n in range(5000))
    )
    result = check_file(path)
    target = back(path, result)
    (line,) = [row for row in report(target) if row[0] == "V006" and row[2] == "1250"]
    assert (line[4], line[5]) == ("200", "只列出前200处，其余照此处理。")
    sheet = table(target)
    marked = [row for row in range(2, 5002) if sheet.cell(row, len(HEADERS) + 1).value]
    assert marked == list(range(2, 2 + 4 * 200, 4))
    again = check_file(target)
    assert (again.totals, again.rows, again.tonnes) == (result.totals, result.rows, result.tonnes)


def test_a_finding_in_the_head_block_and_at_the_header(tmp_path):
    path = tmp_path / "月报.csv"
    flows = [header for header in HEADERS if header not in ("月份", "统一社会信用代码")]
    path.write_text(
        f"月份：2025年3月\n统一社会信用代码：,{MINE}\n"
        + text_of({**good(), "煤种": "a"}, headers=[*flows, "煤种"]),
        encoding="utf-8",
    )
    target = back(path)
    sheet = table(target)
    assert "按“2025-03”读取" in said(sheet["A1"])
    assert "不在月报之内" in said(at(sheet, 3, "煤种", top=3))
    assert at(sheet, 4, PROBLEM, top=3).value is None
    assert check_file(target).totals == check_file(path).totals


def test_a_finding_about_a_row_colours_its_problem(tmp_path):
    sheet = table(back(book_of(tmp_path, good(), good())))
    assert at(sheet, 3, PROBLEM).value == "【核实】本行与第2行重复（各列完全相同），已照计。"
    assert colour(at(sheet, 3, PROBLEM)) == FILLS[EXPLAIN]


def test_a_repeated_header_is_marked_wherever_it_stands(tmp_path):
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good(), headers=[*HEADERS, "运量吨"]), encoding="utf-8")
    sheet = table(back(path))
    assert [colour(cell) == FILLS[MUST] for cell in sheet[1] if cell.value == "运量吨"] == [True, True]


# ----------------------------------------------------------------------------------- and comes back again


def test_uploaded_again_it_is_the_same_file(tmp_path):
    """No finding about our columns, sheet or comments, however often; the clerk's repair is seen."""
    path = book_of(tmp_path, *WRONG)
    first = check_file(path)
    once = back(path, first)
    second = check_file(once)
    assert (second.totals, second.rows, second.tonnes) == (first.totals, first.rows, first.tonnes)
    twice = back(once, second)
    assert openpyxl.load_workbook(twice).sheetnames == ["三月", REPORT_SHEET]
    assert [cell.value for cell in table(twice)[1]].count(PROBLEM) == 1
    book = openpyxl.load_workbook(twice)
    sheet = book.worksheets[0]
    repaired = [
        (2, "运量吨", 5),
        (3, "通道", "忻河"),
        (4, "货类", "煤炭"),
        (5, "运量吨", 7),
        (5, "货类", "焦炭"),
    ]
    for row, header, value in repaired:
        at(sheet, row, header).value = value
    book.save(twice)
    third = check_file(twice)
    assert (third.accepted, third.totals) == (True, {})
    last = table(back(twice, third))
    assert at(last, 2, "运量吨").comment is None
    assert colour(at(last, 2, "运量吨")) not in FILLS.values()
    assert at(last, 2, PROBLEM).value is None


def test_columns_of_the_clerks_own_after_ours(tmp_path):
    """Ours may stand in the middle by then; what is right of them is read, what is below them is not."""
    once = back(book_of(tmp_path, *WRONG))
    book = openpyxl.load_workbook(once)
    sheet = book.worksheets[0]
    sheet.cell(1, sheet.max_column + 1).value = "煤种"
    sheet.cell(40, len(HEADERS) + 1).value = "这里没有数据行"
    book.save(once)
    result = check_file(once)
    assert {f.column for f in result.findings if f.code == "S108"} == {"煤种"}
    assert "S113" not in result.totals
    again = table(back(once, result))
    assert [cell.value for cell in again[1]][-3:] == ["煤种", PROBLEM, REMEDY]
    assert [cell.value for cell in again[1]].count(PROBLEM) == 1


def test_saved_as_csv_our_columns_are_still_ours(tmp_path):
    once = table(back(book_of(tmp_path, *WRONG)))
    lines = io.StringIO()
    csv.writer(lines).writerows([cell or "" for cell in row] for row in once.iter_rows(values_only=True))
    result = check(tmp_path, lines.getvalue(), name="另存.csv")
    assert result.totals == check_file(book_of(tmp_path, *WRONG)).totals


def test_a_column_only_called_problem_is_the_clerks(tmp_path):
    result = check(tmp_path, text_of({**good(), "问题": "x"}, headers=[*HEADERS, "问题"]))
    assert [(f.code, f.column) for f in result.findings] == [("S108", "问题")]


def test_content_beyond_the_header_is_still_found(tmp_path):
    """Our columns stand right of the stray cell, and do not hide it."""
    path = book_of(tmp_path, good(), good(终点="保定"))
    book = openpyxl.load_workbook(path)
    book.worksheets[0].cell(3, len(HEADERS) + 2).value = "多出来的"
    book.save(path)
    first = check_file(path)
    assert codes(first) == {"S107"}
    assert check_file(back(path, first)).totals == first.totals


# ------------------------------------------------------------------------------------ as the file was


def test_a_gb18030_csv_becomes_a_workbook_of_the_same_cells(tmp_path):
    """With its title rows and blank lines, each cell text, in its place."""
    content = "忻州市月报,,\n\n" + text_of(*WRONG).replace("煤炭,发运", "煤炭 ,发运", 1)
    path = tmp_path / "月报.csv"
    path.write_bytes(content.encode("gb18030"))
    result = check_file(path)
    target = back(path, result)
    before, after = read_text_table(path), read_text_table(target)
    assert after.header == before.header
    assert after.row_numbers == before.row_numbers
    assert after.rows == before.rows
    again = check_file(target)
    assert again.totals == {code: n for code, n in result.totals.items() if code != "S010"}
    assert {
        cell.data_type for row in table(target).iter_rows() for cell in row if cell.value is not None
    } == {"s"}


def test_a_packed_csv_comes_back_unpacked(tmp_path):
    path = tmp_path / "月报.csv.gz"
    path.write_bytes(gzip.compress(text_of(*WRONG).encode()))
    assert check_file(back(path)).totals == check_file(path).totals


def test_an_xls_keeps_its_sheets_and_merges(tmp_path):
    """A merged tonnage stays one number: copied into its rows it would count twice."""
    book = xlwt.Workbook()
    sheet, other = book.add_sheet("三月"), book.add_sheet("备查")
    other.write(0, 0, "=别的")
    for column, header in enumerate(HEADERS):
        sheet.write(0, column, header)
        for row in (1, 2):
            if header == "运量吨":
                continue
            sheet.write(row, column, good(终点=f"地{row}").get(header, ""))
    column = HEADERS.index("运量吨")
    sheet.write_merge(1, 2, column, column, 1200.5)
    path = tmp_path / "月报.xls"
    book.save(str(path))
    first = check_file(path)
    assert codes(first) == {"S104", "S106"}
    target = back(path, first)
    after = openpyxl.load_workbook(target)
    assert after.sheetnames == ["三月", "备查", REPORT_SHEET]
    assert (after["备查"]["A1"].value, after["备查"]["A1"].data_type) == ("=别的", "s")
    assert check_file(target).totals == first.totals


def test_an_xlsx_stays_as_it_was(tmp_path):
    """Other sheets, formulas with their values, hidden rows, merges, styles, comments, numbers."""
    path = tmp_path / "月报.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet, other, hidden = (made.add_worksheet(name) for name in ("三月", "算账", "底稿"))
        hidden.hide()
        sheet.merge_range(0, 0, 0, 5, "忻州市公转铁月报")
        sheet.write_row(1, 0, HEADERS)
        for number, row in enumerate([good(), good(终点="保定"), good(运量吨="x")], start=2):
            sheet.write_row(number, 0, [row.get(header, "") for header in HEADERS])
        tonnes = HEADERS.index("运量吨")
        sheet.write_formula(2, tonnes, "=算账!A1*2", value=1200.5)
        sheet.set_row(3, None, None, {"hidden": True})
        other.write_formula(0, 0, "=600.25", value=600.25)
        other.write_formula(0, 1, '="a"&"<b>"', value="a<b>")
        other.write_formula(0, 2, "=TRUE", value=True)
        other.write_formula(0, 3, "=1/0", value="#DIV/0!")
        date_form = made.add_format({"num_format": "yyyy-mm-dd"})
        other.write_formula(0, 4, "=DATE(2025,3,1)", date_form, value=45717)
        other.write_formula(0, 5, "=NOTYET()", value="")
        other.write_array_formula(0, 6, 0, 6, "{=SUM(A1:A1)}", value=600.25)
        hidden.write(0, 0, 1)
    first = check_file(path)
    assert {"S102", "S103", "S104", "V006"} <= codes(first)
    before, target = openpyxl.load_workbook(path), back(path, first)
    again = check_file(target)
    assert (again.totals, again.tonnes) == (first.totals, first.tonnes)
    after = openpyxl.load_workbook(target)
    assert after.sheetnames == [*before.sheetnames, REPORT_SHEET]
    assert after["底稿"].sheet_state == "hidden"
    assert after["三月"].row_dimensions[4].hidden
    assert str(after["三月"].merged_cells) == "A1:F1"
    assert [c.value for c in after["算账"][1]][:6] == [c.value for c in before["算账"][1]][:6]
    was = openpyxl.load_workbook(path, data_only=True)["算账"][1]
    now = openpyxl.load_workbook(target, data_only=True)["算账"][1]
    assert [cell.value for cell in now] == [cell.value or None for cell in was]
    assert now[0].value == 600.25


def test_the_clerks_comments_and_colours_elsewhere_stay(tmp_path):
    path = book_of(tmp_path, *WRONG)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    at(sheet, 2, "运量吨").comment = Comment("冲减上月", "张三")
    at(sheet, 7, "备注").comment = Comment("无误", "张三")
    at(sheet, 7, "备注").fill = PatternFill("solid", fgColor="FF00FF00")
    at(sheet, 2, "运量吨").font = Font(bold=True)
    book.save(path)
    target = back(back(path))
    after = table(target)
    assert said(at(after, 2, "运量吨")).startswith(f"冲减上月\n{COMMENT_MARK}\n【强制】")
    assert said(at(after, 2, "运量吨")).count(COMMENT_MARK) == 1
    assert at(after, 2, "运量吨").font.bold
    assert said(at(after, 7, "备注")) == "无误"
    assert colour(at(after, 7, "备注")) == "FF00FF00"


def test_a_width_for_many_columns_is_parted(tmp_path):
    """One entry may speak for all columns; two that overlap are a damaged file to Excel."""
    path = book_of(tmp_path, *WRONG)
    book = openpyxl.load_workbook(path)
    span = book.worksheets[0].column_dimensions["A"]
    span.width, span.min, span.max = 9, 1, 16384
    book.save(path)
    sheet = table(back(path))
    spans = sorted((span.min, span.max, span.width) for span in sheet.column_dimensions.values())
    own = len(HEADERS) + 1
    assert spans == [(1, own - 1, 9), (own, own, 46), (own + 1, own + 1, 46), (own + 2, 16384, 9)]


def test_a_filled_template_comes_back_guarded_with_its_lists(tmp_path):
    path = tmp_path / "模板.xlsx"
    flow = {"commodity": "煤炭", "direction": "发运", "mode": "铁路", "origin": "原平", "destination": "天津",
            "corridor": "同蒲", "distance_km": "650.5"}  # fmt: skip
    unit = ReportingUnit(MINE, MINE, "演示一号煤业有限公司")
    path.write_bytes(
        template(declared(), unit, check_file(book_of(tmp_path, good())).unit_months[0].month, [flow])
    )
    target = back(path)
    assert codes(check_file(target)) == {"V001"}
    before, after = openpyxl.load_workbook(path), openpyxl.load_workbook(target)
    assert after.worksheets[0].protection.sheet
    assert len(after.worksheets[0].data_validations.dataValidation) == len(
        before.worksheets[0].data_validations.dataValidation
    )
    assert after.worksheets[1].sheet_state == "hidden"
    assert "运量吨（必填）" in said(at(after.worksheets[0], 8, "运量吨", top=8))
    after.worksheets[1].sheet_state = "visible"
    after.save(target)
    assert codes(check_file(target)) == {"V001"}


def test_a_file_under_a_mapping_without_a_header(tmp_path):
    """Columns by position: cells are marked, and no column is added where no header could name it."""
    path = tmp_path / "月报.csv"
    path.write_text("\n".join(text_of(*WRONG).splitlines()[1:]) + "\n", encoding="utf-8")
    columns = "".join(f'"{header}" = {n}\n' for n, header in enumerate(HEADERS, 1))
    mapping = read_mapping(f"header = false\n[columns]\n{columns}")
    result = check_file(path, mapping=mapping)
    sheet = table(back(path, result, mapping=mapping))
    assert colour(sheet.cell(1, HEADERS.index("运量吨") + 1)) == FILLS[MUST]
    assert sheet.max_column == len(HEADERS)


# --------------------------------------------------------------------------------- text that stays text


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_looks_like_a_formula_comes_back_unchanged(tmp_path, text):
    """From a CSV, and again after the clerk's program has opened and saved the workbook."""
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good(备注=text), good(运量吨="x")), encoding="utf-8", newline="")
    target = back(path)
    book = openpyxl.load_workbook(target)
    assert at(book.worksheets[0], 2, "备注").data_type == "s"
    book.save(target)
    for file in (target, back(target)):
        (row, *_) = read_text_table(file).rows
        assert row[HEADERS.index("备注")] == text


def test_a_formula_in_a_finding_is_text_in_the_sheet_of_findings(tmp_path):
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good(货类="=1+1"), good(运量吨='=HYPERLINK("x")')), encoding="utf-8")
    book = openpyxl.load_workbook(back(path))
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row if cell.value} == {
        "s"
    }


def test_control_characters_come_back_and_are_found_again(tmp_path):
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good(备注="a\x07b", 货类="石\ufffe头")), encoding="utf-8")
    first = check_file(path)
    target = back(path, first)
    assert check_file(target).totals == first.totals
    with zipfile.ZipFile(target) as package:
        assert not any(b"\x07" in package.read(part) for part in package.namelist())


# ------------------------------------------------------------------------------------------------ mends


def test_mends_are_written_and_said(tmp_path):
    """The old value in the comment, the change in the sheet; a number becomes one in an .xlsx."""
    path = book_of(
        tmp_path, good(运量吨="１，２００", 货类="原煤"), good(运量吨="1,300", 终点="保定"), good(运量吨="x")
    )
    first = check_file(path)
    mends = find_mends(path, declared(), registry())
    target = back(path, first, mends=mends)
    sheet = table(target)
    assert (at(sheet, 2, "运量吨").value, at(sheet, 3, "运量吨").value) == (1200, 1300)
    assert said(at(sheet, 2, "货类")) == f"{COMMENT_MARK}\n【已改】原为“原煤”，已改为“煤炭”。"
    assert colour(at(sheet, 2, "货类")) == FILLS[MENDED]
    assert at(sheet, 2, PROBLEM).value is None
    assert codes(check_file(target)) == {"V006"}
    rows = report(target)
    assert ("V023", MENDED, "三月", "2", "货类", "原煤", "煤炭", None) in rows
    (line,) = [row for row in rows if row[0] == "V024" and row[1] == NOTE]
    assert line[2:5] == ("2", "2", "2")


def test_a_number_beyond_excels_digits_is_mended_as_text(tmp_path):
    path = book_of(tmp_path, good(运距公里="１２３４５６７８９．１２３４５６７８９"))
    target = back(path, mends=find_mends(path, declared(), registry()))
    assert at(table(target), 2, "运距公里").value == "123456789.123456789"
    assert "V021" not in codes(check_file(target))


def test_a_mended_formula_and_a_mended_merge(tmp_path):
    """A formula gives way to its plain result; a merged cell is mended where it stands."""
    path = tmp_path / "月报.xlsx"
    with xlsxwriter.Workbook(str(path)) as made:
        sheet = made.add_worksheet("三月")
        sheet.write_row(0, 0, HEADERS)
        for number, row in enumerate([good(), good(终点="保定")], start=1):
            sheet.write_row(number, 0, [row.get(header, "") for header in HEADERS])
        sheet.merge_range(1, 0, 2, 0, "2025年3月")
        sheet.write_formula(1, HEADERS.index("货类"), '="原"&"煤"', value="原煤")
        sheet.write_formula(2, HEADERS.index("货类"), '="煤"&"炭"', value="煤炭")
    mends = find_mends(path, declared(), registry())
    target = back(path, mends=mends)
    assert check_file(target).totals == {}
    assert check_file(target).rows == 2
    sheet = table(target)
    assert (sheet["A2"].value, at(sheet, 2, "货类").value) == ("2025-03", "煤炭")
    assert at(sheet, 3, "货类").data_type == "f"


def test_many_mends_are_listed_in_part(tmp_path, monkeypatch):
    """All are written and coloured; the first ones have a comment."""
    monkeypatch.setattr("etl.intake.returned.MAX_COMMENTS", 240)
    path = book_of(tmp_path, *(good(终点=f"地{n}", 货类="原煤") for n in range(250)))
    target = back(path, mends=find_mends(path, declared(), registry()))
    rows = report(target)
    assert len([row for row in rows if row[0] == "V023" and row[1] == MENDED]) == 201
    assert rows[-1][5] == "共250处，只列出200处。"
    cells = [at(table(target), row, "货类") for row in (2, 241, 242, 251)]
    assert [colour(cell) for cell in cells] == [FILLS[MENDED]] * 4
    assert [cell.comment is not None for cell in cells] == [True, True, False, False]
    assert check_file(target).totals == {}


# ---------------------------------------------------------------------------------- what cannot be carried


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(workbook, "MAX_CARRIED_ROWS", 5)
    monkeypatch.setattr(workbook, "MAX_CELL_TEXT", 50)


@pytest.mark.parametrize("rows, name", [(6, "a.csv"), (6, "a.xlsx"), (1, "long.csv")])
def test_a_table_too_large_comes_back_as_the_findings_alone(tmp_path, small, rows, name):
    wrong = [
        good(运量吨="x", 备注="长" * 60 if name == "long.csv" else "", 终点=f"地{n}") for n in range(rows)
    ]
    if name.endswith("csv"):
        path = tmp_path / name
        path.write_text(text_of(*wrong), encoding="utf-8")
    else:
        path = book_of(tmp_path, *wrong, name=name)
    target = back(path)
    assert openpyxl.load_workbook(target).sheetnames == [REPORT_SHEET]
    lines = report(target)
    assert lines[7][1] == "原表过大，未附在本工作簿内；请按所列的行和列在原文件中改正。"
    assert len([row for row in lines if row[0] == "V006"]) == 1 + rows


@pytest.mark.parametrize("limit", ["MAX_CARRIED_BYTES", "MAX_CARRIED_CELLS"])
def test_a_workbook_too_large_for_its_writer_is_not_carried(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(f"etl.intake.workbook.{limit}", 10)
    path = book_of(tmp_path, good(运量吨="x"))
    assert openpyxl.load_workbook(back(path)).sheetnames == [REPORT_SHEET]


def test_a_workbook_that_its_writer_cannot_open_is_not_carried(tmp_path, monkeypatch):
    def fails(*_: object, **__: object):
        raise AttributeError

    path = book_of(tmp_path, good(运量吨="x"))
    monkeypatch.setattr("etl.intake.workbook.load_workbook", fails)
    assert openpyxl.load_workbook(back(path)).sheetnames == [REPORT_SHEET]


def test_a_file_that_cannot_be_read_has_nothing_to_give_back(tmp_path):
    path = tmp_path / "月报.xlsx"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(Refusal):
        returned(path, check_file(path))


def test_a_table_of_another_kind_gets_only_the_sheet(tmp_path):
    path = tmp_path / "别的.csv"
    path.write_text("甲,乙\n1,2\n", encoding="utf-8")
    result = check_file(path)
    assert codes(result) == {"S116"}
    target = back(path, result)
    assert [cell.value for cell in table(target)[1]] == ["甲", "乙"]
    assert openpyxl.load_workbook(target).sheetnames[-1] == REPORT_SHEET


def test_findings_of_another_sheet_mark_nothing(tmp_path):
    path = book_of(tmp_path, good())
    result = check_file(path)
    bad = check(tmp_path, text_of(good(运量吨="x")), name="b.csv").findings[0]
    other = replace(result, findings=(replace(bad, sheet="别的"),), totals={"V006": 1})
    assert at(table(back(path, other)), 2, "运量吨").comment is None
