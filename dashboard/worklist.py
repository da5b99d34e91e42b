"""The reviewer's list: what waits, what is marked about it, and what is done with several at once."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import cases, decisions, findings, session, widgets
from dashboard.decisions import APPROVE, TAKE_UP, Decisions
from etl import filing
from etl.intake.fields import FIELD_BY_NAME
from etl.intake.returned import in_general
from etl.intake.rules import BY_CODE
from etl.ledger.review import Waiting
from etl.ledger.submissions import State
from etl.listing import plain
from etl.pipeline import Workplace
from etl.warehouse.scope import Role
from etl.wording import month_text

MOST_LISTED = 60
ALL = session.ALL
OUTSIDE = "名录外"


def draw(work: Workplace, desk: Decisions, found: Sequence[Waiting]) -> None:
    """The list of `found`, oldest first; what the reviewer may decide can be ticked."""
    county_review = work.declared.plan.county_review
    if desk.scope.role is Role.COUNTY and not county_review:
        widgets.note("本市未启用县级初审，月报由市级审核；本页只供查看。")
    if not found:
        widgets.empty("没有待审核的月报。", "填报单位上报后会列在这里；谁还没有报，见“报送进度”。")
        return
    names = filing.names(work)
    chosen = _chosen(found)
    listed = chosen[:MOST_LISTED]
    mine = [one for one in listed if decisions.is_mine(one, desk.scope, county_review)]
    if mine:
        _together(work, desk, mine)
    head = "".join(
        f"<span>{name}</span>" for name in ("编号", "县区", "行", "运量（吨）", "收到", "等待", "状态")
    )
    st.html(f"<div class='rs-waithead' aria-hidden='true'>{head}</div>")
    for one in listed:
        _line(work, desk, one, names.get(one.unit_code, one.unit_code), is_mine=one in mine)
    if len(chosen) > len(listed):
        widgets.note(f"另有{len(chosen) - len(listed)}件未列出，办理后会接着列出；也可按县区或月份选择。")


def _chosen(found: Sequence[Waiting]) -> list[Waiting]:
    """Those of a county and a month, where there are several of them to choose from."""
    counties = session.visit().snapshot.counties
    of_county = {counties.get(one.county_code, one.county_code) or OUTSIDE for one in found}
    of_month = {month_text(one.month): one.month for one in sorted(found, key=lambda one: one.month)}
    county = month = ALL
    with st.container(key="choosers", horizontal=True, gap="small"):
        if len(of_county) > 1:
            in_order = [name for name in (*counties.values(), OUTSIDE) if name in of_county]
            county = _choice("县区", in_order, "review-county")
        if len(of_month) > 1:
            month = _choice("月份", list(of_month), "review-month")
    return [
        one
        for one in found
        if county in (ALL, counties.get(one.county_code, one.county_code) or OUTSIDE)
        and month in (ALL, month_text(one.month))
    ]


def _choice(label: str, words: list[str], key: str) -> str:
    # What is chosen stays, but not where its last return is decided.
    if st.session_state.get(key) not in (ALL, *words):
        st.session_state[key] = ALL
    return st.selectbox(label, [ALL, *words], key=key, filter_mode=None)


def _together(work: Workplace, desk: Decisions, mine: Sequence[Waiting]) -> None:
    """Several at once: those that are ticked; of corrections the effect is shown first."""
    picked = [one for one in mine if one.submission_id in desk.picked]
    version = session.visit().snapshot.version
    amended = decisions.amendments(picked) if desk.scope.role is Role.ANALYST else ()
    effect = decisions.known_effect(desk, amended, version) if amended else None
    with st.container(horizontal=True, key="together", vertical_alignment="center"):
        st.html(f"<p class='rs-picked'>已选{len(picked)}件</p>", width="content")
        is_all = len(picked) == len(mine)
        st.button(
            "全不选" if is_all else "全选", key="pick-all", on_click=_pick, args=(desk, mine, not is_all)
        )
        open_ones = [one for one in picked if one.state is State.已上报]
        st.button(
            "开始审核", key="take-up-picked", disabled=not open_ones,
            on_click=desk.ask, args=(TAKE_UP, desk.serial, open_ones),
        )  # fmt: skip
        if amended and effect is None:
            st.button("查看所选更正的影响", key="effect-picked", on_click=_ask_effect, args=(desk,))
        else:
            st.button(
                "初审通过" if desk.scope.role is Role.COUNTY else "通过", key="approve-picked", type="primary",
                disabled=not picked, on_click=desk.ask, args=(APPROVE, desk.serial, picked),
            )  # fmt: skip
    if not amended:
        return
    if effect is None and desk.asks_effect:
        desk.asks_effect = False
        with st.spinner("正在计算通过后的影响，约需几秒…"):
            decisions.work_out_effect(work, desk, amended, version)
        st.rerun()
    if effect is None:
        widgets.note(f"所选有{len(amended)}件更正，先看对已公布数的影响，再办理通过。")
    else:
        widgets.title("所选更正通过后对已公布数的影响", "通过前 → 通过后")
        st.html(cases.effect_markup(effect))


def _ask_effect(desk: Decisions) -> None:
    desk.asks_effect = True


def _pick_key(desk: Decisions, one: Waiting) -> str:
    return f"pick-{desk.serial}-{one.submission_id}"


def _pick(desk: Decisions, mine: Sequence[Waiting], is_picked: bool) -> None:
    desk.picked = {one.submission_id for one in mine} if is_picked else set()
    for one in mine:
        st.session_state[_pick_key(desk, one)] = is_picked


def _line(work: Workplace, desk: Decisions, one: Waiting, name: str, *, is_mine: bool) -> None:
    """One return: whose and of which month, its facts, its marks, and the way in."""
    counties, number = session.visit().snapshot.counties, one.submission_id
    title = f"{name}　{month_text(one.month)}"
    facts = (
        ("编号", str(number)),
        ("县区", counties.get(one.county_code, one.county_code) or OUTSIDE),
        ("行", "—" if one.is_zero else str(one.rows)),
        ("吨", "零申报" if one.is_zero else plain(one.tonnes) or ""),
        ("收到", f"{one.received_on:%m-%d}"),
        ("等待", f"{(work.today - one.received_on).days}天"),
        ("状态", decisions.awaits(one, work.declared.plan.county_review)),
    )
    cells = "".join(f"<span data-name='{key}'>{escape(text)}</span>" for key, text in facts)
    with st.container(key=f"wait-{number}", horizontal=True, vertical_alignment="center", gap="small"):
        if is_mine:
            key = _pick_key(desk, one)
            st.session_state.setdefault(key, number in desk.picked)
            st.checkbox(title, key=key, on_change=_picked, args=(desk, number, key))
        else:
            st.html(f"<p class='rs-waitname'>{escape(title)}</p>")
        st.html(f"<div class='rs-waitfacts'>{cells}</div>")
        st.button("打开", key=f"open-{number}", type="tertiary", on_click=desk.open, args=(number,))
        if marks := _marks(one):
            st.html(f"<p class='rs-waitmarks'>{marks}</p>")


def _picked(desk: Decisions, number: int, key: str) -> None:
    (desk.picked.add if st.session_state[key] else desk.picked.discard)(number)


def _marks(one: Waiting) -> str:
    """What a reviewer should see before opening: a correction, no unit in the registry, what was explained."""
    marks = []
    if one.version > 1:
        marks.append(f"{findings.state_mark('更正')}　第{one.version}版，原因：{escape(one.reason)}")
    if not one.county_code:
        marks.append("<span class='rs-light rs-red'><i>■</i>当月名录中没有该单位</span>")
    marks += [
        f"{findings.severity_mark('核实')}　{escape(_found(code))}说明：{escape(text)}"
        for code, text in one.explanations.items()
    ]
    return "<br>".join(marks)


def _found(code: str) -> str:
    """What the rule finds, said of its column."""
    rule = BY_CODE[code]
    place = f"“{FIELD_BY_NAME[rule.fields[0]].header}”列" if rule.fields else "有一处"
    return in_general(rule, place)[0]
