"""重点任务: the plan's measures with the tasks under each, the problems and who is to act, projects, promises."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd
import streamlit as st

from dashboard import desk as desks
from dashboard import entry, session, widgets
from etl import registers, tasks
from etl.ledger.schema import LedgerUnavailable
from etl.pipeline import Workplace
from etl.reference import Measure
from etl.roles import Actor, NotAllowed, Role
from etl.tasks import Board, Commitment, MeasureTasks, NotClosed, Problem, Task
from etl.warehouse.pages import Table
from etl.wording import NONE, month_text, number, wan

ALL = "全部"
ONLY_OVERDUE = "只看逾期"
# A sign that needs no colour, and its css class.
SIGNS = {
    tasks.DONE: ("●", "green"),
    tasks.RUNNING: ("◐", "none"),
    tasks.NOT_BEGUN: ("○", "none"),
    tasks.HELD: ("‖", "none"),
    tasks.CLOSED: ("●", "green"),
    tasks.OPEN: ("○", "none"),
}
TABLES = ("tasks", "problems", "projects", "commitments", "bills")


def draw() -> None:
    scope = session.visit().scope
    work = desks.workplace()
    widgets.plain_head("重点任务", (f"今天 {work.today.isoformat()}",))
    # Read once without the choosers, which offer what there is, also where nothing of it is chosen.
    with st.container(key="choosers", horizontal=True, gap="small"):
        filters = _filters(work, tasks.read(work, scope).departments)
    board = tasks.read(work, scope, **filters)
    widgets.sentence(board.sentence)
    names = work.declared.county_names
    if scope.role is Role.DEPARTMENT:
        _own(board, names, scope.label)
    widgets.title("任务", "按方案措施排列；逾期：过了完成时限还没有完成，暂缓的不计，当天不算")
    _measures(board)
    widgets.title("问题清单", "未销号的在前，逾期久的在前")
    _problems(board.problems, names)
    _closing(work, board)
    left, right = st.columns([3, 2], gap="large")
    with left:
        widgets.title(registers.TITLES["projects"], "措施（五）：涉及大宗物料运输的，原则上不得采用公路运输")
        widgets.note(board.projects_sentence)
        if board.projects:
            widgets.whole_table(entry.shown(work, "projects", board.projects))
    with right:
        _commitments(board.commitments)
        _bills(board)
    entry.maintain(*TABLES)


# ------------------------------------------------------------------------------------------------ filters


def _filters(work: Workplace, departments: Sequence[str]) -> dict:
    clauses = {one.clause: f"{one.clause}{one.title}" for one in work.declared.measures}
    scope = session.visit().scope
    counties = {
        code: name
        for code, name in work.declared.county_names.items()
        if scope.counties is None or code in scope.counties
    }
    return {
        "measure": _chosen("措施", "measure", clauses),
        "department": _chosen("责任单位", "department", dict.fromkeys(departments, "")),
        "county": _chosen("县区", "county", counties),
        "only_overdue": _chosen("范围", "overdue", {ONLY_OVERDUE: ""}) == ONLY_OVERDUE,
    }


def _chosen(label: str, name: str, words: Mapping[str, str]) -> str:
    """One of the words, by what it is called, or '' for all of them; kept while another page is looked at."""
    key, kept = f"tasks-{name}", f"kept-tasks-{name}"
    before = st.session_state.get(key, st.session_state.get(kept, ""))
    st.session_state[key] = before if before in words else ""
    chosen = st.selectbox(
        label,
        ["", *words],
        format_func=lambda word: words.get(word) or word or ALL,
        key=key,
        filter_mode=None,
    )
    st.session_state[kept] = chosen
    return chosen


# -------------------------------------------------------------------------------------------------- tasks


def _own(board: Board, counties: Mapping[str, str], label: str) -> None:
    """What a department has to do, before all else."""
    widgets.title(f"{label}负责的任务和问题")
    mine = [task for task in board.tasks if task.code in board.own]
    problems = [one for one in board.problems if one.code in board.own]
    if not mine and not problems:
        widgets.note("没有由本单位负责的任务和问题。")
    if mine:
        _task_table(_task_row(task, with_measure=True) for task in mine)
    if problems:
        _problems(problems, counties)


def _measures(board: Board) -> None:
    if not board.measures:
        widgets.empty("没有符合筛选条件的任务。", "请放宽上方的筛选条件。")
        return
    _task_table(_measure_rows(block) for block in board.measures)


def _task_table(rows: Iterable[str]) -> None:
    heads = "".join(
        f"<th scope='col'>{name}</th>"
        for name in ("任务", "节点", "完成时限", "责任单位", "进度", "状态", "进展")
    )
    body = "".join(rows)
    st.html(
        f"<div class='rs-scroll'><table class='rs-table rs-lines rs-tasks'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _measure_rows(block: MeasureTasks) -> str:
    one = block.measure
    count = f"{len(block.tasks)}项" if block.tasks else "尚无任务"
    head = (
        f"<tr class='rs-measure'><th scope='colgroup' colspan='7'><b>{one.clause}{escape(one.title)}</b>"
        f"<span>{escape(_who(one))}</span><span>{count}</span></th></tr>"
    )
    return head + "".join(map(_task_row, block.tasks))


def _who(one: Measure) -> str:
    """Who leads and who supports, as the plan prints it."""
    leads = "、".join(one.departments)
    more = "等" if one.printed_etc else ""
    if not one.supporting:
        return f"{leads}{more}{one.role}"
    return f"{leads}{one.role}，{'、'.join(one.supporting)}{more}配合"


def _task_row(one: Task, *, with_measure: bool = False) -> str:
    measure = f"<small>{one.measure}</small>" if with_measure else ""
    supporting = f"<small>配合：{escape(one.supporting)}</small>" if one.supporting else ""
    return (
        f"<tr><td data-name='任务'>{measure}{escape(one.task)}<small>{escape(one.code)}</small></td>"
        f"<td data-name='节点'>{escape(one.node)}</td>"
        f"<td data-name='完成时限'>{_due(one)}</td>"
        f"<td data-name='责任单位'>{escape(one.responsible)}{supporting}</td>"
        f"<td data-name='进度'>{_progress(one)}</td><td data-name='状态'>{_sign(one.state)}</td>"
        f"<td data-name='进展'>{escape(one.note)}</td></tr>"
    )


def _due(one: Task | Problem) -> str:
    late = f" <span class='rs-light rs-red'><i>■</i>逾期{one.overdue}天</span>" if one.overdue else ""
    return f"<span class='rs-nowrap'>{one.due_on.isoformat() if one.due_on else NONE}</span>{late}"


def _sign(state: str) -> str:
    sign, css = SIGNS[state]
    return f"<span class='rs-light rs-{css}'><i>{sign}</i>{state}</span>"


def _progress(one: Task) -> str:
    if one.progress is None:
        return NONE
    said = f"{number(one.progress)}%"
    return (
        f"<span class='rs-progress' role='img' aria-label='进度{said}'>"
        f"<i style='width:{number(one.progress)}%'></i></span>{said}"
    )


# ----------------------------------------------------------------------------------------------- problems


def _problems(problems: Sequence[Problem], counties: Mapping[str, str]) -> None:
    if not problems:
        widgets.note("没有问题。")
        return
    heads = "".join(
        f"<th scope='col'>{name}</th>"
        for name in ("问题", "县区", "责任单位", "提出日期", "整改时限", "状态", "销号")
    )
    body = "".join(_problem_row(one, counties) for one in problems)
    st.html(
        f"<div class='rs-scroll'><table class='rs-table rs-lines rs-problems'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _problem_row(one: Problem, counties: Mapping[str, str]) -> str:
    about = "　".join(part for part in (one.code, one.measure, one.task_code) if part)
    closed = f"{one.closed_on.isoformat()}<small>{escape(one.closing_basis)}</small>" if one.closed_on else ""
    return (
        f"<tr><td data-name='问题'>{escape(one.problem)}<small>{escape(about)}</small></td>"
        f"<td data-name='县区'>{escape(counties.get(one.county_code, '全市'))}</td>"
        f"<td data-name='责任单位'>{escape(one.responsible)}</td>"
        f"<td data-name='提出日期' class='rs-nowrap'>{one.raised_on.isoformat()}</td>"
        f"<td data-name='整改时限'>{_due(one)}</td><td data-name='状态'>{_sign(one.state)}</td>"
        f"<td data-name='销号'>{closed}</td></tr>"
    )


def _closing(work: Workplace, board: Board) -> None:
    """销号, for whoever has an open problem; what was typed stays where it was refused."""
    said = st.session_state.get("closing-said", "")
    if said:
        st.html(f"<p class='rs-done' role='status'>{escape(said)}</p>")
    if not board.may_close:
        return
    labels = {one.code: f"{one.code}　{one.problem}（{one.responsible}）" for one in board.may_close}
    serial = st.session_state.setdefault("closing-serial", 0)

    def close() -> None:
        given = st.session_state
        given["closing-said"], given["closing-refused"] = "", ""
        code = given[f"closing-code-{serial}"]
        try:
            tasks.close_problem(
                work,
                code,
                given[f"closing-day-{serial}"],
                given[f"closing-basis-{serial}"],
                Actor.of(session.visit().scope),
            )
        except (NotClosed, NotAllowed, LedgerUnavailable) as refusal:
            given["closing-refused"] = str(refusal)
            return
        given["closing-said"], given["closing-serial"] = f"问题{code}已销号。", serial + 1

    with st.expander("销号", key="closing"):
        with st.container(key="closing-form"):
            st.selectbox(
                "问题",
                list(labels),
                format_func=labels.__getitem__,
                key=f"closing-code-{serial}",
                filter_mode=None,
            )
            st.text_input("销号日期", work.today.isoformat(), key=f"closing-day-{serial}", autocomplete="off")
            st.text_area("销号依据（必填，如批复文号、验收记录）", key=f"closing-basis-{serial}", height=80)
            # A second click still has the first one's number and does nothing.
            st.button("确认销号", key=f"close-{serial}", type="primary", on_click=close)
        if refused := st.session_state.get("closing-refused"):
            st.html(f"<p class='rs-fielderror' role='alert'>没有销号：{escape(refused)}</p>")


# ------------------------------------------------------------------------------------ promises and waybills


def _commitments(promises: Sequence[Commitment] | None) -> None:
    if promises is None:
        return
    widgets.title(registers.TITLES["commitments"], "承诺运量：万吨")
    if not promises:
        widgets.note("没有登记的承诺。")
        return
    body = "".join(_commitment_row(one) for one in promises)
    st.html(
        "<div class='rs-scroll'><table class='rs-table rs-promises'><thead><tr><th scope='col'>单位</th>"
        "<th scope='col'>承诺</th><th scope='col' class='rs-number'>运量</th><th scope='col'>兑现期限</th>"
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _commitment_row(one: Commitment) -> str:
    link = escape(session.address("enterprise", unit=one.unit_code))
    left = f"还有{one.days_left}天" if one.days_left > 0 else "今天到期" if not one.days_left else "已到期"
    return (
        f"<tr><td><a href='{link}'>{escape(one.name)}</a></td>"
        f"<td>{escape(one.measure)}<small>{one.promised_on.isoformat()}承诺　{escape(one.basis)}</small></td>"
        f"<td class='rs-number'>{wan(one.tonnes)}</td>"
        f"<td class='rs-nowrap'>{one.due_on.isoformat()}<small>{left}</small></td></tr>"
    )


def _bills(board: Board) -> None:
    name = registers.TITLES["bills"]
    if not board.bills:
        widgets.title(name)
        widgets.note("没有登记的运单。")
        return
    rows = [[month_text(one.month), one.operators, one.waybills, one.boxes] for one in board.bills]
    columns = ["月份", "运营主体家数", "运单票数", "箱数"]
    table = Table(name, pd.DataFrame(rows, columns=columns, dtype=object), dict.fromkeys(columns[1:], 0))
    widgets.titled_table(table, "多式联运“一单制”运单票数和箱数，新的在前")


draw()
