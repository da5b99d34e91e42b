"""The declared data (`data/`) as typed tables: targets, switches, names, aliases, factors.

An unknown column, an unknown name or a missing file is refused here, with the file and the line,
so that nothing further on has to ask whether the reference data fit together.
An overlay folder (`data/sample/` for the demonstration) replaces files one by one.
"""

from __future__ import annotations

import csv
import inspect
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from etl.periods import month_of
from etl.targets import Plan, plan_of

DATA_VARIABLE = "RAILSHIFT_DATA"
HOME_VARIABLE = "RAILSHIFT_HOME"
PACKAGED_DATA = Path(__file__).parent / "declared"
CHECKOUT_DATA = Path(__file__).parents[1] / "data"


class DeclaredDataError(Exception):
    """The declared data do not fit together; the message (Chinese) names file, line and remedy."""


@dataclass(frozen=True)
class County:
    code: str
    name: str
    kind: str
    cluster: str
    lat: Decimal | None
    lon: Decimal | None
    parent_code: str
    note: str


@dataclass(frozen=True)
class Cluster:
    name: str
    full_name: str
    clause: str
    membership: str


@dataclass(frozen=True)
class Commodity:
    name: str
    bulk: bool
    coal_coke: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Mode:
    name: str
    rail: bool
    road: bool
    belt: bool
    clean: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Corridor:
    name: str
    full_name: str
    aliases: tuple[str, ...]
    in_plan: bool
    counties: tuple[str, ...]
    ends: tuple[str, ...]
    parallel_roads: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Station:
    name: str
    tmis: str
    corridor: str
    county_code: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class OdDistance:
    """认定里程: the one distance of a pair of places, whatever the mode. km, as written."""

    origin: str
    destination: str
    corridor: str
    distance_km: Decimal
    basis: str


@dataclass(frozen=True)
class CoalArea:
    """煤炭主产区: a county's flag for months, both ends in; None = open."""

    county_code: str
    valid_from: date | None
    valid_to: date | None
    basis: str


@dataclass(frozen=True)
class Measure:
    no: int
    clause: str
    chapter: str
    title: str
    role: str
    departments: tuple[str, ...]
    supporting: tuple[str, ...]
    printed_etc: bool


@dataclass(frozen=True)
class EmissionFactor:
    mode: str
    boundary: str
    value: Decimal
    low: Decimal | None
    high: Decimal | None
    unit: str
    year: int
    scope: str
    source: str
    note: str


@dataclass(frozen=True)
class Declared:
    """All declared data of one city. `is_demo` = an overlay with the word 演示数据 is in use."""

    folder: Path
    overlay: Path | None
    plan: Plan
    counties: tuple[County, ...]
    clusters: tuple[Cluster, ...]
    commodities: tuple[Commodity, ...]
    modes: tuple[Mode, ...]
    corridors: tuple[Corridor, ...]
    stations: tuple[Station, ...]
    od_distances: tuple[OdDistance, ...]
    coal_areas: tuple[CoalArea, ...]
    measures: tuple[Measure, ...]
    emission_factors: tuple[EmissionFactor, ...]
    is_demo: bool
    demo_today: date | None

    @cached_property
    def commodity_names(self) -> dict[str, str]:
        """Each name and alias of a commodity → its name."""
        return _names("commodities.csv", ((c.name, c.aliases) for c in self.commodities))

    @cached_property
    def mode_names(self) -> dict[str, str]:
        """Each name and alias of a mode → its name."""
        return _names("modes.csv", ((m.name, m.aliases) for m in self.modes))

    @cached_property
    def corridor_names(self) -> dict[str, str]:
        """Each name, full name and alias of a corridor → its name."""
        return _names("corridors.csv", ((c.name, (c.full_name, *c.aliases)) for c in self.corridors))

    @cached_property
    def station_names(self) -> dict[str, str]:
        """Each name and alias of a station → its name."""
        return _names("stations.csv", ((s.name, s.aliases) for s in self.stations))

    @cached_property
    def county_names(self) -> dict[str, str]:
        """County code → name."""
        return {c.code: c.name for c in self.counties}


def home_folder() -> Path:
    """The run-time folder: RAILSHIFT_HOME, else ./var."""
    return Path(os.environ.get(HOME_VARIABLE) or "var").resolve()


def data_folder() -> Path:
    """The declared data: RAILSHIFT_DATA, else ./data, else the copy that the package carries.

    A checkout carries none; there it is data/ beside the package, whatever folder the command is called in.
    """
    named = os.environ.get(DATA_VARIABLE)
    if named:
        return Path(named).resolve()
    known = (Path("data"), PACKAGED_DATA, CHECKOUT_DATA)
    return next((each.resolve() for each in known if (each / "plan.toml").is_file()), PACKAGED_DATA)


def load_declared(folder: Path, overlay: Path | None = None) -> Declared:
    """Every declared table of `folder`, with the files of `overlay` in their place.

    Errors: DeclaredDataError where a file is missing, a column unknown, a value unreadable or a
    name not declared where it is used.
    """
    reader = _Reader(folder, overlay)
    demo = reader.demo()
    declared = Declared(
        folder=folder,
        overlay=overlay,
        plan=_plan(reader),
        counties=reader.table("counties", County, lat=_optional_decimal, lon=_optional_decimal),
        clusters=reader.table("clusters", Cluster),
        commodities=reader.table("commodities", Commodity, bulk=_flag, coal_coke=_flag, aliases=_split),
        modes=reader.table("modes", Mode, rail=_flag, road=_flag, belt=_flag, clean=_flag, aliases=_split),
        corridors=reader.table(
            "corridors",
            Corridor,
            aliases=_split,
            in_plan=_flag,
            counties=_split,
            ends=_split,
            parallel_roads=_split,
        ),
        stations=reader.table("stations", Station, aliases=_split),
        od_distances=reader.table("od_distances", OdDistance, distance_km=_decimal),
        coal_areas=reader.table(
            "coal_areas",
            CoalArea,
            {"from": "valid_from", "to": "valid_to"},
            valid_from=_optional_month,
            valid_to=_optional_month,
        ),
        measures=reader.table(
            "measures", Measure, no=int, departments=_split, supporting=_split, printed_etc=_flag
        ),
        emission_factors=reader.table(
            "emission_factors",
            EmissionFactor,
            value=_decimal,
            low=_optional_decimal,
            high=_optional_decimal,
            year=int,
        ),
        is_demo=demo is not None,
        demo_today=demo,
    )
    _check_links(declared)
    return declared


T = TypeVar("T")


class _Reader:
    def __init__(self, folder: Path, overlay: Path | None) -> None:
        self.folder, self.overlay = folder, overlay

    def path(self, name: str) -> Path:
        if self.overlay and (self.overlay / name).is_file():
            return self.overlay / name
        if not (self.folder / name).is_file():
            raise DeclaredDataError(f"缺少申报数据文件 {name}（目录 {self.folder}），请补齐。")
        return self.folder / name

    def toml(self, name: str) -> dict[str, object]:
        try:
            return tomllib.loads(self.path(name).read_text(encoding="utf-8"), parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            raise DeclaredDataError(f"{name} 无法读取：{error}。请按 TOML 格式改正。") from error

    def demo(self) -> date | None:
        """The demonstration's day, where the overlay declares itself a demonstration."""
        if not self.overlay or not (self.overlay / "demo.toml").is_file():
            return None
        today = self.toml("demo.toml")["today"]
        if not isinstance(today, date):
            raise DeclaredDataError("demo.toml 的 today 须为日期（YYYY-MM-DD）。")
        return today

    def table(
        self,
        name: str,
        kind: type[T],
        rename: Mapping[str, str] | None = None,
        **convert: Callable[[str], object],
    ) -> tuple[T, ...]:
        return tuple(self._rows(f"reference/{name}.csv", kind, rename or {}, convert))

    def _rows(
        self,
        name: str,
        kind: type[T],
        rename: Mapping[str, str],
        convert: Mapping[str, Callable[[str], object]],
    ) -> Iterator[T]:
        wanted = list(inspect.signature(kind).parameters)
        with self.path(name).open(encoding="utf-8-sig", newline="") as lines:
            # A first line that starts with # labels the file (演示数据) and is no data.
            rows = csv.reader(_without_labels(name, lines))
            header = [rename.get(column, column) for column in next(rows, [])]
            if unknown := [c for c in header if c not in wanted]:
                raise DeclaredDataError(f"{name} 有未知的列：{'、'.join(unknown)}。请删除或改名。")
            if missing := [c for c in wanted if c not in header]:
                raise DeclaredDataError(f"{name} 缺少列：{'、'.join(missing)}。请补上。")
            for number, cells in enumerate(rows, start=2):
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    raise DeclaredDataError(f"{name} 第{number}行的列数与表头不符，请改正。")
                row: dict[str, object] = {}
                for column, cell in zip(header, cells, strict=True):
                    try:
                        row[column] = convert[column](cell) if column in convert else cell
                    except ValueError as error:
                        raise DeclaredDataError(
                            f"{name} 第{number}行“{column}”列的“{cell}”无法读取，请改正。"
                        ) from error
                yield kind(**row)


def _without_labels(name: str, lines: Iterable[str]) -> Iterator[str]:
    try:
        for line in lines:
            if not line.startswith("#"):
                yield line
    except UnicodeDecodeError as error:
        raise DeclaredDataError(f"{name} 不是 UTF-8 编码，请另存为 UTF-8。") from error


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error


def _optional_decimal(text: str) -> Decimal | None:
    return _decimal(text) if text else None


def _optional_month(text: str) -> date | None:
    return month_of(text) if text else None


def _flag(text: str) -> bool:
    if text not in ("是", "否"):
        raise ValueError(text)
    return text == "是"


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split("|") if part)


def _names(file: str, entries: Iterator[tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    names: dict[str, str] = {}
    for name, aliases in entries:
        for word in (name, *aliases):
            if names.setdefault(word, name) != name:
                raise DeclaredDataError(f"{file}：“{word}”同时属于{names[word]}和{name}，请改正。")
    return names


def _plan(reader: _Reader) -> Plan:
    try:
        return plan_of(reader.toml("plan.toml"))
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise DeclaredDataError(f"plan.toml 缺少或写错：{error}。请对照文件内说明改正。") from error


def _check_links(declared: Declared) -> None:
    """Each name that one file uses and another declares must exist. Errors: DeclaredDataError."""
    counties, corridors = set(declared.county_names), {c.name for c in declared.corridors}
    names = set(declared.county_names.values())
    links = [
        (
            "counties.csv",
            "cluster",
            {c.cluster for c in declared.counties},
            {c.name for c in declared.clusters},
        ),
        ("counties.csv", "parent_code", {c.parent_code for c in declared.counties}, counties),
        ("corridors.csv", "counties", {n for c in declared.corridors for n in c.counties}, names),
        ("stations.csv", "corridor", {s.corridor for s in declared.stations}, corridors),
        ("stations.csv", "county_code", {s.county_code for s in declared.stations}, counties),
        ("od_distances.csv", "corridor", {o.corridor for o in declared.od_distances}, corridors),
        ("coal_areas.csv", "county_code", {a.county_code for a in declared.coal_areas}, counties),
    ]
    for file, column, used, known in links:
        if unknown := sorted(used - known - {""}):
            raise DeclaredDataError(f"{file} 的“{column}”列有未申报的名称：{'、'.join(unknown)}。")
    # Building the alias tables finds a word that two names claim.
    _ = (declared.commodity_names, declared.mode_names, declared.corridor_names, declared.station_names)
