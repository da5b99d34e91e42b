"""Plain records of what was declared, registered, returned and published, and what follows from them for
one unit in one month: the registry row in force, whether a return is expected, whether a spur gives access,
and each returned row with its corridor, its distance and whether it is counted once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from typing import Any

from etl.periods import add_months, last_complete_month, last_day
from etl.reference import Commodity, Declared, Mode

WORKS, PARK = "工矿企业", "物流园区"
STOPPED = "停产"
OUT, IN = "发运", "到达"
BELT = "皮带廊道"
OTHER_CORRIDOR = "其他"
RELATIONS = ("自有", "共用", "租用")


@dataclass(frozen=True)
class RegistryRow:
    """One row of a unit's history in the registry. Units: approved tonnes a year. Empty: None."""

    unit_code: str
    uscc: str
    name: str
    county_code: str
    kind: str = WORKS
    industry: str = ""
    group_name: str = ""
    is_large: bool = False
    large_basis: str = ""
    is_new: bool = False
    in_catalogue: bool | None = None
    approved_tonnes: Fraction | None = None
    period_basis: str = "自然月"
    production_state: str = "正常"
    exemption_basis: str = ""
    due_from: date | None = None
    due_to: date | None = None
    valid_from: date | None = None


@dataclass(frozen=True)
class SpurRow:
    """One line and one user of it. Units: capacity in 万吨 a year."""

    spur_code: str
    user_code: str
    spur_name: str = ""
    kind: str = "专用线"
    owner: str = ""
    junction: str = ""
    corridor: str = ""
    capacity: Fraction | None = None
    state: str = "开通"
    opened_on: date | None = None
    relation: str = "自有"
    use_from: date | None = None
    use_to: date | None = None


@dataclass(frozen=True)
class Movement:
    """One typed row of a return. Units: tonnes, km. Empty: None for text that was not written."""

    direction: str
    mode: str
    commodity: str
    origin: str | None
    destination: str | None
    distance_km: Fraction | None
    tonnes: Fraction
    counterparty: str | None = None
    corridor: str | None = None
    is_drayage: bool = False
    transfer_station: str | None = None
    loading: str = "散装"


@dataclass(frozen=True)
class Return:
    """One version of a unit-month that was accepted. A zero return has no movements."""

    unit_code: str
    month: date
    version: int
    received_on: date
    accepted_on: date
    is_zero: bool = False
    movements: tuple[Movement, ...] = ()


@dataclass(frozen=True)
class OfficialValue:
    """One published value. Units: 万吨."""

    month: date
    value: Fraction
    published_on: date
    mode: str = "铁路"
    object_type: str = "全市"
    object: str = "全市"
    commodity: str = "合计"
    period_kind: str = "当期"
    caliber: str = "发送"
    operator: str = ""
    status: str = "月报确报"
    source: str = ""
    is_public: bool = False
    recorded_at: datetime | None = None


@dataclass(frozen=True)
class AllocatedTarget:
    year: int
    indicator: str
    object_type: str
    object: str
    value: Fraction
    unit: str = "万吨"
    responsible: str = ""
    basis: str = ""


@dataclass(frozen=True)
class Flow:
    """A movement with what the declared data and the registry say about it.

    `is_left_out`: the other end's return counts these goods in collective figures.
    """

    unit_code: str
    month: date
    direction: str
    mode: Mode
    commodity: Commodity
    corridor: str
    distance_km: Fraction | None
    tonnes: Fraction
    is_drayage: bool
    loading: str
    is_left_out: bool


def _drawn_fields(record: Any) -> str:
    """The record without the fields that have their default."""
    shown = [
        f"{column.name}={getattr(record, column.name)!r}"
        for column in fields(record)
        if column.default is MISSING or getattr(record, column.name) != column.default
    ]
    return f"{type(record).__name__}({', '.join(shown)})"


@dataclass(frozen=True, eq=False, repr=False)
class World:
    """All inputs, as known on `as_of`; versions accepted and values published later are left out here."""

    declared: Declared
    registry: Sequence[RegistryRow]
    spurs: Sequence[SpurRow]
    returns: Sequence[Return]
    official: Sequence[OfficialValue]
    targets: Sequence[AllocatedTarget]
    as_of: date
    _flows: dict[tuple[str, date], tuple[Flow, ...]] = field(default_factory=dict, init=False)

    def __repr__(self) -> str:
        """What was drawn, without what every world shares, so that a failing example can be read."""
        declared = self.declared
        rulings = {name: switch.value for name, switch in declared.plan.switches.items()}
        parts = [f"as_of={self.as_of}", str(rulings), *map(repr, declared.coal_areas + declared.od_distances)]
        for records in (self.registry, self.spurs, self.official, self.targets):
            parts += [_drawn_fields(record) for record in records]
        # Many months hold the same rows: each is shown once and named by its number.
        rows = list(dict.fromkeys(row for kept in self.returns for row in kept.movements))
        parts += [f"row {number}: {_drawn_fields(row)}" for number, row in enumerate(rows)]
        lines: dict[str, list[str]] = defaultdict(list)
        for kept in self.returns:
            version = "" if kept.version == 1 else f" v{kept.version} of {kept.accepted_on}"
            numbers = ",".join(str(rows.index(row)) for row in kept.movements)
            lines[kept.unit_code].append(f"{kept.month:%Y-%m}{version} ({numbers})")
        parts += [f"{unit} returned rows: {' '.join(months)}" for unit, months in lines.items()]
        return "World(\n  " + "\n  ".join(parts) + "\n)"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Hypothesis prints a dataclass field by field unless it prints itself."""
        printer.text("World(…)" if cycle else repr(self))

    # --- the registry -------------------------------------------------------------------------------

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Each unit with any registry row, in the order of its code."""
        return tuple(sorted({row.unit_code for row in self.registry}))

    @cached_property
    def _history(self) -> dict[str, list[RegistryRow]]:
        history: dict[str, list[RegistryRow]] = defaultdict(list)
        for row in sorted(self.registry, key=lambda row: row.valid_from or date.min):
            history[row.unit_code].append(row)
        for unit, rows in history.items():
            if len({row.valid_from for row in rows}) != len(rows):
                raise ValueError(f"two registry rows of {unit} begin on the same day")
        return dict(history)

    def row_in_force(self, unit: str, month: date) -> RegistryRow | None:
        """The unit's registry row on the last day of the month. Empty: None = 未登记."""
        rows = [
            row
            for row in self._history.get(unit, [])
            if row.valid_from is None or row.valid_from <= last_day(month)
        ]
        return rows[-1] if rows else None

    def is_counted(self, unit: str, month: date) -> bool:
        """False where the unit counts as nothing that month: 停产 or 未登记."""
        row = self.row_in_force(unit, month)
        return row is not None and row.production_state != STOPPED

    def is_expected(self, unit: str, month: date) -> bool:
        """应报: inside the window, in production, and the month is over on the day of the build."""
        row = self.row_in_force(unit, month)
        if row is None or row.production_state == STOPPED or row.due_from is None:
            return False
        is_due = row.due_from.replace(day=1) <= month and (row.due_to is None or month <= row.due_to)
        return is_due and month <= last_complete_month(self.as_of)

    # --- returns ------------------------------------------------------------------------------------

    @cached_property
    def accepted(self) -> dict[tuple[str, date], Return]:
        """Each unit-month's newest version accepted on or before `as_of`."""
        newest: dict[tuple[str, date], Return] = {}
        for version in sorted(self.returns, key=lambda r: r.version):
            if version.accepted_on <= self.as_of:
                newest[version.unit_code, version.month] = version
        return newest

    def is_missing(self, unit: str, month: date) -> bool:
        return self.is_expected(unit, month) and (unit, month) not in self.accepted

    def flows(self, unit: str, month: date) -> tuple[Flow, ...]:
        """The accepted rows of a unit-month, whatever the unit's state. Empty: none, or no return."""
        key = unit, month
        if key not in self._flows:
            rows = self.accepted[key].movements if key in self.accepted else ()
            self._flows[key] = tuple(self._flow(unit, month, row) for row in rows)
        return self._flows[key]

    def _flow(self, unit: str, month: date, row: Movement) -> Flow:
        return Flow(
            unit_code=unit,
            month=month,
            direction=row.direction,
            mode=self._modes[self.declared.mode_names[row.mode]],
            commodity=self._commodities[self.declared.commodity_names[row.commodity]],
            corridor=self._corridor(row),
            distance_km=self._distance(row),
            tonnes=row.tonnes,
            is_drayage=row.is_drayage,
            loading=row.loading,
            is_left_out=self._is_left_out(unit, month, row),
        )

    @cached_property
    def _modes(self) -> dict[str, Mode]:
        return {mode.name: mode for mode in self.declared.modes}

    @cached_property
    def _commodities(self) -> dict[str, Commodity]:
        return {commodity.name: commodity for commodity in self.declared.commodities}

    # --- places -------------------------------------------------------------------------------------

    def _place(self, text: str | None) -> str | None:
        return self.declared.station_names.get(text, text) if text else None

    @cached_property
    def _pairs(self) -> dict[tuple[str | None, str | None], tuple[str, Fraction]]:
        pairs: dict[tuple[str | None, str | None], tuple[str, Fraction]] = {}
        for is_reversed in (False, True):
            for entry in self.declared.od_distances:
                ends = self._place(entry.origin), self._place(entry.destination)
                pairs.setdefault(
                    ends[::-1] if is_reversed else ends, (entry.corridor, Fraction(entry.distance_km))
                )
        return pairs

    @cached_property
    def _station_corridors(self) -> dict[str, str]:
        return {station.name: station.corridor for station in self.declared.stations}

    def _corridor(self, row: Movement) -> str:
        if row.corridor:
            return self.declared.corridor_names[row.corridor]
        ends = self._place(row.origin), self._place(row.destination)
        if ends in self._pairs and self._pairs[ends][0]:
            return self._pairs[ends][0]
        own_end_first = ends if row.direction == OUT else ends[::-1]
        for place in own_end_first:
            if self._station_corridors.get(place or ""):
                return self._station_corridors[place or ""]
        return OTHER_CORRIDOR

    def _distance(self, row: Movement) -> Fraction | None:
        ends = self._place(row.origin), self._place(row.destination)
        return self._pairs[ends][1] if ends in self._pairs else row.distance_km

    # --- the other end ------------------------------------------------------------------------------

    def counterparty(self, month: date, text: str | None) -> str | None:
        """The registered unit that 对方单位 names: by unit code, uscc, or the name in force that month.

        Empty: None where nothing is written, nobody is found, or several units are.
        """
        if not text:
            return None
        if text in self._history:
            return text
        by_uscc = {row.unit_code for row in self.registry if row.uscc == text}
        if len(by_uscc) == 1:
            return by_uscc.pop()
        rows = [self.row_in_force(unit, month) for unit in self.units]
        by_name = {row.unit_code for row in rows if row is not None and row.name == text}
        return by_name.pop() if len(by_name) == 1 else None

    def _is_left_out(self, unit: str, month: date, row: Movement) -> bool:
        other = self.counterparty(month, row.counterparty)
        if other is None or other == unit or not self.is_expected(other, month):
            return False
        if row.direction == IN:
            return True
        own_row, other_row = self.row_in_force(unit, month), self.row_in_force(other, month)
        is_park = own_row is not None and own_row.kind == PARK
        return is_park and other_row is not None and other_row.kind == WORKS

    # --- spurs --------------------------------------------------------------------------------------

    @cached_property
    def _spurs_of(self) -> dict[str, list[SpurRow]]:
        spurs: dict[str, list[SpurRow]] = defaultdict(list)
        for row in self.spurs:
            spurs[row.user_code].append(row)
        return dict(spurs)

    def _counts_from(self, row: SpurRow) -> date | None:
        """The first month of access by the dates. Empty: None = not open, or no day of opening known."""
        if row.state != "开通" or row.opened_on is None:
            return None
        day = max(row.opened_on, row.use_from or date.min)
        first_of_month = day.replace(day=1)
        if day.day == 1 or self.declared.plan.switch("spur_access_from") == "same_month":
            return first_of_month
        return add_months(first_of_month, 1)

    def access(self, unit: str, month: date) -> str | None:
        """自有, 共用 or 租用 where the unit has access to a spur in the month. Empty: None = no access."""
        relations = set()
        for row in self._spurs_of.get(unit, []):
            first = self._counts_from(row)
            if first is not None and first <= month and (row.use_to is None or last_day(month) <= row.use_to):
                relations.add(row.relation)
        return next((relation for relation in RELATIONS if relation in relations), None)

    def spur_word(self, unit: str, month: date) -> str:
        """自有, 共用, 租用, 在建, 豁免 or 未建."""
        if relation := self.access(unit, month):
            return relation
        for row in self._spurs_of.get(unit, []):
            first = self._counts_from(row)
            if row.state in ("前期", "在建") or (row.state == "开通" and (first is None or first > month)):
                return "在建"
        registered = self.row_in_force(unit, month)
        return "豁免" if registered is not None and registered.exemption_basis else "未建"
