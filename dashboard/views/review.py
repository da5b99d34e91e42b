"""审核: what waits for the reviewer, what it would change, and the decision; locking; what corrections have done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

import streamlit as st

from dashboard import building, cases, decisions, mirror, session, widgets, worklist
from dashboard import desk as desks
from dashboard.decisions import LOCK, Decisions
from etl import clerk, filing
from etl.ledger.amendments import Revision
from etl.ledger.submissions import State
from etl.pipeline import Workplace
from etl.warehouse.scope import NotVisible, Role, Scope
from etl.wording import month_text

FIRST_REVISIONS = 10


def draw() -> None:
    scope = session.visit().scope
    if scope.role not in (Role.ANALYST, Role.COUNTY):
        raise NotVisible("审核页只对县级初审人和市级审核人开放。")
    work = desks.workplace()
    desk = _desk(scope)
    widgets.plain_head("审核", (f"今天 {work.today.isoformat()}", scope.label))
    if desk.asked is not None:
        with st.spinner("正在办理…"):
            decisions.run(work, desk, session.visit().snapshot.version)
    found = decisions.waiting(work, scope)
    if desk.opened is not None:
        cases.outcome(desk)
        cases.draw(work, desk, desk.opened, found)
        return
    widgets.sentence(decisions.waiting_sentence(found, work.today))
    cases.outcome(desk)
    building.notice(work)
    worklist.draw(work, desk, found)
    if scope.role is Role.ANALYST:
        _locking(work, desk)
    _revisions(work, scope)
    mirror.section(work, scope)


def _desk(scope: Scope) -> Decisions:
    """The reviewer's work, as this browser session holds it; a link may name the return to open."""
    held = st.session_state.setdefault("decisions", {})
    if scope not in held:
        held[scope] = Decisions(scope)
    desk = held[scope]
    named = st.query_params.get("case", "")
    if named:
        del st.query_params["case"]
        if named.isdecimal():
            desk.open(int(named))
    return desk


def _locking(work: Workplace, desk: Decisions) -> None:
    """Lock a month's accepted returns, after seeing which are not accepted yet."""
    due = clerk.due(work, frozenset(filing.names(work)))
    passed: dict[date, int] = {}
    for one in due:
        passed[one.month] = passed.get(one.month, 0) + (one.state == State.通过)
    months = [month for month, count in passed.items() if count]
    widgets.title("锁定月份", "锁定后只能按更正重报；最近12个月")
    if not months:
        widgets.note("最近12个月没有已通过而未锁定的月报。")
        return
    if st.session_state.get("lock-month") not in months:
        st.session_state["lock-month"] = months[0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="lock"):
        month = st.selectbox("月份", months, format_func=month_text, key="lock-month", filter_mode=None)
        if desk.locking != month:
            st.button(f"锁定{month.month}月", key="lock-ask", on_click=_ask_lock, args=(desk, month))
    states = [one for one in due if one.month == month]
    open_ones = [one for one in states if one.state not in (State.通过, State.锁定)]
    locked = sum(one.state == State.锁定 for one in states)
    said = f"应报{len(states)}家，已通过{passed[month]}家" + (f"，已锁定{locked}家" if locked else "")
    listed = "、".join(f"{one.name}（{one.state}）" for one in open_ones)
    rest = f"；尚未通过{len(open_ones)}家，不锁定：{listed}。" if open_ones else "，全部可以锁定。"
    widgets.note(f"{month_text(month)}：{said}{rest}")
    if desk.locking == month:
        widgets.note(
            f"确认锁定{month_text(month)}已通过的{passed[month]}件月报？锁定不能撤销，改动只能按更正办理。"
        )
        with st.container(horizontal=True):
            st.button(
                "确认锁定", key="lock-yes", type="primary",
                on_click=desk.ask, args=(LOCK, desk.serial), kwargs={"month": month},
            )  # fmt: skip
            st.button("取消", key="lock-no", on_click=_ask_lock, args=(desk, None))


def _ask_lock(desk: Decisions, month: date | None) -> None:
    desk.locking = month


def _revisions(work: Workplace, scope: Scope) -> None:
    """What accepted corrections did to published figures, as it was shown before they were accepted."""
    units = None if scope.sees_all else frozenset(session.visit().snapshot.units(scope))
    found = filing.revisions(work, units)
    widgets.title("更正记录", "通过更正时对已公布数的影响")
    if not found:
        widgets.note("还没有经审核通过的更正。")
        return
    names = filing.names(work)
    listed = [_revision(one, found, names) for one in found]
    st.html("".join(listed[:FIRST_REVISIONS]))
    if rest := listed[FIRST_REVISIONS:]:
        with st.expander(f"再列出{len(rest)}件"):
            st.html("".join(rest))


def _revision(one: Revision, found: Sequence[Revision], names: dict[str, str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in one.sentences)
    beside = [each.submission_id for each in found if each.recorded_at == one.recorded_at and each is not one]
    together = f"；与编号{'、'.join(map(str, beside))}一并通过，全市的变化是合计" if beside else ""
    return (
        f"<section class='rs-revision'><p><b>{escape(names.get(one.unit_code, one.unit_code))}　"
        f"{month_text(one.month)}第{one.version}版</b>　<span class='rs-quiet'>编号{one.submission_id}，"
        f"{escape(one.actor)}，{one.recorded_at:%Y-%m-%d %H:%M}；原因：{escape(one.reason)}{together}</span></p>"
        f"<ul class='rs-points'>{items}</ul></section>"
    )


draw()
