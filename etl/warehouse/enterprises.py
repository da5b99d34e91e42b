"""企业: the gap of each unit, and one unit's page down to its uploaded rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from etl import periods, wording
from etl.plan import Judgement, Verdict
from etl.warehouse import blocks, evidence, rows
from etl.warehouse.blocks import table, to_wan
from etl.warehouse.evidence import Period
from etl.warehouse.pages import Card, Enterprise, Enterprises, Filters, MonthPair, Table
from etl.warehouse.scope import NotVisible, Scope, check_sees_units
from etl.warehouse.snapshot import Snapshot

MONTHS_SHOWN = 24


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Enterprises:
    """All units that the scope may see, by tonnes to shift.

    Errors: NotVisible for who sees sums only.
    """
    check_sees_units(scope)
    k3 = blocks.unit_block(
        snapshot, scope, filters, "K3", "专用线单位", "大宗货物铁路占比；按尚需转铁路吨数排列"
    )
    k2 = blocks.unit_block(
        snapshot,
        scope,
        filters,
        "K2",
        "煤炭主产区大型工矿企业",
        "500公里以上煤炭和焦炭铁路占比；按尚需转铁路吨数排列",
    )
    obligations = evidence.obligations(snapshot, scope, filters, "enterprise")
    return Enterprises(
        head=blocks.head(snapshot, scope, filters, "企业", blocks.own_part(scope, filters)),
        sentence=_sentence(snapshot, filters, k3.sentence or k2.sentence),
        k3=k3,
        k2=k2,
        k4=_obligation_table(snapshot, scope, filters, obligations),
        access_sentence=_access_sentence(obligations),
    )


def read_one(snapshot: Snapshot, scope: Scope, filters: Filters, unit_code: str) -> Enterprise:
    """One unit's page. Errors: NotVisible where the scope may not see the unit, or nobody knows it."""
    names = snapshot.units(scope)
    if unit_code not in names:
        raise NotVisible("没有这个单位，或当前身份不能查看。")
    scope = _of_unit(scope, unit_code)
    facts = blocks.unit_facts(snapshot, scope, filters).get(unit_code)
    judged = evidence.shares(snapshot, scope, ("K2", "K3"), filters, "enterprise", unit=unit_code)
    obligation = evidence.obligations(snapshot, scope, filters, "enterprise", unit=unit_code)
    cards = [
        blocks.share_card(snapshot, scope, one, filters, unit=unit_code)
        for one in judged
        if one.denominator or one.reports_expected
    ]
    cards += [_obligation_card(snapshot, filters, one) for one in obligation]
    last = date(filters.year, filters.through, 1)
    first = periods.add_months(last, 1 - MONTHS_SHOWN)
    reports = snapshot.rows(
        "unit_reports", first=first, last=last, unit=unit_code, county=None,
        scope_counties=scope.county_codes(), scope_units=scope.unit_codes(),
    )  # fmt: skip
    modes = _by_part(snapshot, scope, filters, unit_code, "month", Period(first, last))
    return Enterprise(
        head=blocks.head(snapshot, scope, filters, "企业", names[unit_code]),
        sentence=_unit_sentence(names[unit_code], filters, judged),
        unit_code=unit_code,
        name=names[unit_code],
        facts=_facts(snapshot, unit_code, facts),
        cards=tuple(cards),
        months=_months(snapshot, reports, modes, first, last),
        month_table=_month_table(reports, modes),
        commodities=_part_table("货类", _by_part(snapshot, scope, filters, unit_code, "commodity")),
        corridors=_part_table("通道", _by_part(snapshot, scope, filters, unit_code, "corridor")),
        spurs=blocks.Table("专用线", snapshot.frame("unit_spurs", unit=unit_code), {"能力万吨年": 0}),
        missing=tuple(wording.month_text(row["month"]) for row in reports if row["state"] == "未报"),
        versions=_versions(reports),
    )


def read_rows(snapshot: Snapshot, scope: Scope, filters: Filters, unit_code: str) -> Table:
    """All uploaded rows of a unit in the period, with file, sheet, row and whether they count in K3.

    Errors: NotVisible where the scope may not see the unit.
    """
    if unit_code not in snapshot.units(scope):
        raise NotVisible("没有这个单位，或当前身份不能查看。")
    frame = rows.behind(snapshot, _of_unit(scope, unit_code), "K3", filters, unit=unit_code, everything=True)
    return Table("上报明细", frame, {"运距公里": 1, "填报运距公里": 1, "运量吨": 3})


def _of_unit(scope: Scope, unit_code: str) -> Scope:
    """What is visible is seen whole: also the months before the unit moved into the county that looks."""
    return Scope(scope.role, scope.label, units=frozenset({unit_code}))


def _sentence(snapshot: Snapshot, filters: Filters, block: str) -> str:
    period = wording.period_text(filters.year, filters.through)
    if block:
        return f"{period}，{block}"
    return f"{period}，{blocks.nothing_assessed(snapshot, ('K2', 'K3'), filters.year)}，各单位仅列运量。"


def _unit_sentence(name: str, filters: Filters, judged: Sequence[Judgement]) -> str:
    period = wording.period_text(filters.year, filters.through)
    k3 = next((one for one in judged if one.subject.indicator == "K3"), None)
    if k3 is None or k3.value is None:
        if k3 is not None and k3.reports_expected > k3.reports_received:
            return f"{name}{period}月报尚不完整，暂不评价。"
        return f"{name}{period}没有专用线单位大宗货物的考核运量。"
    share = f"{name}{period}大宗货物铁路运输占比{wording.percent(k3.value, k3.target)}%"
    if k3.target is None or k3.gap is None:
        return f"{share}；方案未设{filters.year}年目标。"
    goal = f"{wording.percent(k3.target, digits=0)}%目标"
    if k3.verdict is Verdict.INSUFFICIENT:
        missing = k3.reports_expected - k3.reports_received
        return (
            f"{share}（按已报月份）；缺{missing}份月报，占比可能在{blocks.interval_text(k3)}之间，暂不评价。"
        )
    if not k3.gap:
        return f"{share}，达到{goal}。"
    return (
        f"{share}，低于{goal}{wording.points(k3.target - k3.value)}个百分点；按现有运量，"
        f"尚需由公路转铁路{wording.wan(k3.gap, 1)}万吨。"
    )


def _obligation_card(snapshot: Snapshot, filters: Filters, judged: Judgement) -> Card:
    year = filters.year if filters.through == 12 else filters.year - 1
    obliged = {True: "有接入义务", False: "无接入义务", None: "义务待数据补齐"}[judged.obliged]
    return Card(
        indicator="K4",
        name=f"{year}年大宗货物运量与专用线",
        value_text=wording.wan(judged.value, 2),
        unit="万吨",
        target_text=f"义务线{wording.wan(snapshot.plan.obliged_tonnes, 0)}万吨以上",
        gap_text=f"{obliged}；专用线：{judged.spur}",
        light=judged.light,
        word=wording.verdict_text(judged),
        spark=(),
        spark_target=None,
        footnote="工矿企业为发运与到达之和，物流园区取其大者；短驳不计",
        judgement=judged,
    )


def _access_sentence(obligations: Sequence[Judgement]) -> str:
    obliged = [one for one in obligations if one.obliged]
    without = [one for one in obliged if not one.numerator]
    open_units = [one for one in obligations if one.obliged is None]
    text = f"有接入义务的单位{len(obliged)}家，未接入{len(without)}家"
    if open_units:
        text += f"，另有{len(open_units)}家因缺月报尚不能确定"
    return text + "。"


def _obligation_table(
    snapshot: Snapshot, scope: Scope, filters: Filters, obligations: Sequence[Judgement]
) -> Table:
    names, facts = snapshot.units(scope), blocks.unit_facts(snapshot, scope, filters)
    year = filters.year if filters.through == 12 else filters.year - 1
    tonnes = f"{year}年大宗运量万吨"
    columns = ["单位", "县区", "单位类型", tonnes, "省目录", "接入义务", "专用线", "结论", "填报单位编码"]
    order = {True: 0, None: 1, False: 2}
    listed = []
    for one in sorted(obligations, key=lambda j: (order[j.obliged], int(j.numerator), -(j.value or 0))):
        code = one.subject.object
        fact = facts[code]
        values = (
            names[code],
            snapshot.counties.get(fact["county_code"], ""),
            fact["kind"],
            to_wan(one.value),
            {True: "是", False: "否", None: "未列明"}[fact["in_catalogue"]],
            {True: "有", False: "无", None: "待定"}[one.obliged],
            one.spur,
            wording.light_text(one),
            code,
        )
        listed.append(dict(zip(columns, values, strict=True)))
    return table("专用线接入义务", listed, columns, {tonnes: 2})


def _facts(snapshot: Snapshot, unit_code: str, facts: dict | None) -> tuple[tuple[str, str], ...]:
    if facts is None:
        return (("填报单位编码", unit_code), ("名录", "本期无有效登记"))
    catalogue = {True: "是", False: "否", None: "未列明"}[facts["in_catalogue"]]
    approved = facts["approved_tonnes"]
    return (
        ("统一社会信用代码", facts["uscc"]),
        ("填报单位编码", unit_code),
        ("县区", snapshot.counties.get(facts["county_code"], "")),
        ("单位类型", facts["kind"] + ("（新建）" if facts["is_new"] else "")),
        ("行业", facts["industry"] or wording.NONE),
        ("大型工矿企业名录", "是" if facts["is_large"] else "否"),
        ("认定依据", facts["large_basis"] or wording.NONE),
        ("省目录", catalogue),
        ("核定年货运量", f"{wording.wan(approved, 0)}万吨" if approved is not None else wording.NONE),
        ("报告期", facts["period_basis"] or "自然月"),
        ("生产状态", facts["production_state"]),
        ("专用线", facts["spur"]),
    )


def _by_part(
    snapshot: Snapshot, scope: Scope, filters: Filters, unit: str, by: str, period: Period | None = None
) -> dict[str, dict[str, Decimal]]:
    """A unit's bulk tonnes by mode for each commodity, corridor or month, 万吨."""
    period = period or Period.of(filters.year, filters.through)
    found: dict[str, dict[str, Decimal]] = {}
    for row in snapshot.rows(
        "part_modes", by=by, once=False, unit=unit, first=period.first, last=period.last,
        **blocks.filter_values(filters), scope_counties=scope.county_codes(), scope_units=scope.unit_codes(),
    ):  # fmt: skip
        found.setdefault(row["object"], {})[row["mode"]] = to_wan(row["tonnes"]) or Decimal(0)
    return found


def _part_table(what: str, parts: dict[str, dict[str, Decimal]]) -> Table:
    modes = list(dict.fromkeys(mode for found in parts.values() for mode in found))
    columns = [what, *(f"{mode}万吨" for mode in modes), "合计万吨"]
    listed = [
        {
            what: part,
            **{f"{mode}万吨": found.get(mode, Decimal(0)) for mode in modes},
            "合计万吨": sum(found.values()),
        }
        for part, found in sorted(parts.items(), key=lambda item: -sum(item[1].values()))
    ]
    return table(f"按{what}", listed, columns, dict.fromkeys(columns[1:], 2))


def _months(
    snapshot: Snapshot, reports: Sequence[dict], modes: dict[str, dict[str, Decimal]], first: date, last: date
) -> tuple[MonthPair, ...]:
    """Rail and road month by month; None where nothing was accepted (未报), zero where it was."""
    accepted = {row["month"] for row in reports if row["is_accepted"]}
    road_modes = {row["mode"] for row in snapshot.rows("modes") if row["is_road"]}
    rail_modes = {row["mode"] for row in snapshot.rows("modes") if row["is_rail"]}
    pairs = []
    for month in periods.months_between(first, last):
        found = modes.get(f"{month:%Y-%m}", {})
        if month not in accepted:
            pairs.append(MonthPair(month, None, None))
            continue
        rail = sum((found.get(mode, Decimal(0)) for mode in rail_modes), Decimal(0))
        road = sum((found.get(mode, Decimal(0)) for mode in road_modes), Decimal(0))
        pairs.append(MonthPair(month, rail, road))
    return tuple(pairs)


def _month_table(reports: Sequence[dict], modes: dict[str, dict[str, Decimal]]) -> Table:
    names = list(dict.fromkeys(mode for found in modes.values() for mode in found))
    columns = ["月份", "状态", *(f"{name}万吨" for name in names), "铁路占大宗%"]
    listed = []
    for row in reports:
        found = modes.get(f"{row['month']:%Y-%m}", {})
        whole = sum(found.values())
        share = (
            blocks.exact(Fraction(found.get("铁路", Decimal(0))) / Fraction(whole) * 100) if whole else None
        )
        values = {
            f"{name}万吨": found.get(name, Decimal(0)) if row["is_accepted"] else None for name in names
        }
        listed.append(
            {"月份": wording.month_text(row["month"]), "状态": row["state"], **values, "铁路占大宗%": share}
        )
    digits = dict.fromkeys(columns[2:-1], 2) | {"铁路占大宗%": 1}
    return table("各月运量", listed, columns, digits)


def _versions(reports: Sequence[dict]) -> Table:
    columns = ["月份", "状态", "版本", "首次收到", "收到日期", "截止日期", "文件"]
    listed = [
        {
            "月份": wording.month_text(row["month"]),
            "状态": row["state"],
            "版本": row["version"],
            "首次收到": row["first_received_on"],
            "收到日期": row["received_on"],
            "截止日期": row["due_on"],
            "文件": row["file_name"] or "",
        }
        for row in reversed(reports)
    ]
    return table("报送记录", listed, columns)
