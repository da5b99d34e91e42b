"""Every page as everyone: no name, no code and no tonnes of a unit outside the reader's scope, in no table either.

What is shown is taken apart to its last text and number; the tonnes of the units are such that no sum of several
is one unit's by accident.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from oracle.drawn import drawn
from oracle.published import snapshot_of

from dashboard import session
from dashboard.session import Visit
from dashboard.tables import csv_bytes
from etl.warehouse.pages import Filters, Table
from etl.warehouse.scope import EVERYTHING, NotVisible, Role, Scope
from etl.warehouse.snapshot import Snapshot

A, B, C = "140925", "140931", "140981"
CORRIDORS = {A: "朔黄", B: "同蒲", C: "神河"}
# Code → county, name, tonnes by rail and by road of a month.
UNITS = {
    f"{county}-{number}": (
        county,
        f"{word}{'一二三四'[number]}矿业",
        Decimal(71_003 + 7_919 * number + 1_301 * place) + Decimal("0.37"),
        Decimal(23_011 + 3_571 * number + 911 * place) + Decimal("0.41"),
    )
    for place, (county, word) in enumerate(((A, "甲"), (B, "乙"), (C, "丙")))
    for number in range(4)
}
MONTHS = range(1, 13)
PAGES = sorted(set(session._READERS) - {"enterprise", "rows"})
SCOPES = {
    "企业": Scope(Role.ENTERPRISE, "甲一矿业", units=frozenset({f"{A}-0"})),
    "集团": Scope(Role.ENTERPRISE, "甲乙集团", units=frozenset({f"{A}-1", f"{B}-1"})),
    "县区": Scope(Role.COUNTY, "县A", counties=frozenset({A})),
    "部门": Scope(Role.DEPARTMENT, "市发改委"),
    "铁路": Scope(Role.RAILWAY, "原平车务段"),
}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    rows = "\n".join(
        f"{code} | 2025-{month:02d} | {mode} | {tonnes} | {CORRIDORS[county]}"
        for code, (county, _, rail, road) in UNITS.items()
        for month in MONTHS
        for mode, tonnes in (("铁路", rail), ("公路", road))
        # One return is missing, and with it an interval.
        if (code, month) != (f"{B}-2", 12)
    )
    world = drawn(
        registry="unit_code | name | county_code | due_from | in_catalogue\n"
        + "\n".join(
            f"{code} | {name} | {county} | 2025-01 | 是" for code, (county, name, *_) in UNITS.items()
        ),
        # A line of a unit of each county, and lines of their own.
        spurs="spur_code | spur_name | user_code\n"
        + "\n".join(f"S{code} | {code[:6]}线 | {code}" for code in UNITS)
        + f"\nSX | 共用线 | {A}-0\nSX | 共用线 | {B}-0",
        rows=f"unit_code | month | mode | tonnes | corridor\n{rows}",
    )
    return snapshot_of(world, Path(tmp_path_factory.mktemp("walls")))


def seen(scope: Scope) -> set[str]:
    """The units that are the reader's."""
    if scope.sees_no_unit:
        return set()
    return {
        code
        for code, (county, *_) in UNITS.items()
        if code in (scope.units or ()) or county in (scope.counties or ())
    }


def parts(thing: object) -> Iterator[object]:
    """Every text and number of a page object, and every cell of its tables."""
    if isinstance(thing, pd.DataFrame):
        yield from (str(column) for column in thing.columns)
        for column in thing.columns:
            yield from (cell for value in thing[column] for cell in parts(value))
    elif isinstance(thing, dict):
        for key, value in thing.items():
            yield from parts(key)
            yield from parts(value)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for value in thing:
            yield from parts(value)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            # Who is missing is counted on the pages, never listed.
            if field.name != "unknown_units":
                yield from parts(getattr(thing, field.name))
    else:
        yield thing


def tables(thing: object) -> Iterator[Table]:
    if isinstance(thing, Table):
        yield thing
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from tables(value)
    elif is_dataclass(thing) and not isinstance(thing, type):
        for field in fields(thing):
            yield from tables(getattr(thing, field.name))


def foreign(scope: Scope) -> tuple[set[str], set[Fraction]]:
    """What may not be there: names and codes, and tonnes of one to twelve months, in 吨 and 万吨."""
    others = {code: unit for code, unit in UNITS.items() if code not in seen(scope)}
    words = set(others) | {name for _, name, *_ in others.values()}
    tonnes = {
        Fraction(amount) * months
        for _, _, rail, road in others.values()
        for amount in (rail, road, rail + road)
        for months in MONTHS
    }
    return words, tonnes | {one / 10000 for one in tonnes}


def check(scope: Scope, page: object) -> None:
    words, tonnes = foreign(scope)
    for part in parts(page):
        if isinstance(part, str):
            assert not [word for word in words if word in part], part
        elif isinstance(part, (int, Decimal, Fraction)) and not isinstance(part, bool):
            assert Fraction(part) not in tonnes, part
    for table in tables(page):
        text = csv_bytes(table, is_demo=False).decode("utf-8-sig")
        assert not [word for word in words if word in text], table.name


FILTERS = [
    Filters(2025, 3),
    Filters(2025, 12),
    *(Filters(2025, 12, county=county) for county in (A, B)),
    *(Filters(2025, 12, corridor=corridor) for corridor in ("朔黄", "同蒲")),
    Filters(2025, 12, commodity="煤炭"),
    Filters(2025, 12, direction="发运"),
    Filters(2025, 12, county=A, corridor="朔黄", commodity="煤炭", direction="发运"),
]
# Whose pages are closed by what they are about; the others refuse a filter at most.
OF_UNITS = {"reporting", "enterprises", "registry", "spurs"}


@pytest.mark.parametrize("who", SCOPES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_holds_nothing_of_another_unit(snapshot: Snapshot, page: str, who: str):
    scope, shown = SCOPES[who], 0
    for chosen in FILTERS:
        try:
            read = session._READERS[page](snapshot, scope, chosen)
        except NotVisible:
            continue
        check(scope, read)
        shown += 1
    is_closed = (page in OF_UNITS and scope.sees_no_unit) or (page == "official" and who != "铁路")
    assert (shown == 0) is is_closed


@pytest.mark.parametrize("who", SCOPES)
def test_a_units_own_page_and_rows_are_for_those_who_may_see_the_unit(snapshot: Snapshot, who: str):
    scope = SCOPES[who]
    for code in UNITS:
        for page in ("enterprise", "rows"):
            if code in seen(scope):
                check(scope, session._READERS[page](snapshot, scope, Filters(2025, 12), code))
            else:
                with pytest.raises(NotVisible, match="不能查看"):
                    session._READERS[page](snapshot, scope, Filters(2025, 12), code)


def test_the_check_sees_what_it_looks_for(snapshot: Snapshot):
    """What an analyst sees is full of it."""
    with pytest.raises(AssertionError):
        check(SCOPES["企业"], session._READERS["enterprises"](snapshot, EVERYTHING, Filters(2025, 12)))
    page = session._READERS["enterprise"](snapshot, EVERYTHING, Filters(2025, 12), f"{B}-0")
    numbers = {Fraction(part) for part in parts(page.month_table) if isinstance(part, Decimal)}
    assert numbers & foreign(SCOPES["企业"])[1]
    assert wording_of(snapshot, EVERYTHING) != wording_of(snapshot, SCOPES["部门"])


def wording_of(snapshot: Snapshot, scope: Scope) -> list[str]:
    page = session._READERS["overview"](snapshot, scope, Filters(2025, 12))
    return [row.word for row in page.counties.rows] + [unit.name for unit in page.units.rows]


# -------------------------------------------------------------------------------------------- cached reads


def test_two_readers_of_one_page_never_share_what_was_read(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
):
    """Each gets what was read for itself, also one after the other and back; the same reader gets it from memory."""
    asked: list[Scope] = []

    def reader(_: Snapshot, scope: Scope, filters: Filters) -> tuple[Scope, Filters]:
        asked.append(scope)
        return scope, filters

    monkeypatch.setattr(session, "_READERS", {"overview": reader})
    session._cached_read.clear()
    readers = [
        EVERYTHING,
        *SCOPES.values(),
        Scope(Role.ENTERPRISE, "甲一矿业", units=frozenset({f"{A}-1"})),
        Scope(Role.ENTERPRISE, "甲一矿业", units=frozenset()),
        Scope(Role.COUNTY, "县A", counties=frozenset({B})),
        Scope(Role.LEADER, EVERYTHING.label),
        Scope(Role.DEPARTMENT, "市能源局"),
    ]

    def read(scope: Scope, through: int) -> Any:
        visit: Any = Visit(snapshot, scope, "", snapshot.choices(scope), Filters(2025, through), False, None)  # ty: ignore[invalid-argument-type]
        return session._cached_read("overview", visit.key, (), visit)

    for _ in range(2):
        for through in (3, 12):
            for scope in readers:
                assert read(scope, through) == (scope, Filters(2025, through))
    assert len(asked) == 2 * len(readers)
    session._cached_read.clear()
