"""Mends: what was read otherwise than written, as the text that says it plainly."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import openpyxl
import pytest
from returns import GOOD, HEADERS, MINE, check, check_file, codes, declared, good, registry, text_of

from etl.intake.check import CheckResult
from etl.intake.mapping import Mapping, read_mapping
from etl.intake.mends import CELL_CODES, OFFERED, Mend, find_mends
from etl.intake.returned import returned

WIDE_MINE = MINE.translate({code: code + 0xFEE0 for code in range(0x30, 0x5B)})


def mends_of(path: Path, answers: Collection[str] = (), mapping: Mapping | None = None) -> tuple[Mend, ...]:
    return find_mends(path, declared(), registry(), mapping=mapping, answers=answers)


def mended(folder: Path, content: str, answers: Collection[str] = ()) -> tuple[tuple[Mend, ...], CheckResult]:
    """The mends of a CSV, and the check of the workbook in which they are made."""
    before = check(folder, content)
    found = mends_of(before.path, answers)
    path = folder / "改后.xlsx"
    path.write_bytes(returned(before.path, before, mends=found))
    return found, check_file(path)


@pytest.mark.parametrize(
    "code, header, old, new",
    [
        ("V021", "运量吨", "１２００．５", "1200.5"),
        ("V021", "运量吨", " 1200.5 ", "1200.5"),
        ("V021", "运距公里", "６５０．５", "650.5"),
        ("V021", "统一社会信用代码", WIDE_MINE, MINE),
        ("V021", "统一社会信用代码", MINE.lower(), MINE),
        ("V021", "货类", "煤 炭", "煤炭"),
        ("V021", "月份", "２０２５-03", "2025-03"),
        ("V022", "月份", "2025年3月", "2025-03"),
        ("V022", "月份", "2025/3", "2025-03"),
        ("V022", "月份", "202503", "2025-03"),
        ("V022", "月份", "2025-03-01", "2025-03"),
        ("V023", "货类", "原煤", "煤炭"),
        ("V023", "运输方式", "火车", "铁路"),
        ("V023", "方向", "外运", "发运"),
        ("V023", "起点", "原平站", "原平"),
        ("V023", "装载", "35吨敞顶箱", "敞顶箱"),
        ("V024", "运量吨", "1,200.50", "1200.5"),
        ("V024", "箱数", "1 200", "1200"),
    ],
)
def test_a_cell_read_otherwise_than_written(tmp_path, code, header, old, new):
    """The mend says what the check understood; the mended workbook says so without a finding."""
    found, after = mended(tmp_path, text_of(good(), good(**{header: old, "终点": "保定"})))
    assert [(m.code, m.sheet, m.row, m.column, m.old, m.new) for m in found] == [
        (code, None, 3, header, old, new)
    ]
    assert found[0].column_number == HEADERS.index(header) + 1
    assert (after.totals, after.rows) == ({}, 2)


def test_nothing_to_mend_in_a_plain_file(tmp_path):
    check(tmp_path, text_of(good()))
    assert mends_of(tmp_path / "月报.csv") == ()


def test_a_number_that_cannot_be_read_is_not_mended(tmp_path):
    """Only what was understood: 1e3, a negative number, an unknown word stay for the clerk."""
    check(tmp_path, text_of(good(运量吨="１e３"), good(运量吨="－５"), good(货类="？")))
    assert mends_of(tmp_path / "月报.csv") == ()


def test_headers_known_under_another_name(tmp_path):
    content = text_of(good()).replace("运量吨", "运量(吨)").replace("起点", "发站")
    found, after = mended(tmp_path, content)
    assert [(m.code, m.row, m.old, m.new) for m in found] == [
        ("S110", 1, "发站", "起点"), ("S110", 1, "运量(吨)", "运量吨"),
    ]  # fmt: skip
    assert after.totals == {}


def test_a_repeated_header_is_left_for_the_clerk(tmp_path):
    content = text_of(good(运量吨="1"), headers=[*HEADERS, "运量"])
    check(tmp_path, content)
    assert mends_of(tmp_path / "月报.csv") == ()


def test_the_head_block_is_mended_where_it_stands(tmp_path):
    """With the label in the same cell, and without; one mend, however many rows it speaks for."""
    flows = [header for header in HEADERS if header not in ("月份", "统一社会信用代码", "企业名称")]
    content = f"月份：2025年3月,,统一社会信用代码：,{WIDE_MINE}\n企业名称：,{GOOD['企业名称']}\n" + text_of(
        good(), good(终点="保定"), headers=flows
    )
    found, after = mended(tmp_path, content)
    assert [(m.code, m.row, m.column_number, m.new) for m in found] == [
        ("V021", 1, 4, MINE), ("V022", 1, 1, "2025-03"),
    ]  # fmt: skip
    assert (after.totals, after.months, after.rows) == ({}, ("2025-03",), 2)
    sheet = openpyxl.load_workbook(tmp_path / "改后.xlsx").worksheets[0]
    assert (sheet["A1"].value, sheet["D1"].value) == ("月份：2025-03", MINE)


def test_a_date_below_the_table_is_no_month_to_mend(tmp_path):
    """A signature's date stands in the column of months; it is not a row of data."""
    check(tmp_path, text_of(good(), {"月份": "2025年4月5日"}, good(货类="合 计", 运量吨="1,200.5")))
    assert mends_of(tmp_path / "月报.csv") == ()


def test_every_cell_is_mended_not_only_the_listed_ones(tmp_path):
    """5 000 rows, of which a report lists 200."""
    rows = [good(运量吨=f"{number},000", 终点=f"地{number}") for number in range(1, 1000)] * 5
    rows.append(good(月份="2025.03", 货类="原煤"))
    content = text_of(*rows)
    before = check(tmp_path, content)
    assert before.totals["V024"] == 4995
    found, after = mended(tmp_path, content)
    assert len(found) == 4995 + 2
    assert codes(after) == codes(before) - {"V022", "V023", "V024"}
    assert (after.rows, after.tonnes) == (before.rows, before.tonnes)


# ---------------------------------------------------------------------------------------------- 万吨


def wan(*cells: str, **more: str) -> str:
    headers = [header if header != "运量吨" else "运量（万吨）" for header in HEADERS]
    rows = [{**good(终点=f"地{n}", **more), "运量（万吨）": cell} for n, cell in enumerate(cells)]
    return text_of(*rows, headers=headers)


def test_ten_thousand_tonnes_wait_for_an_answer(tmp_path):
    check(tmp_path, wan("1.5"))
    assert mends_of(tmp_path / "月报.csv") == ()


def test_ten_thousand_tonnes_become_tonnes_after_it(tmp_path):
    """Exactly, to the kilogram; a 合计 row with them, or it would no longer be the sum."""
    headers = [header if header != "运量吨" else "运量（万吨）" for header in HEADERS]
    total = text_of({"货类": "合计", "运量（万吨）": "1.7345678"}, headers=headers).splitlines()[1]
    found, after = mended(tmp_path, wan("1.5", "０.2345678") + total + "\n", answers={"S112"})
    assert [(m.code, m.row, m.new) for m in found] == [
        ("S112", 1, "运量吨"), ("S112", 2, "15000"), ("S112", 3, "2345.678"), ("S112", 4, "17345.678"),
    ]  # fmt: skip
    assert (after.totals, str(after.tonnes)) == ({"C006": 1}, "17345.678")


def test_what_is_no_number_of_ten_thousand_tonnes_stays_and_stops(tmp_path):
    found, after = mended(tmp_path, wan("1.5", "约2", "0.00000001", ""), answers={"S112"})
    assert [m.row for m in found] == [1, 2]
    assert {(f.code, f.row) for f in after.findings} == {("V006", 3), ("V008", 4), ("V001", 5)}


def test_beside_a_column_of_tonnes_nothing_is_converted(tmp_path):
    headers = [*HEADERS, "运量万吨"]
    check(tmp_path, text_of({**good(), "运量万吨": "0.12"}, headers=headers))
    assert mends_of(tmp_path / "月报.csv", {"S112"}) == ()


# -------------------------------------------------------------------------------------- under a mapping

THEIRS = """
[columns]
"月份" = "期间"
"统一社会信用代码" = "信用代码"
"企业名称" = "企业名称"
"货类" = "货类"
"方向" = "方向"
"运输方式" = "运输方式"
"起点" = "起点"
"终点" = "终点"
"运距公里" = "运距公里"
"运量吨" = "净重"
"""


def test_columns_of_a_confirmed_mapping_are_mended(tmp_path):
    content = text_of(good(月份="2025年3月", 运量吨="1,200"))
    for ours, their in (("月份", "期间"), ("统一社会信用代码", "信用代码"), ("运量吨", "净重")):
        content = content.replace(ours, their, 1)
    path = tmp_path / "月报.csv"
    path.write_text(content, encoding="utf-8")
    found = mends_of(path, mapping=read_mapping(THEIRS))
    assert [(m.code, m.column, m.field, m.new) for m in found] == [
        ("V022", "期间", "month", "2025-03"), ("V024", "净重", "tonnes", "1200"),
    ]  # fmt: skip
    result = check_file(path, mapping=read_mapping(THEIRS))
    target = tmp_path / "改后.xlsx"
    target.write_bytes(returned(path, result, mapping=read_mapping(THEIRS), mends=found))
    after = check_file(target, mapping=read_mapping(THEIRS))
    assert (after.accepted, after.totals) == (True, {})


@pytest.mark.parametrize(
    "setting",
    [
        'thousands = ","\n' + THEIRS,
        THEIRS + '[factor]\n"运量吨" = "1000"\n',
        THEIRS.replace('"运量吨" = "净重"\n', "") + '[constants]\n"运量吨" = "1,200"\n',
        THEIRS.replace('"运量吨" = "净重"\n', "")
        + '[derive."运量吨"]\nnumerator = "净重"\ndenominator = "运距公里"\n',
    ],
)
def test_a_column_that_a_mapping_translates_is_left_as_it_is(tmp_path, setting):
    content = text_of(good(运量吨="1,200")).replace("月份", "期间", 1)
    content = content.replace("统一社会信用代码", "信用代码", 1).replace("运量吨", "净重", 1)
    path = tmp_path / "月报.csv"
    path.write_text(content, encoding="utf-8")
    assert mends_of(path, mapping=read_mapping(setting)) == ()


def test_months_and_words_of_a_mapping_are_left_as_they_are(tmp_path):
    content = text_of(good(月份="03/2025", 货类="Coal")).replace("月份", "期间", 1)
    content = content.replace("统一社会信用代码", "信用代码", 1).replace("运量吨", "净重", 1)
    path = tmp_path / "月报.csv"
    path.write_text(content, encoding="utf-8")
    mapping = read_mapping('date_form = "MM/YYYY"\n' + THEIRS + '[values."货类"]\nCoal = "原煤"\n')
    assert mends_of(path, mapping=mapping) == ()


def test_the_codes_on_offer_are_those_of_the_catalogue():
    assert set(CELL_CODES) < set(OFFERED)
