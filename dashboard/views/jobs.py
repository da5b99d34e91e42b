"""作业: builds, the inbox and reminders: what runs, what ran, when, with what outcome, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from dashboard import building, session, widgets
from dashboard import desk as desks
from etl import inbox, joblog
from etl.inbox import AGAIN, LEFT, LOADED, SET_ASIDE, InboxRunning
from etl.joblog import JobLog
from etl.ledger import jobs
from etl.ledger.jobs import Job, Outcome
from etl.pipeline import Workplace

ALL = "全部"
REMEDIES = {
    jobs.INBOX: "排除后点“立即收件”，或等定时任务再次运行。",
    jobs.REMINDER: "排除后在“报送进度”重新发送。",
}
MOST_JOBS = 50
MOST_NAMES = 5
# A sign that needs no colour, and its css class.
SIGNS = {
    Outcome.RUNNING: ("◐", "none"),
    Outcome.DONE: ("●", "green"),
    Outcome.PARTLY: ("▲", "yellow"),
    Outcome.FAILED: ("■", "red"),
}
FILE_SIGNS = {
    LOADED: ("●", "green"),
    AGAIN: ("○", "none"),
    SET_ASIDE: ("■", "red"),
    LEFT: ("▲", "yellow"),
}


def draw() -> None:
    widgets.plain_head("作业")
    work = desks.workplace()
    kind = _kind_kept()
    log = joblog.read(work, MOST_JOBS, None if kind == ALL else kind)
    widgets.sentence(log.sentence)
    building.notice(work)
    _failures(log)
    _inbox(work)
    _list(log, kind)


def _failures(log: JobLog) -> None:
    """The newest run of inbox and reminders, where it did not go well; of a build building.notice says so."""
    for kind, remedy in REMEDIES.items():
        job = log.newest[kind]
        if job is not None and job.outcome is Outcome.FAILED:
            widgets.empty(f"最近一次{kind}失败：{job.message}", remedy)


# ------------------------------------------------------------------------------------------------- inbox


def _inbox(work: Workplace) -> None:
    """Where files are dropped, what lies there, and the button that takes them now."""
    widgets.title("收件箱", "铁路、各单位放入的文件，按表头认出是哪种表，同一内容只登记一次")
    lies = inbox.dropped(work)
    names = "、".join(lies[:MOST_NAMES]) + (f"等{len(lies)}个" if len(lies) > MOST_NAMES else "")
    st.html(
        f"<p class='rs-note'>文件夹：<code>{escape(str(inbox.folder_of(work)))}</code>　"
        f"{f'待收：{escape(names)}' if lies else '现在没有待收的文件'}</p>"
        "<p class='rs-note'>由定时任务（如每10分钟一次）运行 <code>railshift inbox</code> 收件；"
        "同时只运行一次，未受理的移入 <code>refused</code>，旁边是它的问题报告。</p>"
    )

    def take() -> None:
        st.session_state["inbox-said"] = _run(work)

    st.button("立即收件", key="inbox-run", on_click=take)
    said, css = st.session_state.get("inbox-said", ("", ""))
    if said:
        st.html(f"<p class='{css}' role='status'>{escape(said)}</p>")


def _run(work: Workplace) -> tuple[str, str]:
    """Take what lies there; what became of it in words, and whether all of it went well as a css class."""
    try:
        done = inbox.run(work, by=session.visit().scope.actor)
    except InboxRunning as refusal:
        return str(refusal), "rs-obstacle"
    still = f"还在写入的{len(done.being_written)}个，下次再收。" if done.being_written else ""
    css = "rs-done" if done.outcome is Outcome.DONE else "rs-obstacle"
    return f"{done.message()}{still}", css


# -------------------------------------------------------------------------------------------------- list


def _kind_kept() -> str:
    """The kind that is looked at; a widget's own state is gone once its page was left."""
    kept = st.session_state.get("jobs-kind", st.session_state.get("kept-jobs-kind", ALL))
    st.session_state["jobs-kind"] = st.session_state["kept-jobs-kind"] = kept
    return kept


def _list(log: JobLog, kind: str) -> None:
    widgets.title("作业记录", f"最近{MOST_JOBS}次，新的在前")
    with st.container(key="choosers", horizontal=True, gap="small"):
        st.selectbox("类别", [ALL, *joblog.KINDS], key="jobs-kind", filter_mode=None)
    if not log.runs:
        widgets.empty(
            f"还没有{'作业' if kind == ALL else kind}记录。",
            "通过审核、登记台账、收件和发送催报后，这里会列出每一次的结果。",
        )
        return
    body = "".join(map(_row, log.runs))
    st.html(
        "<div class='rs-scroll'><table class='rs-table rs-lines rs-jobs'><thead><tr><th scope='col'>类别</th>"
        "<th scope='col'>由谁</th><th scope='col'>开始</th><th scope='col' class='rs-number'>用时</th>"
        f"<th scope='col'>结果</th><th scope='col'>说明</th></tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(job: Job) -> str:
    sign, css = SIGNS[job.outcome]
    return (
        f"<tr><td class='rs-nowrap'>{escape(job.kind)}</td>"
        f"<td class='rs-nowrap' data-name='由谁'>{escape(job.actor)}</td>"
        f"<td class='rs-nowrap' data-name='开始'>{job.started_at:%Y-%m-%d %H:%M}</td>"
        f"<td class='rs-number' data-name='用时'>{_took(job)}</td>"
        f"<td data-name='结果'><span class='rs-light rs-{css}'><i>{sign}</i>{job.outcome}</span></td>"
        f"<td data-name='说明'>{escape(job.message)}{_files(job.detail.get('files', ()))}</td></tr>"
    )


def _took(job: Job) -> str:
    if job.ended_at is None:
        return "—"
    seconds = max(round((job.ended_at - job.started_at).total_seconds()), 0)
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}分{rest}秒" if minutes else f"{rest}秒" if rest else "不到1秒"


def _files(files: Sequence[Mapping[str, str]]) -> str:
    """What became of each file of a run, folded."""
    if not files:
        return ""
    items = "".join(_file(one) for one in files)
    return (
        f"<details class='rs-more'><summary>{len(files)}个文件</summary>"
        f"<ul class='rs-files'>{items}</ul></details>"
    )


def _file(one: Mapping[str, str]) -> str:
    sign, css = FILE_SIGNS.get(one["outcome"], ("○", "none"))
    kind = f"（{escape(one['kind'])}）" if one["kind"] else ""
    return (
        f"<li><span class='rs-light rs-{css}'><i>{sign}</i>{escape(one['outcome'])}</span> "
        f"<b>{escape(one['name'])}</b> {kind}{escape(one['message'])}</li>"
    )


draw()
