"""K1 month by month against the plan path, with the sentence that a leader reads first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from etl import wording
from etl.plan import CITY, Judgement, Verdict, pace
from etl.warehouse import evidence
from etl.warehouse.blocks import exact, table
from etl.warehouse.evidence import Period
from etl.warehouse.pages import Filters, PathBlock, PathPoint, Table
from etl.warehouse.snapshot import Snapshot


def path_block(snapshot: Snapshot, filters: Filters, judged: Judgement) -> PathBlock:
    """The year's cumulative against the straight path and, where 24 months are known, the seasonal one."""
    months = _year(snapshot, judged.caliber, filters.year)
    before = _year(snapshot, judged.caliber, filters.year - 1)
    known = _cumulative(months)
    points = []
    for number, row in enumerate(months, start=1):
        cumulative = known[number - 1] if number <= filters.through else None
        line = pace(judged.target, number) if judged.target is not None else None
        points.append(
            PathPoint(
                month=number,
                value=row["value"] if number <= filters.through else None,
                cumulative=cumulative,
                pace=exact(line),
                difference=None if cumulative is None or line is None else exact(Fraction(cumulative) - line),
            )
        )
    left = 12 - filters.through
    required = judged.gap / left if judged.gap is not None and left else None
    best = snapshot.rows("best_month", caliber=judged.caliber, last=date(filters.year, filters.through, 1))
    best_month = (best[0]["month"], best[0]["value"]) if best else None
    return PathBlock(
        sentence=_sentence(snapshot, filters, judged, required, best_month, before),
        points=tuple(points),
        target=exact(judged.target),
        required_per_month=exact(required),
        best_month=best_month,
        seasonal=_seasonal(snapshot, filters.year, judged),
        note=_note(judged),
        table=_table(filters, judged, points, before),
    )


def _year(snapshot: Snapshot, caliber: str, year: int) -> list[dict[str, Any]]:
    rows = evidence.official_months(snapshot, CITY, snapshot.plan.area, caliber, Period.of(year, 12))
    known = {row["month"]: row for row in rows}
    empty = {"value": None, "cumulative": None}
    return [known.get(date(year, number, 1), empty) for number in range(1, 13)]


def _cumulative(months: Sequence[dict]) -> list[Decimal | None]:
    """累计 where it is published, else Σ 当期 while no month is missing; the two are never added."""
    found: list[Decimal | None] = []
    running: Decimal | None = Decimal(0)
    for row in months:
        running = None if running is None or row["value"] is None else running + row["value"]
        found.append(row["cumulative"] if row["cumulative"] is not None else running)
    return found


def _seasonal(snapshot: Snapshot, year: int, judged: Judgement) -> tuple[Decimal | None, ...]:
    """The path that the two years before took, scaled to the target; empty unless all 24 months are known."""
    years = [_year(snapshot, judged.caliber, one) for one in (year - 2, year - 1)]
    if judged.target is None or any(row["value"] is None for months in years for row in months):
        return ()
    by_month = [Fraction(a["value"]) + Fraction(b["value"]) for a, b in zip(*years, strict=True)]
    whole, running, found = sum(by_month), Fraction(0), []
    for value in by_month:
        running += value
        found.append(exact(judged.target * running / whole))
    return tuple(found)


def _sentence(
    snapshot: Snapshot,
    filters: Filters,
    judged: Judgement,
    required: Fraction | None,
    best_month: tuple[date, Decimal] | None,
    before: Sequence[dict],
) -> str:
    period, area = wording.period_text(filters.year, filters.through), snapshot.plan.area
    if judged.verdict is Verdict.RULING_MISSING:
        return f"{period}，{area}铁路货运量有多种口径，待认定后计算。"
    if judged.value is None:
        return f"{period}，{area}铁路货运量官方数未公布。"
    done = f"{period}，{area}铁路货运量完成{wording.total(judged.value, judged.target)}万吨"
    if judged.target is None:
        plan = snapshot.plan
        change = wording.growth(judged.value, _cumulative(before)[filters.through - 1])
        compared = f"，同比{change}" if change != wording.NONE else ""
        years = wording.years_text(plan.first_year, plan.last_year)
        return f"{done}{compared}；方案未设{filters.year}年目标（方案期{years}）。"
    done += f"，为年度任务的{wording.percent(judged.value / judged.target, 1)}%"
    if judged.verdict is Verdict.INSUFFICIENT:
        return f"{done}；有月份未公布，暂不评价。"
    if judged.gap is None or judged.gap_pace is None:
        return f"{done}。"
    if required is None:
        word = "低于" if judged.gap > 0 else "超过"
        return (
            f"{done}，{word}目标{wording.amount(abs(judged.gap))}万吨。"
            if judged.gap
            else f"{done}，达到目标。"
        )
    behind = judged.gap_pace / judged.target
    word = "低于" if behind > 0 else "高于"
    done += (
        f"，{word}序时进度{wording.points(abs(behind))}个百分点（{wording.amount(abs(judged.gap_pace))}万吨）"
    )
    if judged.gap <= 0:
        return f"{done}；年度任务已完成。"
    rest = f"；后{12 - filters.through}个月需月均完成{wording.number(required)}万吨"
    if best_month is None:
        return f"{done}{rest}。"
    if required > best_month[1]:
        return f"{done}{rest}，高于历史最高月{wording.number(best_month[1])}万吨，完成难度较大。"
    return f"{done}{rest}，历史最高月为{wording.number(best_month[1])}万吨。"


def _note(judged: Judgement) -> str:
    parts = ["万吨　虚线为序时进度（目标÷12×月数）"]
    if judged.caliber:
        parts.append(f"{judged.caliber}口径{'（待确认）' if judged.caliber_pending else ''}")
    return "；".join(parts)


def _table(filters: Filters, judged: Judgement, points: Sequence[PathPoint], before: Sequence[dict]) -> Table:
    columns = ["月份", "当月万吨", "当月同比", "累计万吨", "累计同比", "完成率%", "序时差额万吨"]
    cumulative_before = _cumulative(before)
    rows = []
    for point in points[: filters.through]:
        earlier = before[point.month - 1]["value"]
        rate = None
        if point.cumulative is not None and judged.target is not None:
            rate = exact(Fraction(point.cumulative) / judged.target * 100)
        rows.append(
            {
                "月份": f"{filters.year}年{point.month}月",
                "当月万吨": point.value,
                "当月同比": wording.growth(point.value, earlier),
                "累计万吨": point.cumulative,
                "累计同比": wording.growth(point.cumulative, cumulative_before[point.month - 1]),
                "完成率%": rate,
                "序时差额万吨": point.difference,
            }
        )
    return table(
        "全市铁路货运量", rows, columns, {"当月万吨": 2, "累计万吨": 2, "完成率%": 1, "序时差额万吨": 2}
    )
