"""官方数: each series apart, vintages side by side, and what a revision did to the verdict on K1."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from oracle.drawn import COAL_COUNTY, declared_with, drawn
from oracle.published import snapshot_of

from etl.warehouse import evidence, official_page
from etl.warehouse.pages import Filters, Official, Table
from etl.warehouse.scope import EVERYTHING, NotVisible, Role, Scope
from etl.warehouse.snapshot import Snapshot

FEBRUARY = Filters(2025, 2)


def lines(table: Table, *columns: str) -> list[tuple]:
    return [tuple(row) for row in table.frame[list(columns)].itertuples(index=False)]


def page_of(tmp_path: Path, official: str, filters: Filters = FEBRUARY, **more: Any) -> Official:
    world = drawn(official=official, as_of="2026-06-01", declared=declared_with(**more))
    return official_page.read(snapshot_of(world, tmp_path), EVERYTHING, filters)


# 21584 × 2 ÷ 12 = 3597.333… 万吨 is what the plan asks of January and February 2025.
TURNED = """
month   | value   | status   | published_on
2025-01 | 1797.33 | 快报     | 2025-02-09
2025-02 | 1800    | 快报     | 2025-03-09
2025-02 | 1800.01 | 月报确报 | 2025-03-20
2025-02 | 1800.01 | 年报核定 | 2026-04-15
"""


def test_a_revision_that_turns_the_verdict(tmp_path: Path):
    """3597.33 is below 3597.333…, 3597.34 is not; a higher status with the same value is no revision."""
    page = page_of(tmp_path, TURNED)
    assert lines(page.revisions, "发布日期", "月份", "原值万吨", "新值万吨", "差额万吨") == [
        (page.revisions.frame["发布日期"][0], "2025年2月", Decimal(1800), Decimal("1800.01"), Decimal("0.01"))
    ]
    assert str(page.revisions.frame["发布日期"][0]) == "2025-03-20"
    assert lines(page.revisions, "修订前累计万吨", "修订后累计万吨", "结论变化") == [
        (Decimal("3597.33"), Decimal("3597.34"), "改变")
    ]
    assert lines(page.revisions, "修订前结论", "修订后结论") == [("▲ 低于序时进度", "● 达到序时进度")]
    assert page.changes == (
        "2025-03-20月报确报：2025年1—2月铁路货运量累计由3597.33万吨改为3597.34万吨，"
        "结论由“低于序时进度”变为“达到序时进度”。",
    )
    assert page.revision_sentence.startswith("本期各月发布值修订1次，上调1次、下调0次；其中1次改变了")


def test_a_published_cumulative_is_what_counts(tmp_path: Path):
    """K1 takes the 累计; the month's own revision does nothing to it."""
    page = page_of(
        tmp_path,
        """
        month   | value   | status   | published_on | period_kind
        2025-01 | 1797.33 | 快报     | 2025-02-09   | 当期
        2025-02 | 1800    | 快报     | 2025-03-09   | 当期
        2025-02 | 3600    | 快报     | 2025-03-09   | 累计
        2025-02 | 1700    | 月报确报 | 2025-03-20   | 当期
        """,
    )
    assert lines(page.revisions, "差额万吨", "修订前累计万吨", "修订后累计万吨", "结论变化") == [
        (Decimal(-100), Decimal(3600), Decimal(3600), "不变")
    ]
    assert page.changes == ()
    assert page.revision_sentence.endswith("均未改变铁路货运量累计的结论。")
    assert lines(page.series[0].table, "月份", "当期万吨", "累计万吨") == [
        ("2025年1月", Decimal("1797.33"), None),
        ("2025年2月", Decimal(1700), Decimal(3600)),
    ]


def test_road_other_calibers_and_parts_of_goods_do_not_touch_k1(tmp_path: Path):
    page = page_of(
        tmp_path,
        """
        month   | value | status   | published_on | mode | caliber     | commodity
        2025-01 | 1800  | 快报     | 2025-02-09   | 铁路 | 发送        | 合计
        2025-01 | 2500  | 快报     | 2025-02-09   | 铁路 | 发送＋接运  | 合计
        2025-01 | 2600  | 月报确报 | 2025-02-20   | 铁路 | 发送＋接运  | 合计
        2025-01 | 700   | 快报     | 2025-02-09   | 公路 | 营业性      | 合计
        2025-01 | 710   | 月报确报 | 2025-02-20   | 公路 | 营业性      | 合计
        2025-01 | 1500  | 快报     | 2025-02-09   | 铁路 | 发送        | 煤炭
        """,
        k1_caliber="发送",
    )
    assert [(one.mode, one.caliber) for one in page.series] == [
        ("铁路", "发送"),
        ("铁路", "发送＋接运"),
        ("公路", "营业性"),
    ]
    assert lines(page.revisions, "方式", "口径", "修订前结论", "结论变化") == [
        ("铁路", "发送＋接运", "不涉及", ""),
        ("公路", "营业性", "不涉及", ""),
    ]
    assert "采用“发送”口径。" in page.caliber_note
    assert "不相加、不相除" in page.caliber_note
    # No figure of the page is a sum or a ratio over modes or calibers.
    shown = {v for one in page.series for v in one.table.frame["当期万吨"] if v is not None}
    assert shown == {Decimal(1800), Decimal(2600), Decimal(710)}
    coal = page_of_coal(tmp_path)
    assert [(one.mode, one.points[-2].value) for one in coal.series] == [("铁路", Decimal(1500))]
    assert coal.head.scope == "全市　煤炭"


def page_of_coal(tmp_path: Path) -> Official:
    snapshot = Snapshot(tmp_path / "v1.duckdb")
    return official_page.read(snapshot, EVERYTHING, Filters(2025, 2, commodity="煤炭"))


def test_two_calibers_without_a_ruling_give_no_verdict(tmp_path: Path):
    page = page_of(
        tmp_path,
        """
        month   | value | caliber
        2025-01 | 1800  | 发送
        2025-01 | 2500  | 发送＋接运
        """,
    )
    assert page.caliber_note.startswith("全市铁路货运量有多种口径而未认定，暂不评价")


def test_vintages_stand_side_by_side_and_the_one_in_force_is_named(tmp_path: Path):
    page = page_of(
        tmp_path,
        """
        month   | value | status   | published_on | source | is_public
        2025-01 | 1790  | 快报     | 2025-02-09   | 甲     | 否
        2025-01 | 1795  | 快报     | 2025-02-11   | 甲     | 否
        2025-01 | 1800  | 月报确报 | 2025-02-20   | 乙     | 是
        2025-02 | 1700  | 快报     | 2025-03-09   | 甲     | 否
        """,
    )
    assert lines(
        page.vintages, "月份", "快报万吨", "月报确报万吨", "年报核定万吨", "采用", "被替换的同状态值"
    ) == [
        ("2025年1月", Decimal(1795), Decimal(1800), None, "月报确报", "快报1790.00（2025-02-09）"),
        ("2025年2月", Decimal(1700), None, None, "快报", ""),
    ]
    assert lines(page.values, "数值万吨", "来源", "公开", "采用") == [
        (Decimal(1790), "甲", "否", ""),
        (Decimal(1795), "甲", "否", ""),
        (Decimal(1800), "乙", "是", "采用"),
        (Decimal(1700), "甲", "否", "采用"),
    ]
    assert lines(page.series[0].table, "月份", "状态", "来源", "公开") == [
        ("2025年1月", "月报确报", "乙", "是"),
        ("2025年2月", "快报", "甲", "否"),
    ]
    assert page.series[0].points[-1].is_provisional
    assert len(page.revisions.frame) == 2


def test_what_was_known_on_a_day_is_what_a_build_of_that_day_knows(tmp_path: Path):
    """Operators too: the year's second operator, first published in March, makes January's sum unknown until it is."""
    official = """
    month   | value | operator | published_on | status
    2025-01 | 1000  | 甲       | 2025-02-09   | 快报
    2025-02 | 1100  | 甲       | 2025-03-09   | 快报
    2025-02 | 600   | 乙       | 2025-03-09   | 快报
    2025-01 | 700   | 乙       | 2025-03-12   | 快报
    2025-01 | 1010  | 甲       | 2025-03-20   | 月报确报
    """
    now = snapshot_of(drawn(official=official, as_of="2025-04-01"), folder(tmp_path, "now"))
    days = ("2025-02-08", "2025-02-09", "2025-03-09", "2025-03-12", "2025-03-19", "2025-03-20")
    found = []
    for day in days:
        then = snapshot_of(drawn(official=official, as_of=day), folder(tmp_path, day))
        for through in (1, 2):
            rows = evidence.official_rows(now, "全市", 2025, through, known_on=then.as_of)
            assert rows == evidence.official_rows(then, "全市", 2025, through)
            found.append(rows[0]["value"] if rows else None)
    assert found == [None, None, 1000, 1000, None, 1700, 1700, 3400, 1700, 3400, 1710, 3410]
    page = official_page.read(now, EVERYTHING, FEBRUARY)
    assert [row[0] for row in lines(page.revisions, "新值万吨")] == [1710, None]


def folder(tmp_path: Path, name: str) -> Path:
    home = tmp_path / name
    home.mkdir()
    return home


def test_the_county_and_the_corridor_have_their_own_series(tmp_path: Path):
    official = f"""
    month   | value | object_type | object        | status   | published_on
    2025-01 | 1800  | 全市        | 全市          | 快报     | 2025-02-09
    2025-01 | 200   | 县区        | {COAL_COUNTY} | 快报     | 2025-02-09
    2025-01 | 210   | 县区        | {COAL_COUNTY} | 月报确报 | 2025-02-20
    2025-01 | 500   | 通道        | 朔黄          | 快报     | 2025-02-09
    """
    county = page_of(tmp_path, official, Filters(2025, 2, county=COAL_COUNTY))
    assert (county.head.scope, county.series[0].points[-2].value) == ("宁武县", 210)
    # No target is allocated to the county: the value counts, the verdict does not change.
    assert lines(county.revisions, "修订后累计万吨", "修订后结论", "结论变化") == [
        (210, "○ 方案未设年度目标", "不变")
    ]
    snapshot = Snapshot(tmp_path / "v1.duckdb")
    corridor = official_page.read(snapshot, EVERYTHING, Filters(2025, 2, corridor="朔黄"))
    assert (corridor.head.scope, corridor.series[0].points[-2].value) == ("朔黄通道", 500)
    nothing = official_page.read(snapshot, EVERYTHING, Filters(2025, 2, corridor="同蒲"))
    assert (nothing.series, nothing.sentence) == ((), "2025年1—2月没有发布同蒲通道的官方数。")


@pytest.mark.parametrize("role", [Role.ENTERPRISE, Role.COUNTY, Role.DEPARTMENT])
def test_official_series_are_for_staff_railway_and_leaders(tmp_path: Path, role: Role):
    snapshot = snapshot_of(drawn(official=TURNED), tmp_path)
    with pytest.raises(NotVisible, match="不查看官方数"):
        official_page.read(snapshot, Scope(role, "某"), FEBRUARY)
