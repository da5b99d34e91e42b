"""报送进度 by month and county: what was due, what came, on time or late, zero or missing."""

from __future__ import annotations

from pathlib import Path

from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, drawn
from oracle.published import snapshot_of

from etl.warehouse import reporting
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING, Role, Scope


def test_counts_by_county_and_month(tmp_path: Path):
    """The due day of June is 8 July: received on it is on time, the day after is late. B moves in July."""
    world = drawn(
        registry=f"""
        unit_code | county_code     | due_from | valid_from
        A         | {COAL_COUNTY}   | 2025-06  |
        B         | {COAL_COUNTY}   | 2025-06  |
        B         | {OTHER_COUNTY}  | 2025-06  | 2025-07-31
        C         | {COAL_COUNTY}   | 2025-07  |
        D         | {OTHER_COUNTY}  |          |
        """,
        rows="""
        unit_code | month   | tonnes | accepted_on
        A         | 2025-06 | 1      | 2025-07-08
        B         | 2025-06 | 1      | 2025-07-09
        A         | 2025-07 | 1      | 2025-08-08
        """,
        zero="B 2025-07",
        as_of="2025-08-20",
    )
    snapshot = snapshot_of(world, tmp_path)
    page = reporting.read(snapshot, EVERYTHING, Filters(2025, 7))
    columns = ["县区", "月份", "应报", "已报", "按时", "迟报", "零申报", "未报"]
    assert page.county_months.frame.columns.tolist() == columns
    assert [tuple(row) for row in page.county_months.frame.itertuples(index=False)] == [
        ("宁武县", "2025年7月", 2, 1, 1, 0, 0, 1),
        ("宁武县", "2025年6月", 2, 2, 1, 1, 0, 0),
        ("原平市", "2025年7月", 1, 1, 1, 0, 1, 0),
    ]
    # Each month's counties add up to the month.
    whole = page.months.frame.set_index("月份")
    parts = page.county_months.frame.drop(columns="县区").groupby("月份").sum()
    for month in parts.index:
        assert whole.loc[month].tolist() == parts.loc[month].tolist()
    county = Scope(Role.COUNTY, "原平市", counties=frozenset({OTHER_COUNTY}))
    own = reporting.read(snapshot, county, Filters(2025, 7)).county_months.frame
    assert own["县区"].tolist() == ["原平市"]
