"""Worlds drawn as text tables, and the declared data that they stand on.

A column that is not drawn takes its default: a large 工矿企业 in 140925, not due, 正常; a row 发运 of 煤炭 by
铁路 over 600 km, 散装, no drayage, no other end; a return accepted on the 8th of the month after.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from etl.periods import add_months, month_of
from etl.reference import CoalArea, Declared, OdDistance, load_declared

from .world import (
    OUT,
    WORKS,
    AllocatedTarget,
    Movement,
    OfficialValue,
    RegistryRow,
    Return,
    SpurRow,
    World,
)

BASE = load_declared(Path(__file__).parents[2] / "data")
COAL_COUNTY, OTHER_COUNTY = "140925", "140981"


def declared_with(
    *,
    coal_areas: Iterable[CoalArea] = (),
    od_distances: Iterable[OdDistance] = (),
    **switches: object,
) -> Declared:
    """The declared data of the project with other coal areas, distances and rulings."""
    ruled = dict(BASE.plan.switches)
    for name, value in switches.items():
        ruled[name] = replace(ruled[name], value=value)
    plan = replace(BASE.plan, switches=ruled)
    return replace(BASE, plan=plan, coal_areas=tuple(coal_areas), od_distances=tuple(od_distances))


def _flag(text: str) -> bool:
    return text == "是"


def _optional_flag(text: str) -> bool | None:
    return _flag(text) if text else None


def _day(text: str) -> date | None:
    """A day, or the first day of a month written without one."""
    if not text:
        return None
    return month_of(text) if len(text) == 7 else date.fromisoformat(text)


def _number(text: str) -> Fraction | None:
    return Fraction(text) if text else None


CONVERT: dict[str, Callable[[str], Any]] = {
    "is_large": _flag,
    "is_new": _flag,
    "in_catalogue": _optional_flag,
    "is_public": _flag,
    "is_drayage": _flag,
    "approved_tonnes": _number,
    "distance_km": _number,
    "tonnes": Fraction,
    "value": Fraction,
    "due_from": _day,
    "due_to": _day,
    "valid_from": _day,
    "opened_on": _day,
    "use_from": _day,
    "use_to": _day,
    "month": _day,
    "accepted_on": _day,
    "published_on": _day,
    "recorded_at": datetime.fromisoformat,
    "year": int,
    "version": int,
}


def table(text: str) -> list[dict[str, Any]]:
    """The rows of a drawn table: a header, then one line a row, cells parted by |."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.strip()]
    if not lines:
        return []
    header, *rows = lines
    return [
        {
            name: CONVERT[name](cell) if name in CONVERT else cell
            for name, cell in zip(header, row, strict=True)
        }
        for row in rows
    ]


def drawn(
    *,
    registry: str = "",
    rows: str = "",
    zero: str = "",
    spurs: str = "",
    official: str = "",
    targets: str = "",
    as_of: str = "2026-01-15",
    declared: Declared | None = None,
) -> World:
    """A world from drawn tables. `zero`: zero returns as `A 2025-01, B 2025-02`."""
    if declared is None:
        declared = declared_with(coal_areas=[CoalArea(COAL_COUNTY, None, None, "演示")])
    return World(
        declared=declared,
        registry=[_registry_row(row) for row in table(registry)],
        spurs=[_spur(row) for row in table(spurs)],
        returns=_returns(table(rows), zero),
        official=[_official(row) for row in table(official)],
        targets=[AllocatedTarget(**row) for row in table(targets)],
        as_of=date.fromisoformat(as_of),
    )


def _spur(row: dict[str, Any]) -> SpurRow:
    defaults: dict[str, Any] = {"spur_code": "S1", "opened_on": date(2020, 1, 1)}
    return SpurRow(**{**defaults, **row})


def _registry_row(row: dict[str, Any]) -> RegistryRow:
    unit = row["unit_code"]
    defaults: dict[str, Any] = {
        "uscc": unit,
        "name": f"{unit}公司",
        "county_code": COAL_COUNTY,
        "kind": WORKS,
        "is_large": True,
    }
    return RegistryRow(**{**defaults, **row})


def _returns(rows: list[dict[str, Any]], zero: str) -> list[Return]:
    kept: dict[tuple[str, date, int], list[Movement]] = defaultdict(list)
    accepted: dict[tuple[str, date, int], date] = {}
    for row in rows:
        key = row.pop("unit_code"), row.pop("month", date(2025, 1, 1)), row.pop("version", 1)
        accepted[key] = row.pop("accepted_on", None) or add_months(key[1], 1).replace(day=8)
        kept[key].append(_movement(row))
    for unit, month in (entry.split() for entry in zero.split(",") if entry.strip()):
        key = unit, month_of(month), 1
        accepted[key] = add_months(key[1], 1).replace(day=8)
        kept[key] = []
    return [
        Return(unit, month, version, accepted[key], accepted[key], not movements, tuple(movements))
        for key, movements in kept.items()
        for unit, month, version in [key]
    ]


def _movement(row: dict[str, Any]) -> Movement:
    defaults: dict[str, Any] = {
        "direction": OUT,
        "mode": "铁路",
        "commodity": "煤炭",
        "origin": None,
        "destination": None,
        "distance_km": Fraction(600),
    }
    given = {name: cell for name, cell in row.items() if cell != ""}
    return Movement(**{**defaults, **given})


def _official(row: dict[str, Any]) -> OfficialValue:
    defaults: dict[str, Any] = {"published_on": add_months(row["month"], 1).replace(day=10)}
    given = {name: cell for name, cell in row.items() if cell not in ("", None)}
    return OfficialValue(**{**defaults, **given})


def km(origin: str, destination: str, corridor: str, distance: str) -> OdDistance:
    return OdDistance(origin, destination, corridor, Decimal(distance), "演示")
