"""报送进度: who was due, who has reported, who is missing, with the text that reminds them."""

from __future__ import annotations

from datetime import date
from html import escape

import streamlit as st

from dashboard import copying, session, widgets
from etl.warehouse.pages import ReportCell, Reporting
from etl.wording import month_text

# What stands in a cell of the matrix: a sign that needs no colour, and its css class. A return
# on its way through the review shows the first sign of its step.
SIGNS = {
    "按时": ("●", "green"),
    "迟报": ("▲", "yellow"),
    "零申报": ("○", "green"),
    "未报": ("■", "red"),
    "退回": ("退", "red"),
    "停产": ("停", "none"),
    "不应报": ("·", "none"),
}
TROUBLED = ("未报", "退回", "迟报")
MATRIX_ROWS = 60


def draw() -> None:
    page = session.read_reporting()
    widgets.head(page.head)
    widgets.sentence(page.sentence)
    numbers = "".join(
        f"<div class='rs-count'><b>{count}</b><span>{escape(name)}（家）</span></div>"
        for name, count in page.counts.items()
    )
    st.html(f"<div class='rs-counts'>{numbers}</div>")
    _missing(page)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _matrix(page)
    with right:
        for table in (page.counties, page.late, page.months):
            widgets.titled_table(table)
        widgets.table_block(page.county_months, page.county_months.name)


def _missing(page: Reporting) -> None:
    widgets.title(f"未报单位（{month_text(page.month)}）", f"截止日 {page.due_on.isoformat()}")
    if not page.missing:
        widgets.note("应报单位已全部报送。")
        return
    items = "".join(_missing_unit(*unit) for unit in page.missing)
    st.html(f"<ul class='rs-names'>{items}</ul>")
    st.html(f"<p class='rs-reminder'>{escape(page.reminder)}</p>")
    copying.button("复制催报文本", page.reminder)


def _missing_unit(code: str, name: str, county: str) -> str:
    link = escape(session.address("enterprise", unit=code))
    return f"<li><a href='{link}'>{escape(name)}</a><span>{escape(county)}</span></li>"


def _matrix(page: Reporting) -> None:
    """Units by months; those with something missing, late or returned first."""
    widgets.title("逐月报送情况", "每行一家单位，每列一个月")
    signs = "".join(
        f"<span class='rs-{css}'><i>{sign}</i>{state}</span>" for state, (sign, css) in SIGNS.items()
    )
    cells = {(cell.unit_code, cell.month): cell for cell in page.matrix}
    troubled = {cell.unit_code for cell in page.matrix if cell.state in TROUBLED}
    units = sorted(page.units, key=lambda unit: unit[0] not in troubled)
    header = "".join(
        f"<th scope='col'>{_month_head(m, m == page.matrix_months[0])}</th>" for m in page.matrix_months
    )
    body = "".join(
        f"<tr><th scope='row'>{escape(name)}</th>"
        + "".join(_cell(cells.get((code, month))) for month in page.matrix_months)
        + "</tr>"
        for code, name in units[:MATRIX_ROWS]
    )
    grid = f"<thead><tr><th scope='col'>单位</th>{header}</tr></thead><tbody>{body}</tbody>"
    st.html(
        f"<p class='rs-signs'>{signs}</p><div class='rs-scroll'><table class='rs-matrix'>{grid}</table></div>"
    )
    if len(units) > MATRIX_ROWS:
        widgets.note(f"另有{len(units) - MATRIX_ROWS}家未列出；可用上方的县区筛选缩小范围。")


def _month_head(month: date, is_first: bool) -> str:
    year = f"{month.year}年" if is_first or month.month == 1 else ""
    return f"{year}<br>{month.month}月"


def _cell(cell: ReportCell | None) -> str:
    if cell is None:
        return "<td></td>"
    sign, css = SIGNS.get(cell.state, (cell.state[:1], "none"))
    received = f"，收到 {cell.received_on.isoformat()}" if cell.received_on else ""
    said = f"{month_text(cell.month)}：{cell.state}{received}"
    return f"<td class='rs-{css}' title='{said}' aria-label='{said}'>{sign}</td>"


draw()
