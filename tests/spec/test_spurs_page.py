"""专用线台账: from which month a line counts, whose tonnes are the line's, and 接入率 with and without 豁免."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, declared_with, drawn
from oracle.published import snapshot_of

from etl.warehouse import spurs_page
from etl.warehouse.pages import Filters, Spurs, Table
from etl.warehouse.scope import EVERYTHING, Role, Scope
from etl.warehouse.snapshot import Snapshot

JULY = Filters(2025, 7)


def lines(table: Table, *columns: str) -> list[tuple]:
    return [tuple(row) for row in table.frame[list(columns)].itertuples(index=False)]


def line(page: Spurs, code: str) -> dict:
    return next(row for row in page.lines.frame.to_dict("records") if row["专用线编号"] == code)


@pytest.mark.parametrize(
    ("ruling", "opened_on", "use_from", "first", "in_july"),
    [
        ("next_month", "2025-07-01", "", "2025年7月", "计入"),
        ("next_month", "2025-06-30", "", "2025年7月", "计入"),
        ("next_month", "2025-07-02", "", "2025年8月", "不计入：2025年8月起计"),
        ("same_month", "2025-07-31", "", "2025年7月", "计入"),
        ("next_month", "2016-05-20", "2025-07-02", "2025年8月", "不计入：2025年8月起计"),
        # Long before anything was reported: the rule's month all the same.
        ("next_month", "2016-05-20", "", "2016年6月", "计入"),
    ],
)
def test_from_which_month_access_counts(
    tmp_path: Path, ruling: str, opened_on: str, use_from: str, first: str, in_july: str
):
    world = drawn(
        registry="unit_code | due_from\nA | 2025-01",
        spurs=f"user_code | opened_on | use_from\nA | {opened_on} | {use_from}",
        declared=declared_with(spur_access_from=ruling),
    )
    page = spurs_page.read(snapshot_of(world, tmp_path), EVERYTHING, JULY)
    assert lines(page.uses, "计入起", "本月") == [(first, in_july)]


def test_a_line_that_does_not_count_says_why(tmp_path: Path):
    world = drawn(
        registry="unit_code | due_from\nA | 2025-01",
        spurs="""
        spur_code | user_code | opened_on  | use_to     | state
        S1        | A         |            |            | 开通
        S2        | A         |            |            | 在建
        S3        | A         | 2020-01-01 |            | 停用
        S4        | A         | 2020-01-01 | 2025-07-30 | 开通
        S5        | A         | 2020-01-01 | 2025-07-31 | 开通
        S6        | A         | 2025-08-01 |            | 开通
        """,
    )
    page = spurs_page.read(snapshot_of(world, tmp_path), EVERYTHING, JULY)
    assert [row[0] for row in lines(page.uses, "本月")] == [
        "不计入：开通日期未登记",
        "不计入：在建",
        "不计入：停用",
        "不计入：使用至2025-07-30",
        "计入",
        "不计入：2025年8月起计",
    ]
    # In July a line that opens in August is still being built.
    assert page.sentence.startswith("2025年7月登记专用线6条，其中开通3条、在建2条、停用1条；")
    assert line(page, "S1")["说明"] == "开通日期未登记，不计入接入；能力未登记"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """S1 of 12 万吨 a year: A since 2020, B of another county from July on; C has two lines; D none."""
    world = drawn(
        registry=f"""
        unit_code | county_code    | due_from | in_catalogue | exemption_basis
        A         | {COAL_COUNTY}  | 2025-06  | 是           |
        B         | {OTHER_COUNTY} | 2025-06  | 是           |
        C         | {COAL_COUNTY}  | 2025-06  | 是           |
        D         | {COAL_COUNTY}  | 2025-06  | 是           | 丙文
        """,
        spurs="""
        spur_code | user_code | opened_on  | relation | use_from   | capacity | owner
        S1        | A         | 2020-01-01 | 自有     |            | 12       | A公司
        S1        | B         | 2020-01-01 | 共用     | 2025-07-01 | 12       | A公司
        S2        | C         | 2020-01-01 | 自有     |            | 6        | C
        S3        | C         | 2020-01-01 | 租用     |            | 6        | 外省公司
        S4        | A         | 2025-06-02 | 租用     | 2025-08-01 | 6        |
        """,
        rows="""
        unit_code | month   | mode | direction | tonnes | counterparty
        A         | 2025-06 | 铁路 | 发运      | 6000   |
        A         | 2025-06 | 公路 | 发运      | 999    |
        A         | 2025-07 | 铁路 | 发运      | 3000   | B
        A         | 2025-07 | 铁路 | 到达      | 500    |
        B         | 2025-06 | 铁路 | 发运      | 700    |
        B         | 2025-07 | 铁路 | 到达      | 3000   | A
        B         | 2025-07 | 铁路 | 发运      | 500    |
        C         | 2025-07 | 铁路 | 发运      | 4000   | A
        """,
        as_of="2025-08-20",
    )
    return snapshot_of(world, tmp_path_factory.mktemp("shared"))


def test_a_shared_line_carries_what_its_users_carried_while_they_used_it(shared: Snapshot):
    """6000 + 3000 + 500 of A, 500 of B; not B's June, not B's arrival of A's 3000 t over the same line.

    Access since January 2024 at least: the twelve months of the period count only from June 2025 on, the first
    month that anything is known of: two months of 1 万吨 each.
    """
    row = line(spurs_page.read(shared, EVERYTHING, JULY), "S1")
    assert (row["使用单位"], row["计入月数"]) == ("A公司、B公司", 2)
    assert (row["近12个月铁路万吨"], row["利用率%"]) == (Decimal("1.000000"), Decimal("50.000000"))
    assert row["说明"] == ""


def test_with_two_lines_nobody_knows_which_carried_the_goods(shared: Snapshot):
    page = spurs_page.read(shared, EVERYTHING, JULY)
    for code in ("S2", "S3"):
        row = line(page, code)
        assert (row["近12个月铁路万吨"], row["利用率%"]) == (Decimal("0.400000"), None)
        # June's return of C is missing.
        assert row["说明"] == "使用单位同月还使用其他专用线，运量未分线；缺1份月报，齐全1个月"
    assert line(page, "S4")["近12个月铁路万吨"] is None


def test_a_month_without_a_users_return_is_no_month_of_nothing(tmp_path: Path):
    """Two of three months reported: 20000 t of 2 × 1 万吨, not of 3; nothing reported: no tonnes, no rate."""
    world = drawn(
        registry="unit_code | due_from\nA | 2025-05\nB | 2025-05",
        spurs="spur_code | user_code | capacity\nS1 | A | 12\nS2 | B | 12",
        rows="unit_code | month | tonnes\nA | 2025-05 | 20000",
        zero="A 2025-07",
        as_of="2025-08-20",
    )
    page = spurs_page.read(snapshot_of(world, tmp_path), EVERYTHING, JULY)
    row = line(page, "S1")
    assert (row["计入月数"], row["近12个月铁路万吨"], row["利用率%"]) == (3, Decimal(2), Decimal(100))
    assert row["说明"] == "缺1份月报，齐全2个月"
    row = line(page, "S2")
    assert (row["计入月数"], row["近12个月铁路万吨"], row["利用率%"]) == (3, None, None)


def test_a_county_reads_no_tonnes_of_a_line_that_others_share(shared: Snapshot):
    """Tonnes and rate of the whole line would tell what the other unit carried."""
    page = spurs_page.read(shared, Scope(Role.COUNTY, "原平市", counties=frozenset({OTHER_COUNTY})), JULY)
    assert page.lines.frame["专用线编号"].tolist() == ["S1"]
    row = line(page, "S1")
    assert (row["使用单位"], row["产权单位"]) == ("B公司、其他单位1家", "其他单位")
    assert (row["近12个月铁路万吨"], row["利用率%"]) == (None, None)
    assert row["说明"] == "另有其他单位使用，不列运量"
    assert lines(page.uses, "使用单位", "县区") == [("其他单位", ""), ("B公司", "原平市")]
    assert "A公司" not in repr(page.lines.frame.to_dict()) + repr(page.uses.frame.to_dict())
    whole = spurs_page.read(shared, EVERYTHING, JULY)
    assert {line(whole, code)["产权单位"] for code in ("S1", "S2", "S3")} == {"A公司", "C公司", "外省公司"}


def test_access_with_and_without_the_exempted(shared: Snapshot):
    """Three of four obliged units have access: 75 %; without the exempted D all have."""
    page = spurs_page.read(shared, EVERYTHING, JULY)
    assert "全市专用线接入率75.0%（义务单位4家，已接入3家），扣除豁免1家后为100.0%" in page.sentence
    assert lines(page.counties, "县区", "义务单位", "已接入", "其中豁免", "接入率%", "扣除豁免接入率%") == [
        ("宁武县", 3, 2, 1, Decimal("66.666667"), Decimal(100)),
        ("原平市", 1, 1, 0, Decimal(100), Decimal(100)),
    ]
    assert lines(page.without, "单位", "专用线", "豁免依据") == [("D公司", "豁免", "丙文")]
    county = spurs_page.read(shared, EVERYTHING, Filters(2025, 7, OTHER_COUNTY))
    assert "；原平市专用线接入率100.0%（义务单位1家，已接入1家）。" in county.sentence
