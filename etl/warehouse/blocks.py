"""The parts that pages share: head, cards, gap rows, unit lists and their tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from etl import periods, wording
from etl.plan import CITY, Judgement, Verdict, by_gap, collective_gap, judge
from etl.warehouse import evidence
from etl.warehouse.evidence import Period
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Card, Filters, GapBlock, GapRow, Head, Table, UnitBlock, UnitRow
from etl.warehouse.scope import Scope
from etl.warehouse.snapshot import Snapshot

SPARK_MONTHS = 24
_DECIMALS = 6


def to_wan(tonnes: Fraction | Decimal | None) -> Decimal | None:
    """Tonnes as 万吨, exact to a hundredth of a kilogram; None stays None."""
    return None if tonnes is None else exact(Fraction(tonnes) / 10000)


def exact(value: Fraction | Decimal | None) -> Decimal | None:
    """A fraction as a decimal with more digits than any page shows; None stays None."""
    return None if value is None else wording.rounded(value, _DECIMALS)


def table(
    name: str, rows: Sequence[dict], columns: Sequence[str], digits: dict[str, int] | None = None
) -> Table:
    """A table with its columns in order, also when there are no rows."""
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype=object)
    return Table(name, frame, digits or {})


def head(snapshot: Snapshot, scope: Scope, filters: Filters, title: str, where: str = "") -> Head:
    """The head of a page: period, scope, day of the data, 初步 or 确认, and the open rulings."""
    k1 = evidence.official_rows(snapshot, CITY, filters.year, filters.through)
    is_provisional = any(row["is_provisional"] or not row["is_complete"] for row in k1)
    # Below the city a limited role sees its own rows only: the head says whose figures these are.
    is_narrow = bool(filters.county or filters.corridor or filters.commodity or filters.direction)
    whole = scope.label if is_narrow and not scope.sees_all else snapshot.plan.area
    parts = [
        where or (snapshot.counties.get(filters.county, "") if filters.county else whole),
        f"{filters.corridor}通道" if filters.corridor else "",
        filters.commodity or "",
        filters.direction or "",
    ]
    return Head(
        title=title,
        period=wording.period_text(filters.year, filters.through),
        scope="　".join(part for part in parts if part),
        as_of=snapshot.as_of,
        status="初步" if is_provisional else "确认",
        is_demo=snapshot.is_demo,
        notes=(snapshot.plan.basis,),
    )


def own_part(scope: Scope, filters: Filters) -> str:
    """Whose rows a page without city figures shows, for a role that sees a part; empty for the whole."""
    return "" if scope.sees_all or filters.county else scope.label


def share_card(
    snapshot: Snapshot, scope: Scope, judged: Judgement, filters: Filters, unit: str | None = None
) -> Card:
    """K2 or K3: share, target, what has to be shifted, 24 months, coverage."""
    entry = INDICATORS[judged.subject.indicator]
    return Card(
        indicator=entry.id,
        name=entry.title,
        value_text=wording.percent(judged.value, judged.target),
        unit="%" if judged.value is not None else "",
        target_text=_target_text(judged),
        gap_text=share_gap_text(judged),
        light=judged.light,
        word=wording.verdict_text(judged),
        spark=_share_spark(snapshot, scope, entry.id, filters, unit),
        spark_target=None if judged.target is None else exact(judged.target * 100),
        footnote=_share_footnote(judged),
        judgement=judged,
    )


def share_gap_text(judged: Judgement) -> str:
    """What has to be shifted from road, and what no road tonnes are there for."""
    if judged.gap is None:
        return ""
    if not judged.gap:
        reported = "按已报数据" if judged.verdict is Verdict.INSUFFICIENT else "已达到目标值，"
        return f"{reported}无需再转"
    text = f"尚需由公路转铁路{wording.wan(judged.gap, 1)}万吨"
    if judged.unshiftable:
        text += f"，其中无可转公路运量{wording.wan(judged.unshiftable, 1)}万吨"
    return text


def access_card(judged: Judgement, spark: tuple[tuple[date, Decimal | None], ...] = ()) -> Card:
    """K4: ratio in units, who is still without access."""
    if judged.is_withheld:
        return Card(
            "K4", INDICATORS["K4"].title, wording.NONE, "", "", "", None, wording.verdict_text(judged), (), None,
            "", judged,
        )  # fmt: skip
    total, access = int(judged.denominator), int(judged.numerator)
    without = total - access
    beside = total - judged.exempt
    notes = [f"义务单位{total}家，已接入{access}家，未接入{without}家"]
    if judged.exempt and beside:
        notes.append(f"扣除豁免{wording.percent(Fraction(access, beside))}%")
    if judged.unknown_units:
        notes.append(f"另有{len(judged.unknown_units)}家义务待数据补齐")
    return Card(
        indicator="K4",
        name=INDICATORS["K4"].title,
        value_text=wording.percent(judged.value, judged.target),
        unit="%" if judged.value is not None else "",
        target_text="目标：原则上全部接入" if judged.target is not None else "方案未设该年度目标",
        gap_text=f"尚有{without}家未接入" if without else "义务单位已全部接入",
        light=judged.light,
        word=wording.verdict_text(judged),
        spark=spark,
        spark_target=Decimal(100) if judged.target is not None else None,
        footnote="　".join(notes),
        judgement=judged,
    )


def gap_rows(snapshot: Snapshot, judgements: Iterable[Judgement]) -> tuple[GapRow, ...]:
    """Shares as rows of a gap chart, in the order given."""
    return tuple(
        GapRow(
            key=one.subject.object,
            label=snapshot.counties.get(one.subject.object, one.subject.object),
            gap=to_wan(one.gap),
            share_text=f"{wording.percent(one.value, one.target)}%"
            if one.value is not None
            else wording.NONE,
            light=one.light,
            word=wording.verdict_text(one),
            note=_missing_note(one),
        )
        for one in judgements
    )


def share_table(snapshot: Snapshot, name: str, what: str, judgements: Sequence[Judgement]) -> Table:
    """Shares with tonnes, gap both ways, interval and reports: the table beside a gap chart."""
    columns = [
        what, "铁路万吨", "合计万吨", "铁路占比%", "目标%", "尚需转铁路万吨", "其中可转公路万吨",
        "或需新增铁路万吨", "占比下限%", "占比上限%", "应报份数", "已报份数", "对流扣除万吨", "结论",
    ]  # fmt: skip
    rows = []
    for one in judgements:
        low, high = one.interval or (None, None)
        values = (
            snapshot.counties.get(one.subject.object, one.subject.object),
            to_wan(one.numerator),
            to_wan(one.denominator),
            _percent(one.value),
            _percent(one.target),
            to_wan(one.gap),
            to_wan(one.shiftable),
            to_wan(one.gap_added),
            _percent(low),
            _percent(high),
            one.reports_expected,
            one.reports_received,
            to_wan(one.left_out),
            wording.verdict_text(one),
        )
        if one.is_withheld:
            values = (values[0], *[None] * (len(values) - 2), values[-1])
        rows.append(dict(zip(columns, values, strict=True)))
    digits = {column: 2 for column in columns if "万吨" in column or "%" in column}
    # More digits where two would put a share on its target, or make nothing of a gap.
    digits["铁路占比%"] = _digits_of(wording.percent(one.value, one.target, 2) for one in judgements)
    digits["尚需转铁路万吨"] = _digits_of(wording.wan(one.gap, 2) for one in judgements)
    return table(name, rows, columns, digits)


def _digits_of(texts: Iterable[str]) -> int:
    return max((len(text.partition(".")[2]) for text in texts), default=2) or 2


def gap_block(
    snapshot: Snapshot, judgements: Sequence[Judgement], title: str, what: str, note: str, *, ranked: bool
) -> GapBlock:
    """A gap chart of counties or corridors; ranked by the gap, or in the order of 行政区划."""
    shown = by_gap(judgements) if ranked else list(judgements)
    told = [one for one in by_gap(judgements) if not one.is_withheld]
    worst = told[0] if told else None
    undecided = sum(one.verdict is Verdict.INSUFFICIENT for one in judgements)
    # Of what is not shown nobody may learn that it is more or less than what is.
    among = "所示数据中，" if len(told) < len(judgements) else ""
    sentence = ""
    if worst is not None and worst.gap:
        name = snapshot.counties.get(worst.subject.object, worst.subject.object)
        sentence = (
            f"{among}{name}尚需转铁路最多，为{wording.wan(worst.gap, 1)}万吨（铁路占比"
            f"{wording.percent(worst.value, worst.target)}%）。"
        )
    elif worst is not None and worst.gap is not None and not undecided:
        sentence = f"{among}均已达到目标值。"
    if undecided and any(one.target is not None for one in judgements):
        sentence += f"有{undecided}个数据尚不完整，暂不评价。"
    return GapBlock(
        title=title,
        note=note,
        sentence=sentence,
        rows=gap_rows(snapshot, shown),
        ranked=ranked,
        table=share_table(snapshot, title, what, shown),
    )


def unit_block(
    snapshot: Snapshot,
    scope: Scope,
    filters: Filters,
    indicator: str,
    title: str,
    note: str,
    most: int | None = None,
) -> UnitBlock:
    """Units of an indicator's population by tonnes to shift, most first; none for who sees sums only."""
    if scope.sees_no_unit:
        return UnitBlock(title, "", "", (), table(title, [], ["单位"]), is_withheld=True)
    judged = [
        one
        for one in evidence.shares(snapshot, scope, (indicator,), filters, "enterprise")
        if one.denominator or one.reports_expected
    ]
    names, facts = snapshot.units(scope), unit_facts(snapshot, scope, filters)
    # Beside K3 the belt is drawn too, though it may not be in the denominator: all modes of bulk goods.
    tonnes, corridors = unit_modes(snapshot, scope, filters, "C1" if indicator == "K3" else indicator)
    rows = []
    for one in by_gap(judged)[:most]:
        code = one.subject.object
        fact = facts.get(code, {})
        rows.append(
            UnitRow(
                unit_code=code,
                name=names[code],
                county=snapshot.counties.get(fact.get("county_code", ""), ""),
                corridors="、".join(corridors.get(code, ())),
                tonnes=tonnes.get(code, {}),
                share=_percent(one.value),
                share_text=f"{wording.percent(one.value, one.target)}%"
                if one.value is not None
                else wording.NONE,
                target=_percent(one.target),
                shift=to_wan(one.gap),
                spur=fact.get("spur", ""),
                light=one.light,
                word=wording.verdict_text(one),
                missing=one.reports_expected - one.reports_received,
            )
        )
    undecided = sum(one.verdict is Verdict.INSUFFICIENT for one in judged)
    decided = [one for one in judged if one.gap is not None and one.verdict is not Verdict.INSUFFICIENT]
    met = [one for one in decided if not one.gap]
    assessed = len(decided)
    sentence, goal = "", next((one.target for one in judged), None)
    if goal is not None:
        note += f"；目标{wording.percent(goal, digits=0)}%" + ("（力争）" if indicator == "K2" else "")
    if assessed:
        total = collective_gap(decided)
        sentence = (
            f"{assessed}家有运量单位中{len(met)}家达到目标值；各家尚需转铁路合计{wording.wan(total, 1)}万吨。"
        )
    if undecided and goal is not None:
        sentence += f"{'另' if assessed else ''}有{undecided}家数据尚不完整，暂不评价。"
    return UnitBlock(title, note, sentence, tuple(rows), _unit_table(snapshot, title, judged, names, facts))


def unit_facts(snapshot: Snapshot, scope: Scope, filters: Filters) -> dict[str, dict]:
    """The registry's row of each unit at the end of the period."""
    rows = snapshot.rows(
        "unit_facts",
        month=date(filters.year, filters.through, 1),
        unit=None,
        scope_counties=scope.county_codes(),
        scope_units=scope.unit_codes(),
    )
    return {row["unit_code"]: row for row in rows}


def unit_modes(
    snapshot: Snapshot, scope: Scope, filters: Filters, indicator: str
) -> tuple[dict[str, dict[str, Decimal]], dict[str, list[str]]]:
    """Each unit's tonnes of an indicator's goods by mode in 万吨, and the corridors that they use."""
    period = Period.of(filters.year, filters.through)
    tonnes: dict[str, dict[str, Decimal]] = {}
    corridors: dict[str, set[str]] = {}
    for row in snapshot.rows(
        "unit_modes", indicator=indicator, first=period.first, last=period.last, **filter_values(filters),
        scope_counties=scope.county_codes(), scope_units=scope.unit_codes(),
    ):  # fmt: skip
        tonnes.setdefault(row["unit_code"], {})[row["mode"]] = to_wan(row["tonnes"]) or Decimal(0)
        corridors.setdefault(row["unit_code"], set()).update(row["corridors"])
    return tonnes, {code: sorted(names) for code, names in corridors.items()}


def filter_values(filters: Filters) -> dict[str, str | None]:
    """The filters below the period, as the queries name them."""
    return {
        "county": filters.county,
        "corridor": filters.corridor,
        "commodity": filters.commodity,
        "direction": filters.direction,
    }


def nothing_assessed(snapshot: Snapshot, ids: Sequence[str], year: int) -> str:
    """Why a page about `ids` has nothing to say of gaps: no target that year, or no goods in the population."""
    targets = [snapshot.plan.targets[id_] for id_ in ids if id_ in snapshot.plan.targets]
    has_target = any(year in target.values or year in target.shown_before for target in targets)
    return "本期无考核范围内运量" if has_target else "方案未设该年度目标"


def reports_text(snapshot: Snapshot, judged: Judgement) -> str:
    """Which interval the missing returns leave, and whether it could turn the verdict."""
    missing = judged.reports_expected - judged.reports_received
    if not missing or judged.value is None:
        return ""
    name, span = INDICATORS[judged.subject.indicator].title, interval_text(judged)
    if not span:
        return f"{name}缺{missing}份月报。"
    effect = {Verdict.INSUFFICIENT: "，结论可能改变", Verdict.NO_TARGET: ""}.get(judged.verdict, "，结论不变")
    unknown = f"，另有{len(judged.unknown_units)}家从未报送" if judged.unknown_units else ""
    return f"{name}缺{missing}份月报：占比在{span}之间{effect}{unknown}。"


def interval_text(judged: Judgement) -> str:
    """The span that the missing returns leave: 73.6%—81.9%; nothing where there is none."""
    if judged.interval is None:
        return ""
    return "—".join(f"{wording.percent(end, judged.target)}%" for end in judged.interval)


def _target_text(judged: Judgement) -> str:
    if judged.target is None:
        return "方案未设该年度目标"
    effort = "（力争）" if judged.subject.indicator == "K2" else ""
    return f"目标{wording.percent(judged.target, digits=0)}%{effort}"


def _share_footnote(judged: Judgement) -> str:
    parts = []
    if judged.reports_expected:
        parts.append(f"应报{judged.reports_expected}份、已报{judged.reports_received}份")
    if judged.denominator:
        parts.append(
            f"铁路{wording.wan(judged.numerator, 1)}万吨／共{wording.wan(judged.denominator, 1)}万吨"
        )
    return "　".join(parts)


def _missing_note(judged: Judgement) -> str:
    missing = judged.reports_expected - judged.reports_received
    return f"缺{missing}份月报" if missing else ""


def _share_spark(
    snapshot: Snapshot, scope: Scope, indicator: str, filters: Filters, unit: str | None
) -> tuple[tuple[date, Decimal | None], ...]:
    last = date(filters.year, filters.through, 1)
    first = periods.add_months(last, 1 - SPARK_MONTHS)
    found = evidence.share_evidence(
        snapshot, scope, (indicator,), filters, "month", unit=unit, period=Period(first, last)
    )
    values = {item.subject.object: judge(item, snapshot.plan).value for item in found}
    return tuple(
        (month, _percent(values.get(f"{month:%Y-%m}"))) for month in periods.months_between(first, last)
    )


def _percent(share: Fraction | None) -> Decimal | None:
    return None if share is None else exact(share * 100)


def _unit_table(
    snapshot: Snapshot, name: str, judged: Sequence[Judgement], names: dict[str, str], facts: dict[str, dict]
) -> Table:
    shares = share_table(snapshot, name, "单位", by_gap(judged))
    codes = [one.subject.object for one in by_gap(judged)]
    frame = shares.frame.copy()
    frame["单位"] = [names[code] for code in codes]
    counties = [snapshot.counties.get(facts.get(code, {}).get("county_code", ""), "") for code in codes]
    frame.insert(1, "县区", pd.Series(counties, dtype=object))
    frame.insert(
        2, "专用线", pd.Series([facts.get(code, {}).get("spur", "") for code in codes], dtype=object)
    )
    frame.insert(3, "填报单位编码", pd.Series(codes, dtype=object))
    return Table(name, frame, shares.digits)
