"""K4 by hand: the bound of 150 万吨, parks, the catalogue, what missing returns leave open."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction as F

import pytest

from .drawn import COAL_COUNTY, OTHER_COUNTY, drawn
from .test_oracle_shares import of, one


@pytest.mark.parametrize(("tonnes", "is_obliged"), [("1500000", True), ("1499999.999", False)])
def test_150_is_inside(tonnes: str, is_obliged: bool):
    """Through November 2025 the year 2024 counts: bulk in and out, every mode, without drayage."""
    rest = Decimal(tonnes) - 1_000_000
    world = drawn(
        registry="unit_code\nA",
        rows=f"""
        unit_code | month   | direction | mode     | commodity | is_drayage | tonnes
        A         | 2024-03 | 发运      | 皮带廊道 | 煤炭      | 否         | {rest}
        A         | 2024-04 | 到达      | 公路     | 金属矿石  | 否         | 1000000
        A         | 2024-05 | 发运      | 公路     | 煤炭      | 是         | 9000000
        A         | 2024-05 | 发运      | 公路     | 化工品    | 否         | 9000000
        A         | 2025-05 | 发运      | 公路     | 煤炭      | 否         | 9000000
        """,
    )
    own = of("A", world, "K4", "enterprise", 2025, 11)
    assert (own.value, own.obliged, own.spur) == (F(tonnes), is_obliged, "未建")
    assert own.verdict == ("落后" if is_obliged else "无义务")
    # Through December the year itself counts: 900 万吨.
    own = of("A", world, "K4", "enterprise", 2025, 12)
    assert (own.value, own.obliged, own.verdict, own.light) == (9_000_000, True, "未达标", "红")
    assert of("A", world, "K4", "enterprise", 2026, 12).verdict == "无目标"


@pytest.mark.parametrize(
    ("kind", "tonnes", "is_obliged"), [("工矿企业", 2_000_000, True), ("物流园区", 1_200_000, False)]
)
def test_a_park_counts_its_larger_direction(kind: str, tonnes: int, is_obliged: bool):
    """Out 120 万吨, in 80 万吨: a works has 200, a park 120."""
    world = drawn(
        registry=f"unit_code|kind|is_large|is_new\nA|{kind}|是|是",
        rows="unit_code|direction|tonnes\nA|发运|1200000\nA|到达|800000",
    )
    own = of("A", world, "K4", "enterprise")
    assert (own.value, own.obliged) == (tonnes, is_obliged)


def test_who_is_obliged_and_who_has_access():
    """A, B, C obliged: A has access, B builds, C is exempt. D not listed, E not large, F stopped."""
    world = drawn(
        registry=f"""
        unit_code | in_catalogue | exemption_basis | is_large | production_state | county_code
        A         | 是           |                 | 是       | 正常             | {COAL_COUNTY}
        B         | 是           |                 | 是       | 正常             | {COAL_COUNTY}
        C         | 是           | 纪要            | 是       | 正常             | {OTHER_COUNTY}
        D         | 否           |                 | 是       | 正常             | {COAL_COUNTY}
        E         |              |                 | 否       | 正常             | {COAL_COUNTY}
        F         | 是           |                 | 是       | 停产             | {COAL_COUNTY}
        """,
        spurs="user_code|state\nA|开通\nB|在建",
        rows="unit_code|tonnes\nD|9000000\nE|9000000",
    )
    city = one(world, "K4")
    assert (city.numerator, city.denominator, city.value, city.exempt) == (1, 3, F(1, 3), 1)
    assert (city.verdict, city.gap, city.interval, city.light) == ("未达标", 2, (F(1, 3), F(1, 3)), "红")
    assert of(COAL_COUNTY, world, "K4", "county").value == F(1, 2)
    assert of(OTHER_COUNTY, world, "K4", "county").value == 0
    own = {u: of(u, world, "K4", "enterprise") for u in "ABCDEF"}
    assert [own[u].verdict for u in "ABCDEF"] == ["达标", "未达标", "未达标", "无义务", "无义务", "无义务"]
    assert [own[u].spur for u in "ABC"] == ["自有", "在建", "豁免"]
    assert own["D"].value == 9_000_000


def test_a_spur_that_opens_in_december():
    """Opened on 2 December: access from January, so not by the end of 2025."""
    world = drawn(
        registry="unit_code|in_catalogue\nA|是\nB|是",
        spurs="user_code|opened_on\nA|2025-12-02\nB|2025-12-01",
    )
    assert [of(u, world, "K4", "enterprise").verdict for u in "AB"] == ["未达标", "达标"]
    assert of("A", world, "K4", "enterprise").spur == "在建"


@pytest.mark.parametrize(
    ("last_year", "obliged", "verdict"),
    [("99999.999", False, "无义务"), ("100000", None, "数据不足以判定")],
)
def test_what_a_missing_return_could_lift(last_year: str, obliged: bool | None, verdict: str):
    """Known 140 万吨, December missing: it could add what December 2024 had, 10 万吨 or a kilogram less."""
    world = drawn(
        registry="unit_code | due_from\nA | 2025-12",
        rows=f"unit_code|month|tonnes\nA|2024-12|{last_year}\nA|2025-01|1400000",
    )
    own = of("A", world, "K4", "enterprise")
    assert (own.obliged, own.verdict) == (obliged, verdict)
    assert own.interval == (1_400_000, 1_400_000 + F(last_year))
    assert (own.reports_expected, own.reports_received) == (1, 0)
    city = one(world, "K4")
    assert (city.denominator, city.value) == (0, None)
    assert city.verdict == ("无适用运量" if obliged is False else "数据不足以判定")


def test_approved_tonnes_of_a_park_are_its_larger_direction():
    """A park never returned: 12 × 150 万吨 ÷ 12 reach the bound, once and not for both directions."""
    park = "unit_code|kind|is_new|due_from|approved_tonnes\nP|物流园区|是|2025-01|{}"
    assert of("P", drawn(registry=park.format("1500000")), "K4", "enterprise").obliged is None
    below = of("P", drawn(registry=park.format("1499999.999")), "K4", "enterprise")
    assert (below.obliged, below.interval) == (False, (0, F("1499999.999")))
    # Without them it is unknown, and nobody can tell.
    unknown = of("P", drawn(registry=park.format("")), "K4", "enterprise")
    assert (unknown.obliged, unknown.unknown_units, unknown.interval) == (None, ("P",), (0, None))


def test_the_undetermined_move_the_interval():
    """A obliged with access. U has no access, V has: worst 1/2, best 2/2; the ratio itself is 1/1."""
    world = drawn(
        registry="""
        unit_code | in_catalogue | due_from
        A         | 是           |
        U         |              | 2025-01
        V         |              | 2025-01
        """,
        spurs="user_code\nA\nV",
    )
    city = one(world, "K4")
    assert (city.value, city.interval, city.verdict) == (1, (F(1, 2), 1), "数据不足以判定")
    assert city.undetermined_units == city.unknown_units == ("U", "V")
    assert (city.reports_expected, city.reports_received) == (24, 0)


def test_tonnes_of_a_stop_are_left_out():
    """停产 until June: the 100 万吨 of May count as nothing, the 60 of July count."""
    world = drawn(
        registry="unit_code|production_state|valid_from\nA|停产|\nA|正常|2025-06-15",
        rows="unit_code|month|tonnes\nA|2025-05|1000000\nA|2025-07|600000",
    )
    own = of("A", world, "K4", "enterprise")
    assert (own.value, own.obliged) == (600_000, False)


def test_a_unit_is_missing_its_own_returns_wherever_it_was_then():
    """A moved in July and lacks March: 137.5 万吨 known, 12.5 万吨 of last March could make it 150.

    Seen through the county that it is in at the end of the year, the missing month is still its own.
    """
    rows = "unit_code|month|tonnes\nA|2024-03|125000"
    rows += "".join(f"\nA|2025-{month:02}|125000" for month in range(1, 13) if month != 3)
    world = drawn(
        registry=f"""
        unit_code | county_code    | due_from | valid_from
        A         | {COAL_COUNTY}  | 2025-01  |
        A         | {OTHER_COUNTY} | 2025-01  | 2025-07-01
        """,
        rows=rows,
    )
    for own in (
        of("A", world, "K4", "enterprise"),
        of("A", world, "K4", "enterprise", county=OTHER_COUNTY),
    ):
        assert (own.obliged, own.interval) == (None, (1_375_000, 1_500_000))
    assert one(world, "K4", county=OTHER_COUNTY).verdict == "数据不足以判定"
