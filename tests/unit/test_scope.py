"""Who looks: a Scope is a key, and what it may see below the city is asked of every query."""

from __future__ import annotations

from pathlib import Path

import pytest
from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, drawn
from oracle.published import snapshot_of

from etl.warehouse import evidence
from etl.warehouse.pages import Filters
from etl.warehouse.rows import behind
from etl.warehouse.scope import EVERYTHING, NotVisible, Role, Scope
from etl.warehouse.snapshot import Snapshot

YEAR = Filters(2025, 12)
COUNTY = Scope(Role.COUNTY, "宁武县", counties=frozenset({COAL_COUNTY}))
UNIT = Scope(Role.ENTERPRISE, "A公司", units=frozenset({"A"}))
OFFICE = Scope(Role.DEPARTMENT, "市发改委")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A and B in the coal county; C, D and E in another; 1, 10 and 100 t by rail, each with as much by road."""
    world = drawn(
        registry=f"""
        unit_code | county_code    | in_catalogue
        A         | {COAL_COUNTY}  | 是
        B         | {COAL_COUNTY}  | 是
        C         | {OTHER_COUNTY} | 是
        D         | {OTHER_COUNTY} | 是
        E         | {OTHER_COUNTY} | 是
        """,
        spurs="user_code\nA\nB\nC\nD\nE",
        rows="unit_code|mode|tonnes\n"
        + "\n".join(
            f"{unit}|{mode}|{tonnes}"
            for unit, tonnes in (("A", 1), ("B", 10), ("C", 100), ("D", 100), ("E", 100))
            for mode in ("铁路", "公路")
        ),
    )
    return snapshot_of(world, Path(tmp_path_factory.mktemp("scope")))


def objects(snapshot: Snapshot, scope: Scope, by: str, indicator: str = "K3", **filters: str) -> dict:
    """Object → denominator, of one indicator."""
    judged = evidence.indicators(snapshot, scope, Filters(2025, 12, **filters), by)
    return {
        j.subject.object: j.denominator for j in judged if j.subject.indicator == indicator and j.denominator
    }


def test_a_scope_is_a_key():
    again = Scope(Role.COUNTY, "宁武县", counties=frozenset([COAL_COUNTY]))
    assert (again, hash(again)) == (COUNTY, hash(COUNTY))
    assert len({COUNTY, again, UNIT, EVERYTHING}) == 3
    assert (EVERYTHING.sees_all, COUNTY.sees_all, UNIT.sees_all) == (True, False, False)
    assert (EVERYTHING.county_codes(), COUNTY.county_codes(), UNIT.unit_codes()) == (
        None,
        [COAL_COUNTY],
        ["A"],
    )


def test_an_empty_scope_sees_nothing_rather_than_all(snapshot: Snapshot):
    nobody = Scope(Role.ENTERPRISE, "无单位", units=frozenset())
    assert (nobody.sees_all, nobody.unit_codes()) == (False, [])
    assert objects(snapshot, nobody, "enterprise") == {}
    assert snapshot.units(nobody) == {}
    assert len(behind(snapshot, nobody, "K3", YEAR)) == 0


def test_city_figures_are_open_to_every_role(snapshot: Snapshot):
    for scope in (EVERYTHING, COUNTY, UNIT, OFFICE):
        assert objects(snapshot, scope, "city") == {"全市": 622}
        assert objects(snapshot, scope, "city", "K4") == {"全市": 5}


@pytest.mark.parametrize(
    ("scope", "units", "counties"),
    [
        (
            EVERYTHING,
            {"A": 2, "B": 20, "C": 200, "D": 200, "E": 200},
            {COAL_COUNTY: 22, OTHER_COUNTY: 600},
        ),
        # Three units of like size in the other county: its sum tells of none of them.
        (COUNTY, {"A": 2, "B": 20}, {COAL_COUNTY: 22, OTHER_COUNTY: 600}),
        (UNIT, {"A": 2}, {COAL_COUNTY: 2}),
    ],
)
def test_below_the_city_a_scope_sees_its_own(snapshot: Snapshot, scope: Scope, units: dict, counties: dict):
    assert objects(snapshot, scope, "enterprise") == units
    assert objects(snapshot, scope, "county") == counties
    assert set(snapshot.units(scope)) == set(units)
    assert sum(objects(snapshot, scope, "corridor").values()) == sum(units.values())
    assert objects(snapshot, scope, "enterprise", "K4").keys() == units.keys()


def test_who_sees_sums_only_sees_no_unit_and_no_sum_that_tells_of_one(snapshot: Snapshot):
    assert snapshot.units(OFFICE) == {}
    assert objects(snapshot, OFFICE, "enterprise") == {}
    assert objects(snapshot, OFFICE, "enterprise", "K4") == {}
    # Two units in the coal county: not shown, and with it the other, which would be the city less it.
    judged = evidence.shares(snapshot, OFFICE, ("K3",), YEAR, "county")
    assert [one.subject.object for one in judged if one.is_withheld] == [COAL_COUNTY, OTHER_COUNTY]
    assert not [one for one in judged if one.denominator or one.value or one.gap]
    assert len(behind(snapshot, OFFICE, "K3", YEAR)) == 0
    for chosen in (
        {"corridor": "其他"},
        {"commodity": "煤炭"},
        {"county": COAL_COUNTY},
        {"direction": "发运"},
    ):
        with pytest.raises(NotVisible, match="不按其他条件筛选"):
            objects(snapshot, OFFICE, "city", **chosen)


@pytest.mark.parametrize(("scope", "rows"), [(EVERYTHING, 10), (COUNTY, 4), (UNIT, 2)])
def test_the_rows_behind_a_number_are_the_scopes(snapshot: Snapshot, scope: Scope, rows: int):
    frame = behind(snapshot, scope, "K3", YEAR)
    assert len(frame) == rows
    assert len(behind(snapshot, scope, "K3", YEAR, unit="C")) == (2 if scope is EVERYTHING else 0)


def test_anothers_county_is_not_visible(snapshot: Snapshot):
    with pytest.raises(NotVisible, match="不能查看该县区"):
        objects(snapshot, COUNTY, "county", county=OTHER_COUNTY)
    with pytest.raises(NotVisible, match="不能查看该县区"):
        evidence.obligations(snapshot, COUNTY, Filters(2025, 12, county=OTHER_COUNTY), "city")
    assert objects(snapshot, COUNTY, "county", county=COAL_COUNTY) == {COAL_COUNTY: 22}


def test_an_enterprise_has_no_other_unit_behind_a_filter(snapshot: Snapshot):
    for chosen in (
        {"corridor": "其他"},
        {"commodity": "煤炭"},
        {"county": COAL_COUNTY},
        {"direction": "发运"},
    ):
        assert objects(snapshot, UNIT, "city", **chosen) == {"全市": 2}
    assert objects(snapshot, UNIT, "city", "K4", county=OTHER_COUNTY) == {}
    assert objects(snapshot, UNIT, "enterprise", county=OTHER_COUNTY) == {}
