"""Who is counted in an indicator in a month, why, and who came in or went out against an earlier month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from etl import wording
from etl.plan import Judgement
from etl.warehouse import blocks, evidence
from etl.warehouse.blocks import table
from etl.warehouse.indicators import INDICATORS
from etl.warehouse.pages import Filters, PopulationBlock, Table
from etl.warehouse.scope import Scope
from etl.warehouse.snapshot import Snapshot

# K2 and K3 are counted month by month by the unit alone; K4 by what plan.judge() says of each unit.
SHOWN = ("K2", "K3", "K4")
_ELSEWHERE = "未登记，或不在本县区"
_MOVES = ("调入", "调出", "待定")
_PLACES = {True: "在", False: "不在", None: "待定"}


@dataclass(frozen=True)
class Membership:
    """One unit in one indicator's population: True in, False out, None open; `why` in words."""

    is_member: bool | None
    why: str

    @property
    def text(self) -> str:
        return f"{_PLACES[self.is_member]}：{self.why}"


# Indicator → unit → its membership.
Memberships = dict[str, dict[str, Membership]]


def memberships(
    snapshot: Snapshot,
    scope: Scope,
    filters: Filters,
    facts: Mapping[str, Mapping[str, Any]],
    uses: Sequence[Mapping[str, Any]],
) -> Memberships:
    """Indicator → unit → whether it is counted in the last month of the period, and why."""
    found: Memberships = {id_: {} for id_ in SHOWN}
    for row in snapshot.rows(
        "population",
        month=date(filters.year, filters.through, 1),
        indicators=["K2", "K3"],
        county=filters.county,
        scope_counties=scope.county_codes(),
        scope_units=scope.unit_codes(),
    ):
        id_, code = row["indicator"], row["unit_code"]
        why = _why_in(snapshot, id_, code, facts[code], uses) if row["is_member"] else row["reason"]
        found[id_][code] = Membership(row["is_member"], why)
    # Of K4 the population is the obliged units: 省目录, or the tonnes of the last whole year.
    for judged in evidence.obligations(snapshot, scope, filters, "enterprise"):
        code = judged.subject.object
        found["K4"][code] = Membership(judged.obliged, _why_obliged(filters, judged, facts[code]))
    return found


def _why_in(
    snapshot: Snapshot,
    indicator: str,
    code: str,
    fact: Mapping[str, Any],
    uses: Sequence[Mapping[str, Any]],
) -> str:
    basis = f"（{fact['large_basis']}）" if fact["large_basis"] else ""
    kind = "新建物流园区" if fact["kind"] == "物流园区" else f"大型工矿企业{basis}"
    if indicator == "K2":
        return f"{kind}，{snapshot.counties.get(fact['county_code'], '')}为煤炭主产区"
    lines = "、".join(_line_words(use) for use in uses if use["unit_code"] == code and use["has_access"])
    return f"{kind}，{lines}"


def _line_words(use: Mapping[str, Any]) -> str:
    return f"{use['spur_name']}（{use['relation']}，{wording.month_text(use['first_month'])}起计）"


def _why_obliged(filters: Filters, judged: Judgement, fact: Mapping[str, Any]) -> str:
    if not fact["is_active"]:
        return "停产"
    if not fact["is_large_or_new"]:
        return "非大型工矿企业或新建物流园区"
    if fact["in_catalogue"] is not None:
        return "列入省目录" if fact["in_catalogue"] else "省目录列为否"
    year = filters.year if filters.through == 12 else filters.year - 1
    tonnes = f"{year}年大宗运量{tonnes_text(judged)}万吨"
    if judged.obliged is None:
        return f"{tonnes}，缺月报，待数据补齐"
    return f"{tonnes}，{'达到' if judged.obliged else '不足'}{wording.wan(judged.target, 0)}万吨"


def tonnes_text(judged: Judgement) -> str:
    """Yearly tonnes in 万吨, with digits added until they do not contradict the bound."""
    bound = None if judged.target is None else judged.target / 10000
    return wording.total(None if judged.value is None else judged.value / 10000, bound, 2)


def population_block(
    names: Mapping[str, str],
    indicator: str,
    month: date,
    now: Mapping[str, Membership],
    pasts: Mapping[str, Memberships | None],
) -> PopulationBlock:
    members = sum(one.is_member is True for one in now.values())
    undecided = sum(one.is_member is None for one in now.values())
    title = INDICATORS[indicator].title
    said = f"{wording.month_text(month)}考核范围{members}家"
    if undecided:
        said += f"，另有{undecided}家待数据补齐"
    tables = []
    for what, past in pasts.items():
        changes = _changes(
            names, f"{title}考核范围变动：比{what}", now, None if past is None else past[indicator]
        )
        tables.append(changes)
        moved = changes.frame["变动"].tolist()
        if past is None:
            said += f"；{what}没有名录，不作比较"
        elif moved:
            said += f"；比{what}" + "、".join(
                f"{word}{moved.count(word)}家" for word in _MOVES if word in moved
            )
        else:
            said += f"；比{what}无变动"
    return PopulationBlock(indicator, title, f"{said}。", *tables)


def past_memberships(snapshot: Snapshot, scope: Scope, filters: Filters, month: date) -> Memberships | None:
    """Who was counted in an earlier month; None where nothing was registered yet."""
    earlier = replace(filters, year=month.year, through=month.month)
    facts = blocks.unit_facts(snapshot, scope, earlier)
    if not facts:
        return None
    return memberships(snapshot, scope, earlier, facts, snapshot.rows("spur_uses", month=month))


def _changes(
    names: Mapping[str, str],
    name: str,
    now: Mapping[str, Membership],
    past: Mapping[str, Membership] | None,
) -> Table:
    columns = ["变动", "单位", "此前", "现在", "填报单位编码"]
    listed = []
    nobody = Membership(False, _ELSEWHERE)
    if past is None:
        return table(name, [], columns)
    for code in sorted({*now, *past}):
        before, after = past.get(code, nobody), now.get(code, nobody)
        if before.is_member == after.is_member:
            continue
        word = "调入" if after.is_member else "调出" if before.is_member else "待定"
        values = (word, names[code], before.text, after.text, code)
        listed.append(dict(zip(columns, values, strict=True)))
    return table(name, sorted(listed, key=lambda row: _MOVES.index(row["变动"])), columns)
