"""Which rows and which units each share counts: population = goods ∩ members."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from etl.reference import Declared

from .world import BELT, OUT, PARK, STOPPED, WORKS, Flow, World

BOXED = ("敞顶箱", "集装箱")
NOT_IN_C1 = ("管道", "水路")


@dataclass(frozen=True)
class Share:
    """One share. `is_whole` says which rows the denominator has, `is_part` which of those the numerator.

    `why_not` says why a unit is no member in a month; the empty text = a member.
    """

    id: str
    is_whole: Callable[[Declared, Flow], bool]
    is_part: Callable[[Flow], bool]
    why_not: Callable[[World, str, date], str]


def _is_long(declared: Declared, flow: Flow) -> bool:
    return flow.distance_km is not None and flow.distance_km >= Fraction(declared.plan.long_distance_km)


def _is_short(declared: Declared, flow: Flow) -> bool:
    limit = Fraction(str(declared.plan.switch("short_distance_km")))
    return flow.distance_km is not None and flow.distance_km < limit


def _is_rail(flow: Flow) -> bool:
    return flow.mode.rail


def _is_new_energy_road(flow: Flow) -> bool:
    return flow.mode.road and flow.mode.clean


def _is_belt(flow: Flow) -> bool:
    return flow.mode.name == BELT


def _is_bulk(flow: Flow) -> bool:
    return flow.commodity.bulk and not flow.is_drayage


def _k2_goods(declared: Declared, flow: Flow) -> bool:
    return flow.commodity.coal_coke and not flow.is_drayage and _is_long(declared, flow)


def _k3_goods(with_belt: bool, flow: Flow) -> bool:
    is_mode = flow.mode.rail or flow.mode.road or (with_belt and _is_belt(flow))
    return _is_bulk(flow) and is_mode


def _belt_in_k3(declared: Declared) -> bool:
    return declared.plan.switch("belt_in_k3") is True


def _nobody_out(world: World, unit: str, month: date) -> str:
    row = world.row_in_force(unit, month)
    if row is None:
        return "未登记"
    return STOPPED if row.production_state == STOPPED else ""


def _large_works(world: World, unit: str, month: date) -> str:
    if reason := _nobody_out(world, unit, month):
        return reason
    row = world.row_in_force(unit, month)
    assert row is not None
    if row.kind != WORKS:
        return "非工矿企业"
    return "" if row.is_large else "非大型"


def is_coal_area(declared: Declared, county: str, month: date) -> bool:
    """Whether the county is flagged 煤炭主产区 in the month; both ends are in, an empty end is open."""
    return any(
        area.county_code == county
        and (area.valid_from is None or area.valid_from <= month)
        and (area.valid_to is None or month <= area.valid_to)
        for area in declared.coal_areas
    )


def _large_works_of_coal_area(world: World, unit: str, month: date) -> str:
    if reason := _large_works(world, unit, month):
        return reason
    row = world.row_in_force(unit, month)
    assert row is not None
    return "" if is_coal_area(world.declared, row.county_code, month) else "非煤炭主产区"


def _with_spur(world: World, unit: str, month: date) -> str:
    if reason := _nobody_out(world, unit, month):
        return reason
    return "" if world.access(unit, month) else "当月未接入专用线"


def could_be_obliged(world: World, unit: str, month: date) -> bool:
    """大型工矿企业 or 新建物流园区 on the last day of the month, and not 停产."""
    row = world.row_in_force(unit, month)
    if row is None or row.production_state == STOPPED:
        return False
    return (row.kind == WORKS and row.is_large) or (row.kind == PARK and row.is_new)


def _large_or_new_with_spur(world: World, unit: str, month: date) -> str:
    if reason := _with_spur(world, unit, month):
        return reason
    return "" if could_be_obliged(world, unit, month) else "非大型工矿企业或新建物流园区"


def _is_clean_here(flow: Flow) -> bool:
    return flow.mode.clean and flow.mode.name not in NOT_IN_C1


SHARES: dict[str, Share] = {
    share.id: share
    for share in (
        Share("K2", _k2_goods, _is_rail, _large_works_of_coal_area),
        Share("K2_ALL", _k2_goods, _is_rail, _large_works),
        Share("K3", lambda d, f: _k3_goods(_belt_in_k3(d), f), _is_rail, _large_or_new_with_spur),
        Share("K3_BELT", lambda d, f: _k3_goods(not _belt_in_k3(d), f), _is_rail, _large_or_new_with_spur),
        Share("K3_ALL", lambda d, f: _k3_goods(_belt_in_k3(d), f), _is_rail, _with_spur),
        Share("K5", lambda d, f: _is_bulk(f) and _is_long(d, f), _is_rail, _nobody_out),
        Share(
            "K6",
            lambda d, f: f.loading in BOXED and not f.is_drayage and _is_long(d, f),
            _is_rail,
            _nobody_out,
        ),
        Share("C1", lambda d, f: _is_bulk(f), _is_clean_here, _nobody_out),
        Share(
            "C2",
            lambda d, f: _is_bulk(f) and not f.mode.rail and _is_short(d, f),
            lambda f: _is_belt(f) or _is_new_energy_road(f),
            _nobody_out,
        ),
        Share("C3", lambda d, f: f.is_drayage, _is_new_energy_road, _nobody_out),
        Share(
            "C4",
            lambda d, f: f.mode.rail and f.direction == OUT,
            lambda f: f.loading == "敞顶箱",
            _nobody_out,
        ),
    )
}
