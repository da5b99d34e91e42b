"""Missing, zero and amended returns by hand: what a gap in the returns can make of a share."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction as F

import pytest

from .drawn import drawn
from .test_oracle_shares import of, one

DUE = "unit_code | due_from\nA | 2025-01"


def test_missing_returns_of_last_years_month():
    """M = 50 of 2024-01: R 90, Q 100 in February; low 90/150 = 60 %, high 140/150: 90 % lies between."""
    world = drawn(
        registry=DUE,
        rows="""
        unit_code | month   | mode | tonnes
        A         | 2024-01 | 公路 | 50
        A         | 2025-02 | 铁路 | 90
        A         | 2025-02 | 公路 | 10
        """,
        as_of="2025-03-15",
    )
    k2 = one(world, "K2", through=2)
    assert (k2.value, k2.interval) == (F(9, 10), (F(60, 100), F(140, 150)))
    assert (k2.verdict, k2.light) == ("数据不足以判定", None)
    assert (k2.reports_expected, k2.reports_received, k2.unknown_units) == (2, 1, ())


def test_a_verdict_that_no_missing_return_can_change_stands():
    """Road 1000 in February, M = 50: high (0 + 50)/1050 < 90 %: 落后 either way."""
    world = drawn(
        registry=DUE,
        rows="unit_code|month|mode|tonnes\nA|2024-01|铁路|50\nA|2025-02|公路|1000",
        as_of="2025-03-15",
    )
    k2 = one(world, "K2", through=2)
    assert (k2.interval, k2.verdict) == ((0, F(50, 1050)), "落后")


def test_missing_returns_by_the_mean_of_the_year_before():
    """No 2024-03; of 2024-03 … 2025-02 two are accepted, 30 t and a zero return: M = (30 + 0)/2 = 15."""
    world = drawn(
        registry="unit_code | due_from\nA | 2025-03",
        rows="unit_code|month|mode|tonnes\nA|2024-02|公路|999\nA|2024-12|铁路|30",
        zero="A 2025-02",
        as_of="2025-04-15",
    )
    k2 = one(world, "K2", through=3)
    assert (k2.value, k2.denominator, k2.interval) == (None, 0, (0, 1))
    assert k2.verdict == "数据不足以判定"
    # With 15 t more on the road in January Q is 15, M the mean of 30, 0 and 15, which is 15 again.
    more = drawn(
        registry="unit_code | due_from\nA | 2025-03",
        rows="unit_code|month|mode|tonnes\nA|2024-12|铁路|30\nA|2025-01|公路|15",
        zero="A 2025-02",
        as_of="2025-04-15",
    )
    assert one(more, "K2", through=3).interval == (0, F(15, 30))


def test_missing_returns_by_the_approved_tonnes():
    """核定 1200 t a year: M = 100 for each of two months; nothing under a filter on rows."""
    world = drawn(
        registry="""
        unit_code | due_from | approved_tonnes
        A         | 2025-01  | 1200
        B         |          |
        """,
        rows="unit_code|month|tonnes\nB|2025-01|800",
        as_of="2025-03-15",
    )
    k2 = one(world, "K2", through=2)
    assert (k2.interval, k2.verdict) == ((F(800, 1000), 1), "数据不足以判定")
    filtered = one(world, "K2", through=2, direction="发运")
    assert (filtered.interval, filtered.unknown_units) == ((1, 1), ("A",))
    # Under a filter only units with such rows are expected; A never had any.
    assert (k2.reports_expected, filtered.reports_expected) == (2, 0)
    assert (of("A", world, "K2", "enterprise", through=2).unknown_units) == ()


def test_missing_returns_of_a_unit_that_never_reported():
    """The unit's own interval is [0, 1]; the city leaves it out, counts it, and keeps its verdict."""
    world = drawn(
        registry="unit_code | due_from\nA | 2025-01\nB |",
        rows="unit_code|month|tonnes\nB|2025-01|800",
        as_of="2025-02-15",
    )
    own = of("A", world, "K2", "enterprise", through=1)
    assert (own.interval, own.verdict, own.unknown_units) == ((0, 1), "数据不足以判定", ("A",))
    city = one(world, "K2", through=1)
    assert (city.interval, city.verdict, city.unknown_units) == ((1, 1), "在进度上", ("A",))


def test_a_missing_return_is_not_an_empty_denominator():
    """Q = 0 and M = 0 known from last year: 数据不足以判定, not 无适用运量."""
    world = drawn(registry=DUE, zero="A 2024-01", as_of="2025-02-15")
    k2 = one(world, "K2", through=1)
    assert (k2.value, k2.interval, k2.verdict) == (None, (0, 1), "数据不足以判定")


def test_a_zero_return_is_a_return():
    world = drawn(registry=DUE, zero="A 2025-01", as_of="2025-02-15")
    k2 = one(world, "K2", through=1)
    assert (k2.reports_expected, k2.reports_received, k2.verdict) == (1, 1, "无适用运量")


def test_an_amended_return_counts_from_its_day():
    """Version 2, accepted on 1 March, replaces the month as a whole; the day before, version 1 stands."""
    world = drawn(
        registry=DUE,
        rows="""
        unit_code | version | accepted_on | mode | tonnes
        A         | 1       | 2025-02-08  | 铁路 | 5
        A         | 1       | 2025-02-08  | 公路 | 5
        A         | 2       | 2025-03-01  | 铁路 | 9
        """,
        as_of="2025-02-28",
    )
    assert one(world, "K2", through=1).denominator == 10
    assert one(replace(world, as_of=date(2025, 3, 1)), "K2", through=1).denominator == 9
    assert one(replace(world, as_of=date(2025, 2, 7)), "K2", through=1).verdict == "数据不足以判定"


@pytest.mark.parametrize(
    ("due_from", "due_to", "state", "as_of", "expected"),
    [
        ("2025-01", "", "正常", "2025-04-01", [1, 2, 3]),
        ("2025-02", "2025-02", "正常", "2025-04-01", [2]),
        ("", "", "正常", "2025-04-01", []),
        ("2025-01", "", "停产", "2025-04-01", []),
        # On 31 March the month of March is not over.
        ("2025-01", "", "正常", "2025-03-31", [1, 2]),
    ],
)
def test_what_is_expected(due_from: str, due_to: str, state: str, as_of: str, expected: list[int]):
    world = drawn(
        registry=f"unit_code|due_from|due_to|production_state\nA|{due_from}|{due_to}|{state}", as_of=as_of
    )
    assert [m for m in range(1, 6) if world.is_expected("A", date(2025, m, 1))] == expected


def test_a_stop_in_production_is_no_missing_return():
    """停产 from 10 February: January is missing, February counts as nothing, with what it returned."""
    world = drawn(
        registry="""
        unit_code | due_from | production_state | valid_from
        A         | 2025-01  | 正常             |
        A         | 2025-01  | 停产             | 2025-02-10
        """,
        rows="unit_code|month|tonnes\nA|2024-01|20\nA|2025-02|7",
        as_of="2025-03-15",
    )
    k2 = one(world, "K2", through=2)
    assert (k2.denominator, k2.reports_expected, k2.interval) == (0, 1, (0, 1))


def test_missing_tonnes_take_the_goods_whatever_the_unit_was_then():
    """Not large last year, large now: M is last year's coal, 40 t of 40 + 60."""
    world = drawn(
        registry="""
        unit_code | due_from | is_large | valid_from
        A         | 2025-01  | 否       |
        A         | 2025-01  | 是       | 2025-01-01
        """,
        rows="unit_code|month|mode|tonnes\nA|2024-01|公路|40\nA|2025-02|铁路|60",
        as_of="2025-03-15",
    )
    assert one(world, "K2", through=2).interval == (F(60, 100), 1)
    # While it was no member, its missing months carry nothing.
    assert one(world, "K2", 2024).denominator == 0


def test_missing_tonnes_obey_filters_and_count_once():
    """Last year's January: 30 on 朔黄, 20 on 同蒲, and 10 received from B, who counts them."""
    world = drawn(
        registry="unit_code | due_from\nA | 2025-01\nB | 2024-01",
        rows="""
        unit_code | month   | direction | counterparty | corridor | tonnes
        A         | 2024-01 | 发运      |              | 朔黄     | 30
        A         | 2024-01 | 发运      |              | 同蒲     | 20
        A         | 2024-01 | 到达      | B            | 同蒲     | 10
        B         | 2025-01 | 发运      |              | 同蒲     | 100
        """,
        as_of="2025-02-15",
    )
    # All on rail: high is 1; low is R ÷ (Q + M).
    assert one(world, "K5", through=1).interval == (F(100, 150), 1)
    assert one(world, "K5", through=1, corridor="同蒲").interval == (F(100, 120), 1)
    assert of("同蒲", world, "K5", "corridor", through=1).interval == (F(100, 120), 1)
    assert of("朔黄", world, "K5", "corridor", through=1).interval == (0, 1)
    assert of("朔黄", world, "K5", "corridor", through=1).reports_expected == 1
