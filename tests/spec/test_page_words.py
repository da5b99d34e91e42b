"""What the pages say: whose figures, no verdict where none stands, never a 0 for what is not 0."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from oracle.drawn import COAL_COUNTY, OTHER_COUNTY, drawn
from oracle.published import inputs_of, snapshot_of
from oracle.world import World

from etl import wording
from etl.warehouse import corridors, enterprises, overview, reporting
from etl.warehouse.build import build
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING, Role, Scope
from etl.warehouse.snapshot import Snapshot

YEAR = Filters(2025, 12)
SPUR = "user_code | opened_on\nA | 2020-01-01"
MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]


def city_of(*, rail: str = "80", road: str = "20", months: list[str] = MONTHS, moves: str = "") -> World:
    """One large mine with a spur; each month the same tonnes. `moves`: its second registry row."""
    lines = [
        f"A | {month} | {mode} | {tonnes}"
        for month in months
        for mode, tonnes in (("铁路", rail), ("公路", road))
    ]
    return drawn(
        registry=f"unit_code | county_code | due_from | valid_from\nA | {COAL_COUNTY} | 2025-01 |\n{moves}",
        spurs=SPUR,
        rows="unit_code | month | mode | tonnes\n" + "\n".join(lines),
    )


def county(code: str) -> Scope:
    return Scope(Role.COUNTY, f"县{code}", counties=frozenset({code}))


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The mine lies in another county from July on."""
    world = city_of(moves=f"A | {OTHER_COUNTY} | 2025-01 | 2025-07-01")
    return snapshot_of(world, tmp_path_factory.mktemp("moved"))


@pytest.mark.parametrize("code", [COAL_COUNTY, OTHER_COUNTY])
def test_both_counties_of_a_unit_that_moved_see_its_page_and_its_whole_year(moved: Snapshot, code: str):
    scope = county(code)
    assert [name for _, name in reporting.read(moved, scope, YEAR).units] == ["A公司"]
    assert enterprises.read(moved, scope, Filters(2025, 3)).head.period == "2025年1—3月"
    one = enterprises.read_one(moved, scope, YEAR, "A")
    assert "占比80.0%，达到80%目标" in one.sentence
    assert len(enterprises.read_rows(moved, scope, YEAR, "A").frame) == 24


def test_an_incomplete_share_is_not_among_those_that_reach_the_target(tmp_path: Path):
    """Eleven months at 80 %, December missing: 73 % to 82 %, so nothing is said of the target."""
    snapshot = snapshot_of(city_of(months=MONTHS[:-1]), tmp_path)
    units = enterprises.read(snapshot, EVERYTHING, YEAR)
    assert units.k3.sentence == "有1家数据尚不完整，暂不评价。"
    assert "均达到" not in corridors.read(snapshot, EVERYTHING, YEAR).sentence
    first = overview.read(snapshot, EVERYTHING, YEAR)
    assert first.counties.sentence == "有1个数据尚不完整，暂不评价。"
    assert "暂不评价" in first.sentence


def test_a_year_with_a_target_but_without_goods_says_so(moved: Snapshot):
    grain = replace(YEAR, commodity="粮食")
    assert "本期无考核范围内运量" in corridors.read(moved, EVERYTHING, grain).sentence
    assert "本期无考核范围内运量" in enterprises.read(moved, EVERYTHING, grain).sentence
    assert "方案未设该年度目标" in enterprises.read(moved, EVERYTHING, Filters(2026, 1)).sentence


def test_the_head_says_whose_figures_a_narrowed_page_shows(moved: Snapshot):
    coal = replace(YEAR, commodity="煤炭")
    assert overview.read(moved, county(COAL_COUNTY), coal).head.scope == f"县{COAL_COUNTY}　煤炭"
    own = overview.read(moved, county(COAL_COUNTY), YEAR)
    assert own.head.scope == "全市"
    assert "仅" not in own.counties.note
    assert f"仅县{COAL_COUNTY}" in own.corridors.note
    assert "仅" not in overview.read(moved, EVERYTHING, YEAR).counties.note
    assert overview.read(moved, EVERYTHING, coal).head.scope == "全市　煤炭"
    assert corridors.read(moved, county(COAL_COUNTY), YEAR).head.scope == f"县{COAL_COUNTY}"
    assert enterprises.read(moved, EVERYTHING, YEAR).head.scope == "全市"


def test_january_and_february_are_compared_with_the_year_before(moved: Snapshot):
    lines = overview.read(moved, EVERYTHING, Filters(2025, 2)).changes
    assert not [line for line in lines if "比1月" in line]
    assert [
        line for line in overview.read(moved, EVERYTHING, Filters(2025, 3)).changes if "比2月持平" in line
    ]


def test_events_and_left_out_rows_of_others_stay_with_those_who_may_see_them(tmp_path: Path):
    """An enterprise reads the city's events and its own, never another unit's, nor one unit's tonnes."""
    world = drawn(
        registry=f"""
            unit_code | county_code      | due_from | production_state
            A         | {COAL_COUNTY}    | 2025-01  | 正常
            B         | {OTHER_COUNTY}   | 2025-01  | 停产
        """,
        spurs=SPUR,
        rows="unit_code | month | mode | tonnes\nA | 2025-03 | 铁路 | 80\nB | 2025-03 | 公路 | 50",
    )
    events = pa.table(
        {
            "date": pa.array([date(2025, 3, 1)] * 3, pa.date32()),
            "object_type": ["全市", "企业", "企业"],
            "object": ["全市", "A", "B"],
            "note": ["春节", "甲事", "乙事"],
        }
    )
    target = tmp_path / "v1.duckdb"
    build(target, replace(inputs_of(world, tmp_path), events=events), world.declared, world.as_of)
    snapshot, march = Snapshot(target), Filters(2025, 3)
    own = overview.read(snapshot, Scope(Role.ENTERPRISE, "A公司", units=frozenset({"A"})), march)
    assert [line for line in own.changes if "事" in line] == ["3月1日　A公司：甲事"]
    assert not [line for line in own.problems if "停产" in line]
    everyone = overview.read(snapshot, EVERYTHING, march)
    assert [line for line in everyone.problems if "停产" in line] == [
        "1家单位停产期间的1行（0.01万吨）未计入。"
    ]
    elsewhere = overview.read(snapshot, EVERYTHING, replace(march, county=COAL_COUNTY))
    assert not [line for line in elsewhere.problems if "停产" in line]


def test_a_gap_that_is_there_is_never_shown_as_nothing(tmp_path: Path):
    """79.999 %: the sentence and the table keep the digits that tell it from 80 %."""
    snapshot = snapshot_of(city_of(rail="79.999", road="20.001", months=MONTHS), tmp_path)
    page = enterprises.read(snapshot, EVERYTHING, YEAR)
    table = page.k3.table
    assert wording.number(table.frame["铁路占比%"][0], table.digits["铁路占比%"]) == "79.999"
    assert Decimal(wording.number(table.frame["尚需转铁路万吨"][0], table.digits["尚需转铁路万吨"])) > 0
    assert "尚需由公路转铁路0.0万吨" not in enterprises.read_one(snapshot, EVERYTHING, YEAR, "A").sentence
    assert (wording.amount(Decimal("0.4")), wording.amount(0), wording.wan(3, 1)) == ("0.4", "0", "0.0003")


@pytest.mark.parametrize(
    "month, as_of, default",
    [
        # Somebody begins after the plan has ended, and before it has.
        ("2026-03", "2026-05-01", (2026, 3)),
        ("2025-03", "2026-05-01", (2025, 3)),
        ("2024-03", "2024-05-01", (2024, 3)),
    ],
)
def test_a_page_begins_with_a_year_that_is_offered(tmp_path, month, as_of, default):
    world = drawn(
        registry="unit_code | county_code\nA | 140931",
        rows=f"unit_code | month | mode | tonnes\nA | {month} | 铁路 | 900",
        as_of=as_of,
    )
    choices = snapshot_of(world, tmp_path).choices(EVERYTHING)
    assert (choices.default.year, choices.default.through) == default
    assert choices.default.year in choices.years
