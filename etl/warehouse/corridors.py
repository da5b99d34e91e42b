"""通道: the gap of each corridor in K2, K3 and, where a series exists, K1; rail against road, month by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from etl import periods, wording
from etl.plan import BASE_SHARE, Judgement, Verdict, by_gap, collective_gap
from etl.warehouse import blocks, evidence
from etl.warehouse.blocks import table, to_wan
from etl.warehouse.evidence import Period
from etl.warehouse.pages import Corridors, Filters, GapBlock, GapRow, MonthPair, Table, UnitBlock
from etl.warehouse.scope import Scope
from etl.warehouse.snapshot import Snapshot

MONTHS_SHOWN = 24


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Corridors:
    """All corridors for a period, and the units of the one that the filter names.

    Who sees sums only gets the shares as far as they tell of no single enterprise, and no tonnes by mode and month.
    """
    everywhere = replace(filters, corridor=None)
    judged = evidence.shares(snapshot, scope, ("K2", "K3"), everywhere, "corridor")
    active = [one for one in judged if one.denominator or one.is_withheld]
    k2 = [one for one in active if one.subject.indicator == "K2"]
    k3 = [one for one in active if one.subject.indicator == "K3"]
    has_tonnes = not scope.sees_no_unit
    months = _months(snapshot, scope, everywhere) if has_tonnes else {}
    units: tuple[UnitBlock, ...] = ()
    if filters.corridor and has_tonnes:
        name = f"{filters.corridor}通道的"
        units = (
            blocks.unit_block(snapshot, scope, filters, "K3", f"{name}专用线单位", "大宗货物铁路占比"),
            blocks.unit_block(
                snapshot,
                scope,
                filters,
                "K2",
                f"{name}煤炭主产区大型工矿企业",
                "500公里以上煤炭和焦炭铁路占比",
            ),
        )
    return Corridors(
        head=blocks.head(snapshot, scope, filters, "通道", blocks.own_part(scope, filters)),
        sentence=_sentence(snapshot, filters, k2, k3),
        k2=blocks.gap_block(
            snapshot,
            k2,
            "中长距离煤焦尚需转铁路",
            "通道",
            f"万吨　500公里以上煤炭和焦炭{_goal(k2, '（力争）')}",
            ranked=True,
        ),
        k3=blocks.gap_block(
            snapshot,
            k3,
            "专用线单位大宗尚需转铁路",
            "通道",
            f"万吨　专用线单位大宗货物{_goal(k3)}",
            ranked=True,
        ),
        k1=_k1_block(evidence.official(snapshot, scope, everywhere, "corridor") if scope.sees_all else []),
        tonnes=_tonnes(snapshot, scope, everywhere) if has_tonnes else None,
        months=months,
        month_table=_month_table(months),
        chosen=filters.corridor,
        units=units,
    )


def _sentence(snapshot: Snapshot, filters: Filters, k2: Sequence[Judgement], k3: Sequence[Judgement]) -> str:
    period = wording.period_text(filters.year, filters.through)
    parts = []
    for what, judged in (("500公里以上煤焦", k2), ("专用线单位大宗", k3)):
        undecided = sum(one.verdict is Verdict.INSUFFICIENT for one in judged)
        withheld = sum(one.is_withheld for one in judged)
        short = by_gap([one for one in judged if one.gap and one.verdict is not Verdict.INSUFFICIENT])
        rest = f"，另有{undecided}个通道数据尚不完整，暂不评价" if undecided else ""
        if withheld:
            rest += f"，另有{withheld}个通道{wording.WITHHELD}"
        among = "所示通道中" if withheld else ""
        if withheld == len(judged) and judged:
            parts.append(f"{what}各通道{wording.WITHHELD}")
        elif short:
            worst = short[0]
            total = collective_gap(short)
            parts.append(
                f"{what}{among}有{len(short)}个通道低于目标值，各通道尚需转铁路合计{wording.wan(total, 1)}万吨，"
                f"其中{worst.subject.object}最多，为{wording.wan(worst.gap, 1)}万吨{rest}"
            )
        elif any(one.target is not None for one in judged):
            met = (
                ""
                if undecided + withheld == len(judged)
                else "各通道均达到目标值"
                if not undecided + withheld
                else "其余通道达到目标值"
            )
            parts.append(f"{what}{met}{rest if met else rest.removeprefix('，另')}")
    if not parts:
        why = blocks.nothing_assessed(snapshot, ("K2", "K3"), filters.year)
        return f"{period}，{why}，各通道仅列铁路与公路运量。"
    return f"{period}，{'；'.join(parts)}。"


def _goal(judged: Sequence[Judgement], effort: str = "") -> str:
    return wording.goal_text(judged[0].target if judged else None, effort)


def _k1_block(judged: Sequence[Judgement]) -> GapBlock | None:
    """Official corridor series against their allocated target, or the share of the base year as a reference."""
    known = [one for one in judged if one.value is not None]
    if not known:
        return None
    rows, listed = [], []
    columns = ["通道", "铁路货运量万吨", "目标万吨", "目标依据", "差额万吨", "序时差额万吨", "结论"]
    for one in by_gap(known):
        basis = {BASE_SHARE: "按基年占比分摊（参考）", "分解": "分解目标"}.get(one.target_basis, "无目标")
        word = "仅供参考" if one.target_basis == BASE_SHARE else wording.verdict_text(one)
        gap = blocks.exact(one.gap_pace if one.subject.through < 12 else one.gap)
        rows.append(
            GapRow(
                key=one.subject.object,
                label=one.subject.object,
                gap=gap,
                share_text=f"完成{wording.number(one.value)}万吨",
                light=one.light,
                word=word,
                note=basis,
            )
        )
        values = (
            one.subject.object,
            blocks.exact(one.value),
            blocks.exact(one.target),
            basis,
            blocks.exact(one.gap),
            blocks.exact(one.gap_pace),
            word,
        )
        listed.append(dict(zip(columns, values, strict=True)))
    title = "铁路货运量与目标之差"
    digits = {column: 2 for column in columns if "万吨" in column}
    return GapBlock(
        title=title,
        note="万吨　官方通道数；负数为超额；无分解目标的按基年占比分摊，仅供参考",
        sentence="",
        rows=tuple(rows),
        ranked=True,
        table=table(title, listed, columns, digits),
    )


def _tonnes(snapshot: Snapshot, scope: Scope, filters: Filters) -> Table:
    """Rail, road and the rest by corridor, 万吨."""
    period = Period.of(filters.year, filters.through)
    modes: dict[str, dict[str, Decimal]] = {}
    for row in snapshot.rows(
        "part_modes", by="corridor", once=scope.units is None, unit=None,
        first=period.first, last=period.last, **blocks.filter_values(filters),
        scope_counties=scope.county_codes(), scope_units=scope.unit_codes(),
    ):  # fmt: skip
        modes.setdefault(row["object"], {})[row["mode"]] = to_wan(row["tonnes"]) or Decimal(0)
    names = list(dict.fromkeys(mode for found in modes.values() for mode in found))
    columns = ["通道", *(f"{name}万吨" for name in names)]
    rows = [
        {"通道": corridor, **{f"{name}万吨": modes[corridor].get(name, Decimal(0)) for name in names}}
        for corridor in snapshot.corridors
        if corridor in modes
    ]
    return table("各通道大宗运量", rows, columns, dict.fromkeys(columns[1:], 2))


def _months(snapshot: Snapshot, scope: Scope, filters: Filters) -> dict[str, tuple[MonthPair, ...]]:
    """Rail and road by corridor for 24 months; a month without any row of the corridor is None, not zero."""
    last = date(filters.year, filters.through, 1)
    first = periods.add_months(last, 1 - MONTHS_SHOWN)
    found: dict[str, dict[date, MonthPair]] = {}
    for row in snapshot.rows(
        "corridor_months", first=first, last=last, county=filters.county, commodity=filters.commodity,
        direction=filters.direction, scope_counties=scope.county_codes(), scope_units=scope.unit_codes(),
    ):  # fmt: skip
        pair = MonthPair(row["month"], to_wan(row["rail_tonnes"]), to_wan(row["road_tonnes"]))
        found.setdefault(row["corridor"], {})[row["month"]] = pair
    months = periods.months_between(first, last)
    return {
        corridor: tuple(found[corridor].get(month, MonthPair(month, None, None)) for month in months)
        for corridor in snapshot.corridors
        if corridor in found
    }


def _month_table(months: dict[str, tuple[MonthPair, ...]]) -> Table:
    columns = ["通道", "月份", "铁路万吨", "公路万吨"]
    rows = [
        {
            "通道": corridor,
            "月份": wording.month_text(pair.month),
            "铁路万吨": pair.rail,
            "公路万吨": pair.road,
        }
        for corridor, pairs in months.items()
        for pair in pairs
    ]
    return table("各通道逐月运量", rows, columns, {"铁路万吨": 2, "公路万吨": 2})
