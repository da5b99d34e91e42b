"""通道: where tonnes still go by road, corridor by corridor, and which units they belong to."""

from __future__ import annotations

from decimal import Decimal
from html import escape

import streamlit as st

from dashboard import charts, session, widgets
from dashboard.palette import NEW_ENERGY, RAIL, ROAD
from etl.warehouse.pages import Corridors, GapBlock, MonthPair, Table, UnitBlock
from etl.wording import NONE, WITHHELD, month_text, number

CORRIDOR_COLUMN = "通道"


def draw() -> None:
    page = session.read_corridors()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    blocks = [("K2", page.k2), ("K3", page.k3)] + ([("K1", page.k1)] if page.k1 is not None else [])
    for column, (name, block) in zip(st.columns(len(blocks), gap="large"), blocks, strict=True):
        with column:
            _gaps(name, block)
    for block in page.units:
        # The bars hold all bulk goods; only the first list's target is about those.
        _chosen(block, has_line=block is page.units[0])
    if page.tonnes is None:
        widgets.title("各通道运量", "万吨")
        widgets.empty(f"分方式、分月份的运量{WITHHELD}。", "上方仅列不涉及单个企业的汇总数。")
        return
    left, right = st.columns([2, 3], gap="large")
    with left:
        _tonnes(page.tonnes)
    with right:
        _months(page)


def _gaps(name: str, block: GapBlock) -> None:
    """The bars of one indicator; a click on one chooses its corridor."""
    widgets.gap_head(block, name)
    if block.rows:
        st.plotly_chart(
            session.figure(f"corridors_{name}", lambda p: charts.gap_bars(block, p)),
            key=f"gaps_{name}",
            theme=None,
            config=charts.CONFIG,
            alt=widgets.gap_alt(block),
            on_select=lambda: _choose(f"gaps_{name}"),
            selection_mode="points",
        )
    widgets.table_block(block.table)


def _choose(key: str) -> None:
    points = st.session_state[key]["selection"]["points"]
    if points:
        st.session_state["corridor"] = points[0]["customdata"][0]


def _chosen(units: UnitBlock, has_line: bool) -> None:
    """The units of the corridor that the filter row or a click has chosen."""
    widgets.title(units.title, units.note)
    if units.sentence:
        widgets.note(units.sentence)
    widgets.unit_table(units, has_line=has_line)
    widgets.table_block(units.table)


def _tonnes(table: Table) -> None:
    frame = table.frame
    widgets.title(table.name, widgets.with_unit(table.name, ""))
    if frame.empty:
        widgets.empty("本期没有运量。", "请放宽筛选条件，或等待数据到齐。")
        return
    widgets.mode_legend(RAIL, ROAD, NEW_ENERGY)
    labels = list(frame[CORRIDOR_COLUMN])
    # A mode that nobody used in the period has no column.
    rail, road, newenergy = (
        list(frame[f"{mode}万吨"]) if f"{mode}万吨" in frame else [Decimal(0)] * len(labels)
        for mode in (RAIL, ROAD, NEW_ENERGY)
    )
    figure = session.figure("tonnes", lambda p: charts.rail_road_bars(labels, rail, road, newenergy, p))
    widgets.chart(figure, "tonnes", "各通道铁路与公路运量，见数据表。")
    widgets.table_block(table)


def _months(page: Corridors) -> None:
    """Each corridor's months in a frame of its own, from zero to its own highest month."""
    widgets.title("各通道逐月运量", "万吨　各图自零起、比例不同；数字为最后一月；红色虚线为没有上报的月份")
    frames = "".join(_multiple(name, pairs) for name, pairs in page.months.items() if pairs)
    if frames:
        st.html(f"<div class='rs-multiples'>{frames}</div>")
        widgets.table_block(page.month_table)
    else:
        widgets.empty("没有逐月运量。", "请放宽筛选条件，或等待数据到齐。")


def _multiple(name: str, pairs: tuple[MonthPair, ...]) -> str:
    image = charts.month_lines_image(pairs, session.visit().palette)
    first, last = pairs[0], pairs[-1]
    is_missing = last.rail is None and last.road is None
    said = charts.MISSING if is_missing else f"铁路 {_now(last.rail)}　公路 {_now(last.road)}"
    link = escape(session.address("corridors", corridor=name))
    return (
        f"<figure><figcaption><a href='{link}'>{escape(name)}</a><span>{said}</span></figcaption>"
        f"<img alt='{escape(name)}逐月铁路与公路运量' src='{image}'>"
        f"<small>{month_text(first.month)}—{month_text(last.month)}</small></figure>"
    )


def _now(value: Decimal | None) -> str:
    return NONE if value is None else number(value, 1)


draw()
