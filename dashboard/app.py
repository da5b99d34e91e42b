"""Entry of every rerun: sign-in, navigation, the filter row, then the page.

The filter row is drawn here, before page.run(): a widget that the next page does not draw would lose
its place in the URL on a page switch.
"""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from dashboard import desk, session, signin, widgets
from etl.accounts import Session
from etl.ledger.schema import LedgerUnavailable
from etl.reference import home_folder
from etl.warehouse import reporting, snapshot
from etl.warehouse.scope import NotVisible, Role, Scope

VIEWS = Path(__file__).parent / "views"
SYSTEM = "公转铁监测"
LOG = logging.getLogger("railshift.dashboard")
ENTERPRISE, OVERVIEW, REPORTING, FILING, RULES = "enterprise", "overview", "reporting", "filing", "rules"
REGISTRY, SPURS, OFFICIAL = "registry", "spurs", "official"
REVIEW, TASKS, JOBS, ACCOUNTS = "review", "tasks", "jobs", "accounts"
TITLES = {
    FILING: "填报",
    OVERVIEW: "总览",
    REPORTING: "报送进度",
    REVIEW: "审核",
    "corridors": "通道",
    "enterprises": "企业",
    ENTERPRISE: "单位",
    REGISTRY: "名录",
    SPURS: "专用线台账",
    OFFICIAL: "官方数",
    TASKS: "重点任务",
    JOBS: "作业",
    ACCOUNTS: "账号",
    RULES: "填报规则",
}
# What the filter row leaves out of sight: about one month; about returns, not figures; no 发运 and 到达.
_FILTERS = {
    REPORTING: "monthly",
    REGISTRY: "monthly",
    SPURS: "monthly",
    OFFICIAL: "undirected",
    FILING: "unfiltered",
    RULES: "unfiltered",
    REVIEW: "unfiltered",
    TASKS: "unfiltered",
    JOBS: "unfiltered",
    ACCOUNTS: "unfiltered",
}
_UNITS = {REPORTING, "enterprises", REGISTRY, SPURS}
# An enterprise sees the city's figures and its own page, and files for itself; nobody files for others; a
# department and the railway see no single unit; only who reviews has returns to decide on.
# Accounts are kept by the administrators; whoever reviews may look as one of them.
_CLOSED = {
    Role.ENTERPRISE: {"corridors", OFFICIAL, REVIEW, TASKS, JOBS, ACCOUNTS} | _UNITS,
    Role.DEPARTMENT: {FILING, ENTERPRISE, OFFICIAL, REVIEW, JOBS, ACCOUNTS} | _UNITS,
    Role.RAILWAY: {FILING, ENTERPRISE, REVIEW, TASKS, JOBS, ACCOUNTS} | _UNITS,
    Role.COUNTY: {FILING, OFFICIAL, JOBS, ACCOUNTS},
    Role.LEADER: {FILING, REVIEW, JOBS, ACCOUNTS},
    Role.ADMIN: {FILING, REVIEW},
}


def closed_to(role: Role) -> set[str]:
    """The pages that a role does not open."""
    return _CLOSED.get(role, {FILING})


def run() -> None:
    st.html(widgets.STYLE)
    signed_in = _signed_in()
    if signed_in is None or signed_in.must_change:
        # Every address stays known, or Streamlit would say "Page not found" over the sentence.
        st.navigation(
            [st.Page(_nothing, url_path=name, title=SYSTEM) for name in ("start", *TITLES)], position="hidden"
        )
        widgets.empty("登录已结束。", "请重新登录。")
        st.html(f"<p><a href='{signin.SIGN_IN}'>去登录</a></p>")
        st.stop()
    _forget_another(signed_in)
    scope = signed_in.scope
    closed = closed_to(scope.role)
    views = {name: _page(name, scope, name in closed) for name in TITLES}
    start = st.Page(_nothing, title=SYSTEM, url_path="start", default=True, visibility="hidden")
    chosen = st.navigation([start, *views.values()], position="top")
    st.set_page_config(
        page_title=f"{chosen.title} · {SYSTEM}", layout="wide", initial_sidebar_state="collapsed"
    )
    try:
        current = snapshot.current(home_folder())
    except snapshot.NothingPublished:
        widgets.empty(
            "尚无数据：还没有生成过数据版本。",
            "请在服务器上运行 railshift build（演示数据：railshift demo），然后刷新本页。",
        )
        st.stop()
    choices = current.choices(scope)
    if chosen == start:
        st.switch_page(views[landing(current, scope)])
    head_slot = st.container(key="head")
    # Narrowed sums of many units would be sums of few: who sees no unit narrows the official series only.
    kind = _FILTERS.get(chosen.url_path, "period" if scope.sees_no_unit else "")
    filters = widgets.filter_row(choices, kind)
    is_dark = st.context.theme.type == "dark"
    if is_dark:
        st.html("<i class='rs-dark'></i>")
    session.begin(
        session.Visit(current, scope, signed_in.csrf, choices, filters, is_dark, head_slot, signed_in)
    )
    try:
        if chosen.url_path in closed:
            raise NotVisible(f"“{scope.role.value}”身份不查看“{chosen.title}”页。")
        chosen.run()
    except NotVisible as refusal:
        widgets.plain_head(chosen.title)
        widgets.empty(str(refusal), "请从上方选择其他页面，或退出后以有权限的身份登录。")
    except LedgerUnavailable as refusal:
        widgets.plain_head(chosen.title)
        _no_ledger(refusal)


def _signed_in() -> Session | None:
    """The session, asked of the ledger at each rerun. Empty: None, also where the ledger cannot be asked."""
    try:
        return session.signed_in()
    except LedgerUnavailable as refusal:
        _no_ledger(refusal)
        st.stop()


def _no_ledger(refusal: LedgerUnavailable) -> None:
    """What names a server and its address stands in the log, not on the page."""
    widgets.empty("账本暂时无法打开，暂时不能查看。", "请稍后刷新本页；仍然不行时，请联系系统管理员。")
    LOG.error("%s", refusal)


def _forget_another(signed_in: Session) -> None:
    """What one person has on the page is not left for the next, who signed in behind a page left open."""
    who = (signed_in.session_id, signed_in.scope)
    if st.session_state.setdefault("who", who) != who:
        st.session_state.clear()
        st.session_state["who"] = who


def _page(name: str, scope: Scope, is_closed: bool) -> st.Page:
    own = name == ENTERPRISE and scope.role is Role.ENTERPRISE
    hidden = is_closed or (name == ENTERPRISE and not own)
    title = "本单位" if own else TITLES[name]
    return st.Page(
        VIEWS / f"{name}.py", title=title, url_path=name, visibility="hidden" if hidden else "visible"
    )


def landing(current: snapshot.Snapshot, scope: Scope) -> str:
    """The first page of a visit.

    A clerk begins with what is to be filed; until the due day of the newest month the reviewers see who is
    still missing.
    """
    if scope.role is Role.ENTERPRISE:
        return FILING if desk.has_work(scope) else ENTERPRISE
    if scope.role in (Role.ANALYST, Role.COUNTY, Role.ADMIN):
        newest = current.choices(scope).newest
        if not reporting.read(current, scope, newest).is_past_due:
            return REPORTING
    return OVERVIEW


def _nothing() -> None:
    """The place that `/` is; `run` leads on from it."""


run()
