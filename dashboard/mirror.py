"""站企核对: where a return and the station's list of the same month differ, and what each side says to it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import desk, session, widgets
from etl import filing, mirror
from etl.ledger.mirror import Difference, Matter
from etl.mirror import SIDES, NoSuchDifference
from etl.pipeline import Workplace
from etl.roles import Actor, NotAllowed, Role
from etl.warehouse.scope import Scope
from etl.wording import month_text, number

TITLE = "站企核对"
# A sign that needs no colour, and its css class.
SIGNS = {Matter.OPEN: ("■", "red"), Matter.EXPLAINED: ("▲", "yellow"), Matter.AGREED: ("●", "green")}


def draw() -> None:
    """The section at the end of a page, for whom a difference concerns. Empty: nothing for other roles."""
    scope = session.visit().scope
    if scope.role not in SIDES:
        return
    section(desk.workplace(), scope)


def section(work: Workplace, scope: Scope) -> None:
    """Draw the differences that the scope may see, with a form for whom they concern.

    Empty: draws nothing for an enterprise without an open one, else one sentence.
    """
    found = mirror.differences(work, scope)
    waiting = [one for one in found if one.state is not Matter.AGREED]
    said = st.session_state.get("mirror-said", "")
    is_clerk = scope.role is Role.ENTERPRISE
    if is_clerk and not said and not any(one.state is Matter.OPEN for one in found):
        return
    names = filing.names(work)
    with st.container(key="mirror"):
        widgets.title(TITLE, "月报的铁路发运与车站清单，同月、同站、同货类；运量单位：吨")
        widgets.note(_sentence(found))
        if said:
            st.html(f"<p class='rs-done' role='status'>{escape(said)}</p>")
        if found:
            _table(waiting if is_clerk else found, names, is_clerk=is_clerk)
        if waiting and scope.role in SIDES:
            _form(work, scope, waiting, names)


def _sentence(found: Sequence[Difference]) -> str:
    if not found:
        return "没有核对事项：车站清单与月报在容差以内一致，或者还没有清单。"
    counts = {state: sum(one.state is state for one in found) for state in Matter}
    listed = "，".join(f"{state}{count}项" for state, count in counts.items() if count)
    return f"车站清单与月报相差超出容差的共{len(found)}项：{listed}。写明原因后即为已说明；运量再有变动的重新核对。"


def _table(found: Sequence[Difference], names: dict[str, str], *, is_clerk: bool) -> None:
    body = "".join(_row(one, names, is_clerk=is_clerk) for one in found)
    whose = "" if is_clerk else "<th scope='col'>单位</th>"
    st.html(
        "<div class='rs-scroll'><table class='rs-table rs-lines rs-mirror'><thead><tr><th scope='col'>月份</th>"
        f"{whose}<th scope='col'>车站</th><th scope='col'>货类</th><th scope='col' class='rs-number'>月报</th>"
        "<th scope='col' class='rs-number'>清单</th><th scope='col' class='rs-number'>月报多</th>"
        f"<th scope='col'>状态</th><th scope='col'>说明</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(one: Difference, names: dict[str, str], *, is_clerk: bool) -> str:
    sign, css = SIGNS[one.state]
    notes = "".join(
        f"<li><b>{escape(note.side)}</b>{escape(note.text)}"
        f"<small>{escape(note.actor)}，{note.recorded_at:%Y-%m-%d}</small></li>"
        for note in one.notes
    )
    whose = "" if is_clerk else f"<td data-name='单位'>{escape(_name(one, names))}</td>"
    notes = f"<ul class='rs-notes'>{notes}</ul>" if notes else ""
    return (
        f"<tr><td class='rs-nowrap'>{month_text(one.month)}</td>{whose}"
        f"<td class='rs-nowrap' data-name='车站'>{escape(one.station)}</td>"
        f"<td class='rs-nowrap' data-name='货类'>{escape(one.commodity)}</td>"
        f"<td class='rs-number' data-name='月报'>{number(one.unit_tonnes)}</td>"
        f"<td class='rs-number' data-name='清单'>{number(one.station_tonnes)}</td>"
        f"<td class='rs-number' data-name='月报多'>{number(one.excess)}</td>"
        f"<td data-name='状态'><span class='rs-light rs-{css}'><i>{sign}</i>{one.state}</span></td>"
        f"<td data-name='说明'>{notes}</td></tr>"
    )


def _name(one: Difference, names: dict[str, str]) -> str:
    return names.get(one.party, one.party)


def _form(work: Workplace, scope: Scope, waiting: Sequence[Difference], names: dict[str, str]) -> None:
    """A side says why; what was typed stays where it was refused."""
    labels = {
        one.mirror_id: f"{month_text(one.month)} {_name(one, names)} {one.station} {one.commodity}（{one.state}）"
        for one in waiting
    }
    if st.session_state.get("mirror-which") not in labels:
        st.session_state["mirror-which"] = next(iter(labels))
    # The text is kept under the session's own name: a widget's is gone once its page was left.
    serial = st.session_state.setdefault("mirror-serial", 0)
    key = f"mirror-text-{serial}"
    if key not in st.session_state:
        st.session_state[key] = st.session_state.get("mirror-typed", "")

    def explain() -> None:
        text = st.session_state[key]
        st.session_state["mirror-typed"] = text
        st.session_state["mirror-said"] = st.session_state["mirror-refused"] = ""
        try:
            mirror.explain(work, st.session_state["mirror-which"], text, Actor.of(scope))
        except (NoSuchDifference, NotAllowed) as refusal:
            st.session_state["mirror-refused"] = str(refusal)
            return
        st.session_state["mirror-said"] = "已记下说明，对方和审核人都能看到。"
        st.session_state["mirror-typed"] = ""
        st.session_state["mirror-serial"] = serial + 1

    # A clerk's first business is the return.
    is_folded = scope.role is Role.ENTERPRISE
    with (
        st.expander("说明差异的原因", expanded=not is_folded, key="mirror-fold"),
        st.container(key="mirror-form"),
    ):
        st.selectbox(
            "核对事项", list(labels), format_func=labels.__getitem__, key="mirror-which", filter_mode=None
        )
        st.session_state["mirror-typed"] = st.text_area(f"{SIDES[scope.role]}方的说明", key=key, height=80)
        # A second click still has the first one's number and does nothing.
        st.button("提交说明", key=f"mirror-explain-{serial}", on_click=explain)
        if refused := st.session_state.get("mirror-refused"):
            st.html(f"<p class='rs-fielderror' role='alert'>说明没有提交：{escape(refused)}</p>")
