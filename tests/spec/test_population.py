"""Who is in the population of an indicator, month by month, and why not: drawn so that anybody can check it.

Columns that are not drawn: a large 工矿企业 in the coal county, 正常, without a spur. The reason is the first
condition that fails, in the order of the clause.
"""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pytest
from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, declared_with, drawn
from oracle.oracle import out_population
from oracle.populations import SHARES
from oracle.published import snapshot_of
from oracle.world import World

from etl.reference import CoalArea

IN = "在考核范围"
Found = dict[tuple[str, str], tuple[bool, str]]


def population(world: World, indicator: str) -> Found:
    """(unit, month) → member or not, reason."""
    with tempfile.TemporaryDirectory() as folder:
        connection = snapshot_of(world, Path(folder))._connection.cursor()
        rows = connection.execute(
            "select unit_code, strftime(month, '%Y-%m'), is_member, reason from out_population where indicator = ?",
            [indicator],
        ).fetchall()
    return {(unit, month): (is_member, reason) for unit, month, is_member, reason in rows}


def reasons(found: Found, month: str = "2025-01") -> dict[str, str]:
    """Unit → reason in one month; the flag says the same as the words."""
    assert all(is_member == (reason == IN) for is_member, reason in found.values())
    return {unit: reason for (unit, of), (_, reason) in found.items() if of == month}


UNITS = f"""
unit_code | kind     | is_large | is_new | county_code    | production_state
A         | 工矿企业 | 是       | 否     | {COAL_COUNTY}  | 正常
B         | 工矿企业 | 否       | 否     | {COAL_COUNTY}  | 正常
C         | 工矿企业 | 是       | 否     | {OTHER_COUNTY} | 正常
D         | 物流园区 | 是       | 是     | {COAL_COUNTY}  | 正常
E         | 物流园区 | 是       | 否     | {COAL_COUNTY}  | 正常
F         | 工矿企业 | 是       | 否     | {COAL_COUNTY}  | 停产
G         | 工矿企业 | 否       | 是     | {OTHER_COUNTY} | 正常
"""
# A month begins to exist with the first thing known of it.
FROM_JANUARY = "month|value\n2025-01|1800"
WITH_SPUR = "user_code\nA\nB\nD\nE\nF"

SMALL, ELSEWHERE, PARK = "未列入大型工矿企业名录", "所在县区未认定为煤炭主产区", "非工矿企业"
OTHER, NO_SPUR, STOPPED = "非大型工矿企业或新建物流园区", "当月未接入专用线", "停产"

# The reason of each unit from A to G.
CASES = {
    "K2": (IN, SMALL, ELSEWHERE, PARK, PARK, STOPPED, SMALL),
    "K2_ALL": (IN, SMALL, IN, PARK, PARK, STOPPED, SMALL),
    "K3": (IN, OTHER, NO_SPUR, IN, OTHER, STOPPED, OTHER),
    "K3_BELT": (IN, OTHER, NO_SPUR, IN, OTHER, STOPPED, OTHER),
    "K3_ALL": (IN, IN, NO_SPUR, IN, IN, STOPPED, NO_SPUR),
    "K5": (IN, IN, IN, IN, IN, STOPPED, IN),
    "K6": (IN, IN, IN, IN, IN, STOPPED, IN),
    "C1": (IN, IN, IN, IN, IN, STOPPED, IN),
    "C2": (IN, IN, IN, IN, IN, STOPPED, IN),
    "C3": (IN, IN, IN, IN, IN, STOPPED, IN),
    "C4": (IN, IN, IN, IN, IN, STOPPED, IN),
}


def test_every_share_is_drawn():
    assert set(CASES) == set(SHARES)


@pytest.mark.parametrize("indicator", CASES)
def test_who_is_in_and_why_not(indicator: str):
    world = drawn(registry=UNITS, spurs=WITH_SPUR, official=FROM_JANUARY)
    assert reasons(population(world, indicator)) == dict(zip("ABCDEFG", CASES[indicator], strict=True))


@pytest.mark.parametrize("indicator", sorted(SHARES))
def test_the_oracle_has_the_same_members(indicator: str):
    """Month by month, with changes of state, of county, of spur and of flag in between."""
    world = drawn(
        registry=f"""
        unit_code | kind     | is_large | is_new | county_code    | production_state | valid_from
        A         | 工矿企业 | 是       | 否     | {COAL_COUNTY}  | 正常             |
        A         | 工矿企业 | 是       | 否     | {OTHER_COUNTY} | 正常             | 2025-03-31
        B         | 工矿企业 | 否       | 否     | {COAL_COUNTY}  | 正常             | 2025-02-28
        B         | 工矿企业 | 是       | 否     | {COAL_COUNTY}  | 正常             | 2025-04-15
        B         | 工矿企业 | 是       | 否     | {COAL_COUNTY}  | 停产             | 2025-05-31
        D         | 物流园区 | 否       | 是     | {COAL_COUNTY}  | 正常             |
        """,
        spurs="""
        user_code | opened_on  | use_from   | use_to
        A         | 2025-02-01 |            |
        B         | 2020-01-01 |            | 2025-04-29
        D         | 2020-01-01 | 2025-03-02 |
        """,
        official=FROM_JANUARY,
        as_of="2025-07-01",
        declared=declared_with(coal_areas=[CoalArea(COAL_COUNTY, None, None, "演示")]),
    )
    found = population(world, indicator)
    months = sorted({month for _, month in found})
    assert months == [f"2025-{number:02}" for number in range(1, 8)]
    for month in months:
        day = world.as_of.replace(month=int(month[5:]))
        seen = out_population(world, indicator, day)
        registered = {unit for unit, (_, reason) in seen.items() if reason != "未登记"}
        assert {unit for unit, of in found if of == month} == registered
        assert {unit: found[unit, month][0] for unit in registered} == {u: seen[u][0] for u in registered}


def test_a_unit_is_what_it_is_on_the_last_day_of_the_month():
    """Large until 30 March; the spur opens on 2 March, so it counts from April; production stops on 31 May."""
    world = drawn(
        registry="""
        unit_code | is_large | production_state | valid_from
        A         | 否       | 正常             |
        A         | 是       | 正常             | 2025-03-31
        A         | 是       | 停产             | 2025-05-31
        """,
        spurs="user_code|opened_on\nA|2025-03-02",
        official="month|value\n2025-02|1800",
        as_of="2025-06-01",
    )
    found = population(world, "K3")
    assert [found["A", f"2025-0{number}"][1] for number in (2, 3, 4, 5)] == [
        "非大型工矿企业或新建物流园区", "当月未接入专用线", IN, "停产",
    ]  # fmt: skip


def test_the_coal_flag_holds_from_its_first_to_its_last_month():
    flag = CoalArea(COAL_COUNTY, date(2025, 2, 1), date(2025, 3, 1), "演示")
    world = drawn(
        registry="unit_code\nA",
        official=FROM_JANUARY,
        as_of="2025-05-01",
        declared=declared_with(coal_areas=[flag]),
    )
    found = population(world, "K2")
    assert [found["A", f"2025-0{number}"][0] for number in (1, 2, 3, 4)] == [False, True, True, False]


def test_a_unit_is_in_no_population_before_it_is_registered():
    world = drawn(
        registry="unit_code|valid_from\nA|2025-03-01",
        official=FROM_JANUARY,
        as_of="2025-05-01",
    )
    assert sorted(month for _, month in population(world, "K5")) == ["2025-03", "2025-04", "2025-05"]
