"""What a page says while a new version is being built, and after one that failed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from html import escape

import streamlit as st

from dashboard.session import visit
from etl import pipeline
from etl.pipeline import BuildState, Workplace
from etl.roles import Role
from etl.warehouse import publish

LOOK_AGAIN_SECONDS = 1.5
# A build's process is up within a second or two; a request that lies so long has none.
PATIENCE_SECONDS = 30
STAFF = (Role.ANALYST, Role.ADMIN)
RUNNING = "正在生成新的数据版本，完成后本页自动更新。"
FAILED = "最近一次生成没有完成：登记的内容都在，但尚未发布，页面仍显示上一版本。"
NOT_BEGUN = "数据已登记，但生成没有开始，页面仍显示上一版本。请管理员运行 railshift build。"

_SEEN_AT = "build-seen-at"


@dataclass
class _Watch:
    """How often this drawing of the page has looked."""

    looks: int = 0


def notice(work: Workplace) -> None:
    """Say that a new version is being built, and draw the whole page anew once it stands.

    After a build that failed staff read why. Empty: draws nothing where neither is so.
    """
    state = pipeline.build_state(work)
    if _is_at_work(state) or _is_outdated(work):
        _watch(work, _Watch())
        return
    st.session_state.pop(_SEEN_AT, None)
    if state.last_failure is not None and visit().scope.role in STAFF:
        _say(FAILED, state.last_failure.message, "rs-failed")


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _watch(work: Workplace, watch: _Watch) -> None:
    state = pipeline.build_state(work)
    watch.looks += 1
    # Never in the page's own run, which may be about to do what a click has asked for.
    if watch.looks > 1 and not _is_at_work(state):
        st.rerun()
    # Kept over the drawings of the page: clicking about does not make a dead build look alive.
    if state.running_since is not None or _SEEN_AT not in st.session_state:
        st.session_state[_SEEN_AT] = time.monotonic()
    if time.monotonic() - st.session_state[_SEEN_AT] < PATIENCE_SECONDS:
        _say(RUNNING)
    elif visit().scope.role in STAFF:
        _say(NOT_BEGUN, css="rs-failed")


def _is_at_work(state: BuildState) -> bool:
    return state.running_since is not None or state.waiting > 0


def _is_outdated(work: Workplace) -> bool:
    """A version was published since this page began to be drawn."""
    return publish.current_path(work.home) not in (None, visit().snapshot.path)


def _say(what: str, more: str = "", css: str = "") -> None:
    # The message of a failed build may name files and programs: for who mends it, one click away.
    rest = (
        f"<details class='rs-more'><summary>原因和处理</summary><p>{escape(more)}</p></details>"
        if more
        else ""
    )
    st.html(f"<div class='rs-building {css}' role='status'><p>{escape(what)}</p>{rest}</div>")
