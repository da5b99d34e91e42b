"""名录: what each unit is and since when, who is counted in each indicator this month and why, who might have to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from etl import periods, wording
from etl.plan import Judgement
from etl.warehouse import blocks, evidence
from etl.warehouse.blocks import table, to_wan
from etl.warehouse.evidence import Period
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.membership import (
    SHOWN,
    Memberships,
    memberships,
    past_memberships,
    population_block,
    tonnes_text,
)
from etl.warehouse.pages import Filters, Registry, Table
from etl.warehouse.scope import Scope, check_sees_units
from etl.warehouse.snapshot import Snapshot

_YES_NO = {True: "是", False: "否", None: "未列明"}
# What the history compares from one registry row to the next, under the headers of the import.
_ATTRIBUTES = {
    "name": "企业名称", "county_code": "县区", "kind": "单位类型", "industry": "行业", "group_name": "集团",
    "is_large": "大型", "large_basis": "认定依据", "is_new": "新建", "in_catalogue": "省目录",
    "approved_tonnes": "核定年货运量吨", "period_basis": "报告期", "production_state": "生产状态",
    "exemption_basis": "专用线豁免依据", "due_from": "应报起", "due_to": "应报止",
}  # fmt: skip


def read(snapshot: Snapshot, scope: Scope, filters: Filters) -> Registry:
    """The page for the last month of the period.

    Errors: NotVisible for who sees sums only.
    """
    check_sees_units(scope)
    month = date(filters.year, filters.through, 1)
    names = snapshot.units(scope)
    history = _history_of(snapshot, scope)
    uses = snapshot.rows("spur_uses", month=month)
    facts = blocks.unit_facts(snapshot, scope, filters)
    if filters.county:
        facts = {code: fact for code, fact in facts.items() if fact["county_code"] == filters.county}
    now = memberships(snapshot, scope, filters, facts, uses)
    pasts = {
        "上月": past_memberships(snapshot, scope, filters, periods.add_months(month, -1)),
        "上年同月": past_memberships(snapshot, scope, filters, periods.add_months(month, -12)),
    }
    candidates = _candidates(snapshot, scope, filters, names, facts)
    return Registry(
        head=replace(
            blocks.head(snapshot, scope, filters, "名录", blocks.own_part(scope, filters)),
            period=wording.month_text(month),
        ),
        sentence=_sentence(month, facts.values()),
        populations=tuple(population_block(names, id_, month, now[id_], pasts) for id_ in SHOWN),
        members=_members(snapshot, names, facts, now),
        candidate_sentence=_candidate_sentence(snapshot, candidates),
        candidates=candidates,
        counties=_counties(snapshot, facts.values()),
        units=_units(snapshot, facts, history),
        history=_history(snapshot, facts, history),
        shared=_shared(uses, names, facts),
    )


def _sentence(month: date, facts: Iterable[Mapping[str, Any]]) -> str:
    rows = list(facts)
    if not rows:
        return f"{wording.month_text(month)}名录中没有单位。"
    mines = [row for row in rows if row["kind"] == "工矿企业"]
    parks = [row for row in rows if row["kind"] == "物流园区"]
    parts = [
        f"工矿企业{len(mines)}家（大型{sum(row['is_large'] for row in mines)}家）",
        f"物流园区{len(parks)}家（新建{sum(row['is_new'] for row in parks)}家）",
    ]
    stopped = sum(not row["is_active"] for row in rows)
    if stopped:
        parts.append(f"停产{stopped}家")
    access = sum(row["has_access"] for row in rows)
    return (
        f"{wording.month_text(month)}名录共{len(rows)}家，其中{'、'.join(parts)}；"
        f"应报{sum(row['is_expected'] for row in rows)}家，已接入专用线{access}家。"
    )


def _members(
    snapshot: Snapshot,
    names: Mapping[str, str],
    facts: Mapping[str, Mapping[str, Any]],
    now: Memberships,
) -> Table:
    """Each unit with its place in the three populations and the reason: the audit of the denominators."""
    titles = {id_: INDICATORS[id_].title for id_ in SHOWN}
    columns = ["单位", "县区", *titles.values(), "填报单位编码"]
    listed = []
    for code, fact in sorted(facts.items(), key=lambda item: _county_order(snapshot, item[1], item[0])):
        places = {titles[id_]: now[id_][code].text for id_ in SHOWN if code in now[id_]}
        listed.append(
            {
                "单位": names[code],
                "县区": snapshot.counties.get(fact["county_code"], ""),
                **places,
                "填报单位编码": code,
            }
        )
    return table("各单位考核范围", listed, columns)


# ------------------------------------------------------------------------- the 150万吨 rule and 省目录


def _candidates(
    snapshot: Snapshot,
    scope: Scope,
    filters: Filters,
    names: Mapping[str, str],
    facts: Mapping[str, Mapping[str, Any]],
) -> Table:
    """Units whose tonnes and whose place in 省目录 do not fit each other, most tonnes first."""
    month = date(filters.year, filters.through, 1)
    year = filters.year if filters.through == 12 else filters.year - 1
    last_year = {
        one.subject.object: one for one in evidence.bulk_reach(snapshot, scope, filters, Period.of(year, 12))
    }
    rolling = evidence.bulk_reach(snapshot, scope, filters, Period(periods.add_months(month, -11), month))
    in_year, in_rolling = f"{year}年大宗万吨", "近12个月大宗万吨"
    columns = [
        "情形", "单位", "县区", "单位类型", "大型或新建", "省目录", in_year, in_rolling, "专用线", "填报单位编码",
    ]  # fmt: skip
    digits = {in_year: _digits(last_year.values()), in_rolling: _digits(rolling)}
    listed = []
    for one in sorted(rolling, key=lambda j: -(j.value or 0)):
        code = one.subject.object
        fact, whole = facts[code], last_year[code]
        case = _case(fact, whole.obliged, one.obliged)
        if case:
            values = (
                case, names[code], snapshot.counties.get(fact["county_code"], ""), fact["kind"],
                _YES_NO[fact["is_large_or_new"]], _YES_NO[fact["in_catalogue"]],
                _wan(whole, digits[in_year]), _wan(one, digits[in_rolling]), fact["spur"], code,
            )  # fmt: skip
            listed.append(dict(zip(columns, values, strict=True)))
    listed.sort(key=lambda row: _CASES.index(row["情形"]))
    bound = wording.wan(snapshot.plan.obliged_tonnes, 0)
    return table(f"{bound}万吨以上与省目录对照", listed, columns, digits)


def _wan(judged: Judgement, digits: int) -> Decimal | None:
    """Tonnes as 万吨 with as many decimals as the column shows."""
    return None if judged.value is None else wording.rounded(judged.value / 10000, digits)


def _digits(judged: Iterable[Judgement]) -> int:
    """As many decimals as the one next to the bound needs, two at least."""
    return max((len(tonnes_text(one).partition(".")[2]) for one in judged), default=2)


_REACHED, _ROLLING = "已达到，未列入省目录", "近12个月达到，未列入省目录（预警）"
_BELOW, _OPEN = "列入省目录，未达到", "缺月报，待数据补齐"
_CASES = (_REACHED, _ROLLING, _BELOW, _OPEN)


def _case(fact: Mapping[str, Any], in_year: bool | None, in_rolling: bool | None) -> str:
    """Which kind of misfit, from what was judged; empty = none. Only new parks are under the rule."""
    if fact["kind"] == "物流园区" and not fact["is_new"]:
        return ""
    if fact["in_catalogue"]:
        return _BELOW if in_year is False and in_rolling is False else ""
    if in_year:
        return _REACHED
    if in_rolling:
        return _ROLLING
    return _OPEN if in_year is None or in_rolling is None else ""


def _candidate_sentence(snapshot: Snapshot, candidates: Table) -> str:
    bound = f"{wording.wan(snapshot.plan.obliged_tonnes, 0)}万吨"
    cases = candidates.frame["情形"].tolist()
    if not cases:
        return f"各单位大宗货物年运量与省目录相符：达到{bound}的均已列入，列入的均达到。"
    words = {
        _REACHED: f"上一完整年度达到{bound}而未列入省目录",
        _ROLLING: f"近12个月达到{bound}而未列入省目录",
        _BELOW: f"列入省目录而未达到{bound}",
        _OPEN: "因缺月报尚不能确定",
    }
    return "，".join(f"{words[case]}{cases.count(case)}家" for case in _CASES if case in cases) + "。"


# ------------------------------------------------------------------------------- units, history, shared


def _counties(snapshot: Snapshot, facts: Iterable[Mapping[str, Any]]) -> Table:
    columns = [
        "县区", "单位", "工矿企业", "其中大型", "物流园区", "其中新建", "停产", "应报", "省目录", "接入专用线",
    ]  # fmt: skip
    rows = list(facts)
    listed = []
    for code, name in snapshot.counties.items():
        inside = [row for row in rows if row["county_code"] == code]
        mines = [row for row in inside if row["kind"] == "工矿企业"]
        parks = [row for row in inside if row["kind"] == "物流园区"]
        values = (
            name, len(inside), len(mines), sum(row["is_large"] for row in mines), len(parks),
            sum(row["is_new"] for row in parks), sum(not row["is_active"] for row in inside),
            sum(row["is_expected"] for row in inside), sum(row["in_catalogue"] is True for row in inside),
            sum(row["has_access"] for row in inside),
        )  # fmt: skip
        if inside:
            listed.append(dict(zip(columns, values, strict=True)))
    return table("各县区单位数（家）", listed, columns)


def _history_of(snapshot: Snapshot, scope: Scope) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in snapshot.rows(
        "registry_rows", scope_counties=scope.county_codes(), scope_units=scope.unit_codes()
    ):
        found.setdefault(row["unit_code"], []).append(row)
    return found


def _units(
    snapshot: Snapshot,
    facts: Mapping[str, Mapping[str, Any]],
    history: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Table:
    """The registry rows in force, with 专用线 as the month's state."""
    columns = [
        "单位", "县区", "单位类型", "行业", "集团", "大型", "认定依据", "新建", "省目录", "核定年货运量万吨",
        "报告期", "生产状态", "专用线", "豁免依据", "应报起", "应报止", "生效日期", "统一社会信用代码", "填报单位编码",
    ]  # fmt: skip
    listed = []
    for code, fact in sorted(facts.items(), key=lambda item: _county_order(snapshot, item[1], item[0])):
        row = _row_in_force(history[code], periods.last_day(fact["month"]))
        values = (
            fact["name"], snapshot.counties.get(fact["county_code"], ""), fact["kind"], fact["industry"],
            fact["group_name"], _YES_NO[fact["is_large"]], fact["large_basis"], _YES_NO[fact["is_new"]],
            _YES_NO[fact["in_catalogue"]], to_wan(fact["approved_tonnes"]), fact["period_basis"],
            fact["production_state"], fact["spur"], fact["exemption_basis"], _month(row["due_from"]),
            _month(row["due_to"]), row["valid_from"], fact["uscc"], code,
        )  # fmt: skip
        listed.append(dict(zip(columns, values, strict=True)))
    return table("名录", listed, columns, {"核定年货运量万吨": 0})


def _row_in_force(rows: Sequence[Mapping[str, Any]], day: date) -> Mapping[str, Any]:
    return next(row for row in rows if row["valid_to"] is None or row["valid_to"] >= day)


def _history(
    snapshot: Snapshot,
    facts: Mapping[str, Mapping[str, Any]],
    history: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Table:
    """What changed at each 生效日期 of a unit with more than one row, newest first."""
    columns = ["生效日期", "单位", "变更内容", "填报单位编码"]
    listed = []
    for code in facts:
        for before, after in zip(history[code], history[code][1:], strict=False):
            changed = [
                f"{header}：{_cell(snapshot, field, before[field])}→{_cell(snapshot, field, after[field])}"
                for field, header in _ATTRIBUTES.items()
                if before[field] != after[field]
            ]
            values = (after["valid_from"], after["name"], "；".join(changed) or "内容未变", code)
            listed.append(dict(zip(columns, values, strict=True)))
    listed.sort(key=lambda row: (row["生效日期"], row["填报单位编码"]), reverse=True)
    return table("变更记录", listed, columns)


def _cell(snapshot: Snapshot, field: str, value: Any) -> str:
    if field == "county_code":
        return snapshot.counties.get(value, value)
    if field in ("due_from", "due_to"):
        return _month(value) or "空"
    if field == "in_catalogue" or isinstance(value, bool):
        return _YES_NO[value]
    return (
        "空" if value in (None, "") else wording.number(value) if field == "approved_tonnes" else str(value)
    )


def _month(day: date | None) -> str:
    return "" if day is None else wording.month_text(day)


def _shared(
    uses: Sequence[Mapping[str, Any]], names: Mapping[str, str], facts: Mapping[str, Mapping[str, Any]]
) -> Table:
    """Lines with more than one user; a user whom the scope may not see has no name."""
    columns = ["专用线", "使用单位", "使用关系", "使用起", "使用止", "本月计入"]
    users: dict[str, set[str]] = {}
    for use in uses:
        users.setdefault(use["spur_code"], set()).add(use["unit_code"])
    listed = [
        {
            "专用线": use["spur_name"],
            "使用单位": names.get(use["unit_code"], "其他单位"),
            "使用关系": use["relation"],
            "使用起": use["use_from"],
            "使用止": use["use_to"],
            "本月计入": bool(use["has_access"]),
        }
        for use in uses
        if len(users[use["spur_code"]]) > 1 and users[use["spur_code"]] & set(facts)
    ]
    return table("共用的专用线", listed, columns)


def _county_order(snapshot: Snapshot, fact: Mapping[str, Any], code: str) -> tuple[int, str]:
    codes = list(snapshot.counties)
    county = fact["county_code"]
    return (codes.index(county) if county in codes else len(codes), code)
