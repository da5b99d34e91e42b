"""The shares by hand: bounds, populations, what is left out, verdicts, gaps, lights."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction as F

import pytest

from etl.reference import CoalArea

from .both import indicators
from .drawn import COAL_COUNTY, OTHER_COUNTY, declared_with, drawn, km
from .oracle import Result, out_population
from .world import World


def one(world: World, indicator: str, year: int = 2025, through: int = 12, **filters: str) -> Result:
    """The indicator of the whole city."""
    return of("全市", world, indicator, "city", year, through, **filters)


def of(
    name: str, world: World, indicator: str, by: str, year: int = 2025, through: int = 12, **filters: str
) -> Result:
    """The indicator of one object."""
    found = [
        r for r in indicators(world, year, through, by, **filters) if (r.object, r.id) == (name, indicator)
    ]
    assert len(found) == 1
    return found[0]


UNIT_A = "unit_code\nA"


def test_500_km_is_inside():
    """500 and 500.001 count, 499.999 does not: rail 90, road 10 → 90/100 = 90 %, which is in."""
    world = drawn(
        registry=UNIT_A,
        rows="""
        unit_code | mode | distance_km | is_drayage | tonnes
        A         | 铁路 | 500         | 否         | 90
        A         | 公路 | 500.001     | 否         | 10
        A         | 公路 | 499.999     | 否         | 1000
        A         | 公路 | 600         | 是         | 1000
        """,
    )
    k2 = one(world, "K2")
    assert (k2.numerator, k2.denominator, k2.value) == (90, 100, F(9, 10))
    assert (k2.verdict, k2.gap, k2.light, k2.interval) == ("达标", 0, "绿", (F(9, 10), F(9, 10)))
    assert one(world, "K5").denominator == 100


def test_a_kilogram_short_of_90_percent():
    """89.999/100: gap 0.9·100 − 89.999 = 0.001 t to shift, 0.001 ÷ (1 − 0.9) = 0.01 t to add."""
    world = drawn(
        registry=UNIT_A,
        rows="""
        unit_code | mode       | tonnes
        A         | 铁路       | 89.999
        A         | 公路       | 5
        A         | 公路（新能源） | 5.001
        """,
    )
    k2 = one(world, "K2")
    assert (k2.verdict, k2.gap, k2.gap_added) == ("未达标", F(1, 1000), F(1, 100))
    assert (k2.shiftable, k2.light) == (F(1, 1000), "黄")


def test_only_road_can_be_shifted():
    """Rail 50, pipe 40, road 10: gap 90 − 50 = 40, of which only the 10 on the road."""
    world = drawn(
        registry=UNIT_A,
        rows="unit_code|mode|tonnes\nA|铁路|50\nA|管道|40\nA|公路|10",
    )
    k2 = one(world, "K2")
    assert (k2.gap, k2.shiftable, k2.light) == (40, 10, "红")


@pytest.mark.parametrize(
    ("rail", "road", "verdict", "gap", "light"),
    [
        ("80", "20", "达标", F(0), "绿"),
        # 80 − 79.999 = 0.001
        ("79.999", "20.001", "未达标", F(1, 1000), "黄"),
        # 75/100: five 个百分点 short is still yellow; 74.999 is not.
        ("75", "25", "未达标", F(5), "黄"),
        ("74.999", "25.001", "未达标", F(5001, 1000), "红"),
    ],
)
def test_k3_at_80_percent(rail: str, road: str, verdict: str, gap: F, light: str):
    """Any distance; belt, drayage and goods that are not bulk are no part of it."""
    world = drawn(
        registry=UNIT_A,
        spurs="user_code\nA",
        rows=f"""
        unit_code | mode     | commodity | distance_km | is_drayage | tonnes
        A         | 铁路     | 煤矸石    | 20          | 否         | {rail}
        A         | 公路     | 焦炭      | 900         | 否         | {road}
        A         | 皮带廊道 | 煤炭      | 3           | 否         | 100
        A         | 公路     | 煤炭      | 3           | 是         | 1000
        A         | 公路     | 化工品    | 300         | 否         | 1000
        """,
    )
    k3 = one(world, "K3")
    assert (k3.denominator, k3.verdict, k3.gap, k3.light) == (100, verdict, gap, light)
    assert one(world, "K3_BELT").denominator == 200
    ruled = drawn_with_switch(world, belt_in_k3=True)
    assert (one(ruled, "K3").denominator, one(ruled, "K3_BELT").denominator) == (200, 100)


def drawn_with_switch(world: World, **switches: bool | str) -> World:
    return replace(
        world, declared=declared_with(coal_areas=world.declared.coal_areas, od_distances=(), **switches)
    )


def test_a_ratio_is_a_ratio_of_sums():
    """A 10/10, B 0/90: the city 10/100, not the mean of 1 and 0."""
    world = drawn(
        registry="unit_code\nA\nB",
        rows="unit_code|mode|tonnes\nA|铁路|10\nB|公路|90",
    )
    assert one(world, "K2").value == F(1, 10)
    assert [of(u, world, "K2", "enterprise").value for u in "AB"] == [1, 0]


def test_an_empty_denominator_is_no_zero():
    world = drawn(registry=UNIT_A, zero="A 2025-01")
    k2 = one(world, "K2")
    assert (k2.value, k2.denominator, k2.verdict, k2.interval) == (None, 0, "无适用运量", None)
    assert (k2.gap, k2.light) == (None, None)


def test_who_counts_in_k2():
    """Large works of a flagged county: of 7 units with 1 t each only A is in."""
    world = drawn(
        registry=f"""
        unit_code | county_code    | kind     | is_large | production_state | valid_from
        A         | {COAL_COUNTY}  | 工矿企业 | 是       | 正常             |
        B         | {OTHER_COUNTY} | 工矿企业 | 是       | 正常             |
        C         | {COAL_COUNTY}  | 物流园区 | 是       | 正常             |
        D         | {COAL_COUNTY}  | 工矿企业 | 否       | 正常             |
        E         | {COAL_COUNTY}  | 工矿企业 | 是       | 停产             |
        F         | {COAL_COUNTY}  | 工矿企业 | 是       | 正常             | 2025-02-01
        """,
        rows="unit_code|tonnes\nA|1\nB|1\nC|1\nD|1\nE|1\nF|1\nG|1",
    )
    assert one(world, "K2").denominator == 1
    assert one(world, "K2_ALL").denominator == 2
    # 停产, 未登记 and a unit that nobody registered count as nothing anywhere.
    assert one(world, "K5").denominator == 4
    assert {u: reason for u, (is_in, reason) in out_population(world, "K2", date(2025, 1, 1)).items()} == {
        "A": "在范围内",
        "B": "非煤炭主产区",
        "C": "非工矿企业",
        "D": "非大型",
        "E": "停产",
        "F": "未登记",
    }


def test_the_state_of_the_last_day_decides():
    """Large until 30 January: not large in January. In 2024-12 still large."""
    world = drawn(
        registry="unit_code|is_large|valid_from\nA|是|\nA|否|2025-01-31",
        rows="unit_code|month|tonnes\nA|2024-12|1\nA|2025-01|1",
    )
    assert one(world, "K2", 2024).denominator == 1
    assert one(world, "K2", 2025).denominator == 0


def test_the_coal_flag_has_both_ends_in():
    """Flagged from February to March: 10 + 100 of 1111 t."""
    declared = declared_with(coal_areas=[CoalArea(COAL_COUNTY, date(2025, 2, 1), date(2025, 3, 1), "演示")])
    rows = "unit_code|month|tonnes\nA|2025-01|1\nA|2025-02|10\nA|2025-03|100\nA|2025-04|1000"
    world = drawn(registry=UNIT_A, rows=rows, declared=declared)
    assert one(world, "K2").denominator == 110


def test_words_of_the_years():
    """2023 and 2024 show the gap and are not judged, 2026 has no target, no flag at all: 待认定."""
    rows = "unit_code|month|mode|tonnes"
    for year in (2023, 2024, 2025, 2026):
        rows += f"\nA|{year}-01|公路|100"
    world = drawn(registry=UNIT_A, rows=rows, as_of="2027-01-15")
    assert [one(world, "K2", y).verdict for y in (2023, 2024, 2025, 2026)] == [
        "未到考核年",
        "未到考核年",
        "未达标",
        "无目标",
    ]
    assert [one(world, "K2", y).gap for y in (2023, 2025, 2026)] == [90, 90, None]
    assert one(world, "K2", 2023).light is None
    assert one(world, "K2", 2025, 1).verdict == "落后"
    unruled = drawn_with_switch(replace(world, declared=declared_with()))
    assert [one(unruled, "K2", y).verdict for y in (2024, 2025, 2026)] == ["待认定", "待认定", "无目标"]
    assert [one(unruled, "K2_ALL", y).verdict for y in (2024, 2025)] == ["无目标", "无目标"]


def test_on_pace_before_december():
    world = drawn(registry=UNIT_A, spurs="user_code\nA", rows="unit_code|tonnes\nA|1")
    assert [one(world, "K3", 2025, through).verdict for through in (1, 11, 12)] == [
        "在进度上",
        "在进度上",
        "达标",
    ]


def test_spur_access_counts_from_the_month_after():
    """A spur opened on 15 February counts from March, one opened on 1 February from February."""
    rows = "unit_code|month|tonnes\nA|2025-01|1\nA|2025-02|10\nA|2025-03|100"
    for opened, next_month, same_month in (("2025-02-15", 100, 110), ("2025-02-01", 110, 110)):
        world = drawn(registry=UNIT_A, rows=rows, spurs=f"user_code|opened_on\nA|{opened}")
        assert one(world, "K3").denominator == next_month
        assert one(drawn_with_switch(world, spur_access_from="same_month"), "K3").denominator == same_month


def test_a_shared_line_and_its_end():
    """Use from 2 January (so February) to 30 March (so not March): 10 t of February only."""
    world = drawn(
        registry=UNIT_A,
        rows="unit_code|month|tonnes\nA|2025-01|1\nA|2025-02|10\nA|2025-03|100",
        spurs="user_code|relation|use_from|use_to\nA|共用|2025-01-02|2025-03-30",
    )
    assert one(world, "K3").denominator == 10
    assert [world.spur_word("A", date(2025, m, 1)) for m in (1, 2, 3)] == ["在建", "共用", "未建"]


def test_words_of_a_spur():
    world = drawn(
        registry="unit_code|exemption_basis\nA|\nB|\nC|\nD|纪要\nE|",
        spurs="""
        spur_code | user_code | state | relation | opened_on
        S1        | A         | 开通  | 租用     | 2020-01-01
        S2        | A         | 开通  | 共用     | 2020-01-01
        S3        | B         | 前期  | 自有     |
        S4        | C         | 停用  | 自有     | 2020-01-01
        S5        | E         | 开通  | 自有     | 2025-01-02
        """,
    )
    assert [world.spur_word(u, date(2025, 1, 1)) for u in "ABCDE"] == ["共用", "在建", "未建", "豁免", "在建"]


def test_k3_is_for_large_works_and_new_parks():
    """A large works, a new park: 1 + 10. K3_ALL takes the old park and the small works too: + 100 + 1000."""
    world = drawn(
        registry="""
        unit_code | kind     | is_large | is_new
        A         | 工矿企业 | 是       | 否
        B         | 物流园区 | 否       | 是
        C         | 物流园区 | 是       | 否
        D         | 工矿企业 | 否       | 是
        """,
        spurs="user_code\nA\nB\nC\nD",
        rows="unit_code|tonnes\nA|1\nB|10\nC|100\nD|1000",
    )
    assert (one(world, "K3").denominator, one(world, "K3_ALL").denominator) == (11, 1111)


def test_clean_and_boxed_shares():
    """C1: all but drayage is 1 + 2 + 4 + 8 + 16 + 128 + 256 = 415; the pipe is no part of C1's clean modes.

    So C1's part is rail 1 + 128 + 256, new-energy road 2, belt 4. C2: belt 4 of belt 4 + road 8, at 199.999.
    C3: 32 of 32 + 64. C4: of rail sent 1 + 128, the 1 in 敞顶箱. K6: boxed, 500 km or more: rail 1 of 1 + 2.
    """
    world = drawn(
        registry=UNIT_A,
        rows="""
        unit_code | mode           | direction | distance_km | loading | is_drayage | tonnes
        A         | 铁路           | 发运      | 500         | 敞顶箱  | 否         | 1
        A         | 公路（新能源） | 到达      | 500         | 集装箱  | 否         | 2
        A         | 皮带廊道       | 发运      | 199.999     | 散装    | 否         | 4
        A         | 公路           | 发运      | 199.999     | 散装    | 否         | 8
        A         | 管道           | 发运      | 200         | 散装    | 否         | 16
        A         | 公路（新能源） | 发运      | 40          | 散装    | 是         | 32
        A         | 公路           | 发运      | 40          | 敞顶箱  | 是         | 64
        A         | 铁路           | 发运      | 40          | 集装箱  | 否         | 128
        A         | 铁路           | 到达      | 40          | 敞顶箱  | 否         | 256
        """,
    )
    got = {i: (one(world, i).numerator, one(world, i).denominator) for i in ("C1", "C2", "C3", "C4", "K6")}
    assert got == {"C1": (391, 415), "C2": (4, 12), "C3": (32, 96), "C4": (1, 129), "K6": (1, 3)}
    assert {one(world, i).verdict for i in got} == {"无目标"}
    assert (one(world, "K6").reference, one(world, "C1").reference) == (F(1, 2), None)


def test_counted_once():
    """The receiver B leaves out the 60 of A, the park P the 5 that it loads for A: 60 + 40 + 7 stay.

    The 7 of B come from a unit that nobody registered, so nobody else counts them.
    """
    world = drawn(
        registry="""
        unit_code | kind     | due_from
        A         | 工矿企业 | 2025-01
        B         | 工矿企业 | 2025-01
        P         | 物流园区 |
        """,
        rows="""
        unit_code | direction | counterparty | tonnes
        A         | 发运      | B            | 60
        A         | 发运      |              | 40
        B         | 到达      | A公司        | 60
        B         | 到达      | 外省某厂     | 7
        P         | 发运      | A            | 5
        """,
        as_of="2025-02-15",
    )
    k5 = one(world, "K5", through=1)
    assert (k5.denominator, k5.left_out_tonnes) == (107, 65)
    own = {u: of(u, world, "K5", "enterprise", through=1) for u in "ABP"}
    assert [own[u].denominator for u in "ABP"] == [100, 67, 5]
    assert {r.left_out_tonnes for r in own.values()} == {None}


def test_counted_once_needs_an_other_end_that_is_due():
    """A is due only from February: B's receipt of January counts. B's own name as 对方单位 means nothing."""
    world = drawn(
        registry="unit_code|due_from\nA|2025-02\nB|2025-01",
        rows="unit_code|direction|counterparty|tonnes\nB|到达|A|60\nB|到达|B|7",
    )
    assert one(world, "K5").denominator == 67


def test_the_other_end_by_code_uscc_or_name():
    """A code names its unit; a uscc only where one unit has it; the name as it was in that month."""
    world = drawn(
        registry="""
        unit_code | uscc | name | valid_from
        A1        | G    | 甲   |
        A2        | G    | 乙   |
        B         | H    | 丙   |
        B         | H    | 丁   | 2025-02-01
        """,
    )
    january, february = date(2025, 1, 1), date(2025, 2, 1)
    assert [world.counterparty(january, text) for text in ("A1", "G", "H", "乙", "丙", "丁", "戊", None)] == [
        "A1", None, "B", "A2", "B", None, None, None,
    ]  # fmt: skip
    assert [world.counterparty(february, text) for text in ("丙", "丁")] == [None, "B"]


def test_a_uscc_that_a_second_unit_gets_later_names_neither():
    """G is one unit's until February; a receipt from G in January counts all the same, one from A1 does not."""
    world = drawn(
        registry="""
        unit_code | uscc | due_from | valid_from
        A1        | G    | 2025-01  |
        A2        | G    | 2025-01  | 2025-02-01
        B         | H    | 2025-01  |
        """,
        rows="unit_code|direction|counterparty|tonnes\nB|到达|G|60\nB|到达|A1|5",
        as_of="2025-03-15",
    )
    k5 = one(world, "K5", through=1)
    assert (k5.denominator, k5.left_out_tonnes) == (60, 5)


def test_corridor_and_distance_of_a_row():
    """Written, else 认定里程 in either order and under any name, else a station, the own end's first."""
    declared = declared_with(
        od_distances=[km("神池", "黄骅港", "朔黄", "588"), km("宁武", "宁武", "", "499.999")]
    )
    world = drawn(
        registry=UNIT_A,
        declared=declared,
        rows="""
        unit_code | direction | origin | destination | corridor | distance_km | tonnes
        A         | 发运      | 黄骅港 | 神池站      |          | 400         | 1
        A         | 发运      | 神池   | 黄骅港      | 京原     | 400         | 1
        A         | 到达      | 神池   | 宁武站      |          | 400         | 1
        A         | 到达      | 神池   | 某矿        |          | 400         | 1
        A         | 发运      | 某矿   | 某厂        |          | 400         | 1
        A         | 发运      | 宁武   | 宁武站      |          | 600         | 1
        """,
    )
    flows = world.flows("A", date(2025, 1, 1))
    assert [flow.corridor for flow in flows] == ["朔黄", "京原", "同蒲", "五岢", "其他", "同蒲"]
    assert [flow.distance_km for flow in flows] == [588, 588, 400, 400, 400, F("499.999")]


def test_groups_add_up_and_filters_choose():
    """A moves to the other county in February: 1 t there, 10 t here."""
    world = drawn(
        registry=f"unit_code|county_code|valid_from\nA|{COAL_COUNTY}|\nA|{OTHER_COUNTY}|2025-02-01",
        rows="""
        unit_code | month   | direction | commodity | corridor | tonnes
        A         | 2025-01 | 发运      | 煤炭      | 同蒲     | 1
        A         | 2025-02 | 到达      | 焦炭      | 朔黄     | 10
        """,
    )
    by_county = {r.object: r.denominator or 0 for r in indicators(world, 2025, 12, "county") if r.id == "K5"}
    assert len(by_county) == 16
    assert (by_county[COAL_COUNTY], by_county[OTHER_COUNTY], sum(by_county.values())) == (1, 10, 11)
    by_corridor = {
        r.object: r.denominator or 0 for r in indicators(world, 2025, 12, "corridor") if r.id == "K5"
    }
    assert len(by_corridor) == 12
    assert (by_corridor["同蒲"], by_corridor["朔黄"], sum(by_corridor.values())) == (1, 10, 11)
    assert one(world, "K5", direction="到达").denominator == 10
    assert one(world, "K5", commodity="煤炭").denominator == 1
    assert one(world, "K5", county=OTHER_COUNTY, corridor="同蒲").denominator == 0
    assert {r.object for r in indicators(world, 2025, 1, "enterprise", county=OTHER_COUNTY)} == set()
    assert {r.object for r in indicators(world, 2025, 2, "enterprise", county=OTHER_COUNTY)} == {"A"}
