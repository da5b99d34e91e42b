"""填报规则: the catalogue that returns are checked by, printed as it is, open to every role."""

from __future__ import annotations

from collections import Counter
from html import escape

import streamlit as st

from dashboard import session, widgets
from dashboard.findings import SEVERITIES, severity_mark
from etl.intake import rules
from etl.intake.fields import FIELD_BY_NAME
from etl.intake.returned import in_general
from etl.intake.rules import Rule

FAMILIES = {
    rules.FILE: "能否打开、读得出来",
    rules.STRUCTURE: "表头、列、工作表、合计行",
    rules.VALUE: "数、月份、清单里的名称",
    rules.IDENTITY: "哪个单位报的",
    rules.CONSISTENCY: "同一行、同一月的内容是否相合",
    rules.PLAUSIBILITY: "与本单位过去的月份、专用线能力相比",
}
MEANING = {"强制": "改正后才能上报", "核实": "写明原因后可以上报", "提示": "知悉即可，无须处理"}
# More columns than these are not named one by one.
NAMED_COLUMNS = 3


def draw() -> None:
    counts = Counter(rule.severity for rule in rules.RULES)
    widgets.plain_head("填报规则", (f"规则版本 {rules.VERSION}", f"共{len(rules.RULES)}条"))
    widgets.sentence(
        f"月报上传或在线填报后按这{len(rules.RULES)}条规则校验：强制{counts['强制']}条，核实{counts['核实']}条，"
        f"提示{counts['提示']}条；每条都写明怎样改。"
    )
    meanings = "".join(f"<span>{severity_mark(name)}　{MEANING[name]}</span>" for name in SEVERITIES)
    st.html(f"<p class='rs-legend'>{meanings}</p>")
    for family, remark in FAMILIES.items():
        widgets.title(family, remark)
        st.html(_table([rule for rule in rules.RULES if rule.scope == family]))
    widgets.note("查找某一条：按 Ctrl+F，输入编码（如 V006）或列名。")


def _table(listed: list[Rule]) -> str:
    header = "".join(
        f"<th scope='col'>{name}</th>" for name in ("编码", "级别", "问题", "怎样改", "依据", "起始版本")
    )
    return (
        "<div class='rs-scroll'><table class='rs-table rs-rules'>"
        f"<thead><tr>{header}</tr></thead><tbody>{''.join(map(_row, listed))}</tbody></table></div>"
    )


def _row(rule: Rule) -> str:
    headers = [FIELD_BY_NAME[name].header for name in rule.fields]
    place = "、".join(f"“{header}”列" for header in headers) if 0 < len(headers) <= NAMED_COLUMNS else ""
    what, remedy = in_general(rule, place or "相关单元格", _limit(rule))
    return (
        f"<tr id='{rule.code}'><td><b>{rule.code}</b></td><td>{severity_mark(rule.severity)}</td>"
        f"<td>{escape(what)}</td><td>{escape(remedy)}</td>"
        f"<td class='rs-quiet'>{escape(rule.source)}</td><td class='rs-quiet rs-nowrap'>{rule.since}</td></tr>"
    )


def _limit(rule: Rule) -> str:
    """The limit that a rule names, where it is the same for every row; else …"""
    limits = {
        "drayage_limit_km": str(session.visit().snapshot.plan.switch("drayage_limit_km")),
        "belt_limit_km": rules.BELT_LIMIT_KM,
    }
    return limits.get((rule.known or "").removesuffix("::VARCHAR"), "…")


draw()
