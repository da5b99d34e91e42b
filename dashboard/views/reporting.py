"""报送进度: who was due, who has reported, who is missing, with the text that reminds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

import streamlit as st

from dashboard import copying, desk, session, widgets
from etl import mail, reminders
from etl.mail import MailUnavailable
from etl.pipeline import Workplace
from etl.reminders import Clock, RemindersRunning
from etl.roles import Actor, NotAllowed
from etl.warehouse.pages import ReportCell, Reporting
from etl.wording import NONE, month_text

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
    _clocks()
    _missing(page)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _matrix(page)
    with right:
        for table in (page.counties, page.late, page.months):
            widgets.titled_table(table)
        widgets.table_block(page.county_months, page.county_months.name)


# ------------------------------------------------------------------------------------------------- clocks


def _clocks() -> None:
    """What waits and for how long, of all months; by mail too, where staff may send it."""
    here = session.visit()
    widgets.title("待办时限", "各月合计，不限于上面的月份；在截止日当天报送的不算超期")
    work = desk.workplace()
    counties = frozenset({here.filters.county}) if here.filters.county else here.scope.counties
    found = reminders.clocks(work, counties)
    people = reminders.contacts(work, here.scope)
    counts = "".join(
        f"<span>{name} <b>{count}</b></span>"
        for name, count in (
            ("未报超期", len(found.late)),
            ("退回未改", len(found.returned)),
            ("待审核", len(found.waiting)),
        )
    )
    calm = "" if found.badge else " rs-calm"
    st.html(f"<p class='rs-clocks'><span class='rs-badge{calm}'>待办 {found.badge}</span>{counts}</p>")
    for name, clocks, since in (
        ("未报", found.unsent, "截止日"),
        ("退回未改", found.returned, "退回日"),
        ("待审核", found.waiting, "上报日"),
    ):
        if clocks:
            with st.expander(f"{name}：{len(clocks)}项", key=f"clocks-{name}"):
                st.html(_clock_table(clocks, since, work.declared.county_names, people))
    if here.scope.role in reminders.SENDERS:
        _mail(work)


def _clock_table(
    clocks: Sequence[Clock],
    since: str,
    counties: Mapping[str, str],
    people: Mapping[str, Sequence[str]] | None,
) -> str:
    heads = ["单位", "县区", "月份", "状态", since, "时长", *(["联系人"] if people is not None else [])]
    body = "".join(_clock_row(one, since, counties, people) for one in clocks)
    header = "".join(f"<th scope='col'>{name}</th>" for name in heads)
    return (
        f"<div class='rs-scroll'><table class='rs-table rs-lines rs-waits'><thead><tr>{header}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _clock_row(
    one: Clock, since: str, counties: Mapping[str, str], people: Mapping[str, Sequence[str]] | None
) -> str:
    link = escape(session.address("enterprise", unit=one.unit_code))
    contact = (
        ""
        if people is None
        else f"<td data-name='联系人'>{escape('；'.join(people.get(one.unit_code, ())) or NONE)}</td>"
    )
    return (
        f"<tr><td><a href='{link}'>{escape(one.name)}</a></td>"
        f"<td class='rs-nowrap' data-name='县区'>{escape(counties.get(one.county_code, NONE))}</td>"
        f"<td class='rs-nowrap' data-name='月份'>{month_text(one.month)}</td>"
        f"<td class='rs-nowrap' data-name='状态'>{escape(one.state)}</td>"
        f"<td class='rs-nowrap' data-name='{since}'>{one.since.isoformat()}</td>"
        f"<td data-name='时长'>{_days(one.days)}</td>{contact}</tr>"
    )


def _days(days: int) -> str:
    """How long since then; before the due day, how long until it."""
    if days > 0:
        return f"<span class='rs-nowrap rs-red'>已{days}天</span>"
    return f"<span class='rs-nowrap'>{f'还有{-days}天' if days else '今天'}</span>"


def _mail(work: Workplace) -> None:
    """Mail with a link and never a figure, where a server is configured."""
    try:
        mail.server()
    except MailUnavailable as missing:
        widgets.note(f"催报邮件：{missing}配置后可在此发送；邮件只有登录链接，没有单位名称和数字。")
        return

    def send() -> None:
        st.session_state["mail-said"] = _sent(work)

    st.button("发送催报邮件", key="send-mail", on_click=send)
    widgets.note("发给已超期、三天内到期和被退回的单位，每天至多一次；邮件只有登录链接，没有单位名称和数字。")
    if said := st.session_state.get("mail-said"):
        st.html(f"<p class='rs-done' role='status'>{escape(said)}</p>")


def _sent(work: Workplace) -> str:
    """Send the reminders; what became of it, in words."""
    try:
        sent = reminders.send(work, Actor.of(session.visit().scope))
    except (MailUnavailable, RemindersRunning, NotAllowed) as refusal:
        return f"没有发送：{refusal}"
    without = f"，{len(sent.without_contact)}家没有联系人" if sent.without_contact else ""
    refused = f"，{sent.refused}个邮箱被拒收" if sent.refused else ""
    if not sent.units and not without and not refused:
        return "今天没有要提醒的单位，或者都已提醒过。"
    return f"已提醒{len(sent.units)}家{without}{refused}。"


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
