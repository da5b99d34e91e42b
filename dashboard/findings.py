"""What a check said, as markup and as a table to download: pure, without Streamlit.

Grouped by rule, what stops first; totals are exact, and a list that is not whole says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from etl.clerk import Due
from etl.intake.check import CheckResult
from etl.intake.finding import EXPLAIN, MUST, NOTE, Finding
from etl.intake.mends import Mend
from etl.intake.rules import BY_CODE, RULES, Rule, place_of
from etl.ledger.evidence import KeptCheck
from etl.listing import plain
from etl.warehouse.pages import Table
from etl.warehouse.preview import Preview, RowChange
from etl.wording import month_text

# Of a severity and of a month's state: a shape, the css class of its colour; the word stands beside them.
SEVERITIES = {MUST: ("■", "red"), EXPLAIN: ("▲", "yellow"), NOTE: ("○", "none")}
STATES = {
    "未报": ("○", "none"), "暂存": ("◐", "yellow"), "已上报": ("●", "none"), "县级初审": ("●", "none"),
    "市级审核": ("●", "none"), "退回": ("■", "red"), "通过": ("●", "green"), "锁定": ("●", "green"),
    "更正": ("◐", "yellow"),
}  # fmt: skip
# In sight at once; the rest of a list is one click away.
FIRST_FINDINGS = 8
MOST_CHANGES = 60
MOST_MENDS = 60


@dataclass(frozen=True)
class Group:
    """All findings of one rule: how many there are in all, and those that are listed."""

    rule: Rule
    total: int
    listed: tuple[Finding, ...]


def groups(check: CheckResult | KeptCheck) -> list[Group]:
    """By severity, then in the catalogue's order."""
    rank = list(SEVERITIES)
    found = [
        Group(BY_CODE[code], total, tuple(one for one in check.findings if one.code == code))
        for code, total in check.totals.items()
    ]
    return sorted(found, key=lambda group: (rank.index(group.rule.severity), RULES.index(group.rule)))


def severity_mark(severity: str) -> str:
    shape, css = SEVERITIES[severity]
    return f"<span class='rs-light rs-{css}'><i>{shape}</i>{severity}</span>"


def state_mark(state: str, is_late: bool = False) -> str:
    """Shape, colour and word of a month's state; what is missing after its day is red."""
    shape, css = ("■", "red") if state == "未报" and is_late else STATES.get(state, ("○", "none"))
    return f"<span class='rs-light rs-{css}'><i>{shape}</i>{escape(state)}</span>"


def chips(months: Sequence[Due]) -> str:
    """The last months, newest first, each with its state."""
    items = "".join(
        f"<li><b>{_short_month(one, index, months)}</b>{state_mark(one.state, one.days_left < 0)}</li>"
        for index, one in enumerate(months)
    )
    return f"<ul class='rs-chips' aria-label='近几个月的报送状态'>{items}</ul>"


def _short_month(one: Due, index: int, months: Sequence[Due]) -> str:
    """The year stands where it changes."""
    is_new_year = index == 0 or months[index - 1].month.year != one.month.year
    return month_text(one.month) if is_new_year else f"{one.month.month}月"


def summary(check: CheckResult) -> str:
    """How many of each severity, in words; what it means for sending."""
    counts = dict.fromkeys(SEVERITIES, 0)
    for code, total in check.totals.items():
        counts[BY_CODE[code].severity] += total
    said = "，".join(f"{severity}{count}处" for severity, count in counts.items() if count)
    whole = f"{check.rows}行，{plain(check.tonnes)}吨"
    if counts[MUST] or not check.accepted:
        return f"校验未通过：{said}。改正“强制”问题后才能上报。"
    if counts[EXPLAIN]:
        return f"共{whole}。校验发现{said}；“核实”问题逐项说明后可以上报。"
    return f"共{whole}。校验通过{f'（{said}，无须处理）' if said else '，没有发现问题'}。"


def group_markup(group: Group) -> str:
    """One rule: its severity, the columns it is about, how many, and each place with its remedy."""
    columns = "、".join(dict.fromkeys(one.column for one in group.listed if one.column))
    head = (
        f"<div class='rs-rule'>{severity_mark(group.rule.severity)}<code>{group.rule.code}</code>"
        f"<span>{escape(columns)}</span><b>共{group.total}处</b></div>"
    )
    first, rest = group.listed[:FIRST_FINDINGS], group.listed[FIRST_FINDINGS:]
    body = list_markup(first)
    if rest:
        body += (
            f"<details class='rs-more'><summary>再列出{len(rest)}处</summary>{list_markup(rest)}</details>"
        )
    if len(group.listed) < group.total:
        body += (
            f"<p class='rs-note'>共{group.total}处，只列出{len(group.listed)}处；其余请照此处理，"
            "改正后再校验会接着列出。</p>"
        )
    return head + body


def list_markup(listed: Iterable[Finding]) -> str:
    """Findings one below the other: place, content, what is wrong, what to do."""
    rows = "".join(map(_finding, listed))
    header = "".join(f"<th scope='col'>{name}</th>" for name in ("位置", "内容", "问题", "怎样改"))
    return (
        f"<div class='rs-scroll'><table class='rs-table rs-findings'><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _finding(one: Finding) -> str:
    """A line of the list. The place stands once, in its own cell."""
    place = place_of(one.sheet, one.row, one.column)
    what, remedy = (text.replace(place, "此处") if one.row else text for text in (one.message, one.remedy))
    return (
        f"<tr><td data-name='位置'>{escape(place)}</td><td data-name='内容'>{escape(one.value or '')}</td>"
        f"<td data-name='问题'>{escape(what)}</td><td data-name='怎样改'>{escape(remedy)}</td></tr>"
    )


def findings_table(check: CheckResult) -> Table:
    """Every listed finding, for the download."""
    columns = ["编码", "级别", "工作表", "行", "列", "内容", "问题", "怎样改"]
    rows = [
        [one.code, one.severity, one.sheet or "", one.row, one.column or "", one.value or "", one.message, one.remedy]
        for group in groups(check)
        for one in group.listed
    ]  # fmt: skip
    return Table("校验结果", pd.DataFrame(rows, columns=columns, dtype=object), {})


def mends_markup(mends: Sequence[Mend]) -> str:
    """What one click changed: cell by cell, as far as a page should hold."""
    rows = "".join(
        f"<tr><td>{escape(place_of(one.sheet, one.row, one.column))}</td><td>{escape(one.old)}</td>"
        f"<td>{escape(one.new)}</td></tr>"
        for one in mends[:MOST_MENDS]
    )
    rest = len(mends) - MOST_MENDS
    more = f"<p class='rs-note'>另有{rest}处未列出，都已写入工作簿。</p>" if rest > 0 else ""
    header = "".join(f"<th scope='col'>{name}</th>" for name in ("位置", "原为", "已改为"))
    return (
        f"<div class='rs-scroll'><table class='rs-table'><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}"
    )


def changes_markup(preview: Preview) -> str:
    """The rows that a return adds, changes and removes."""
    rows = "".join(_change(row) for row in preview.rows[:MOST_CHANGES])
    rest = len(preview.rows) - MOST_CHANGES
    more = f"<p class='rs-note'>另有{rest}行未列出。</p>" if rest > 0 else ""
    header = (
        "<th scope='col'>变化</th><th scope='col' class='rs-number'>行</th><th scope='col'>货流</th>"
        "<th scope='col' class='rs-number'>运量（吨）</th><th scope='col'>改动</th>"
    )
    return (
        f"<div class='rs-scroll'><table class='rs-table rs-changes'><thead><tr>{header}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}"
    )


def _change(row: RowChange) -> str:
    cells = "；".join(f"{cell.header} {cell.before or '空'} → {cell.after or '空'}" for cell in row.cells)
    return (
        f"<tr><td class='rs-nowrap'>{row.kind.value}</td><td class='rs-number'>{row.row}</td>"
        f"<td>{escape(row.flow)}</td><td class='rs-number'>{plain(row.tonnes)}</td><td>{escape(cells)}</td></tr>"
    )
