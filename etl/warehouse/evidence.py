"""From the queries' sums to evidence, and from evidence to judgements.

Each function asks the snapshot under a Scope and hands what comes back to `plan.judge()`; nothing is
compared with a target here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from etl.plan import (
    BASE_SHARE,
    CITY,
    CORRIDOR,
    COUNTY,
    ENTERPRISE,
    AccessEvidence,
    Judgement,
    ObligationEvidence,
    OfficialEvidence,
    ShareEvidence,
    Subject,
    WithheldEvidence,
    judge,
)
from etl.warehouse import disclosure
from etl.warehouse.indicators import INDICATORS, SHARES
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING, NotVisible, Scope
from etl.warehouse.snapshot import Snapshot, Value

_OBJECT_TYPES = {"city": CITY, "county": COUNTY, "corridor": CORRIDOR, "enterprise": ENTERPRISE}
_WEIGHT = 27720
_SPLITTING = ("corridor", "commodity", "direction")
_NO_REPORTS = {"reports_expected": 0, "reports_received": 0}
_NOTHING_PUBLISHED: dict[str, Any] = {
    "value": None,
    "is_complete": False,
    "caliber": "",
    "is_pending": True,
    "is_conflict": False,
}


@dataclass(frozen=True)
class Period:
    """January to `through` of a year, or any run of months: first and last month, both in."""

    first: date
    last: date

    @classmethod
    def of(cls, year: int, through: int) -> Period:
        return cls(date(year, 1, 1), date(year, through, 1))


def indicators(snapshot: Snapshot, scope: Scope, filters: Filters, by: str) -> list[Judgement]:
    """Every indicator that the grouping has, judged. by: city, county, corridor or enterprise."""
    judged = [] if by == "enterprise" else official(snapshot, scope, filters, by)
    judged += shares(snapshot, scope, SHARES, filters, by)
    if by != "corridor":
        judged += obligations(snapshot, scope, filters, by)
    order = {id_: position for position, id_ in enumerate(INDICATORS)}
    return sorted(judged, key=lambda j: order[j.subject.indicator])


def shares(
    snapshot: Snapshot, scope: Scope, ids: Sequence[str], filters: Filters, by: str, unit: str | None = None
) -> list[Judgement]:
    """The shares `ids` judged for each object of the grouping, in the order of the objects.

    Of sums of others a limited reader gets neither the interval nor 对流扣除: both may be one unit's tonnes.
    """
    found = [
        judge(item, snapshot.plan) for item in share_evidence(snapshot, scope, ids, filters, by, unit=unit)
    ]
    if scope.sees_every_unit or not _is_of_others(scope, filters, by, unit):
        return found
    own = scope.counties or ()
    return [
        one if by == "county" and one.subject.object in own else replace(one, interval=None, left_out=None)
        for one in found
    ]


def share_evidence(
    snapshot: Snapshot,
    scope: Scope,
    ids: Sequence[str],
    filters: Filters,
    by: str,
    *,
    unit: str | None = None,
    period: Period | None = None,
) -> list[ShareEvidence | WithheldEvidence]:
    """R, Q, M and reports. `by` may also be commodity, direction or month (objects as they occur).

    Errors: NotVisible where a filter or the grouping leaves what the scope may see.
    """
    period = period or Period.of(filters.year, filters.through)
    scoped = _scoped(scope, filters, by, unit)
    is_of_others = _is_of_others(scope, filters, by, unit)
    common: dict[str, Value] = {
        "indicators": list(ids),
        "by": by,
        "area": snapshot.plan.area,
        "first": period.first,
        "last": period.last,
        "county": filters.county,
        "unit": unit,
        **scoped,
    }
    goods: dict[str, Value] = {
        "corridor": filters.corridor,
        "commodity": filters.commodity,
        "direction": filters.direction,
    }
    split = bool(filters.corridor or filters.commodity or filters.direction) or by in _SPLITTING
    grain = _grain(by, filters, unit, scoped["scope_units"] is not None)
    is_once = grain == "place"
    sums = _keyed(snapshot.rows("share", grain=grain, **common, **goods))
    reports = _keyed(snapshot.rows("reports", is_split=split, **common, **goods))
    missing: dict[tuple[str, str | None], dict[str, dict]] = {}
    if any(row["reports_expected"] > row["reports_received"] for row in reports.values()) or split:
        for row in snapshot.rows("missing", is_split=split, once=is_once, **common, **goods):
            missing.setdefault((row["indicator"], row["object"]), {})[row["kind"]] = row
    whose = _everywhere(scope) if is_of_others else scope
    objects = _objects(snapshot, whose, filters, by, unit) or sorted({o for _, o in (*sums, *reports)})
    found: list[ShareEvidence | WithheldEvidence] = []
    for id_ in ids:
        for object_ in objects:
            key = (id_, object_)
            subject = Subject(id_, _OBJECT_TYPES.get(by, by), object_, filters.year, filters.through)
            has_goods = key in sums and sums[key]["denominator_tonnes"]
            if is_of_others and has_goods and _is_withheld(snapshot, scope, id_, by, object_, period):
                found.append(WithheldEvidence(subject))
                continue
            # A unit of unknown goods may belong to any part that the grouping splits them into.
            gaps = missing.get(key, {}) | missing.get((id_, None), {})
            found.append(
                ShareEvidence(
                    subject=subject,
                    numerator=_sum(sums.get(key), "numerator_tonnes"),
                    denominator=_sum(sums.get(key), "denominator_tonnes"),
                    road=_sum(sums.get(key), "road_tonnes"),
                    left_out=_sum(sums.get(key), "left_out_tonnes"),
                    missing=sum(
                        (Fraction(row["tonnes_27720"]) / _WEIGHT for row in gaps.values()), Fraction(0)
                    ),
                    unknown_units=tuple(gaps["未知"]["units"]) if "未知" in gaps else (),
                    reports_expected=reports.get(key, _NO_REPORTS)["reports_expected"],
                    reports_received=reports.get(key, _NO_REPORTS)["reports_received"],
                    awaits_ruling="煤炭主产区" if id_ == "K2" and not snapshot.has_coal_areas else "",
                )
            )
    return found


def official(
    snapshot: Snapshot, scope: Scope, filters: Filters, by: str, known_on: date | None = None
) -> list[Judgement]:
    """K1 judged for the city, or for the counties or corridors that a series exists for.

    `known_on`: the series as published by that day; without it as known now.
    """
    type_ = _OBJECT_TYPES[by]
    visible = set(_objects(snapshot, scope, filters, by, None) or ())
    expected = {row["object"]: row for row in _expected(snapshot, scope, filters, by)}
    series: list[dict[str, Any]] = official_rows(snapshot, type_, filters.year, filters.through, known_on)
    if by == "city" and not series:
        series = [_NOTHING_PUBLISHED | {"object": snapshot.plan.area}]
    found = []
    for row in series:
        if row["object"] not in visible:
            continue
        target, basis = _official_target(snapshot, type_, row["object"], filters.year)
        counts = expected.get(row["object"], _NO_REPORTS)
        evidence = OfficialEvidence(
            subject=Subject("K1", type_, row["object"], filters.year, filters.through),
            value=row["value"],
            complete=bool(row["is_complete"]),
            target=target,
            target_basis=basis,
            caliber=row["caliber"],
            caliber_pending=row["is_pending"],
            caliber_conflict=row["is_conflict"],
            reports_expected=counts["reports_expected"],
            reports_received=counts["reports_received"],
        )
        found.append(judge(evidence, snapshot.plan))
    return found


def official_rows(
    snapshot: Snapshot, object_type: str, year: int, through: int, known_on: date | None = None
) -> list[dict[str, Any]]:
    """The official rail total of January to `through` for each object of a type, 万吨.

    `known_on`: as published by that day; without it as known now.
    """
    period = Period.of(year, through)
    return snapshot.rows(
        "official",
        object_type=object_type,
        first=period.first,
        last=period.last,
        months=through,
        known_on=known_on or snapshot.as_of,
    )


def official_months(
    snapshot: Snapshot, object_type: str, object_: str, caliber: str, period: Period
) -> list[dict[str, Any]]:
    """One object's official rail total month by month: 当期 and 累计, 万吨; None = not published."""
    return snapshot.rows(
        "official_months",
        object_type=object_type,
        object=object_,
        caliber=caliber,
        first=period.first,
        last=period.last,
    )


def obligations(
    snapshot: Snapshot, scope: Scope, filters: Filters, by: str, unit: str | None = None
) -> list[Judgement]:
    """K4 judged for each unit, or for the city or each county from its units.

    Errors: NotVisible for a county that the scope may not see.
    """
    if filters.county and not scope.sees_every_unit and by == "city":
        _scoped(scope, filters, by, unit)
    is_of_others = by == "city" and not filters.county and not scope.sees_every_unit
    units = _obligations(snapshot, _everywhere(scope) if is_of_others else scope, filters, unit)
    if by == "enterprise":
        return [judged for judged, _ in units]
    if is_of_others and not disclosure.may_count(sum(bool(j.obliged) for j, _ in units)):
        subject = Subject("K4", CITY, snapshot.plan.area, filters.year, filters.through)
        return [judge(WithheldEvidence(subject), snapshot.plan)]
    found = []
    for object_ in _objects(snapshot, scope, filters, by, unit) or ():
        inside = [(j, row) for j, row in units if by == "city" or row["county_code"] == object_]
        candidates = [row for _, row in inside if row["could_be_obliged"]]
        found.append(
            judge(
                AccessEvidence(
                    subject=Subject("K4", _OBJECT_TYPES[by], object_, filters.year, filters.through),
                    units=tuple(j for j, _ in inside),
                    reports_expected=sum(row["reports_expected"] for row in candidates),
                    reports_received=sum(row["reports_received"] for row in candidates),
                ),
                snapshot.plan,
            )
        )
    return found


def bulk_reach(snapshot: Snapshot, scope: Scope, filters: Filters, period: Period) -> list[Judgement]:
    """Whether each unit moved what obliges to a spur, as if 省目录 and the list of large units were silent.

    All bulk goods of twelve months, as for K4, of every unit in production; `obliged`: True, False, or None
    where the missing returns leave it open.
    """
    found = _obligation_evidence(snapshot, scope, filters, None, period)
    return [
        judge(replace(item, could_be_obliged=True, in_catalogue=None), snapshot.plan)
        for item, row in found
        if row["is_active"]
    ]


def _obligations(
    snapshot: Snapshot, scope: Scope, filters: Filters, unit: str | None
) -> list[tuple[Judgement, dict]]:
    year = filters.year if filters.through == 12 else filters.year - 1
    found = _obligation_evidence(snapshot, scope, filters, unit, Period.of(year, 12))
    return [(judge(item, snapshot.plan), row) for item, row in found]


def _obligation_evidence(
    snapshot: Snapshot, scope: Scope, filters: Filters, unit: str | None, period: Period
) -> list[tuple[ObligationEvidence, dict]]:
    """Each unit's bulk tonnes of twelve months and its state at the end of the filters' period."""
    common: dict[str, Value] = {
        "first": period.first,
        "last": period.last,
        "county": filters.county,
        "unit": unit,
        "scope_counties": scope.county_codes(),
        "scope_units": scope.unit_codes(),
    }
    gaps: dict[str, Decimal] = {}
    unknown: set[str] = set()
    # The county of the period's last month chooses the unit; what it was missing elsewhere is its own all the same.
    wherever = common | {"county": None, "scope_counties": None}
    for row in snapshot.rows(
        "missing", indicators=["K4"], by="unit_direction", area=snapshot.plan.area,
        is_split=False, once=False, corridor=None, commodity=None, direction=None, **wherever,
    ):  # fmt: skip
        gaps[row["object"]] = row["tonnes_27720"] + gaps.get(row["object"], Decimal(0))
        if row["kind"] == "未知":
            unknown.update(row["units"])
    found = []
    state_month = date(filters.year, filters.through, 1)
    for row in snapshot.rows("obligation", state_month=state_month, **common):
        code = row["unit_code"]
        ins, outs = Fraction(row["in_tonnes"]), Fraction(row["out_tonnes"])
        more_in, more_out, whole = (
            Fraction(gaps.get(f"{code}|{part}", Decimal(0))) / _WEIGHT for part in ("到达", "发运", "")
        )
        is_park = row["kind"] == "物流园区"
        known = max(row["in_tonnes"], row["out_tonnes"]) if is_park else row["in_tonnes"] + row["out_tonnes"]
        highest = max(ins + more_in, outs + more_out) if is_park else ins + outs + more_in + more_out
        evidence = ObligationEvidence(
            subject=Subject("K4", ENTERPRISE, code, filters.year, filters.through),
            tonnes=known,
            highest=None if code in unknown else highest + whole,
            could_be_obliged=row["could_be_obliged"],
            in_catalogue=row["in_catalogue"],
            has_access=row["has_access"],
            state=row["spur"],
            reports_expected=row["reports_expected"],
            reports_received=row["reports_received"],
        )
        found.append((evidence, row))
    return found


def _official_target(
    snapshot: Snapshot, object_type: str, object_: str, year: int
) -> tuple[Fraction | None, str]:
    target = snapshot.plan.targets["K1"].values.get(year) if "K1" in snapshot.plan.targets else None
    if object_type == CITY:
        return (None, "") if target is None else (Fraction(target), "方案")
    allocated = snapshot.rows("allocated", year=year, indicator="K1", object_type=object_type, object=object_)
    if allocated:
        return Fraction(allocated[0]["value"]), "分解"
    if target is None or object_type != CORRIDOR:
        return None, ""
    base_year = snapshot.plan.base_year
    own = _complete(official_rows(snapshot, CORRIDOR, base_year, 12), object_)
    city = _complete(official_rows(snapshot, CITY, base_year, 12), snapshot.plan.area)
    if own is None or not city:
        return None, ""
    return Fraction(target) * Fraction(own) / Fraction(city), BASE_SHARE


def _objects(
    snapshot: Snapshot, scope: Scope, filters: Filters, by: str, unit: str | None
) -> list[str] | None:
    """Every object of a grouping that the scope may see, also those without a tonne; None = as they occur."""
    if by == "city":
        return [snapshot.plan.area]
    if by == "county":
        codes = [filters.county] if filters.county else list(snapshot.counties)
        return [code for code in codes if scope.counties is None or code in scope.counties]
    if by == "corridor":
        return [filters.corridor] if filters.corridor else list(snapshot.corridors)
    if by == "enterprise":
        return [code for code in snapshot.units(scope) if unit in (None, code)]
    return None


def _is_of_others(scope: Scope, filters: Filters, by: str, unit: str | None) -> bool:
    """Whether sums hold goods of units that the scope does not see: the city's are open to every role.

    Who sees sums only sees them of counties and corridors too; a county those of the other counties.
    """
    if unit or _is_narrow(filters):
        return False
    return (
        by in ("city", "month")
        or (by == "county" and scope.units is None)
        or (by == "corridor" and scope.sees_no_unit)
    )


def _is_narrow(filters: Filters) -> bool:
    return bool(filters.county or filters.corridor or filters.commodity or filters.direction)


def _is_withheld(snapshot: Snapshot, scope: Scope, id_: str, by: str, object_: str, period: Period) -> bool:
    if by == "month":
        month = date.fromisoformat(f"{object_}-01")
        return disclosure.is_withheld(snapshot, scope, id_, disclosure.CITY, snapshot.plan.area, month, month)
    return disclosure.is_withheld(snapshot, scope, id_, by, object_, period.first, period.last)


def _scoped(scope: Scope, filters: Filters, by: str, unit: str | None) -> dict[str, Value]:
    """The units that are asked: all where the sums are open, else those that the scope may see."""
    if _is_of_others(scope, filters, by, unit):
        return {"scope_counties": None, "scope_units": None}
    if scope.sees_no_unit and by != "enterprise":
        raise NotVisible(f"“{scope.role.value}”身份只看全市、县区和通道的汇总数，不按其他条件筛选。")
    if filters.county and scope.counties is not None and filters.county not in scope.counties:
        raise NotVisible("当前身份不能查看该县区。")
    return {"scope_counties": scope.county_codes(), "scope_units": scope.unit_codes()}


def _expected(snapshot: Snapshot, scope: Scope, filters: Filters, by: str) -> list[dict[str, Any]]:
    """All returns that were due, whatever they hold: the coverage beside an official total."""
    period = Period.of(filters.year, filters.through)
    is_city = by == "city"
    return snapshot.rows(
        "expected",
        by=by,
        area=snapshot.plan.area,
        first=period.first,
        last=period.last,
        scope_counties=None if is_city else scope.county_codes(),
        scope_units=None if is_city else scope.unit_codes(),
    )


def _grain(by: str, filters: Filters, unit: str | None, is_unit_scope: bool) -> str:
    is_split = bool(filters.corridor or filters.commodity) or by in ("corridor", "commodity")
    if by == "enterprise" or unit is not None or is_unit_scope:
        return "flow" if is_split else "unit"
    return "place"


def _keyed(rows: Iterable[Mapping]) -> dict[tuple[str, str], Mapping]:
    return {(row["indicator"], row["object"]): row for row in rows if row["object"] is not None}


def _sum(row: Mapping | None, column: str) -> Decimal:
    return Decimal(0) if row is None else row[column]


def _complete(rows: Iterable[Mapping], object_: str) -> Decimal | None:
    return next((row["value"] for row in rows if row["object"] == object_ and row["is_complete"]), None)


def _everywhere(scope: Scope) -> Scope:
    """The same reader, asked about all units: for sums that are open to it."""
    return Scope(EVERYTHING.role, scope.label)
