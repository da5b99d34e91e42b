"""K1: the official rail series, its caliber, its winning vintage, its total of a year so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from etl.periods import months_between

from .verdicts import NO_TARGET, NOT_ENOUGH, TO_BE_RULED, goal, met_word
from .world import OfficialValue, World

STATUSES = ("快报", "月报确报", "年报核定")
CITY, COUNTY, CORRIDOR = "全市", "县区", "通道"


@dataclass(frozen=True)
class YearSoFar:
    """Units: 万吨. `value` is the sum of the known months, None where no month is known."""

    value: Fraction | None
    is_complete: bool
    basis: str | None
    caliber: str | None
    is_ruling_missing: bool


@dataclass(frozen=True)
class Judged:
    """K1 of one object. `reference`: the 按基年占比分摊 amount of a corridor without an allocated target."""

    so_far: YearSoFar
    target: Fraction | None
    reference: Fraction | None
    verdict: str


def _object_name(world: World, object_type: str, text: str) -> str:
    """One spelling for each object: the county's code, the corridor's name, 全市."""
    if object_type == CITY:
        return CITY
    if object_type == COUNTY:
        return {county.name: county.code for county in world.declared.counties}.get(text, text)
    if object_type == CORRIDOR:
        return world.declared.corridor_names.get(text, text)
    return text


def rail_totals(world: World, object_type: str, name: str) -> list[OfficialValue]:
    """Each published 铁路 · 合计 value of the object known on the day, all vintages and calibers."""
    return [
        row
        for row in world.official
        if row.mode == "铁路"
        and row.commodity == "合计"
        and row.object_type == object_type
        and _object_name(world, object_type, row.object) == name
        and row.published_on <= world.as_of
    ]


def _winner(rows: Sequence[OfficialValue]) -> Fraction:
    return max(
        rows,
        key=lambda row: (
            STATUSES.index(row.status),
            row.published_on,
            row.recorded_at is not None,
            row.recorded_at,
        ),
    ).value


def _known(rows: Sequence[OfficialValue], month: date, period_kind: str) -> Fraction | None:
    """The month's value of one caliber: the total where one is published, else all operators together."""
    of_month = [row for row in rows if row.month == month and row.period_kind == period_kind]
    totals = [row for row in of_month if not row.operator]
    if totals:
        return _winner(totals)
    operators = {row.operator for row in rows if row.month.year == month.year and row.operator}
    if not operators or operators != {row.operator for row in of_month}:
        return None
    return sum(
        (_winner([row for row in of_month if row.operator == operator]) for operator in operators),
        Fraction(0),
    )


def year_so_far(world: World, object_type: str, name: str, year: int, through: int) -> YearSoFar:
    """January to `through`: the 累计 published for that month, else the sum of the months' 当期."""
    rows = rail_totals(world, object_type, name)
    calibers = {row.caliber for row in rows}
    caliber = str(world.declared.plan.switch("k1_caliber")) or (
        next(iter(calibers)) if len(calibers) == 1 else None
    )
    if caliber is None:
        return YearSoFar(None, False, None, None, is_ruling_missing=bool(calibers))
    rows = [row for row in rows if row.caliber == caliber]
    cumulative = _known(rows, date(year, through, 1), "累计")
    if cumulative is not None:
        return YearSoFar(cumulative, True, "累计", caliber, is_ruling_missing=False)
    months = [_known(rows, m, "当期") for m in months_between(date(year, 1, 1), date(year, through, 1))]
    known = [value for value in months if value is not None]
    value = sum(known, Fraction(0)) if known else None
    return YearSoFar(value, len(known) == len(months), "当期", caliber, is_ruling_missing=False)


def _allocated(world: World, object_type: str, name: str, year: int) -> Fraction | None:
    found = None
    for row in world.targets:
        same_object = row.object_type == object_type and _object_name(world, object_type, row.object) == name
        if row.indicator == "K1" and row.year == year and same_object:
            found = row.value
    return found


def _base_year_part(world: World, corridor: str, year: int) -> Fraction | None:
    """The corridor's share of the base year's official total, of the city's target.

    Empty: None = the base year is not published in full, of the corridor or of the city.
    """
    plan = world.declared.plan
    city_target = goal(plan, "K1", year).value
    part = year_so_far(world, CORRIDOR, corridor, plan.base_year, 12)
    whole = year_so_far(world, CITY, CITY, plan.base_year, 12)
    if city_target is None or not (part.is_complete and whole.is_complete and whole.value):
        return None
    return None if part.value is None else part.value / whole.value * city_target


def judge_k1(world: World, object_type: str, name: str, year: int, through: int) -> Judged:
    so_far = year_so_far(world, object_type, name, year, through)
    if object_type == CITY:
        target = goal(world.declared.plan, "K1", year).value
    else:
        target = _allocated(world, object_type, name, year)
    reference = None
    if object_type == CORRIDOR and target is None:
        reference = _base_year_part(world, name, year)
    return Judged(so_far, target, reference, _verdict(so_far, target, through))


def _verdict(so_far: YearSoFar, target: Fraction | None, through: int) -> str:
    if target is None:
        return NO_TARGET
    if so_far.is_ruling_missing:
        return TO_BE_RULED
    if so_far.value is None:
        return NOT_ENOUGH
    # A running year is judged against 序时 only; in December both are the same number.
    is_met = so_far.value >= target * through / 12
    # Missing months can only add tonnes: what has been reached stays reached.
    if not so_far.is_complete and not is_met:
        return NOT_ENOUGH
    return met_word(is_met, through)
