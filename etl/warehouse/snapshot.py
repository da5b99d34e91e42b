"""The only reader of the published numbers, under a Scope.

A Snapshot keeps the version that it opened; `current()` follows the pointer. Its queries are sql/read/*.sql,
which give tonnes and reports for any period, scope and grouping; evidence.py makes judgements of them.
"""

from __future__ import annotations

import threading
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from etl import periods
from etl.targets import Plan, plan_from_text
from etl.warehouse import publish
from etl.warehouse.build import SCHEMA_VERSION
from etl.warehouse.indicators import INDICATORS, definition
from etl.warehouse.pages import Choices, Definition, Filters
from etl.warehouse.scope import Role, Scope

_READ = resources.files("etl.warehouse") / "sql" / "read"
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


class Snapshot:
    """One published version. Safe for threads: each query has its own cursor."""

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        """Open a file; `connection`, where given, already holds what the file would (a warehouse in memory)."""
        self.path = path
        self._connection = connection or duckdb.connect(str(path), read_only=True, config=_CONFIG)
        meta = self.rows("meta")[0]
        if meta["schema_version"] != SCHEMA_VERSION:
            raise NothingPublished("已发布的数据由另一版本的程序生成，请运行 railshift build 重新生成。")
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

    def rows(self, query: str, **parameters: Value) -> list[dict[str, Any]]:
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

    @cached_property
    def newest_month(self) -> date:
        """The newest complete month that a return or an official value is there for."""
        known = [m for m in (self._bounds["last_month"], self._bounds["last_official"]) if m is not None]
        return min(max(known, default=self.last_month), self.last_month)

    @cached_property
    def _bounds(self) -> dict[str, Any]:
        return self.rows("bounds")[0]

    def units(self, scope: Scope) -> dict[str, str]:
        """Unit code → newest name, of the units that the scope may see."""
        rows = self.rows("units", scope_counties=scope.county_codes(), scope_units=scope.unit_codes())
        return {row["unit_code"]: row["name"] for row in rows}

    def definitions(self) -> dict[str, Definition]:
        return {id_: definition(id_, self.plan) for id_ in INDICATORS}

    def choices(self, scope: Scope) -> Choices:
        """What the filter row offers; the default is the plan's last year, or the one there is nearest to it."""
        bounds, newest = self._bounds, self.newest_month
        oldest = min(bounds["first_month"] or newest, bounds["first_official"] or newest)
        years = tuple(range(newest.year, oldest.year - 1, -1))
        through = {year: 12 if year < newest.year else newest.month for year in years}
        year = max(min(self.plan.last_year, newest.year), oldest.year)
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
            newest=Filters(year=self.last_month.year, through=self.last_month.month),
        )

    def sign_in_choices(self) -> list[Scope]:
        """Whom the demonstration offers to look as: each office once, a county, three accounts of units."""
        scopes = [Scope(Role.ANALYST, "市交通运输局"), Scope(Role.LEADER, "市政府")]
        busiest = self.rows("busiest")
        if busiest:
            county, unit = busiest[0]["county_code"], busiest[0]["unit_code"]
            scopes.append(Scope(Role.COUNTY, self.counties[county], counties=frozenset({county})))
            scopes.append(Scope(Role.ENTERPRISE, busiest[0]["name"], units=frozenset({unit})))
        several = {row["unit_code"]: row["name"] for row in self.rows("largest_company")}
        if several:
            label = f"{next(iter(several.values()))}等{len(several)}个填报单位"
            scopes.append(Scope(Role.ENTERPRISE, label, units=frozenset(several)))
        for row in self.rows("unreported", month=self.last_month):
            scopes.append(Scope(Role.ENTERPRISE, row["name"], units=frozenset({row["unit_code"]})))
        # A 部门 acts under the name by which it stands as 责任单位.
        scopes.append(Scope(Role.RAILWAY, "原平车务段"))
        scopes.append(Scope(Role.DEPARTMENT, "市发改委"))
        scopes.append(Scope(Role.ADMIN, "系统管理员"))
        return scopes

    @cached_property
    def has_coal_areas(self) -> bool:
        return bool(self.rows("coal_areas"))


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


@lru_cache
def _statement(query: str) -> str:
    return (_READ / f"{query}.sql").read_text(encoding="utf-8")
