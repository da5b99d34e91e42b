"""Spreadsheets as bureaus and programs make them: read through a mapping, or refused with place and remedy.

None of them is a return. Each is tried as a clerk would try it, as it is, and then through a mapping.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from returns import MINE, MINE_NAME, check_file, declared

from etl.intake.check import CheckResult
from etl.intake.imports import read_contract
from etl.intake.mapping import Mapping, read_mapping

PUBLIC_FILES = Path(__file__).resolve().parents[3] / "shared" / "realdata"
TEMPLATE = "请下载月报模板，把数据填到模板的各列后再上传。"
# What these files do not have: one flow of one unit, the same for all rows.
FLOW = {
    "月份": "2025-03", "统一社会信用代码": MINE, "企业名称": MINE_NAME, "货类": "煤炭", "方向": "发运",
    "运输方式": "铁路", "起点": "原平", "终点": "天津", "通道": "同蒲", "运距公里": "650", "运量吨": "1",
}  # fmt: skip


@pytest.fixture(scope="module")
def public() -> Callable[[str, str], Path]:
    """A public file by its folder and the beginning of its name."""

    def find(folder: str, beginning: str) -> Path:
        if not PUBLIC_FILES.is_dir():
            pytest.skip("the public files are not beside the project")
        (found,) = (PUBLIC_FILES / folder).glob(f"{beginning}*")
        return found

    return find


def layout(more: str = "", **columns: str | int) -> Mapping:
    """A mapping that takes some columns; all else is the one flow."""
    taken = "".join(
        f'"{name}" = {column}\n' if isinstance(column, int) else f'"{name}" = "{column}"\n'
        for name, column in columns.items()
    )
    fixed = "".join(f'"{name}" = "{text}"\n' for name, text in FLOW.items() if name not in columns)
    return read_mapping(f"[columns]\n{taken}[constants]\n{fixed}{more}")


def of(result: CheckResult, code: str) -> list[tuple[int | None, str | None]]:
    return [(found.row, found.value) for found in result.findings if found.code == code]


@pytest.mark.parametrize(
    "folder, name, code, place, named",
    [
        ("sheets", "04", "S116", ("Sheet1", 5), "序号、资金性质、预算科目"),
        ("sheets", "05", "S116", ("Sheet1", 1), "date、dateStringCn"),
        ("sheets", "06", "S116", ("0", 1), "姓名、日期"),
        ("sheets", "07", "S116", ("Sheet1", 1), "title01"),
        ("sheets", "08", "S004", (None, None), "打开密码"),
        ("sheets", "09", "S116", ("Sheet1", 1), "姓名、性别、年龄、鞋码"),
        ("sheets", "10", "S116", (None, 1), "姓名、年纪"),
        ("sheets", "12", "S116", (None, 1), "京九线货运量、京包线货运量"),
        ("sheets", "13", "S116", (None, 1), "code、station"),
        ("br_antt_rail_od", "producao_origem_destino_2019", "S006", (None, 5), "0xE1"),
        ("br_antt_rail_od", "producao_origem_destino_2022", "S006", (None, 5), "0xE1"),
        ("br_antt_rail_od", "producao_origem_destino_2023", "S006", (None, 4), "0xE1"),
        ("cn_nbs_monthly", "a0901", "S116", (None, 1), "200501、货运量_当期值"),
        ("us_transborder", "canada_imports_2023", "S116", (None, 1), "month、enterprise、county"),
    ],
)
def test_uploaded_as_it_is_a_file_is_refused_with_place_and_remedy(public, folder, name, code, place, named):
    result = check_file(public(folder, name))
    (found,) = result.findings
    assert (result.accepted, result.rows, found.code) == (False, 0, code)
    assert (found.sheet, found.row) == place
    assert named in found.message
    assert found.remedy == TEMPLATE if code == "S116" else found.remedy.startswith("请")


def test_a_bureau_form_has_its_header_in_two_rows(public):
    """04: 预算科目 over 编码 and 名称. It is a form still to fill in: no line of it is a flow."""
    result = check_file(public("sheets", "04"), mapping=layout(货类="资金性质", 运量吨="预算科目（编码）"))
    assert not result.accepted
    assert [row for row, _ in of(result, "V013")] == [6, 7, 8]
    assert [row for row, _ in of(result, "S113")] == [11, 14, 15]


def test_one_date_in_every_form_is_one_month(public):
    """05: 27 cells that Excel shows in 27 ways are 2020-01 each; a number with four decimals is not cut."""
    result = check_file(public("sheets", "05"), mapping=layout(月份="date", 运量吨="number"))
    assert result.months == ("2020-01",)
    assert (result.rows, result.tonnes, result.totals) == (
        27,
        Decimal("1.15"),
        {"V001": 13, "V008": 11, "V022": 27},
    )
    assert of(result, "V008")[0] == (2, "1.1111")


def test_dates_since_1904_are_read_as_shown(public):
    result = check_file(public("sheets", "06"), mapping=layout(月份="日期", 对方单位="姓名"))
    assert (result.accepted, result.rows, result.months) == (True, 10, ("2025-07",))


def test_hidden_sheets_are_named_and_not_read(public):
    result = check_file(public("sheets", "07"), mapping=layout(备注="title01"))
    assert (result.accepted, result.rows) == (True, 1)
    assert [value for _, value in of(result, "S103")] == ["Sheet2", "Sheet4", "Sheet5"]
    assert [value for _, value in of(result, "S104")] == ["Sheet3", "Sheet6"]


def test_a_merged_number_is_not_counted_twice(public):
    result = check_file(public("sheets", "09"), mapping=layout(运量吨="年龄", 对方单位="姓名"))
    assert (result.accepted, of(result, "S106")) == (False, [(3, None)])


def test_a_file_with_a_bom(public):
    result = check_file(public("sheets", "10"), mapping=layout(运量吨="年纪", 对方单位="姓名"))
    assert (result.accepted, result.rows, result.tonnes, result.encoding) == (True, 10, 200, "UTF-8")


def test_a_year_is_no_month(public):
    """12: GBK, the first header empty. As a return and as an official series each year is refused where it stands."""
    path = public("sheets", "12")
    factor = '[factor]\n"运量吨" = "10000"\n'
    result = check_file(path, mapping=layout(factor, 月份=1, 运量吨="北同蒲线货运量"))
    assert (result.encoding, result.accepted, result.totals["V010"]) == ("GB18030", False, 37)
    assert of(result, "V010")[0] == (2, "1978年")
    series = read_mapping(
        '[columns]\n"月份" = 1\n"数值万吨" = "北同蒲线货运量"\n[constants]\n"方式" = "铁路"\n"对象类型" = "通道"\n'
        '"对象" = "同蒲"\n"货类" = "合计"\n"口径" = "货运量"\n"状态" = "年报核定"\n'
        '"来源" = "统计年鉴"\n"发布日期" = "2015-10-01"\n'
    )
    rows, findings = read_contract(path, "official", declared(), series)
    refused = [found for found in findings if found.code == "T009"]
    assert (rows, len(refused), refused[0].row, refused[0].value) == ([], 37, 2, "1978年")
    assert "2025-03" in refused[0].remedy


def test_stations_under_their_names(public):
    """13: 85 names of stations, 原平 and 原平站 among them: the same station, and said."""
    result = check_file(public("sheets", "13"), mapping=layout(起点="station", 备注="code"))
    assert (result.accepted, result.rows) == (True, 85)
    assert "原平站" in {value for _, value in of(result, "V023")}
