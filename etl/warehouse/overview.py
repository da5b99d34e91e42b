"""总览: the four indicators, K1's path, gaps by county, corridor and unit, and what could still move a verdict."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from etl import periods, wording
from etl.plan import CITY, COUNTY, ENTERPRISE, Judgement, Verdict, judge
from etl.warehouse import blocks, disclosure, evidence
from etl.warehouse.blocks import exact, table
from etl.warehouse.evidence import Period
from etl.warehouse.indicators import INDICATORS, PLAN_INDICATORS
from etl.warehouse.pages import Card, Filters, Overview, Table
from etl.warehouse.path import path_block
from etl.warehouse.scope import Scope
from etl.warehouse.snapshot import Snapshot

UNITS_SHOWN = 10


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Overview:
    """The page for a period. Errors: NotVisible where a filter leaves what the scope may see."""
    city = {one.subject.indicator: one for one in evidence.indicators(snapshot, scope, filters, "city")}
    path = path_block(snapshot, filters, city["K1"])
    # Gaps are drawn of the spur units, or of coal and coke where the period has no spur unit's goods.
    has_k3 = city["K3"].denominator or city["K3"].is_withheld
    lead = city["K3"] if has_k3 or not city["K2"].denominator else city["K2"]
    entry = INDICATORS[lead.subject.indicator]
    goods = entry.title + wording.goal_text(lead.target, "（力争）" if entry.id == "K2" else "")
    # The cards are the city's; below them a limited role sees its own rows, and each block says so. A county
    # sees the others' sums too, as far as they tell of no single enterprise.
    own = blocks.own_part(scope, filters)
    of_own = f"仅{own}；{goods}" if own else goods
    of_counties = goods if scope.units is None and not scope.sees_every_unit else of_own
    counties = evidence.shares(snapshot, scope, (entry.id,), filters, "county")
    corridors = evidence.shares(snapshot, scope, (entry.id,), filters, "corridor")
    cards = (
        _k1_card(snapshot, scope, city["K1"], filters),
        blocks.share_card(snapshot, scope, city["K2"], filters),
        blocks.share_card(snapshot, scope, city["K3"], filters),
        blocks.access_card(city["K4"], _access_spark(snapshot, scope, filters)),
    )
    return Overview(
        head=blocks.head(snapshot, scope, filters, "总览"),
        sentence=path.sentence if city["K1"].value is not None else _share_sentence(filters, lead),
        cards=cards,
        card_months=_card_months(cards),
        path=path,
        counties=blocks.gap_block(
            snapshot,
            [one for one in counties if one.denominator or one.reports_expected or one.is_withheld],
            "各县区尚需转铁路",
            "县区",
            f"万吨　{of_counties}；未下达分解目标，按行政区划顺序排列",
            ranked=False,
        ),
        corridors=blocks.gap_block(
            snapshot,
            [one for one in corridors if one.denominator or one.is_withheld],
            "各通道尚需转铁路",
            "通道",
            f"万吨　{of_own}",
            ranked=True,
        ),
        units=blocks.unit_block(
            snapshot,
            scope,
            filters,
            entry.id,
            "尚需转铁路最多的单位" if lead.target is not None else "运量最多的单位",
            f"{entry.title}；竖虚线为目标" if lead.target is not None else entry.title,
            UNITS_SHOWN,
        ),
        changes=_changes(snapshot, scope, filters),
        problems=_problems(snapshot, scope, filters, city),
        final=_final(snapshot, scope),
        final_sentence=_final_sentence(snapshot, scope),
        comparison=_comparison(snapshot, scope),
        comparison_sentence=_comparison_sentence(snapshot),
    )


def _share_sentence(filters: Filters, lead: Judgement) -> str:
    """What the page says first where no official total is published."""
    period = wording.period_text(filters.year, filters.through)
    unpublished = "铁路货运量官方数未公布"
    if lead.is_withheld:
        return f"{period}，{unpublished}；{INDICATORS[lead.subject.indicator].title}{wording.WITHHELD}。"
    if lead.value is None:
        return f"{period}，{unpublished}，也没有考核范围内的运量。"
    share = f"{INDICATORS[lead.subject.indicator].title}为{wording.percent(lead.value, lead.target)}%"
    if lead.target is None or lead.gap is None:
        return f"{period}，{share}；{unpublished}。"
    goal = f"{wording.percent(lead.target, digits=0)}%"
    if lead.verdict is Verdict.INSUFFICIENT:
        span = blocks.interval_text(lead)
        between = f"可能在{span}之间，" if span else ""
        return f"{period}，{share}（按已报月份），{between}暂不评价；{unpublished}。"
    if not lead.gap:
        return f"{period}，{share}，达到{goal}；{unpublished}。"
    short = wording.points(lead.target - lead.value)
    shift = wording.wan(lead.gap, 1)
    return f"{period}，{share}，低于{goal}目标{short}个百分点，尚需由公路转铁路{shift}万吨；{unpublished}。"


def _k1_card(snapshot: Snapshot, scope: Scope, judged: Judgement, filters: Filters) -> Card:
    target = judged.target
    running = filters.through < 12
    gap = ""
    if target is not None and judged.gap is not None and judged.gap_pace is not None:
        if running:
            state = "落后" if judged.gap_pace > 0 else "超过"
            gap = f"距年度任务{wording.amount(judged.gap)}万吨，{state}序时{wording.amount(abs(judged.gap_pace))}万吨"
        else:
            gap = f"{'低于' if judged.gap > 0 else '超过'}目标{wording.amount(abs(judged.gap))}万吨"
    last = date(filters.year, filters.through, 1)
    first = periods.add_months(last, 1 - blocks.SPARK_MONTHS)
    months = evidence.official_months(snapshot, CITY, snapshot.plan.area, judged.caliber, Period(first, last))
    plan = snapshot.plan
    return Card(
        indicator="K1",
        name=INDICATORS["K1"].title,
        value_text=wording.total(judged.value, target),
        unit="万吨" if judged.value is not None else "",
        target_text=(
            f"无目标（方案期{wording.years_text(plan.first_year, plan.last_year)}）"
            if target is None
            else f"目标{wording.number(target)}万吨（{filters.year}年）"
        ),
        gap_text=gap,
        light=judged.light,
        word=wording.verdict_text(judged),
        spark=tuple((row["month"], row["value"]) for row in months),
        spark_target=None if target is None else exact(target / 12),
        footnote="　".join(_k1_notes(snapshot, scope, judged, filters)),
        judgement=judged,
    )


def _k1_notes(snapshot: Snapshot, scope: Scope, judged: Judgement, filters: Filters) -> list[str]:
    if judged.value is None:
        return ["官方数未公布"]
    pending = "（待确认）" if judged.caliber_pending else ""
    notes = [f"官方数　{judged.caliber}口径{pending}"]
    period = Period.of(filters.year, filters.through)
    returned = snapshot.rows("coverage", first=period.first, last=period.last)[0]["tonnes"]
    is_withheld = disclosure.is_withheld(
        snapshot, scope, disclosure.COVERAGE, disclosure.CITY, snapshot.plan.area, period.first, period.last
    )
    if returned and judged.value and not is_withheld:
        notes.append(f"月报覆盖{wording.percent(Fraction(returned) / 10000 / judged.value)}%")
    return notes


def _access_spark(
    snapshot: Snapshot, scope: Scope, filters: Filters
) -> tuple[tuple[date, Decimal | None], ...]:
    """K4 at the end of each of the last eight quarters."""
    last = date(filters.year, filters.through, 1)
    ends = [periods.add_months(last, -3 * step) for step in range(7, -1, -1)]
    found = []
    for month in ends:
        at_end = Filters(month.year, month.month, county=filters.county)
        judged = evidence.obligations(snapshot, scope, at_end, "city")[0]
        found.append((month, None if judged.value is None else exact(judged.value * 100)))
    return tuple(found)


def _card_months(cards: tuple[Card, ...]) -> Table:
    """What the cards' small lines draw: the official total and the shares of each month, K4 at quarters' ends."""
    columns = ["月份", *(f"{card.name}{'万吨' if card.indicator == 'K1' else '%'}" for card in cards)]
    values = [dict(card.spark) for card in cards]
    months = sorted({month for found in values for month in found})
    rows = [
        dict(zip(columns, (wording.month_text(month), *(found.get(month) for found in values)), strict=True))
        for month in months
    ]
    return table("四项指标近24个月", rows, columns, dict.fromkeys(columns[1:], 2))


def _changes(snapshot: Snapshot, scope: Scope, filters: Filters) -> tuple[str, ...]:
    """Three lines on the period's last month: the official total, the share of the spur units, what happened."""
    last = date(filters.year, filters.through, 1)
    before, year_before = periods.add_months(last, -1), periods.add_months(last, -12)
    lines = []
    k1 = evidence.official_rows(snapshot, CITY, last.year, last.month)
    if k1:
        whole = Period(year_before, last)
        months = {
            row["month"]: row["value"]
            for row in evidence.official_months(snapshot, CITY, snapshot.plan.area, k1[0]["caliber"], whole)
        }
        if months.get(last) is not None:
            change = wording.growth(months[last], months.get(year_before))
            compared = f"，同比{change}" if change != wording.NONE else ""
            lines.append(f"铁路货运量{last.month}月{wording.number(months[last])}万吨{compared}。")
    shares = {
        item.subject.object: judge(item, snapshot.plan).value
        for item in evidence.share_evidence(
            snapshot, scope, ("K3",), filters, "month", period=Period(year_before, last)
        )
    }
    # The spring festival moves between January and February: these two are compared with the year before.
    other, what = (year_before, "上年同期") if last.month <= 2 else (before, f"{before.month}月")
    now, then = shares.get(f"{last:%Y-%m}"), shares.get(f"{other:%Y-%m}")
    if now is not None and then is not None:
        difference = now - then
        moved = (
            "持平"
            if not difference
            else f"{'提高' if difference > 0 else '下降'}{wording.points(abs(difference))}个百分点"
        )
        lines.append(f"专用线单位大宗铁路占比{last.month}月为{wording.percent(now)}%，比{what}{moved}。")
    lines += _events(snapshot, scope, last)
    return tuple(lines[:3]) or ("本月没有可比的数据。",)


def _events(snapshot: Snapshot, scope: Scope, month: date) -> list[str]:
    """What happened in a month, of the city, the corridors and what the scope may see."""
    units = snapshot.units(scope)
    lines = []
    for row in snapshot.rows("events", first=month, last=month):
        type_, name = row["object_type"], row["object"]
        if type_ == ENTERPRISE:
            is_visible, name = name in units, units.get(name, name)
        elif type_ == COUNTY:
            is_visible = scope.sees_all or name in (scope.counties or ())
            name = snapshot.counties.get(name, name)
        else:
            is_visible = True
        if is_visible:
            lines.append(f"{row['date'].month}月{row['date'].day}日　{name}：{row['note']}")
    return lines


def _problems(
    snapshot: Snapshot, scope: Scope, filters: Filters, city: dict[str, Judgement]
) -> tuple[str, ...]:
    """What could still move a verdict: missing returns, rows left out, open rulings, provisional totals."""
    lines = [text for id_ in ("K2", "K3") if (text := blocks.reports_text(snapshot, city[id_]))]
    period = Period.of(filters.year, filters.through)
    # A limited role could read one unit's tonnes from these lines.
    excluded = snapshot.rows("excluded", first=period.first, last=period.last, county=filters.county)
    for row in excluded if scope.sees_every_unit else ():
        lines.append(
            f"{row['units']}家单位{row['excluded_reason']}期间的{row['movements']}行"
            f"（{wording.wan(row['tonnes'], 1)}万吨）未计入。"
        )
    if city["K1"].caliber_pending and city["K1"].value is not None:
        lines.append(f"口径待确认：{snapshot.plan.switches['k1_caliber'].question}。")
    if city["K2"].awaits_ruling:
        reference = city["K2_ALL"]
        lines.append(
            f"煤炭主产区县区名单待主管部门认定；全市口径（参考）铁路占比{_percent_text(reference)}。"
        )
    if city["K4"].unknown_units:
        bound = wording.wan(snapshot.plan.obliged_tonnes, 0)
        lines.append(f"{len(city['K4'].unknown_units)}家单位的年运量因缺月报尚不能确定是否达到{bound}万吨。")
    return tuple(lines) or ("没有影响结论的数据问题。",)


@lru_cache(maxsize=32)
def _final(snapshot: Snapshot, scope: Scope) -> Table | None:
    """方案终期评估: each year of the plan, each indicator; only after the plan's end."""
    plan = snapshot.plan
    if snapshot.last_month < date(plan.last_year, 12, 1):
        return None
    columns = ["年份", "指标", "完成值", "目标", "差距", "结论"]
    rows = []
    for year in range(plan.first_year, plan.last_year + 1):
        judged = {
            one.subject.indicator: one
            for one in evidence.indicators(snapshot, scope, Filters(year, 12), "city")
        }
        for id_ in PLAN_INDICATORS:
            one = judged[id_]
            is_total = one.unit == "万吨"
            value = (
                wording.total(one.value, one.target) + "万吨"
                if is_total
                else wording.percent(one.value, one.target) + "%"
            )
            target = (
                wording.number(one.target) + "万吨"
                if is_total
                else wording.percent(one.target, digits=0) + "%"
            )
            rows.append(
                {
                    "年份": f"{year}年",
                    "指标": INDICATORS[id_].title,
                    "完成值": value if one.value is not None else wording.NONE,
                    "目标": target if one.target is not None else wording.NONE,
                    "差距": _gap_words(one),
                    "结论": wording.light_text(one),
                }
            )
    return table("方案终期评估", rows, columns)


def _gap_words(one: Judgement) -> str:
    if one.gap is None:
        return wording.NONE
    if one.subject.indicator == "K1":
        return f"{'差' if one.gap > 0 else '超'}{wording.amount(abs(one.gap))}万吨"
    if one.subject.indicator == "K4":
        return f"{int(one.gap)}家未接入" if one.gap else "无"
    return f"尚需转铁路{wording.wan(one.gap, 1)}万吨" if one.gap else "无"


@lru_cache(maxsize=32)
def _final_sentence(snapshot: Snapshot, scope: Scope) -> str:
    plan = snapshot.plan
    if snapshot.last_month < date(plan.last_year, 12, 1):
        return ""
    judged = evidence.official(snapshot, scope, Filters(plan.last_year, 12), "city")[0]
    shares = evidence.shares(snapshot, scope, ("K2", "K3"), Filters(plan.last_year, 12), "city")
    words = [f"{plan.area}铁路货运量{wording.verdict_text(judged)}"]
    words += [f"{INDICATORS[one.subject.indicator].title}{wording.verdict_text(one)}" for one in shares]
    years = wording.years_text(plan.first_year, plan.last_year)
    return f"方案期{years}已结束。{plan.last_year}年，{'；'.join(words)}。"


@lru_cache(maxsize=32)
def _comparison(snapshot: Snapshot, scope: Scope) -> Table | None:
    """After the plan: the running year against the same months of the year before, matched units beside."""
    last = snapshot.newest_month
    if last.year <= snapshot.plan.last_year:
        return None
    now_column, before_column = wording.period_text(last.year, last.month), f"{last.year - 1}年同期"
    columns = ["指标", now_column, before_column, "同比", "可比单位同比"]
    now, before = (
        {
            one.subject.indicator: one
            for one in evidence.indicators(snapshot, scope, Filters(year, last.month), "city")
        }
        for year in (last.year, last.year - 1)
    )
    shares = ("K2", "K3", "K5", "C1")
    period = Period.of(last.year, last.month)
    matched = {
        row["indicator"]: row
        for row in snapshot.rows(
            "matched", indicators=list(shares), first=period.first, last=period.last, months=last.month
        )
    }
    rows = [
        {
            "指标": "铁路货运量（万吨）",
            now_column: wording.number(now["K1"].value),
            before_column: wording.number(before["K1"].value),
            "同比": wording.growth(now["K1"].value, before["K1"].value),
            "可比单位同比": wording.NONE,
        }
    ]
    for id_ in shares:
        rows.append(
            {
                "指标": f"{INDICATORS[id_].title}（%）",
                now_column: wording.percent(now[id_].value),
                before_column: wording.percent(before[id_].value),
                "同比": _points(now[id_].value, before[id_].value),
                "可比单位同比": _matched(scope, matched.get(id_)),
            }
        )
    return table("与上年同期比较", rows, columns)


def _matched(scope: Scope, row: dict | None) -> str:
    if row is None or not row["denominator_now"] or not row["denominator_before"]:
        return wording.NONE
    if not scope.sees_every_unit and not disclosure.may_count(row["units"]):
        return wording.WITHHELD
    now = Fraction(row["numerator_now"]) / Fraction(row["denominator_now"])
    before = Fraction(row["numerator_before"]) / Fraction(row["denominator_before"])
    return f"{_points(now, before)}（{row['units']}家）"


def _percent_text(judged: Judgement) -> str:
    return wording.WITHHELD if judged.is_withheld else f"{wording.percent(judged.value)}%"


def _points(now: Fraction | None, before: Fraction | None) -> str:
    if now is None or before is None:
        return wording.NONE
    if now == before:
        return "持平"
    return f"{'提高' if now > before else '下降'}{wording.points(abs(now - before))}个百分点"


def _comparison_sentence(snapshot: Snapshot) -> str:
    last = snapshot.newest_month
    if last.year <= snapshot.plan.last_year:
        return ""
    return f"方案未设{last.year}年目标，以下与{last.year - 1}年同期比较。"
