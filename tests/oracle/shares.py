"""Σ ÷ Σ of a share over a period and a scope, and what the missing returns could make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from etl.periods import add_months, months_between

from .populations import Share
from .world import Flow, World


@dataclass(frozen=True)
class Scope:
    """What is asked for. None = everything. `unit` given = the unit's own figure, which counts all rows."""

    unit: str | None = None
    counties: frozenset[str] | None = None
    commodities: frozenset[str] | None = None
    corridors: frozenset[str] | None = None
    directions: frozenset[str] | None = None

    @property
    def is_collective(self) -> bool:
        return self.unit is None

    @property
    def is_narrowed(self) -> bool:
        """Whether only some of a unit's rows are asked for; 核定年货运量 says nothing about those."""
        return any(part is not None for part in (self.commodities, self.corridors, self.directions))

    def has_row(self, flow: Flow) -> bool:
        return (
            (self.commodities is None or flow.commodity.name in self.commodities)
            and (self.corridors is None or flow.corridor in self.corridors)
            and (self.directions is None or flow.direction in self.directions)
        )

    def has_unit_month(self, world: World, unit: str, month: date) -> bool:
        if self.counties is None:
            return True
        row = world.row_in_force(unit, month)
        return row is not None and row.county_code in self.counties

    def units(self, world: World) -> Sequence[str]:
        return world.units if self.unit is None else (self.unit,)


@dataclass
class Sums:
    """Units: tonnes; `missing_tonnes` is ΣM. `has_missing`: a member's return is missing."""

    part: Fraction = Fraction(0)
    whole: Fraction = Fraction(0)
    road: Fraction = Fraction(0)
    left_out: Fraction = Fraction(0)
    missing_tonnes: Fraction = Fraction(0)
    has_missing: bool = False
    unknown_units: frozenset[str] = frozenset()
    expected: int = 0
    received: int = 0


def sums(world: World, share: Share, months: Sequence[date], scope: Scope) -> Sums:
    """R, Q, road tonnes, 对流扣除, ΣM and the reports of a share over the months of a period."""
    total = Sums()
    for unit in scope.units(world):
        reports_count = not scope.is_narrowed or _has_rows(world, share, unit, months, scope)
        for month in months:
            if share.why_not(world, unit, month) or not scope.has_unit_month(world, unit, month):
                continue
            for flow in world.flows(unit, month):
                _add(total, world, share, flow, scope)
            if reports_count and world.is_expected(unit, month):
                total.expected += 1
                total.received += (unit, month) in world.accepted
            if world.is_missing(unit, month):
                carried = missing_tonnes(world, share, unit, month, scope)
                total.has_missing |= reports_count or carried is None
                if carried is None:
                    total.unknown_units |= {unit}
                else:
                    total.missing_tonnes += carried
    return total


def _add(total: Sums, world: World, share: Share, flow: Flow, scope: Scope) -> None:
    if not (scope.has_row(flow) and share.is_whole(world.declared, flow)):
        return
    if scope.is_collective and flow.is_left_out:
        total.left_out += flow.tonnes
        return
    total.whole += flow.tonnes
    if share.is_part(flow):
        total.part += flow.tonnes
    if flow.mode.road:
        total.road += flow.tonnes


def _has_rows(world: World, share: Share, unit: str, months: Sequence[date], scope: Scope) -> bool:
    return any(
        scope.has_row(flow) and share.is_whole(world.declared, flow)
        for month in months_between(add_months(months[0], -12), months[-1])
        for flow in world.flows(unit, month)
    )


def missing_tonnes(world: World, share: Share, unit: str, month: date, scope: Scope) -> Fraction | None:
    """M: the tonnes of the denominator that a missing unit-month would carry. Empty: None = unknown."""

    def goods_of(reference: date) -> Fraction:
        return sum(
            (
                flow.tonnes
                for flow in world.flows(unit, reference)
                if scope.has_row(flow)
                and share.is_whole(world.declared, flow)
                and not (scope.is_collective and flow.is_left_out)
            ),
            Fraction(0),
        )

    known = from_reference_months(world, unit, month, goods_of)
    if known is not None:
        return known
    row = world.row_in_force(unit, month)
    if scope.is_narrowed or row is None or row.approved_tonnes is None:
        return None
    return row.approved_tonnes / 12


def from_reference_months(
    world: World, unit: str, month: date, tonnes_of: Callable[[date], Fraction]
) -> Fraction | None:
    """The same month of last year, else the mean of the accepted months among the twelve before.

    Empty: None = neither is there.
    """
    last_year = add_months(month, -12)
    if (unit, last_year) in world.accepted:
        return tonnes_of(last_year)
    accepted = [
        before
        for before in months_between(last_year, add_months(month, -1))
        if (unit, before) in world.accepted
    ]
    if not accepted:
        return None
    return sum((tonnes_of(before) for before in accepted), Fraction(0)) / len(accepted)


def interval(total: Sums, scope: Scope) -> tuple[Fraction, Fraction] | None:
    """The lowest and highest share that the missing returns allow. Empty: None = 无适用运量."""
    if not scope.is_collective and total.unknown_units:
        return Fraction(0), Fraction(1)
    whole = total.whole + total.missing_tonnes
    if whole == 0:
        return (Fraction(0), Fraction(1)) if total.has_missing else None
    return total.part / whole, (total.part + total.missing_tonnes) / whole
