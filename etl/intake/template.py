"""The template of the monthly return: the unit's own, with last month's flows, so that only tonnes are typed.

The rules stand at the headers as notes, printed from the catalogue. An example stands there, too: an
example row would be one more row to delete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.dimensions import ColumnDimension
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from etl.intake import rules
from etl.intake import words as w
from etl.intake.fields import FIELD_BY_NAME, HEAD_BLOCK, OPTIONS_SHEET, OWN_SHEET_MARK, RETURN_FIELDS
from etl.intake.finding import NOTE
from etl.intake.returned import in_general
from etl.intake.statements import statement
from etl.intake.workbook import EXCEL_DIGITS, put_text, saved
from etl.reference import Declared

TABLE_SHEET = "月报"
FORM_NUMBER = "公转铁1表"
COLUMNS = tuple(field for field in RETURN_FIELDS if not field.in_head_block)
# What is different each month; all else of a flow is last month's.
TYPED = ("tonnes", "boxes", "vehicles")
HEADER_ROW = 8
LAST_COLUMN = 16_384
LISTED_ROWS = 20_000
WIDTHS = {
    "commodity": 16,
    "origin": 20,
    "note": 20,
    "counterparty": 22,
    "weighing_basis": 12,
    "transfer_station": 12,
    "mode": 16,
}

HINTS = (
    "每行一条货流。上月的货流已填好，只需填“运量吨”；本月没有的货流请删除该行或填0，新增的货流接着往下填。",
    "当月没有运量的：清空下面各行，只在第一行“备注”选“零申报”。各列怎样填，见表头批注。",
)
ABOUT = {
    "month": "所报的月份。例：2025-03",
    "uscc": "营业执照上的18位统一社会信用代码。",
    "unit_code": "同一信用代码下有几个填报单位时填写，否则留空。",
    "enterprise_name": "与名录一致的单位名称。",
    "commodity": "从下拉清单选填。例：煤炭",
    "direction": "运出填发运，运入填到达。",
    "mode": "从下拉清单选填。例：铁路",
    "origin": "车站名，或地名。例：原平",
    "destination": "车站名，或地名。例：天津",
    "counterparty": "选填。对方单位的信用代码或名称；园区填货主。",
    "corridor": "选填，从下拉清单选填；空着由起讫点推定。公路填并行的铁路通道。",
    "distance_km": "全程公里数，只填数字。例：650.5",
    "tonnes": "货物净重，单位为吨（不是万吨），至多三位小数，不含集装箱自重。例：1200.5",
    "drayage": "由公路、皮带送到车站或从车站运出的短途接驳填是，否则填否或空着。",
    "transfer_station": "短驳时必填：接驳的车站或物流园区。",
    "loading": "选填，空着按散装。",
    "boxes": "选填，整数。",
    "vehicles": "选填，整数。",
    "weighing_basis": "选填，从下拉清单选填。",
    "note": "选填。当月没有运量填零申报。",
}

_LABEL = PatternFill("solid", fgColor="FFEDEDED")
_LINE = Border(*[Side("thin", color="FFBFBFBF")] * 4)
_OPEN = Protection(locked=False)
_TEXT = "@"


@dataclass(frozen=True)
class ReportingUnit:
    """Who reports. `uscc` may be empty where units are named by another key."""

    unit_code: str
    uscc: str
    name: str


def template(
    declared: Declared, unit: ReportingUnit, month: date, flows: Sequence[Mapping[str, str]] = ()
) -> bytes:
    """The return of one unit and month to fill in, as .xlsx. `flows`: rows by our column names, as text.

    Of a flow everything but tonnes, boxes and vehicles is filled in.
    """
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = TABLE_SHEET
    limits = {
        "drayage_limit_km": str(declared.plan.switch("drayage_limit_km")),
        "belt_limit_km": rules.BELT_LIMIT_KM,
    }
    _open_columns(sheet)
    _head(sheet, declared, unit, month, limits)
    _header(sheet, limits)
    for row, flow in enumerate(flows, start=HEADER_ROW + 1):
        for column, field in enumerate(COLUMNS, start=1):
            text = "" if field.name in TYPED else flow.get(field.name, "")
            _fill(sheet.cell(row, column), field.name, text)
    _lists(book, sheet, declared)
    _checks(sheet)
    _guard(sheet)
    return saved(book)


def last_flows(accepted: pa.Table, home: Path, unit_code: str, month: date) -> list[dict[str, str]]:
    """The unit's flows of the newest accepted month before `month` that had any, in their order.

    `accepted` has the columns of `accepted_as_of`. Flows that differ only in what is typed are one.
    Empty: no such month.
    """
    earlier = [
        row
        for row in accepted.select(["unit_code", "month", "is_zero", "rows_file"]).to_pylist()
        if row["unit_code"] == unit_code and row["month"] < month and not row["is_zero"]
    ]
    if not earlier:
        return []
    newest = max(earlier, key=lambda row: row["month"])
    with duckdb.connect() as con:
        found = con.execute(
            statement("past/flows_to_repeat"),
            {"file": str(home / newest["rows_file"]), "unit_code": unit_code, "month": newest["month"]},
        )
        names = [column[0] for column in found.description or ()]
        return [
            {name: _written(value) for name, value in zip(names, row, strict=True) if value is not None}
            for row in found.fetchall()
        ]


def _written(value: str | Decimal) -> str:
    if isinstance(value, str):
        return value
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


# ------------------------------------------------------------------------------------------ head, header


def _head(
    sheet: Worksheet, declared: Declared, unit: ReportingUnit, month: date, limits: Mapping[str, str]
) -> None:
    plan = declared.plan
    own_code = "" if unit.unit_code == unit.uscc else unit.unit_code
    put_text(sheet["A1"], f"{plan.area_name}公转铁月报")
    sheet["A1"].font = Font(size=16, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="center")
    # A label with nothing behind it is followed by another label, which the reader takes for one.
    rows = {
        2: (("表号", FORM_NUMBER), ("文号", plan.document), ("计量单位", "吨、公里")),
        4: (("月份", f"{month:%Y-%m}"), ("统一社会信用代码", unit.uscc)),
        5: (("填报单位编码", own_code), ("企业名称", unit.name)),
        6: (("填表人", ""), ("联系电话", ""), ("单位负责人", "")),
    }
    for row, pairs in rows.items():
        for column, (label, text) in zip((1, 4, 8), pairs, strict=False):
            said, value = sheet.cell(row, column), sheet.cell(row, column + 1)
            put_text(said, f"{label}：")
            said.font = Font(bold=True)
            value.number_format = _TEXT
            value.border = _LINE
            if text:
                put_text(value, text)
            else:
                value.protection = _OPEN
            if label in HEAD_BLOCK:
                _note(said, HEAD_BLOCK[label], limits)
            sheet.merge_cells(None, row, column + 1, row, column + 2)
    put_text(sheet["A3"], f"依据：{plan.basis}")
    put_text(sheet["A7"], "\n".join(HINTS))
    sheet["A7"].alignment = Alignment(wrap_text=True, vertical="center")
    sheet.row_dimensions[7].height = 34
    for row in (1, 3, 7):
        sheet.merge_cells(None, row, 1, row, len(COLUMNS))


def _header(sheet: Worksheet, limits: Mapping[str, str]) -> None:
    for column, field in enumerate(COLUMNS, start=1):
        cell = sheet.cell(HEADER_ROW, column)
        put_text(cell, field.header)
        cell.font = Font(bold=True)
        cell.fill = _LABEL
        cell.border = _LINE
        cell.alignment = Alignment(horizontal="center", vertical="center")
        _note(cell, field.name, limits)
    sheet.freeze_panes = sheet.cell(HEADER_ROW + 1, 1)


def _note(cell: Cell, name: str, limits: Mapping[str, str]) -> None:
    """What a column holds, an example, and its rules from the catalogue: those that stop or ask."""
    field = FIELD_BY_NAME[name]
    lines = [f"{field.header}（必填）" if field.required else field.header, ABOUT[name]]
    for rule in rules.RULES:
        is_of_column = name in rule.fields and len(rule.fields) < len(rules.ALL_FIELDS)
        if is_of_column and rule.severity != NOTE:
            known = limits.get((rule.known or "").removesuffix("::VARCHAR"), "…")
            lines.append(f"【{rule.severity}】{''.join(in_general(rule, '此处', known))}")
    text = "\n".join(lines)
    height = 20 * sum(1 + len(line) // 26 for line in lines) + 20
    cell.comment = Comment(text, "公转铁月报", height=height, width=380)


# ----------------------------------------------------------------------------------------- cells to fill


def _open_columns(sheet: Worksheet) -> None:
    """All columns unlocked and those of words as text, for every row: cells that exist are locked one by one."""
    for column, field in enumerate(COLUMNS, start=1):
        index = get_column_letter(column)
        span = ColumnDimension(sheet, index=index, width=WIDTHS.get(field.name, 13))
        span.protection = _OPEN
        span.number_format = "General" if field.name in w.NUMBERS else _TEXT
        sheet.column_dimensions[index] = span
    first = len(COLUMNS) + 1
    rest = ColumnDimension(sheet, index=get_column_letter(first), min=first, max=LAST_COLUMN)
    rest.protection = _OPEN
    sheet.column_dimensions[rest.index] = rest


def _fill(cell: Cell, name: str, text: str) -> None:
    if name in w.NUMBERS:
        cell.number_format = "General"
        if text and len(text.replace(".", "").strip("0")) <= EXCEL_DIGITS:
            cell.value = Decimal(text)
        elif text:
            put_text(cell, text)
    else:
        cell.number_format = _TEXT
        if text:
            put_text(cell, text)
    cell.protection = _OPEN
    cell.border = _LINE


def _lists(book: Workbook, sheet: Worksheet, declared: Declared) -> None:
    """Drop-down lists by name from a hidden sheet: named lists survive every program that saves the file."""
    options = book.create_sheet(OPTIONS_SHEET)
    options.sheet_state = "hidden"
    put_text(options["A1"], OWN_SHEET_MARK)
    lists = {
        "commodity": [each.name for each in declared.commodities],
        "direction": sorted(set(w.DIRECTIONS.values()), reverse=True),
        "mode": [each.name for each in declared.modes],
        "corridor": [each.name for each in declared.corridors],
        "drayage": ["是", "否"],
        "transfer_station": [each.name for each in declared.stations],
        "loading": list(dict.fromkeys(w.LOADINGS.values())),
        "weighing_basis": list(dict.fromkeys(w.WEIGHING.values())),
        "note": ["零申报"],
    }
    for column, (name, words) in enumerate(lists.items(), start=1):
        header = FIELD_BY_NAME[name].header
        put_text(options.cell(2, column), header)
        for row, word in enumerate(words, start=3):
            put_text(options.cell(row, column), word)
        if not words:
            continue
        letter = get_column_letter(column)
        place = f"{quote_sheetname(OPTIONS_SHEET)}!${letter}$3:${letter}${len(words) + 2}"
        book.defined_names[f"选项_{header}"] = DefinedName(f"选项_{header}", attr_text=place)
        choice = DataValidation("list", formula1=f"选项_{header}", allow_blank=True)
        # Parks and words of one's own may stand in these two.
        choice.showErrorMessage = name not in ("transfer_station", "note")
        choice.errorTitle, choice.error = header, f"请从下拉清单中选填“{header}”。"
        _hold(sheet, choice, name)
    options.protection.sheet = True


def _checks(sheet: Worksheet) -> None:
    for name, (_, places, _) in w.NUMBERS.items():
        header = FIELD_BY_NAME[name].header
        kind = "decimal" if places else "whole"
        check = DataValidation(kind, operator="greaterThanOrEqual", formula1="0", allow_blank=True)
        check.showErrorMessage = True
        check.errorTitle, check.error = header, f"“{header}”请填不小于零的{'数' if places else '整数'}。"
        _hold(sheet, check, name)


def _hold(sheet: Worksheet, validation: DataValidation, name: str) -> None:
    letter = get_column_letter(1 + next(i for i, field in enumerate(COLUMNS) if field.name == name))
    validation.add(f"{letter}{HEADER_ROW + 1}:{letter}{HEADER_ROW + LISTED_ROWS}")
    sheet.add_data_validation(validation)


def _guard(sheet: Worksheet) -> None:
    """Head and header locked, without a password; rows may be added, deleted, sorted and filtered."""
    for row in range(1, HEADER_ROW + 1):
        for column in range(1, len(COLUMNS) + 1):
            # A cell that does not exist would be as open as its column.
            cell = sheet.cell(row, column)
            if isinstance(cell, Cell) and cell.protection.locked:
                cell.protection = Protection(locked=True)
    guard = sheet.protection
    guard.sheet = True
    guard.formatColumns = guard.formatRows = guard.insertRows = guard.deleteRows = False
    guard.sort = guard.autoFilter = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
