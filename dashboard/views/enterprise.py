"""One unit's page: what it is, what it carried, what is missing, down to the rows that it uploaded."""

from __future__ import annotations

from dataclasses import replace
from html import escape

import streamlit as st

from dashboard import charts, entry, session, widgets
from dashboard.palette import RAIL, ROAD
from etl.warehouse.pages import Enterprise, Table
from etl.warehouse.scope import Role


def draw() -> None:
    unit_code = _unit_code()
    if unit_code is None:
        widgets.plain_head("单位")
        widgets.empty("没有选定单位。", "请在“企业”页点选一家单位。")
        return
    page = session.read_enterprise(unit_code)
    widgets.head(replace(page.head, title=page.name, scope=page.head.title))
    if session.visit().scope.role is not Role.ENTERPRISE:
        st.html(f"<p class='rs-back'><a href='{escape(session.address('enterprises'))}'>← 全部企业</a></p>")
    widgets.sentence(page.sentence)
    facts = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in page.facts
    )
    st.html(f"<dl class='rs-unitfacts'>{facts}</dl>")
    widgets.cards(page.cards, session.visit().snapshot.definitions())
    _months(page)
    left, right = st.columns(2, gap="large")
    with left:
        for table in (page.commodities, page.corridors):
            _table(table)
    with right:
        _table(page.versions)
    _table(page.spurs)
    rows = session.read_rows(unit_code)
    widgets.title(rows.name, "每个数字都来自这些行；行号与文件中一致")
    if rows.frame.empty:
        widgets.empty("本期没有已通过的上报行。", "请放宽筛选条件，或等待报送。")
    else:
        widgets.whole_table(rows)
    if session.visit().scope.role is Role.ENTERPRISE:
        entry.maintain("contacts")


def _unit_code() -> str | None:
    """The unit of the URL; an enterprise's account has its own without one."""
    here, named = session.visit(), st.query_params.get("unit")
    units = here.snapshot.units(here.scope)
    if here.scope.role is not Role.ENTERPRISE or named:
        return named
    if len(units) > 1:
        return st.selectbox(
            "单位", list(units), format_func=units.__getitem__, key="own_unit", filter_mode=None
        )
    return next(iter(units), None)


def _months(page: Enterprise) -> None:
    widgets.title("各月运量", widgets.with_unit("", "未报月份留空，不作零处理"))
    if page.missing:
        widgets.note(f"未报：{'、'.join(page.missing)}。")
    widgets.mode_legend(RAIL, ROAD)
    if page.months:
        figure = session.figure("months", lambda p: charts.month_bars(page.months, p), page.unit_code)
        widgets.chart(figure, "months", "各月铁路与公路运量，见数据表。")
    else:
        widgets.empty("没有已通过的月报。", "通过审核后在此显示。")
    widgets.table_block(page.month_table)


def _table(table: Table) -> None:
    widgets.title(table.name)
    if table.frame.empty:
        widgets.note("无。")
    else:
        widgets.whole_table(table)


draw()
