"""总览: can the year be met, by how much is it short, where, and what could still change the answer."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import charts, session, tables, widgets
from etl.warehouse.pages import GapBlock, Overview, PathBlock, Table
from etl.wording import month_text, number


def draw() -> None:
    here, page = session.visit(), session.read_overview()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    widgets.cards(page.cards, here.snapshot.definitions())
    widgets.table_block(page.card_months, "近24个月数据表")
    _after_the_plan(page)
    _path(page)
    left, right = st.columns(2, gap="large")
    with left:
        _gaps("counties", page.counties)
    with right:
        _gaps("corridors", page.corridors)
    widgets.title(page.units.title, page.units.note)
    if page.units.sentence:
        widgets.note(page.units.sentence)
    widgets.unit_table(page.units, limit=10)
    widgets.table_block(page.units.table)
    left, right = st.columns(2, gap="large")
    with left:
        widgets.points("与上月相比", page.changes, "没有可比的变化。")
    with right:
        widgets.points("可能影响结论的数据问题", page.problems, "没有发现会影响结论的数据问题。")
    widgets.legend()


def _gaps(name: str, block: GapBlock) -> None:
    widgets.gap_head(block)
    if block.rows:
        figure = session.figure(f"overview_{name}", lambda p: charts.gap_bars(block, p))
        widgets.chart(figure, name, widgets.gap_alt(block))
    widgets.table_block(block.table)


def _after_the_plan(page: Overview) -> None:
    """Once the plan has ended: how it ended, and the running year beside the year before."""
    if page.final is None and page.comparison is None:
        return
    left, right = st.columns([11, 9], gap="large")
    if page.final is not None:
        with left:
            widgets.title(page.final.name)
            widgets.note(page.final_sentence)
            st.html(_final(page.final))
            widgets.download(page.final)
    if page.comparison is not None:
        with right:
            widgets.title(page.comparison.name)
            widgets.note(page.comparison_sentence)
            widgets.whole_table(page.comparison)


def _final(table: Table) -> str:
    """The plan's years side by side, one line an indicator."""
    rows = table.frame.to_dict("records")
    years = list(dict.fromkeys(row["年份"] for row in rows))
    cells = {(row["指标"], row["年份"]): row for row in rows}
    body = "".join(
        f"<tr><th scope='row'>{escape(name)}</th>"
        + "".join(_outcome(cells[name, year]) for year in years)
        + "</tr>"
        for name in dict.fromkeys(row["指标"] for row in rows)
    )
    header = "".join(f"<th scope='col'>{escape(year)}</th>" for year in years)
    head = f"<thead><tr><th scope='col'>指标</th>{header}</tr></thead>"
    return (
        f"<div class='rs-scroll'><table class='rs-table rs-final'>{head}<tbody>{body}</tbody></table></div>"
    )


def _outcome(row: dict[str, str]) -> str:
    said = f"目标{row['目标']}　{row['差距']}"
    return f"<td>{escape(row['完成值'])}　{tables.markup(row['结论'])}<small>{escape(said)}</small></td>"


def _path(page: Overview) -> None:
    """K1's line hides its gap; so the difference to the path stands beside it, month by month."""
    here, block = session.visit(), page.path
    area, through = here.snapshot.plan.area, here.filters.through
    widgets.title(f"{area}铁路货运量累计与方案进度", widgets.with_unit("", block.note))
    if all(point.cumulative is None for point in block.points):
        widgets.empty(
            "本年度的官方数尚未公布。", "请用 railshift official import 导入铁路货运量，再重新生成。"
        )
        return
    left, right = st.columns([2, 3], gap="medium")
    with left:
        figure = session.figure("path", lambda p: charts.path_lines(block, p))
        widgets.chart(figure, "path", f"{area}铁路货运量累计与序时进度。{block.sentence}")
    with right:
        if block.target is None:
            years = "、".join(str(year) for year in _target_years())
            widgets.empty(
                "方案未设本年度目标，没有序时进度可比。",
                f"有目标的年份：{years}，可在上方选择。" if years else "",
            )
        else:
            light = next((card.light for card in page.cards if card.indicator == "K1"), None)
            figure = session.figure(
                "differences", lambda p: charts.path_differences(block, through, light, p)
            )
            said = "<span>累计与序时之差（万吨）</span>"
            st.html(f"<p class='rs-charttitle'>{said}{_required(block, through)}</p>")
            widgets.chart(figure, "differences", "各月末累计与序时进度之差，见数据表。")
    widgets.table_block(block.table)


def _target_years() -> list[int]:
    target = session.visit().snapshot.plan.targets.get("K1")
    return sorted(target.values) if target else []


def _required(block: PathBlock, through: int) -> str:
    if block.required_per_month is None or through >= 12:
        return ""
    best = ""
    if block.best_month is not None:
        month, value = block.best_month
        best = f"　历史最高月 {number(value)}（{month_text(month)}）"
    return f"<span><b>后{12 - through}个月需月均 {number(block.required_per_month)}</b>{best}</span>"


draw()
