"""Random worlds: what must hold whatever was drawn, and the way into the tables and back."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import HealthCheck, given, settings

from .drawn import drawn
from .oracle import INDICATORS, Result, indicators
from .populations import SHARES
from .strategies import COMMODITIES, filters, periods, worlds
from .tables import tables_from_world, world_from_tables
from .verdicts import JUDGED, WORDS
from .world import IN, OUT, World

BY = ("city", "county", "corridor", "enterprise")

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def keyed(results: list[Result]) -> dict[tuple[str, str], Result]:
    return {(result.id, result.object): result for result in results}


@quick
@given(worlds(), periods(), filters())
def test_each_result_fits_together(world: World, period: tuple[int, int], chosen: dict[str, str]):
    for by in BY:
        for result in indicators(world, *period, by, **chosen):
            _check(result)


def the(number: Fraction | None) -> Fraction:
    """A number that must be there."""
    assert number is not None
    return number


def _check(result: Result) -> None:
    assert result.verdict in WORDS
    assert (result.light is not None) == (result.verdict in JUDGED)
    assert result.reports_received <= result.reports_expected
    if result.interval is not None and result.interval[0] is not None:
        low, high = result.interval
        assert high is None or the(low) <= high
        assert result.value is None or the(low) <= result.value
        assert result.value is None or high is None or result.value <= high
    if result.id in SHARES and result.value is not None:
        assert result.value * the(result.denominator) == result.numerator
        assert 0 <= result.value <= 1
    if result.verdict in ("达标", "在进度上") and result.id in SHARES:
        assert result.gap == 0
    if result.verdict in ("未达标", "落后"):
        assert result.gap is not None
        assert result.gap > 0 or (result.gap_pace is not None and result.gap_pace > 0)
    if result.gap_added is not None and result.target is not None:
        # Adding that much rail reaches the target exactly, where anything is missing.
        rail, whole = the(result.numerator) + result.gap_added, the(result.denominator) + result.gap_added
        reached = rail - result.target * whole
        assert reached == 0 or (result.gap_added == 0 and reached > 0)


@quick
@given(worlds(), periods())
def test_parts_add_up_to_the_city(world: World, period: tuple[int, int]):
    """Counties, corridors, commodities and directions each part the city's goods; units count all rows."""
    city = keyed(indicators(world, *period, "city"))
    parts = {by: indicators(world, *period, by) for by in BY[1:]}
    parts["direction"] = [r for d in (OUT, IN) for r in indicators(world, *period, "city", direction=d)]
    parts["commodity"] = [
        r for c in sorted(set(COMMODITIES)) for r in indicators(world, *period, "city", commodity=c)
    ]
    for indicator in SHARES:
        whole = city[indicator, "全市"]
        for by, results in parts.items():
            for column in ("numerator", "denominator"):
                part = sum((getattr(r, column) for r in results if r.id == indicator), Fraction(0))
                if by != "enterprise":
                    assert part == getattr(whole, column)
                elif column == "denominator":
                    assert part == the(whole.denominator) + the(whole.left_out_tonnes)


@quick
@given(worlds(), periods())
def test_obliged_units_add_up(world: World, period: tuple[int, int]):
    city = keyed(indicators(world, *period, "city"))["K4", "全市"]
    units = [r for r in indicators(world, *period, "enterprise") if r.id == "K4"]
    assert sum(the(r.denominator) for r in units) == city.denominator
    assert sum(the(r.numerator) for r in units) == city.numerator
    assert tuple(r.object for r in units if r.obliged is None) == city.undetermined_units


@quick
@given(worlds(), periods())
def test_the_order_of_what_comes_in_means_nothing(world: World, period: tuple[int, int]):
    turned = replace(
        world,
        registry=world.registry[::-1],
        spurs=world.spurs[::-1],
        returns=[replace(kept, movements=kept.movements[::-1]) for kept in world.returns[::-1]],
        official=world.official[::-1],
    )
    for by in BY:
        assert indicators(turned, *period, by) == indicators(world, *period, by)


@quick
@given(worlds())
def test_into_the_tables_and_back(world: World):
    again = world_from_tables(**tables_from_world(world))
    for part in ("registry", "spurs", "returns", "official", "targets", "as_of"):
        assert getattr(again, part) == getattr(world, part)


def test_every_object_has_its_results():
    """13 indicators of the city, 12 of a unit; without official series 12 of a county, 11 of a corridor."""
    world = drawn(registry="unit_code\nA", official="month|value\n2025-01|1800")
    counts = {by: len(indicators(world, 2025, 1, by)) for by in BY}
    assert counts == {"city": 13, "county": 16 * 12, "corridor": 12 * 11, "enterprise": 12}
    assert [r.id for r in indicators(world, 2025, 1, "city")] == list(INDICATORS)
