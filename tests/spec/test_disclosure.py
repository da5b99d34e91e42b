"""Which sums a page gives to whom: what a limited reader can subtract over places and months is in none of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from oracle.drawn import drawn
from oracle.published import snapshot_of

from etl import wording
from etl.warehouse import corridors, disclosure, evidence, overview
from etl.warehouse.pages import Filters, Table
from etl.warehouse.scope import EVERYTHING, NotVisible, Role, Scope
from etl.warehouse.snapshot import Snapshot

A, B, C = "140925", "140931", "140981"
AREA = "全市"
OFFICE = Scope(Role.DEPARTMENT, "市发改委")
RAILWAY = Scope(Role.RAILWAY, "原平车务段")
AUGUST = date(2025, 8, 1)


@dataclass(frozen=True)
class Unit:
    code: str
    county: str
    corridor: str
    rail: int
    road: int
    months: range = range(1, 13)


# Four of like size in A and in B each, and one of A that stops after July, one of C from August on.
UNITS = [
    *(Unit(f"A{i}", A, "朔黄", 8000 + 17 * i, 2000 + 13 * i) for i in range(2)),
    Unit("A9", A, "朔黄", 8191, 2113, range(1, 8)),
    *(Unit(f"B{i}", B, "同蒲", 7000 + 19 * i, 3000 + 23 * i) for i in range(4)),
    *(Unit(f"C{i}", C, "同蒲", 6000 + 29 * i, 2000 + 31 * i) for i in range(5)),
]


def city(units: list[Unit], tmp_path: Path) -> Snapshot:
    rows = "\n".join(
        f"{one.code} | 2025-{month:02d} | {mode} | {tonnes * (100 + month)} | {one.corridor}"
        for one in units
        for month in one.months
        for mode, tonnes in (("铁路", one.rail), ("公路", one.road))
    )
    world = drawn(
        registry="unit_code | county_code | due_from\n"
        + "\n".join(f"{u.code} | {u.county} | 2025-01" for u in units),
        spurs="user_code\n" + "\n".join(one.code for one in units),
        rows=f"unit_code | month | mode | tonnes | corridor\n{rows}",
    )
    return snapshot_of(world, tmp_path)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return city(UNITS, tmp_path_factory.mktemp("city"))


def withheld(snapshot: Snapshot, scope: Scope, by: str, through: int) -> set[str]:
    judged = evidence.shares(snapshot, scope, ("K3",), Filters(2025, through), by)
    return {one.subject.object for one in judged if one.is_withheld}


def test_a_county_goes_with_the_first_month_of_two_units_and_stays_gone(snapshot: Snapshot):
    """In August A has two units left. Its year up to August would be August, less that up to July."""
    assert withheld(snapshot, OFFICE, "county", 7) == set()
    # With A goes the smaller of the others, or A would be the city less the two.
    assert withheld(snapshot, OFFICE, "county", 8) == {A, B}
    assert withheld(snapshot, OFFICE, "county", 12) == {A, B}
    assert withheld(snapshot, EVERYTHING, "county", 12) == set()


def test_a_corridor_that_is_one_countys_goes_with_it(snapshot: Snapshot):
    """朔黄 is all of A's and nobody else's, so it would be A under another name; 同蒲 the city less that."""
    assert withheld(snapshot, OFFICE, "corridor", 7) == set()
    assert withheld(snapshot, RAILWAY, "corridor", 8) == {"朔黄", "同蒲"}


def test_a_month_of_two_units_is_in_no_line_of_months(snapshot: Snapshot, tmp_path: Path):
    """The city's own months: from the first of them that two units alone make, the year stops."""
    few = city(
        [Unit(f"U{i}", A, "朔黄", 8000 + i, 2000 + i, range(1, 13 if i < 2 else 5)) for i in range(5)],
        tmp_path,
    )
    spark = next(
        card for card in overview.read(few, OFFICE, Filters(2025, 12)).cards if card.indicator == "K3"
    ).spark
    told = {month.month: value for month, value in spark if month.year == 2025}
    assert [month for month, value in told.items() if value is not None] == [1, 2, 3, 4]
    assert [one.is_withheld for one in evidence.shares(few, OFFICE, ("K3",), Filters(2025, 4), "city")] == [
        False
    ]
    assert [one.is_withheld for one in evidence.shares(few, OFFICE, ("K3",), Filters(2025, 5), "city")] == [
        True
    ]
    assert disclosure.is_public(few, "K3", date(2025, 1, 1), date(2025, 4, 1))
    assert not disclosure.is_public(few, "K3", date(2025, 1, 1), date(2025, 5, 1))
    assert [
        one.is_withheld for one in evidence.shares(few, EVERYTHING, ("K3",), Filters(2025, 5), "city")
    ] == [False]


def test_a_county_sees_its_own_and_of_the_others_what_tells_of_none(snapshot: Snapshot):
    own = Scope(Role.COUNTY, "宁武县", counties=frozenset({A}))
    # Whoever is A knows A: B and C are sums of four and five.
    assert withheld(snapshot, own, "county", 12) == set()
    other = Scope(Role.COUNTY, "县C", counties=frozenset({C}))
    # Whoever is C is left with A and B, so that A is not shown and with it B, and the city, of which C knows the rest.
    assert withheld(snapshot, other, "county", 7) == set()
    assert withheld(snapshot, other, "county", 8) == {A, B}


def test_an_enterprise_of_all_but_one_does_not_see_the_city(tmp_path: Path):
    """The city less its own would be the other one; with two others it is a sum."""
    units = [Unit(f"U{i}", A, "朔黄", 8000 + i, 2000 + i) for i in range(4)]
    snapshot = city(units, tmp_path)

    def sees(*own: str) -> bool:
        scope = Scope(Role.ENTERPRISE, "集团", units=frozenset(own))
        return not withheld(snapshot, scope, "city", 12)

    assert sees("U0")
    assert sees("U0", "U1")
    assert not sees("U0", "U1", "U2")


# ---------------------------------------------------------------------------------------------- the pages


def cells(table: Table) -> dict[str, dict[str, Any]]:
    return {row[next(iter(row))]: row for row in table.frame.to_dict("records")}


def test_what_is_withheld_has_its_word_and_no_number_on_the_pages(snapshot: Snapshot):
    page = overview.read(snapshot, OFFICE, Filters(2025, 12))
    assert [row.word for row in page.counties.rows] == [wording.WITHHELD, wording.WITHHELD, "未达到目标"]
    assert [row.gap is None and row.share_text == wording.NONE for row in page.counties.rows] == [
        True,
        True,
        False,
    ]
    told = cells(page.counties.table)
    name = snapshot.counties[A]
    assert {value for column, value in told[name].items() if column not in ("县区", "结论")} == {None}
    assert told[name]["结论"] == wording.WITHHELD
    # Nor is what missing returns would add, or what was left out, told of a sum that is shown.
    shown = told[snapshot.counties[C]]
    assert (shown["占比下限%"], shown["占比上限%"], shown["对流扣除万吨"]) == (None, None, None)
    assert page.units.is_withheld
    assert not page.units.rows
    assert not page.units.table.frame.size
    lines = corridors.read(snapshot, RAILWAY, Filters(2025, 12))
    assert {row.word for row in lines.k3.rows} == {wording.WITHHELD}
    assert (lines.tonnes, lines.months, lines.month_table.frame.size) == (None, {}, 0)
    assert wording.WITHHELD in lines.sentence


def test_no_page_of_sums_holds_a_units_name_code_or_tonnes(snapshot: Snapshot):
    for through in (7, 8, 12):
        filters = Filters(2025, through)
        for scope in (OFFICE, RAILWAY):
            told = repr((overview.read(snapshot, scope, filters), corridors.read(snapshot, scope, filters)))
            for one in UNITS:
                months = [month for month in one.months if month <= through]
                tonnes = sum(one.rail * (100 + month) for month in months)
                assert f"{one.code}公司" not in told
                assert f"'{one.code}'" not in told
                assert f"Fraction({tonnes}, 1)" not in told


def test_sums_are_not_narrowed_for_who_sees_sums_only(snapshot: Snapshot):
    for narrowed in ({"county": A}, {"corridor": "朔黄"}, {"commodity": "煤炭"}, {"direction": "发运"}):
        for read in (overview.read, corridors.read):
            if read is corridors.read and "corridor" in narrowed:
                continue
            with pytest.raises(NotVisible, match="不按其他条件筛选"):
                read(snapshot, OFFICE, Filters(2025, 12, **narrowed))
