"""公开版: what of the published state may leave the house, by queries of its own.

The whole city only; of the official series what is marked as public and confirmed, never a 快报; of the shares the
percentage, for periods in which no return is missing and no month tells of a single enterprise. Nothing here asks
for a unit, a county or a corridor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from etl import wording
from etl.plan import CITY, Judgement, OfficialEvidence, ShareEvidence, Subject, judge
from etl.warehouse import disclosure
from etl.warehouse.blocks import table
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Table
from etl.warehouse.scope import EVERYTHING
from etl.warehouse.snapshot import Snapshot

EDITION = "公开版"
# The periods that are told: January to the end of each quarter.
QUARTER_ENDS = (3, 6, 9, 12)
SHARES = ("K2", "K3")
RETURNS = "企业月报（全市汇总）"
_INCOMPLETE, _UNPUBLISHED = "数据尚不完整，暂不公布", "官方数未公布"


@dataclass(frozen=True)
class PublicEdition:
    """The 公开版 of a version. `official` in 万吨 as published; `indicators` as text, each with its source."""

    as_of: date
    is_demo: bool
    basis: str
    official: Table
    indicators: Table
    notes: tuple[str, ...]


def read(snapshot: Snapshot) -> PublicEdition:
    """The years from the first known one on. Empty tables: nothing may be published."""
    last = snapshot.last_month
    first = date(min(snapshot.choices(EVERYTHING).years), 1, 1)
    official = snapshot.rows("public_official", first=first, last=last)
    monthly = snapshot.rows("public_share", indicators=list(SHARES), first=first, last=last)
    listed = []
    for year in range(first.year, last.year + 1):
        for through in QUARTER_ENDS:
            if date(year, through, 1) <= last:
                listed.append(_k1_row(snapshot, official, year, through))
                shares = (_share_row(snapshot, monthly, id_, year, through) for id_ in SHARES)
                listed += [row for row in shares if row is not None]
    columns = ["时期", "指标", "数值", "单位", "目标", "结论", "来源", "说明"]
    return PublicEdition(
        as_of=snapshot.as_of,
        is_demo=snapshot.is_demo,
        basis=snapshot.plan.basis,
        official=_official_table(official),
        indicators=table("指标", listed, columns),
        notes=(
            "全市口径；官方数仅列注明公开的月报确报和年报核定，不含快报。",
            "铁路与公路官方数口径不同，并列显示，不相加、不相除。",
            "占比由企业月报汇总，仅列月报齐全且不涉及单个企业的时期。",
        ),
    )


def _official_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = ["月份", "方式", "货类", "期别", "口径", "数值万吨", "状态", "来源", "发布日期"]
    listed = [
        dict(
            zip(
                columns,
                (
                    f"{row['month']:%Y-%m}", row["mode"], row["commodity"], row["period_kind"], row["caliber"],
                    row["value"], row["status"], row["source"], row["published_on"],
                ),
                strict=True,
            )
        )
        for row in rows
    ]  # fmt: skip
    return table("官方数", listed, columns, {"数值万吨": 2})


def _k1_row(
    snapshot: Snapshot, official: Sequence[Mapping[str, Any]], year: int, through: int
) -> dict[str, str]:
    plan = snapshot.plan
    rail = [row for row in official if row["mode"] == "铁路" and row["commodity"] == "合计"]
    calibers = {row["caliber"] for row in rail}
    chosen = str(plan.switch("k1_caliber") or "")
    caliber = chosen or (next(iter(calibers)) if len(calibers) == 1 else "")
    own = {
        (row["month"], row["period_kind"]): row["value"]
        for row in rail
        if row["caliber"] == caliber and row["month"].year == year
    }
    months = [own.get((date(year, number, 1), "当期")) for number in range(1, through + 1)]
    total = own.get((date(year, through, 1), "累计"))
    known = [value for value in months if value is not None]
    if total is None and len(known) == through:
        total = sum(known, Decimal(0))
    target = plan.targets["K1"].values.get(year) if "K1" in plan.targets else None
    judged = judge(
        OfficialEvidence(
            subject=Subject("K1", CITY, plan.area, year, through),
            value=total,
            complete=total is not None,
            target=None if target is None else Fraction(target),
            target_basis="方案",
            caliber=caliber,
            caliber_pending=not chosen,
            caliber_conflict=not chosen and len(calibers) > 1,
            reports_expected=0,
            reports_received=0,
        ),
        plan,
    )
    sources = sorted(
        {row["source"] for row in rail if row["caliber"] == caliber and row["month"].year == year}
    )
    pending = "，口径待确认" if not chosen else ""
    note = f"{caliber}口径{pending}" if total is not None else _UNPUBLISHED
    return _row(
        judged,
        value=wording.total(judged.value, judged.target, 2),
        unit="万吨",
        target="" if judged.target is None else wording.number(judged.target),
        source="、".join(sources),
        note=note,
    )


def _share_row(
    snapshot: Snapshot, monthly: Sequence[Mapping[str, Any]], id_: str, year: int, through: int
) -> dict[str, str] | None:
    """None: nobody was counted yet."""
    plan, first, last = snapshot.plan, date(year, 1, 1), date(year, through, 1)
    rows = [row for row in monthly if row["indicator"] == id_ and first <= row["month"] <= last]
    judged = judge(
        ShareEvidence(
            subject=Subject(id_, CITY, plan.area, year, through),
            numerator=sum((row["numerator_tonnes"] for row in rows), Decimal(0)),
            denominator=sum((row["denominator_tonnes"] for row in rows), Decimal(0)),
            road=Decimal(0),
            left_out=Decimal(0),
            missing=Fraction(0),
            unknown_units=(),
            reports_expected=sum(row["reports_expected"] for row in rows),
            reports_received=sum(row["reports_received"] for row in rows),
            awaits_ruling="煤炭主产区" if id_ == "K2" and not snapshot.has_coal_areas else "",
        ),
        plan,
    )
    if judged.value is None and not judged.reports_expected:
        return None
    if judged.value is not None and not disclosure.is_public(snapshot, id_, first, last):
        return _empty_row(judged, wording.WITHHELD)
    if not judged.is_complete:
        return _empty_row(judged, _INCOMPLETE)
    return _row(
        judged,
        value=wording.percent(judged.value, judged.target),
        unit="%",
        target="" if judged.target is None else wording.percent(judged.target, digits=0),
        source=RETURNS,
        note="",
    )


def _row(judged: Judgement, *, value: str, unit: str, target: str, source: str, note: str) -> dict[str, str]:
    subject = judged.subject
    return {
        "时期": wording.period_text(subject.year, subject.through),
        "指标": INDICATORS[subject.indicator].title,
        "数值": "" if judged.value is None else value,
        "单位": unit,
        "目标": target,
        "结论": "" if judged.value is None else wording.verdict_text(judged),
        "来源": source,
        "说明": note,
    }


def _empty_row(judged: Judgement, note: str) -> dict[str, str]:
    row = _row(judged, value="", unit="%", target="", source=RETURNS, note=note)
    return row | {"数值": "", "结论": ""}
