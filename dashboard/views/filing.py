"""填报: a clerk's page. What is due, the two ways in, what the check says, what was sent."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import acts, findings, grid, mirror, returns, session, widgets
from dashboard import desk as desks
from dashboard.desk import GRID, UPLOAD, WAYS, Desk
from etl import clerk, filing
from etl import mirror as etl_mirror
from etl.clerk import Due
from etl.pipeline import Workplace
from etl.warehouse.scope import NotVisible, Role, Scope
from etl.wording import month_text

# The grid sends a cell a little after it was typed; this is longer.
EDIT_SECONDS = 0.4
SENT_STATES = ("已上报", "县级初审", "市级审核", "退回", "通过", "锁定")
ABOUT_STATE = {
    "已上报": "本月已上报，等待审核；再次上报会替换它。",
    "县级初审": "本月正在县级初审，不能替换；要改请先联系审核人退回。",
    "市级审核": "本月正在市级审核，不能替换；要改请先联系审核人退回。",
    "通过": "本月已通过审核；内容有误的，可重新填报并写明原因（更正）。",
    "锁定": "本月已锁定；内容有误的，可重新填报并写明原因（更正）。",
}


def draw() -> None:
    scope = session.visit().scope
    if scope.role is not Role.ENTERPRISE or not scope.units:
        raise NotVisible("填报页只对填报单位开放。")
    work = desks.workplace()
    due = clerk.due(work, scope.units)
    names = {one.unit_code: one.name for one in due}
    widgets.plain_head("填报", (f"今天 {work.today.isoformat()}",), (work.declared.plan.basis,))
    if not due:
        widgets.sentence("目前没有应报的月份。")
        widgets.empty("名录中没有本单位应报的月份。", "如认为应报，请联系市交通运输局核对名录。")
        return
    with st.container(key="choosers", horizontal=True, gap="small"):
        unit_code = _unit(names)
        months = [one for one in due if one.unit_code == unit_code]
        urgent = desks.most_urgent(months)
        one = _month(months, urgent)
    widgets.sentence(_sentence(work, scope, months, urgent))
    _elsewhere([each for each in due if each.unit_code != unit_code])
    st.html(findings.chips(months))
    for each in months:
        if each.state == "退回":
            _returned(work, scope, each)
    mirror.section(work, scope)
    bench = _desk(scope, one)
    if bench.filed is not None:
        returns.receipt(work, bench)
        return
    _about(work, one)
    _draft(work, bench, one)
    _short_ways(work, bench, one)
    _way(bench)
    if bench.way == UPLOAD:
        returns.upload(work, bench)
    else:
        _grid(work, bench)
    returns.results(work, bench, names)
    returns.layouts(work, bench, names)


def _unit(names: dict[str, str]) -> str:
    """The unit that the page is about; a chooser where the account has several."""
    if len(names) == 1:
        return next(iter(names))
    _keep("filing-unit", list(names))
    return st.selectbox(
        "单位", list(names), format_func=names.__getitem__, key="filing-unit", filter_mode=None
    )


def _month(months: Sequence[Due], urgent: Due | None) -> Due:
    offered = {one.month: one for one in months}
    key = f"filing-month-{months[0].unit_code}"
    _keep(key, list(offered), urgent.month if urgent else None)
    chosen = st.selectbox("月份", list(offered), format_func=month_text, key=key, filter_mode=None)
    return offered[chosen]


def _keep(key: str, offered: list, default: object = None) -> None:
    """Keep a choice over a switch of pages, when the widget's own state is gone."""
    kept = st.session_state.get(key, st.session_state.get(f"kept-{key}"))
    st.session_state[key] = kept if kept in offered else default if default in offered else offered[0]
    st.session_state[f"kept-{key}"] = st.session_state[key]


def _sentence(work: Workplace, scope: Scope, months: Sequence[Due], urgent: Due | None) -> str:
    waiting = [one for one in months if one.state in desks.OPEN_STATES]
    count = etl_mirror.open_count(work, scope)
    differs = f"与车站清单不一致的{count}项，请说明原因" if count else ""
    if urgent is None or not waiting:
        return f"各月月报都已报送{'；' + differs if differs else '，目前没有要办的事'}。"
    said = clerk.due_sentence(urgent)
    if urgent.state == "退回":
        said = f"{urgent.month.month}月月报被退回，请改正后重新上报"
    others = "、".join(f"{one.month.month}月（{one.state}）" for one in waiting if one is not urgent)
    more = "；".join(part for part in (others, differs) if part)
    return f"{said}；另有{more}。" if more else f"{said}。"


def _elsewhere(due: Sequence[Due]) -> None:
    """What waits in the account's other units."""
    waiting = [one for one in due if one.state in desks.OPEN_STATES]
    if waiting:
        listed = "、".join(f"{one.name}{one.month.month}月（{one.state}）" for one in waiting)
        widgets.note(f"其他单位：{listed}。")


def _desk(scope: Scope, one: Due) -> Desk:
    """The work on this unit-month, as this browser session holds it."""
    held = st.session_state.setdefault("desks", {})
    place = (scope, one.unit_code, one.month)
    if place not in held:
        held[place] = Desk(scope, one.unit_code, one.month)
    return held[place]


def _returned(work: Workplace, scope: Scope, one: Due) -> None:
    """A month that was sent back: why, and the way to the place."""
    with st.container(key=f"returned-{one.month:%Y%m}"):
        st.html(
            f"<div class='rs-returned'>{findings.state_mark('退回')}"
            f"<p><b>{month_text(one.month)}月报被退回</b>，原因：{escape(one.reason)}</p></div>"
        )
        if st.button(f"修改{one.month.month}月月报", key=f"fix-{one.unit_code}-{one.month:%Y%m}"):
            st.session_state[f"kept-filing-month-{one.unit_code}"] = one.month
            st.session_state.pop(f"filing-month-{one.unit_code}", None)
            bench = _desk(scope, one)
            bench.filed, bench.way = None, GRID
            acts.open_returned(work, bench, one)
            st.rerun()


def _about(work: Workplace, one: Due) -> None:
    """Where the month stands, and what was sent of it."""
    if one.state in ABOUT_STATE:
        widgets.note(ABOUT_STATE[one.state])
    if one.submission_id is not None and one.state in SENT_STATES:
        returns.papers(work, one.submission_id, f"{one.name}_{one.month:%Y-%m}")


def _draft(work: Workplace, bench: Desk, one: Due) -> None:
    """Offer to go on with what was begun in another visit."""
    if not one.has_draft or not bench.is_untouched:
        return
    draft = clerk.draft_of(work, one.unit_code, one.month, units=bench.scope.units)
    if draft is None:
        return
    what = f"在线表格{len(draft.rows)}行" if WAYS[draft.way] == GRID else f"文件“{draft.file_name}”"
    with st.container(key="draft"):
        st.html(
            f"<div class='rs-returned'>{findings.state_mark('暂存')}"
            f"<p>{month_text(one.month)}有一份暂存：{escape(what)}，{draft.saved_at:%m月%d日 %H:%M}存。</p></div>"
        )
        with st.container(horizontal=True):
            if st.button("继续填写", key="resume", type="primary"):
                with st.spinner("正在打开…"):
                    acts.resume(work, bench, draft)
                st.rerun()
            if st.button("删除暂存", key="drop-draft"):
                clerk.drop_draft(work, one.unit_code, one.month, bench.actor, units=bench.scope.units)
                st.rerun()


def _short_ways(work: Workplace, bench: Desk, one: Due) -> None:
    """The template, and the month without traffic."""
    with st.container(horizontal=True, key="short-ways"):
        st.download_button(
            "下载模板",
            data=lambda: filing.form(work, one.unit_code, one.month, units=bench.scope.units),
            file_name=f"公转铁月报_{one.name}_{one.month:%Y-%m}.xlsx",
            key=f"form-{one.unit_code}-{one.month:%Y%m}",
            on_click="ignore",
        )
        if st.button("零申报", key="zero"):
            bench.asks_zero = True
    if not bench.asks_zero:
        widgets.note("模板已填好单位和上月的货流，只需填运量。当月没有运输的，点“零申报”。")
        return
    st.html(
        f"<div class='rs-empty'><p>{month_text(one.month)}确实没有运输吗？</p>"
        f"<p>确认后按零申报上报（{escape(one.name)}）；有运输的请取消，照常填报。</p></div>"
    )
    with st.container(horizontal=True):
        if st.button("确认零申报", key="zero-yes", type="primary"):
            with st.spinner("正在办理…"):
                acts.check_zero(work, bench)
            st.rerun()
        if st.button("取消", key="zero-no"):
            bench.asks_zero = False
            st.rerun()


def _way(bench: Desk) -> None:
    key = f"way-{bench.unit_code}-{bench.month:%Y%m}"

    def changed() -> None:
        bench.begin_again()
        bench.way = st.session_state[key]

    st.session_state[key] = bench.way
    st.radio("怎样填报", list(WAYS.values()), key=key, horizontal=True, on_change=changed)


def _grid(work: Workplace, bench: Desk) -> None:
    """Type, choose or paste the month's flows."""
    if bench.rows is None:
        acts.open_grid(work, bench)
    key = f"grid-{bench.unit_code}-{bench.month:%Y%m}-{bench.serial}"
    if key not in st.session_state and bench.rows is not None:
        # The editor's own state is gone after a switch of pages; what was typed is not.
        bench.rows = bench.typed
    widgets.note(
        "单位和月份不用填；上月的货流已列出，只需填“运量吨”。在最后的空行填写即增加一行；勾选行首再按 Delete 键即删去。"
    )
    if bench.pointed:
        widgets.note(f"退回原因所指：{bench.pointed}。")
    bench.typed = grid.editor(work.declared, bench.rows or [], key)
    empty = grid.without_tonnes(bench.typed)
    with st.container(horizontal=True, key="grid-acts"):
        st.button("试校验", key="check-grid", type="primary", on_click=bench.ask, args=("check",))
        if empty:
            name = f"删去没填运量的{empty}行"
            st.button(name, key="drop-empty", on_click=bench.ask, args=("drop",))
    if bench.asked and not bench.has_waited:
        # A cell that was typed just before the click is still on its way.
        bench.has_waited = True
        time.sleep(EDIT_SECONDS)
        st.rerun()
    if bench.asked == "check":
        with st.spinner("正在校验…"):
            acts.check_grid(work, bench, bench.typed)
            bench.asked = ""
        st.rerun()
    if bench.asked == "drop":
        acts.set_rows(bench, [row for row in bench.typed if row["运量吨"].strip()])
        bench.asked = ""
        st.rerun()
    with st.expander("从 Excel 或 WPS 粘贴"):
        pasted = st.text_area(
            "把复制的行粘贴到这里（带不带表头都可以）", key=f"paste-{bench.serial}", height=120
        )
        with st.container(horizontal=True):
            for label, replaces in (("替换表格", True), ("接在表格后面", False)):
                if st.button(label, key=f"paste-{replaces}", disabled=not pasted.strip()):
                    acts.take_pasted(bench, pasted, replaces=replaces)
                    st.rerun()


draw()
