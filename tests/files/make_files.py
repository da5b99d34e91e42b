"""Makes the files of this folder and `expected.csv` beside them: what a check must find in each.

    python tests/files/make_files.py

Whoever changes a rule runs the tests first: they say which of these files newly fail. What is expected
is written here by hand, one line a finding: code, row as Excel shows it, header of the column.
"""

from __future__ import annotations

import csv
import gzip
import io
import struct
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

import openpyxl  # noqa: E402
import xlsxwriter  # noqa: E402
import xlwt  # noqa: E402
from openpyxl.comments import Comment  # noqa: E402
from openpyxl.utils.datetime import CALENDAR_MAC_1904  # noqa: E402
from returns import DRAYAGE, GROUP, HEADERS, MINE, MINE_NAME, PARK, PARK_NAME, ZERO, good, text_of  # noqa: E402

from etl.intake.rules import BY_CODE  # noqa: E402

Expected = tuple[str, int | None, str | None]
EXPECTED = HERE / "expected.csv"
SUFFIXES = (".csv", ".xlsx", ".xls", ".et")
COLUMNS = ("file", "code", "severity", "row", "column")
PARK_ROW = {"统一社会信用代码": PARK, "企业名称": PARK_NAME}
SHORT = [
    header for header in HEADERS if header not in ("箱数", "车数", "计量依据", "对方单位", "填报单位编码")
]
FLOWS = ["货类", "方向", "运输方式", "起点", "终点", "通道", "运距公里", "运量吨"]
NO_TONNES = [header for header in HEADERS if header != "运量吨"]


@dataclass(frozen=True)
class Case:
    """A file's bytes and the findings of its check, in any order."""

    content: bytes
    expected: tuple[Expected, ...] = ()


def csv_case(
    *rows: dict[str, str], expected: tuple[Expected, ...] = (), headers: list[str] | None = None
) -> Case:
    return Case(text_of(*rows, headers=headers).encode(), expected)


def cells(*rows: dict[str, str], headers: list[str] = HEADERS) -> list[list[object]]:
    table: list[list[object]] = [[row.get(header) or None for header in headers] for row in rows]
    return [list(headers), *table]


def workbook(*sheets: tuple[str, Sequence[Sequence[object]]], change: Callable | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    if change:
        change(book)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def old_workbook(rows: Sequence[Sequence[object]], change: Callable | None = None) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("月报", cell_overwrite_ok=True)
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell or "")
    if change:
        change(sheet)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def separated(mark: str, *rows: dict[str, str]) -> bytes:
    lines = io.StringIO()
    csv.writer(lines, delimiter=mark, lineterminator="\n").writerows(cells(*rows, headers=SHORT))
    return lines.getvalue().encode()


def at(header: str, headers: list[str] = HEADERS) -> int:
    """The number of a column, from 1."""
    return headers.index(header) + 1


def rewritten(package: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook's package with some of its parts written otherwise, as other programs write them."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy,
    ):
        for part in source.infolist():
            copy.writestr(part.filename, change(part.filename, source.read(part)))
    return target.getvalue()


def as_wps(name: str, content: bytes) -> bytes:
    """How WPS signs what it saves, and the element of its own that it adds to a sheet."""
    if name == "docProps/app.xml":
        return content.replace(b"Microsoft Excel", "WPS 表格".encode())
    if name.startswith("xl/worksheets/"):
        own = b'<ext uri="{F4D2B5A3}" xmlns:et="urn:wps-et"><et:cellProtect/></ext>'
        return content.replace(b"</worksheet>", b"<extLst>" + own + b"</extLst></worksheet>")
    return content


def packed(*names: str) -> bytes:
    """A package with parts of these names, such as a document's."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name in names:
            package.writestr(name, "x")
    return target.getvalue()


def container(*streams: str) -> bytes:
    """What begins like an OLE container and names these streams."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "".join(streams).encode("utf-16-le") + bytes(600)


def with_password(book: bytes) -> bytes:
    """An .xls whose record WRITEACCESS says FILEPASS: what follows is encrypted."""
    return book.replace(struct.pack("<HH", 0x5C, 112), struct.pack("<HH", 0x2F, 112), 1)


def changed(*changes: Callable) -> Callable:
    """Changes of the sheet 月报, one after the other."""

    def change(book: openpyxl.Workbook) -> None:
        for each in changes:
            each(book["月报"])

    return change


def set_cell(row: int, header: str, value: object, form: str = "General") -> Callable:
    def change(sheet) -> None:
        cell = sheet.cell(row, at(header), value)
        cell.number_format = form

    return change


def merged(*ranges: str) -> Callable:
    def change(sheet) -> None:
        for cells_ in ranges:
            sheet.merge_cells(cells_)

    return change


def dressed(sheet) -> None:
    """Frozen, filtered, commented, formatted: nothing of it changes what is read."""
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.cell(2, at("运量吨")).comment = Comment("磅单见附件", "张三")
    for row in (2, 3):
        sheet.cell(row, at("运量吨"), 1200.5).number_format = '#,##0.00"吨"'
        sheet.cell(row, at("运距公里"), 650.5).number_format = "¥#,##0.00"


def calculated() -> bytes:
    """Formulas with the values that they had when the workbook was saved."""
    target = io.BytesIO()
    with xlsxwriter.Workbook(target) as book:
        sheet = book.add_worksheet("月报")
        for number, row in enumerate(cells(*TWO)):
            sheet.write_row(number, 0, row)
        sheet.write_formula(1, at("运量吨") - 1, "=1000+200.5", None, 1200.5)
    return target.getvalue()


def dates_of_1904() -> bytes:
    def change(book: openpyxl.Workbook) -> None:
        book.epoch = CALENDAR_MAC_1904
        for row in (2, 3):
            set_cell(row, "月份", date(2025, 3, 1), "yyyy-mm")(book["月报"])

    return workbook(("月报", cells(*TWO)), change=change)


def hide_row(book: openpyxl.Workbook) -> None:
    book["月报"].row_dimensions[3].hidden = True


def hide_sheet(book: openpyxl.Workbook) -> None:
    book["去年"].sheet_state = "hidden"


def merge_tonnes(book: openpyxl.Workbook) -> None:
    column = HEADERS.index("运量吨") + 1
    book["月报"].merge_cells(start_row=2, end_row=3, start_column=column, end_column=column)


def merge_names(book: openpyxl.Workbook) -> None:
    column = HEADERS.index("企业名称") + 1
    book["月报"].merge_cells(start_row=2, end_row=3, start_column=column, end_column=column)


TWO = good(), good(货类="焦炭")
HEAD: list[list[object]] = [
    ["忻州市公转铁运量月报"], [], ["月份：", "2025-03"], ["统一社会信用代码：", MINE], ["企业名称：", MINE_NAME], [],
]  # fmt: skip
HEAD_BLOCK: list[list[object]] = [*HEAD, *cells(*TWO, headers=FLOWS)]
GROUP_ROW = {"统一社会信用代码": GROUP, "填报单位编码": "GROUP-1", "企业名称": "演示集团一矿"}
SUM = {"货类": "合计", "运量吨": "2401"}
ROW_2 = 2
# A header in two rows: a group over its parts, names over their units. None is what a merge leaves empty.
KEYS = ["月份", "统一社会信用代码", "企业名称", "货类", "方向", "运输方式"]
GROUPED = [*KEYS, "起讫点", None, "通道", "运距", "运量"]
PARTS = [*[None] * 6, "起点", "终点", None, "公里", "吨"]
FLAT = [*KEYS, "起点", "终点", "通道", "运距公里", "运量吨"]
MERGES = merged(*(f"{letter}1:{letter}2" for letter in "ABCDEFI"), "G1:H1")
IN_GROUPS: list[Sequence[object]] = [GROUPED, PARTS, *cells(*TWO, headers=FLAT)[1:]]
ALIAS_IN_GROUPS = (("S110", 2, "运距"), ("S110", 2, "运量"))


def lines(*rows: Sequence[object]) -> bytes:
    """Rows of any length as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [["" if cell is None else cell for cell in row] for row in rows]
    )
    return text.getvalue().encode()


SHORT_BODY = cells(*TWO, headers=FLAT)[1:]

CASES: dict[str, Case] = {
    # What is as it should be, in every form it comes in.
    "好-utf8.csv": csv_case(*TWO),
    "好-bom.csv": Case("\ufeff".encode() + text_of(*TWO).encode()),
    "好-gb18030.csv": Case(text_of(*TWO).encode("gb18030"), (("S010", None, None),)),
    "好-制表符.csv": Case(separated("\t", *TWO)),
    "好-分号.csv": Case(separated(";", *TWO)),
    "好-换行.csv": Case(text_of(*TWO).replace("\n", "\r\n").encode()),
    "好-空行.csv": Case((text_of(TWO[0]) + "\n\n" + text_of(TWO[1]).split("\n", 1)[1]).encode()),
    "好-引号.csv": csv_case(good(备注='两批，"急"'), good(备注="第一行\n第二行")),
    "好.xlsx": Case(workbook(("月报", cells(*TWO)))),
    "好.xls": Case(old_workbook(cells(*TWO))),
    "好-其实是工作簿.csv": Case(workbook(("月报", cells(*TWO)))),
    "好-其实是文本.xlsx": Case(text_of(*TWO).encode()),
    "好-压缩.csv": Case(gzip.compress(text_of(*TWO).encode(), mtime=0)),
    "好-表头上方有单位.xlsx": Case(workbook(("月报", HEAD_BLOCK))),
    "好-零申报.csv": csv_case(ZERO),
    "好-短驳.csv": csv_case(good(), good(**DRAYAGE)),
    "好-两家两月.csv": csv_case(good(), good(月份="2025-04"), good(**PARK_ROW), good(**GROUP_ROW)),
    "好-列少.csv": csv_case(*TWO, headers=list(good())),
    "好-合并企业名称.xlsx": Case(workbook(("月报", cells(*TWO)), change=merge_names)),
    "好-五百公里.csv": csv_case(good(运距公里="500"), good(运距公里="499.999999999")),
    "好-认定里程.csv": csv_case(good(起点="忻州", 终点="石家庄", 运距公里="388.2")),
    "好-认定里程代填.csv": csv_case(good(起点="石家庄", 终点="忻州", 运距公里="", 方向="到达")),
    "好-皮带二十五公里.csv": csv_case(good(运输方式="皮带廊道", 运距公里="25")),
    # Made by other programs, and dressed.
    "好-WPS.xlsx": Case(rewritten(workbook(("月报", cells(*TWO))), as_wps)),
    "好-WPS表格.et": Case(old_workbook(cells(*TWO))),
    "好-冻结筛选批注格式.xlsx": Case(workbook(("月报", cells(*TWO)), change=changed(dressed))),
    "好-公式有值.xlsx": Case(calculated()),
    "好-日期单元格.xlsx": Case(workbook(("月报", cells(*TWO)), change=changed(
        set_cell(2, "月份", date(2025, 3, 1), 'yyyy"年"m"月"'), set_cell(3, "月份", date(2025, 3, 31), "yyyy-mm-dd"))),
        (("V022", 2, "月份"), ("V022", 3, "月份"))),
    "好-1904日期.xlsx": Case(dates_of_1904(), (("V022", 2, "月份"), ("V022", 3, "月份"))),
    "好-文本数字.xlsx": Case(workbook(("月报", cells(*TWO)), change=changed(
        set_cell(2, "运量吨", "1200.5", "@"), set_cell(2, "统一社会信用代码", MINE, "@")))),
    "好-合并货类.xlsx": Case(workbook(("月报", cells(good(), good(终点="秦皇岛"))), change=changed(
        merged("E2:E3", "A2:A3", "B2:B3")))),
    "好-空列空行.xlsx": Case(workbook(("月报", [[], [None, "公转铁月报"], [], *[
        [None, *row[:5], None, *row[5:]] for row in cells(*TWO, headers=FLAT)]]))),
    "好-行尾逗号.csv": Case(text_of(*TWO, headers=FLAT).replace("\n", ",,,\n").encode()),
    "好-短行.csv": Case(text_of(*TWO, headers=[*FLAT, "备注"]).replace("1200.5,\n", "1200.5\n").encode()),
    "好-模板空表在前.xlsx": Case(workbook(("空表", cells()), ("月报", cells(*TWO))), (("S104", None, None),)),
    "好-分隔符声明.csv": Case(b"sep=;\n" + separated(";", *TWO)),
    # Headers in two rows, unit rows, what stands around the table.
    "好-单位行.xlsx": Case(workbook(("月报", [
        FLAT, [*["必填"] * 9, "公里", "吨"], *SHORT_BODY]))),
    "好-栏号行.csv": Case(lines(FLAT, ["甲", "乙", "丙", "丁", "戊", "己", *map(str, range(1, 6))], *SHORT_BODY)),
    "提示-两行表头.xlsx": Case(workbook(("月报", IN_GROUPS), change=changed(MERGES)), ALIAS_IN_GROUPS),
    "提示-两行表头.csv": Case(lines(*IN_GROUPS), ALIAS_IN_GROUPS),
    "提示-两行表头.xls": Case(old_workbook(IN_GROUPS), ALIAS_IN_GROUPS),
    "提示-本月累计.csv": Case(
        lines([*FLAT[:-1], "运量吨", None], [*[None] * 10, "本月", "本年累计"], *[[*row, 9999] for row in SHORT_BODY]),
        (("S108", 2, "本年累计"),)),
    "提示-表头在一格.xlsx": Case(workbook(("月报", [
        ["公转铁月报"], [f"填报单位（公章）：{MINE_NAME}    报告期：2025年3月    计量单位：吨"],
        [f"统一社会信用代码：{MINE}"], *cells(*TWO, headers=FLOWS)])), (("V022", 2, "月份"),)),
    "提示-序号合计.csv": Case(
        lines(["序号", *FLAT], [1, *SHORT_BODY[0]], [2, *SHORT_BODY[1]], ["合 计", *[None] * 10, 2401]),
        (("S108", 1, "序号"), ("C006", 4, None))),
    "提示-煤炭小计.csv": csv_case(
        good(), {"货类": "煤炭小计", "运量吨": "1200.5"}, good(货类="焦炭"), {"货类": "其中：焦炭", "运量吨": "7"},
        {"货类": "本月合计", "运量吨": "2401"}, {"货类": "1—3月累计", "运量吨": "99999"},
        expected=tuple(("C006", row, None) for row in (3, 5, 6, 7))),
    "提示-表尾合并.xlsx": Case(workbook(("月报", [
        *cells(*TWO, headers=FLAT), ["合 计", *[None] * 9, 2401], ["注：本表以磅单为准。"], [],
        ["单位负责人：张三    填表人：李四"]]), change=changed(merged("A4:J4", "A5:K6", "A7:K7"))),
        (("C006", 4, None), ("S113", 5, None), ("S113", 6, None), ("S113", 7, None))),
    "提示-签名行.csv": csv_case(*TWO, {"货类": "单位负责人：张三", "运距公里": "联系电话：", "运量吨": "03501234567"},
        {"月份": "注：本表以磅单为准。"}, expected=(("S113", 4, None), ("S113", 5, None))),
    "提示-重复表头.csv": csv_case(good(), dict(zip(HEADERS, HEADERS, strict=True)), good(货类="焦炭"),
        expected=(("S119", 3, None),)),
    "提示-重复两行表头.xlsx": Case(workbook(("月报", [
        *IN_GROUPS[:3], GROUPED, PARTS, IN_GROUPS[3]])),
        (*ALIAS_IN_GROUPS, ("S119", 4, None), ("S119", 5, None))),
    "提示-隐藏列.xlsx": Case(workbook(("月报", cells(*TWO)), change=changed(
        lambda sheet: setattr(sheet.column_dimensions["P"], "hidden", True))), (("S122", None, "装载"),)),
    "提示-隐藏行列.xls": Case(old_workbook(cells(*TWO), lambda sheet: (
        setattr(sheet.row(2), "hidden", True), setattr(sheet.col(at("备注") - 1), "hidden", True))),
        (("S102", 3, None), ("S122", None, "备注"))),
    "提示-筛选.xlsx": Case(workbook(("月报", cells(*TWO)), change=changed(
        dressed, lambda sheet: setattr(sheet.row_dimensions[2], "hidden", True))), (("S102", 2, None),)),
    "提示-带单位.csv": csv_case(good(运量吨="1,200吨", 运距公里="650.5 公里", 车数="3辆"), expected=(
        ("V025", ROW_2, "运量吨"), ("V025", ROW_2, "运距公里"), ("V025", ROW_2, "车数"))),
    "提示-引号.csv": Case(
        lines(HEADERS, *cells(good(月份="'2025-03", 统一社会信用代码=f'="{MINE}"', 运量吨="'1200"))[1:]),
        (("V021", 2, "月份"), ("V021", 2, "统一社会信用代码"), ("V021", 2, "运量吨"))),
    "提示-空格.csv": csv_case(good(统一社会信用代码=f"{MINE}\t", 货类="煤炭 ", 运量吨=" 1200 "), expected=(
        ("V021", 2, "统一社会信用代码"), ("V021", 2, "货类"), ("V021", 2, "运量吨"))),
    "提示-日期序号.csv": csv_case(good(月份="45717"), expected=(("V022", ROW_2, "月份"),)),
    "提示-年月两列.csv": Case(
        lines(["年份", *FLAT], *[["2025", "3", *row[1:]] for row in SHORT_BODY]),
        (("V022", 2, "月份"), ("V022", 3, "月份"))),
    # What is understood otherwise than written.
    "提示-全角.csv": csv_case(good(运量吨="１２００", 方向="发 运"), expected=(
        ("V021", ROW_2, "运量吨"), ("V021", ROW_2, "方向"))),
    "提示-千分位.csv": csv_case(good(运量吨="12,345.5"), expected=(("V024", ROW_2, "运量吨"),)),
    "提示-别名.csv": csv_case(good(运输方式="火车", 货类="原煤", 起点="原平站"), expected=(
        ("V023", ROW_2, "运输方式"), ("V023", ROW_2, "货类"), ("V023", ROW_2, "起点"))),
    "提示-月份写法.csv": csv_case(good(月份="2025年3月"), good(月份="2025/3"), good(月份="202503"), expected=(
        ("V022", 2, "月份"), ("V022", 3, "月份"), ("V022", 4, "月份"),
        ("C005", 3, None), ("C005", 4, None))),
    "提示-表头别名.csv": Case(text_of(*TWO).replace("运量吨", "货运量（吨）", 1).encode(),
                        (("S110", 1, "货运量（吨）"),)),
    "提示-多一列.csv": csv_case(*TWO, headers=[*HEADERS, "天气"], expected=(("S108", 1, "天气"),)),
    "提示-合计行.csv": csv_case(*TWO, SUM, expected=(("C006", 4, None),)),
    "提示-小计合计.csv": csv_case(
        good(), {"货类": "小 计", "运量吨": "1200.5"}, good(货类="焦炭"), {"货类": "小计", "运量吨": "1200.5"}, SUM,
        expected=(("C006", 3, None), ("C006", 5, None), ("C006", 6, None))),
    "提示-表尾.csv": csv_case(*TWO, {"货类": "", "企业名称": "填表人：张三"}, expected=(("S113", 4, None),)),
    "提示-隐藏行.xlsx": Case(workbook(("月报", cells(*TWO)), change=hide_row), (("S102", 3, None),)),
    "提示-隐藏表.xlsx": Case(workbook(("月报", cells(*TWO)), ("去年", cells(*TWO)), change=hide_sheet),
                        (("S103", None, None),)),
    "提示-说明表.xlsx": Case(workbook(("说明", [["填表说明"]]), ("月报", cells(*TWO))), (("S104", None, None),)),
    # What has to be explained.
    "核实-名称不同.csv": csv_case(good(企业名称="另一家煤业有限公司"), expected=(("I007", ROW_2, "企业名称"),)),
    "核实-名称空.csv": csv_case(good(企业名称=""), expected=(("I008", ROW_2, "企业名称"),)),
    "核实-重复行.csv": csv_case(good(), good(运量吨="1200.500"), good(), expected=(
        ("C005", 3, None), ("C005", 4, None))),
    "核实-合计不符.csv": csv_case(*TWO, SUM | {"运量吨": "2400.999"}, expected=(
        ("C006", 4, None), ("C007", 4, "运量吨"))),
    "核实-零申报有运量.csv": csv_case(good(备注="零申报"), expected=(("C008", ROW_2, "备注"),)),
    "核实-零申报有货流.csv": csv_case(good(), ZERO, expected=(("C009", 3, "备注"),)),
    "核实-认定里程不同.csv": csv_case(good(起点="忻州", 终点="石家庄", 运距公里="388.3"), expected=(
        ("C010", ROW_2, "运距公里"),)),
    "核实-其他通道.csv": csv_case(good(通道="", 起点="甲地", 终点="乙地"), expected=(("C011", ROW_2, "通道"),)),
    "核实-皮带过长.csv": csv_case(good(运输方式="皮带廊道", 运距公里="25.001"), expected=(
        ("C012", ROW_2, "运距公里"),)),
    "核实-两张月报.xlsx": Case(workbook(("月报", cells(*TWO)), ("二月", cells(*TWO))), (("S105", None, None),)),
    "核实-万吨.csv": csv_case(good(运量万吨="0.12"), headers=[*NO_TONNES, "运量万吨"], expected=(
        ("S112", 1, "运量万吨"),)),
    "核实-单位行万吨.csv": Case(
        lines([*FLAT[:-1], "运量"], [*["必填"] * 9, "公里", "万吨"], *SHORT_BODY), (("S112", 2, "运量(万吨)"),)),
    "核实-表头吨单位行万吨.xlsx": Case(workbook(("月报", [FLAT, [*[None] * 9, "公里", "万吨"], *SHORT_BODY])),
        (("S112", 2, "运量(万吨)"),)),
    "核实-表角万吨.xlsx": Case(workbook(("月报", [
        ["公转铁月报"], [*[None] * 10, "单位：万吨、公里"], [*FLAT[:-1], "运量"], *SHORT_BODY])),
        (("S112", 3, "运量(万吨)"),)),
    "核实-表角与表头不同.xlsx": Case(workbook(("月报", [["公转铁月报（万吨）"], FLAT, *SHORT_BODY])),
        (("S118", 1, None),)),
    "核实-短驳多于发运.csv": csv_case(good(运量吨="1000"), good(**DRAYAGE, 运量吨="1050.001"), expected=(
        ("P002", 3, "运量吨"),)),
    "核实-短驳少于发运.csv": csv_case(good(运量吨="1000"), good(**DRAYAGE, 运量吨="949.999"), expected=(
        ("P002", 3, "运量吨"),)),
    # What is not taken: values.
    "强制-货类空.csv": csv_case(good(货类=""), good(), expected=(("V001", ROW_2, "货类"),)),
    "强制-运量空.csv": csv_case(good(运量吨=" "), expected=(("V001", ROW_2, "运量吨"),)),
    "强制-运距空.csv": csv_case(good(运距公里=""), expected=(("V002", ROW_2, "运距公里"),)),
    "强制-月份空.csv": csv_case(good(月份=""), expected=(("V003", ROW_2, "月份"),)),
    "强制-错误值.csv": csv_case(good(运量吨="#DIV/0!"), expected=(("V004", ROW_2, "运量吨"),)),
    "强制-未计算公式.xlsx": Case(workbook(("月报", cells(good(运量吨="=1+2")))), (("V004", ROW_2, "运量吨"),)),
    "强制-控制字符.csv": csv_case(good(备注="x\x01y"), expected=(("V005", ROW_2, "备注"),)),
    "强制-科学记数.csv": csv_case(good(运量吨="1e3"), good(运量吨="1_000"), expected=(
        ("V006", 2, "运量吨"), ("V006", 3, "运量吨"))),
    "强制-负数.csv": csv_case(good(运量吨="-0.001"), expected=(("V007", ROW_2, "运量吨"),)),
    "强制-四位小数.csv": csv_case(good(运量吨="12.3456"), expected=(("V008", ROW_2, "运量吨"),)),
    "强制-半辆车.csv": csv_case(good(车数="1.5"), expected=(("V009", ROW_2, "车数"),)),
    "强制-不是月份.csv": csv_case(good(月份="三月"), good(月份="2025-13"), expected=(
        ("V010", 2, "月份"), ("V010", 3, "月份"))),
    "强制-一月或十月.csv": csv_case(good(月份="2023.1"), expected=(("V011", ROW_2, "月份"),)),
    "强制-下个月.csv": csv_case(good(月份="2026-11"), expected=(("V012", ROW_2, "月份"),)),
    "强制-不在清单.csv": csv_case(good(运输方式="骡马", 装载="桶装", 通道="某线"), expected=(
        ("V013", ROW_2, "运输方式"), ("V013", ROW_2, "装载"), ("V013", ROW_2, "通道"))),
    "强制-万吨数.csv": csv_case(good(运量吨="0.12万吨"), good(运量吨="1.2万"), expected=(
        ("V026", 2, "运量吨"), ("V026", 3, "运量吨"))),
    "强制-格式显示万吨.xlsx": Case(workbook(("月报", cells(*TWO)), change=changed(
        set_cell(2, "运量吨", 0.12, '0.00"万吨"'), set_cell(3, "运量吨", 12000, '0!.0,"万"'))),
        (("V026", 2, "运量吨"),)),
    "强制-错误单元格.xls": Case(old_workbook(cells(*TWO), lambda sheet: (
        sheet.row(1).set_cell_error(at("箱数") - 1, 0x2A), sheet.row(2).set_cell_error(at("运量吨") - 1, 0x07))),
        (("V004", 2, "箱数"), ("V004", 3, "运量吨"))),
    "强制-百分数货币.csv": csv_case(good(运量吨="50%"), good(运量吨="￥1200"), expected=(
        ("V006", 2, "运量吨"), ("V006", 3, "运量吨"))),
    "强制-货类留空合并.csv": csv_case(good(), good(货类="", 终点="秦皇岛"), expected=(("V001", 3, "货类"),)),
    "强制-只有标题写月份.xlsx": Case(
        workbook(("2025年3月", [["忻州市2025年3月公转铁月报"], *cells(*TWO, headers=FLAT[1:])])),
        (("S117", 1, None), ("S101", None, "月份"))),
    "强制-只有表名写月份.xlsx": Case(workbook(("2025年3月", cells(*TWO, headers=FLAT[1:]))),
        (("S117", None, None), ("S101", None, "月份"))),
    "强制-千吨.csv": Case(lines([*FLAT[:-1], "运量"], [*[None] * 9, "公里", "千吨"], *SHORT_BODY),
        (("S108", 2, "运量(千吨)"), ("S101", None, "运量吨"))),
    "强制-长行.csv": Case(text_of(*TWO, headers=FLAT).replace("1200.5\n", "1,200.5\n").encode(),
        (("S107", 2, None), ("S107", 3, None))),
    # Who it is.
    "强制-代码空.csv": csv_case(good(统一社会信用代码=""), expected=(("I001", ROW_2, "统一社会信用代码"),)),
    "强制-代码成了数.csv": csv_case(good(统一社会信用代码="9.114E+17"), expected=(
        ("I002", ROW_2, "统一社会信用代码"),)),
    "强制-校验码.csv": csv_case(good(统一社会信用代码=MINE[:-1] + "5"), expected=(
        ("I003", ROW_2, "统一社会信用代码"),)),
    "强制-未登记.csv": csv_case(good(统一社会信用代码="91350100M000100Y43"), expected=(
        ("I004", ROW_2, "统一社会信用代码"),)),
    "强制-哪个单位.csv": csv_case(good(统一社会信用代码=GROUP), expected=(("I005", ROW_2, "填报单位编码"),)),
    "强制-不是本单位的编码.csv": csv_case(good(填报单位编码="GROUP-1"), expected=(("I006", ROW_2, "填报单位编码"),)),
    # What does not fit together.
    "强制-铁路短驳.csv": csv_case(good(**DRAYAGE | {"运输方式": "铁路"}), expected=(("C001", ROW_2, "运输方式"),)),
    "强制-短驳无换装站.csv": csv_case(good(**DRAYAGE | {"换装站": "村口"}), expected=(("C002", ROW_2, "换装站"),)),
    "强制-短驳过远.csv": csv_case(good(**DRAYAGE | {"运距公里": "50.001"}), expected=(("C003", ROW_2, "运距公里"),)),
    # The file itself.
    "强制-空文件.csv": Case(b"", (("S001", None, None),)),
    "强制-网页.xls": Case("<html><body><table><tr><td>月份</td></tr></table></body></html>".encode(),
                      (("S003", None, None),)),
    "强制-网页表格.xls": Case("<table border=1><tr><td>月份</td></tr></table>".encode("gb18030"),
                        (("S003", None, None),)),
    "强制-单文件网页.xls": Case(b"MIME-Version: 1.0\nX-Document-Type: Workbook\n", (("S003", None, None),)),
    "强制-XML表格.xls": Case(b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
        (("S003", None, None),)),
    "强制-照片.xlsx": Case(b"\xff\xd8\xff\xe0\0\x10JFIF", (("S003", None, None),)),
    "强制-手机照片.xlsx": Case(b"\0\0\0\x24ftypheic\0\0\0\0", (("S003", None, None),)),
    "强制-Word文档.xlsx": Case(packed("[Content_Types].xml", "word/document.xml"), (("S003", None, None),)),
    "强制-旧Word文档.xls": Case(container("WordDocument"), (("S003", None, None),)),
    "强制-版式文件.xlsx": Case(packed("OFD.xml", "Doc_0/Document.xml"), (("S003", None, None),)),
    "强制-压缩包.xlsx": Case(packed("月报.csv"), (("S003", None, None),)),
    "强制-临时文件.xlsx": Case(b"\x06clerk1" + b" " * 48 + b"\x06\0c\0l\0e\0r\0k\x001\0" + b" \0" * 48,
        (("S003", None, None),)),
    "强制-有密码.xls": Case(with_password(old_workbook(cells(*TWO))), (("S004", None, None),)),
    "强制-首格坏字节.csv": Case(b"\xff" + text_of(good()).encode(), (("S006", 1, "第1列"),)),
    "强制-坏字节gb18030.csv": Case(
        text_of(good()).encode("gb18030").replace("原平".encode("gb18030"), "原".encode("gb18030") + b"\xff"),
        (("S006", ROW_2, "起点"),)),
    "强制-文档.xlsx": Case(b"%PDF-1.7 ...", (("S003", None, None),)),
    "强制-有密码.xlsx": Case(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le") + bytes(600),
                       (("S004", None, None),)),
    "强制-损坏.xlsx": Case(workbook(("月报", cells(*TWO)))[:3000], (("S005", None, None),)),
    "强制-坏字节.csv": Case(text_of(good()).encode().replace(MINE_NAME.encode(), MINE_NAME.encode()[:-1] + b"\xff"),
                      (("S006", ROW_2, "企业名称"),)),
    "强制-缺列.csv": csv_case(*TWO, headers=NO_TONNES, expected=(("S101", None, "运量吨"),)),
    "强制-合并运量.xlsx": Case(workbook(("月报", cells(*TWO)), change=merge_tonnes),
                        (("S106", 3, "运量吨"),)),
    "强制-多一格.csv": Case(text_of(good()).encode()[:-1] + ",多\n".encode(), (("S107", ROW_2, None),)),
    "强制-列重复.csv": csv_case(good(), headers=[*HEADERS, "运量吨"], expected=(("S109", 1, "运量吨"),)),
    "强制-没有数据.csv": csv_case(expected=(("S111", None, None),)),
    "强制-不是月报.csv": Case("姓名,年纪\n张三,20\n".encode(), (("S116", 1, None),)),
    "强制-几处.csv": csv_case(
        good(货类="原煤", 运量吨="x"), good(月份="2025-04", 运量吨="１２"), good(**PARK_ROW, 运距公里="-1"),
        expected=(("V023", 2, "货类"), ("V006", 2, "运量吨"), ("V021", 3, "运量吨"), ("V007", 4, "运距公里"))),
}  # fmt: skip


def expected_rows() -> list[tuple[str, str, str, str, str]]:
    """The lines of expected.csv; a file without findings has one that says so."""
    lines = []
    for name, case in CASES.items():
        for code, row, column in case.expected:
            lines.append((name, code, BY_CODE[code].severity, str(row or ""), column or ""))
        if not case.expected:
            lines.append((name, "", "", "", ""))
    return sorted(lines)


def main() -> None:
    for old in HERE.iterdir():
        if old.suffix in SUFFIXES:
            old.unlink()
    for name, case in CASES.items():
        (HERE / name).write_bytes(case.content)
    with EXPECTED.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([COLUMNS, *expected_rows()])


if __name__ == "__main__":
    main()
