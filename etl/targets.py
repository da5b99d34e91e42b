"""The plan as data (data/plan.toml): each target with its clause, the bureau's switches, due day and lights."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Target:
    """A target of the plan, as data. Shares are 0–1, K1 in 万吨; years outside `values` have none."""

    id: str
    clause: str
    quote: str
    wording: str
    unit: str
    bound: str
    population: str
    values: Mapping[int, Decimal]
    shown_before: Mapping[int, Decimal]


@dataclass(frozen=True)
class Switch:
    """A question that only the bureau can rule on, with the value used until it does."""

    id: str
    value: object
    provisional: bool
    question: str
    clause: str
    effect: str


@dataclass(frozen=True)
class Plan:
    document: str
    title: str
    source: str
    issued: date
    first_year: int
    last_year: int
    area: str
    area_name: str
    unit_key: str
    basis: str
    basis_clause: str
    due_day: int
    holidays: frozenset[date]
    workdays: frozenset[date]
    county_review: bool
    base_year: int
    base_value: Decimal
    base_basis: str
    long_distance_km: Decimal
    obliged_tonnes: Decimal
    switches: Mapping[str, Switch]
    pace_green: Decimal
    pace_yellow: Decimal
    share_yellow_pp: Decimal
    targets: Mapping[str, Target]
    references: Mapping[str, Decimal]

    def switch(self, name: str) -> object:
        """The value of a switch in force. Errors: KeyError for a switch that does not exist."""
        return self.switches[name].value


def plan_from_text(text: str) -> Plan:
    """The plan of a plan.toml given as text, as a published version carries it."""
    return plan_of(tomllib.loads(text, parse_float=Decimal))


def plan_of(toml: dict) -> Plan:
    """The plan of a parsed plan.toml. Errors: KeyError, TypeError, ValueError or InvalidOperation where it is wrong."""
    _check_keys(toml)
    plan, reporting, lights = toml["plan"], toml["reporting"], toml["lights"]
    targets = {
        entry["id"]: Target(
            id=entry["id"],
            clause=entry["clause"],
            quote=entry["quote"],
            wording=entry["wording"],
            unit=entry["unit"],
            bound=entry["bound"],
            population=entry["population"],
            values=_by_year(entry["values"]),
            shown_before=_by_year(entry.get("shown_before", {})),
        )
        for entry in toml.get("targets", [])
    }
    return Plan(
        document=plan["document"],
        title=plan["title"],
        source=plan["source"],
        issued=plan["issued"],
        first_year=plan["first_year"],
        last_year=plan["last_year"],
        area=plan["area"],
        area_name=plan["area_name"],
        unit_key=toml["identity"]["unit_key"],
        basis=toml["basis"]["text"],
        basis_clause=toml["basis"]["clause"],
        due_day=reporting["due_day"],
        holidays=frozenset(reporting["holidays"]),
        workdays=frozenset(reporting["workdays"]),
        county_review=reporting["county_review"],
        base_year=toml["base_year"]["year"],
        base_value=Decimal(toml["base_year"]["value"]),
        base_basis=toml["base_year"]["basis"],
        long_distance_km=Decimal(toml["rules"]["long_distance_km"]),
        obliged_tonnes=Decimal(toml["rules"]["obliged_tonnes"]),
        switches={
            name: Switch(id=name, **entry | {"value": _RULINGS[name](entry["value"])})
            for name, entry in toml["switches"].items()
        },
        pace_green=Decimal(lights["pace_green"]),
        pace_yellow=Decimal(lights["pace_yellow"]),
        share_yellow_pp=Decimal(lights["share_yellow_pp"]),
        targets=targets,
        references={r["id"]: Decimal(r["value"]) for r in toml.get("references", [])},
    )


def _check_keys(toml: dict) -> None:
    """A misspelt key would be read as nothing said: it is refused. Errors: ValueError."""
    tables: list[tuple[str, dict]] = [("", toml)]
    tables += [(name, toml[name]) for name in _KEYS if isinstance(toml.get(name), dict)]
    tables += [(name, entry) for name in ("targets", "references") for entry in toml.get(name, [])]
    for name, table in tables:
        if unknown := sorted(set(table) - _KEYS[name]):
            raise ValueError(f"{name or 'plan.toml'} 有未知的项 {'、'.join(unknown)}")
    if absent := sorted(set(_RULINGS) - set(toml["switches"])):
        raise ValueError(f"switches 缺少 {'、'.join(absent)}")


def _one_of(*words: str) -> Callable[[object], str]:
    def ruling(value: object) -> str:
        if value not in words:
            raise ValueError(f"{value} 应为 {'、'.join(words)} 之一")
        return str(value)

    return ruling


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value} 应为 true 或 false")
    return value


def _share(value: object) -> Decimal:
    share = Decimal(str(value))
    if not 0 <= share <= 1:
        raise ValueError(f"{value} 应在0与1之间")
    return share


# What each ruling may say; a switch that is not here does not exist.
_RULINGS: dict[str, Callable[[Any], object]] = {
    "k1_caliber": str,
    "spur_access_from": _one_of("next_month", "same_month"),
    "belt_in_k3": _yes_or_no,
    "drayage_limit_km": Decimal,
    "short_distance_km": Decimal,
    "mirror_day_share": _share,
    "mirror_period_share": _share,
}
_KEYS = {
    "": {
        "plan", "identity", "basis", "reporting", "base_year", "rules", "switches", "lights", "targets", "references",
    },
    "plan": {
        "document", "title", "source", "issued", "first_year", "last_year", "area", "area_name",
    },
    "identity": {"unit_key"},
    "basis": {"text", "clause"},
    "reporting": {"due_day", "holidays", "workdays", "county_review"},
    "base_year": {"year", "value", "unit", "basis"},
    "rules": {"long_distance_km", "obliged_tonnes"},
    "switches": set(_RULINGS),
    "lights": {"pace_green", "pace_yellow", "share_yellow_pp", "source"},
    "targets": {
        "id", "clause", "quote", "wording", "unit", "bound", "population", "values", "shown_before",
    },
    "references": {"id", "clause", "quote", "value"},
}  # fmt: skip


def _by_year(values: Mapping[str, str]) -> dict[int, Decimal]:
    return {int(year): Decimal(value) for year, value in values.items()}
