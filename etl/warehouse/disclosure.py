"""Which sums a reader gets: the rule of suppression.py put to the published figures, month by month.

What is asked is the single month: a sum is shown up to the first month of a year in which it tells of a single
enterprise, and from then on not at all, for January to September less January to August is September. So every
period from January on holds months only that may be shown each by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from etl import periods
from etl.warehouse.indicators import SHARES
from etl.warehouse.scope import Role, Scope
from etl.warehouse.snapshot import Snapshot
from etl.warehouse.suppression import FEWEST_UNITS, Breakdown, Figure, Goods, may_be_shown, withheld

CITY, COUNTY, CORRIDOR = "city", "county", "corridor"
# Beside the shares: the rail dispatch in the returns, the coverage of the official total.
COVERAGE = "coverage"
# The shares that are shown below the city, with their tonnes. Of the others only the city's percentage is.
SPLIT = ("K2", "K3")
# A unit's own goods, under whichever of its codes: whoever reads has them all.
_OWN = "本单位"

# A sum: what it is of (a share, COVERAGE), by what it is split, and the object's name.
Sum = tuple[str, str, str]


@dataclass(frozen=True)
class _Reader:
    """Readers who are told the same: what they know for themselves, and what they are shown."""

    by: tuple[str, ...]
    counties: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    is_unit: bool = False


PUBLIC = _Reader(by=(CITY,))


def is_withheld(
    snapshot: Snapshot, scope: Scope, what: str, by: str, object_: str, first: date, last: date
) -> bool:
    """Whether a reader does not get a sum over the months from `first` to `last`. Who sees every unit gets all.

    `by`: city, county or corridor; below the city a county's own and an enterprise's own sums are not asked here.
    """
    if scope.sees_every_unit:
        return False
    if by == COUNTY and object_ in (scope.counties or ()):
        return False
    return _is_withheld(snapshot, _reader(snapshot, scope), (what, by, object_), first, last)


def is_public(snapshot: Snapshot, what: str, first: date, last: date) -> bool:
    """Whether a share of the whole city may be in the 公开版."""
    return not _is_withheld(snapshot, PUBLIC, (what, CITY, snapshot.plan.area), first, last)


def may_count(units: int) -> bool:
    """Whether so many units may be counted: none, or as many as a sum needs."""
    return not units or units >= FEWEST_UNITS


def _is_withheld(snapshot: Snapshot, reader: _Reader, one: Sum, first: date, last: date) -> bool:
    for year in range(first.year, last.year + 1):
        since = _decided(snapshot, reader, year).get(one)
        if since is not None and since <= min(last, date(year, 12, 1)):
            return True
    return False


def _reader(snapshot: Snapshot, scope: Scope) -> _Reader:
    if scope.role is Role.ENTERPRISE:
        return _Reader((CITY,), units=scope.units or frozenset(), is_unit=True)
    if scope.sees_no_unit:
        return _Reader((CITY, COUNTY, CORRIDOR))
    return _Reader((CITY, COUNTY), scope.counties or frozenset(), frozenset(snapshot.units(scope)))


@lru_cache(maxsize=64)
def _decided(snapshot: Snapshot, reader: _Reader, year: int) -> Mapping[Sum, date]:
    """The first month of a year from which on a sum is not shown; a sum that is always shown is not in it."""
    since: dict[Sum, date] = {}
    goods = _goods(snapshot, year)
    for month in periods.months_between(date(year, 1, 1), date(year, 12, 1)):
        already = frozenset(since)
        for gone in _gone(snapshot, reader, goods.get(month, ()), already) - already:
            since[gone] = month
    return since


def _gone(
    snapshot: Snapshot, reader: _Reader, rows: Iterable[Mapping[str, Any]], already: frozenset[Sum]
) -> frozenset[Sum]:
    """What is not shown of one month."""
    area = snapshot.plan.area
    split: list[Goods] = []
    lines: set[Sum] = set()
    alone: dict[Sum, dict[str, Decimal]] = {}
    for row in rows:
        is_own = row["unit_code"] in reader.units or row["county_code"] in reader.counties
        if is_own and not reader.is_unit:
            continue
        unit = _OWN if is_own else row["unit_code"]
        figures: set[Figure] = set()
        for share in row["shares"] or ():
            id_, measure = share.split("|")
            if id_ in SPLIT:
                places = ((CITY, area), (COUNTY, row["county_code"]), (CORRIDOR, row["corridor"]))
                counted = {(id_, by, object_) for by, object_ in places if by in reader.by}
                lines |= counted
                figures |= {(line, measure) for line in counted}
            else:
                _add(alone.setdefault((id_, CITY, area), {}), unit, row["tonnes"])
        if row["is_dispatched"]:
            _add(alone.setdefault((COVERAGE, CITY, area), {}), unit, row["tonnes"])
        split.append(Goods(unit, row["tonnes"], frozenset(figures)))
    own = _OWN if reader.is_unit else None
    hidden = withheld(split, _breakdowns(snapshot, reader, lines), already, own)
    gone = {one for one, amounts in alone.items() if not may_be_shown(amounts, own)}
    return frozenset(gone | {line for line in lines if line in hidden})


def _add(amounts: dict[str, Decimal], unit: str, tonnes: Decimal) -> None:
    amounts[unit] = amounts.get(unit, Decimal(0)) + tonnes


def _breakdowns(snapshot: Snapshot, reader: _Reader, lines: Iterable[Sum]) -> list[Breakdown]:
    """The city as the sum of its counties and as that of its corridors, for each share that is split."""
    return [
        Breakdown(
            (id_, CITY, snapshot.plan.area), tuple(sorted(line for line in lines if line[:2] == (id_, by)))
        )
        for id_ in SPLIT
        for by in reader.by
        if by != CITY
    ]


@lru_cache(maxsize=8)
def _goods(snapshot: Snapshot, year: int) -> Mapping[date, list[dict[str, Any]]]:
    """Month → the goods of the year behind all sums."""
    found: dict[date, list[dict[str, Any]]] = {}
    rows = snapshot.rows("release", indicators=list(SHARES), first=date(year, 1, 1), last=date(year, 12, 1))
    for row in rows:
        found.setdefault(row["month"], []).append(row)
    return found
