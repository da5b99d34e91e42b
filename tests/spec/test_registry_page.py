"""名录: who is counted this month and why, who came in or went out, and whose tonnes do not fit 省目录."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, drawn
from oracle.published import snapshot_of

from etl import wording
from etl.warehouse import registry_page
from etl.warehouse.pages import Filters, PopulationBlock, Registry, Table
from etl.warehouse.scope import EVERYTHING, Role, Scope
from etl.warehouse.snapshot import Snapshot


def lines(table: Table, *columns: str) -> list[tuple]:
    return [tuple(row) for row in table.frame[list(columns)].itertuples(index=False)]


def block(page: Registry, indicator: str) -> PopulationBlock:
    return next(one for one in page.populations if one.indicator == indicator)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A opens on 1 July, B on 2 July; C stops in July; D becomes large in July; E moves county in July."""
    world = drawn(
        registry=f"""
        unit_code | county_code     | is_large | due_from | valid_from | production_state | in_catalogue | large_basis
        A         | {COAL_COUNTY}   | 是       | 2024-01  |            | 正常             | 是           | 甲文
        B         | {COAL_COUNTY}   | 是       | 2024-01  |            | 正常             | 否           |
        C         | {COAL_COUNTY}   | 是       | 2024-01  |            | 正常             | 是           |
        C         | {COAL_COUNTY}   | 是       | 2024-01  | 2025-07-15 | 停产             | 是           |
        D         | {COAL_COUNTY}   | 否       | 2024-01  |            | 正常             |              |
        D         | {COAL_COUNTY}   | 是       | 2024-01  | 2025-07-31 | 正常             |              | 乙文
        E         | {COAL_COUNTY}   | 是       | 2024-01  |            | 正常             |              |
        E         | {OTHER_COUNTY}  | 是       | 2024-01  | 2025-07-01 | 正常             |              |
        """,
        spurs="""
        spur_code | user_code | opened_on  | relation | spur_name
        S1        | A         | 2025-07-01 | 自有     | 一号线
        S2        | B         | 2025-07-02 | 自有     | 二号线
        S1        | C         | 2024-01-01 | 共用     | 一号线
        """,
        as_of="2026-01-15",
    )
    return snapshot_of(world, tmp_path_factory.mktemp("registry"))


def july(snapshot: Snapshot, scope: Scope = EVERYTHING, county: str | None = None) -> Registry:
    return registry_page.read(snapshot, scope, Filters(2025, 7, county))


def test_ins_and_outs_of_a_month_with_both_reasons(snapshot: Snapshot):
    """Opened on the first counts in that month, on the second it does not; 停产 takes C out of both."""
    page = july(snapshot)
    assert lines(block(page, "K3").against_month, "变动", "单位", "此前", "现在") == [
        (
            "调入",
            "A公司",
            "不在：当月未接入专用线",
            "在：大型工矿企业（甲文），一号线（自有，2025年7月起计）",
        ),
        ("调出", "C公司", "在：大型工矿企业，一号线（共用，2024年1月起计）", "不在：停产"),
    ]
    assert lines(block(page, "K2").against_month, "变动", "单位", "此前", "现在") == [
        ("调入", "D公司", "不在：未列入大型工矿企业名录", "在：大型工矿企业（乙文），宁武县为煤炭主产区"),
        ("调出", "C公司", "在：大型工矿企业，宁武县为煤炭主产区", "不在：停产"),
        ("调出", "E公司", "在：大型工矿企业，宁武县为煤炭主产区", "不在：所在县区未认定为煤炭主产区"),
    ]
    assert block(page, "K3").sentence == (
        "2025年7月考核范围1家；比上月调入1家、调出1家；比上年同月调入1家、调出1家。"
    )
    august = registry_page.read(snapshot, EVERYTHING, Filters(2025, 8))
    assert lines(block(august, "K3").against_month, "变动", "单位") == [("调入", "B公司")]


def test_without_a_registry_before_there_is_nothing_to_compare_with(snapshot: Snapshot):
    """The first month that anything is known of: not every unit as new."""
    first = registry_page.read(snapshot, EVERYTHING, Filters(2024, 1))
    assert block(first, "K2").sentence == (
        "2024年1月考核范围4家；上月没有名录，不作比较；上年同月没有名录，不作比较。"
    )
    assert block(first, "K2").against_year.frame.empty


def test_every_unit_has_its_place_in_each_population(snapshot: Snapshot):
    page = july(snapshot)
    k4 = {row[0]: row[1] for row in lines(page.members, "单位", "专用线接入率")}
    # D and E are large and not named in 省目录: their tonnes of 2024 are missing.
    assert k4 == {
        "A公司": "在：列入省目录",
        "B公司": "不在：省目录列为否",
        "C公司": "不在：停产",
        "D公司": "待定：2024年大宗运量0.00万吨，缺月报，待数据补齐",
        "E公司": "待定：2024年大宗运量0.00万吨，缺月报，待数据补齐",
    }
    assert "2025年7月考核范围1家，另有2家待数据补齐" in block(page, "K4").sentence


def test_the_history_says_what_changed_from_which_day(snapshot: Snapshot):
    history = lines(july(snapshot).history, "单位", "变更内容")
    assert history == [
        ("D公司", "大型：否→是；认定依据：空→乙文"),
        ("C公司", "生产状态：正常→停产"),
        ("E公司", "县区：宁武县→原平市"),
    ]
    in_force = {row[0]: row[1] for row in lines(july(snapshot).units, "单位", "生产状态")}
    before = registry_page.read(snapshot, EVERYTHING, Filters(2025, 6))
    assert in_force["C公司"] == "停产"
    assert {row[0]: row[1] for row in lines(before.units, "单位", "生产状态")}["C公司"] == "正常"


def test_counts_by_county_and_the_shared_line(snapshot: Snapshot):
    page = july(snapshot)
    assert lines(page.counties, "县区", "单位", "其中大型", "停产", "应报", "接入专用线") == [
        ("宁武县", 4, 4, 1, 3, 2),
        ("原平市", 1, 1, 0, 1, 0),
    ]
    assert page.sentence == (
        "2025年7月名录共5家，其中工矿企业5家（大型5家）、物流园区0家（新建0家）、停产1家；应报4家，已接入专用线2家。"
    )
    assert lines(page.shared, "专用线", "使用单位", "本月计入") == [
        ("一号线", "A公司", True),
        ("一号线", "C公司", True),
    ]


def test_a_county_sees_its_own_units_and_what_left_it(snapshot: Snapshot):
    """E moved away in July: its old county reads that it went, its new one that it came; neither sees A to D."""
    old = july(snapshot, Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL_COUNTY})))
    assert ("调出", "E公司", "不在：未登记，或不在本县区") in lines(
        block(old, "K2").against_month, "变动", "单位", "现在"
    )
    assert "E公司" not in set(old.units.frame["单位"])
    new = july(snapshot, Scope(Role.COUNTY, "原平市", counties=frozenset({OTHER_COUNTY})))
    shown = [table for one in new.populations for table in (one.against_month, one.against_year)]
    shown += [new.members, new.units, new.history, new.candidates]
    assert set().union(*(table.frame["单位"] for table in shown)) == {"E公司"}
    assert new.shared.frame.empty
    assert july(snapshot, county=OTHER_COUNTY).members.frame["单位"].tolist() == ["E公司"]


@pytest.fixture(scope="module")
def bulk(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Yearly bulk tonnes of 2025 on, below and above the bound, against 省目录. Looked at in December."""
    tonnes = {
        "ON": "1500000", "BELOW": "1499999.999", "LISTED": "1499999.999", "FINE": "1500000",
        "SMALL": "2000000", "NO": "1500000.001", "OLDPARK": "9000000", "STOPPED": "9000000",
    }  # fmt: skip
    world = drawn(
        registry="""
        unit_code | in_catalogue | is_large | kind     | is_new | production_state
        ON        |              | 是       | 工矿企业 | 否     | 正常
        BELOW     |              | 是       | 工矿企业 | 否     | 正常
        LISTED    | 是           | 是       | 工矿企业 | 否     | 正常
        FINE      | 是           | 是       | 工矿企业 | 否     | 正常
        SMALL     |              | 否       | 工矿企业 | 否     | 正常
        NO        | 否           | 是       | 工矿企业 | 否     | 正常
        OLDPARK   |              | 否       | 物流园区 | 否     | 正常
        STOPPED   |              | 是       | 工矿企业 | 否     | 停产
        """,
        rows="unit_code | month | mode | tonnes\n"
        + "\n".join(f"{unit} | 2025-06 | 公路 | {value}" for unit, value in tonnes.items()),
    )
    home: Path = tmp_path_factory.mktemp("bulk")
    return registry_page.read(snapshot_of(world, home), EVERYTHING, Filters(2025, 12))


def test_tonnes_against_the_catalogue_at_the_bound(bulk: Registry):
    """150.0000 万吨 is in; a unit that is not on the list of large ones is a candidate for it all the same."""
    assert lines(bulk.candidates, "情形", "单位", "大型或新建", "省目录") == [
        ("已达到，未列入省目录", "SMALL公司", "否", "未列明"),
        ("已达到，未列入省目录", "NO公司", "是", "否"),
        ("已达到，未列入省目录", "ON公司", "是", "未列明"),
        ("列入省目录，未达到", "LISTED公司", "是", "是"),
    ]
    assert bulk.candidate_sentence == (
        "上一完整年度达到150万吨而未列入省目录3家，列入省目录而未达到150万吨1家。"
    )


def test_what_is_below_the_bound_is_not_shown_on_it(bulk: Registry):
    """149.9999999 万吨 keeps the digits that tell it from 150."""
    column = "2025年大宗万吨"
    digits = bulk.candidates.digits[column]
    shown = {row[0]: wording.number(row[1], digits) for row in lines(bulk.candidates, "单位", column)}
    assert shown["LISTED公司"].startswith("149.99")
    assert shown["ON公司"].startswith("150.00")


def test_a_running_year_warns_by_the_last_twelve_months(tmp_path: Path):
    """2024 below; July 2024 to June 2025 on the bound: a warning, no obligation yet."""
    world = drawn(
        registry="unit_code | in_catalogue\nA |",
        rows="""
        unit_code | month   | mode | tonnes
        A         | 2024-06 | 公路 | 1
        A         | 2024-07 | 公路 | 700000
        A         | 2025-06 | 公路 | 800000
        """,
    )
    snapshot = snapshot_of(world, tmp_path)
    june = registry_page.read(snapshot, EVERYTHING, Filters(2025, 6))
    assert lines(june.candidates, "情形") == [("近12个月达到，未列入省目录（预警）",)]
    assert registry_page.read(snapshot, EVERYTHING, Filters(2025, 7)).candidates.frame.empty
