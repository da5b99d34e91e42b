"""K1 by hand: 累计 and 当期, holes, vintages, calibers, operators, objects, lights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import pytest

from .both import indicators
from .drawn import COAL_COUNTY, declared_with, drawn
from .test_oracle_shares import of, one


def months(year: int, value: str, through: int = 12, **columns: str) -> str:
    """A drawn series with one value for each month."""
    header = "month | value" + "".join(f" | {name}" for name in columns)
    rest = "".join(f" | {cell}" for cell in columns.values())
    return "\n".join([header, *(f"{year}-{m:02} | {value}{rest}" for m in range(1, through + 1))])


def lines(*series: str) -> str:
    """Drawn series with the same header as one."""
    return "\n".join([series[0], *(line for s in series[1:] for line in s.splitlines()[1:])])


@pytest.mark.parametrize(
    ("monthly", "verdict", "gap", "light"),
    [
        # 21584.04
        ("1798.67", "达标", F("-0.04"), "绿"),
        # 21540: 99.796 % of the path
        ("1795", "未达标", F(44), "黄"),
        # 20500: 94.98 %
        ("1708.333333", "未达标", 21584 - 12 * F("1708.333333"), "红"),
    ],
)
def test_a_full_year(monthly: str, verdict: str, gap: F, light: str):
    k1 = one(drawn(official=months(2025, monthly)), "K1")
    assert (k1.value, k1.target, k1.basis) == (12 * F(monthly), 21584, "当期")
    assert (k1.verdict, k1.gap, k1.gap_pace, k1.light) == (verdict, gap, gap, light)
    assert k1.interval == (k1.value, k1.value)


def test_the_bound_is_inside():
    series = lines(months(2025, "1798", 11), "month|value\n2025-12|1806")
    exact = one(drawn(official=series), "K1")
    assert (exact.verdict, exact.light) == ("达标", "绿")
    short = lines(months(2025, "1798", 11), "month|value\n2025-12|1805.9999")
    assert one(drawn(official=short), "K1").verdict == "未达标"


def test_a_running_year_is_judged_by_the_path_only():
    """Through September: path 21584·9/12 = 16188; 9 · 1798 = 16182 is 6 behind, 99.96 %: yellow."""
    k1 = one(drawn(official=months(2025, "1798", 9)), "K1", 2025, 9)
    assert (k1.verdict, k1.gap_pace, k1.gap, k1.light) == ("落后", 6, 5402, "黄")
    ahead = one(drawn(official=months(2025, "1799", 9)), "K1", 2025, 9)
    assert (ahead.verdict, ahead.gap_pace, ahead.light) == ("在进度上", -3, "绿")


def test_the_published_cumulative_wins():
    """累计 of June 11000 stands against Σ 6 · 1800 = 10800; through May nothing cumulative is there."""
    series = lines(months(2025, "1800", 6, period_kind="当期"), "month|value|period_kind\n2025-06|11000|累计")
    world = drawn(official=series)
    assert (one(world, "K1", 2025, 6).value, one(world, "K1", 2025, 6).basis) == (11000, "累计")
    assert (one(world, "K1", 2025, 5).value, one(world, "K1", 2025, 5).basis) == (9000, "当期")


def test_a_missing_month():
    """Without March: the sum of the known, and no verdict unless that reaches the target already."""
    series = "\n".join(line for line in months(2025, "1800").splitlines() if "2025-03" not in line)
    k1 = one(drawn(official=series), "K1")
    assert (k1.value, k1.gap, k1.interval) == (19800, 1784, (19800, None))
    assert (k1.verdict, k1.light) == ("数据不足以判定", None)
    rich = one(drawn(official=series.replace("1800", "2000")), "K1")
    assert (rich.value, rich.verdict) == (22000, "达标")
    none = one(drawn(official=""), "K1")
    assert (none.value, none.gap, none.verdict) == (None, None, "数据不足以判定")


def test_years_without_a_target():
    world = drawn(official=months(2026, "1800"), as_of="2027-02-01")
    k1 = one(world, "K1", 2026)
    assert (k1.value, k1.target, k1.gap, k1.verdict, k1.light) == (21600, None, None, "无目标", None)


def test_vintages():
    """Status before day of publication, the day before the day of recording; later days are not yet known."""
    series = """
    month   | value | status   | published_on | recorded_at
    2025-01 | 1     | 快报     | 2025-03-01   | 2025-03-01T09:00:00
    2025-01 | 2     | 月报确报 | 2025-02-10   | 2025-02-10T09:00:00
    2025-01 | 3     | 月报确报 | 2025-02-11   | 2025-02-11T09:00:00
    2025-01 | 4     | 月报确报 | 2025-02-11   | 2025-02-11T09:30:00
    2025-01 | 5     | 年报核定 | 2026-02-20   | 2026-02-20T09:00:00
    """
    world = drawn(official=series, as_of="2026-02-19")
    assert one(world, "K1", 2025, 1).value == 4
    assert one(replace(world, as_of=world.as_of.replace(day=20)), "K1", 2025, 1).value == 5
    assert one(replace(world, as_of=world.as_of.replace(2025, 2, 10)), "K1", 2025, 1).value == 2


def test_calibers_never_mix():
    """Two calibers and no ruling: 待认定, no value; ruled, the one that was named, without a fallback."""
    series = lines(months(2025, "1800", caliber="发送"), months(2025, "2500", caliber="发送＋接运"))
    world = drawn(official=series)
    k1 = one(world, "K1")
    assert (k1.value, k1.gap, k1.verdict, k1.caliber) == (None, None, "待认定", None)
    ruled = replace(world, declared=declared_with(k1_caliber="发送"))
    assert (one(ruled, "K1").value, one(ruled, "K1").caliber) == (21600, "发送")
    other = replace(world, declared=declared_with(k1_caliber="含朔黄"))
    assert (one(other, "K1").value, one(other, "K1").verdict) == (None, "数据不足以判定")


def test_operators_are_summed_where_all_are_there():
    """国铁 1000 and 朔黄 700 a month; a published total is the total; without one operator: unknown."""
    both = lines(months(2025, "1000", 3, operator="国铁"), months(2025, "700", 3, operator="朔黄公司"))
    assert one(drawn(official=both), "K1", 2025, 3).value == 5100
    with_total = both + "\n2025-02 | 1690 |"
    assert one(drawn(official=with_total), "K1", 2025, 3).value == 1700 + 1690 + 1700
    one_short = "\n".join(both.splitlines()[:-1])
    k1 = one(drawn(official=one_short), "K1", 2025, 3)
    assert (k1.value, k1.verdict) == (3400, "数据不足以判定")


def test_only_rail_totals_of_the_object_count():
    series = """
    month   | value | mode | commodity | object_type | object | status
    2025-01 | 1     | 铁路 | 合计      | 全市        | 忻州市 | 快报
    2025-01 | 10    | 公路 | 合计      | 全市        | 全市   | 年报核定
    2025-01 | 100   | 铁路 | 煤炭      | 全市        | 全市   | 年报核定
    2025-01 | 1000  | 铁路 | 合计      | 车站        | 宁武   | 年报核定
    """
    assert one(drawn(official=series), "K1", 2025, 1).value == 1


def test_counties_and_corridors():
    """A county against its allocated target; a corridor without one beside its part of the base year.

    朔黄 had 1962.2 of the city's 19622 in 2020, a tenth: of 21584 that is 2158.4; 12 · 180 = 2160 is 1.6 more.
    """
    series = lines(
        months(2025, "100", object_type="县区", object="宁武县"),
        months(2025, "180", object_type="通道", object="朔黄线"),
        months(2020, "163.5", 11, object_type="通道", object="朔黄线"),
        "month|value|object_type|object\n2020-12 | 163.7 | 通道 | 朔黄线",
        months(2020, "1635", 11, object_type="全市", object="忻州市"),
        "month|value|object_type|object\n2020-12 | 1637 | 全市 | 忻州市",
    )
    world = drawn(
        official=series, targets="year|indicator|object_type|object|value\n2025|K1|县区|宁武县|1200.5"
    )
    county = of(COAL_COUNTY, world, "K1", "county")
    assert (county.value, county.target, county.gap, county.verdict) == (
        1200,
        F("1200.5"),
        F("0.5"),
        "未达标",
    )
    corridor = of("朔黄", world, "K1", "corridor")
    assert (corridor.target, corridor.reference, corridor.gap) == (None, F("2158.4"), F("-1.6"))
    assert (corridor.verdict, corridor.light) == ("无目标", None)
    assert [r.object for r in indicators(world, 2025, 12, "county") if r.id == "K1"] == [COAL_COUNTY]
    assert [r.id for r in indicators(world, 2025, 12, "enterprise") if r.id == "K1"] == []
    # Without December of the city the base year is not known in full, so there is no part of it.
    short = drawn(official="\n".join(series.splitlines()[:-1]))
    assert of("朔黄", short, "K1", "corridor").reference is None


def test_reports_of_k1():
    """Every expected unit-month of the period: 2 units, 3 months, 1 return."""
    world = drawn(registry="unit_code|due_from\nA|2025-01\nB|2025-01", zero="A 2025-01", as_of="2025-04-10")
    k1 = one(world, "K1", 2025, 3)
    assert (k1.reports_expected, k1.reports_received) == (6, 1)
