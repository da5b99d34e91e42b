"""The only reader of the published numbers, under a Scope.

A Snapshot keeps the version that it opened; `current()` follows the pointer. Its queries are sql/read/*.sql,
which give R, Q, M and reports for any period, scope and grouping; `plan.judge()` makes the rest of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path

import duckdb
import pandas as pd

from etl import periods
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
    judge,
)
from etl.reference import Plan, plan_from_text
from etl.warehouse import publish
from etl.warehouse.indicators import INDICATORS, SHARES, definition
from etl.warehouse.pages import Choices, Definition, Filters
from etl.warehouse.scope import NotVisible, Role, Scope

_READ = resources.files("etl.warehouse") / "sql" / "read"
_OBJECT_TYPES = {"city": CITY, "county": COUNTY, "corridor": CORRIDOR, "enterprise": ENTERPRISE}
_WEIGHT = 27720
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "lock_configuration": True,
}
_opening = threading.Lock()
_opened: dict[Path, Snapshot] = {}

Value = str | int | bool | date | Decimal | list[str] | None


class NothingPublished(Exception):
    """No build has been published yet; the message says what to run."""


@dataclass(frozen=True)
class Period:
    """January to `through` of a year, or any run of months: first and last month, both in."""

    first: date
    last: date

    @classmethod
    def of(cls, year: int, through: int) -> Period:
        return cls(date(year, 1, 1), date(year, through, 1))


class Snapshot:
    """One published version. Safe for threads: each query has its own cursor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = duckdb.connect(str(path), read_only=True, config=_CONFIG)
        meta = self.rows("meta")[0]
        self.as_of: date = meta["as_of"]
        self.is_demo: bool = meta["is_demo"]
        self.plan: Plan = plan_from_text(meta["plan_toml"])

    @property
    def version(self) -> str:
        return self.path.stem

    def __hash__(self) -> int:
        return hash(self.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Snapshot) and other.path == self.path

    def rows(self, query: str, **parameters: Value) -> list[dict]:
        """The rows of sql/read/<query>.sql as dictionaries; exact decimals stay Decimal."""
        result = self._connection.cursor().execute(_statement(query), parameters or None)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def frame(self, query: str, **parameters: Value) -> pd.DataFrame:
        """The rows of sql/read/<query>.sql as a frame of objects: decimals are not turned into floats."""
        result = self._connection.cursor().execute(_statement(query), parameters or None)
        names = [column[0] for column in result.description]
        return pd.DataFrame(result.fetchall(), columns=names, dtype=object)

    @cached_property
    def counties(self) -> dict[str, str]:
        """County code → name, in the order of 行政区划."""
        return {row["county_code"]: row["name"] for row in self.rows("counties")}

    @cached_property
    def corridors(self) -> tuple[str, ...]:
        return tuple(row["corridor"] for row in self.rows("corridors"))

    @cached_property
    def last_month(self) -> date:
        """The newest month that is over on the day of the build."""
        return periods.last_complete_month(self.as_of)

    def units(self, scope: Scope) -> dict[str, str]:
        """Unit code → newest name, of the units that the scope may see."""
        rows = self.rows("units", scope_counties=scope.county_codes(), scope_units=scope.unit_codes())
        return {row["unit_code"]: row["name"] for row in rows}

    def definitions(self) -> dict[str, Definition]:
        return {id_: definition(id_, self.plan) for id_ in INDICATORS}

    def choices(self, scope: Scope) -> Choices:
        """What the filter row offers; the default year is the plan's last until one is chosen."""
        bounds = self.rows("bounds")[0]
        newest = max(bounds["last_month"] or self.last_month, bounds["last_official"] or date.min)
        newest = min(newest, self.last_month)
        oldest = min(bounds["first_month"] or newest, bounds["first_official"] or newest)
        years = tuple(range(newest.year, oldest.year - 1, -1))
        through = {year: 12 if year < newest.year else newest.month for year in years}
        year = min(self.plan.last_year, newest.year)
        counties = self.counties
        if scope.counties is not None:
            counties = {code: name for code, name in counties.items() if code in scope.counties}
        return Choices(
            years=years,
            through=through,
            counties={} if scope.units is not None else counties,
            commodities=tuple(row["commodity"] for row in self.rows("commodities")),
            corridors=self.corridors,
            directions=("发运", "到达"),
            default=Filters(year=year, through=through.get(year, newest.month)),
        )

    def sign_in_choices(self) -> list[Scope]:
        """The roles that the demonstration's chooser offers, with a county and a unit of the data."""
        scopes = [Scope(Role.ANALYST, "市交通运输局"), Scope(Role.LEADER, "市政府")]
        busiest = self.rows("busiest")
        if busiest:
            county, unit = busiest[0]["county_code"], busiest[0]["unit_code"]
            scopes.append(Scope(Role.COUNTY, self.counties[county], counties=frozenset({county})))
            scopes.append(Scope(Role.ENTERPRISE, busiest[0]["name"], units=frozenset({unit})))
        return scopes

    def indicators(self, scope: Scope, filters: Filters, by: str) -> list[Judgement]:
        """Every indicator that the grouping has, judged. by: city, county, corridor or enterprise."""
        judged = [] if by == "enterprise" else self.official(scope, filters, by)
        judged += self.shares(scope, SHARES, filters, by)
        if by != "corridor":
            judged += self.obligations(scope, filters, by)
        order = {id_: position for position, id_ in enumerate(INDICATORS)}
        return sorted(judged, key=lambda j: order[j.subject.indicator])

    def shares(
        self, scope: Scope, ids: Sequence[str], filters: Filters, by: str, unit: str | None = None
    ) -> list[Judgement]:
        """The shares `ids` judged for each object of the grouping, in the order of the objects."""
        evidence = self.share_evidence(scope, ids, filters, by, unit=unit)
        return [judge(item, self.plan) for item in evidence]

    def share_evidence(
        self,
        scope: Scope,
        ids: Sequence[str],
        filters: Filters,
        by: str,
        *,
        unit: str | None = None,
        period: Period | None = None,
    ) -> list[ShareEvidence]:
        """R, Q, M and reports. `by` may also be commodity, direction or month (objects as they occur)."""
        period = period or Period.of(filters.year, filters.through)
        scoped = self._scoped(scope, filters, by, unit)
        common: dict[str, Value] = {
            "indicators": list(ids),
            "by": by,
            "area": self.plan.area,
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
        sums = _keyed(self.rows("share", grain=grain, **common, **goods))
        reports = _keyed(self.rows("reports", is_split=split, **common, **goods))
        missing: dict[tuple[str, str], dict[str, dict]] = {}
        if any(row["reports_expected"] > row["reports_received"] for row in reports.values()) or split:
            for row in self.rows("missing", is_split=split, once=is_once, **common, **goods):
                missing.setdefault((row["indicator"], row["object"]), {})[row["kind"]] = row
        objects = self._objects(scope, filters, by, unit) or sorted({o for _, o in (*sums, *reports)})
        found = []
        for id_ in ids:
            for object_ in objects:
                key = (id_, object_)
                gaps = missing.get(key, {})
                found.append(
                    ShareEvidence(
                        subject=Subject(
                            id_, _OBJECT_TYPES.get(by, by), object_, filters.year, filters.through
                        ),
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
                        awaits_ruling="煤炭主产区" if id_ == "K2" and not self._has_coal_areas else "",
                    )
                )
        return found

    def official(self, scope: Scope, filters: Filters, by: str) -> list[Judgement]:
        """K1 judged for the city, or for the counties or corridors that a series exists for."""
        type_ = _OBJECT_TYPES[by]
        visible = set(self._objects(scope, filters, by, None) or ())
        reports = self.rows("expected", by=by, area=self.plan.area, **self._period(filters), **_open(scope, by))
        expected = {row["object"]: row for row in reports}
        everything = _NO_REPORTS if by == "city" or not reports else _total(reports)
        found = []
        for row in self.official_rows(type_, filters.year, filters.through):
            if row["object"] not in visible:
                continue
            target, basis = self._official_target(type_, row["object"], filters.year)
            counts = everything if by == "corridor" else expected.get(row["object"], _NO_REPORTS)
            found.append(
                judge(
                    OfficialEvidence(
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
                    ),
                    self.plan,
                )
            )
        if by == "city" and not found:
            target, basis = self._official_target(CITY, self.plan.area, filters.year)
            counts = expected.get(self.plan.area, _NO_REPORTS)
            nothing = OfficialEvidence(
                subject=Subject("K1", CITY, self.plan.area, filters.year, filters.through),
                value=None,
                complete=False,
                target=target,
                target_basis=basis,
                caliber="",
                caliber_pending=True,
                caliber_conflict=False,
                reports_expected=counts["reports_expected"],
                reports_received=counts["reports_received"],
            )
            found.append(judge(nothing, self.plan))
        return found

    def official_rows(self, object_type: str, year: int, through: int) -> list[dict]:
        """The official rail total of January to `through` for each object of a type, 万吨."""
        period = Period.of(year, through)
        return self.rows(
            "official", object_type=object_type, first=period.first, last=period.last, months=through
        )

    def obligations(self, scope: Scope, filters: Filters, by: str, unit: str | None = None) -> list[Judgement]:
        """K4 judged for each unit, or for the city or each county from its units."""
        units = self._obligations(scope if by != "city" else _unlimited(scope), filters, unit)
        if by == "enterprise":
            return [judged for judged, _ in units]
        found = []
        for object_ in self._objects(scope, filters, by, unit) or ():
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
                    self.plan,
                )
            )
        return found

    def _obligations(
        self, scope: Scope, filters: Filters, unit: str | None
    ) -> list[tuple[Judgement, dict]]:
        year = filters.year if filters.through == 12 else filters.year - 1
        period = Period.of(year, 12)
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
        for row in self.rows(
            "missing", indicators=["K4"], by="unit_direction", area=self.plan.area, is_split=False, once=False,
            corridor=None, commodity=None, direction=None, **common,
        ):  # fmt: skip
            gaps[row["object"]] = row["tonnes_27720"] + gaps.get(row["object"], Decimal(0))
            if row["kind"] == "未知":
                unknown.update(row["units"])
        found = []
        for row in self.rows("obligation", state_month=date(filters.year, filters.through, 1), **common):
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
            found.append((judge(evidence, self.plan), row))
        return found

    def _official_target(self, object_type: str, object_: str, year: int) -> tuple[Fraction | None, str]:
        target = self.plan.targets["K1"].values.get(year) if "K1" in self.plan.targets else None
        if object_type == CITY:
            return (None, "") if target is None else (Fraction(target), "方案")
        allocated = self.rows("allocated", year=year, indicator="K1", object_type=object_type, object=object_)
        if allocated:
            return Fraction(allocated[0]["value"]), "分解"
        if target is None or object_type != CORRIDOR:
            return None, ""
        base_year = self.plan.base_year
        own = _complete(self.official_rows(CORRIDOR, base_year, 12), object_)
        city = _complete(self.official_rows(CITY, base_year, 12), self.plan.area)
        if own is None or not city:
            return None, ""
        return Fraction(target) * Fraction(own) / Fraction(city), BASE_SHARE

    @cached_property
    def _has_coal_areas(self) -> bool:
        return bool(self.rows("coal_areas"))

    def _objects(self, scope: Scope, filters: Filters, by: str, unit: str | None) -> list[str] | None:
        """Every object of a grouping that the scope may see, also those without a tonne; None = as they occur."""
        if by == "city":
            return [self.plan.area]
        if by == "county":
            codes = [filters.county] if filters.county else list(self.counties)
            return [code for code in codes if scope.counties is None or code in scope.counties]
        if by == "corridor":
            return [filters.corridor] if filters.corridor else list(self.corridors)
        if by == "enterprise":
            return [code for code in self.units(scope) if unit in (None, code)]
        return None

    def _scoped(self, scope: Scope, filters: Filters, by: str, unit: str | None) -> dict[str, Value]:
        """City figures are open to every role; anything narrower is limited to what the scope may see."""
        if by == "city" and unit is None and not (filters.county or filters.corridor or filters.commodity):
            return {"scope_counties": None, "scope_units": None}
        if by == "month" and unit is None and scope.sees_all:
            return {"scope_counties": None, "scope_units": None}
        if filters.county and scope.counties is not None and filters.county not in scope.counties:
            raise NotVisible("当前身份不能查看该县区。")
        return {"scope_counties": scope.county_codes(), "scope_units": scope.unit_codes()}

    def _period(self, filters: Filters) -> dict[str, Value]:
        period = Period.of(filters.year, filters.through)
        return {"first": period.first, "last": period.last, "county": filters.county}


def current(home: Path) -> Snapshot:
    """The published version; the same object until the pointer moves. Errors: NothingPublished."""
    path = publish.current_path(home)
    if path is None or not path.is_file():
        raise NothingPublished("尚未生成数据，请先运行 railshift build。")
    return open_snapshot(path)


def open_snapshot(path: Path) -> Snapshot:
    """The snapshot of one file; a file is opened once in a process."""
    with _opening:
        if path not in _opened:
            _opened[path] = Snapshot(path)
        return _opened[path]


_SPLITTING = ("corridor", "commodity", "direction")
_NO_REPORTS = {"reports_expected": 0, "reports_received": 0}


@lru_cache
def _statement(query: str) -> str:
    return (_READ / f"{query}.sql").read_text(encoding="utf-8")


def _grain(by: str, filters: Filters, unit: str | None, is_unit_scope: bool) -> str:
    is_split = bool(filters.corridor or filters.commodity) or by in ("corridor", "commodity")
    if by == "enterprise" or unit is not None or is_unit_scope:
        return "flow" if is_split else "unit"
    return "place"


def _keyed(rows: Iterable[Mapping]) -> dict[tuple[str, str], Mapping]:
    return {(row["indicator"], row["object"]): row for row in rows if row["object"] is not None}


def _sum(row: Mapping | None, column: str) -> Decimal:
    return Decimal(0) if row is None else row[column]


def _total(rows: Sequence[Mapping]) -> dict[str, int]:
    return {name: sum(row[name] for row in rows) for name in _NO_REPORTS}


def _complete(rows: Iterable[Mapping], object_: str) -> Decimal | None:
    return next((row["value"] for row in rows if row["object"] == object_ and row["is_complete"]), None)


def _unlimited(scope: Scope) -> Scope:
    return Scope(scope.role, scope.label)


def _open(scope: Scope, by: str) -> dict[str, Value]:
    is_city = by == "city"
    return {
        "scope_counties": None if is_city else scope.county_codes(),
        "scope_units": None if is_city else scope.unit_codes(),
    }
