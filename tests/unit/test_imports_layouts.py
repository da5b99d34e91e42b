"""Tables that staff import, in other layouts and other kinds of file."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter
import xlwt

from etl.intake.imports import read_contract
from etl.intake.mapping import read_mapping
from etl.reference import load_declared

EVENTS = {"日期": "2025-03-01", "对象类型": "通道", "对象": "朔黄", "说明": "线路检修"}


@pytest.fixture(scope="module")
def declared():
    return load_declared(Path(__file__).parents[2] / "data")


FOREIGN = """
[columns]
"月份" = "期间"
"数值万吨" = "货运量"
"对象" = "线路"
[constants]
"方式" = "铁路"
"对象类型" = "通道"
"货类" = "合计"
"口径" = "发送"
"状态" = "年报核定"
"来源" = "统计局"
"发布日期" = "2025-12-31"
[factor]
"数值万吨" = "10"
[values."对象"]
"朔黄铁路" = "朔黄"
"""


def test_another_layout_comes_through_a_mapping(tmp_path, declared):
    path = tmp_path / "线路.csv"
    path.write_bytes("期间,线路,货运量,备注\n2025年3月,朔黄铁路,12.5,x\n".encode("gb18030"))
    rows, findings = read_contract(path, "official", declared, read_mapping(FOREIGN))
    assert {finding.severity for finding in findings} == {"提示"}
    (row,) = rows
    assert (row["month"], row["object"], row["value"], row["status"]) == (
        "2025-03",
        "朔黄",
        "125",
        "年报核定",
    )


def test_a_mapping_that_does_not_fit_the_file_is_a_finding(tmp_path, declared):
    path = tmp_path / "线路.csv"
    path.write_text("期间,线路\n2025年3月,朔黄铁路\n", encoding="utf-8")
    rows, findings = read_contract(path, "official", declared, read_mapping(FOREIGN))
    assert rows == []
    assert [finding.severity for finding in findings] == ["强制"]


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_a_workbook_is_read_like_a_csv(tmp_path, declared, kind):
    path = tmp_path / f"事件.{kind}"
    cells = [list(EVENTS), list(EVENTS.values())]
    if kind == "xlsx":
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("事件")
            for number, row in enumerate(cells):
                sheet.write_row(number, 0, row)
    else:
        book = xlwt.Workbook()
        sheet = book.add_sheet("事件")
        for number, row in enumerate(cells):
            for place, cell in enumerate(row):
                sheet.write(number, place, cell)
        book.save(str(path))
    rows, findings = read_contract(path, "events", declared)
    assert findings == []
    assert rows == [{"date": "2025-03-01", "object_type": "通道", "object": "朔黄", "note": "线路检修"}]
