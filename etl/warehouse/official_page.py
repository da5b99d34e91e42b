"""官方数: what railway and bureau published, each series apart, its vintages, and what a revision did to the verdict.

Rail and road stand beside each other and calibers stay apart: nothing here is added or divided across them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from etl import periods, wording
from etl.plan import CITY, CORRIDOR, COUNTY, Judgement
from etl.warehouse import blocks, evidence
from etl.warehouse.blocks import exact, table
from etl.warehouse.pages import Filters, Official, Series, SeriesPoint, Table
from etl.warehouse.scope import NotVisible, Role, Scope
from etl.warehouse.snapshot import Snapshot

READERS = (Role.ANALYST, Role.ADMIN, Role.LEADER, Role.RAILWAY)
MONTHS_SHOWN = 24
TOTAL = "合计"
STATUSES = ("快报", "月报确报", "年报核定")
_SIDE_BY_SIDE = "铁路与公路官方数口径不同，并列显示，不相加、不相除；不同口径分列。"
_GROUPINGS = {CITY: "city", COUNTY: "county", CORRIDOR: "corridor"}
_RAIL = "铁路"


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Official:
    """One object's series for the year up to the period's last month: the city, or the county or corridor chosen.

    Errors: NotVisible for a role that does not read official series.
    """
    if scope.role not in READERS:
        raise NotVisible(f"“{scope.role.value}”身份不查看官方数。")
    type_, object_, label = _object(snapshot, filters)
    commodity = filters.commodity or TOTAL
    last = date(filters.year, filters.through, 1)
    chosen = {"object_type": type_, "object": object_, "commodity": commodity}
    values = snapshot.rows("official_values", first=date(filters.year, 1, 1), last=last, **chosen)
    series = _series(snapshot, values, last, chosen)
    revisions = snapshot.rows("official_revisions", first=date(filters.year, 1, 1), last=last, **chosen)
    effects = _effects(snapshot, scope, filters, type_, object_, commodity, revisions)
    head = blocks.head(snapshot, scope, filters, "官方数")
    return Official(
        head=replace(head, scope=label if commodity == TOTAL else f"{label}　{commodity}"),
        sentence=_sentence(filters, label, series, values),
        caliber_note=_caliber_note(snapshot, filters),
        series=series,
        revision_sentence=_revision_sentence(revisions, effects),
        changes=tuple(
            _change_text(row, effect)
            for row, effect in zip(revisions, effects, strict=True)
            if effect is not None and _turns(effect)
        ),
        revisions=_revision_table(revisions, effects),
        vintages=_vintages(values),
        values=_value_table(values),
    )


def _object(snapshot: Snapshot, filters: Filters) -> tuple[str, str, str]:
    if filters.county:
        return COUNTY, filters.county, snapshot.counties[filters.county]
    if filters.corridor:
        return CORRIDOR, filters.corridor, f"{filters.corridor}通道"
    return CITY, snapshot.plan.area, snapshot.plan.area


def _sentence(
    filters: Filters, label: str, series: Sequence[Series], values: Sequence[Mapping[str, Any]]
) -> str:
    period = wording.period_text(filters.year, filters.through)
    if not series:
        return f"{period}没有发布{label}的官方数。"
    parts = []
    for one in series:
        known = [p for p in one.points if p.value is not None and p.month.year == filters.year]
        newest = f"，最新为{wording.month_text(known[-1].month)}" if known else ""
        preliminary = sum(point.is_provisional for point in known)
        status = f"，其中快报{preliminary}个月" if preliminary else ""
        parts.append(f"{one.mode}（{one.caliber}）已发布{len(known)}个月{newest}{status}")
    return f"{period}，{label}{'；'.join(parts)}；共{len(values)}个发布值，均注明来源和发布日期。"


def _caliber_note(snapshot: Snapshot, filters: Filters) -> str:
    city = evidence.official_rows(snapshot, CITY, filters.year, filters.through)
    if not city:
        used = "全市铁路货运量尚无官方数。"
    elif city[0]["is_conflict"]:
        used = "全市铁路货运量有多种口径而未认定，暂不评价；认定后在方案数据中填写。"
    else:
        pending = "（待确认）" if city[0]["is_pending"] else ""
        used = f"全市铁路货运量采用“{city[0]['caliber']}”口径{pending}。"
    both = "官方数不按县区与通道交叉发布，本页按县区列示。" if filters.county and filters.corridor else ""
    return used + _SIDE_BY_SIDE + both


# ----------------------------------------------------------------------------------- series and vintages


def _series(
    snapshot: Snapshot, values: Sequence[Mapping[str, Any]], last: date, chosen: Mapping[str, str]
) -> tuple[Series, ...]:
    first = periods.add_months(last, 1 - MONTHS_SHOWN)
    rows = snapshot.rows("official_series", first=periods.add_months(first, -12), last=last, **chosen)
    sources: dict[tuple[str, str, date, str], list[str]] = {}
    for value in values:
        if value["is_in_force"]:
            key = (value["mode"], value["caliber"], value["month"], value["period_kind"])
            sources.setdefault(key, []).append(value["source"])
    found = []
    for mode, caliber in dict.fromkeys((row["mode"], row["caliber"]) for row in rows):
        own = {
            (row["month"], row["period_kind"]): row
            for row in rows
            if (row["mode"], row["caliber"]) == (mode, caliber)
        }
        points = []
        for month in periods.months_between(first, last):
            current = own.get((month, "当期"))
            value = current["value"] if current else None
            points.append(SeriesPoint(month, value, bool(current) and current["status"] == STATUSES[0]))
        title = f"{mode}货运量（{caliber}）"
        found.append(
            Series(
                mode, caliber, title, tuple(points), _series_table(title, last, own, sources, mode, caliber)
            )
        )
    return tuple(found)


def _series_table(
    title: str,
    last: date,
    own: Mapping[tuple[date, str], Mapping[str, Any]],
    sources: Mapping[tuple[str, str, date, str], Sequence[str]],
    mode: str,
    caliber: str,
) -> Table:
    """当期 and 累计 as published, month by month; 累计 is never summed here."""
    columns = [
        "月份", "当期万吨", "当期同比", "累计万吨", "累计同比", "状态", "来源", "发布日期", "公开",
    ]  # fmt: skip
    listed = []
    for month in periods.months_between(date(last.year, 1, 1), last):
        current, total = own.get((month, "当期")), own.get((month, "累计"))
        shown = current or total
        values = (
            wording.month_text(month),
            current and current["value"],
            _growth(own, month, "当期"),
            total and total["value"],
            _growth(own, month, "累计"),
            shown["status"] if shown else "未发布",
            "、".join(
                dict.fromkeys(
                    source
                    for kind in ("当期", "累计")
                    for source in sources.get((mode, caliber, month, kind), ())
                )
            ),
            shown and shown["published_on"],
            ("是" if shown["is_public"] else "否") if shown else "",
        )
        listed.append(dict(zip(columns, values, strict=True)))
    return table(title, listed, columns, {"当期万吨": 2, "累计万吨": 2})


def _growth(own: Mapping[tuple[date, str], Mapping[str, Any]], month: date, kind: str) -> str:
    now, before = own.get((month, kind)), own.get((periods.add_months(month, -12), kind))
    return wording.growth(now["value"] if now else None, before["value"] if before else None)


def _vintages(values: Sequence[Mapping[str, Any]]) -> Table:
    """One row a month and series: the newest value of each status side by side, and which one is in force."""
    columns = ["月份", "方式", "口径", "运营主体", "期别"]
    for status in STATUSES:
        columns += [f"{status}万吨", f"{status}发布"]
    columns += ["采用", "被替换的同状态值"]
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for value in values:
        key = (value["month"], value["mode"], value["caliber"], value["operator"], value["period_kind"])
        labels = (wording.month_text(value["month"]), *key[1:])
        known = dict(zip(columns[:5], labels, strict=True))
        row = rows.setdefault(key, dict.fromkeys(columns) | known | {"采用": "", "被替换的同状态值": ""})
        number, day = f"{value['status']}万吨", f"{value['status']}发布"
        # The values come in the order of publication: the later of a status takes its column.
        if row[number] is not None:
            replaced = f"{value['status']}{wording.number(row[number], 2)}（{row[day].isoformat()}）"
            row["被替换的同状态值"] = "；".join(filter(None, (row["被替换的同状态值"], replaced)))
        row[number], row[day] = value["value"], value["published_on"]
        if value["is_in_force"]:
            row["采用"] = value["status"]
    digits = {f"{status}万吨": 2 for status in STATUSES}
    return table("快报、确报、核定值对照", list(rows.values()), columns, digits)


def _value_table(values: Iterable[Mapping[str, Any]]) -> Table:
    columns = [
        "月份", "方式", "期别", "口径", "运营主体", "状态", "数值万吨", "来源", "发布日期", "公开", "采用",
    ]  # fmt: skip
    listed = []
    for value in values:
        cells = (
            f"{value['month']:%Y-%m}", value["mode"], value["period_kind"], value["caliber"], value["operator"],
            value["status"], value["value"], value["source"], value["published_on"],
            "是" if value["is_public"] else "否", "采用" if value["is_in_force"] else "",
        )  # fmt: skip
        listed.append(dict(zip(columns, cells, strict=True)))
    return table("全部发布值", listed, columns, {"数值万吨": 2})


# ----------------------------------------------------------------------- revisions and their effect on K1


Effect = tuple[Judgement, Judgement] | None


def _effects(
    snapshot: Snapshot,
    scope: Scope,
    filters: Filters,
    object_type: str,
    object_: str,
    commodity: str,
    revisions: Sequence[Mapping[str, Any]],
) -> list[Effect]:
    """K1 up to each revised month, judged on what was published the day before and on the day itself.

    None where K1 does not rest on the value: road, a commodity, a station, another caliber.
    """
    asked: dict[tuple[date, date], Judgement | None] = {}

    def k1(month: date, day: date) -> Judgement | None:
        if (month, day) not in asked:
            period = replace(filters, year=month.year, through=month.month, commodity=None)
            judged = evidence.official(snapshot, scope, period, _GROUPINGS[object_type], known_on=day)
            asked[month, day] = next((one for one in judged if one.subject.object == object_), None)
        return asked[month, day]

    found: list[Effect] = []
    for row in revisions:
        if row["mode"] != _RAIL or commodity != TOTAL or object_type not in _GROUPINGS:
            found.append(None)
            continue
        before = k1(row["month"], row["published_on"] - timedelta(days=1))
        after = k1(row["month"], row["published_on"])
        is_used = (
            before is not None and after is not None and row["caliber"] in (before.caliber, after.caliber)
        )
        found.append((before, after) if before is not None and after is not None and is_used else None)
    return found


def _turns(effect: Effect) -> bool:
    return effect is not None and effect[0].verdict is not effect[1].verdict


def _revision_sentence(revisions: Sequence[Mapping[str, Any]], effects: Sequence[Effect]) -> str:
    if not revisions:
        return "本期各月发布值没有修订。"
    ups = sum(row["value"] is not None and row["value"] > row["value_before"] for row in revisions)
    downs = sum(row["value"] is not None and row["value"] < row["value_before"] for row in revisions)
    turned = sum(map(_turns, effects))
    said = f"本期各月发布值修订{len(revisions)}次，上调{ups}次、下调{downs}次；"
    if turned:
        return f"{said}其中{turned}次改变了铁路货运量累计的结论。同日发布的各月修订一并计入。"
    return f"{said}均未改变铁路货运量累计的结论。"


def _change_text(row: Mapping[str, Any], effect: tuple[Judgement, Judgement]) -> str:
    """One revision that turned the verdict, as a sentence."""
    before, after = effect
    period = wording.period_text(row["month"].year, row["month"].month)
    return (
        f"{row['published_on'].isoformat()}{row['status']}：{period}铁路货运量累计由{_k1_text(before)}万吨改为"
        f"{_k1_text(after)}万吨，结论由“{wording.verdict_text(before)}”变为“{wording.verdict_text(after)}”。"
    )


def _k1_text(judged: Judgement) -> str:
    """K1 with digits added until it does not contradict its verdict."""
    return wording.total(judged.value, _bound(judged), 2)


def _bound(judged: Judgement) -> Any:
    """What the value was judged against: the path of a running year, else the target."""
    if judged.subject.through == 12 or judged.value is None or judged.gap_pace is None:
        return judged.target
    return judged.value + judged.gap_pace


def _revision_table(revisions: Sequence[Mapping[str, Any]], effects: Sequence[Effect]) -> Table:
    before_sum, after_sum = "修订前累计万吨", "修订后累计万吨"
    columns = [
        "发布日期", "月份", "方式", "期别", "口径", "原值万吨", "原状态", "新值万吨", "新状态", "差额万吨",
        before_sum, after_sum, "修订前结论", "修订后结论", "结论变化", "来源", "公开",
    ]  # fmt: skip
    listed = []
    for row, effect in zip(revisions, effects, strict=True):
        before, after = effect or (None, None)
        change = None if row["value"] is None else Decimal(row["value"] - row["value_before"])
        values = (
            row["published_on"], wording.month_text(row["month"]), row["mode"], row["period_kind"],
            row["caliber"], row["value_before"], row["status_before"], row["value"], row["status"], change,
            before and exact(before.value), after and exact(after.value),
            wording.light_text(before) if before else "不涉及", wording.light_text(after) if after else "不涉及",
            "改变" if _turns(effect) else "不变" if effect else "", row["source"] or "",
            "是" if row["is_public"] else "否",
        )  # fmt: skip
        listed.append(dict(zip(columns, values, strict=True)))
    sums = [len(_k1_text(one).partition(".")[2]) for pair in effects if pair for one in pair]
    digits = dict.fromkeys(("原值万吨", "新值万吨", "差额万吨"), 2)
    digits |= dict.fromkeys((before_sum, after_sum), max(sums, default=2))
    return table("修订记录", listed, columns, digits)
