"""What accepting returns would do to published figures: the city, their counties and their units.

The whole of sql/ runs in memory twice over the years that these months can reach, once with what counts
now and once with the returns in the place of their unit-months. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from etl import periods, wording
from etl.plan import ENTERPRISE, Judgement
from etl.reference import Declared
from etl.warehouse import evidence
from etl.warehouse.build import CONFIG, Inputs, fill
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Filters
from etl.warehouse.scope import EVERYTHING
from etl.warehouse.snapshot import Snapshot

SHOWN = ("K1", "K2", "K3", "K4")
NO_CHANGE = "不改变已公布的数值、差额和结论。"
_Key = tuple[str, str, str, int, int]
_Judged = dict[_Key, Judgement]


@dataclass(frozen=True)
class Accepted:
    """A unit-month as it would count. `row` has the columns of `accepted_as_of`."""

    unit_code: str
    month: date
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One figure before and after. Empty: None where the object has no such figure on that side."""

    object_type: str
    object: str
    name: str
    indicator: str
    year: int
    through: int
    before: Judgement | None
    after: Judgement | None

    @property
    def is_changed(self) -> bool:
        """The value, the gap or the verdict moves; more returns alone change no figure."""
        return _figures(self.before) != _figures(self.after)

    def sentence(self) -> str:
        """Period, object, indicator: value, gap and verdict before → after."""
        period = wording.period_text(self.year, self.through)
        indicator = INDICATORS[self.indicator].name
        # K1 carries the city in its own name.
        what = period + ("" if indicator.startswith(self.name) else self.name) + indicator
        if not self.is_changed:
            return f"{what}不变（{_value(self.after)}，{_verdict(self.after)}）"
        said = [_arrow(*_values(self.before, self.after), "仍为")]
        gaps = _gap(self.before), _gap(self.after)
        if any(gaps):
            said.append(f"缺口{_arrow(gaps[0] or '无', gaps[1] or '无', '仍为')}")
        said.append(_arrow(_verdict(self.before), _verdict(self.after), "结论仍为"))
        return f"{what}：{'，'.join(said)}"


@dataclass(frozen=True)
class Effect:
    """What accepting these submissions does, every figure of it. Empty: no figure, for no month is over."""

    submissions: tuple[int, ...]
    changes: tuple[Change, ...]

    def sentences(self) -> list[str]:
        """A sentence for each figure that changes; never empty."""
        return [one.sentence() for one in self.changes if one.is_changed] or [NO_CHANGE]


def changes(
    inputs: Inputs, declared: Declared, day: date, accepted: Sequence[Accepted], counties: Mapping[str, str]
) -> tuple[Change, ...]:
    """Every figure of the city, these units and their counties, for each period that the months lie in.

    `inputs` is what the ledger knows on `day`; `counties`: unit code → its county. K1 rests on official
    series alone and is there to show that it stays. Errors: duckdb.Error where the disk or memory fails.
    """
    wanted = _periods({one.month for one in accepted}, periods.last_complete_month(day))
    # A year's figures look back two years: K4 at the year before, a missing month at twelve more.
    first = date(min(one.month for one in accepted).year - 2, 1, 1)
    now = inputs.submissions.filter(pc.field("month") >= pa.scalar(first))
    keys = {(one.unit_code, one.month) for one in accepted}
    rows = [row for row in now.to_pylist() if (row["unit_code"], row["month"]) not in keys]
    then = pa.Table.from_pylist([*rows, *(dict(one.row) for one in accepted)], now.schema)
    units = {one.unit_code for one in accepted}
    inside = {counties[unit] for unit in units if unit in counties}
    before, names = _judged(replace(inputs, submissions=now), declared, day, wanted, units, inside)
    after, _ = _judged(replace(inputs, submissions=then), declared, day, wanted, units, inside)
    order = list(dict.fromkeys((*before, *after)))
    return tuple(Change(*_named(key, names), before.get(key), after.get(key)) for key in order)


def _periods(months: set[date], newest: date) -> list[Filters]:
    """January to the end of each month's quarter and to the year's newest month: what pages and briefings show."""
    found: dict[tuple[int, int], Filters] = {}
    for month in sorted(months):
        last = 12 if month.year < newest.year else newest.month
        for through in ((month.month + 2) // 3 * 3, last):
            through = max(min(through, last), month.month)
            found[month.year, through] = Filters(month.year, through)
    return [found[key] for key in sorted(found)]


def _judged(
    inputs: Inputs,
    declared: Declared,
    day: date,
    wanted: Sequence[Filters],
    units: set[str],
    counties: set[str],
) -> tuple[_Judged, dict[str, str]]:
    """Judgements by what they judge, and the name of each object."""
    with duckdb.connect(config=CONFIG) as connection:
        fill(connection, inputs, declared, day)
        snapshot = Snapshot(Path("effect"), connection)
        found: _Judged = {}
        for filters in wanted:
            for judgement in _shown(snapshot, filters, units, counties):
                one = judgement.subject
                found[one.object_type, one.object, one.indicator, one.year, one.through] = judgement
        names = {**snapshot.units(EVERYTHING), **snapshot.counties, snapshot.plan.area: "全市"}
    return found, names


def _shown(snapshot: Snapshot, filters: Filters, units: set[str], counties: set[str]) -> Iterator[Judgement]:
    yield from (j for j in evidence.indicators(snapshot, EVERYTHING, filters, "city") if _is_shown(j))
    for county in sorted(counties):
        narrow = replace(filters, county=county)
        yield from (j for j in evidence.indicators(snapshot, EVERYTHING, narrow, "county") if _is_shown(j))
    for unit in sorted(units):
        shares = [id_ for id_ in SHOWN if id_ in ("K2", "K3")]
        yield from evidence.shares(snapshot, EVERYTHING, shares, filters, "enterprise", unit=unit)
        yield from evidence.obligations(snapshot, EVERYTHING, filters, "enterprise", unit=unit)


def _is_shown(judgement: Judgement) -> bool:
    return judgement.subject.indicator in SHOWN


def _named(key: _Key, names: Mapping[str, str]) -> tuple[str, str, str, str, int, int]:
    object_type, object_, indicator, year, through = key
    return object_type, object_, names.get(object_, object_), indicator, year, through


# ------------------------------------------------------------------------------------------------ words


def _figures(judgement: Judgement | None) -> tuple | None:
    return None if judgement is None else (judgement.value, judgement.gap, judgement.verdict)


def _arrow(before: str, after: str, same: str) -> str:
    return f"{same}{after}" if before == after else f"{before} → {after}"


def _values(before: Judgement | None, after: Judgement | None) -> tuple[str, str]:
    """Both sides; shares that differ read differently."""
    old, new = before.value if before else None, after.value if after else None
    if after is not None and after.unit == "share" and old is not None and new is not None:
        was, now = wording.percents(old, new, after.target)
        return f"{was}%", f"{now}%"
    return _value(before), _value(after)


def _value(judgement: Judgement | None) -> str:
    if judgement is None or judgement.value is None:
        return wording.NONE
    if judgement.unit == "share":
        return f"{wording.percent(judgement.value, judgement.target)}%"
    if judgement.unit == "万吨":
        return f"{wording.total(judgement.value, judgement.target)}万吨"
    return f"{wording.wan(judgement.value)}万吨"


def _gap(judgement: Judgement | None) -> str:
    """The gap in 万吨, of K4 in units; '' where there is none or it is closed."""
    if judgement is None or not judgement.gap or judgement.gap < 0:
        return ""
    if judgement.subject.indicator == "K4":
        return "" if judgement.subject.object_type == ENTERPRISE else f"{wording.number(judgement.gap)}家"
    return f"{wording.amount(judgement.gap) if judgement.unit == '万吨' else wording.wan(judgement.gap)}万吨"


def _verdict(judgement: Judgement | None) -> str:
    return wording.NONE if judgement is None else wording.verdict_text(judgement)
