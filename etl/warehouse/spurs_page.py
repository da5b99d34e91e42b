"""专用线台账: each line with its users, from when it counts, what it carried, and who has access and who has not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from etl import periods, wording
from etl.plan import EXEMPT, Judgement
from etl.warehouse import blocks, evidence
from etl.warehouse.blocks import table, to_wan
from etl.warehouse.pages import Filters, Spurs, Table
from etl.warehouse.scope import Scope, check_sees_units
from etl.warehouse.snapshot import Snapshot

STATES = ("开通", "在建", "前期", "停用")
_OTHERS = "其他单位"
_LINES_NOTE = (
    "铁路运量为使用单位在计入接入的月份发运与到达之和，两端同用一线的只计一次；利用率为月报齐全各月的运量"
    "与同期能力（年能力×月数÷12）之比。同月使用多条专用线的，运量不能分到各线，不算利用率。"
)


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Spurs:
    """The page for the last month of the period; tonnes are those of the twelve months up to it.

    Errors: NotVisible for who sees sums only.
    """
    check_sees_units(scope)
    month = date(filters.year, filters.through, 1)
    names = snapshot.units(scope)
    visible = _lines(snapshot.rows("spur_uses", month=month), names, filters)
    city = evidence.obligations(snapshot, scope, filters, "city")
    units = evidence.obligations(snapshot, scope, filters, "enterprise")
    uses = [use for line in visible.values() for use in line]
    return Spurs(
        head=replace(
            blocks.head(snapshot, scope, filters, "专用线台账", blocks.own_part(scope, filters)),
            period=wording.month_text(month),
        ),
        sentence=_sentence(snapshot, filters, [_state(month, line[0]) for line in visible.values()], city),
        card=blocks.access_card(city[0]),
        lines=_line_table(snapshot, scope, month, visible, names),
        lines_note=_LINES_NOTE,
        uses=_use_table(month, uses, names, snapshot.counties),
        counties=_county_table(snapshot, scope, filters),
        without=_without(names, snapshot.counties, blocks.unit_facts(snapshot, scope, filters), units),
    )


def _lines(
    uses: Iterable[dict[str, Any]], names: Mapping[str, str], filters: Filters
) -> dict[str, list[dict[str, Any]]]:
    """Line → its uses, of the lines with a user whom the scope may see (in the county that is chosen)."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for use in uses:
        lines.setdefault(use["spur_code"], []).append(use)
    return {
        code: line
        for code, line in lines.items()
        if any(use["unit_code"] in names and filters.county in (None, use["county_code"]) for use in line)
    }


def _sentence(snapshot: Snapshot, filters: Filters, states: Sequence[str], city: Sequence[Judgement]) -> str:
    period = wording.month_text(date(filters.year, filters.through, 1))
    where = snapshot.counties[filters.county] if filters.county else snapshot.plan.area
    if states:
        counted = "、".join(f"{state}{states.count(state)}条" for state in STATES if state in states)
        text = f"{period}登记专用线{len(states)}条，其中{counted}"
    else:
        text = f"{period}没有登记的专用线"
    access = city[0]
    if access.is_withheld:
        return f"{text}；{where}专用线接入率{wording.WITHHELD}。"
    if access.value is None:
        return f"{text}；{where}没有确定的义务单位。"
    total, have = int(access.denominator), int(access.numerator)
    said = f"{where}专用线接入率{wording.percent(access.value, access.target)}%（义务单位{total}家，已接入{have}家）"
    if access.exempt and total > access.exempt:
        beside = Fraction(have, total - access.exempt)
        said += f"，扣除豁免{access.exempt}家后为{wording.percent(beside)}%"
    if access.unknown_units:
        said += f"，另有{len(access.unknown_units)}家义务待数据补齐"
    return f"{text}；{said}。"


def _line_table(
    snapshot: Snapshot,
    scope: Scope,
    month: date,
    lines: Mapping[str, Sequence[Mapping[str, Any]]],
    names: Mapping[str, str],
) -> Table:
    """One row a line. Where the scope may not see every user, neither tonnes nor rate: they would tell of others."""
    carried = {
        row["spur_code"]: row
        for row in snapshot.rows("spur_tonnes", first=periods.add_months(month, -11), last=month)
    }
    columns = [
        "专用线编号", "专用线", "性质", "产权单位", "接轨站", "通道", "状态", "开通日期", "使用单位",
        "能力万吨年", "计入月数", "近12个月铁路万吨", "利用率%", "说明",
    ]  # fmt: skip
    ranked = []
    for code, uses in lines.items():
        line, users = uses[0], list(dict.fromkeys(use["unit_code"] for use in uses))
        state, row = _state(month, line), carried.get(code)
        is_whole = all(user in names for user in [*users, *(row["users"] if row else ())])
        tonnes = row["rail_tonnes"] if row and row["known_reports"] and is_whole else None
        values = (
            code, line["spur_name"], line["kind"], _owner(line["owner"], names, scope), line["junction"],
            line["corridor"], state, line["opened_on"], _users(users, names), line["capacity"],
            row["line_months"] if row else 0, to_wan(tonnes),
            _rate(line["capacity"], row) if row and is_whole else None, _remark(line, row, is_whole),
        )  # fmt: skip
        place = (STATES.index(state), -(tonnes or 0), code)
        ranked.append((place, dict(zip(columns, values, strict=True))))
    listed = [row for _, row in sorted(ranked, key=lambda entry: entry[0])]
    digits = {"能力万吨年": 0, "近12个月铁路万吨": 2, "利用率%": 1}
    return table("各条专用线", listed, columns, digits)


def _state(month: date, line: Mapping[str, Any]) -> str:
    """The state in the month looked at: a line that opened later was still being built."""
    opens_later = line["opened_on"] is not None and line["opened_on"] > periods.last_day(month)
    return "在建" if line["state"] == "开通" and opens_later else line["state"]


def _rate(capacity: Decimal | None, row: Mapping[str, Any]) -> Decimal | None:
    """Tonnes against the capacity of the months with every user's return, in percent.

    None where nobody knows which line carried the tonnes, no month is complete or no capacity is registered.
    """
    if not capacity or not row["complete_months"] or row["other_lines_tonnes"]:
        return None
    whole = Fraction(capacity) * 10000 * row["complete_months"] / 12
    return blocks.exact(Fraction(row["complete_tonnes"]) / whole * 100)


def _remark(line: Mapping[str, Any], row: Mapping[str, Any] | None, is_whole: bool) -> str:
    parts = []
    if not is_whole:
        parts.append("另有其他单位使用，不列运量")
    elif row and row["other_lines_tonnes"]:
        parts.append("使用单位同月还使用其他专用线，运量未分线")
    if row and is_whole and row["missing_reports"]:
        parts.append(f"缺{row['missing_reports']}份月报，齐全{row['complete_months']}个月")
    if line["state"] == "开通" and line["opened_on"] is None:
        parts.append("开通日期未登记，不计入接入")
    if line["state"] == "开通" and line["capacity"] is None:
        parts.append("能力未登记")
    return "；".join(parts)


def _owner(owner: str, names: Mapping[str, str], scope: Scope) -> str:
    """The owner's name; a unit that the scope may not see has none."""
    name = names.get(owner, owner)
    return name if scope.sees_all or not name or name in names.values() else _OTHERS


def _users(users: Sequence[str], names: Mapping[str, str]) -> str:
    seen = [names[user] for user in users if user in names]
    hidden = len(users) - len(seen)
    return "、".join([*seen, *([f"{_OTHERS}{hidden}家"] if hidden else [])])


def _use_table(
    month: date,
    uses: Sequence[Mapping[str, Any]],
    names: Mapping[str, str],
    counties: Mapping[str, str],
) -> Table:
    """One row a user of a line: since when the use counts as access, and whether it does this month."""
    columns = ["专用线", "使用单位", "县区", "使用关系", "使用起", "使用止", "计入起", "本月"]
    listed = []
    for use in uses:
        is_seen = use["unit_code"] in names
        values = (
            use["spur_name"],
            names[use["unit_code"]] if is_seen else _OTHERS,
            counties.get(use["county_code"] or "", "") if is_seen else "",
            use["relation"],
            use["use_from"],
            use["use_to"],
            wording.month_text(use["first_month"]) if use["state"] == "开通" and use["first_month"] else "",
            _this_month(month, use),
        )
        listed.append(dict(zip(columns, values, strict=True)))
    return table("各条专用线的使用单位", listed, columns)


def _this_month(month: date, use: Mapping[str, Any]) -> str:
    if use["has_access"]:
        return "计入"
    if use["state"] != "开通":
        return f"不计入：{use['state']}"
    if use["first_month"] is None:
        return "不计入：开通日期未登记"
    if month < use["first_month"]:
        return f"不计入：{wording.month_text(use['first_month'])}起计"
    return f"不计入：使用至{use['use_to'].isoformat()}"


def _county_table(snapshot: Snapshot, scope: Scope, filters: Filters) -> Table:
    """K4 by county, with what 豁免 makes of it."""
    columns = [
        "县区", "义务单位", "已接入", "未接入", "其中豁免", "接入率%", "扣除豁免接入率%", "义务待数据补齐",
    ]  # fmt: skip
    listed = []
    for one in evidence.obligations(snapshot, scope, filters, "county"):
        total, have = int(one.denominator), int(one.numerator)
        if not total and not one.unknown_units:
            continue
        beside = total - one.exempt
        values = (
            snapshot.counties[one.subject.object],
            total,
            have,
            total - have,
            one.exempt,
            None if one.value is None else blocks.exact(one.value * 100),
            blocks.exact(Fraction(have, beside) * 100) if beside else None,
            len(one.unknown_units),
        )
        listed.append(dict(zip(columns, values, strict=True)))
    return table("各县区专用线接入率", listed, columns, {"接入率%": 1, "扣除豁免接入率%": 1})


def _without(
    names: Mapping[str, str],
    counties: Mapping[str, str],
    facts: Mapping[str, Mapping[str, Any]],
    units: Sequence[Judgement],
) -> Table:
    """Obliged units without access, most tonnes first: what they have instead, and the ground of an exemption."""
    columns = ["单位", "县区", "单位类型", "大宗运量万吨", "专用线", "豁免依据", "填报单位编码"]
    listed = []
    for one in sorted(units, key=lambda j: -(j.value or 0)):
        code = one.subject.object
        if not one.obliged or one.has_access:
            continue
        fact = facts[code]
        values = (
            names[code],
            counties.get(fact["county_code"], ""),
            fact["kind"],
            to_wan(one.value),
            one.spur,
            fact["exemption_basis"] if one.spur == EXEMPT else "",
            code,
        )
        listed.append(dict(zip(columns, values, strict=True)))
    return table("有接入义务而未接入的单位", listed, columns, {"大宗运量万吨": 2})
