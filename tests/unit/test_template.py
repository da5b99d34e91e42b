"""The template: prefilled, guarded, and read back without a finding once tonnes are typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from returns import (
    DRAYAGE,
    GROUP,
    MINE,
    MINE_NAME,
    ZERO,
    check,
    check_file,
    codes,
    declared,
    good,
    registry,
    text_of,
)

from etl.intake import words as w
from etl.intake.fields import RETURN_FIELDS
from etl.intake.finding import NOTE
from etl.intake.rules import ALL_FIELDS, RULES
from etl.intake.template import COLUMNS, HEADER_ROW, ReportingUnit, last_flows, template

UNIT = ReportingUnit(MINE, MINE, MINE_NAME)
MARCH = date(2025, 3, 1)
FLOW = {
    "commodity": "煤炭", "direction": "发运", "mode": "铁路", "origin": "原平", "destination": "天津",
    "corridor": "同蒲", "distance_km": "650.5", "loading": "敞顶箱", "tonnes": "9", "boxes": "8", "vehicles": "7",
    "note": "=1+1",
}  # fmt: skip
ROAD = {**FLOW, "mode": "公路", "corridor": "同蒲", "distance_km": "499.95", "loading": "散装", "note": "@甲"}


def made(folder: Path, *flows: dict[str, str], unit: ReportingUnit = UNIT, month: date = MARCH) -> Path:
    path = folder / "模板.xlsx"
    path.write_bytes(template(declared(), unit, month, flows))
    return path


def column(header: str) -> int:
    return 1 + [field.header for field in COLUMNS].index(header)


def fill(path: Path, *rows: Mapping[str, object]) -> Path:
    """Type into the rows below the header, as a clerk does."""
    book = openpyxl.load_workbook(path)
    for number, row in enumerate(rows, start=HEADER_ROW + 1):
        for header, value in row.items():
            book.worksheets[0].cell(number, column(header)).value = value
    book.save(path)
    return path


def sheet_of(path: Path) -> Worksheet:
    return openpyxl.load_workbook(path).worksheets[0]


def test_only_tonnes_are_typed(tmp_path):
    """Two flows of last month, two numbers: month and code come from the head block, nothing is found."""
    path = fill(made(tmp_path, FLOW, ROAD), {"运量吨": 1200.5}, {"运量吨": 300, "车数": 10})
    result = check_file(path)
    assert (result.accepted, result.totals, result.months) == (True, {}, ("2025-03",))
    (month,) = result.unit_months
    assert (month.unit_code, month.rows, str(month.tonnes)) == (MINE, 2, "1500.500")


def test_a_unit_of_a_shared_code_is_told_by_its_own(tmp_path):
    unit = ReportingUnit("GROUP-1", GROUP, "演示集团一矿")
    result = check_file(fill(made(tmp_path, FLOW, unit=unit), {"运量吨": 1}))
    assert (result.totals, result.unit_months[0].unit_code) == ({}, "GROUP-1")


def test_units_named_by_another_key(tmp_path):
    units = registry(甲=("", "甲厂", "工矿企业"))
    path = fill(made(tmp_path, FLOW, unit=ReportingUnit("甲", "", "甲厂")), {"运量吨": 1})
    result = check_file(path, units=units, unit_key="any")
    assert (result.totals, result.unit_months[0].unit_code) == ({}, "甲")


def test_new_flows_stand_below_the_prefilled_ones(tmp_path):
    new = {
        "货类": "焦炭", "方向": "发运", "运输方式": "公路", "起点": "忻州", "终点": "保定",
        "通道": "同蒲", "运距公里": 12.5, "运量吨": 2,
    }  # fmt: skip
    result = check_file(fill(made(tmp_path, FLOW), {"运量吨": 1}, new))
    assert (result.totals, result.rows) == ({}, 2)


def test_a_flow_without_tonnes_is_asked_for(tmp_path):
    result = check_file(fill(made(tmp_path, FLOW, ROAD), {"运量吨": 1}))
    (found,) = result.findings
    assert (found.code, found.row, found.column) == ("V001", HEADER_ROW + 2, "运量吨")


def test_an_empty_template_has_no_data_row(tmp_path):
    assert codes(check_file(made(tmp_path))) == {"S111"}


def test_zero_report_is_one_word(tmp_path):
    result = check_file(fill(made(tmp_path), {"备注": "零申报"}))
    assert (result.totals, result.unit_months[0].is_zero) == ({}, True)


def test_everything_of_last_month_but_what_is_typed(tmp_path):
    sheet = sheet_of(made(tmp_path, FLOW))
    written = {
        field.name: sheet.cell(HEADER_ROW + 1, number).value for number, field in enumerate(COLUMNS, 1)
    }
    assert [written[name] for name in ("tonnes", "boxes", "vehicles")] == [None] * 3
    assert {name: str(value) for name, value in written.items() if value is not None} == {
        name: text for name, text in FLOW.items() if name not in ("tonnes", "boxes", "vehicles")
    }


def test_words_that_look_like_formulas_stay_words(tmp_path):
    """Also after the clerk's program has saved the file."""
    path = fill(made(tmp_path, FLOW, ROAD), {"运量吨": 1}, {"运量吨": 1})
    for row, text in ((1, "=1+1"), (2, "@甲")):
        cell = sheet_of(path).cell(HEADER_ROW + row, column("备注"))
        assert (cell.value, cell.data_type, cell.number_format, cell.quotePrefix) == (text, "s", "@", True)


def test_codes_are_text_in_every_row(tmp_path):
    sheet = sheet_of(made(tmp_path, FLOW))
    assert (sheet["E4"].value, sheet["E4"].number_format, sheet["E4"].data_type) == (MINE, "@", "s")
    assert (sheet["B4"].value, sheet["B4"].number_format) == ("2025-03", "@")
    letter = get_column_letter(column("对方单位"))
    assert sheet.column_dimensions[letter].number_format == "@"


def test_head_and_header_are_locked_and_the_rest_is_open(tmp_path):
    sheet = sheet_of(made(tmp_path, FLOW))
    assert sheet.protection.sheet
    assert sheet.protection.password is None
    assert sheet.freeze_panes == f"A{HEADER_ROW + 1}"
    assert all(cell.protection.locked for cell in sheet[HEADER_ROW])
    assert sheet["E4"].protection.locked
    assert not any(cell.protection.locked for cell in sheet[HEADER_ROW + 1])
    assert not any(sheet[place].protection.locked for place in ("B6", "E6", "I6"))
    for letter in ("A", "P", "Q"):
        assert not sheet.column_dimensions[letter].protection.locked
    assert sheet.column_dimensions["Q"].max == 16_384


def test_the_head_says_form_basis_period_and_persons(tmp_path):
    plan = declared().plan
    words = {cell.value for row in sheet_of(made(tmp_path)).iter_rows(max_row=7) for cell in row}
    assert {
        "表号：",
        plan.document,
        f"依据：{plan.basis}",
        "填表人：",
        "联系电话：",
        "单位负责人：",
        MINE_NAME,
    } <= words
    assert any("零申报" in str(word) for word in words)


def test_what_the_lists_offer_is_what_is_read(tmp_path):
    book = openpyxl.load_workbook(made(tmp_path))
    assert [sheet.sheet_state for sheet in book.worksheets] == ["visible", "hidden"]
    readers = w.readers(declared(), {}, None)
    names = {field.header: field.name for field in RETURN_FIELDS}
    options = {
        cell.value: [each.value for each in book.worksheets[1][cell.column_letter][2:] if each.value]
        for cell in book.worksheets[1][2]
    }
    for header, offered in options.items():
        assert offered
        assert [readers[names[header]](word).value for word in offered] == offered
    lists = [v for v in book.worksheets[0].data_validations.dataValidation if v.type == "list"]
    assert (
        {validation.formula1 for validation in lists}
        == set(book.defined_names)
        == {f"选项_{h}" for h in options}
    )
    assert {"货类", "方向", "运输方式", "通道", "短驳", "装载", "计量依据"} <= set(options)


def test_a_list_without_a_word_is_no_list(tmp_path):
    path = tmp_path / "模板.xlsx"
    path.write_bytes(template(replace(declared(), stations=()), UNIT, MARCH))
    book = openpyxl.load_workbook(path)
    assert "选项_换装站" not in book.defined_names
    assert all(v.formula1 != "选项_换装站" for v in book.worksheets[0].data_validations.dataValidation)


@pytest.mark.parametrize("field", COLUMNS, ids=lambda field: field.name)
def test_each_header_tells_its_rules(tmp_path, field):
    """Every rule of the catalogue that stops or asks, with its limit where it has one."""
    sheet = sheet_of(made(tmp_path))
    comment = sheet.cell(HEADER_ROW, column(field.header)).comment
    assert comment is not None
    for rule in RULES:
        if field.name in rule.fields and rule.fields != ALL_FIELDS and rule.severity != NOTE:
            assert rule.do.replace("{place}", "此处").partition("{")[0] in comment.text
    assert "{" not in comment.text
    if field.name == "distance_km":
        assert "50公里" in comment.text
        assert "25公里" in comment.text


# ----------------------------------------------------------------------------------- last month's flows


def accepted(*months: tuple[str, date, bool, str]) -> pa.Table:
    return pa.table(
        {
            "unit_code": pa.array([row[0] for row in months], pa.string()),
            "month": pa.array([row[1] for row in months], pa.date32()),
            "is_zero": pa.array([row[2] for row in months], pa.bool_()),
            "rows_file": pa.array([row[3] for row in months], pa.string()),
        }
    )


def test_last_months_flows_come_back_as_they_were_read(tmp_path):
    """In their order, alike ones once; a month without traffic is passed over."""
    content = text_of(
        good(货类="原煤", 运量吨="1"), good(**DRAYAGE), good(货类="原煤", 运量吨="2"), {**ZERO, "月份": "2025-04"},
        good(月份="2025-01", 货类="焦炭"),
    )  # fmt: skip
    result = check(tmp_path, content, rows_folder=tmp_path / "rows")
    table = accepted(*((u.unit_code, u.month, u.is_zero, u.rows_file) for u in result.unit_months))
    flows = last_flows(table, tmp_path, MINE, date(2025, 5, 1))
    assert [(flow["mode"], flow["commodity"], flow["distance_km"]) for flow in flows] == [
        ("铁路", "煤炭", "650.5"), ("公路", "煤炭", "50"),
    ]  # fmt: skip
    assert [flow.get("drayage") for flow in flows] == [None, "是"]
    assert "tonnes" not in flows[0]
    assert [flow["commodity"] for flow in last_flows(table, tmp_path, MINE, MARCH)] == ["焦炭"]
    assert last_flows(table, tmp_path, MINE, date(2025, 1, 1)) == []
    assert last_flows(table, tmp_path, "GROUP-1", date(2025, 5, 1)) == []
    again = check_file(fill(made(tmp_path, *flows, month=date(2025, 5, 1)), {"运量吨": 5}, {"运量吨": 5}))
    assert (again.totals, again.months) == ({}, ("2025-05",))


def test_a_distance_of_more_digits_than_excel_holds_stays_exact(tmp_path):
    flow = {**FLOW, "distance_km": "123456789.123456789"}
    cell = sheet_of(made(tmp_path, flow)).cell(HEADER_ROW + 1, column("运距公里"))
    assert (cell.value, cell.data_type) == ("123456789.123456789", "s")
