"""Small random worlds that hit the corners of the specification.

Few units, counties, corridors and places, so that what is drawn meets. Months are January 2023 to the
month before the day of the build; each unit has a handful of rows and each of its months a choice of them,
which keeps a world small enough to shrink.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from etl.periods import add_months, last_complete_month, months_between
from etl.reference import CoalArea, Declared, OdDistance

from .drawn import declared_with
from .world import (
    BELT,
    IN,
    OUT,
    PARK,
    STOPPED,
    WORKS,
    AllocatedTarget,
    Movement,
    OfficialValue,
    RegistryRow,
    Return,
    SpurRow,
    World,
)

COUNTIES = ("140925", "140925", "140981", "XZJK")
CORRIDORS = ("同蒲", "朔黄", "其他")
MODES = ("铁路", "公路", "公路（新能源）", BELT, "管道", "水路", "其他")
COMMODITIES = ("煤炭", "煤炭", "焦炭", "金属矿石", "煤矸石", "化工品")
LOADINGS = ("散装", "敞顶箱", "集装箱")
PLACES = (None, "宁武", "宁武站", "原平", "神池", "黄骅港", "某矿")
DISTANCES = ("199.999", "200", "499.95", "499.999", "500", "500.001", "35.5", "620", "620", "1260")
TONNES = ("0", "0.001", "12.5", "1000", "3600.333", "90000", "124999.999", "125000", "750000", "1500000")
FIRST_MONTH = date(2023, 1, 1)
RECORDED = datetime.fromisoformat("2023-02-01T08:00:00")


def days(first: date, last: date) -> st.SearchStrategy[date]:
    """A day, often the first or the last of a month."""
    starts = months_between(first, last)
    edges = [day for m in starts for day in (m, m + timedelta(14), add_months(m, 1) - timedelta(1))]
    return st.one_of(st.sampled_from(edges), st.dates(first, last))


def months(first: date, last: date) -> st.SearchStrategy[date]:
    return st.sampled_from(months_between(first, last))


@st.composite
def declared_data(draw: st.DrawFn) -> Declared:
    """The declared data with drawn rulings, flags and 认定里程."""
    flags = st.builds(
        CoalArea,
        county_code=st.sampled_from(COUNTIES),
        valid_from=st.none() | months(FIRST_MONTH, date(2025, 6, 1)),
        valid_to=st.none() | months(date(2024, 1, 1), date(2025, 12, 1)),
        basis=st.just("演示"),
    )
    distances = st.builds(
        OdDistance,
        origin=st.sampled_from(PLACES[1:]),
        destination=st.sampled_from(PLACES[1:]),
        corridor=st.sampled_from(("", *CORRIDORS)),
        distance_km=st.sampled_from(DISTANCES).map(Decimal),
        basis=st.just("演示"),
    )
    return declared_with(
        # Mostly the bureau has ruled, and on the county that most units lie in.
        coal_areas=draw(
            st.one_of(
                st.just([CoalArea(COUNTIES[0], None, None, "演示")]),
                st.lists(flags, max_size=3),
            )
        ),
        od_distances=draw(st.lists(distances, max_size=2, unique_by=_pair)),
        k1_caliber=draw(st.sampled_from(("", "", "", "发送", "发送", "发送＋接运"))),
        spur_access_from=draw(st.sampled_from(("next_month", "same_month"))),
        belt_in_k3=draw(st.booleans()),
    )


def _pair(entry: OdDistance) -> frozenset[str]:
    """One distance for a pair of places, in whichever order and under whichever name."""
    return frozenset(place[:2] for place in (entry.origin, entry.destination))


@st.composite
def registry_rows(draw: st.DrawFn, unit: str, uscc: str, last: date) -> list[RegistryRow]:
    """A unit's history: one to three rows that differ in what a monthly test looks at."""
    first = RegistryRow(
        unit_code=unit,
        uscc=uscc,
        name=f"{unit}公司",
        county_code=draw(st.sampled_from(COUNTIES)),
        kind=draw(st.sampled_from((WORKS, WORKS, PARK))),
        is_large=draw(st.sampled_from((True, True, False))),
        is_new=draw(st.booleans()),
        in_catalogue=draw(st.sampled_from((None, None, True, False))),
        approved_tonnes=draw(st.none() | st.sampled_from(("0", "1200000", "1500000.003")).map(Fraction)),
        production_state=draw(st.sampled_from(("正常", *("正常",) * 6, STOPPED))),
        exemption_basis=draw(st.sampled_from(("", "", "市政府会议纪要"))),
        due_from=draw(st.sampled_from((FIRST_MONTH, FIRST_MONTH, date(2024, 3, 1), None))),
        due_to=draw(st.sampled_from((None, None, date(2025, 6, 1)))),
        valid_from=draw(st.none() | days(FIRST_MONTH, date(2024, 3, 1))),
    )
    starts = draw(st.lists(days(date(2024, 4, 1), last), max_size=2, unique=True))
    changes = st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from((WORKS, PARK)),
            "is_large": st.booleans(),
            "is_new": st.booleans(),
            "county_code": st.sampled_from(COUNTIES),
            "production_state": st.sampled_from(("正常", "正常", STOPPED)),
            "in_catalogue": st.sampled_from((None, True, False)),
            "due_from": st.none() | months(FIRST_MONTH, last),
            "due_to": st.none() | months(FIRST_MONTH, last),
            "name": st.just(f"{unit}新公司"),
        },
    )
    history = [first]
    for start in sorted(starts):
        history.append(replace(history[-1], valid_from=start, **draw(changes)))
    return history


@st.composite
def spur_rows(draw: st.DrawFn, units: list[str], last: date) -> list[SpurRow]:
    """Up to three lines, each with one user or several."""
    spurs = []
    for number in range(draw(st.sampled_from((2, 3, 1, 0)))):
        state = draw(st.sampled_from((*("开通",) * 5, "前期", "在建", "停用")))
        opened = (
            draw(days(FIRST_MONTH, date(2024, 2, 1)) | days(FIRST_MONTH, last))
            if state in ("开通", "停用")
            else None
        )
        for user in draw(st.lists(st.sampled_from(units), min_size=1, max_size=2, unique=True)):
            spurs.append(
                SpurRow(
                    spur_code=f"Z{number}",
                    user_code=user,
                    spur_name=f"{number}号专用线",
                    corridor=draw(st.sampled_from(CORRIDORS)),
                    state=state,
                    opened_on=opened,
                    relation=draw(st.sampled_from(("自有", "共用", "租用"))),
                    use_from=draw(st.none() | st.none() | days(FIRST_MONTH, last)),
                    use_to=draw(st.none() | st.none() | days(date(2024, 6, 1), last)),
                )
            )
    return spurs


@st.composite
def movements(draw: st.DrawFn, others: list[str]) -> Movement:
    """One row; `others` are the texts that 对方单位 may hold."""
    is_drayage = draw(st.sampled_from((False, False, False, True)))
    modes = ("公路", "公路（新能源）", BELT) if is_drayage else ("铁路", "铁路", "公路", *MODES)
    return Movement(
        direction=draw(st.sampled_from((OUT, OUT, IN))),
        mode=draw(st.sampled_from(modes)),
        commodity=draw(st.sampled_from(COMMODITIES)),
        origin=draw(st.sampled_from(PLACES)),
        destination=draw(st.sampled_from(PLACES)),
        distance_km=Fraction(draw(st.sampled_from(("3.5", "50") if is_drayage else DISTANCES))),
        tonnes=Fraction(draw(st.sampled_from(TONNES))),
        counterparty=draw(st.none() | st.sampled_from(others)),
        corridor=draw(st.none() | st.sampled_from(CORRIDORS)),
        is_drayage=is_drayage,
        transfer_station="宁武" if is_drayage else None,
        loading=draw(st.sampled_from(LOADINGS)),
    )


@st.composite
def unit_returns(draw: st.DrawFn, unit: str, others: list[str], last: date) -> list[Return]:
    """A unit's accepted months: missing, zero, some of its rows, or amended later."""
    pool = draw(st.lists(movements(others), min_size=1, max_size=4))
    span = months_between(FIRST_MONTH, last)
    chosen = st.none() | st.integers(0, 2 ** len(pool) - 1)
    habit = draw(st.sampled_from(("always", "always", "drawn", "drawn", "never")))
    usual = draw(st.integers(1, 2 ** len(pool) - 1))
    picks: list[int | None] = [usual] * len(span)
    if habit == "drawn":
        picks = draw(st.lists(chosen, min_size=len(span), max_size=len(span)))
    if habit == "never":
        picks = [None] * len(span)
    gap = draw(st.sets(st.sampled_from(span), max_size=3))
    amended = draw(st.sets(st.sampled_from(span), max_size=2))
    kept = []
    for month, pick in zip(span, picks, strict=True):
        if pick is None or month in gap:
            continue
        received = add_months(month, 1).replace(day=8)
        kept.append(_return(unit, month, 1, received, pool, pick))
        if month in amended:
            later = received + timedelta(draw(st.sampled_from((1, 40, 400))))
            kept.append(_return(unit, month, 2, later, pool, draw(st.integers(0, 2 ** len(pool) - 1))))
    return kept


def _return(unit: str, month: date, version: int, day: date, pool: list[Movement], pick: int) -> Return:
    rows = tuple(row for place, row in enumerate(pool) if pick >> place & 1)
    return Return(unit, month, version, day, day, not rows, rows)


@st.composite
def official_values(draw: st.DrawFn, last: date) -> list[OfficialValue]:
    """The city's series, monthly or cumulative, with vintages, calibers, operators and holes."""
    objects = st.sampled_from(
        (("全市", "全市"), ("全市", "全市"), ("县区", "140925"), ("通道", "朔黄"), ("车站", "宁武"))
    )
    values: dict[tuple[Any, ...], OfficialValue] = {}
    if draw(st.booleans()):
        # A series without holes, near the target of each year, so that there is something to judge.
        amount = draw(st.sampled_from(("1750", "1764.99", "1781.916667", "1798.67", "1900")))
        for month in months_between(FIRST_MONTH, last):
            published = add_months(month, 1).replace(day=10)
            _keep(values, OfficialValue(month, Fraction(amount), published, recorded_at=RECORDED))
    for _ in range(draw(st.integers(0, 2))):
        object_type, name = draw(objects)
        first = draw(st.sampled_from((date(2020, 1, 1), FIRST_MONTH, date(2024, 1, 1), date(2025, 1, 1))))
        fixed = {
            "object_type": object_type,
            "object": name,
            "commodity": draw(st.sampled_from(("合计", "合计", "合计", "煤炭"))),
            "mode": draw(st.sampled_from(("铁路", "铁路", "铁路", "公路"))),
            "caliber": draw(st.sampled_from(("发送", "发送", "发送＋接运"))),
            "operator": draw(st.sampled_from(("", "", "国铁", "朔黄公司"))),
            "period_kind": draw(st.sampled_from(("当期", "当期", "累计"))),
        }
        span = months_between(first, min(last, add_months(first, 23)))
        for month in sorted(set(span) - draw(st.sets(st.sampled_from(span), max_size=2))):
            _publish(draw, values, month, fixed)
    return list(values.values())


def _publish(
    draw: st.DrawFn, values: dict[tuple[Any, ...], OfficialValue], month: date, fixed: dict[str, Any]
) -> None:
    amount = draw(st.sampled_from(("1500", "1681.92", "1765.083334", "1798.67", "1850.5", "0")))
    size = month.month if fixed["period_kind"] == "累计" else 1
    for vintage in range(draw(st.sampled_from((1, 1, 1, 2)))):
        delay = draw(st.sampled_from((0, 30, 400)))
        row = OfficialValue(
            month=month,
            value=Fraction(amount) * size + vintage,
            published_on=add_months(month, 1).replace(day=10) + timedelta(days=delay),
            status=draw(st.sampled_from(("快报", "月报确报", "月报确报", "年报核定"))),
            recorded_at=RECORDED + timedelta(minutes=len(values) + 1),
            **fixed,
        )
        _keep(values, row)


def _keep(values: dict[tuple[Any, ...], OfficialValue], row: OfficialValue) -> None:
    """Under the ledger's key: a second import of it replaces the first."""
    thing = row.month, row.mode, row.object_type, row.object, row.commodity, row.period_kind
    values[*thing, row.caliber, row.operator, row.status, row.published_on] = row


@st.composite
def allocated_targets(draw: st.DrawFn) -> list[AllocatedTarget]:
    entries = st.sampled_from([(y, o) for y in (2024, 2025) for o in (("县区", "140925"), ("通道", "朔黄"))])
    return [
        AllocatedTarget(year, "K1", object_type, name, Fraction(draw(st.sampled_from(("18000", "21600.5")))))
        for year, (object_type, name) in draw(st.lists(entries, max_size=2, unique=True))
    ]


@st.composite
def worlds(draw: st.DrawFn, max_units: int = 4) -> World:
    """A world as known on one of a few days, most of them after the plan's end."""
    as_of = draw(
        st.sampled_from((date(2026, 1, 15), date(2026, 1, 15), date(2025, 7, 1), date(2026, 10, 12)))
    )
    last = min(last_complete_month(as_of), date(2026, 3, 1))
    units = [f"U{number}" for number in range(draw(st.integers(min(2, max_units), max_units)))]
    # Two reporting units under one code: the code then names neither of them.
    shared = draw(st.booleans())
    usccs = {unit: "GROUP" if shared and unit in units[:2] else f"{unit}-CODE" for unit in units}
    others = [
        *units,
        *units,
        *usccs.values(),
        *(f"{unit}公司" for unit in units),
        *(f"{unit}新公司" for unit in units),
        "外省某厂",
    ]
    registry = [row for unit in units for row in draw(registry_rows(unit, usccs[unit], last))]
    returns = [kept for unit in units for kept in draw(unit_returns(unit, others, last))]
    return World(
        declared=draw(declared_data()),
        registry=registry,
        spurs=draw(spur_rows(units, last)),
        returns=returns,
        official=draw(official_values(last)),
        targets=draw(allocated_targets()),
        as_of=as_of,
    )


@st.composite
def periods(draw: st.DrawFn) -> tuple[int, int]:
    """Year and last month; December most often, for that is when the plan judges."""
    return draw(st.sampled_from((2023, 2024, 2025, 2025, 2025, 2026))), draw(
        st.sampled_from((12, 12, 12, 6, 1, 9))
    )


@st.composite
def filters(draw: st.DrawFn) -> dict[str, str]:
    """The keyword filters of `indicators`; none of them most often."""
    choices = {
        "county": COUNTIES,
        "commodity": COMMODITIES,
        "corridor": CORRIDORS,
        "direction": (OUT, IN),
    }
    chosen = draw(st.sampled_from(((), (), *((name,) for name in choices), ("corridor", "direction"))))
    return {name: draw(st.sampled_from(choices[name])) for name in chosen}
