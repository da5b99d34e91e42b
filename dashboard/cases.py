"""One return before its reviewer: what was sent, what its check said, what it changes, the decision, its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from html import escape

import pandas as pd
import streamlit as st

from dashboard import decisions, findings, returns, tables, widgets
from dashboard.decisions import APPROVE, SEND_BACK, TAKE_UP, Decisions
from dashboard.session import visit
from etl import casefile, filing, periods
from etl.casefile import Case
from etl.intake.finding import EXPLAIN
from etl.ledger.receipts import NotHandedIn
from etl.ledger.review import Waiting
from etl.ledger.submissions import State
from etl.listing import plain
from etl.pipeline import Workplace
from etl.warehouse.effect import Effect
from etl.warehouse.pages import Table
from etl.warehouse.preview import Kind, Preview
from etl.warehouse.scope import NotVisible, Role
from etl.wording import month_text

FIRST_ROWS = 20
MOST_ROWS = 300
# What is a number in a return; the rest is text.
NUMBERS = ("运距公里", "运量吨", "箱数", "车数")


def draw(work: Workplace, desk: Decisions, number: int, found: Sequence[Waiting]) -> None:
    """The whole return. `found`: what waits and the reviewer may see."""
    st.button("返回列表", key="back", on_click=desk.open, args=(None,))
    try:
        case = casefile.case(work, number, desk.scope.counties)
    except (NotHandedIn, NotVisible) as refusal:
        widgets.empty(str(refusal), "请返回列表，选择待审核的月报。")
        return
    one = next((each for each in found if each.submission_id == number), None)
    county_review = work.declared.plan.county_review
    widgets.sentence(_sentence(work, case, one))
    _facts(work, case)
    _rows(case)
    _check(case)
    if one is not None and one.version > 1:
        _changes(work, case)
    if one is not None and decisions.is_mine(one, desk.scope, county_review):
        effect = _effect(work, desk, one)
        _acts(desk, case, one, may_pass=one.version == 1 or effect is not None)
    elif one is not None:
        widgets.note(f"这份月报{decisions.awaits(one, county_review)}，不由当前身份办理。")
    _history(work, desk, case)


def _sentence(work: Workplace, case: Case, one: Waiting | None) -> str:
    sent = case.sent
    what = "零申报" if sent.is_zero else f"{sent.rows}行，运量{plain(sent.tonnes)}吨"
    amended = f"（第{sent.version}版，更正）" if sent.version > 1 else ""
    if one is None:
        stands = f"已{sent.state}" if sent.state in (State.退回, State.通过, State.锁定) else str(sent.state)
    else:
        whose = decisions.awaits(one, work.declared.plan.county_review)
        stands = f"{whose}，{decisions.waited(one, work.today)}"
    return f"{case.name}{month_text(sent.month)}月报{amended}：{what}，{stands}。"


def _facts(work: Workplace, case: Case) -> None:
    sent, plan = case.sent, work.declared.plan
    due_on = periods.due_date(sent.month, plan.due_day, plan.holidays, plan.workdays)
    late = (sent.first_received_on - due_on).days
    first = f"{sent.first_received_on.isoformat()}（{f'迟报{late}天' if late > 0 else '按时'}）"
    facts = [
        ("编号", str(sent.submission_id)),
        ("县区", visit().snapshot.counties.get(case.county_code, case.county_code) or "当月名录中没有"),
        ("首次收到", first),
        ("文件", sent.file_name),
    ]
    if sent.received_on != sent.first_received_on:
        facts.insert(3, ("本次收到", sent.received_on.isoformat()))
    if sent.reason:
        facts.append(("更正原因", sent.reason))
    if sent.sent_back:
        facts.append(("退回原因", sent.sent_back))
    lines = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
    st.html(f"<dl class='rs-unitfacts'>{lines}</dl>")
    returns.papers(work, sent.submission_id, f"{case.name}_{sent.month:%Y-%m}")


# ------------------------------------------------------------------------------- what was sent, what was found


def _rows(case: Case) -> None:
    widgets.title("上报内容", "行号是原文件的行号；▲ 的行有“核实”问题")
    if not case.rows:
        widgets.note("零申报：当月没有运输。")
        return
    headers = [
        name for name in next(iter(case.rows.values())) if any(row[name] for row in case.rows.values())
    ]
    flagged = {one.row for one in case.check.findings if one.severity == EXPLAIN}
    rows = list(case.rows.items())
    st.html(_rows_markup(headers, rows[:FIRST_ROWS], flagged))
    if rest := rows[FIRST_ROWS:MOST_ROWS]:
        more = "，其余请下载查看" if len(rows) > MOST_ROWS else ""
        with st.expander(f"再列出{len(rest)}行{more}"):
            st.html(_rows_markup(headers, rest, flagged))
    frame = pd.DataFrame([[number, *(row[name] for name in headers)] for number, row in rows])
    frame.columns = pd.Index(["行", *headers])
    table, is_demo = Table("上报内容", frame, {}), visit().snapshot.is_demo
    stem = f"{case.name}_{case.sent.month:%Y-%m}_第{case.sent.version}版"
    st.download_button(
        "下载 CSV", data=lambda: tables.csv_bytes(table, is_demo), mime="text/csv", key="rows-csv",
        file_name=tables.file_name(stem, is_demo), type="tertiary", on_click="ignore",
    )  # fmt: skip


def _rows_markup(
    headers: Sequence[str], rows: Iterable[tuple[int, dict[str, str]]], flagged: set[int | None]
) -> str:
    def cell(name: str, text: str) -> str:
        css = " class='rs-number'" if name in NUMBERS else ""
        return f"<td{css}>{escape(text)}</td>"

    body = "".join(
        f"<tr><td class='rs-number'>{'<b class=rs-yellow>▲</b> ' if number in flagged else ''}{number}</td>"
        + "".join(cell(name, row[name]) for name in headers)
        + "</tr>"
        for number, row in rows
    )
    head = "".join(
        f"<th scope='col'{' class=rs-number' if name in ('行', *NUMBERS) else ''}>{escape(name)}</th>"
        for name in ("行", *headers)
    )
    return (
        f"<div class='rs-scroll'><table class='rs-table rs-sent'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _check(case: Case) -> None:
    version = f"规则版本 {case.check.rule_version}" if case.check.rule_version else ""
    widgets.title("校验结果和说明", version)
    groups, said = findings.groups(case.check), case.sent.explanations
    if case.is_shared:
        widgets.note("原文件里还有别的月报；这里只列与这份月报有关的问题。")
    if not groups:
        widgets.note("校验没有发现问题。")
    for group in groups:
        st.html(findings.group_markup(group))
        if group.rule.severity == EXPLAIN:
            text = said.get(group.rule.code, "")
            words = f"填报单位说明：{escape(text)}" if text else "填报单位没有说明。"
            st.html(f"<p class='rs-explained'>{words}</p>")


def _changes(work: Workplace, case: Case) -> None:
    preview = _preview(work, case)
    if preview.previous is None:
        return
    widgets.title(f"与已通过的第{preview.previous}版相比")
    counts = (f"{kind.value}{preview.count(kind)}行" for kind in Kind)
    widgets.note("，".join(counts) + "；原版本保留，可在“各版本”中查看。")
    if preview.rows:
        st.html(findings.changes_markup(preview))


def _preview(work: Workplace, case: Case) -> Preview:
    """Worked out once for a content and a published version: it builds the unit's own figures twice."""
    held = st.session_state.setdefault("case-preview", {})
    key = (visit().snapshot.version, case.sent.submission_id, case.sent.rows_file, case.sent.is_zero)
    if key not in held:
        with st.spinner("正在与已通过的版本比较…"):
            found = casefile.changes(work, case.sent)
        held.clear()
        held[key] = found
    return held[key]


# ------------------------------------------------------------------------------------------ what it would do


def _effect(work: Workplace, desk: Decisions, one: Waiting) -> Effect | None:
    """The effect on published figures: of a correction at once, of a first return where it is asked for."""
    version = visit().snapshot.version
    effect = decisions.known_effect(desk, (one,), version)
    if effect is None and one.version == 1 and not st.button("查看对已公布数的影响", key="effect"):
        return None
    widgets.title("通过后对已公布数的影响", "全市、所在县区和本单位；通过前 → 通过后")
    if effect is None:
        with st.spinner("正在计算通过后的影响，约需几秒…"):
            effect = decisions.work_out_effect(work, desk, (one,), version)
    if effect is None:
        outcome(desk)
        return None
    st.html(effect_markup(effect))
    return effect


def effect_markup(effect: Effect) -> str:
    """Each figure that changes, before → after; how many stay."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in effect.sentences())
    same = sum(not one.is_changed for one in effect.changes)
    rest = f"<p class='rs-quiet'>其余{same}项指标不变。</p>" if same and same < len(effect.changes) else ""
    return f"<ul class='rs-points rs-effect'>{items}</ul>{rest}"


def outcome(desk: Decisions) -> None:
    """What became of the last act."""
    if desk.said:
        st.html(f"<p class='rs-done' role='status'>{escape(desk.said)}</p>")
    if desk.trouble is not None:
        with st.container(key="trouble"):
            widgets.empty(desk.trouble.what, desk.trouble.remedy)


# ---------------------------------------------------------------------------------------------- the decision


def _acts(desk: Decisions, case: Case, one: Waiting, *, may_pass: bool) -> None:
    is_county = desk.scope.role is Role.COUNTY
    number, serial = one.submission_id, desk.serial
    widgets.title("办理")
    opinion = f"opinion-{number}"
    with st.container(key="case-pass"):
        st.text_input("审核意见（可不填，会记入办理经过）", key=opinion)
        with st.container(horizontal=True):
            if one.state is State.已上报:
                st.button("开始审核", key="take-up", on_click=desk.ask, args=(TAKE_UP, serial, (one,)))
            if may_pass:
                st.button(
                    "初审通过" if is_county else "通过", key="approve", type="primary",
                    on_click=partial(_ask_with, desk, APPROVE, serial, one, opinion),
                )  # fmt: skip
    if one.state is State.已上报:
        widgets.note("“开始审核”后填报单位不能再改；直接办理的，办理时即停止修改。")
    key = f"reason-back-{number}"
    st.session_state.setdefault(key, desk.reasons.get(number, ""))
    with st.container(key="case-return"):
        desk.reasons[number] = st.text_area(
            "退回原因（必填；写明“第几行”，填报单位打开时即定位到该行）", key=key, height=80
        )
        _point(case, key)
        st.button("退回", key="send-back", on_click=partial(_ask_with, desk, SEND_BACK, serial, one, key))


def _point(case: Case, key: str) -> None:
    """Choose a row, and its number is written into the reason."""
    numbers = list(case.rows)[:MOST_ROWS]
    if not numbers:
        return

    def write() -> None:
        before = st.session_state[key].rstrip()
        named = f"第{st.session_state[f'{key}-row']}行："
        st.session_state[key] = f"{before}；{named}" if before else named

    with st.container(horizontal=True, vertical_alignment="bottom", key="point"):
        st.selectbox(
            "指出一行", numbers, key=f"{key}-row", format_func=partial(_row_words, case), filter_mode=None
        )
        st.button("写进原因", key="write-row", on_click=write)


def _row_words(case: Case, number: int) -> str:
    row = case.rows[number]
    words = [row.get(name, "") for name in ("货类", "方向", "运输方式")]
    return f"第{number}行　{' '.join(filter(None, words))}　{row.get('运量吨', '')}吨"


def _ask_with(desk: Decisions, act: str, serial: int, one: Waiting, key: str) -> None:
    """Ask for an act with what stands in a text box at the click."""
    desk.ask(act, serial, (one,), st.session_state.get(key, ""))


# ----------------------------------------------------------------------------------------------- its history


def _history(work: Workplace, desk: Decisions, case: Case) -> None:
    sent = case.sent
    widgets.title("办理经过")
    steps = [
        (step.effective_on.isoformat(), f"{step.recorded_at:%Y-%m-%d %H:%M}", str(step.after), step.actor, step.reason)
        for step in filing.history(work, sent.submission_id)
    ]  # fmt: skip
    st.html(_text_table(("日期", "登记时间", "状态", "办理人", "原因或意见"), steps))
    known = filing.versions(work, sent.unit_code, sent.month)
    if len(known) < 2:
        return
    widgets.title("各版本", "原版本的内容都保留")
    lines = [
        (
            f"第{each.version}版" + ("（本页）" if each.submission_id == sent.submission_id else ""),
            str(each.state), "零申报" if each.is_zero else f"{each.rows}行，{plain(each.tonnes)}吨",
            each.received_on.isoformat() if each.received_on else "",
            each.accepted_on.isoformat() if each.accepted_on else "", each.reason,
        )
        for each in known
    ]  # fmt: skip
    st.html(_text_table(("版本", "状态", "内容", "收到", "通过", "更正原因"), lines))
    with st.container(horizontal=True, key="versions"):
        for each in known:
            if each.submission_id != sent.submission_id and each.received_on is not None:
                st.button(
                    f"打开第{each.version}版", key=f"version-{each.submission_id}",
                    on_click=desk.open, args=(each.submission_id,),
                )  # fmt: skip


def _text_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in headers)
    body = "".join(
        "<tr>"
        + "".join(f"<td{'' if place == len(row) - 1 else ' class=rs-nowrap'}>{escape(text)}</td>"
                  for place, text in enumerate(row))
        + "</tr>"
        for row in rows
    )  # fmt: skip
    return (
        f"<div class='rs-scroll'><table class='rs-table rs-steps'><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
