"""A file checked: whole unit-months, rows on disk, content, the child process, the JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import date
from decimal import Decimal
from types import ModuleType

import duckdb
import pytest
from returns import (
    GROUP,
    HEADERS,
    MINE,
    MINE_NAME,
    PARK,
    PARK_NAME,
    TODAY,
    ZERO,
    check,
    codes,
    declared,
    good,
    registry,
    registry_table,
    text_of,
)

from etl.intake.check import Fault, check_files
from etl.intake.worker import Worker

# A row in which each column of the content says something else, and what it hashes to.
FULL_ROW = {
    "运输方式": "公路", "对方单位": "甲", "通道": "朔黄", "运距公里": "12.5", "短驳": "是", "换装站": "原平",
    "装载": "敞顶箱", "箱数": "3", "车数": "2", "计量依据": "磅单", "备注": "x",
}  # fmt: skip
FULL_ROW_CONTENT = "1:811153501968283379"
PARK_ROW = {"统一社会信用代码": PARK, "企业名称": PARK_NAME}


def unit_months(result):
    return {(unit.unit_code, f"{unit.month:%Y-%m}"): (unit.rows, unit.tonnes) for unit in result.unit_months}


def rows_of(result, folder):
    parquet = str(folder / result.unit_months[0].rows_file)
    return duckdb.read_parquet(parquet)


def test_a_good_file_is_counted_and_written(tmp_path):
    result = check(
        tmp_path,
        text_of(good(), good(货类="焦炭", 备注="x"), good(月份="2025-04"), ZERO | {"月份": "2025-05"}),
        rows_folder=tmp_path / "rows",
    )
    assert (result.accepted, result.rows, result.tonnes) == (True, 4, Decimal("3601.500"))
    assert result.months == ("2025-03", "2025-04", "2025-05")
    assert unit_months(result) == {
        (MINE, "2025-03"): (2, Decimal(2401)),
        (MINE, "2025-04"): (1, Decimal("1200.5")),
        (MINE, "2025-05"): (0, 0),
    }
    assert [unit.is_zero for unit in result.unit_months] == [False, False, True]
    rows = rows_of(result, tmp_path)
    assert list(zip(rows.columns, map(str, rows.types), strict=True)) == [
        ("unit_code", "VARCHAR"), ("month", "DATE"), ("sheet", "VARCHAR"), ("row_no", "INTEGER"),
        ("direction", "VARCHAR"), ("mode", "VARCHAR"), ("commodity", "VARCHAR"), ("origin", "VARCHAR"),
        ("destination", "VARCHAR"), ("counterparty", "VARCHAR"), ("corridor", "VARCHAR"),
        ("distance_km", "DECIMAL(18,9)"), ("tonnes", "DECIMAL(18,3)"), ("is_drayage", "BOOLEAN"),
        ("transfer_station", "VARCHAR"), ("loading", "VARCHAR"), ("boxes", "INTEGER"), ("vehicles", "INTEGER"),
        ("weighing_basis", "VARCHAR"), ("note", "VARCHAR"),
    ]  # fmt: skip
    assert rows.project("row_no, commodity, counterparty, note, loading").fetchall() == [
        (2, "煤炭", None, None, "散装"),
        (3, "焦炭", None, "x", "散装"),
        (4, "煤炭", None, None, "散装"),
    ]


def test_names_are_written_as_ours(tmp_path):
    row = good(运输方式="火车", 货类="原煤", 起点="原平站", 通道="北同蒲", 方向="外运", 月份="2025年3月")
    result = check(tmp_path, text_of(row), rows_folder=tmp_path / "rows")
    written = rows_of(result, tmp_path).project(
        "month::VARCHAR, mode, commodity, origin, corridor, direction"
    )
    assert written.fetchall() == [("2025-03-01", "铁路", "煤炭", "原平", "同蒲", "发运")]
    assert set(result.totals) == {"V022", "V023"}
    assert result.totals["V023"] == 5


def test_one_row_blocks_its_unit_month_and_no_other(tmp_path):
    result = check(
        tmp_path,
        text_of(good(), good(货类="焦炭", 运量吨="x"), good(月份="2025-04"), good(**PARK_ROW)),
        rows_folder=tmp_path / "rows",
    )
    assert not result.accepted
    assert (result.rows, result.tonnes) == (4, Decimal("3601.5"))
    assert result.refused == ((MINE, "2025-03"),)
    assert set(unit_months(result)) == {(MINE, "2025-04"), (PARK, "2025-03")}
    assert rows_of(result, tmp_path).project("row_no").fetchall() == [(4,), (5,)]


def test_a_month_that_cannot_be_read_blocks_all_months_of_its_unit(tmp_path):
    rows = [good(), good(月份="2025-04"), good(月份="某月"), good(**PARK_ROW)]
    result = check(tmp_path, text_of(*rows))
    assert result.refused == ((MINE, "2025-03"), (MINE, "2025-04"), (MINE, "?"))
    assert set(unit_months(result)) == {(PARK, "2025-03")}


def test_a_unit_that_cannot_be_read_blocks_the_only_unit(tmp_path):
    wrong = MINE[:-1] + "5"
    result = check(
        tmp_path, text_of(good(), good(月份="2025-04", 统一社会信用代码=wrong), good(月份="2025-04"))
    )
    assert result.refused == ((MINE, "2025-04"), ("?", "2025-04"))
    assert set(unit_months(result)) == {(MINE, "2025-03")}


def test_in_a_file_of_several_units_it_is_listed_and_blocks_none(tmp_path):
    wrong = good(统一社会信用代码=MINE[:-1] + "5")
    result = check(tmp_path, text_of(good(), wrong, good(**PARK_ROW)))
    assert result.refused == (("?", "2025-03"),)
    assert set(unit_months(result)) == {(MINE, "2025-03"), (PARK, "2025-03")}


def test_an_unregistered_code_is_listed_under_itself(tmp_path):
    result = check(tmp_path, text_of(good(), good(统一社会信用代码="91350100M000100Y43")))
    assert result.refused == (("91350100M000100Y43", "2025-03"),)
    assert set(unit_months(result)) == {(MINE, "2025-03")}


def test_a_missing_column_refuses_all(tmp_path):
    headers = [name for name in HEADERS if name not in ("方向", "运距公里")]
    result = check(tmp_path, text_of(good(), good(**PARK_ROW), headers=headers))
    assert {(f.code, f.column) for f in result.findings} == {("S101", "方向"), ("S101", "运距公里")}
    assert result.refused == ((MINE, "2025-03"), (PARK, "2025-03"))
    assert result.unit_months == ()


def test_ten_thousand_tonnes_wait_for_an_answer(tmp_path):
    headers = [name if name != "运量吨" else "运量（万吨）" for name in HEADERS]
    result = check(tmp_path, text_of(good() | {"运量（万吨）": "0.12"}, headers=headers))
    assert codes(result) == {"S112"}
    assert (result.accepted, result.rows, result.tonnes) == (True, 1, 0)
    assert (result.unit_months, result.refused) == ((), ((MINE, "2025-03"),))


def test_the_head_block_gives_month_and_unit(tmp_path):
    """A template: a clerk types flows only; a signature below the table is no flow."""
    flows = [name for name in HEADERS if name not in ("月份", "统一社会信用代码", "填报单位编码", "企业名称")]
    head = (
        f"忻州市月报\n月份：,2025年3月\n统一社会信用代码：,{GROUP}\n"
        "填报单位编码：,GROUP-2\n企业名称：,演示集团二矿\n\n"
    )
    table = text_of(good(), {"货类": "合计", "运量吨": "1200.5"}, {"货类": ""}, headers=flows)
    result = check(tmp_path, head + table + "填表人：张三,,审核：李四\n")
    assert unit_months(result) == {("GROUP-2", "2025-03"): (1, Decimal("1200.5"))}
    assert {(f.code, f.row) for f in result.findings} == {("C006", 9), ("S113", 11), ("V022", 2)}


def test_a_clerk_who_types_a_head_that_is_wrong_is_sent_to_the_head(tmp_path):
    flows = [name for name in HEADERS if name not in ("月份", "统一社会信用代码", "企业名称")]
    head = f"月份：2026-11\n统一社会信用代码：{MINE}\n企业名称：{MINE_NAME}\n"
    result = check(tmp_path, head + text_of(good(), good(货类="焦炭"), headers=flows))
    (found,) = result.findings
    assert (found.code, found.row, found.value) == ("V012", 1, "2026-11")
    assert (result.totals, result.refused) == ({"V012": 1}, ((MINE, "2026-11"),))


def test_the_name_in_force_in_that_month_is_asked(tmp_path):
    units = registry_table(
        [
            {"unit_code": MINE, "uscc": MINE, "name": "旧名", "kind": "工矿企业", "valid_from": None},
            {
                "unit_code": MINE,
                "uscc": MINE,
                "name": "新名",
                "kind": "工矿企业",
                "valid_from": date(2025, 3, 31),
            },
        ]
    )
    rows = [good(月份="2025-02", 企业名称="旧名"), good(企业名称="新名"), good(货类="焦炭", 企业名称="旧名")]
    result = check(tmp_path, text_of(*rows), units=units)
    assert [(f.code, f.row) for f in result.findings] == [("I007", 4)]


def test_any_key_of_the_registry(tmp_path):
    units = registry(**{"Alberta|HS27": ("Alberta", "Alberta", "工矿企业")})
    row = good(统一社会信用代码="", 填报单位编码="Alberta|HS27", 企业名称="Alberta")
    assert codes(check(tmp_path, text_of(row), units=units, unit_key="any")) == set()
    by_code = good(统一社会信用代码="Alberta", 企业名称="Alberta")
    assert codes(check(tmp_path, text_of(by_code), units=units, unit_key="any")) == set()
    assert codes(check(tmp_path, text_of(good(统一社会信用代码="x")), unit_key="any")) == {"I004"}
    assert codes(check(tmp_path, text_of(good(统一社会信用代码="")), unit_key="any")) == {"I001"}
    assert codes(check(tmp_path, text_of(good(统一社会信用代码=GROUP)), unit_key="any")) == {"I005"}


def test_a_subtotal_and_a_total(tmp_path):
    rows = [
        good(),
        {"货类": "小计", "运量吨": "1200.5"},
        good(货类="焦炭"),
        {"货类": "小计", "运量吨": "1200.5"},
    ]
    assert codes(check(tmp_path, text_of(*rows, {"货类": "合计", "运量吨": "2401"}))) == {"C006"}
    wrong = check(tmp_path, text_of(*rows, {"货类": "合计", "运量吨": "2402"}))
    assert wrong.totals == {"C006": 3, "C007": 1}
    assert (wrong.rows, wrong.tonnes) == (2, Decimal(2401))


def test_content_knows_neither_order_nor_spelling(tmp_path):
    """The same rows, sorted and written otherwise, are the same content; a gram more is not."""

    def content(*rows):
        (unit,) = check(tmp_path, text_of(*rows)).unit_months
        return unit.content_hash

    one, two = good(), good(货类="焦炭", 运量吨="7")
    assert content(one, two) == content(two, good(运量吨="1,200.500", 运输方式="火车", 短驳="否"))
    assert content(one, two) != content(one, good(货类="焦炭", 运量吨="7.001"))
    assert content(one) != content(one, one)
    assert content(ZERO) != content(one)


def test_the_content_of_a_known_row(tmp_path):
    """Other columns, or a DuckDB that hashes otherwise, would make every loaded month look amended: decide first."""
    (unit,) = check(tmp_path, text_of(good(**FULL_ROW))).unit_months
    assert unit.content_hash == FULL_ROW_CONTENT


def test_row_numbers_hold_in_a_large_file(tmp_path):
    """Read in parallel, and still each finding at its line."""
    wrong_rows = {5, 77_777, 149_999, 200_001}
    lines = text_of(*[good(备注=f"第{n}行") for n in range(2, 4)]).splitlines()
    head, line = lines[0], lines[1]
    content = "\n".join(
        [head, *(line.replace("第2行", f"{n}").replace("1200.5", "x" if n in wrong_rows else "1200.5")
                 for n in range(2, 200_002))]
    )  # fmt: skip
    result = check(tmp_path, content)
    assert result.rows == 200_000
    assert {(f.code, f.row) for f in result.findings} == {("V006", row) for row in wrong_rows}


def test_the_fast_and_the_counted_way_say_the_same(tmp_path):
    rows = [good(), good(运量吨="x"), good(月份="2025/4", 货类="焦炭"), ZERO | {"月份": "2025-05"}]
    fast = check(tmp_path, text_of(*rows))
    counted = check(tmp_path, text_of(*rows).replace("\n", "\n\n", 1))
    assert [(f.code, f.row) for f in counted.findings] == [
        (f.code, f.row and f.row + 1) for f in fast.findings
    ]
    assert counted.unit_months == fast.unit_months
    assert counted.refused == fast.refused


def test_the_json_is_the_promised_one(tmp_path):
    printed = json.loads(json.dumps(check(tmp_path, text_of(good(运量吨="x"))).to_json(), ensure_ascii=False))
    assert list(printed) == ["accepted", "rows", "tonnes", "months", "findings", "totals", "capped"]
    assert (printed["accepted"], printed["rows"], printed["tonnes"]) == (False, 1, "0.000")
    (found,) = printed["findings"]
    assert list(found) == ["code", "severity", "sheet", "row", "column", "value", "message", "remedy"]
    assert (found["row"], found["column"], found["value"]) == (2, "运量吨", "x")
    unreadable = json.loads(json.dumps(check(tmp_path, b"%PDF").to_json()))
    assert (unreadable["accepted"], unreadable["rows"], len(unreadable["findings"])) == (False, 0, 1)


def run_child(paths, folder, **options):
    return list(
        check_files(paths, declared(), registry(), mapping=None, today=TODAY, rows_folder=folder, **options)
    )


def test_files_are_checked_in_a_child_one_by_one(tmp_path):
    paths = [tmp_path / f"{n}.csv" for n in range(3)]
    for number, content in enumerate([text_of(good()), "%PDF", text_of(good(月份="2025-04"))]):
        paths[number].write_text(content, encoding="utf-8")
    seen = []
    results = run_child(paths, tmp_path / "rows", progress=lambda *step: seen.append(step))
    assert [result.accepted for result in results] == [True, False, True]
    assert seen == [(path, n, 3) for n, path in enumerate(paths, start=1)]
    assert results[0] == check(tmp_path, text_of(good()), name="0.csv", rows_folder=tmp_path / "rows")


def test_a_fault_of_ours_is_not_a_finding(tmp_path):
    with pytest.raises(Fault, match="FileNotFoundError"):
        run_child([tmp_path / "absent.csv"], None)


def test_a_child_that_dies_or_hangs_gives_no_answer():
    worker = Worker(os._exit)
    assert worker.ask(1) is None
    assert worker.ask(1) is None
    worker.stop()
    sleeper = Worker(time.sleep, wall_seconds=0.1)
    assert sleeper.ask(60) is None
    sleeper.stop()


def test_the_child_starts_whatever_runs_as_main(tmp_path, monkeypatch):
    """Under the web server the page stands as `__main__`, in a shell a file that does not exist."""
    page = ModuleType("__main__")
    page.__file__ = str(tmp_path / "no such page.py")
    monkeypatch.setitem(sys.modules, "__main__", page)
    path = tmp_path / "月报.csv"
    path.write_text(text_of(good()), encoding="utf-8")
    (result,) = run_child([path], None)
    assert (result.accepted, result.rows) == (True, 1)
    assert sys.modules["__main__"] is page
