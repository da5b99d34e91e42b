"""K4: who must have a spur, by the yearly bulk tonnes, and who has access to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from etl.periods import months_between

from .populations import could_be_obliged
from .shares import from_reference_months
from .world import IN, OUT, PARK, STOPPED, World


@dataclass(frozen=True)
class Standing:
    """A unit's place in K4. Units: tonnes. `obliged` None = cannot be told yet.

    `highest_tonnes` is the known tonnes and what missing returns could add; None = unknown.
    """

    unit: str
    obliged: bool | None
    has_access: bool
    spur: str
    tonnes: Fraction
    highest_tonnes: Fraction | None
    reason: str
    expected: int
    received: int

    @property
    def is_unknown(self) -> bool:
        return self.highest_tonnes is None


def reference_year(year: int, through: int) -> int:
    """The last complete calendar year: the year itself once its December is in."""
    return year if through == 12 else year - 1


def standing(world: World, unit: str, year: int, through: int) -> Standing:
    last_month = date(year, through, 1)
    known_year = reference_year(year, through)
    months = months_between(date(known_year, 1, 1), date(known_year, 12, 1))
    tonnes, highest = _yearly_tonnes(world, unit, months, last_month)
    obliged, reason = _obliged(world, unit, last_month, tonnes, highest)
    expected = [month for month in months if world.is_expected(unit, month)]
    if not could_be_obliged(world, unit, last_month):
        expected = []
    return Standing(
        unit=unit,
        obliged=obliged,
        has_access=world.access(unit, last_month) is not None,
        spur=world.spur_word(unit, last_month),
        tonnes=tonnes,
        highest_tonnes=highest,
        reason=reason,
        expected=len(expected),
        received=sum((unit, month) in world.accepted for month in expected),
    )


def _obliged(
    world: World, unit: str, last_month: date, tonnes: Fraction, highest: Fraction | None
) -> tuple[bool | None, str]:
    row = world.row_in_force(unit, last_month)
    if row is None:
        return False, "未登记"
    if not could_be_obliged(world, unit, last_month):
        return False, STOPPED if row.production_state == STOPPED else "非大型工矿企业或新建物流园区"
    if row.in_catalogue is not None:
        return row.in_catalogue, "省目录内" if row.in_catalogue else "省目录外"
    bound = Fraction(world.declared.plan.obliged_tonnes)
    if tonnes >= bound:
        return True, "年大宗货运量达到标准"
    if highest is None or highest >= bound:
        return None, "数据不足以判定"
    return False, "年大宗货运量未达到标准"


def _yearly_tonnes(
    world: World, unit: str, months: Sequence[date], last_month: date
) -> tuple[Fraction, Fraction | None]:
    """The year's bulk tonnes as known, and at most. A 工矿企业: in and out; a 物流园区: the larger one."""
    known = {OUT: Fraction(0), IN: Fraction(0)}
    carried = {OUT: Fraction(0), IN: Fraction(0)}
    approved = Fraction(0)
    is_unknown = False
    for month in months:
        if world.is_counted(unit, month):
            for direction in known:
                known[direction] += _bulk(world, unit, month, direction)
        if not world.is_missing(unit, month):
            continue
        row = world.row_in_force(unit, month)
        assert row is not None
        out_tonnes, in_tonnes = (_carried(world, unit, month, direction) for direction in (OUT, IN))
        if out_tonnes is not None and in_tonnes is not None:
            carried = {OUT: carried[OUT] + out_tonnes, IN: carried[IN] + in_tonnes}
        elif row.approved_tonnes is not None:
            approved += row.approved_tonnes / 12
        else:
            is_unknown = True
    at_end = world.row_in_force(unit, last_month)
    of_year = max if at_end is not None and at_end.kind == PARK else _sum_of
    highest = of_year(known[OUT] + carried[OUT], known[IN] + carried[IN]) + approved
    return of_year(known[OUT], known[IN]), None if is_unknown else highest


def _sum_of(out_tonnes: Fraction, in_tonnes: Fraction) -> Fraction:
    return out_tonnes + in_tonnes


def _carried(world: World, unit: str, month: date, direction: str) -> Fraction | None:
    return from_reference_months(world, unit, month, lambda m: _bulk(world, unit, m, direction))


def _bulk(world: World, unit: str, month: date, direction: str) -> Fraction:
    return sum(
        (
            flow.tonnes
            for flow in world.flows(unit, month)
            if flow.commodity.bulk and not flow.is_drayage and flow.direction == direction
        ),
        Fraction(0),
    )


@dataclass(frozen=True)
class Access:
    """K4 of a city or a county. Units: units. `ends` None = nobody is obliged, and that is known."""

    with_access: int
    obliged: int
    exempt: int
    ends: tuple[Fraction, Fraction] | None
    undetermined: tuple[str, ...]
    unknown: tuple[str, ...]
    expected: int
    received: int


def collective_access(standings: Sequence[Standing]) -> Access:
    obliged = [s for s in standings if s.obliged]
    undetermined = [s for s in standings if s.obliged is None]
    with_access = sum(s.has_access for s in obliged)
    ends: tuple[Fraction, Fraction] | None
    if obliged:
        # At worst only those without access turn out to be obliged, at best only those with.
        extra_with = sum(s.has_access for s in undetermined)
        extra_without = len(undetermined) - extra_with
        ends = (
            Fraction(with_access, len(obliged) + extra_without),
            Fraction(with_access + extra_with, len(obliged) + extra_with),
        )
    else:
        ends = (Fraction(0), Fraction(1)) if undetermined else None
    return Access(
        with_access=with_access,
        obliged=len(obliged),
        exempt=sum(s.spur == "豁免" for s in obliged),
        ends=ends,
        undetermined=tuple(s.unit for s in undetermined),
        unknown=tuple(s.unit for s in undetermined if s.is_unknown),
        expected=sum(s.expected for s in standings),
        received=sum(s.received for s in standings),
    )
