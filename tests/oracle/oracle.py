"""Every indicator of a world, for the city or for each county, corridor or unit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from etl.periods import add_months, months_between

from .obligation import Standing, collective_access, standing
from .official import CITY, CORRIDOR, COUNTY, judge_k1, rail_totals
from .populations import SHARES
from .shares import Scope, interval, sums
from .verdicts import (
    JUDGED,
    NO_TARGET,
    NOT_ENOUGH,
    NOT_OBLIGED,
    Goal,
    goal,
    met_word,
    pace_light,
    share_light,
    share_verdict,
)
from .world import World

UNIT = "企业"
INDICATORS = ("K1", "K2", "K3", "K4", "K5", "K6", "C1", "C2", "C3", "C4", "K2_ALL", "K3_BELT", "K3_ALL")

Words = str | Collection[str] | None


@dataclass(frozen=True)
class Result:
    """One indicator of one object. Units: K1 万吨, K4 units or (of a unit) tonnes, shares 0–1, gaps tonnes.

    Empty: None where a field does not apply. `reference` is a line to look at, never a target: 以铁路为主
    for K5 and K6, 按基年占比分摊 for K1 of a corridor. `undetermined_units` (K4): obliged or not, who knows.
    """

    id: str
    object_type: str
    object: str
    year: int
    through: int
    verdict: str
    value: Fraction | None = None
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    target: Fraction | None = None
    reference: Fraction | None = None
    gap: Fraction | None = None
    gap_added: Fraction | None = None
    gap_pace: Fraction | None = None
    shiftable: Fraction | None = None
    interval: tuple[Fraction | None, Fraction | None] | None = None
    light: str | None = None
    reports_expected: int = 0
    reports_received: int = 0
    unknown_units: tuple[str, ...] = ()
    left_out_tonnes: Fraction | None = None
    obliged: bool | None = None
    spur: str | None = None
    exempt: int | None = None
    undetermined_units: tuple[str, ...] = ()
    caliber: str | None = None
    basis: str | None = None


@dataclass(frozen=True)
class _Question:
    world: World
    object_type: str
    object: str
    year: int
    through: int
    scope: Scope

    @property
    def months(self) -> list[date]:
        return months_between(date(self.year, 1, 1), date(self.year, self.through, 1))

    def result(self, indicator: str, verdict: str) -> Result:
        return Result(indicator, self.object_type, self.object, self.year, self.through, verdict)


def indicators(
    world: World,
    year: int,
    through: int,
    by: str,
    *,
    county: Words = None,
    commodity: Words = None,
    corridor: Words = None,
    direction: Words = None,
) -> list[Result]:
    """Each indicator of January to `through`, for `by` = city, county, corridor or enterprise.

    A filter is one word or several. A filter on the kind that is listed also chooses what is listed.
    Errors: ValueError for another `by` or month.
    """
    if not 1 <= through <= 12:
        raise ValueError(through)
    scope = Scope(
        counties=_words(county),
        commodities=_words(commodity),
        corridors=_words(corridor),
        directions=_words(direction),
    )
    results = []
    for question in _questions(world, year, through, by, scope):
        results += [_share(question, share) for share in SHARES]
        results += list(_k1(question))
        results += list(_k4(question))
    return sorted(results, key=lambda result: (result.object, INDICATORS.index(result.id)))


def _words(chosen: Words) -> frozenset[str] | None:
    if chosen is None:
        return None
    return frozenset([chosen]) if isinstance(chosen, str) else frozenset(chosen)


def _questions(world: World, year: int, through: int, by: str, scope: Scope) -> Iterator[_Question]:
    if by == "city":
        yield _Question(world, CITY, CITY, year, through, scope)
    elif by == "county":
        for code in world.declared.county_names:
            if scope.counties is None or code in scope.counties:
                yield _Question(
                    world, COUNTY, code, year, through, replace(scope, counties=frozenset([code]))
                )
    elif by == "corridor":
        for name in (c.name for c in world.declared.corridors):
            if scope.corridors is None or name in scope.corridors:
                yield _Question(
                    world, CORRIDOR, name, year, through, replace(scope, corridors=frozenset([name]))
                )
    elif by == "enterprise":
        for unit in world.units:
            question = _Question(world, UNIT, unit, year, through, replace(scope, unit=unit))
            if any(scope.has_unit_month(world, unit, month) for month in question.months):
                yield question
    else:
        raise ValueError(by)


# --- shares ---------------------------------------------------------------------------------------------


def _share(question: _Question, indicator: str) -> Result:
    world, plan = question.world, question.world.declared.plan
    total = sums(world, SHARES[indicator], question.months, question.scope)
    ends = interval(total, question.scope)
    value = total.part / total.whole if total.whole else None
    aim = goal(plan, indicator, question.year)
    is_ruling_missing = indicator == "K2" and not world.declared.coal_areas
    verdict = share_verdict(aim, question.through, value, ends, is_ruling_missing=is_ruling_missing)
    gap = gap_added = shiftable = None
    if aim.value is not None and value is not None:
        gap = max(Fraction(0), aim.value * total.whole - total.part)
        gap_added = gap / (1 - aim.value)
        shiftable = min(gap, total.road)
    return replace(
        question.result(indicator, verdict),
        value=value,
        numerator=total.part,
        denominator=total.whole,
        target=aim.value,
        reference=Fraction(plan.references[indicator]) if indicator in plan.references else None,
        gap=gap,
        gap_added=gap_added,
        shiftable=shiftable,
        interval=ends,
        light=share_light(plan, verdict, value, aim.value),
        reports_expected=total.expected,
        reports_received=total.received,
        unknown_units=tuple(sorted(total.unknown_units)),
        left_out_tonnes=total.left_out if question.scope.is_collective else None,
    )


# --- K1 -------------------------------------------------------------------------------------------------


def _k1(question: _Question) -> Iterator[Result]:
    """K1 of the city always, of a county or a corridor where an official series is there, of a unit never."""
    world = question.world
    if question.object_type == UNIT:
        return
    if question.object_type != CITY and not rail_totals(world, question.object_type, question.object):
        return
    judged = judge_k1(world, question.object_type, question.object, question.year, question.through)
    so_far = judged.so_far
    aim = judged.target if judged.target is not None else judged.reference
    gap = gap_pace = pace = None
    if aim is not None:
        pace = aim * question.through / 12
    if aim is not None and pace is not None and so_far.value is not None:
        gap, gap_pace = aim - so_far.value, pace - so_far.value
    ends = None
    if so_far.value is not None:
        # A missing month can only add to the sum of the known.
        ends = so_far.value, so_far.value if so_far.is_complete else None
    expected = _expected_of_k1(question)
    yield replace(
        question.result("K1", judged.verdict),
        value=so_far.value,
        numerator=so_far.value,
        target=judged.target,
        reference=judged.reference,
        gap=gap,
        gap_pace=gap_pace,
        interval=ends,
        light=pace_light(world.declared.plan, judged.verdict, so_far.value, pace),
        reports_expected=len(expected),
        reports_received=sum(key in world.accepted for key in expected),
        caliber=so_far.caliber,
        basis=so_far.basis,
    )


def _expected_of_k1(question: _Question) -> list[tuple[str, date]]:
    """Each expected unit-month of the object; of a corridor, of the units with any row on it."""
    world, months = question.world, question.months
    scope = Scope()
    units: Sequence[str] = world.units
    if question.object_type == COUNTY:
        scope = Scope(counties=frozenset([question.object]))
    if question.object_type == CORRIDOR:
        window = months_between(add_months(months[0], -12), months[-1])
        units = [
            unit
            for unit in world.units
            if any(flow.corridor == question.object for month in window for flow in world.flows(unit, month))
        ]
    return [
        (unit, month)
        for unit in units
        for month in months
        if world.is_expected(unit, month) and scope.has_unit_month(world, unit, month)
    ]


# --- K4 -------------------------------------------------------------------------------------------------


def _k4(question: _Question) -> Iterator[Result]:
    """K4 of a unit, a county or the city, by the state on the period's last day; never of a corridor."""
    world, scope = question.world, question.scope
    if question.object_type == CORRIDOR:
        return
    last_month = question.months[-1]
    standings = [
        standing(world, unit, question.year, question.through)
        for unit in scope.units(world)
        if scope.has_unit_month(world, unit, last_month)
    ]
    aim = goal(world.declared.plan, "K4", question.year)
    if question.object_type == UNIT:
        for own in standings:
            yield _k4_of_unit(question, own, aim)
    else:
        yield _k4_collective(question, standings, aim)


def _k4_of_unit(question: _Question, own: Standing, aim: Goal) -> Result:
    numerator, denominator = int(bool(own.obliged) and own.has_access), int(bool(own.obliged))
    if aim.value is None:
        verdict = NO_TARGET
    elif own.obliged is None:
        verdict = NOT_ENOUGH
    elif not own.obliged:
        verdict = NOT_OBLIGED
    else:
        verdict = met_word(own.has_access, question.through)
    light = None
    if verdict in JUDGED:
        light = "绿" if own.has_access else "红"
    return replace(
        question.result("K4", verdict),
        value=own.tonnes,
        numerator=Fraction(numerator),
        denominator=Fraction(denominator),
        target=aim.value,
        gap=Fraction(denominator - numerator) if aim.value is not None and own.obliged else None,
        interval=(own.tonnes, own.highest_tonnes),
        light=light,
        reports_expected=own.expected,
        reports_received=own.received,
        unknown_units=(own.unit,) if own.is_unknown else (),
        obliged=own.obliged,
        spur=own.spur,
        undetermined_units=(own.unit,) if own.obliged is None else (),
    )


def _k4_collective(question: _Question, standings: Sequence[Standing], aim: Goal) -> Result:
    access = collective_access(standings)
    value = Fraction(access.with_access, access.obliged) if access.obliged else None
    verdict = share_verdict(aim, question.through, value, access.ends, is_ruling_missing=False)
    has_gap = aim.value is not None and value is not None
    return replace(
        question.result("K4", verdict),
        value=value,
        numerator=Fraction(access.with_access),
        denominator=Fraction(access.obliged),
        target=aim.value,
        gap=Fraction(access.obliged - access.with_access) if has_gap else None,
        interval=access.ends,
        light=share_light(question.world.declared.plan, verdict, value, aim.value),
        reports_expected=access.expected,
        reports_received=access.received,
        unknown_units=access.unknown,
        exempt=access.exempt,
        undetermined_units=access.undetermined,
    )


# --- populations ----------------------------------------------------------------------------------------


def out_population(world: World, indicator: str, month: date) -> dict[str, tuple[bool | None, str]]:
    """Each registered unit: in the population that month or not, and why.

    K4: obliged as seen through that month; None = cannot be told yet. Errors: KeyError for K1, which has no
    units, and for an unknown indicator.
    """
    if indicator == "K4":
        seen = [standing(world, unit, month.year, month.month) for unit in world.units]
        return {own.unit: (own.obliged, own.reason) for own in seen}
    share = SHARES[indicator]
    reasons = {unit: share.why_not(world, unit, month) for unit in world.units}
    return {unit: (not reason, reason or "在范围内") for unit, reason in reasons.items()}
